//! A model on disk: a folder with `model.json` and `weights.safetensors`, read strictly.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::tensor_file::{self, MAX_WEIGHTS_BYTES, io, printable, read, replace};
use crate::model::{LstmConfig, ModelError, Parameters};
use crate::music::pitch::Pitch;
use crate::music::token::{DURATIONS, Token, VOCABULARY};

/// The generation of the folder's layout.
pub const FORMAT: u32 = 1;
/// The name of the alphabet that [`Token`] spells.
pub const ALPHABET: &str = "duet-256";
/// The recipes whose models speak in names and are not for live playing.
pub const NAMES_RECIPES: [&str; 2] = ["jazz", "rock"];
/// The file with the description.
pub const MANIFEST_FILE: &str = "model.json";
/// The file with the numbers.
pub const WEIGHTS_FILE: &str = "weights.safetensors";

/// The most styles of a model: one number more can be told, which is then that of none.
pub const MAX_STYLES: usize = 63;
/// The most characters of a style's name.
pub const MAX_STYLE_NAME: usize = 32;

const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// What `model.json` says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// What the model was trained to do, such as `duet`.
    pub recipe: String,
    /// The version of Sideman that wrote it.
    pub sideman: String,
    /// The shape.
    pub config: LstmConfig,
    /// What its tokens mean.
    pub vocabulary: Vocabulary,
    /// How notes became tokens, in words.
    pub tokenizer: String,
    /// The styles that it can be told, one more feature each; the first is number 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub styles: Vec<String>,
    /// The style that it plays in unless told another, counted from 1; 0 is none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub home_style: usize,
    /// What is usual in each style, where the model can be asked for it: first that of no style.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usual: Vec<Usual>,
    /// The hash of the model that its training began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it was trained on.
    pub corpus: Corpus,
    /// The seed of everything random in its training.
    pub seed: u64,
    /// Steps of training that made it.
    pub steps: u64,
    /// Measurements by name, such as `nats_per_note`.
    pub metrics: BTreeMap<String, f64>,
}

/// What the parts of a style are like on average: what the machine is asked for where nothing else is asked.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// Notes per beat of an accompaniment, in the bars in which it plays.
    pub density: f32,
    /// The same of all parts together, as of one who plays alone.
    pub density_alone: f32,
    /// The mean MIDI velocity of an accompaniment; none where nobody played it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<f32>,
}

/// The identity of an alphabet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// Its name.
    pub name: String,
    /// Tokens in it.
    pub size: usize,
    /// BLAKE3 of the meaning of every token, in hex.
    pub hash: String,
}

/// What a model was trained on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// Pieces that were trained on.
    pub train_pieces: usize,
    /// Pieces held out to choose the best checkpoint.
    pub valid_pieces: usize,
    /// Notes in the pieces trained on.
    pub train_notes: usize,
    /// BLAKE3 of the pieces' own hashes, in hex.
    pub hash: String,
    /// Where the pieces came from.
    pub sources: Vec<Source>,
}

/// A set of pieces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The set's name.
    pub name: String,
    /// Its licence, in words.
    pub licence: String,
    /// Where it can be had, if known.
    #[serde(default)]
    pub url: String,
}

/// Whether a style may be called so: letters, digits, `-` and `_`; no number, and none of the words by which no style
/// or the model's own is asked for.
pub fn is_style_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=MAX_STYLE_NAME).contains(&name.len())
        && name.chars().all(fits)
        && !name.chars().all(|c| c.is_ascii_digit())
        && !["any", "none", "own"].iter().any(|word| name.eq_ignore_ascii_case(word))
}

impl Vocabulary {
    /// The alphabet of this Sideman.
    pub fn duet() -> Self {
        let mut hasher = blake3::Hasher::new();
        for id in 0..VOCABULARY as u16 {
            let meaning = match Token::from_id(id) {
                Some(Token::Shift(ticks)) => format!("{id} shift {ticks}/12 beat\n"),
                Some(Token::Player(pitch)) => format!("{id} player {}\n", midi(pitch)),
                Some(Token::Machine(pitch)) => format!("{id} machine {}\n", midi(pitch)),
                Some(Token::Velocity(bin)) => format!("{id} velocity {bin}/8\n"),
                Some(Token::Duration(index)) => {
                    format!("{id} duration {}/12 beat\n", DURATIONS[usize::from(index)])
                }
                None => continue,
            };
            hasher.update(meaning.as_bytes());
        }
        let hash = hasher.finalize().to_hex().to_string();
        Self { name: ALPHABET.to_owned(), size: VOCABULARY, hash }
    }
}

const fn midi(pitch: Pitch) -> u8 {
    pitch.number()
}

/// A model as it is kept: description and numbers.
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoint {
    /// The description.
    pub manifest: Manifest,
    /// The numbers.
    pub parameters: Parameters,
}

