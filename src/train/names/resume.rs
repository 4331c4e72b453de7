//! All that a run needs to go on as if it had never stopped, in one file of the run folder.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::model::names::{NamesConfig, NamesParameters};
use crate::train::TrainError;
use crate::train::resume::RESUME_FILE;

/// A run between two steps.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Snapshot {
    pub(super) parameters: NamesParameters,
    /// Adam's running means of the gradients and of their squares.
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    pub(super) progress: Progress,
}

/// The small numbers of a snapshot. Numbers whose every bit counts are kept as bits.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps done in all, and of the epoch under way.
    pub(super) steps: u64,
    pub(super) steps_of_epoch: u64,
    /// Epochs done.
    pub(super) epochs: u64,
    /// The epoch's nats, right names and windows so far.
    pub(super) score: [u64; 3],
    /// The best loss so far, and epochs since then.
    pub(super) best: Option<u64>,
    pub(super) since_best: u64,
    /// BLAKE3 of what is trained on, in hex.
    pub(super) corpus: String,
}

impl Snapshot {
    /// Writes the file, first under another name.
    pub(super) fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let path = folder.join(RESUME_FILE);
        let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
        let runs = [
            ("parameters", self.parameters.values()),
            ("first", &self.first),
            ("second", &self.second),
        ]
        .map(|(name, run)| (name, run.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()));
        let mut views = Vec::new();
        for (name, run) in &runs {
            let view = TensorView::new(Dtype::F32, vec![run.len() / 4], run);
            views.push((*name, view.map_err(|e| wrong(&e))?));
        }
        let progress = serde_json::to_string(&self.progress).map_err(|e| wrong(&e))?;
        let metadata = HashMap::from([("names-progress".to_owned(), progress)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| wrong(&e))?;
        let fresh = path.with_extension("new");
        fs::write(&fresh, file).map_err(|e| wrong(&e))?;
        fs::rename(&fresh, &path).map_err(|e| wrong(&e))
    }

    /// Reads the file of a run of this shape.
    pub(super) fn load(folder: &Path, config: NamesConfig) -> Result<Self, TrainError> {
        let path = folder.join(RESUME_FILE);
        let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
        let bytes = fs::read(&path).map_err(|e| wrong(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&e))?;
        let progress = header.metadata().as_ref().and_then(|m| m.get("names-progress"));
        let progress = progress.ok_or_else(|| wrong(&"this is no file of a jazz or rock run"))?;
        let progress: Progress = serde_json::from_str(progress).map_err(|e| wrong(&e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(&e))?;
        let run = |name: &str| -> Result<Vec<f32>, TrainError> {
            let tensor = file.tensor(name).map_err(|e| wrong(&e))?;
            let (numbers, _) = tensor.data().as_chunks::<4>();
            if numbers.len() != config.parameters() {
                return Err(wrong(&"written with another model size or vocabulary"));
            }
            Ok(numbers.iter().map(|n| f32::from_le_bytes(*n)).collect())
        };
        let parameters = NamesParameters::from_values(config, run("parameters")?)?;
        Ok(Self { parameters, first: run("first")?, second: run("second")?, progress })
    }
}
