//! The network over a batch of windows: forwards, the loss at the last place, and back.
//!
//! Every window begins with a state of zeros, and only what comes after its last place counts.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::model::ModelError;
use crate::model::kernel::{add, softmax};
use crate::model::names::{NamesConfig, NamesParameters};
use crate::model::network::{mirror, silence};
use crate::model::product::{Matrix, multiply};
use crate::model::sequence::{self, LayerGradients, LayerWeights, Shape, Trace};

/// Windows side by side.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Batch {
    /// Places in each window.
    pub steps: usize,
    /// (steps, lanes): the names as numbers, scaled.
    pub inputs: Vec<f32>,
    /// (lanes): the name that comes next.
    pub targets: Vec<u16>,
    /// (lanes): what each window counts.
    pub weights: Vec<f32>,
}

impl Batch {
    /// Windows in it.
    pub const fn lanes(&self) -> usize {
        self.targets.len()
    }

    fn check(&self, config: &NamesConfig) -> Result<(), ModelError> {
        let lanes = self.lanes();
        for (what, got, want) in [
            ("the windows", self.inputs.len(), self.steps * lanes),
            ("the windows' weights", self.weights.len(), lanes),
        ] {
            if got != want {
                return Err(ModelError::Input { what, got, want });
            }
        }
        let (got, want) =
            (self.targets.iter().max().map_or(0, |t| usize::from(*t)), config.vocabulary);
        if got >= want {
            return Err(ModelError::Input { what: "a name", got, want });
        }
        Ok(())
    }
}

/// Weights with what every batch needs of them made ready.
#[derive(Debug)]
pub struct Prepared<'a> {
    parameters: &'a NamesParameters,
    mirrored: Vec<Vec<f32>>,
}

impl<'a> Prepared<'a> {
    /// Makes weights ready.
    pub fn new(parameters: &'a NamesParameters) -> Self {
        let hidden = parameters.config().hidden;
        let layers = parameters.view().layers;
        let mirrored = layers.iter().map(|l| mirror(l.weight_hh, 4 * hidden, hidden)).collect();
        Self { parameters, mirrored }
    }

    fn layer(&self, layer: usize) -> LayerWeights<'_> {
        let tensors = self.parameters.view().layers.swap_remove(layer);
        LayerWeights {
            weight_ih: tensors.weight_ih,
            weight_hh: tensors.weight_hh,
            weight_hh_mirrored: &self.mirrored[layer],
            bias: tensors.bias,
        }
    }
}

/// How a batch is trained on.
#[derive(Debug)]
pub struct Training<'a> {
    /// Decides what is silenced, together with `stream`.
    pub seed: u64,
    /// Another number for every batch of a run.
    pub stream: u64,
    /// What a nat counts: one over the weights of the whole batch.
    pub scale: f32,
    /// Added to.
    pub gradients: &'a mut NamesParameters,
}

/// What came of a batch, each window by its weight.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Score {
    /// Nats of the right names.
    pub nats: f64,
    /// Windows whose likeliest name was the right one.
    pub right: f64,
    /// The weights.
    pub windows: f64,
}

impl std::ops::AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.nats += other.nats;
        self.right += other.right;
        self.windows += other.windows;
    }
}

/// The buffers of one thread; grown once to the largest batch.
#[derive(Debug, Default)]
pub struct Workspace {
    traces: Vec<Trace>,
    /// The layers' outputs, silenced in part; of the last layer only the last place.
    outputs: Vec<Vec<f32>>,
    masks: Vec<Vec<u8>>,
    dense: Vec<f32>,
    dense_mask: Vec<u8>,
    logits: Vec<f32>,
    dlast: Vec<f32>,
    ddense: Vec<f32>,
    dy: Vec<f32>,
    dx: Vec<f32>,
    unused_bias: Vec<f32>,
}

impl Workspace {
    /// Runs a batch; with `training` also goes back and adds to the gradients.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the batch does not fit the model.
    pub fn run(
        &mut self,
        weights: &Prepared<'_>,
        batch: &Batch,
        training: Option<Training<'_>>,
    ) -> Result<Score, ModelError> {
        let config = *weights.parameters.config();
        batch.check(&config)?;
        let dropout = training.as_ref().filter(|_| config.dropout > 0.0).map(|t| {
            let mut rng = ChaCha8Rng::seed_from_u64(t.seed);
            rng.set_stream(t.stream);
            rng
        });
        self.forward(weights, &batch.inputs, batch.lanes(), batch.steps, dropout);
        let mut score = Score::default();
        for (lane, logits) in self.logits.chunks_exact_mut(config.vocabulary).enumerate() {
            let (target, weight) = (usize::from(batch.targets[lane]), batch.weights[lane]);
            let logit = logits[target];
            // NaN is no maximum, and its window is not right.
            let right = !logits.iter().any(|x| *x > logit) && logit.is_finite();
            let nats = (softmax(logits) - logit) * weight;
            score += Score {
                nats: f64::from(nats),
                right: if right { f64::from(weight) } else { 0.0 },
                windows: f64::from(weight),
            };
            if let Some(training) = &training {
                logits[target] -= 1.0;
                let scale = training.scale * weight;
                for x in logits {
                    *x *= scale;
                }
            }
        }
        if let Some(training) = training {
            self.backward(weights, batch, training.gradients);
        }
        Ok(score)
    }

    /// The logits of what follows one window.
    pub fn logits(&mut self, weights: &Prepared<'_>, inputs: &[f32]) -> &mut [f32] {
        self.forward(weights, inputs, 1, inputs.len(), None);
        &mut self.logits
    }

