//! The log of a run: one CSV line a measurement, and its picture.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::train::TrainError;
use crate::train::chart::{Curve, svg};
use crate::train::metric::{ATTRIBUTES, Metrics};

/// The log's name in the run folder.
pub const LOG_FILE: &str = "log.csv";
/// The picture's.
pub const LOSS_FILE: &str = "loss.svg";

/// A line of the log.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Steps done.
    pub step: u64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Mean nats a token in training since the line before.
    pub train_nats_per_token: f64,
    /// Tokens a second since the line before, measuring not counted.
    pub tokens_per_second: f64,
    /// Held-out pieces.
    pub valid: Metrics,
    /// Nats a note on the held-out pieces of each set, where there are several.
    pub by_set: Vec<(String, f64)>,
}

/// Drops the lines that a run wrote after the step from which it now goes on.
///
/// # Errors
/// [`TrainError::File`] when the log can't be read or written.
pub fn cut_after(folder: &Path, step: u64) -> Result<(), TrainError> {
    let path = folder.join(LOG_FILE);
    if !path.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).map_err(|e| TrainError::file(&path, &e))?;
    let of_step = |line: &str| line.split(',').next().and_then(|s| s.parse::<u64>().ok());
    let kept = text.lines().filter(|line| of_step(line).is_none_or(|s| s <= step));
    let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
    fs::write(&path, kept).map_err(|e| TrainError::file(&path, &e))
}

/// Appends a line, with a header to a new file, and draws the picture anew.
///
/// # Errors
/// [`TrainError::File`] when it can't be written.
pub fn append(folder: &Path, line: &Line) -> Result<(), TrainError> {
    let path: PathBuf = folder.join(LOG_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let fresh = !path.exists();
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| wrong(&e))?;
    let mut writer = csv::Writer::from_writer(file);
    if fresh {
        let names = ["step", "learning_rate", "train_nats_per_token", "tokens_per_second"];
        let valid = ["valid_nats_per_note", "valid_nats_per_token"].map(ToOwned::to_owned);
        let attributes = ATTRIBUTES.map(|a| format!("valid_nats_{a}"));
        let sets = line.by_set.iter().map(|(name, _)| format!("valid_nats_per_note_{name}"));
        let header = names.map(ToOwned::to_owned).into_iter().chain(valid).chain(attributes);
        let header = header.chain(sets);
        writer.write_record(header).map_err(|e| wrong(&e))?;
    }
    let mut fields = vec![line.step.to_string(), format!("{:.6}", line.learning_rate)];
    // Before the first step nothing was learnt from.
    let trained = |text: String| if line.train_nats_per_token > 0.0 { text } else { String::new() };
    fields.push(trained(format!("{:.4}", line.train_nats_per_token)));
    fields.push(trained(format!("{:.0}", line.tokens_per_second)));
    fields.push(format!("{:.4}", line.valid.nats_per_note));
    fields.push(format!("{:.4}", line.valid.nats_per_token));
    fields.extend(ATTRIBUTES.iter().map(|a| format!("{:.4}", line.valid.by_attribute[a])));
    fields.extend(line.by_set.iter().map(|(_, nats)| format!("{nats:.4}")));
    writer.write_record(fields).map_err(|e| wrong(&e))?;
    writer.flush().map_err(|e| wrong(&e))?;
    let titles = ["Cross-entropy, nats a token", "step"];
    draw(folder, LOSS_FILE, titles, ["train_nats_per_token", "valid_nats_per_token"])
}

/// Draws a column of the log, and the same on what is held out. `titles` are those of the picture and of its first axis.
pub(crate) fn draw(
    folder: &Path,
    file: &str,
    titles: [&str; 2],
    columns: [&str; 2],
) -> Result<(), TrainError> {
    let mut curves = Vec::new();
    for (column, name) in columns.into_iter().zip(["training", "held out"]) {
        let points = points(folder, &[column])?;
        if !points.is_empty() {
            curves.push(Curve { name: name.to_owned(), points });
        }
    }
    let path = folder.join(file);
    fs::write(&path, svg(titles[0], titles[1], &curves)).map_err(|e| TrainError::file(&path, &e))
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
