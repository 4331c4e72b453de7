//! Everything that decides what a composer run computes.

use serde::{Deserialize, Serialize};

use crate::model::image::ResNetConfig;
use crate::model::image::checkpoint::MAX_SIDE;
use crate::train::TrainError;
use crate::train::optimiser::Way;

/// The settings of a run; the same settings and rows give the same bytes on one machine, with any number of threads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComposerConfig {
    /// `composer`, or `listener` for the styles of what is played.
    pub recipe: String,
    /// Layers: 18, 34 or 50.
    pub depth: usize,
    /// Lines of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Channels after the network's stem.
    #[serde(default = "published_channels")]
    pub channels: usize,
    /// Images in a step.
    pub batch: usize,
    /// Passes through the rows.
    pub epochs: u64,
    /// How the weights are moved.
    pub optimiser: Way,
    /// The first step's rate.
    pub learning_rate: f64,
    /// After t steps the rate is divided by 1 + decay t.
    pub decay: f64,
    /// Whether each row is shifted, turned, blurred, and made noisier, paler or darker by lot.
    pub augment: bool,
    /// The seed of everything random.
    pub seed: u64,
}

/// As in the published networks.
const fn published_channels() -> usize {
    64
}

impl Default for ComposerConfig {
    /// As published in "Deep Learning Music with Python".
    fn default() -> Self {
        Self {
            recipe: crate::model::image::checkpoint::RECIPE.to_owned(),
            depth: 50,
            height: 70,
            width: 400,
            channels: published_channels(),
            batch: 72,
            epochs: 100,
            optimiser: Way::Sgd,
            learning_rate: 1e-3,
            decay: 1e-5,
            augment: false,
            seed: 1,
        }
    }
}

impl ComposerConfig {
    /// The network for so many classes.
    pub const fn net(&self, classes: usize) -> ResNetConfig {
        ResNetConfig { depth: self.depth, classes, width: self.channels }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |text: String| Err(TrainError::Config(text));
        for (name, value, low, high) in [
            ("--height", self.height, 8, MAX_SIDE),
            ("--width", self.width, 8, MAX_SIDE),
            ("--batch", self.batch, 1, 4_096),
        ] {
            if !(low..=high).contains(&value) {
                return wrong(format!("{name} is {value}, allowed are {low} to {high}"));
            }
        }
        if self.epochs == 0 {
            return wrong("--epochs is 0, 1 is the least".to_owned());
        }
        for (name, value, high) in
            [("--lr", self.learning_rate, 10.0), ("--decay", self.decay, 10.0)]
        {
            if !(0.0..=high).contains(&value) {
                return wrong(format!("{name} is {value}, allowed are 0 to {high}"));
            }
        }
        Ok(self.net(2).validate()?)
    }
}
