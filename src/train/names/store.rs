//! The log of a run, one line an epoch, and its pictures.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::train::TrainError;
use crate::train::chart::{Curve, svg};
use crate::train::store::LOG_FILE;

/// The pictures' names in the run folder.
pub const LOSS_FILE: &str = "loss.svg";
/// See [`LOSS_FILE`].
pub const ACCURACY_FILE: &str = "accuracy.svg";

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
    draw(folder, LOSS_FILE, "Cross-entropy, nats a name", ["loss", "valid_loss"])?;
    draw(folder, ACCURACY_FILE, "Share of names foretold", ["accuracy", "valid_accuracy"])
}

fn draw(folder: &Path, file: &str, title: &str, columns: [&str; 2]) -> Result<(), TrainError> {
    let mut curves = Vec::new();
    for (column, name) in columns.into_iter().zip(["training", "held out"]) {
        let points = points(folder, &[column])?;
        if !points.is_empty() {
            curves.push(Curve { name: name.to_owned(), points });
        }
    }
    let path = folder.join(file);
    fs::write(&path, svg(title, "epoch", &curves)).map_err(|e| TrainError::file(&path, &e))
}

/// The curve of a run folder's log: its first column, and the first of `columns` that it has. Empty fields are
/// left out.
///
/// # Errors
/// [`TrainError::File`] when there is no log, or none of these columns in it.
pub fn points(folder: &Path, columns: &[&str]) -> Result<Vec<(f64, f64)>, TrainError> {
    let path = folder.join(LOG_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_path(&path).map_err(|e| wrong(&e))?;
    let header = reader.headers().map_err(|e| wrong(&e))?.clone();
    let place = columns.iter().find_map(|c| header.iter().position(|h| h == *c));
    let place = place.ok_or_else(|| wrong(&format!("has no column {}", columns.join(" or "))))?;
    let mut points = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(&e))?;
        let number = |i: usize| record.get(i).and_then(|field| field.parse::<f64>().ok());
        if let (Some(x), Some(y)) = (number(0), number(place)) {
            points.push((x, y));
        }
    }
    Ok(points)
}
