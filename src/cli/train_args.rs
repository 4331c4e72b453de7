//! What can be typed after `sideman-train`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use crate::cli::composer_args::ComposerArgs;
pub use crate::cli::eval::EvalArgs;
pub use crate::cli::harmonist_args::HarmonistArgs;
pub use crate::cli::learning::LearningArgs;
pub use crate::cli::listener_args::ListenerArgs;
#[cfg(feature = "standalone")]
pub use crate::cli::manual::{CompletionsArgs, ManArgs};
pub use crate::cli::names_args::{CompareArgs, GuitarsArgs, NamesArgs};
#[cfg(feature = "standalone")]
pub use crate::cli::names_args::{GenerateArgs, ShareArgs};
pub use crate::cli::pages_args::PagesArgs;
use crate::data::roles::Shares;

/// Trains and measures Sideman's models.
#[derive(Parser, Debug)]
#[command(name = "sideman-train", version, about, after_help = EXAMPLES, args_override_self = true)]
pub struct TrainCli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXAMPLES: &str = "Examples:
  sideman-train lstm --recipe duet --data midi/ --out runs/duet1
  sideman-train lstm --data midi/ --out runs/duet1 --resume --steps 12000
  sideman-train lstm --recipe jazz --data midi/ --out runs/jazz1
  sideman-train generate --model runs/jazz1 --notes 500 --out jazz.mid
  sideman-train eval --model runs/duet1/best --data midi/ --json
  sideman-train keys --data midi/
  sideman-train pages slice --in pages/ --out rows/

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// The jobs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Train an LSTM on a folder of MIDI files.
    Lstm(Box<LstmArgs>),
    /// Let a jazz or rock model compose: a MIDI file, and a picture of its piano roll.
    #[cfg(feature = "standalone")]
    Generate(GenerateArgs),
    /// Copy a jazz or rock model without the music that it learnt from: the windows that its pieces begin with are composed
    /// anew.
    #[cfg(feature = "standalone")]
    Share(ShareArgs),
    /// Print what makes a shell complete these arguments.
    #[cfg(feature = "standalone")]
    Completions(CompletionsArgs),
    /// Print the page for man, or write one for every command.
    #[cfg(feature = "standalone")]
    Man(ManArgs),
    /// Draw the loss curves of several runs in one picture.
    Compare(CompareArgs),
    /// Measure how well electric guitars are recognised where no program says so.
    Guitars(GuitarsArgs),
    /// Judge a model by held-out pieces: what it foretells, beside n-grams, and what it plays, beside people.
    Eval(Box<EvalArgs>),
    /// Measure how well the key is followed: the melodies of a folder against its chord symbols.
    Keys(PiecesArgs),
    /// Measure how well tempo and beat are followed where nobody tells them.
    Tempo(PiecesArgs),
    /// Cut pages of sheet music into rows, and share them out to train and test a composer classifier.
    Pages(PagesArgs),
    /// Train a network that names the composer of a row of sheet music, and measure it.
    Composer(Box<ComposerArgs>),
    /// Train a network that names the style of what a player plays, and measure it.
    Listener(Box<ListenerArgs>),
    /// Train a network that chooses the chords under what a player plays, and measure it.
    Harmonist(Box<HarmonistArgs>),
    /// Train on chorales and measure in the usual way: nats a time step.
    Jsb(JsbArgs),
    /// Measure what picking up from the player is worth: the second halves of pieces after the first.
    Learning(LearningArgs),
    /// Time training steps of both networks, beside PyTorch where there is one.
    Bench(BenchArgs),
}

