//! What can be typed after `sideman-train listener`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::data::roles::Shares;

/// What `listener` does.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ListenerArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ListenerVerb,
}

/// The jobs with listeners.
#[derive(Subcommand, Debug)]
pub enum ListenerVerb {
    /// Train a small residual network to name the style of what a player plays.
    Train(ListenerTrainArgs),
    /// Measure it on the pieces that are held out: by bars heard, who is taken for whom, how sure it is, beside a baseline.
    Eval(ListenerEvalArgs),
}

/// What `listener train` can be told.
#[derive(Args, Debug)]
pub struct ListenerTrainArgs {
    /// A style: its name, and a folder with .mid files or a .json file of chorales; twice or more. The names are those that
    /// the model that plays gives its styles.
    #[arg(long, value_name = "NAME=DIR", required = true)]
    pub style: Vec<String>,
    /// Folder of the run: config.json, log.csv, loss.svg, accuracy.svg, best/, last/, resume.safetensors.
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Go on where the run in --out stopped.
    #[arg(long)]
    pub resume: bool,
    /// Layers: 18, 34 or 50 [default: 18].
    #[arg(long)]
    pub depth: Option<usize>,
    /// Channels after the network's stem [default: 12].
    #[arg(long)]
    pub channels: Option<usize>,
    /// Images in a step [default: 64].
    #[arg(long)]
    pub batch: Option<usize>,
    /// Images in an epoch, drawn anew each time, the same number of each style [default: 4096].
    #[arg(long)]
    pub images: Option<usize>,
    /// Epochs; may be moved when resuming [default: 60].
    #[arg(long)]
    pub epochs: Option<u64>,
    /// The first step's learning rate (Adam) [default: 0.002].
    #[arg(long)]
    pub lr: Option<f64>,
    /// After t steps the rate is divided by 1 + DECAY t [default: 0.002].
    #[arg(long)]
    pub decay: Option<f64>,
    /// How often the player plays what: the shares of the roles, as in `lstm`
    /// [default: accompany=40,lead=25,trade=15,harmonise=8,answer=12].
    #[arg(long, value_name = "ROLE=SHARE,...")]
    pub roles: Option<Shares>,
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
    /// Minutes between saves inside an epoch.
    #[arg(long, default_value_t = 10.0, value_name = "MINUTES")]
    pub minutes_per_save: f64,
    /// A source of the pieces for the model card; may be given more than once.
    #[arg(long, value_name = "NAME;LICENCE[;URL]")]
    pub card_source: Vec<String>,
}

/// What `listener eval` can be told.
#[derive(Args, Debug)]
pub struct ListenerEvalArgs {
    /// Folder of a run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN|DIR")]
    pub model: PathBuf,
    /// A style of the model, and where its pieces are.
    #[arg(long, value_name = "NAME=DIR", required = true)]
    pub style: Vec<String>,
    /// What the player plays of a piece.
    #[arg(long, value_enum, default_value_t = PartName::Melody)]
    pub part: PartName,
    /// Share of the pieces that was held out in training [default: the run's own, or 0.1].
    #[arg(long)]
    pub valid_share: Option<f64>,
    /// Which side.
    #[arg(long, value_enum, default_value_t = HeldSide::Test)]
    pub side: HeldSide,
    /// A duet model: how well it foretells the same pieces when it follows the style that is heard, beside its own style
    /// and the true one.
    #[arg(long, value_name = "DIR")]
    pub duet: Option<PathBuf>,
    /// Pieces of each style that --duet is measured on, at most.
    #[arg(long, default_value_t = 10)]
    pub pieces: usize,
    /// Where a picture goes: accuracy over bars heard, as SVG.
    #[arg(long, value_name = "OUT.svg")]
    pub plot: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Threads; no figure depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// Parts of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PartName {
    /// The melody.
    Melody,
    /// What accompanies it.
    Accompaniment,
    /// Both together.
    Both,
}

/// Sides of the split.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum HeldSide {
    /// What the best model was chosen by.
    Dev,
    /// What was held out to the end.
    Test,
}

const EXAMPLES: &str = "Examples:
  sideman-train listener train --style pop=midi/pop --style jazz=midi/jazz --out runs/ears
  sideman-train listener train --style pop=midi/pop --style jazz=midi/jazz --out runs/ears --resume
  sideman-train listener eval --model runs/ears --style pop=midi/pop --style jazz=midi/jazz --plot bars.svg
  cp -r runs/ears/best runs/duet/best/listener    # a duet model brings its own listener";
