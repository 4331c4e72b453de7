//! The network of the `jazz` and `rock` recipes: a window of numbers in, the odds of the next name out.

pub mod checkpoint;
pub mod net;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::config::{MAX_PARAMETERS, TensorSpec, lay_out};
use crate::model::parameters::{normal, unit};

/// The shape: one number a step, LSTM layers, perhaps a linear layer, a softmax over the names.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesConfig {
    /// Names in the vocabulary.
    pub vocabulary: usize,
    /// Units of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers.
    pub layers: usize,
    /// Units of the linear layer before the softmax; 0 for none.
    pub dense: usize,
    /// Share that is silenced in training after each LSTM layer but the last, and after the linear layer.
    pub dropout: f32,
}

impl NamesConfig {
    /// Checks every size and the number of parameters.
    ///
    /// # Errors
    /// [`ModelError::Size`] or [`ModelError::Dropout`] names the first value out of bounds.
    pub fn validate(&self) -> Result<(), ModelError> {
        let size = |field, value, low, high| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ModelError::Size { field, value, low, high })
            }
        };
        size("vocabulary", self.vocabulary, 2, 65_536)?;
        size("hidden", self.hidden, 1, 4_096)?;
        size("layers", self.layers, 1, 8)?;
        size("dense", self.dense, 0, 4_096)?;
        if !(0.0..=0.9).contains(&self.dropout) {
            return Err(ModelError::Dropout(self.dropout));
        }
        size("parameters", self.parameters(), 1, MAX_PARAMETERS)
    }

    /// Numbers in the whole model. Meaningful for sizes that pass [`Self::validate`].
    pub fn parameters(&self) -> usize {
        self.tensors().last().map_or(0, |t| t.range.end)
    }

    /// Inputs of LSTM layer `layer`.
    pub(crate) const fn inputs(&self, layer: usize) -> usize {
        if layer == 0 { 1 } else { self.hidden }
    }

    /// Inputs of the softmax layer.
    pub(crate) const fn width(&self) -> usize {
        if self.dense == 0 { self.hidden } else { self.dense }
    }

    /// Every tensor, in the order of the flat numbers. A layer has one bias, as in Keras.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let gates = 4 * self.hidden;
        let mut shapes = Vec::new();
        for layer in 0..self.layers {
            shapes.push((format!("lstm.weight_ih_l{layer}"), vec![gates, self.inputs(layer)]));
            shapes.push((format!("lstm.weight_hh_l{layer}"), vec![gates, self.hidden]));
            shapes.push((format!("lstm.bias_l{layer}"), vec![gates]));
        }
        if self.dense > 0 {
            shapes.push(("dense.weight".to_owned(), vec![self.dense, self.hidden]));
            shapes.push(("dense.bias".to_owned(), vec![self.dense]));
        }
        shapes.push(("head.weight".to_owned(), vec![self.vocabulary, self.width()]));
        shapes.push(("head.bias".to_owned(), vec![self.vocabulary]));
        lay_out(shapes)
    }
}

/// The numbers of a model in one flat run.
#[derive(Clone, PartialEq, Debug)]
pub struct NamesParameters {
    config: NamesConfig,
    values: Vec<f32>,
}

impl NamesParameters {
    /// All zeros, for gradients and the like.
    ///
    /// # Errors
    /// As [`NamesConfig::validate`].
    pub fn zeros(config: NamesConfig) -> Result<Self, ModelError> {
        config.validate()?;
        Ok(Self { config, values: vec![0.0; config.parameters()] })
    }

    /// Fresh weights as Keras, in which both articles were written, makes them: uniform after Glorot,
    /// orthogonal where a layer feeds itself, biases 0 but 1 for the forget gates.
    ///
    /// # Errors
    /// As [`NamesConfig::validate`].
    pub fn random(config: NamesConfig, seed: u64) -> Result<Self, ModelError> {
        let mut this = Self::zeros(config)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for tensor in config.tensors() {
            let values = &mut this.values[tensor.range];
            match tensor.shape[..] {
                [rows, columns] if tensor.name.starts_with("lstm.weight_hh") => {
                    orthogonal(values, rows, columns, &mut rng);
                }
                [rows, columns] => {
                    let bound = (6.0 / (rows + columns) as f32).sqrt();
                    values.fill_with(|| (2.0 * unit(&mut rng) - 1.0) * bound);
                }
                _ if tensor.name.starts_with("lstm.") => {
                    values[config.hidden..2 * config.hidden].fill(1.0);
                }
                _ => {}
            }
        }
        Ok(this)
    }

    /// Takes numbers in the order of [`NamesConfig::tensors`].
    ///
    /// # Errors
    /// As [`NamesConfig::validate`], or [`ModelError::Weights`] when their number is wrong.
    pub fn from_values(config: NamesConfig, values: Vec<f32>) -> Result<Self, ModelError> {
        config.validate()?;
        let (got, want) = (values.len(), config.parameters());
        if got == want {
            Ok(Self { config, values })
        } else {
            Err(ModelError::Weights(format!("{got} numbers, the config asks for {want}")))
        }
    }

    /// The shape.
    pub const fn config(&self) -> &NamesConfig {
        &self.config
    }

    /// All the numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All the numbers, to change.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The tensors, to read.
    pub(crate) fn view(&self) -> Tensors<&[f32]> {
        let mut rest = self.values.as_slice();
        Tensors::cut(&self.config, |n| {
            let (part, tail) = rest.split_at(n);
            rest = tail;
            part
        })
    }