/// What `lstm` can be told. What is left out is the default, or with --resume what the run was started with.
#[derive(Args, Debug)]
#[command(after_help = LSTM_EXAMPLES)]
pub struct LstmArgs {
    /// What to learn: duet, jazz or rock [default: duet].
    #[arg(long)]
    pub recipe: Option<String>,
    /// A TOML file of these options, such as `epochs = 50`; what is typed wins.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder with .mid files, searched in depth, or a .json file of chorales; may be given more than once. With a
    /// NAME, or more than one folder, the model learns each as a style. What was read is kept in the platform's folder
    /// for caches, or in `$SIDEMAN_CACHE`: the next time only files that changed are read.
    #[arg(long, value_name = "[NAME=]DIR", required = true)]
    pub data: Vec<String>,
    /// The share of all notes that comes from a --data, relative to the others' [default: the square root of its
    /// notes].
    #[arg(long, value_name = "NAME=WEIGHT")]
    pub weight: Vec<String>,
    /// Begin with the weights of this model folder, or of `duet`, which Sideman carries, to train it on with your own
    /// music.
    #[arg(long, value_name = "DIR|duet", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// How often you (the player) and the machine play what: shares of accompany (the machine plays under the
    /// melody), lead (it plays the melody), trade (turns of bars), harmonise (it plays what is under the top line),
    /// answer (turns of phrases) [default: accompany=40,lead=25,trade=15,harmonise=8,answer=12].
    #[arg(long, value_name = "ROLE=SHARE,...")]
    pub roles: Option<Shares>,
    /// Do not teach the network to be asked: how many notes to play in a bar, how many at once, how high, how loud, and over
    /// which chords. Only for duet.
    #[arg(long)]
    pub no_asks: bool,
    /// Let the player be heard as written, instead of late and uneven, doubled in octaves, thinned out, resting and so on by lot.
    /// What the machine is to answer is as written in any case. Only for duet.
    #[arg(long)]
    pub no_manners: bool,
    /// Tell what happens as lines of JSON on the standard output, for a program that shows it; the run stops, and keeps what it
    /// has, when the standard input ends. Only for duet.
    #[arg(long)]
    pub json: bool,
    /// Folder of the run: config.json, log.csv, loss.svg, best/, last/, resume.safetensors; for jazz and rock also
    /// corpus.json and accuracy.svg.
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Go on where the run in --out stopped.
    #[arg(long)]
    pub resume: bool,
    /// Steps in all; may be moved when resuming [default: 6000, with --from 2000].
    #[arg(long)]
    pub steps: Option<u64>,
    /// As many steps as so many minutes hold, told by the speed of the first, with measurements in between. Only for duet.
    #[arg(long, conflicts_with_all = ["steps", "valid_every", "resume"])]
    pub minutes: Option<f64>,
    /// Sequences side by side [default: 32; rock 64].
    #[arg(long)]
    pub batch: Option<usize>,
    /// Tokens of each sequence in a step; what is remembered is carried on [default: 256]. For jazz and rock the names in a window, nothing is carried on [default: 100].
    #[arg(long)]
    pub window: Option<usize>,
    /// The size of the network: small is 2 layers of 128, medium 2 of 256, large 3 of 512 [default: medium].
    #[arg(long, value_enum)]
    pub size: Option<Size>,
    /// Units of each LSTM layer [default: that of --size; jazz 128, rock 256].
    #[arg(long)]
    pub hidden: Option<usize>,
    /// LSTM layers [default: that of --size].
    #[arg(long)]
    pub layers: Option<usize>,
    /// Width of the input [default: that of --size].
    #[arg(long)]
    pub embedding: Option<usize>,
    /// Share of each layer's outputs that is silenced in training [default: 0.2; jazz 0, rock 0.3].
    #[arg(long)]
    pub dropout: Option<f32>,
    /// Highest learning rate [default: 0.002, with --from 0.0005; jazz 0.001, rock 0.01].
    #[arg(long)]
    pub lr: Option<f64>,
    /// Steps in which the learning rate rises [default: 100].
    #[arg(long)]
    pub warm_up: Option<u64>,
    /// Share of the steps in which the learning rate falls to 0 [default: 0.4].
    #[arg(long)]
    pub cool_down: Option<f64>,
    /// Longest gradient [default: 1; jazz and rock any].
    #[arg(long)]
    pub clip: Option<f64>,
    /// Decides everything random [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Steps between measurements on held-out pieces [default: 500].
    #[arg(long)]
    pub valid_every: Option<u64>,
    /// Held-out pieces of each --data measured on during the run [default: 24].
    #[arg(long)]
    pub valid_pieces: Option<usize>,
    /// Share of the pieces that is held out [default: 0.1; jazz and rock 0].
    #[arg(long)]
    pub valid_share: Option<f64>,
    /// Threads; the result does not depend on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Minutes between saves.
    #[arg(long, default_value_t = 10.0, value_name = "MINUTES")]
    pub minutes_per_save: f64,
    /// A source of the pieces for the model card; may be given more than once.
    #[arg(long, value_name = "NAME;LICENCE[;URL]")]
    pub card_source: Vec<String>,
    /// What only jazz and rock know.
    #[command(flatten)]
    pub names: NamesArgs,
}

const LSTM_EXAMPLES: &str = "Examples:
  sideman-train lstm --data midi/ --out runs/small --hidden 128 --steps 2000
  sideman-train lstm --data midi/ --out runs/bent --from duet --minutes 30
  sideman-train lstm --data midi/ --out runs/duet1 \\
      --card-source 'POP909;MIT (arrangements; the songs are in copyright);https://github.com/music-x-lab/POP909-Dataset'
  sideman-train lstm --data pop=midi/pop --data jazz=midi/jazz --weight pop=1 --weight jazz=2 --out runs/two
  sideman-train lstm --from duet --data my-midi/ --out runs/mine
  sideman-train lstm --data midi/ --out runs/duet1 --resume
  sideman-train lstm --recipe jazz --data midi/ --out runs/jazz1 --parts SOLO,CHORDS
  sideman-train lstm --recipe rock --data midi/ --out runs/rock --sweep --dedupe
  sideman-train lstm --config rock.toml --data midi/ --out runs/rock2 --epochs 50

