//! An image network on disk: `model.json` and `weights.safetensors`, read strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::checkpoint::{Corpus, FORMAT, MANIFEST_FILE, WEIGHTS_FILE};
use crate::model::config::TensorSpec;
use crate::model::image::{ResNet, ResNetConfig};
use crate::model::tensor_file::{self, MAX_WEIGHTS_BYTES, io, printable, read, replace};

/// The recipe of networks that name the composer of a row of sheet music.
pub const RECIPE: &str = "composer";
/// The recipe of networks that name the style of what is played.
pub const LISTENER: &str = "listener";
/// The longest side of the images.
pub const MAX_SIDE: usize = 4_096;

/// The largest description: names of classes, and sources.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// The longest name of a class.
const MAX_CLASS_NAME: usize = 200;

/// What `model.json` says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageManifest {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// [`RECIPE`] or [`LISTENER`].
    pub recipe: String,
    /// The version of Sideman that wrote it.
    pub sideman: String,
    /// The shape.
    pub config: ResNetConfig,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// What the classes are called, in their order.
    pub classes: Vec<String>,
    /// How a picture became numbers, in words.
    pub pixels: String,
    /// What it was trained on.
    pub corpus: Corpus,
    /// The seed of everything random in its training.
    pub seed: u64,
    /// Passes through the corpus that made it.
    pub epochs: u64,
    /// Measurements by name, such as `accuracy`.
    pub metrics: BTreeMap<String, f64>,
}

/// A model as it is kept.
#[derive(Clone, Debug)]
pub struct ImageCheckpoint {
    /// The description.
    pub manifest: ImageManifest,
    /// The numbers.
    pub net: ResNet,
}

impl ImageCheckpoint {
    /// Reads the folder of a model of the recipe `composer`.
    ///
    /// # Errors
    /// Whatever is wrong with it, in one line. No file makes it panic or allocate more than a model's worth.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        Self::load_as(RECIPE, folder)
    }

    /// Reads the folder of a model of this recipe.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_as(recipe: &str, folder: &Path) -> Result<Self, ModelError> {
        let manifest = read(&folder.join(MANIFEST_FILE), MANIFEST_FILE, MAX_MANIFEST_BYTES)?;
        let weights = read(&folder.join(WEIGHTS_FILE), WEIGHTS_FILE, MAX_WEIGHTS_BYTES)?;
        Self::from_bytes(recipe, &manifest, &weights)
    }

    /// Reads a model of this recipe from the contents of its two files.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_bytes(recipe: &str, manifest: &[u8], weights: &[u8]) -> Result<Self, ModelError> {
        let manifest = read_manifest(recipe, manifest)?;
        let mut net = ResNet::random(manifest.config, 0)?;
        let numbers = tensor_file::read_tensors(&specs(&net), weights)?;
        let (values, running) = numbers.split_at(net.values().len());
        net.values_mut().copy_from_slice(values);
        net.running_mut().copy_from_slice(running);
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
        let numbers = [self.net.values(), self.net.running()].concat();
        replace(
            &folder.join(WEIGHTS_FILE),
            &tensor_file::write_tensors(specs(&self.net), &numbers)?,
        )?;
        replace(&folder.join(MANIFEST_FILE), &manifest)
    }
}

/// What is learnt, and behind it the norms' running estimates.
fn specs(net: &ResNet) -> Vec<TensorSpec> {
    let learnt = net.values().len();
    let behind = |spec: &TensorSpec| TensorSpec {
        range: spec.range.start + learnt..spec.range.end + learnt,
        ..spec.clone()
    };
    net.tensors().iter().cloned().chain(net.buffers().iter().map(behind)).collect()
}

fn read_manifest(recipe: &str, json: &[u8]) -> Result<ImageManifest, ModelError> {
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
    if head.recipe != recipe {
        let got = printable(&head.recipe);
        return Err(ModelError::Json(format!("a model for '{got}', not for '{recipe}'")));
    }
    let manifest: ImageManifest = serde_json::from_slice(json).map_err(wrong)?;
    manifest.config.validate()?;
    for (field, value) in [("height", manifest.height), ("width", manifest.width)] {
        if !(1..=MAX_SIDE).contains(&value) {
            return Err(ModelError::Size { field, value, low: 1, high: MAX_SIDE });
        }
    }
    let (got, want) = (manifest.classes.len(), manifest.config.classes);
    if got != want {
        return Err(ModelError::Input { what: "the names of the classes", got, want });
    }
    let odd = |name: &str| {
        name.is_empty() || name.len() > MAX_CLASS_NAME || name.contains(char::is_control)
    };
    let mut seen = BTreeSet::new();
    if let Some(name) = manifest.classes.iter().find(|n| odd(n) || !seen.insert(n.as_str())) {
        return Err(ModelError::Json(format!("'{}' is no name of a class", printable(name))));
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::{Images, Workspace};

    fn checkpoint() -> ImageCheckpoint {
        let config = ResNetConfig { depth: 18, classes: 2, width: 4 };
        let manifest = ImageManifest {
            format: FORMAT,
            recipe: RECIPE.to_owned(),
            sideman: "0.1.0".to_owned(),
            config,
            height: 9,
            width: 12,
            classes: vec!["Ann".to_owned(), "Bob".to_owned()],
            pixels: String::new(),
            corpus: Corpus::default(),
            seed: 1,
            epochs: 2,
            metrics: BTreeMap::new(),
        };
        let mut net = ResNet::random(config, 7).unwrap();
        let pixels = (0..2 * 9 * 12).map(|i| (i % 7) as f32).collect();
        let images = Images { height: 9, width: 12, pixels, labels: vec![0, 1] };
        let mut gradients = vec![0.0; net.values().len()];
        // The running estimates move too.
        Workspace::new(1).train(&mut net, &images, &mut gradients).unwrap();
        ImageCheckpoint { manifest, net }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let saved = checkpoint();
        saved.save(dir.path()).unwrap();
        let loaded = ImageCheckpoint::load(dir.path()).unwrap();
        assert_eq!(loaded.manifest, saved.manifest);
        assert_eq!(loaded.net.values(), saved.net.values());
        assert_eq!(loaded.net.running(), saved.net.running());
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
            let error = ImageCheckpoint::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        };
        refused(&|j| j["recipe"] = "duet".into(), "'duet'");
        refused(&|j| j["height"] = 0.into(), "height is 0");
        refused(&|j| j["classes"] = vec!["Ann"].into(), "names of the classes");
        refused(&|j| j["classes"][0] = "".into(), "no name");
        refused(&|j| j["classes"][0] = "A\u{1b}[2J".into(), "no name");
        refused(&|j| j["classes"] = vec!["Ann", "Ann"].into(), "no name");
        refused(&|j| j["config"]["depth"] = 1_000.into(), "1000");
        refused(&|j| j["config"]["width"] = 8.into(), "shape");
        fs::write(&path, good.to_string()).unwrap();
        let weights = dir.path().join(WEIGHTS_FILE);
        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
        assert!(ImageCheckpoint::load(dir.path()).is_err());
    }
}
