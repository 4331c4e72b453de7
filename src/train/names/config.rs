//! Everything that decides what a run of the `jazz` or `rock` recipe computes. The defaults are the articles'.

use serde::{Deserialize, Serialize};

use crate::data::named::PartChoice;
use crate::data::windows::Cut;
use crate::model::names::NamesConfig;
use crate::model::names::checkpoint::MAX_WINDOW;
use crate::music::name::Naming;
use crate::train::TrainError;

/// The learning rates that "`DeepRock`" compares.
pub const ROCK_RATES: [f64; 3] = [0.01, 0.001, 0.0001];

/// A published recipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipe {
    /// "Composing Jazz Music with Deep Learning".
    Jazz,
    /// "`DeepRock`".
    Rock,
}

impl Recipe {
    /// The recipe of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Jazz, Self::Rock].into_iter().find(|r| r.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jazz => "jazz",
            Self::Rock => "rock",
        }
    }

    /// How it names what begins together.
    pub const fn naming(self) -> Naming {
        match self {
            Self::Jazz => Naming::NormalOrder,
            Self::Rock => Naming::Pitches,
        }
    }

    /// How notes become names, in words.
    pub const fn tokenizer(self) -> &'static str {
        match self {
            Self::Jazz => {
                "a note by its name, what begins on one twelfth of a beat by the normal order of its \
                 pitch classes; no lengths, no rests"
            }
            Self::Rock => {
                "electric guitars, a note by its name, what begins on one twelfth of a beat by its \
                 pitches; no lengths, no rests"
            }
        }
    }
}

/// The loss that decides which model is best, and when to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// That of the epoch itself, as published.
    Train,
    /// That of the held-out files.
    Valid,
}

/// The settings of a run; the same settings and files give the same bytes on one machine, with any number of
/// threads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesTrainConfig {
    /// Which recipe.
    pub recipe: Recipe,
    /// The parts that are read: `all`, `first`, `electric-guitar`, or names of tracks with commas between.
    pub parts: String,
    /// How likely a part must be a guitar where its program does not say so.
    pub min_confidence: f64,
    /// Names in a window.
    pub window: usize,
    /// Places from one window to the next.
    pub hop: usize,
    /// Windows with so many distinct names or fewer are dropped.
    pub unique_factor: usize,
    /// Whether near-duplicates and repeated windows count less.
    pub dedupe: bool,
    /// Units of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers.
    pub layers: usize,
    /// Units of the linear layer before the softmax; 0 for none.
    pub dense: usize,
    /// Share that is silenced in training.
    pub dropout: f32,
    /// Passes through the windows.
    pub epochs: u64,
    /// Windows in a step.
    pub batch: usize,
    /// Adam's learning rate at the first step.
    pub learning_rate: f64,
    /// After `t` steps the rate is divided by `1 + decay t`, as in Keras.
    pub decay: f64,
    /// The longest gradient; none is held back where there is none.
    pub clip: Option<f64>,
    /// The share of the files that is held out.
    pub valid_share: f64,
    /// Which loss decides.
    pub watch: Watch,
    /// Epochs without a better loss after which the run ends.
    pub patience: Option<u64>,
    /// The seed of everything random.
    pub seed: u64,
}

impl NamesTrainConfig {
    /// The recipe as published.
    pub fn published(recipe: Recipe) -> Self {
        let jazz = Self {
            recipe,
            parts: "all".to_owned(),
            min_confidence: 0.5,
            window: 100,
            hop: 1,
            unique_factor: 0,
            dedupe: false,
            hidden: 128,
            layers: 2,
            dense: 0,
            dropout: 0.0,
            epochs: 200,
            batch: 32,
            learning_rate: 0.001,
            decay: 0.0,
            clip: None,
            valid_share: 0.0,
            watch: Watch::Train,
            patience: None,
            seed: 1,
        };
        match recipe {
            Recipe::Jazz => jazz,
            Recipe::Rock => Self {
                parts: "electric-guitar".to_owned(),
                unique_factor: 13,
                hidden: 256,
                dense: 128,
                dropout: 0.3,
                batch: 64,
                learning_rate: ROCK_RATES[0],
                decay: 0.01,
                ..jazz
            },
        }
    }

