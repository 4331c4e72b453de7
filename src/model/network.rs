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
use crate::model::{LstmConfig, ModelError, Parameters};

/// Positions whose logits are worked on at a time: they stay in the cache.
const HEAD_ROWS: usize = 256;

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
    values: Vec<f32>,
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

fn mirror(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
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
                let nats = (softmax(logits) - logit) * weight;
                self.nats[first + row] = nats;
                total += f64::from(nats);
                if let Some(training) = &training {
                    logits[target] -= 1.0;
                    let scale = training.scale * weight;
                    logits.iter_mut().for_each(|x| *x *= scale);
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
            let to = LayerGradients {
                weight_ih: to.weight_ih,
                weight_hh: to.weight_hh,
                bias_ih: to.bias_ih,
                bias_hh: to.bias_hh,
            };
            let layer_weights = weights.layer_weights(layer);
            sequence::backward(shape, layer_weights, x, &self.dy, &mut self.traces[layer], to);
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
fn silence(values: &mut [f32], mask: &[u8], dropout: f32) {
    let low = (dropout * 256.0).round() as u16;
    let raise = 256.0 / (256.0 - f32::from(low));
    for (x, byte) in values.iter_mut().zip(mask) {
        *x *= if u16::from(*byte) < low { 0.0 } else { raise };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Lstm, State, StepInput};

    const CONFIG: LstmConfig = LstmConfig {
        vocabulary: 11,
        places: 5,
        features: 3,
        embedding: 6,
        hidden: 9,
        layers: 2,
        dropout: 0.0,
    };

    fn window(steps: usize, lanes: usize) -> Window {
        let n = steps * lanes;
        Window {
            steps,
            lanes,
            tokens: (0..n).map(|i| (i * 7 % 11) as u16).collect(),
            places: (0..n).map(|i| (i * 3 % 5) as u8).collect(),
            features: (0..n * 3).map(|i| (i * 5 % 7) as f32 / 7.0).collect(),
            targets: (0..n).map(|i| (i * i % 11) as u16).collect(),
            weights: (0..n).map(|i| if i % 6 == 5 { 0.0 } else { 1.0 }).collect(),
        }
    }

    #[test]
    fn gradients_are_the_slopes() {
        for dropout in [0.0, 0.4] {
            let config = LstmConfig { dropout, ..CONFIG };
            let mut parameters = Parameters::random(config, 3).unwrap();
            parameters.values_mut().iter_mut().for_each(|x| *x *= 2.0);
            let window = window(7, 3);
            let mut states = LaneStates::zeros(&config, 3);
            states.values_mut().iter_mut().enumerate().for_each(|(i, x)| *x = (i % 5) as f32 / 9.0);
            let loss = |parameters: &Parameters, gradients: &mut Parameters| {
                let training = Training { seed: 5, stream: 1, scale: 1.0, gradients };
                Workspace::default()
                    .run(&Prepared::new(parameters), &window, &mut states.clone(), Some(training))
                    .unwrap()
            };
            let mut gradients = Parameters::zeros(config).unwrap();
            loss(&parameters, &mut gradients);
            let mut scrap = Parameters::zeros(config).unwrap();
            for i in (0..gradients.values().len()).step_by(3) {
                let step = 2e-2;
                let before = parameters.values()[i];
                let mut at = |x: f32| {
                    parameters.values_mut()[i] = x;
                    loss(&parameters, &mut scrap)
                };
                // Richardson's extrapolation of the central difference.
                let narrow = (at(before + step) - at(before - step)) / f64::from(2.0 * step);
                let wide =
                    (at(before + 2.0 * step) - at(before - 2.0 * step)) / f64::from(4.0 * step);
                let slope = (4.0 * narrow - wide) / 3.0;
                parameters.values_mut()[i] = before;
                let gradient = f64::from(gradients.values()[i]);
                assert!(
                    (slope - gradient).abs() < 1e-3 + 2e-3 * slope.abs(),
                    "{i}: {slope} {gradient}"
                );
            }
        }
    }

    #[test]
    fn a_window_is_its_steps() {
        let parameters = Parameters::random(CONFIG, 4).unwrap();
        let window = window(20, 2);
        let mut workspace = Workspace::default();
        let mut states = LaneStates::zeros(&CONFIG, 2);
        workspace.run(&Prepared::new(&parameters), &window, &mut states, None).unwrap();
        let lstm = Lstm::new(&parameters);
        for lane in 0..2 {
            let mut state = State::zeros(&CONFIG);
            let mut logits = [0.0; 11];
            for t in 0..20 {
                let at = t * 2 + lane;
                let features = &window.features[at * 3..][..3];
                let input =
                    StepInput { token: window.tokens[at], place: window.places[at], features };
                lstm.step(input, &mut state, &mut logits).unwrap();
                let sum: f32 = logits.iter().map(|x| x.exp()).sum();
                let nats = sum.ln() - logits[usize::from(window.targets[at])];
                let expected = nats * window.weights[at];
                assert!((workspace.nats[at] - expected).abs() < 1e-5);
            }
            for (run, values) in states.values().chunks(2 * 9).zip(state.values().chunks(9)) {
                assert!(run[lane * 9..][..9].iter().zip(values).all(|(a, b)| (a - b).abs() < 1e-5));
            }
        }
    }

    #[test]
    fn windows_carried_on_are_one_window() {
        let parameters = Parameters::random(CONFIG, 4).unwrap();
        let prepared = Prepared::new(&parameters);
        let whole = window(20, 2);
        let mut workspace = Workspace::default();
        let mut states = LaneStates::zeros(&CONFIG, 2);
        workspace.run(&prepared, &whole, &mut states, None).unwrap();
        let expected = workspace.nats.clone();
        let (mut carried, mut nats) = (LaneStates::zeros(&CONFIG, 2), Vec::new());
        for part in 0..4 {
            let at = part * 10..(part + 1) * 10;
            let part = Window {
                steps: 5,
                lanes: 2,
                tokens: whole.tokens[at.clone()].to_vec(),
                places: whole.places[at.clone()].to_vec(),
                features: whole.features[at.start * 3..at.end * 3].to_vec(),
                targets: whole.targets[at.clone()].to_vec(),
                weights: whole.weights[at].to_vec(),
            };
            workspace.run(&prepared, &part, &mut carried, None).unwrap();
            nats.extend_from_slice(&workspace.nats);
        }
        assert!(nats.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    #[ignore = "a measurement: run it alone, in release"]
    fn speed() {
        let config = LstmConfig::default();
        let parameters = Parameters::random(config, 3).unwrap();
        let (steps, lanes) = (256, 16);
        let n = steps * lanes;
        let window = Window {
            steps,
            lanes,
            tokens: (0..n).map(|i| (i * 7 % 256) as u16).collect(),
            places: (0..n).map(|i| (i % 48) as u8).collect(),
            features: (0..n * 73).map(|i| (i * 5 % 7) as f32 / 7.0).collect(),
            targets: (0..n).map(|i| (i * i % 256) as u16).collect(),
            weights: vec![1.0; n],
        };
        let mut workspace = Workspace::default();
        let mut states = LaneStates::zeros(&config, lanes);
        let mut gradients = Parameters::zeros(config).unwrap();
        let prepared = Prepared::new(&parameters);
        for _ in 0..4 {
            let start = std::time::Instant::now();
            workspace.run(&prepared, &window, &mut states, None).unwrap();
            let forward = start.elapsed();
            let start = std::time::Instant::now();
            let training =
                Training { seed: 1, stream: 0, scale: 1.0 / n as f32, gradients: &mut gradients };
            workspace.run(&prepared, &window, &mut states, Some(training)).unwrap();
            let both = start.elapsed();
            let rate = n as f64 / both.as_secs_f64();
            eprintln!("forward {forward:?}, with backward {both:?}: {rate:.0} tokens/s a thread");
        }
    }
}
