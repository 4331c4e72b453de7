//! All that a composer run needs to go on as if it had never stopped, in one file of the run folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::train::TrainError;
use crate::train::resume_file::{self, ResumeFile};

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
    let Numbers { values, running, memory } = *numbers;
    let runs = [("values", values), ("running", running), ("memory", memory)];
    resume_file::write(folder, PROGRESS, progress, &runs)
}

/// Reads the file: weights, running estimates, memory, progress.
pub(super) fn load(folder: &Path) -> Result<([Vec<f32>; 3], Progress), TrainError> {
    let (file, progress) = ResumeFile::read(folder, PROGRESS, "a run that learns from pictures")?;
    Ok(([file.run("values")?, file.run("running")?, file.run("memory")?], progress))
}
