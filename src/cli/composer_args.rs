//! What can be typed after `sideman-train composer`.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};

use crate::data::pages::split::Side;
use crate::train::optimiser::Way;

/// What `composer` does.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ComposerArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ComposerVerb,
}

/// The jobs with composer networks.
#[derive(Subcommand, Debug)]
pub enum ComposerVerb {
    /// Train a residual network to name the composer of a row.
    Train(ComposerTrainArgs),
    /// Measure it on the rows that are held out: by row, by work, who is taken for whom, how sure it is.
    Eval(ComposerEvalArgs),
    /// Name the composer of a page: a picture of a page goes in, its rows with their composers come out.
    Predict(ComposerPredictArgs),
    /// Look into it: what its channels look for, what they answer to a row, where in the row it sees a composer.
    Explain(ComposerExplainArgs),
    /// See what it goes by: judge rows whose margins, staff lines or note heads are hidden, or that look otherwise.
    Leaks(ComposerLeaksArgs),
}

/// What `composer train` can be told.
#[derive(Args, Debug)]
pub struct ComposerTrainArgs {
    /// Folder that `pages slice` and `pages split` wrote.
    #[arg(long, value_name = "DIR")]
    pub rows: PathBuf,
    /// Folder of the run: config.json, log.csv, loss.svg, accuracy.svg, best/, last/, resume.safetensors.
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Go on where the run in --out stopped.
    #[arg(long)]
    pub resume: bool,
    /// Layers: 18, 34 or 50 [default: 50].
    #[arg(long)]
    pub depth: Option<usize>,
    /// Lines of the images [default: 70].
    #[arg(long)]
    pub height: Option<usize>,
    /// Columns of the images [default: 400].
    #[arg(long)]
    pub width: Option<usize>,
    /// Images in a step [default: 72].
    #[arg(long)]
    pub batch: Option<usize>,
    /// Passes through the rows; may be moved when resuming [default: 100].
    #[arg(long)]
    pub epochs: Option<u64>,
    /// How the weights are moved [default: sgd].
    #[arg(long, value_enum)]
    pub optimiser: Option<WayName>,
    /// The first step's learning rate [default: 0.001].
    #[arg(long)]
    pub lr: Option<f64>,
    /// After t steps the rate is divided by 1 + DECAY t [default: 0.00001].
    #[arg(long)]
    pub decay: Option<f64>,
    /// Shift, turn, blur each row, and make it noisier, paler or darker by lot; not in the published recipe.
    #[arg(long)]
    pub augment: bool,
    /// Decides everything random [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Keep every epoch's model, named by epoch and accuracy; a ResNet-50 takes 94 MB.
    #[arg(long)]
    pub keep_all: bool,
    /// Threads; the result does not depend on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Minutes between saves inside an epoch.
    #[arg(long, default_value_t = 10.0, value_name = "MINUTES")]
    pub minutes_per_save: f64,
    /// A source of the pages for the model card; may be given more than once.
    #[arg(long, value_name = "NAME;LICENCE[;URL]")]
    pub card_source: Vec<String>,
}

/// The optimisers to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum WayName {
    /// Stochastic gradient descent.
    Sgd,
    /// The same with a momentum of 0.9.
    Momentum,
    /// Kingma and Ba's.
    Adam,
    /// Its variant by the largest gradient.
    Adamax,
    /// By the running mean of the squares.
    Rmsprop,
}

impl From<WayName> for Way {
    fn from(name: WayName) -> Self {
        match name {
            WayName::Sgd => Self::Sgd,
            WayName::Momentum => Self::Momentum,
            WayName::Adam => Self::Adam,
            WayName::Adamax => Self::Adamax,
            WayName::Rmsprop => Self::RmsProp,
        }
    }
}

/// What `composer eval` can be told.
#[derive(Args, Debug)]
pub struct ComposerEvalArgs {
    /// Folder of a run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Folder that `pages slice` and `pages split` wrote.
    #[arg(long, value_name = "DIR")]
    pub rows: PathBuf,
    /// Which side of the split.
    #[arg(long, value_enum, default_value_t = SideName::Test)]
    pub side: SideName,
    /// Measure apart what a column of the rows' manifest.csv tells apart, such as where the pages come from.
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// Folder for pictures: confusion.svg (who is taken for whom) and calibration.svg (how sure, how often right).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Threads; no figure depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// What `composer predict` can be told.
#[derive(Args, Debug)]
pub struct ComposerPredictArgs {
    /// The page: PNG, JPEG or PDF.
    #[arg(value_name = "PAGE")]
    pub page: PathBuf,
    /// Which sheet of a PDF file.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub sheet: usize,
    /// Folder of a run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Draw the page with its rows, each in the colour of its composer.
    #[arg(long, value_name = "PICTURE.png")]
    pub out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Threads; no figure depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// What `composer explain` can be told.
#[derive(Args, Debug)]
pub struct ComposerExplainArgs {
    /// Folder of a run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Folder that `pages slice` and `pages split` wrote.
    #[arg(long, value_name = "DIR")]
    pub rows: PathBuf,
    /// The row to look at, as split.csv names it [default: the first that is held out].
    #[arg(long, value_name = "NAME")]
    pub row: Option<String>,
    /// Steps that a filter's picture climbs.
    #[arg(long, default_value_t = 50, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub steps: usize,
    /// Folder for the pictures and for index.html, which holds them all.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; no picture depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// What `composer leaks` can be told.
#[derive(Args, Debug)]
pub struct ComposerLeaksArgs {
    /// Folder of a run, whose best model is taken, or of a model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Folder that `pages slice` and `pages split` wrote.
    #[arg(long, value_name = "DIR")]
    pub rows: PathBuf,
    /// Which side of the split.
    #[arg(long, value_enum, default_value_t = SideName::Test)]
    pub side: SideName,
    /// Folder for leaks.svg (the table as bars) and contact-sheet.png (a row behind every mask).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The row on the contact sheet, as split.csv names it [default: the side's first].
    #[arg(long, value_name = "NAME", requires = "out")]
    pub row: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Threads; no figure depends on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// The sides of a split.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SideName {
    /// What was learnt from.
    Train,
    /// What the best model was chosen by.
    Dev,
    /// What was held out to the end.
    Test,
}

impl From<SideName> for Side {
    fn from(name: SideName) -> Self {
        match name {
            SideName::Train => Self::Train,
            SideName::Dev => Self::Dev,
            SideName::Test => Self::Test,
        }
    }
}

const EXAMPLES: &str = "Examples:
  sideman-train pages slice --in pages --out rows && sideman-train pages split --rows rows
  sideman-train composer train --rows rows --out runs/who
  sideman-train composer train --rows rows --out runs/small --depth 18 --batch 32 --optimiser adam --augment
  sideman-train composer train --rows rows --out runs/who --resume
  sideman-train composer eval --model runs/who --rows rows --by source --out pictures
  sideman-train composer predict --model runs/who page.png --out named.png
  sideman-train composer explain --model runs/who --rows rows --out explained
  sideman-train composer leaks --model runs/who --rows rows --out leaks";
