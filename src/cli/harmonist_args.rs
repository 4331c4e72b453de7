//! What can be typed after `sideman-train harmonist`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What `harmonist` does.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct HarmonistArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: HarmonistVerb,
}

/// The jobs with harmonists.
#[derive(Subcommand, Debug)]
pub enum HarmonistVerb {
    /// Train a small network to choose the chords under what a player plays.
    Train(HarmonistTrainArgs),
    /// Measure it on pieces that are held out: notes in chords, agreement with people, and how the chords move, beside people
    /// and simple means.
    Eval(HarmonistEvalArgs),
}

/// What `harmonist train` can be told.
#[derive(Args, Debug)]
pub struct HarmonistTrainArgs {
    /// A folder with .mid files or a .json file of chorales; several for several sets. Chords are those of the files' markers,
    /// or else what is heard in half bars.
    #[arg(long, value_name = "[NAME=]DIR", required = true)]
    pub data: Vec<String>,
    /// What a point of a set counts, for all sets or none [default: 1].
    #[arg(long, value_name = "NAME=WEIGHT")]
    pub weight: Vec<String>,
    /// Folder of the run: config.json, log.csv, note-in-chord.svg, best/, last/. It must hold no run yet.
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Units of the first layer [default: 48].
    #[arg(long)]
    pub hidden: Option<usize>,
    /// Points in a step [default: 512].
    #[arg(long)]
    pub batch: Option<usize>,
    /// Passes through the pieces, each with another player [default: 8].
    #[arg(long)]
    pub epochs: Option<u64>,
    /// The first step's learning rate (Adam) [default: 0.002].
    #[arg(long)]
    pub lr: Option<f64>,
    /// After t steps the rate is divided by 1 + DECAY t [default: 0.001].
    #[arg(long)]
    pub decay: Option<f64>,
    /// Share of the pieces that is held out to the end; with the seed and the share of a duet model's training, the same
    /// pieces [default: 0.1].
    #[arg(long)]
    pub valid_share: Option<f64>,
    /// Decides everything random [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads; the result does not depend on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
    /// A source of the pieces for the model card; may be given more than once.
    #[arg(long, value_name = "NAME;LICENCE[;URL]")]
    pub card_source: Vec<String>,
}

/// What `harmonist eval` can be told.
#[derive(Args, Debug)]
pub struct HarmonistEvalArgs {
    /// Folder of a run, whose best model is taken, or of a model [default: the one that Sideman carries].
    #[arg(long, value_name = "RUN|DIR")]
    pub model: Option<PathBuf>,
    /// A set of pieces, measured by itself; may be given more than once.
    #[arg(long, value_name = "[NAME=]DIR", required = true)]
    pub data: Vec<String>,
    /// What the player plays of a piece.
    #[arg(long, value_enum, default_value_t = PlayedPart::Melody)]
    pub part: PlayedPart,
    /// Which pieces.
    #[arg(long, value_enum, default_value_t = TakenSide::Test)]
    pub side: TakenSide,
    /// Share of the pieces that was held out in training.
    #[arg(long, default_value_t = 0.1)]
    pub valid_share: f64,
    /// Pieces of each set, at most.
    #[arg(long, default_value_t = 200)]
    pub pieces: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Threads; no figure but the time depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// Parts of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PlayedPart {
    /// The melody.
    Melody,
    /// The melody over its accompaniment.
    Both,
    /// The accompaniment.
    Accompaniment,
}

/// Sides of the split.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TakenSide {
    /// What the best model was chosen by.
    Dev,
    /// What was held out to the end.
    Test,
    /// Every piece, of a set that was not trained on.
    All,
}

const EXAMPLES: &str = "Examples:
  sideman-train harmonist train --data pop=midi/pop --data jazz=midi/jazz --weight pop=1 --weight jazz=0.5 --out runs/chords
  sideman-train harmonist eval --model runs/chords --data pop=midi/pop
  sideman-train harmonist eval --data midi/folk --side all --json
  cp -r runs/chords/best runs/duet/best/harmonist    # a duet model brings its own harmonist";
