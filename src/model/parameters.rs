//! All the numbers of a model in one flat run, with names.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::model::inputs::Inputs;
use crate::model::{LstmConfig, ModelError};

/// The weights of a model: one flat run of numbers, cut into tensors by [`LstmConfig::tensors`].
#[derive(Clone, PartialEq, Debug)]
pub struct Parameters {
    config: LstmConfig,
    values: Vec<f32>,
}

impl Parameters {
    /// All zeros, for gradients and the like.
    ///
    /// # Errors
    /// As [`LstmConfig::validate`].
    pub fn zeros(config: LstmConfig) -> Result<Self, ModelError> {
        config.validate()?;
        Ok(Self { config, values: vec![0.0; config.parameters()] })
    }

    /// Fresh weights, the same for the same seed: LSTM and head uniform in +-1/sqrt(hidden) as PyTorch has
    /// them, the forget gates' bias raised by 1, the inputs normal as PyTorch has embeddings.
    ///
    /// # Errors
    /// As [`LstmConfig::validate`].
    pub fn random(config: LstmConfig, seed: u64) -> Result<Self, ModelError> {
        let mut parameters = Self::zeros(config)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bound = 1.0 / (config.hidden as f32).sqrt();
        let hidden = config.hidden;
        for tensor in config.tensors() {
            let values = &mut parameters.values[tensor.range];
            if tensor.name.starts_with("lstm.") || tensor.name.starts_with("head.") {
                values.fill_with(|| (2.0 * unit(&mut rng) - 1.0) * bound);
            } else {
                values.fill_with(|| normal(&mut rng));
            }
            if tensor.name.starts_with("lstm.bias_ih") {
                for x in &mut values[hidden..2 * hidden] {
                    *x += 1.0;
                }
            }
        }
        Ok(parameters)
    }

    /// Takes numbers in the order of [`LstmConfig::tensors`].
    ///
    /// # Errors
    /// As [`LstmConfig::validate`], or [`ModelError::Weights`] when their number is wrong.
    pub fn from_values(config: LstmConfig, values: Vec<f32>) -> Result<Self, ModelError> {
        config.validate()?;
        if values.len() == config.parameters() {
            Ok(Self { config, values })
        } else {
            Err(ModelError::Weights(format!(
                "{} numbers, the config asks for {}",
                values.len(),
                config.parameters()
            )))
        }
    }

    /// The same weights for a model that is told more, which says nothing to it yet.
    ///
    /// # Errors
    /// As [`LstmConfig::validate`], or [`ModelError::Size`] when it would be told less.
    pub fn with_inputs(&self, inputs: Inputs) -> Result<Self, ModelError> {
        let (old, known) = (self.config.features, Inputs::of(self.config.features));
        let features = inputs.count();
        if inputs.styles < known.styles || (known.asked && !inputs.asked) {
            let field = "features";
            return Err(ModelError::Size { field, value: features, low: old, high: 4_096 });
        }
        let mut wider = Self::zeros(LstmConfig { features, ..self.config })?;
        let asked = known.asked().zip(inputs.asked());
        let moved = asked.chain(known.styles().zip(inputs.styles()));
        let same = 0..known.asked().start.min(old);
        let places: Vec<(usize, usize)> = same.map(|i| (i, i)).chain(moved).collect();
        for (from, to) in self.config.tensors().into_iter().zip(wider.config.tensors()) {
            let (from, to) = (&self.values[from.range], &mut wider.values[to.range]);
            if from.len() == to.len() {
                to.copy_from_slice(from);
            } else {
                let rows = from.chunks_exact(old.max(1)).zip(to.chunks_exact_mut(features));
                for (from, to) in rows {
                    for (a, b) in &places {
                        to[*b] = from[*a];
                    }
                }
            }
        }
        Ok(wider)
    }

    /// The shape.
    pub const fn config(&self) -> &LstmConfig {
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

    /// The parts by name.
    pub fn view(&self) -> View<'_> {
        let mut rest = self.values.as_slice();
        Tensors::cut(&self.config, |n| {
            let (part, tail) = rest.split_at(n);
            rest = tail;
            part
        })
    }

    /// The parts by name, to change.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let mut rest = self.values.as_mut_slice();
        Tensors::cut(&self.config, |n| {
            let (part, tail) = std::mem::take(&mut rest).split_at_mut(n);
            rest = tail;
            part
        })
    }
}

