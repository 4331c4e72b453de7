//! All that a run needs to go on as if it had never stopped, in one file of the run folder.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::data::stream::Position;
use crate::model::window::LaneStates;
use crate::model::{LstmConfig, Parameters};
use crate::train::TrainError;
use crate::train::adam::Adam;

/// The file's name in the run folder.
pub const RESUME_FILE: &str = "resume.safetensors";

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
        let path = folder.join(RESUME_FILE);
        let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
        let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut runs: Vec<(String, Vec<u8>)> = vec![
            ("parameters".to_owned(), bytes(self.parameters.values())),
            ("first".to_owned(), bytes(self.adam.first.values())),
            ("second".to_owned(), bytes(self.adam.second.values())),
        ];
        for (i, states) in self.states.iter().enumerate() {
            runs.push((format!("states.{i}"), bytes(states.values())));
        }
        let mut views = Vec::new();
        for (name, run) in &runs {
            let view = TensorView::new(Dtype::F32, vec![run.len() / 4], run);
            views.push((name.as_str(), view.map_err(|e| wrong(&e))?));
        }
        let progress = serde_json::to_string(&self.progress).map_err(|e| wrong(&e))?;
        let metadata = HashMap::from([("progress".to_owned(), progress)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| wrong(&e))?;
        let fresh = path.with_extension("new");
        fs::write(&fresh, file).map_err(|e| wrong(&e))?;
        fs::rename(&fresh, &path).map_err(|e| wrong(&e))
    }

    /// Reads the file of a run of this shape, with shards of these many lanes.
    ///
    /// # Errors
    /// [`TrainError::File`] when it is not such a file.
    pub fn load(folder: &Path, config: LstmConfig, shards: &[usize]) -> Result<Self, TrainError> {
        let path = folder.join(RESUME_FILE);
        let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
        let bytes = fs::read(&path).map_err(|e| wrong(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&e))?;
        let progress = header.metadata().as_ref().and_then(|m| m.get("progress"));
        let progress = progress.ok_or_else(|| wrong(&"this is no file of a run"))?;
        let progress: Progress = serde_json::from_str(progress).map_err(|e| wrong(&e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(&e))?;
        let run = |name: &str| -> Result<Vec<f32>, TrainError> {
            let tensor = file.tensor(name).map_err(|e| wrong(&e))?;
            let (numbers, _) = tensor.data().as_chunks::<4>();
            Ok(numbers.iter().map(|n| f32::from_le_bytes(*n)).collect())
        };
        let parameters =
            |name: &str| Ok::<_, TrainError>(Parameters::from_values(config, run(name)?)?);
        let mut states = Vec::new();
        for (i, lanes) in shards.iter().enumerate() {
            let values = run(&format!("states.{i}"))?;
            let mut state = LaneStates::zeros(&config, *lanes);
            if values.len() != state.values().len() {
                return Err(wrong(&"written with another --batch or model size"));
            }
            state.values_mut().copy_from_slice(&values);
            states.push(state);
        }
        let (first, second) = (parameters("first")?, parameters("second")?);
        let adam = Adam { steps: progress.step, first, second };
        Ok(Self { parameters: parameters("parameters")?, adam, states, progress })
    }
}
