//! A `jazz` or `rock` model on disk: `model.json`, `weights.safetensors` and `seeds.json`, read strictly.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::checkpoint::{Corpus, FORMAT, MANIFEST_FILE, NAMES_RECIPES, WEIGHTS_FILE};
use crate::model::names::{NamesConfig, NamesParameters};
use crate::model::tensor_file::{self, MAX_WEIGHTS_BYTES, io, printable, read, replace};
use crate::music::name::Naming;

/// The file with windows of names, of the corpus or composed, from which a piece can begin.
pub const SEEDS_FILE: &str = "seeds.json";
/// The longest window.
pub const MAX_WINDOW: usize = 4_096;
/// The most windows in [`SEEDS_FILE`].
pub const MAX_SEEDS: usize = 256;

/// The largest description: 65,536 names of a few dozen bytes.
const MAX_MANIFEST_BYTES: u64 = 8 << 20;
const MAX_SEEDS_BYTES: u64 = 16 << 20;
/// A chord of 128 keys is shorter.
const MAX_NAME_BYTES: usize = 1_024;

/// What `model.json` says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesManifest {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// `jazz` or `rock`.
    pub recipe: String,
    /// The version of Sideman that wrote it.
    pub sideman: String,
    /// The shape.
    pub config: NamesConfig,
    /// Names that the network sees at a time.
    pub window: usize,
    /// How a name becomes a number.
    pub scaling: Scaling,
    /// What its numbers mean.
    pub vocabulary: NameList,
    /// How notes became names, in words.
    pub tokenizer: String,
    /// What it was trained on.
    pub corpus: Corpus,
    /// The seed of everything random in its training.
    pub seed: u64,
    /// The learning rate that it began with.
    pub learning_rate: f64,
    /// Passes through the corpus that made it.
    pub epochs: u64,
    /// Steps of training that made it.
    pub steps: u64,
    /// Measurements by name, such as `loss`.
    pub metrics: BTreeMap<String, f64>,
}

/// A name's place in the list becomes `(place - subtract) / divide`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Taken off first.
    pub subtract: f32,
    /// Divided by; not 0.
    pub divide: f32,
}

impl Scaling {
    /// The number of a place.
    pub fn apply(self, code: u16) -> f32 {
        (f32::from(code) - self.subtract) / self.divide
    }
}

/// The vocabulary.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameList {
    /// How what sounds together is named.
    pub naming: Naming,
    /// BLAKE3 of naming and names, in hex.
    pub hash: String,
    /// Every name, sorted.
    pub names: Vec<String>,
}

impl NameList {
    /// A vocabulary of sorted names.
    pub fn new(naming: Naming, names: Vec<String>) -> Self {
        let hash = Self::hash_of(naming, &names);
        Self { naming, hash, names }
    }

