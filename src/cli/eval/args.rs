//! What can be typed after `sideman-train eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::train_args::PiecesArgs;

/// What `eval` can be told.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// Model folder.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// What to measure on.
    #[command(flatten)]
    pub from: PiecesArgs,
    /// Threads; no figure depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Folder for pictures of the figures, as SVG; made if missing.
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Only these measurements [default: all].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub only: Vec<Section>,
    /// Pieces that the engine plays to.
    #[arg(long, default_value_t = 24)]
    pub pieces: usize,
    /// Bars that it plays of each, from the one in which the melody begins.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub bars: u16,
    /// Decides what the machine plays, and which other songs it is held against.
    #[arg(long, default_value_t = 1)]
    pub seed: u32,
    /// The style that pieces are told and played in; `none` for no style [default: the one called like the folder, or the
    /// model's own].
    #[arg(long, value_name = "NAME")]
    pub style: Option<String>,
    /// Play with another setting; `sideman params` lists them. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
}

/// What `eval` measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Section {
    /// How well held-out pieces are foretold, beside n-grams.
    Nats,
    /// Nats by the minute of the piece: whether streaming drifts.
    Minutes,
    /// How far back the model hears.
    Memory,
    /// What the engine plays to held-out melodies, beside what people played there.
    Music,
    /// How long the runs of notes are that what it plays shares with what it was trained on.
    Copying,
}

const EXAMPLES: &str = "Examples:
  sideman-train eval --model presets/duet --data midi/
  sideman-train eval --model runs/mine/best --data midi/ --only music --pieces 40 --json
  sideman-train eval --model runs/mine/best --data midi/ --only music --set temperature=1
  sideman-train eval --model presets/duet --data midi/jazz --style jazz
  sideman-train eval --model runs/mine/best --data midi/ --only minutes,memory --plots pictures/";