A sweep as a Slurm array; the trials share nothing but --data and --out:
  sbatch --array=1-3 --cpus-per-task=4 --wrap 'sideman-train lstm --recipe rock \\
      --data midi/ --out runs/rock --trial $SLURM_ARRAY_TASK_ID/3 --threads 4'
  sideman-train compare runs/rock/lr-* --out rock.svg";

/// Networks to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Size {
    /// 2 layers of 128: for weak machines, or little music.
    Small,
    /// 2 layers of 256.
    Medium,
    /// 3 layers of 512: for much music, and days of training.
    Large,
}

impl Size {
    /// Layers, and units of each, which is the width of the input too.
    pub(crate) const fn layers_and_units(self) -> (usize, usize) {
        match self {
            Self::Small => (2, 128),
            Self::Medium => (2, 256),
            Self::Large => (3, 512),
        }
    }
}

/// Which pieces `eval`, `keys`, `tempo` and `learning` measure on.
#[derive(Args, Debug)]
pub struct PiecesArgs {
    /// Folder with .mid files; for `keys` they name their chords by markers (`A:min7`).
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Measure on every piece, not only on those that training held out; in `eval`, no n-grams and no copying then.
    #[arg(long)]
    pub all: bool,
    /// Share of the pieces that was held out in training.
    #[arg(long, default_value_t = 0.1)]
    pub valid_share: f64,
}

/// What `jsb` can be told.
#[derive(Args, Debug)]
#[command(after_help = JSB_EXAMPLES)]
pub struct JsbArgs {
    /// JSON file with "train", "valid" and "test": pieces of time steps of MIDI keys.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Rounds over the training pieces, at most.
    #[arg(long, default_value_t = 70)]
    pub epochs: usize,
    /// Rounds without a gain after which training ends.
    #[arg(long, default_value_t = 15)]
    pub patience: usize,
    /// Pieces side by side.
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Units of each LSTM layer.
    #[arg(long, default_value_t = 192)]
    pub hidden: usize,
    /// LSTM layers.
    #[arg(long, default_value_t = 2)]
    pub layers: usize,
    /// Width of the input.
    #[arg(long, default_value_t = 96)]
    pub embedding: usize,
    /// Share of each layer's outputs that is silenced in training.
    #[arg(long, default_value_t = 0.5)]
    pub dropout: f32,
    /// Highest learning rate.
    #[arg(long, default_value_t = 0.004)]
    pub lr: f64,
    /// Decides everything random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Frames made up at each time step of the test pieces, to tell the probabilities of single keys; 0: leave that
    /// measure out.
    #[arg(long, default_value_t = 200)]
    pub samples: usize,
    /// Threads; the result does not depend on them [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where there is no terminal for a progress bar, write a line for each round to stderr.
    #[arg(long)]
    pub log: bool,
}

const JSB_EXAMPLES: &str = "Examples:
  sideman-train jsb --data jsb-chorales-quarter.json
  sideman-train jsb --data jsb-chorales-quarter.json --hidden 128 --epochs 60 --samples 0 --json";

/// What `bench` can be told.
#[derive(Args, Debug)]
#[command(after_help = BENCH_EXAMPLES)]
pub struct BenchArgs {
    /// A Python that can `import torch`: it trains the same nets in turns with ours.
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Only this [default: all].
    #[arg(long, value_enum)]
    pub job: Option<BenchJob>,
    /// Steps of each side that count.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Threads of each side in training [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Files of the job `index`.
    #[arg(long, default_value_t = 5_000)]
    pub files: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What can be timed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum BenchJob {
    /// The step that plays, shapes S (2x128, 300 tokens), M (2x256, 1000) and L (3x512, 1000), beside candle's, which
    /// takes its threads from `RAYON_NUM_THREADS`.
    Step,
    /// The duet LSTM with 256 and with 1000 tokens, batch 64 x 100, beside candle's autograd, which takes its threads
    /// from `RAYON_NUM_THREADS`.
    Lstm,
    /// ResNet-50 over grey images of 70 x 400, batch 8 and 72; takes 4 GB, as much again with --python.
    Resnet,
    /// Reading a folder of made-up MIDI files, and reading it again.
    Index,
}

const BENCH_EXAMPLES: &str = "Examples:
  sideman-train bench --job lstm
  sideman-train bench --job index --files 20000
  RAYON_NUM_THREADS=1 sideman-train bench --job step --rounds 20 --json
  python3 -m venv venv && venv/bin/pip install torch numpy
  sideman-train bench --python venv/bin/python --threads 2 --rounds 9";
