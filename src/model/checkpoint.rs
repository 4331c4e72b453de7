//! A model on disk: a folder with `model.json` and `weights.safetensors`, read strictly.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::model::config::MAX_PARAMETERS;
use crate::model::{LstmConfig, ModelError, Parameters};
use crate::music::pitch::Pitch;
use crate::music::token::{DURATIONS, Token, VOCABULARY};

/// The generation of the folder's layout.
pub const FORMAT: u32 = 1;
/// The name of the alphabet that [`Token`] spells.
pub const ALPHABET: &str = "duet-256";
/// The file with the description.
pub const MANIFEST_FILE: &str = "model.json";
/// The file with the numbers.
pub const WEIGHTS_FILE: &str = "weights.safetensors";

const MAX_MANIFEST_BYTES: u64 = 1 << 20;
const MAX_HEADER_BYTES: u64 = 1 << 20;
const MAX_WEIGHTS_BYTES: u64 = 4 * MAX_PARAMETERS as u64 + 8 + MAX_HEADER_BYTES;

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
    /// What it was trained on.
    pub corpus: Corpus,
    /// The seed of everything random in its training.
    pub seed: u64,
    /// Steps of training that made it.
    pub steps: u64,
    /// Measurements by name, such as `nats_per_note`.
    pub metrics: BTreeMap<String, f64>,
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
        let bytes: Vec<u8> =
            self.parameters.values().iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut views = Vec::new();
        for tensor in self.parameters.config().tensors() {
            let data = &bytes[4 * tensor.range.start..4 * tensor.range.end];
            let view = TensorView::new(Dtype::F32, tensor.shape, data)
                .map_err(|e| ModelError::Weights(e.to_string()))?;
            views.push((tensor.name, view));
        }
        let weights =
            safetensors::serialize(views, None).map_err(|e| ModelError::Weights(e.to_string()))?;
        Ok((json, weights))
    }

    /// BLAKE3 of shape and numbers, in hex: the same for the same playing.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for tensor in self.parameters.config().tensors() {
            hasher.update(format!("{} {:?}\n", tensor.name, tensor.shape).as_bytes());
        }
        for value in self.parameters.values() {
            hasher.update(&value.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn read_manifest(json: &[u8]) -> Result<Manifest, ModelError> {
    /// The only field whose place is the same in every format.
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    if json.len() as u64 > MAX_MANIFEST_BYTES {
        let (bytes, limit) = (json.len() as u64, MAX_MANIFEST_BYTES);
        return Err(ModelError::TooLarge { what: MANIFEST_FILE, bytes, limit });
    }
    let wrong = |e: serde_json::Error| ModelError::Json(e.to_string());
    let Format { format } = serde_json::from_slice(json).map_err(wrong)?;
    if format != FORMAT {
        return Err(ModelError::Format { got: format, want: FORMAT });
    }
    let manifest: Manifest = serde_json::from_slice(json).map_err(wrong)?;
    manifest.config.validate()?;
    let ours = Vocabulary::duet();
    let theirs = &manifest.vocabulary;
    for (what, got, want) in [
        ("vocabulary", theirs.name.clone(), ours.name),
        ("vocabulary size", theirs.size.to_string(), ours.size.to_string()),
        ("vocabulary hash", theirs.hash.clone(), ours.hash),
        ("output size", manifest.config.vocabulary.to_string(), VOCABULARY.to_string()),
    ] {
        if got != want {
            let got = got.chars().take(80).filter(|c| !c.is_control()).collect();
            return Err(ModelError::Vocabulary { what, got, want });
        }
    }
    Ok(manifest)
}

fn read_weights(config: LstmConfig, bytes: &[u8]) -> Result<Parameters, ModelError> {
    let wrong = ModelError::Weights;
    let header = bytes.first_chunk().map(|n| u64::from_le_bytes(*n));
    let header = header.ok_or_else(|| wrong("the file is empty or cut off".to_owned()))?;
    if header > MAX_HEADER_BYTES {
        let limit = MAX_HEADER_BYTES;
        return Err(ModelError::TooLarge {
            what: "the header of weights.safetensors",
            bytes: header,
            limit,
        });
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    let specs = config.tensors();
    if let Some(name) = file.names().into_iter().find(|n| specs.iter().all(|s| s.name != **n)) {
        let name: String = name.chars().take(80).filter(|c| !c.is_control()).collect();
        return Err(wrong(format!("unknown tensor '{name}'")));
    }
    let mut parameters = Parameters::zeros(config)?;
    for spec in specs {
        let name = &spec.name;
        let tensor = file.tensor(name).map_err(|_| wrong(format!("tensor '{name}' is missing")))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(wrong(format!("tensor '{name}' is {:?}, not F32", tensor.dtype())));
        }
        if tensor.shape() != spec.shape {
            let (got, want) = (tensor.shape(), &spec.shape);
            return Err(wrong(format!("tensor '{name}' has shape {got:?}, not {want:?}")));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        for (value, number) in parameters.values_mut()[spec.range].iter_mut().zip(numbers) {
            *value = f32::from_le_bytes(*number);
            if !value.is_finite() {
                return Err(wrong(format!("tensor '{name}' holds a number that is not finite")));
            }
        }
    }
    Ok(parameters)
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> ModelError {
    let path = path.display().to_string();
    move |source| ModelError::Io { path: path.clone(), source }
}

fn read(path: &Path, what: &'static str, limit: u64) -> Result<Vec<u8>, ModelError> {
    let bytes = fs::metadata(path).map_err(io(path))?.len();
    if bytes > limit {
        return Err(ModelError::TooLarge { what, bytes, limit });
    }
    fs::read(path).map_err(io(path))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(io(&fresh))?;
    fs::rename(&fresh, path).map_err(io(path))
}

#[cfg(test)]
mod tests;
