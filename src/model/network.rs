//! The whole network over a window of tokens, for training and for measuring: forwards, the loss, and back.
//!
//! Everything is plain runs of numbers in buffers that are kept from window to window: a training step
//! allocates nothing, and one thread carries its lanes from the embedding to the gradients without waiting
//! for another. A general autograd graph spends most of its time on allocation and on joining threads at
//! every small product; the test `gradients_are_the_slopes` holds the hand-written way to the truth.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::model::kernel::{add, softmax};
use crate::model::product::{Matrix, multiply};
use crate::model::sequence::{self, LayerGradients, LayerWeights, Shape, Trace};
use crate::model::window::{LaneStates, Window};
use crate::model::{LstmConfig, ModelError, Parameters};

/// Positions whose logits are worked on at a time: they stay in the cache.
const HEAD_ROWS: usize = 256;

/// Weights with what every window needs of them made ready.
#[derive(Debug)]
pub struct Prepared<'a> {
    parameters: &'a Parameters,
    mirrored: Vec<Vec<f32>>,
    biases: Vec<Vec<f32>>,
}

impl<'a> Prepared<'a> {
    /// Makes weights ready.
    pub fn new(parameters: &'a Parameters) -> Self {
        let hidden = parameters.config().hidden;
        let view = parameters.view();
        let mirrored = view.layers.iter().map(|layer| mirror(layer.weight_hh, 4 * hidden, hidden));
        let biases = view
            .layers
            .iter()
            .map(|layer| layer.bias_ih.iter().zip(layer.bias_hh).map(|(a, b)| a + b).collect());
        Self { parameters, mirrored: mirrored.collect(), biases: biases.collect() }
    }
}

pub(super) fn mirror(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    for (r, row) in matrix.chunks_exact(columns).enumerate() {
        for (c, x) in row.iter().enumerate() {
            out[c * rows + r] = *x;
        }
    }
    out
}

/// How a window is trained on.
#[derive(Debug)]
pub struct Training<'a> {
    /// Decides what is silenced, together with `stream`.
    pub seed: u64,
    /// Another number for every window of a run.
    pub stream: u64,
    /// What a nat of this window counts: one over the counted targets of the whole batch.
    pub scale: f32,
    /// Added to.
    pub gradients: &'a mut Parameters,
}

/// The buffers of one thread; grown once to the largest window.
#[derive(Debug, Default)]
pub struct Workspace {
    x: Vec<f32>,
    traces: Vec<Trace>,
    /// The layers' outputs, silenced in part.
    outputs: Vec<Vec<f32>>,
    masks: Vec<Vec<u8>>,
    logits: Vec<f32>,
    dy: Vec<f32>,
    dx: Vec<f32>,
    /// Nats of each position of the last window, (steps, lanes), padding 0.
    pub nats: Vec<f32>,
    /// How many tokens were held likelier than the target at each position; empty after training.
    pub ranks: Vec<u16>,
}

impl Workspace {
    /// Runs a window, moving `states` on, and gives the sum of the nats of its counted targets; with
    /// `training` also goes back and adds to the gradients.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the window does not fit the model.
    pub fn run(
        &mut self,
        weights: &Prepared<'_>,
        window: &Window,
        states: &mut LaneStates,
        mut training: Option<Training<'_>>,
    ) -> Result<f64, ModelError> {
        let config = *weights.parameters.config();
        window.check(&config)?;
        if states.values.len() != config.state_len() * window.lanes {
            let (got, want) = (states.values.len(), config.state_len() * window.lanes);
            return Err(ModelError::Input { what: "the lanes' states", got, want });
        }
        self.embed(weights, window);
        let dropout = training.as_ref().filter(|_| config.dropout > 0.0).map(|t| {
            let mut rng = ChaCha8Rng::seed_from_u64(t.seed);
            rng.set_stream(t.stream);
            rng
        });
        self.layers_forward(weights, window, states, dropout);
        let nats = self.head(weights, window, training.as_mut());
        if let Some(training) = training {
            self.layers_backward(weights, window, training.gradients);
        }
        Ok(nats)
    }

    fn embed(&mut self, weights: &Prepared<'_>, window: &Window) {
        let config = weights.parameters.config();
        let (view, width) = (weights.parameters.view(), config.embedding);
        let n = window.tokens.len();
        self.x.resize(n * width, 0.0);
        for ((x, token), place) in
            self.x.chunks_exact_mut(width).zip(&window.tokens).zip(&window.places)
        {
            x.copy_from_slice(&view.embedding[usize::from(*token) * width..][..width]);
            add(x, &view.place[usize::from(*place) * width..][..width]);
        }
        multiply(
            &mut self.x,
            Matrix::new(&window.features, n, config.features),
            Matrix::new(view.context, width, config.features).transposed(),
            true,
        );
    }

    fn layers_forward(
        &mut self,
        weights: &Prepared<'_>,
        window: &Window,
        states: &mut LaneStates,
        mut dropout: Option<ChaCha8Rng>,
    ) {
        let config = weights.parameters.config();
        self.traces.resize_with(config.layers, Trace::default);
        self.outputs.resize_with(config.layers, Vec::new);
        self.masks.resize_with(config.layers, Vec::new);
        let row = window.lanes * config.hidden;
        for (layer, state) in states.values.chunks_exact_mut(2 * row).enumerate() {
            let shape = shape(config, window, layer);
            let (h, c) = state.split_at_mut(row);
            let (before, rest) = self.outputs.split_at_mut(layer);
            let x = before.last().unwrap_or(&self.x);
            let trace = &mut self.traces[layer];
            sequence::forward(shape, weights.layer_weights(layer), x, h, c, trace);
            let outputs = &mut rest[0];
            outputs.clear();
            outputs.extend_from_slice(trace.outputs(shape));
            if let Some(rng) = &mut dropout {
                let mask = &mut self.masks[layer];
                mask.resize(outputs.len(), 0);
                rng.fill_bytes(mask);
                silence(outputs, mask, config.dropout);
            }
        }
    }