    fn forward(
        &mut self,
        weights: &Prepared<'_>,
        inputs: &[f32],
        lanes: usize,
        steps: usize,
        mut dropout: Option<ChaCha8Rng>,
    ) {
        let config = *weights.parameters.config();
        let row = lanes * config.hidden;
        self.traces.resize_with(config.layers, Trace::default);
        self.outputs.resize_with(config.layers, Vec::new);
        self.masks.resize_with(config.layers, Vec::new);
        for layer in 0..config.layers {
            let shape = shape(&config, layer, steps, lanes);
            let (before, rest) = self.outputs.split_at_mut(layer);
            let x = before.last().map_or(inputs, Vec::as_slice);
            let trace = &mut self.traces[layer];
            let (mut h, mut c) = (vec![0.0; row], vec![0.0; row]);
            sequence::forward(shape, weights.layer(layer), x, &mut h, &mut c, trace);
            let outputs = &mut rest[0];
            outputs.clear();
            if layer + 1 == config.layers {
                outputs.extend_from_slice(&h);
            } else {
                outputs.extend_from_slice(trace.outputs(shape));
                if let Some(rng) = &mut dropout {
                    random_silence(outputs, &mut self.masks[layer], rng, config.dropout);
                }
            }
        }
        let view = weights.parameters.view();
        let last = self.outputs.last().map_or(&[][..], Vec::as_slice);
        let top = if config.dense == 0 {
            last
        } else {
            linear(&mut self.dense, last, view.dense, view.dense_bias, lanes);
            if let Some(rng) = &mut dropout {
                random_silence(&mut self.dense, &mut self.dense_mask, rng, config.dropout);
            }
            &self.dense
        };
        linear(&mut self.logits, top, view.head, view.head_bias, lanes);
    }

    /// Back from the gradients of the logits.
    fn backward(&mut self, weights: &Prepared<'_>, batch: &Batch, gradients: &mut NamesParameters) {
        let config = *weights.parameters.config();
        let (lanes, steps) = (batch.lanes(), batch.steps);
        let (row, view) = (lanes * config.hidden, weights.parameters.view());
        let mut to = gradients.view_mut();
        let last = self.outputs.last().map_or(&[][..], Vec::as_slice);
        let top = if config.dense == 0 { last } else { &self.dense };
        let (logits, dlast) = (&self.logits, &mut self.dlast);
        if config.dense == 0 {
            linear_backward(logits, top, view.head, to.head, to.head_bias, dlast, lanes);
        } else {
            let ddense = &mut self.ddense;
            linear_backward(logits, top, view.head, to.head, to.head_bias, ddense, lanes);
            if config.dropout > 0.0 {
                silence(ddense, &self.dense_mask, config.dropout);
            }
            linear_backward(ddense, last, view.dense, to.dense, to.dense_bias, dlast, lanes);
        }
        // Only the last place is heard of.
        self.dy.clear();
        self.dy.resize(steps.saturating_sub(1) * row, 0.0);
        self.dy.extend_from_slice(&self.dlast);
        self.unused_bias.resize(4 * config.hidden, 0.0);
        for layer in (0..config.layers).rev() {
            let shape = shape(&config, layer, steps, lanes);
            if layer + 1 < config.layers && config.dropout > 0.0 {
                silence(&mut self.dy, &self.masks[layer], config.dropout);
            }
            let x = if layer == 0 { &batch.inputs } else { &self.outputs[layer - 1] };
            let layer_to = &mut to.layers[layer];
            let mut layer_to = LayerGradients {
                weight_ih: layer_to.weight_ih,
                weight_hh: layer_to.weight_hh,
                bias_ih: layer_to.bias,
                bias_hh: &mut self.unused_bias,
            };
            let (own, trace) = (weights.layer(layer), &mut self.traces[layer]);
            sequence::backward(shape, own, x, &self.dy, trace, &mut layer_to);
            if layer > 0 {
                self.dx.resize(x.len(), 0.0);
                sequence::input_gradient(shape, own, trace, &mut self.dx);
                std::mem::swap(&mut self.dx, &mut self.dy);
            }
        }
    }
}

const fn shape(config: &NamesConfig, layer: usize, steps: usize, lanes: usize) -> Shape {
    Shape { steps, lanes, inputs: config.inputs(layer), hidden: config.hidden }
}

/// `out = x weightᵀ + bias`, all (lanes, ..).
fn linear(out: &mut Vec<f32>, x: &[f32], weight: &[f32], bias: &[f32], lanes: usize) {
    out.clear();
    (0..lanes).for_each(|_| out.extend_from_slice(bias));
    let columns = x.len() / lanes.max(1);
    let weight = Matrix::new(weight, bias.len(), columns);
    multiply(out, Matrix::new(x, lanes, columns), weight.transposed(), true);
}

/// Back through [`linear`]: adds to the gradients of weight and bias, overwrites that of `x`.
fn linear_backward(
    dout: &[f32],
    x: &[f32],
    weight: &[f32],
    dweight: &mut [f32],
    dbias: &mut [f32],
    dx: &mut Vec<f32>,
    lanes: usize,
) {
    let (rows, columns) = (dbias.len(), x.len() / lanes.max(1));
    let dout_matrix = Matrix::new(dout, lanes, rows);
    multiply(dweight, dout_matrix.transposed(), Matrix::new(x, lanes, columns), true);
    dout.chunks_exact(rows).for_each(|row| add(dbias, row));
    dx.resize(x.len(), 0.0);
    multiply(dx, dout_matrix, Matrix::new(weight, rows, columns), false);
}

fn random_silence(values: &mut [f32], mask: &mut Vec<u8>, rng: &mut ChaCha8Rng, dropout: f32) {
    mask.resize(values.len(), 0);
    rng.fill_bytes(mask);
    silence(values, mask, dropout);
}

#[cfg(test)]
mod tests;
