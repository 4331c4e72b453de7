//! What the recipes `jazz` and `rock` can be told, and the verbs that came with them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::train::names::Watch;

/// What the recipes jazz and rock can be told besides.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Only for jazz and rock")]
pub struct NamesArgs {
    /// Passes through the windows; may be moved when resuming [default: 200].
    #[arg(long)]
    pub epochs: Option<u64>,
    /// Places from one window to the next: 10 takes a tenth of the time [default: 1].
    #[arg(long)]
    pub hop: Option<usize>,
    /// What is read: all, first, electric-guitar, or names of tracks with commas between [default: all; rock
    /// electric-guitar].
    #[arg(long)]
    pub parts: Option<String>,
    /// How likely a part must be a guitar where its program does not say so; with 1 only programs count
    /// [default: 0.5].
    #[arg(long, value_name = "P")]
    pub min_confidence: Option<f64>,
    /// Windows with so many distinct names or fewer are dropped [default: 0; rock 13].
    #[arg(long)]
    pub unique_factor: Option<usize>,
    /// Near-duplicate parts, and windows that stand more than once in a part, count one over their number.
    #[arg(long)]
    pub dedupe: bool,
    /// Units of a linear layer before the softmax, 0 for none [default: 0; rock 128].
    #[arg(long)]
    pub dense: Option<usize>,
    /// After t steps the learning rate is divided by 1 + DECAY t, as in Keras [default: 0; rock 0.01].
    #[arg(long)]
    pub decay: Option<f64>,
    /// The loss that decides which model is best and when patience ends [default: train].
    #[arg(long, value_enum)]
    pub watch: Option<WatchArg>,
    /// End after so many epochs without a better loss; may be moved when resuming [default: never].
    #[arg(long, value_name = "EPOCHS")]
    pub patience: Option<u64>,
    /// The learning rates of a sweep [default: 0.01,0.001,0.0001; jazz 0.001].
    #[arg(long, value_delimiter = ',', value_name = "RATES")]
    pub lrs: Vec<f64>,
    /// Train with every rate of --lrs, one after the other, into OUT/lr-RATE, and draw OUT/compare.svg.
    #[arg(long)]
    pub sweep: bool,
    /// Train with one rate of the sweep only: 2/3 is the second of three. For jobs on several machines.
    #[arg(long, value_name = "I/N")]
    pub trial: Option<String>,
}

impl NamesArgs {
    /// The first of these options that was typed.
    pub(crate) fn typed(&self) -> Option<&'static str> {
        [
            (self.epochs.is_some(), "--epochs"),
            (self.hop.is_some(), "--hop"),
            (self.parts.is_some(), "--parts"),
            (self.min_confidence.is_some(), "--min-confidence"),
            (self.unique_factor.is_some(), "--unique-factor"),
            (self.dedupe, "--dedupe"),
            (self.dense.is_some(), "--dense"),
            (self.decay.is_some(), "--decay"),
            (self.watch.is_some(), "--watch"),
            (self.patience.is_some(), "--patience"),
            (!self.lrs.is_empty(), "--lrs"),
            (self.sweep, "--sweep"),
            (self.trial.is_some(), "--trial"),
        ]
        .into_iter()
        .find_map(|(typed, name)| typed.then_some(name))
    }
}

/// Which loss decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum WatchArg {
    /// That of the epoch itself, as published.
    Train,
    /// That of the held-out files.
    Valid,
}

impl From<WatchArg> for Watch {
    fn from(arg: WatchArg) -> Self {
        match arg {
            WatchArg::Train => Self::Train,
            WatchArg::Valid => Self::Valid,
        }
    }
}

/// What `generate` can be told.
#[cfg(feature = "standalone")]
#[derive(Args, Debug)]
#[command(after_help = GENERATE_EXAMPLES)]
pub struct GenerateArgs {
    /// Folder of a jazz or rock run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Names to compose; a chord is one.
    #[arg(long, default_value_t = 500)]
    pub notes: usize,
    /// Always the likeliest name; so it is without --temperature.
    #[arg(long, conflicts_with = "temperature")]
    pub argmax: bool,
    /// Draw the names by lot; above 1 the odds draw together, below 1 apart.
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// With --temperature: only of the likeliest names that together have this probability.
    #[arg(long, value_name = "P", default_value_t = 1.0, requires = "temperature")]
    pub top_p: f64,
    /// Decides the window that it begins from, and the lots.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The MIDI file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// A picture of the piano roll.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Beats from one name to the next, and its length.
    #[arg(long, default_value_t = 0.5, value_name = "BEATS")]
    pub step: f64,
    /// Beats a minute.
    #[arg(long, default_value_t = 120.0, value_name = "BPM")]
    pub tempo: f64,
    /// Write the window that it begins from too, as the player's part.
    #[arg(long)]
    pub with_seed: bool,
    /// Say how much of it is copied from the pieces in this folder, such as those that were trained on, in any key.
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
    /// With --against: which parts of its files are read, as in `lstm` [default: the recipe's].
    #[arg(long, requires = "against")]
    pub parts: Option<String>,
}

#[cfg(feature = "standalone")]
const GENERATE_EXAMPLES: &str = "Examples:
  sideman-train generate --model runs/jazz1 --out jazz.mid --png jazz.png
  sideman-train generate --model presets/jazz --temperature 1 --out jazz.mid --against my-jazz/ --parts SOLO,CHORDS
  sideman-train generate --model runs/rock/lr-0.01 --notes 200 --temperature 0.9 --top-p 0.95 --seed 7 --out rock.mid";

/// What `share` can be told.
#[cfg(feature = "standalone")]
#[derive(Args, Debug)]
#[command(after_help = SHARE_EXAMPLES)]
pub struct ShareArgs {
    /// Folder of a jazz or rock run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Folder of the copy; made.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How freely the new windows are composed: above 1 farther from the corpus.
    #[arg(long, value_name = "T", default_value_t = 1.2)]
    pub temperature: f64,
}

#[cfg(feature = "standalone")]
const SHARE_EXAMPLES: &str = "Example:
  sideman-train share --model runs/jazz1 --out jazz-to-share";

/// What `compare` can be told.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Run folders.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The picture.
    #[arg(long, value_name = "FILE.svg")]
    pub out: PathBuf,
}

/// What `guitars` can be told.
#[derive(Args, Debug)]
pub struct GuitarsArgs {
    /// Folder with .mid files whose programs are right; they are hidden from the guess.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Fit new weights on every second file, and measure those on the others.
    #[arg(long)]
    pub fit: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
