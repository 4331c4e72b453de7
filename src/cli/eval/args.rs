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
    /// Pieces that the engine plays to: spread evenly over those that were held out; in `idealised` and `copying` the first.
    #[arg(long, default_value_t = PIECES)]
    pub pieces: usize,
    /// Bars that it plays of each, from the one in which the melody begins; `files` plays all of them.
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
    /// Whether the machine plays along whatever a player does: enters late, rests, doubles octaves, plays unevenly, loops, stops,
    /// starts again. By the path of `sideman play`.
    Situations,
    /// Whether the player's notes lie in the machine's chords (note-in-chord), how soon, and how varied they are, beside people.
    /// By the path of `sideman play`.
    Harmony,
    /// Whole files as they come, with intro, tempo map and onsets of their own, beside what people played there. By the path of
    /// `sideman play`.
    Files,
    /// What the engine plays to held-out melodies at its best, without intro and with each onset on the grid, beside what people
    /// played there.
    #[value(alias = "music")]
    Idealised,
    /// How long the runs of notes are that what it plays shares with what it was trained on.
    Copying,
}

/// Pieces whose situations, harmony and files take two cores ten minutes or less.
const PIECES: usize = 12;

const EXAMPLES: &str = "Examples:
  sideman-train eval --model presets/duet --data midi/
  sideman-train eval --model presets/duet --data midi/ --only situations,harmony,files --json
  sideman-train eval --model runs/mine/best --data midi/ --only situations --set density=1
  sideman-train eval --model runs/mine/best --data midi/ --only harmony --pieces 40 --plots pictures/
  sideman-train eval --model presets/duet --data midi/jazz --style jazz
  sideman-train eval --model runs/mine/best --data midi/ --only idealised --pieces 40 --set temperature=1
  sideman-train eval --model runs/mine/best --data midi/ --only minutes,memory --plots pictures/";