    fn hash_of(naming: Naming, names: &[String]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(naming.id().as_bytes());
        for name in names {
            hasher.update(b"\n").update(name.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// A model as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct NamesCheckpoint {
    /// The description.
    pub manifest: NamesManifest,
    /// The numbers.
    pub parameters: NamesParameters,
    /// Windows that a piece can begin from, as places in the vocabulary.
    pub seeds: Vec<Vec<u16>>,
}

impl NamesCheckpoint {
    /// Reads a model folder.
    ///
    /// # Errors
    /// Whatever is wrong with it, in one line. No file makes it panic or allocate more than a model's worth.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let manifest = read(&folder.join(MANIFEST_FILE), MANIFEST_FILE, MAX_MANIFEST_BYTES)?;
        let manifest = read_manifest(&manifest)?;
        let weights = read(&folder.join(WEIGHTS_FILE), WEIGHTS_FILE, MAX_WEIGHTS_BYTES)?;
        let values = tensor_file::read_tensors(&manifest.config.tensors(), &weights)?;
        let parameters = NamesParameters::from_values(manifest.config, values)?;
        let seeds = read(&folder.join(SEEDS_FILE), SEEDS_FILE, MAX_SEEDS_BYTES)?;
        let seeds = read_seeds(&seeds, &manifest)?;
        Ok(Self { manifest, parameters, seeds })
    }

    /// Writes the folder, each file first under another name, so that a reader never sees half of one.
    ///
    /// # Errors
    /// [`ModelError::Io`] when a file can't be written.
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        fs::create_dir_all(folder).map_err(io(folder))?;
        let json = |e: serde_json::Error| ModelError::Json(e.to_string());
        let mut manifest = serde_json::to_vec_pretty(&self.manifest).map_err(json)?;
        manifest.push(b'\n');
        let specs = self.parameters.config().tensors();
        let weights = tensor_file::write_tensors(specs, self.parameters.values())?;
        let seeds = serde_json::to_vec(&self.seeds).map_err(json)?;
        replace(&folder.join(SEEDS_FILE), &seeds)?;
        replace(&folder.join(WEIGHTS_FILE), &weights)?;
        replace(&folder.join(MANIFEST_FILE), &manifest)
    }

    /// BLAKE3 of shape and numbers, in hex.
    pub fn hash(&self) -> String {
        tensor_file::hash(&self.parameters.config().tensors(), self.parameters.values())
    }
}

fn read_manifest(json: &[u8]) -> Result<NamesManifest, ModelError> {
    /// The only fields whose place is the same in every format.
    #[derive(Deserialize)]
    struct Head {
        format: u32,
        recipe: String,
    }
    let wrong = |e: serde_json::Error| ModelError::Json(e.to_string());
    let head: Head = serde_json::from_slice(json).map_err(wrong)?;
    if head.format != FORMAT {
        return Err(ModelError::Format { got: head.format, want: FORMAT });
    }
    if !NAMES_RECIPES.contains(&head.recipe.as_str()) {
        return Err(ModelError::NotNames(printable(&head.recipe)));
    }
    let manifest: NamesManifest = serde_json::from_slice(json).map_err(wrong)?;
    manifest.config.validate()?;
    let (names, bad) =
        (&manifest.vocabulary.names, |text: &str| Err(ModelError::Json(text.to_owned())));
    if names.len() != manifest.config.vocabulary {
        return Err(ModelError::Vocabulary {
            what: "vocabulary size",
            got: names.len().to_string(),
            want: manifest.config.vocabulary.to_string(),
        });
    }
    if names.iter().any(|n| n.len() > MAX_NAME_BYTES) {
        return bad("a name in the vocabulary is longer than any chord's");
    }
    if names.windows(2).any(|pair| pair[0] >= pair[1]) {
        return bad("the vocabulary is not sorted");
    }
    let naming = manifest.vocabulary.naming;
    if let Some(name) = names.iter().find(|n| naming.voice(n).is_none()) {
        return bad(&format!("'{}' in the vocabulary names nothing that sounds", printable(name)));
    }
    if NameList::hash_of(naming, names) != manifest.vocabulary.hash {
        return bad("the vocabulary is not the one whose hash it bears");
    }
    if !(1..=MAX_WINDOW).contains(&manifest.window) {
        let (value, low, high) = (manifest.window, 1, MAX_WINDOW);
        return Err(ModelError::Size { field: "window", value, low, high });
    }
    let Scaling { subtract, divide } = manifest.scaling;
    if !(subtract.is_finite() && divide.is_normal() && divide > 0.0) {
        return bad("the scaling has no finite offset and positive divisor");
    }
    Ok(manifest)
}

fn read_seeds(json: &[u8], manifest: &NamesManifest) -> Result<Vec<Vec<u16>>, ModelError> {
    let bad = |text: String| ModelError::Seeds(text);
    let seeds: Vec<Vec<u16>> = serde_json::from_slice(json).map_err(|e| bad(e.to_string()))?;
    if seeds.is_empty() || seeds.len() > MAX_SEEDS {
        return Err(bad(format!("{} windows, allowed are 1 to {MAX_SEEDS}", seeds.len())));
    }
    if let Some(seed) = seeds.iter().find(|s| s.len() != manifest.window) {
        return Err(bad(format!("a window of {} names, not {}", seed.len(), manifest.window)));
    }
    let top = seeds.iter().flatten().max().map_or(0, |t| usize::from(*t));
    if top >= manifest.config.vocabulary {
        return Err(bad(format!("the name {top} is not in the vocabulary")));
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Checkpoint, LstmConfig};

    fn checkpoint() -> NamesCheckpoint {
        let names = ["0.4.7", "C4", "D4"].map(ToOwned::to_owned).to_vec();
        let config = NamesConfig { vocabulary: 3, hidden: 4, layers: 2, dense: 2, dropout: 0.3 };
        let manifest = NamesManifest {
            format: FORMAT,
            recipe: "jazz".to_owned(),
            sideman: "0.0.0".to_owned(),
            config,
            window: 5,
            scaling: Scaling { subtract: 0.0, divide: 3.0 },
            vocabulary: NameList::new(Naming::NormalOrder, names),
            tokenizer: "test".to_owned(),
            corpus: Corpus::default(),
            seed: 7,
            learning_rate: 0.001,
            epochs: 1,
            steps: 3,
            metrics: BTreeMap::from([("loss".to_owned(), 1.5)]),
        };
        let parameters = NamesParameters::random(config, 7).unwrap();
        NamesCheckpoint { manifest, parameters, seeds: vec![vec![0, 1, 2, 1, 0]] }
    }

    #[test]
    fn a_folder_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let saved = checkpoint();
        saved.save(folder.path()).unwrap();
        assert_eq!(NamesCheckpoint::load(folder.path()).unwrap(), saved);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left over");
    }

