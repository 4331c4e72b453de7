//! All that a run needs to go on as if it had never stopped, in one file of the run folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::names::{NamesConfig, NamesParameters};
use crate::train::TrainError;
use crate::train::resume_file::{self, ResumeFile};

/// The entry that only these files have.
const PROGRESS: &str = "names-progress";

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
        let runs = [
            ("parameters", self.parameters.values()),
            ("first", self.first.as_slice()),
            ("second", self.second.as_slice()),
        ];
        resume_file::write(folder, PROGRESS, &self.progress, &runs)
    }

    /// Reads the file of a run of this shape.
    pub(super) fn load(folder: &Path, config: NamesConfig) -> Result<Self, TrainError> {
        let (file, progress) = ResumeFile::read(folder, PROGRESS, "a jazz or rock run")?;
        let run = |name: &str| -> Result<Vec<f32>, TrainError> {
            let numbers = file.run(name)?;
            if numbers.len() != config.parameters() {
                return Err(file.wrong(&"written with another model size or vocabulary"));
            }
            Ok(numbers)
        };
        let parameters = NamesParameters::from_values(config, run("parameters")?)?;
        Ok(Self { parameters, first: run("first")?, second: run("second")?, progress })
    }
}
