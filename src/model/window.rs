//! Tokens side by side, as the network takes them in training, and what its lanes remember.

use crate::model::{LstmConfig, ModelError};

/// Tokens of `lanes` sequences side by side, `steps` of each. All runs are (steps, lanes).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Window {
    /// Time steps.
    pub steps: usize,
    /// Sequences.
    pub lanes: usize,
    /// What has just happened, below the vocabulary's size.
    pub tokens: Vec<u16>,
    /// The place in the bar after it.
    pub places: Vec<u8>,
    /// (steps, lanes, features): the musical context after it.
    pub features: Vec<f32>,
    /// What happens next.
    pub targets: Vec<u16>,
    /// 1 where the target counts, 0 in padding.
    pub weights: Vec<f32>,
}

impl Window {
    /// Checks all lengths and ids against a model.
    ///
    /// # Errors
    /// [`ModelError::Input`] names the first that does not fit.
    pub fn check(&self, config: &LstmConfig) -> Result<(), ModelError> {
        let n = self.steps * self.lanes;
        for (what, got, want) in [
            ("the window's tokens", self.tokens.len(), n),
            ("the window's places", self.places.len(), n),
            ("the window's features", self.features.len(), n * config.features),
            ("the window's targets", self.targets.len(), n),
            ("the window's weights", self.weights.len(), n),
        ] {
            if got != want {
                return Err(ModelError::Input { what, got, want });
            }
        }
        let top = |ids: &[u16]| ids.iter().copied().max().map_or(0, usize::from);
        let token = top(&self.tokens).max(top(&self.targets));
        if token >= config.vocabulary {
            return Err(ModelError::Input { what: "a token", got: token, want: config.vocabulary });
        }
        let place = self.places.iter().copied().max().map_or(0, usize::from);
        if place >= config.places {
            return Err(ModelError::Input { what: "a place", got: place, want: config.places });
        }
        Ok(())
    }

    /// Targets that count.
    pub fn counted(&self) -> f32 {
        self.weights.iter().sum()
    }
}

/// What the lanes of a window remember: layer by layer h and c, each (lanes, hidden).
#[derive(Clone, PartialEq, Debug)]
pub struct LaneStates {
    lanes: usize,
    hidden: usize,
    pub(super) values: Vec<f32>,
}

impl LaneStates {
    /// Nothing remembered in any lane.
    pub fn zeros(config: &LstmConfig, lanes: usize) -> Self {
        Self { lanes, hidden: config.hidden, values: vec![0.0; config.state_len() * lanes] }
    }

    /// Forgets one lane.
    pub fn reset(&mut self, lane: usize) {
        for run in self.values.chunks_exact_mut(self.lanes * self.hidden) {
            run[lane * self.hidden..(lane + 1) * self.hidden].fill(0.0);
        }
    }

    /// All the numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All the numbers, to change.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}
