//! The file of a run folder from which it goes on as if it had never stopped: runs of numbers, and the small ones as JSON.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::train::TrainError;

/// Its name.
pub const RESUME_FILE: &str = "resume.safetensors";

/// What was read.
pub(super) struct ResumeFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Writes the file, first under another name. `mark` is the entry that only files of this kind have.
pub(super) fn write(
    folder: &Path,
    mark: &str,
    progress: &impl Serialize,
    runs: &[(&str, &[f32])],
) -> Result<(), TrainError> {
    let path = folder.join(RESUME_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let bytes = |run: &[f32]| run.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let runs: Vec<_> = runs.iter().map(|(name, run)| (*name, bytes(run))).collect();
    let mut views = Vec::new();
    for (name, run) in &runs {
        let view = TensorView::new(Dtype::F32, vec![run.len() / 4], run);
        views.push((*name, view.map_err(|e| wrong(&e))?));
    }
    let progress = serde_json::to_string(progress).map_err(|e| wrong(&e))?;
    let metadata = HashMap::from([(mark.to_owned(), progress)]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(|e| wrong(&e))?;
    let fresh = path.with_extension("new");
    fs::write(&fresh, file).map_err(|e| wrong(&e))?;
    fs::rename(&fresh, &path).map_err(|e| wrong(&e))
}

impl ResumeFile {
    /// Reads the file and its small numbers; `what` names the runs that have such, for whoever brings another's.
    pub(super) fn read<P: DeserializeOwned>(
        folder: &Path,
        mark: &str,
        what: &str,
    ) -> Result<(Self, P), TrainError> {
        let path = folder.join(RESUME_FILE);
        let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
        let bytes = fs::read(&path).map_err(|e| wrong(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&e))?;
        let progress = header.metadata().as_ref().and_then(|m| m.get(mark));
        let progress = progress.ok_or_else(|| wrong(&format!("this is no file of {what}")))?;
        let progress = serde_json::from_str(progress).map_err(|e| wrong(&e))?;
        Ok((Self { path, bytes }, progress))
    }

    /// A run of numbers.
    pub(super) fn run(&self, name: &str) -> Result<Vec<f32>, TrainError> {
        let file = SafeTensors::deserialize(&self.bytes).map_err(|e| self.wrong(&e))?;
        let tensor = file.tensor(name).map_err(|e| self.wrong(&e))?;
        let (numbers, _) = tensor.data().as_chunks::<4>();
        Ok(numbers.iter().map(|n| f32::from_le_bytes(*n)).collect())
    }

    /// What is wrong with this file.
    pub(super) fn wrong(&self, reason: &dyn std::fmt::Display) -> TrainError {
        TrainError::file(&self.path, reason)
    }
}
