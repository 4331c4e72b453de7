//! A harmonist on disk: `model.json` and `weights.safetensors`, read strictly.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::checkpoint::{Corpus, FORMAT, MANIFEST_FILE, WEIGHTS_FILE};
use crate::model::harmonist::{Harmonist, HarmonistConfig};
use crate::model::tensor_file::{self, io, printable, read, replace};

/// The recipe of networks that choose chords.
pub const RECIPE: &str = "harmonist";

const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// The largest network has some 130,000 numbers.
const MAX_WEIGHTS_BYTES: u64 = 4 << 20;

/// What `model.json` says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonistManifest {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// [`RECIPE`].
    pub recipe: String,
    /// The version of Sideman that wrote it.
    pub sideman: String,
    /// The shape.
    pub config: HarmonistConfig,
    /// What it was trained on.
    pub corpus: Corpus,
    /// The seed of everything random in its training.
    pub seed: u64,
    /// Passes through the corpus that made it.
    pub epochs: u64,
    /// Measurements by name, such as `note_in_chord`.
    pub metrics: BTreeMap<String, f64>,
}

/// A model as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct HarmonistCheckpoint {
    /// The description.
    pub manifest: HarmonistManifest,
    /// The numbers.
    pub net: Harmonist,
}

impl HarmonistCheckpoint {
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
        let manifest = read_manifest(manifest)?;
        let mut net = Harmonist::zeros(manifest.config)?;
        let numbers = tensor_file::read_tensors(net.tensors(), weights)?;
        net.values_mut().copy_from_slice(&numbers);
        Ok(Self { manifest, net })
    }

    /// Writes the folder, each file first under another name, so that a reader never sees half of one.
    ///
    /// # Errors
    /// [`ModelError::Io`] when a file can't be written.
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        fs::create_dir_all(folder).map_err(io(folder))?;
        let mut manifest = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|e| ModelError::Json(e.to_string()))?;
        manifest.push(b'\n');
        let weights = tensor_file::write_tensors(self.net.tensors().to_vec(), self.net.values())?;
        replace(&folder.join(WEIGHTS_FILE), &weights)?;
        replace(&folder.join(MANIFEST_FILE), &manifest)
    }
}

fn read_manifest(json: &[u8]) -> Result<HarmonistManifest, ModelError> {
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
    if head.recipe != RECIPE {
        let got = printable(&head.recipe);
        return Err(ModelError::Json(format!("a model for '{got}', not for '{RECIPE}'")));
    }
    let manifest: HarmonistManifest = serde_json::from_slice(json).map_err(wrong)?;
    manifest.config.validate()?;
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> HarmonistCheckpoint {
        let config = HarmonistConfig { hidden: 3, second: 2, ..HarmonistConfig::default() };
        let manifest = HarmonistManifest {
            format: FORMAT,
            recipe: RECIPE.to_owned(),
            sideman: "0.1.0".to_owned(),
            config,
            corpus: Corpus::default(),
            seed: 1,
            epochs: 2,
            metrics: BTreeMap::from([("note_in_chord".to_owned(), 0.5)]),
        };
        HarmonistCheckpoint { manifest, net: Harmonist::random(config, 7).unwrap() }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        checkpoint().save(dir.path()).unwrap();
        assert_eq!(HarmonistCheckpoint::load(dir.path()).unwrap(), checkpoint());
    }

    #[test]
    fn hostile_files_are_refused_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        checkpoint().save(dir.path()).unwrap();
        let path = dir.path().join(MANIFEST_FILE);
        let good: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let refused = |change: &dyn Fn(&mut serde_json::Value), part: &str| {
            let mut json = good.clone();
            change(&mut json);
            fs::write(&path, json.to_string()).unwrap();
            let error = HarmonistCheckpoint::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        };
        refused(&|j| j["recipe"] = "duet".into(), "'duet'");
        refused(&|j| j["format"] = 9.into(), "format 9");
        refused(&|j| j["config"]["hidden"] = 1_000_000.into(), "1000000");
        refused(&|j| j["config"]["vectors"] = 2.into(), "vectors");
        refused(&|j| j["config"]["hidden"] = 4.into(), "shape");
        refused(&|j| j["more"] = 1.into(), "more");
        fs::write(&path, good.to_string()).unwrap();
        let weights = dir.path().join(WEIGHTS_FILE);
        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
        assert!(HarmonistCheckpoint::load(dir.path()).is_err());
    }
}