    /// The logits, the loss and, in training, their gradients, a few rows at a time.
    fn head(
        &mut self,
        weights: &Prepared<'_>,
        window: &Window,
        mut training: Option<&mut Training<'_>>,
    ) -> f64 {
        let config = weights.parameters.config();
        let (vocabulary, hidden) = (config.vocabulary, config.hidden);
        let view = weights.parameters.view();
        let Some(y) = self.outputs.last() else { return 0.0 };
        self.nats.clear();
        self.nats.resize(window.tokens.len(), 0.0);
        self.ranks.clear();
        self.dy.resize(if training.is_some() { y.len() } else { 0 }, 0.0);
        let mut total = 0.0;
        for (chunk, y) in y.chunks(HEAD_ROWS * hidden).enumerate() {
            let (first, rows) = (chunk * HEAD_ROWS, y.len() / hidden);
            let y = Matrix::new(y, rows, hidden);
            let head = Matrix::new(view.head, vocabulary, hidden);
            self.logits.resize(rows * vocabulary, 0.0);
            for row in self.logits.chunks_exact_mut(vocabulary) {
                row.copy_from_slice(view.head_bias);
            }
            multiply(&mut self.logits, y, head.transposed(), true);
            for (row, logits) in self.logits.chunks_exact_mut(vocabulary).enumerate() {
                let target = usize::from(window.targets[first + row]);
                let weight = window.weights[first + row];
                let logit = logits[target];
                if training.is_none() {
                    self.ranks.push(logits.iter().filter(|l| **l > logit).count() as u16);
                }
                let nats = (softmax(logits) - logit) * weight;
                self.nats[first + row] = nats;
                total += f64::from(nats);
                if let Some(training) = &training {
                    logits[target] -= 1.0;
                    let scale = training.scale * weight;
                    for x in logits {
                        *x *= scale;
                    }
                }
            }
            if let Some(training) = &mut training {
                let gradients = training.gradients.view_mut();
                let dlogits = Matrix::new(&self.logits, rows, vocabulary);
                multiply(gradients.head, dlogits.transposed(), y, true);
                self.logits.chunks_exact(vocabulary).for_each(|row| add(gradients.head_bias, row));
                multiply(&mut self.dy[first * hidden..][..rows * hidden], dlogits, head, false);
            }
        }
        total
    }

    fn layers_backward(
        &mut self,
        weights: &Prepared<'_>,
        window: &Window,
        gradients: &mut Parameters,
    ) {
        let config = *weights.parameters.config();
        let mut gradients = gradients.view_mut();
        for layer in (0..config.layers).rev() {
            let shape = shape(&config, window, layer);
            if config.dropout > 0.0 {
                silence(&mut self.dy, &self.masks[layer], config.dropout);
            }
            let x = if layer == 0 { &self.x } else { &self.outputs[layer - 1] };
            let to = &mut gradients.layers[layer];
            let mut to = LayerGradients {
                weight_ih: to.weight_ih,
                weight_hh: to.weight_hh,
                bias_ih: to.bias_ih,
                bias_hh: to.bias_hh,
            };
            let layer_weights = weights.layer_weights(layer);
            sequence::backward(shape, layer_weights, x, &self.dy, &mut self.traces[layer], &mut to);
            self.dx.resize(x.len(), 0.0);
            sequence::input_gradient(shape, layer_weights, &self.traces[layer], &mut self.dx);
            std::mem::swap(&mut self.dx, &mut self.dy);
        }
        let width = config.embedding;
        for ((dx, token), place) in
            self.dy.chunks_exact(width).zip(&window.tokens).zip(&window.places)
        {
            add(&mut gradients.embedding[usize::from(*token) * width..][..width], dx);
            add(&mut gradients.place[usize::from(*place) * width..][..width], dx);
        }
        let n = window.tokens.len();
        multiply(
            gradients.context,
            Matrix::new(&self.dy, n, width).transposed(),
            Matrix::new(&window.features, n, config.features),
            true,
        );
    }
}

impl Prepared<'_> {
    fn layer_weights(&self, layer: usize) -> LayerWeights<'_> {
        let mut view = self.parameters.view();
        let tensors = view.layers.swap_remove(layer);
        LayerWeights {
            weight_ih: tensors.weight_ih,
            weight_hh: tensors.weight_hh,
            weight_hh_mirrored: &self.mirrored[layer],
            bias: &self.biases[layer],
        }
    }
}

const fn shape(config: &LstmConfig, window: &Window, layer: usize) -> Shape {
    Shape {
        steps: window.steps,
        lanes: window.lanes,
        inputs: config.layer_inputs(layer),
        hidden: config.hidden,
    }
}

/// Silences where the random byte is low, and raises the rest, so that the mean stays.
pub(super) fn silence(values: &mut [f32], mask: &[u8], dropout: f32) {
    let low = (dropout * 256.0).round() as u16;
    let raise = 256.0 / (256.0 - f32::from(low));
    for (x, byte) in values.iter_mut().zip(mask) {
        *x *= if u16::from(*byte) < low { 0.0 } else { raise };
    }
}

#[cfg(test)]
mod tests;