    /// The folder with one file replaced is refused in one line that holds `part`.
    fn check(file: &str, bytes: &[u8], part: &str) {
        let folder = tempfile::tempdir().unwrap();
        checkpoint().save(folder.path()).unwrap();
        fs::write(folder.path().join(file), bytes).unwrap();
        let message = NamesCheckpoint::load(folder.path()).unwrap_err().to_string();
        assert!(message.contains(part) && message.lines().count() == 1, "{message}");
    }

    #[test]
    fn wrong_and_hostile_files_are_named() {
        let manifest = |change: fn(&mut serde_json::Value)| {
            let mut json = serde_json::to_value(checkpoint().manifest).unwrap();
            change(&mut json);
            serde_json::to_vec(&json).unwrap()
        };
        let check_manifest = |change: fn(&mut serde_json::Value), part: &str| {
            check(MANIFEST_FILE, &manifest(change), part);
        };
        check_manifest(|m| m["format"] = 9.into(), "format 9, this Sideman reads format 1");
        check_manifest(|m| m["recipe"] = "duet".into(), "`sideman play --model` plays it");
        check_manifest(|m| m["config"]["hidden"] = 1_000_000.into(), "hidden is 1000000");
        check_manifest(
            |m| m["config"]["vocabulary"] = 4.into(),
            "size is '3', this Sideman's is '4'",
        );
        check_manifest(|m| m["vocabulary"]["names"][1] = "C99".into(), "'C99' in the vocabulary");
        check_manifest(|m| m["vocabulary"]["names"][1] = "Z".into(), "not sorted");
        check_manifest(|m| m["vocabulary"]["names"][1] = "C5".into(), "hash it bears");
        check_manifest(|m| m["vocabulary"]["names"][0] = "0".repeat(2_000).into(), "longer than");
        check_manifest(|m| m["window"] = 0.into(), "window is 0");
        check_manifest(|m| m["scaling"]["divide"] = 0.into(), "positive divisor");
        check_manifest(|m| m["surprise"] = 1.into(), "surprise");
        check(MANIFEST_FILE, b"{", "model.json");
        check(WEIGHTS_FILE, b"", "empty or cut off");
        check(WEIGHTS_FILE, &[0xff; 64], "header of weights.safetensors");
        check(SEEDS_FILE, b"[]", "0 windows");
        check(SEEDS_FILE, b"[[0,1]]", "a window of 2 names, not 5");
        check(SEEDS_FILE, b"[[0,1,2,3,0]]", "name 3 is not in the vocabulary");
        check(SEEDS_FILE, b"[[0,1,2,-3,0]]", "seeds.json");
        let mut poisoned = checkpoint();
        poisoned.parameters.values_mut()[3] = f32::NAN;
        let specs = poisoned.parameters.config().tensors();
        let weights = tensor_file::write_tensors(specs, poisoned.parameters.values()).unwrap();
        check(WEIGHTS_FILE, &weights, "not finite");
    }

    #[test]
    fn live_playing_says_what_this_model_is_for() {
        let folder = tempfile::tempdir().unwrap();
        checkpoint().save(folder.path()).unwrap();
        let message = Checkpoint::load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("a jazz model, made for `sideman-train generate`"), "{message}");
        // The duet's own errors stay what they were.
        assert!(LstmConfig::default().validate().is_ok());
    }
}