    /// The tensors, to change.
    pub(crate) fn view_mut(&mut self) -> Tensors<&mut [f32]> {
        let mut rest = self.values.as_mut_slice();
        Tensors::cut(&self.config, |n| {
            let (part, tail) = std::mem::take(&mut rest).split_at_mut(n);
            rest = tail;
            part
        })
    }
}

/// The tensors of a model, in the order of [`NamesConfig::tensors`]; a test holds the two together.
#[derive(Debug)]
pub(crate) struct Tensors<P> {
    /// From the input to the output.
    pub(crate) layers: Vec<Layer<P>>,
    /// (dense, hidden) and (dense); empty without a linear layer.
    pub(crate) dense: P,
    pub(crate) dense_bias: P,
    /// (vocabulary, width) and (vocabulary).
    pub(crate) head: P,
    pub(crate) head_bias: P,
}

/// The tensors of one LSTM layer; the gates are i, f, g, o.
#[derive(Debug)]
pub(crate) struct Layer<P> {
    /// (4 hidden, inputs).
    pub(crate) weight_ih: P,
    /// (4 hidden, hidden).
    pub(crate) weight_hh: P,
    /// (4 hidden).
    pub(crate) bias: P,
}

impl<P> Tensors<P> {
    fn cut(config: &NamesConfig, mut next: impl FnMut(usize) -> P) -> Self {
        let gates = 4 * config.hidden;
        Self {
            layers: (0..config.layers)
                .map(|layer| Layer {
                    weight_ih: next(gates * config.inputs(layer)),
                    weight_hh: next(gates * config.hidden),
                    bias: next(gates),
                })
                .collect(),
            dense: next(config.dense * config.hidden),
            dense_bias: next(config.dense),
            head: next(config.vocabulary * config.width()),
            head_bias: next(config.vocabulary),
        }
    }
}

/// Columns of length 1 at right angles (Gram and Schmidt, twice for the rounding); there are no more columns
/// than rows.
fn orthogonal(values: &mut [f32], rows: usize, columns: usize, rng: &mut ChaCha8Rng) {
    let mut done: Vec<Vec<f32>> = Vec::with_capacity(columns);
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    for column in 0..columns {
        let mut new: Vec<f32> = (0..rows).map(|_| normal(rng)).collect();
        for _ in 0..2 {
            for old in &done {
                let shared = dot(&new, old);
                new.iter_mut().zip(old).for_each(|(x, y)| *x -= shared * y);
            }
        }
        let length = dot(&new, &new).sqrt().max(f32::MIN_POSITIVE);
        for (row, x) in new.iter_mut().enumerate() {
            *x /= length;
            values[row * columns + column] = *x;
        }
        done.push(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: NamesConfig =
        NamesConfig { vocabulary: 7, hidden: 6, layers: 2, dense: 4, dropout: 0.0 };

    #[test]
    fn the_views_are_the_tensors() {
        for config in [CONFIG, NamesConfig { dense: 0, layers: 3, ..CONFIG }] {
            let parameters = NamesParameters::random(config, 1).unwrap();
            let view = parameters.view();
            let mut parts = Vec::new();
            for layer in &view.layers {
                parts.extend([layer.weight_ih, layer.weight_hh, layer.bias]);
            }
            parts.extend([view.dense, view.dense_bias, view.head, view.head_bias]);
            parts.retain(|p| !p.is_empty());
            let tensors = config.tensors();
            assert_eq!(tensors.len(), parts.len());
            for (tensor, part) in tensors.iter().zip(parts) {
                assert_eq!(&parameters.values()[tensor.range.clone()], part, "{}", tensor.name);
            }
        }
    }

    #[test]
    fn fresh_weights_are_kerass() {
        let parameters = NamesParameters::random(CONFIG, 3).unwrap();
        let layer = &parameters.view().layers[1];
        assert_eq!(layer.bias[..6], [0.0; 6]);
        assert_eq!(layer.bias[6..12], [1.0; 6]);
        for a in 0..6 {
            for b in 0..6 {
                let dot: f32 = layer.weight_hh.chunks(6).map(|row| row[a] * row[b]).sum();
                assert!((dot - if a == b { 1.0 } else { 0.0 }).abs() < 1e-5, "{a} {b} {dot}");
            }
        }
        let bound = (6.0_f32 / (24 + 6) as f32).sqrt();
        assert!(layer.weight_ih.iter().all(|x| x.abs() <= bound));
        assert_eq!(parameters, NamesParameters::random(CONFIG, 3).unwrap());
        assert_ne!(parameters, NamesParameters::random(CONFIG, 4).unwrap());
    }

    #[test]
    fn the_published_nets_have_these_sizes() {
        // Keras's model.summary(): 4 h (inputs + h + 1) a layer, and the dense layers with their biases.
        let jazz = NamesConfig { vocabulary: 300, hidden: 128, layers: 2, dense: 0, dropout: 0.0 };
        assert_eq!(jazz.parameters(), 66_560 + 131_584 + 300 * 129);
        let rock =
            NamesConfig { vocabulary: 300, hidden: 256, layers: 2, dense: 128, dropout: 0.3 };
        assert_eq!(rock.parameters(), 264_192 + 525_312 + 128 * 257 + 300 * 129);
    }

    #[test]
    fn hostile_sizes_are_refused() {
        for bad in [
            NamesConfig { hidden: usize::MAX, ..CONFIG },
            NamesConfig { hidden: 0, ..CONFIG },
            NamesConfig { layers: 9, ..CONFIG },
            NamesConfig { vocabulary: 1 << 20, ..CONFIG },
            NamesConfig { dense: 1 << 20, ..CONFIG },
            NamesConfig { hidden: 4_096, layers: 8, ..CONFIG },
            NamesConfig { dropout: f32::NAN, ..CONFIG },
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
