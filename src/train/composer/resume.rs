//! All that a composer run needs to go on as if it had never stopped, in one file of the run folder.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::train::TrainError;
use crate::train::resume::RESUME_FILE;

/// The entry that only these files have.
const PROGRESS: &str = "composer-progress";

/// The small numbers of a run between two steps. Numbers whose every bit counts are kept as bits.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps done in all, and of the epoch under way.
    pub(super) steps: u64,
    pub(super) steps_of_epoch: u64,
    /// Epochs done.
    pub(super) epochs: u64,
    /// The epoch's nats, right rows and rows so far.
    pub(super) score: [u64; 3],
    /// The best accuracy so far.
    pub(super) best: Option<u64>,
    /// BLAKE3 of what is trained on, in hex.
    pub(super) corpus: String,
}

/// The long runs of numbers: weights, running estimates, and the optimiser's memory.
pub(super) struct Numbers<'a> {
    pub(super) values: &'a [f32],
    pub(super) running: &'a [f32],
    pub(super) memory: &'a [f32],
}

/// Writes the file, first under another name.
pub(super) fn save(
    folder: &Path,
    numbers: &Numbers<'_>,
    progress: &Progress,
) -> Result<(), TrainError> {
    let path = folder.join(RESUME_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let runs =
        [("values", numbers.values), ("running", numbers.running), ("memory", numbers.memory)].map(
            |(name, run)| (name, run.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()),
        );
    let mut views = Vec::new();
    for (name, run) in &runs {
        let view = TensorView::new(Dtype::F32, vec![run.len() / 4], run);
        views.push((*name, view.map_err(|e| wrong(&e))?));
    }
    let progress = serde_json::to_string(progress).map_err(|e| wrong(&e))?;
    let metadata = HashMap::from([(PROGRESS.to_owned(), progress)]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(|e| wrong(&e))?;
    let fresh = path.with_extension("new");
    fs::write(&fresh, file).map_err(|e| wrong(&e))?;
    fs::rename(&fresh, &path).map_err(|e| wrong(&e))
}

/// Reads the file: weights, running estimates, memory, progress.
pub(super) fn load(folder: &Path) -> Result<([Vec<f32>; 3], Progress), TrainError> {
    let path = folder.join(RESUME_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let bytes = fs::read(&path).map_err(|e| wrong(&e))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&e))?;
    let progress = header.metadata().as_ref().and_then(|m| m.get(PROGRESS));
    let progress = progress.ok_or_else(|| wrong(&"this is no file of a composer run"))?;
    let progress: Progress = serde_json::from_str(progress).map_err(|e| wrong(&e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(&e))?;
    let run = |name: &str| -> Result<Vec<f32>, TrainError> {
        let tensor = file.tensor(name).map_err(|e| wrong(&e))?;
        let (numbers, _) = tensor.data().as_chunks::<4>();
        Ok(numbers.iter().map(|n| f32::from_le_bytes(*n)).collect())
    };
    Ok(([run("values")?, run("running")?, run("memory")?], progress))
}