/// The tensors of a model, each row-major and of the shape in its comment.
#[derive(Debug)]
pub struct Tensors<P> {
    /// (vocabulary, embedding).
    pub embedding: P,
    /// (places, embedding).
    pub place: P,
    /// (embedding, features).
    pub context: P,
    /// From the input to the output.
    pub layers: Vec<LayerTensors<P>>,
    /// (vocabulary, hidden).
    pub head: P,
    /// (vocabulary).
    pub head_bias: P,
}

/// The tensors of one LSTM layer; the gates are i, f, g, o.
#[derive(Debug)]
pub struct LayerTensors<P> {
    /// (4 hidden, inputs).
    pub weight_ih: P,
    /// (4 hidden, hidden).
    pub weight_hh: P,
    /// (4 hidden).
    pub bias_ih: P,
    /// (4 hidden).
    pub bias_hh: P,
}

/// The tensors, to read.
pub type View<'a> = Tensors<&'a [f32]>;
/// The tensors, to change.
pub type ViewMut<'a> = Tensors<&'a mut [f32]>;

impl<P> Tensors<P> {
    /// Cuts in the order of [`LstmConfig::tensors`]; a test holds the two together.
    fn cut(config: &LstmConfig, mut next: impl FnMut(usize) -> P) -> Self {
        let gates = 4 * config.hidden;
        Self {
            embedding: next(config.vocabulary * config.embedding),
            place: next(config.places * config.embedding),
            context: next(config.embedding * config.features),
            layers: (0..config.layers)
                .map(|layer| LayerTensors {
                    weight_ih: next(gates * config.layer_inputs(layer)),
                    weight_hh: next(gates * config.hidden),
                    bias_ih: next(gates),
                    bias_hh: next(gates),
                })
                .collect(),
            head: next(config.vocabulary * config.hidden),
            head_bias: next(config.vocabulary),
        }
    }
}

/// A number in 0..1 from 24 random bits.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// A standard normal number (Box and Muller).
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let (a, b) = (1.0 - unit(rng), unit(rng));
    (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::context::FEATURES;

    #[test]
    fn the_views_are_the_tensors() {
        let config = LstmConfig {
            vocabulary: 5,
            places: 3,
            features: 2,
            embedding: 4,
            hidden: 6,
            layers: 2,
            dropout: 0.0,
        };
        let parameters = Parameters::random(config, 1).unwrap();
        let view = parameters.view();
        let mut parts = vec![view.embedding, view.place, view.context];
        for layer in &view.layers {
            parts.extend([layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh]);
        }
        parts.extend([view.head, view.head_bias]);
        let tensors = config.tensors();
        assert_eq!(tensors.len(), parts.len());
        for (tensor, part) in tensors.iter().zip(parts) {
            assert_eq!(&parameters.values()[tensor.range.clone()], part, "{}", tensor.name);
        }
    }

    #[test]
    fn more_inputs_change_nothing_until_they_are_learnt() {
        let plain = Inputs { asked: false, styles: 2 };
        let config = LstmConfig {
            hidden: 4,
            embedding: 3,
            features: plain.count(),
            ..LstmConfig::default()
        };
        let narrow = Parameters::random(config, 1).unwrap();
        let inputs = Inputs { asked: true, styles: 3 };
        let wide = narrow.with_inputs(inputs).unwrap();
        let (old, new) = (narrow.view(), wide.view());
        let rows = old.context.chunks(plain.count()).zip(new.context.chunks(inputs.count()));
        for (old, new) in rows {
            assert_eq!(old[..FEATURES], new[..FEATURES]);
            assert!(new[inputs.asked()].iter().all(|x| *x == 0.0));
            assert_eq!([&old[plain.styles()], &[0.0]].concat(), new[inputs.styles()]);
        }
        assert_eq!((old.head, old.embedding), (new.head, new.embedding));
        assert_eq!(old.layers[1].weight_hh, new.layers[1].weight_hh);
        assert_eq!(narrow.with_inputs(plain).unwrap(), narrow);
        assert!(wide.with_inputs(plain).is_err());
        let more = Inputs { asked: true, styles: 5 };
        let asked = wide.with_inputs(more).unwrap();
        assert_eq!(asked.with_inputs(more).unwrap(), asked);
    }

    #[test]
    fn the_seed_decides() {
        let config = LstmConfig { hidden: 8, embedding: 8, ..LstmConfig::default() };
        let a = Parameters::random(config, 1).unwrap();
        assert_eq!(a, Parameters::random(config, 1).unwrap());
        assert_ne!(a, Parameters::random(config, 2).unwrap());
    }
}
