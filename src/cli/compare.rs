//! `sideman-train compare`: the loss curves of several runs in one picture.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::train_args::CompareArgs;
use crate::train::chart::{Curve, svg};
use crate::train::store::points;

/// What is drawn: the names of the loss in the logs of the recipes.
const COLUMNS: [&str; 2] = ["loss", "train_nats_per_token"];

/// Draws the picture that was asked for.
pub(super) fn compare(args: &CompareArgs) -> Result<()> {
    draw(&args.runs, &args.out)?;
    println!("{} runs in {}", args.runs.len(), args.out.display());
    Ok(())
}

/// Draws the loss of every run, by the names of their folders.
pub(super) fn draw(runs: &[PathBuf], out: &Path) -> Result<()> {
    let mut curves = Vec::new();
    for run in runs {
        let name = run
            .file_name()
            .map_or_else(|| run.display().to_string(), |n| n.to_string_lossy().into_owned());
        curves.push(Curve { name, points: points(run, &COLUMNS)? });
    }
    fs::write(out, svg("Training loss, nats", "epoch (duet: step)", &curves))
        .with_context(|| out.display().to_string())
}
