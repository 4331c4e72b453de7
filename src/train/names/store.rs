//! The log of a run, one line an epoch, and its pictures.

use std::fs::OpenOptions;
use std::path::Path;

use crate::train::TrainError;
use crate::train::store::{LOG_FILE, LOSS_FILE, draw};

/// The name of the other picture in the run folder.
const ACCURACY_FILE: &str = "accuracy.svg";

const HEADER: [&str; 7] = [
    "epoch",
    "learning_rate",
    "loss",
    "accuracy",
    "valid_loss",
    "valid_accuracy",
    "windows_per_second",
];

/// A line of the log.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line {
    /// Epochs done.
    pub epoch: u64,
    /// The rate of the last step.
    pub learning_rate: f64,
    /// Mean nats a window over the epoch, while it was learnt from.
    pub loss: f64,
    /// Share of the windows whose likeliest name was right, likewise.
    pub accuracy: f64,
    /// Both on the held-out windows after the epoch.
    pub valid: Option<(f64, f64)>,
    /// Speed in training.
    pub windows_per_second: f64,
}

/// Drops the lines after an epoch from which a run now goes on.
///
/// # Errors
/// [`TrainError::File`] when the log can't be read or written.
pub fn cut_after(folder: &Path, epoch: u64) -> Result<(), TrainError> {
    crate::train::store::cut_after(folder, epoch)
}

/// Appends a line, with a header to a new file, and draws the pictures anew.
///
/// # Errors
/// [`TrainError::File`] when a file can't be written.
pub fn append(folder: &Path, line: &Line) -> Result<(), TrainError> {
    let path = folder.join(LOG_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let fresh = !path.exists();
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| wrong(&e))?;
    let mut writer = csv::Writer::from_writer(file);
    if fresh {
        writer.write_record(HEADER).map_err(|e| wrong(&e))?;
    }
    let valid = |of: fn((f64, f64)) -> f64| {
        line.valid.map_or_else(String::new, |v| format!("{:.6}", of(v)))
    };
    let fields = [
        line.epoch.to_string(),
        format!("{:.9}", line.learning_rate),
        format!("{:.6}", line.loss),
        format!("{:.6}", line.accuracy),
        valid(|v| v.0),
        valid(|v| v.1),
        format!("{:.1}", line.windows_per_second),
    ];
    writer.write_record(fields).map_err(|e| wrong(&e))?;
    writer.flush().map_err(|e| wrong(&e))?;
    draw(folder, LOSS_FILE, ["Cross-entropy, nats a name", "epoch"], ["loss", "valid_loss"])?;
    let titles = ["Share of names foretold", "epoch"];
    draw(folder, ACCURACY_FILE, titles, ["accuracy", "valid_accuracy"])
}
