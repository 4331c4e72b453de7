//! Floor 4, training: the loop, what it measures and what it keeps. Imports `data`, `model` and `music`.
//! Nothing here prints: what happens is told as [`Event`]s.

pub mod adam;
pub mod chart;
pub mod chorale;
pub mod composer;
pub mod config;
pub mod copying;
pub mod guitar_guessing;
pub mod harmonist;
pub mod harmony;
pub mod key_following;
pub mod listener;
pub mod material;
pub mod metric;
pub mod musicality;
pub mod names;
pub mod ngram;
pub mod optimiser;
pub mod pace;
pub mod presence;
pub mod reach;
pub mod resume;
pub mod resume_file;
pub mod run;
pub mod sgd;
pub(crate) mod shard;
pub mod situation;
pub mod store;
mod usual;

pub use config::TrainConfig;
pub use material::Material;
pub use metric::Metrics;
pub use run::{Event, Outcome, run};

use crate::data::shelf::ShelfError;
use crate::model::ModelError;

/// Why training can't go on. Every message is one line.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting is out of range.
    #[error("{0}")]
    Config(String),
    /// The model can't be built, run or written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A piece can't be read any more.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// A file of the run can't be read or written.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The loss of a jazz or rock run is no longer a number.
    #[error(
        "epoch {epoch}, step {step}: the loss is not a number; what was best until then is kept; try a smaller --lr, or --clip 1"
    )]
    NamesNotFinite {
        /// The epoch under way, counted from 1.
        epoch: u64,
        /// Steps done in all.
        step: u64,
    },
    /// The loss of a run that learns from pictures is no longer a number.
    #[error(
        "epoch {epoch}, step {step}: the loss is not a number; what was best until then is kept; try a smaller --lr"
    )]
    PicturesNotFinite {
        /// The epoch under way, counted from 1.
        epoch: u64,
        /// Steps done in all.
        step: u64,
    },
    /// The loss is no longer a number.
    #[error("step {0}: the loss is not a number; try a smaller --lr")]
    NotFinite(u64),
}

impl TrainError {
    fn file(path: &std::path::Path, reason: &dyn std::fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), reason: reason.to_string() }
    }
}
