//! The shape of an LSTM model, with bounds that keep a hostile file from asking for the world.

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::music::context::FEATURES;
use crate::music::time::Bars;
use crate::music::token::VOCABULARY;

/// The most numbers a model may have: 256 MiB of weights.
pub const MAX_PARAMETERS: usize = 64 << 20;

/// The shape of the network: what goes in, how wide and how deep it is.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmConfig {
    /// Tokens in the alphabet: inputs and outputs.
    pub vocabulary: usize,
    /// Places in the bar that are told apart.
    pub places: usize,
    /// Numbers of the musical context given at each step.
    pub features: usize,
    /// Width of the input that token, place and context are summed into.
    pub embedding: usize,
    /// Width of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers.
    pub layers: usize,
    /// Share of each layer's outputs that is silenced in training.
    pub dropout: f32,
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self {
            vocabulary: VOCABULARY,
            places: Bars::PLACES,
            features: FEATURES,
            embedding: 256,
            hidden: 256,
            layers: 2,
            dropout: 0.2,
        }
    }
}

/// A tensor of the model and where it lies in the flat parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorSpec {
    /// The name, as PyTorch writes it.
    pub name: String,
    /// Sizes, the slowest first.
    pub shape: Vec<usize>,
    /// Where its numbers lie in [`crate::model::Parameters`].
    pub range: std::ops::Range<usize>,
}

/// Tensors one behind the other, in a flat run.
pub(crate) fn lay_out(shapes: Vec<(String, Vec<usize>)>) -> Vec<TensorSpec> {
    let mut at = 0;
    shapes
        .into_iter()
        .map(|(name, shape)| {
            let start = at;
            at += shape.iter().product::<usize>();
            TensorSpec { name, shape, range: start..at }
        })
        .collect()
}

impl LstmConfig {
    /// Checks every size and the number of parameters.
    ///
    /// # Errors
    /// [`ModelError::Size`] or [`ModelError::Dropout`] names the first value out of bounds.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (field, value, low, high) in [
            ("vocabulary", self.vocabulary, 2, 65_536),
            ("places", self.places, 1, 256),
            ("features", self.features, 0, 4_096),
            ("embedding", self.embedding, 1, 4_096),
            ("hidden", self.hidden, 1, 4_096),
            ("layers", self.layers, 1, 8),
        ] {
            if !(low..=high).contains(&value) {
                return Err(ModelError::Size { field, value, low, high });
            }
        }
        if !(0.0..=0.9).contains(&self.dropout) {
            return Err(ModelError::Dropout(self.dropout));
        }
        let value = self.parameters();
        if value > MAX_PARAMETERS {
            return Err(ModelError::Size {
                field: "parameters",
                value,
                low: 1,
                high: MAX_PARAMETERS,
            });
        }
        Ok(())
    }

    /// Numbers in the whole model. Meaningful for sizes that pass [`Self::validate`].
    pub fn parameters(&self) -> usize {
        self.tensors().last().map_or(0, |t| t.range.end)
    }

    /// Inputs of layer `layer`.
    pub const fn layer_inputs(&self, layer: usize) -> usize {
        if layer == 0 { self.embedding } else { self.hidden }
    }

    /// Numbers in a streamed state: (h, c) of every layer.
    pub const fn state_len(&self) -> usize {
        self.layers * 2 * self.hidden
    }

    /// Every tensor, in the order of the flat parameters.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let gates = 4 * self.hidden;
        let mut shapes = vec![
            ("embedding.weight".to_owned(), vec![self.vocabulary, self.embedding]),
            ("place.weight".to_owned(), vec![self.places, self.embedding]),
            ("context.weight".to_owned(), vec![self.embedding, self.features]),
        ];
        for layer in 0..self.layers {
            let inputs = self.layer_inputs(layer);
            shapes.push((format!("lstm.weight_ih_l{layer}"), vec![gates, inputs]));
            shapes.push((format!("lstm.weight_hh_l{layer}"), vec![gates, self.hidden]));
            shapes.push((format!("lstm.bias_ih_l{layer}"), vec![gates]));
            shapes.push((format!("lstm.bias_hh_l{layer}"), vec![gates]));
        }
        shapes.push(("head.weight".to_owned(), vec![self.vocabulary, self.hidden]));
        shapes.push(("head.bias".to_owned(), vec![self.vocabulary]));
        lay_out(shapes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_duet_net() {
        let config = LstmConfig::default();
        config.validate().unwrap();
        assert_eq!(config.parameters(), 1_214_976);
    }

    #[test]
    fn hostile_sizes_are_refused() {
        let good = LstmConfig::default();
        for bad in [
            LstmConfig { hidden: usize::MAX, ..good },
            LstmConfig { hidden: 0, ..good },
            LstmConfig { layers: 9, ..good },
            LstmConfig { vocabulary: 1 << 20, ..good },
            LstmConfig { hidden: 4_096, layers: 8, ..good },
            LstmConfig { dropout: f32::NAN, ..good },
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