impl Checkpoint {
    /// Reads a model folder.
    ///
    /// # Errors
    /// Whatever is wrong with it, in one line. No file makes it panic or allocate more than a model's worth.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let manifest = read(&folder.join(MANIFEST_FILE), MANIFEST_FILE, MAX_MANIFEST_BYTES)?;
        let weights = read(&folder.join(WEIGHTS_FILE), WEIGHTS_FILE, MAX_WEIGHTS_BYTES)?;
        Self::from_bytes(&manifest, &weights)
    }

    /// Reads a model from the contents of its two files.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_bytes(manifest: &[u8], weights: &[u8]) -> Result<Self, ModelError> {
        let manifest: Manifest = read_manifest(manifest)?;
        let parameters = read_weights(manifest.config, weights)?;
        Ok(Self { manifest, parameters })
    }

    /// Writes the folder, each file first under another name, so that a reader never sees half of one.
    ///
    /// # Errors
    /// [`ModelError::Io`] when a file can't be written.
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        fs::create_dir_all(folder).map_err(io(folder))?;
        let (manifest, weights) = self.to_bytes()?;
        replace(&folder.join(WEIGHTS_FILE), &weights)?;
        replace(&folder.join(MANIFEST_FILE), &manifest)
    }

    /// The contents of the two files: `model.json`, `weights.safetensors`.
    ///
    /// # Errors
    /// [`ModelError::Json`] or [`ModelError::Weights`] when a number can't be written.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, Vec<u8>), ModelError> {
        let mut json = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|e| ModelError::Json(e.to_string()))?;
        json.push(b'\n');
        let specs = self.parameters.config().tensors();
        let weights = tensor_file::write_tensors(specs, self.parameters.values())?;
        Ok((json, weights))
    }

    /// BLAKE3 of shape and numbers, in hex: the same for the same playing.
    pub fn hash(&self) -> String {
        tensor_file::hash(&self.parameters.config().tensors(), self.parameters.values())
    }
}

fn read_manifest(json: &[u8]) -> Result<Manifest, ModelError> {
    /// The only fields whose place is the same in every format.
    #[derive(Deserialize)]
    struct Format {
        format: u32,
        #[serde(default)]
        recipe: String,
    }
    if json.len() as u64 > MAX_MANIFEST_BYTES {
        let (bytes, limit) = (json.len() as u64, MAX_MANIFEST_BYTES);
        return Err(ModelError::TooLarge { what: MANIFEST_FILE, bytes, limit });
    }
    let wrong = |e: serde_json::Error| ModelError::Json(e.to_string());
    let Format { format, recipe } = serde_json::from_slice(json).map_err(wrong)?;
    if NAMES_RECIPES.contains(&recipe.as_str()) {
        return Err(ModelError::NotLive(recipe));
    }
    if format != FORMAT {
        return Err(ModelError::Format { got: format, want: FORMAT });
    }
    let manifest: Manifest = serde_json::from_slice(json).map_err(wrong)?;
    manifest.config.validate()?;
    check_styles(&manifest)?;
    let ours = Vocabulary::duet();
    let theirs = &manifest.vocabulary;
    for (what, got, want) in [
        ("vocabulary", theirs.name.clone(), ours.name),
        ("vocabulary size", theirs.size.to_string(), ours.size.to_string()),
        ("vocabulary hash", theirs.hash.clone(), ours.hash),
        ("output size", manifest.config.vocabulary.to_string(), VOCABULARY.to_string()),
    ] {
        if got != want {
            let got = printable(&got);
            return Err(ModelError::Vocabulary { what, got, want });
        }
    }
    Ok(manifest)
}

impl Manifest {
    /// The number of the style of this name, upper or lower case, counted from 1.
    ///
    /// # Errors
    /// Which styles there are, where this is none.
    pub fn style(&self, name: &str) -> Result<usize, String> {
        let place = self.styles.iter().position(|s| s.eq_ignore_ascii_case(name));
        place.map(|i| i + 1).ok_or_else(|| match &self.styles[..] {
            [] => "the model learnt no styles apart".to_owned(),
            styles => format!("the model knows {}", styles.join(", ")),
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_none(style: &usize) -> bool {
    *style == 0
}

fn check_styles(manifest: &Manifest) -> Result<(), ModelError> {
    let styles = &manifest.styles;
    let (value, high) = (styles.len(), MAX_STYLES.min(manifest.config.features));
    if value > high {
        return Err(ModelError::Size { field: "styles", value, low: 0, high });
    }
    let value = manifest.home_style;
    if value > styles.len() {
        return Err(ModelError::Size { field: "home_style", value, low: 0, high: styles.len() });
    }
    let (value, want) = (manifest.usual.len(), styles.len() + 1);
    if value != 0 && value != want {
        return Err(ModelError::Size { field: "usual", value, low: want, high: want });
    }
    let sane = |x: f32, most: f32| (0.0..=most).contains(&x);
    let is_sane = |u: &Usual| {
        sane(u.density, 100.0)
            && sane(u.density_alone, 100.0)
            && u.loudness.is_none_or(|l| sane(l, 127.0))
    };
    if !manifest.usual.iter().all(is_sane) {
        let text = "what is usual: a density is from 0 to 100, a loudness from 0 to 127";
        return Err(ModelError::Json(text.to_owned()));
    }
    for (i, name) in styles.iter().enumerate() {
        if !is_style_name(name) || styles[..i].contains(name) {
            let name: String = name.chars().take(80).filter(|c| !c.is_control()).collect();
            return Err(ModelError::Json(format!(
                "'{name}' is no name of a style, or is there twice"
            )));
        }
    }
    Ok(())
}

fn read_weights(config: LstmConfig, bytes: &[u8]) -> Result<Parameters, ModelError> {
    Parameters::from_values(config, tensor_file::read_tensors(&config.tensors(), bytes)?)
}

#[cfg(test)]
mod tests;
