//! Everything that decides what a run computes.

use serde::{Deserialize, Serialize};

use crate::data::roles::Shares;
use crate::data::stream::Reads;
use crate::model::LstmConfig;
use crate::model::inputs::Inputs;
use crate::train::TrainError;

/// The settings of a run; the same settings and pieces give the same bytes on one machine, with any number
/// of threads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// What is learned: `duet`.
    pub recipe: String,
    /// The shape of the network.
    pub model: LstmConfig,
    /// The seed of everything random.
    pub seed: u64,
    /// Steps in the whole run; moving it moves the cool-down.
    pub steps: u64,
    /// Lanes of tokens side by side.
    pub batch: usize,
    /// Tokens of each lane in a step.
    pub window: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps in which the learning rate rises from 0.
    pub warm_up: u64,
    /// The share of the steps, at the end, in which the learning rate falls to 0.
    pub cool_down: f64,
    /// The longest gradient: longer ones are scaled to this.
    pub clip: f64,
    /// Steps between measurements on held-out pieces.
    pub valid_every: u64,
    /// Held-out pieces that are measured on during the run.
    pub valid_pieces: usize,
    /// The share of the pieces that is held out.
    pub valid_share: f64,
    /// How often each role is read.
    #[serde(default)]
    pub roles: Shares,
    /// The machine is asked for what it plays. Runs of before it could be are without.
    #[serde(default)]
    pub asks: bool,
    /// What is heard of the player is played in the manner of players.
    #[serde(default)]
    pub manners: bool,
    /// The sets of pieces, in the order in which they are given.
    #[serde(default)]
    pub sets: Vec<SetConfig>,
    /// The styles that the model tells apart; the first is number 1. Empty when it tells none.
    #[serde(default)]
    pub styles: Vec<String>,
    /// The hash of the model whose weights the run began with.
    #[serde(default)]
    pub from: Option<String>,
}

/// A set of pieces.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetConfig {
    /// Its name, and that of its style if the model tells styles apart.
    pub name: String,
    /// The share of all notes heard that comes from it, relative to the other sets'; none for the square root of
    /// its notes.
    pub weight: Option<f64>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            recipe: "duet".to_owned(),
            model: LstmConfig {
                features: Inputs { asked: true, styles: 0 }.count(),
                ..LstmConfig::default()
            },
            seed: 1,
            steps: 6_000,
            batch: 32,
            window: 256,
            learning_rate: 2e-3,
            warm_up: 100,
            cool_down: 0.4,
            clip: 1.0,
            valid_every: 500,
            valid_pieces: 24,
            valid_share: 0.1,
            roles: Shares::default(),
            asks: true,
            manners: true,
            sets: Vec::new(),
            styles: Vec::new(),
            from: None,
        }
    }
}

impl TrainConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`TrainError::Config`] or the model's own error names the first that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.model.validate()?;
        let wrong = |text: String| Err(TrainError::Config(text));
        if self.recipe != "duet" {
            return wrong(format!("--recipe is '{}', known are duet, jazz and rock", self.recipe));
        }
        for (name, value, high) in [
            ("--steps", self.steps, 100_000_000),
            ("--batch", self.batch as u64, 1_024),
            ("--window", self.window as u64, 8_192),
            ("--valid-every", self.valid_every, u64::MAX),
            ("--valid-pieces", self.valid_pieces as u64, 1_000_000),
        ] {
            if !(1..=high).contains(&value) {
                return wrong(format!("{name} is {value}, allowed are 1 to {high}"));
            }
        }
        if self.batch * self.window > 1 << 20 {
            return wrong("--batch times --window is over 1048576 tokens a step".to_owned());
        }
        if self.model.features != self.inputs().count() {
            let (features, want) = (self.model.features, self.inputs().count());
            return wrong(format!("{features} features are not the {want} of the run's inputs"));
        }
        let named = self.sets.iter().filter_map(|s| Some((s.name.as_str(), s.weight?)));
        for (name, weight) in named {
            if !(1e-6..=1e6).contains(&weight) {
                return wrong(format!(
                    "--weight {name} is {weight}, allowed are 0.000001 to 1000000"
                ));
            }
        }
        for (name, value, low, high) in [
            ("--lr", self.learning_rate, 1e-9, 1.0),
            ("--clip", self.clip, 1e-6, 1e6),
            ("--cool-down", self.cool_down, 0.0, 1.0),
            ("--valid-share", self.valid_share, 0.0, 0.9),
        ] {
            if !(low..=high).contains(&value) {
                return wrong(format!("{name} is {value}, allowed are {low} to {high}"));
            }
        }
        Ok(())
    }

    /// What the network is told.
    pub fn inputs(&self) -> Inputs {
        Inputs { asked: self.asks, styles: self.styles.len() }
    }

    /// How pieces are read.
    pub const fn reads(&self) -> Reads {
        Reads { roles: self.roles, asks: self.asks, manners: self.manners }
    }

    /// The number of a set's style, counted from 1; 0 where the model tells none apart.
    pub fn style(&self, set: &str) -> usize {
        self.styles.iter().position(|s| s == set).map_or(0, |i| i + 1)
    }

    /// The style that the model plays in unless told another: that of the first set.
    pub fn home_style(&self) -> usize {
        self.sets.first().map_or(0, |s| self.style(&s.name))
    }

    /// The learning rate at a step, counted from 0: up, level, and down to 0 at the end.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let up = (step + 1) as f64 / self.warm_up.max(1) as f64;
        let left = self.steps.saturating_sub(step) as f64;
        let down = left / (self.steps as f64 * self.cool_down).max(1.0);
        self.learning_rate * up.min(down).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_holds_and_falls() {
        let config = TrainConfig { steps: 1_000, learning_rate: 1.0, ..TrainConfig::default() };
        let at = |step| (config.learning_rate_at(step) * 1_000.0).round() as i64;
        assert_eq!(
            [at(0), at(49), at(99), at(600), at(800), at(999), at(1_000)],
            [10, 500, 1_000, 1_000, 500, 3, 0]
        );
    }
}