    /// Checks every setting that does not depend on the corpus.
    ///
    /// # Errors
    /// [`TrainError::Config`] or the model's own error names the first that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |text: String| Err(TrainError::Config(text));
        self.model(2).validate()?;
        for (name, value, low, high) in [
            ("--epochs", self.epochs, 1, 1_000_000),
            ("--batch", self.batch as u64, 1, 4_096),
            ("--window", self.window as u64, 1, MAX_WINDOW as u64),
            ("--hop", self.hop as u64, 1, 1_000_000),
            ("--unique-factor", self.unique_factor as u64, 0, self.window as u64),
            ("--patience", self.patience.unwrap_or(1), 1, 1_000_000),
        ] {
            if !(low..=high).contains(&value) {
                return wrong(format!("{name} is {value}, allowed are {low} to {high}"));
            }
        }
        if self.batch * self.window > 1 << 20 {
            return wrong("--batch times --window is over 1048576 names a step".to_owned());
        }
        for (name, value, low, high) in [
            ("--lr", self.learning_rate, 1e-12, 1e30),
            ("--decay", self.decay, 0.0, 1e6),
            ("--clip", self.clip.unwrap_or(1.0), 1e-6, 1e6),
            ("--valid-share", self.valid_share, 0.0, 0.9),
            ("--min-confidence", self.min_confidence, 0.0, 1.0),
        ] {
            if !(low..=high).contains(&value) {
                return wrong(format!("{name} is {value}, allowed are {low} to {high}"));
            }
        }
        if self.watch == Watch::Valid && self.valid_share == 0.0 {
            return wrong("--watch valid needs held-out files: add --valid-share 0.1".to_owned());
        }
        if self.parts.split(',').any(|p| p.trim().is_empty()) {
            return wrong(format!("--parts '{}': an empty name", self.parts));
        }
        Ok(())
    }

    /// The network over this many names.
    pub const fn model(&self, vocabulary: usize) -> NamesConfig {
        let Self { hidden, layers, dense, dropout, .. } = *self;
        NamesConfig { vocabulary, hidden, layers, dense, dropout }
    }

    /// The parts to read.
    pub fn part_choice(&self) -> PartChoice {
        match self.parts.as_str() {
            "all" => PartChoice::All,
            "first" => PartChoice::First,
            "electric-guitar" => PartChoice::ElectricGuitar(self.min_confidence),
            names => PartChoice::Named(names.split(',').map(|n| n.trim().to_owned()).collect()),
        }
    }

    /// How rows are cut.
    pub fn cut(&self) -> Cut {
        Cut {
            window: self.window,
            hop: self.hop,
            unique_factor: self.unique_factor,
            whole_windows: self.recipe == Recipe::Rock,
        }
    }

    /// The learning rate of a step, counted from 0.
    pub fn rate_at(&self, step: u64) -> f64 {
        self.learning_rate / (1.0 + self.decay * step as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_published_and_valid() {
        let jazz = NamesTrainConfig::published(Recipe::Jazz);
        jazz.validate().unwrap();
        assert_eq!((jazz.window, jazz.hidden, jazz.layers, jazz.dense), (100, 128, 2, 0));
        assert_eq!((jazz.batch, jazz.epochs, jazz.unique_factor), (32, 200, 0));
        let rock = NamesTrainConfig::published(Recipe::Rock);
        rock.validate().unwrap();
        assert_eq!((rock.window, rock.hidden, rock.layers, rock.dense), (100, 256, 2, 128));
        assert_eq!((rock.batch, rock.epochs, rock.unique_factor), (64, 200, 13));
        assert_eq!(rock.part_choice(), PartChoice::ElectricGuitar(0.5));
        // Keras: lr / (1 + decay * iterations).
        let rates = [0, 1, 100].map(|step| (rock.rate_at(step) * 1e6).round() as i64);
        assert_eq!(rates, [10_000, 9_901, 5_000]);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let good = NamesTrainConfig::published(Recipe::Jazz);
        let check = |config: NamesTrainConfig, part: &str| {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        };
        check(NamesTrainConfig { hop: 0, ..good.clone() }, "--hop is 0");
        check(NamesTrainConfig { epochs: 0, ..good.clone() }, "--epochs is 0");
        check(NamesTrainConfig { unique_factor: 101, ..good.clone() }, "--unique-factor is 101");
        check(NamesTrainConfig { learning_rate: f64::NAN, ..good.clone() }, "--lr is NaN");
        check(NamesTrainConfig { watch: Watch::Valid, ..good.clone() }, "--watch valid needs");
        check(NamesTrainConfig { parts: "SOLO,,BASS".to_owned(), ..good }, "an empty name");
    }
}
