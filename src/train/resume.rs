//! All that a run needs to go on as if it had never stopped, in one file of the run folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::stream::Position;
use crate::model::window::LaneStates;
use crate::model::{LstmConfig, Parameters};
use crate::train::TrainError;
use crate::train::adam::Adam;
use crate::train::resume_file::{self, ResumeFile};

/// The entry that these files have.
const PROGRESS: &str = "progress";
/// What the lanes remember, before the number of their shard.
const STATES: &str = "states";

/// A run between two steps.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// The weights.
    pub parameters: Parameters,
    /// The optimiser.
    pub adam: Adam,
    /// What the lanes of each shard remember.
    pub states: Vec<LaneStates>,
    /// The rest.
    pub progress: Progress,
}

/// The small numbers of a snapshot.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Where the pieces stand.
    pub position: Position,
    /// The best held-out nats a note so far.
    pub best: Option<f64>,
    /// Training nats and tokens since the last measurement.
    pub since: (f64, f64),
    /// BLAKE3 of the pieces trained on, in hex.
    pub corpus: String,
}

impl Snapshot {
    /// Writes the file, first under another name.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let states: Vec<(String, &LaneStates)> =
            self.states.iter().enumerate().map(|(i, s)| (format!("{STATES}.{i}"), s)).collect();
        let mut runs = vec![
            ("parameters", self.parameters.values()),
            ("first", self.adam.first.values()),
            ("second", self.adam.second.values()),
        ];
        runs.extend(states.iter().map(|(name, state)| (name.as_str(), state.values())));
        resume_file::write(folder, PROGRESS, &self.progress, &runs)
    }

    /// Reads the file of a run of this shape, with shards of these many lanes.
    ///
    /// # Errors
    /// [`TrainError::File`] when it is not such a file.
    pub fn load(folder: &Path, config: LstmConfig, shards: &[usize]) -> Result<Self, TrainError> {
        let (file, progress) = ResumeFile::read::<Progress>(folder, PROGRESS, "a run")?;
        let parameters =
            |name: &str| Ok::<_, TrainError>(Parameters::from_values(config, file.run(name)?)?);
        let mut states = Vec::new();
        for (i, lanes) in shards.iter().enumerate() {
            let values = file.run(&format!("{STATES}.{i}"))?;
            let mut state = LaneStates::zeros(&config, *lanes);
            if values.len() != state.values().len() {
                return Err(file.wrong(&"written with another --batch or model size"));
            }
            state.values_mut().copy_from_slice(&values);
            states.push(state);
        }
        let (first, second) = (parameters("first")?, parameters("second")?);
        let adam = Adam { steps: progress.step, first, second };
        Ok(Self { parameters: parameters("parameters")?, adam, states, progress })
    }
}
