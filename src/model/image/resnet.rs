//! Residual networks (He and others, 2015): weights, a batch forwards, the loss, and the way back.

mod backward;
mod probe;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::model::ModelError;
use crate::model::config::TensorSpec;
use crate::model::image::convolution::Scratch;
use crate::model::image::crew::{Crew, grown};
use crate::model::image::norm::{Gate, Moments, Norm, Slopes};
use crate::model::image::patches::Source;
use crate::model::image::plan::{Layer, Plan, ResNetConfig};
use crate::model::image::shape::{Axis, Size};
use crate::model::image::{head, loops, pool};
use crate::model::parameters::{normal, unit};

use backward::{Wanted, Way};
pub use probe::{Maps, PLACES};

/// The pool behind the stem.
const POOL: Axis = Axis { kernel: 3, stride: 2, padding: 1 };
/// Numbers of a block's output that are added up at a time.
const PIECE: usize = 1 << 16;

/// A residual network over images of one channel: its shape and its numbers.
#[derive(Clone, Debug)]
pub struct ResNet {
    config: ResNetConfig,
    plan: Plan,
    values: Vec<f32>,
    running: Vec<f32>,
}

impl ResNet {
    /// Fresh weights, the same for the same seed: convolutions normal as He has them (over the outputs), the head
    /// uniform in +-1/sqrt(features) as PyTorch has it, norms that change nothing.
    ///
    /// # Errors
    /// As [`ResNetConfig::validate`].
    pub fn random(config: ResNetConfig, seed: u64) -> Result<Self, ModelError> {
        config.validate()?;
        let plan = Plan::new(&config);
        let end = |tensors: &[TensorSpec]| tensors.last().map_or(0, |t| t.range.end);
        let mut values = vec![0.0; end(&plan.tensors)];
        let mut running = vec![0.0; end(&plan.buffers)];
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bound = 1.0 / (plan.features as f32).sqrt();
        for tensor in &plan.tensors {
            let values = &mut values[tensor.range.clone()];
            if let [height, width, _, outputs] = tensor.shape[..] {
                let deviation = (2.0 / (height * width * outputs) as f32).sqrt();
                values.fill_with(|| normal(&mut rng) * deviation);
            } else if tensor.name.starts_with("fc.") {
                values.fill_with(|| (2.0 * unit(&mut rng) - 1.0) * bound);
            } else if tensor.name.ends_with(".weight") {
                values.fill(1.0);
            }
        }
        for buffer in plan.buffers.iter().filter(|b| b.name.ends_with("var")) {
            running[buffer.range.clone()].fill(1.0);
        }
        Ok(Self { config, plan, values, running })
    }

    /// The shape.
    pub const fn config(&self) -> &ResNetConfig {
        &self.config
    }

    /// The learnt tensors, named as PyTorch names them, in the order of [`Self::values`]. A convolution's weights
    /// are (kernel rows, kernel columns, inputs, outputs), where PyTorch has the last two first.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.plan.tensors
    }

    /// The norms' running estimates, likewise, in the order of [`Self::running`].
    pub fn buffers(&self) -> &[TensorSpec] {
        &self.plan.buffers
    }

    /// All learnt numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All learnt numbers, to change.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// All running estimates.
    pub fn running(&self) -> &[f32] {
        &self.running
    }

    /// All running estimates, to change.
    pub fn running_mut(&mut self) -> &mut [f32] {
        &mut self.running
    }
}

/// Grey images of one size, with what they show.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Images {
    /// Rows of each.
    pub height: usize,
    /// Columns of each.
    pub width: usize,
    /// (images, rows, columns).
    pub pixels: Vec<f32>,
    /// The class of each image.
    pub labels: Vec<u16>,
}

impl Images {
    fn check(&self, config: &ResNetConfig) -> Result<Size, ModelError> {
        let (images, height, width) = (self.labels.len(), self.height, self.width);
        let want = height.checked_mul(width).and_then(|n| n.checked_mul(images));
        let (got, want) = (self.pixels.len(), want.unwrap_or(usize::MAX));
        if got != want || want == 0 {
            let want = want.max(1);
            return Err(ModelError::Input { what: "the pixels of the images", got, want });
        }
        let got = self.labels.iter().copied().max().map_or(0, usize::from);
        if got >= config.classes {
            return Err(ModelError::Input { what: "a label", got, want: config.classes });
        }
        Ok(Size { images, height, width, channels: 1 })
    }
}

/// How well a batch was told apart.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Score {
    /// The sum of the images' losses.
    pub nats: f64,
    /// Images whose class had the highest logit.
    pub right: usize,
}

/// What is kept of one layer.
#[derive(Debug, Default)]
struct Stage {
    size: Size,
    /// What the convolution gave.
    y: Vec<f32>,
    norm: Norm,
}

impl Stage {
    /// The layer's output, norm and ReLU made while reading.
    fn rectified(&self) -> Source<'_> {
        Source { rectified: Some(self.norm.affine()), ..Source::plain(&self.y, self.size) }
    }
}

/// What is kept of one block.
#[derive(Debug, Default)]
struct Trace {
    layers: Vec<Stage>,
    shortcut: Option<Stage>,
    out: Vec<f32>,
}

/// Whose mean and variance the norms use.
enum Estimates<'a> {
    /// The batch's, which the running ones are moved towards.
    Batch(&'a mut [f32]),
    /// The running ones.
    Running(&'a [f32]),
}

/// The buffers and threads that carry a batch through a network; grown once to the largest batch.
#[derive(Debug)]
pub struct Workspace {
    crew: Crew,
    moments: Moments,
    scratch: Scratch,
    sums: Vec<f32>,
    stem: Stage,
    pooled: (Size, Vec<f32>),
    taps: Vec<u8>,
    blocks: Vec<Trace>,
    features: Vec<f32>,
    logits: Vec<f32>,
    dlogits: Vec<f32>,
    dfeatures: Vec<f32>,
    /// The gradient that flows back, and three more that it needs on its way.
    flow: [Vec<f32>; 4],
}

impl Workspace {
    /// Buffers for `threads` threads; the results do not depend on how many.
    pub fn new(threads: usize) -> Self {
        Self {
            crew: Crew::new(threads),
            moments: Moments::default(),
            scratch: Scratch::default(),
            sums: Vec::new(),
            stem: Stage::default(),
            pooled: (Size::default(), Vec::new()),
            taps: Vec::new(),
            blocks: Vec::new(),
            features: Vec::new(),
            logits: Vec::new(),
            dlogits: Vec::new(),
            dfeatures: Vec::new(),
            flow: [const { Vec::new() }; 4],
        }
    }

    /// Runs a batch with its own statistics and goes back: `gradients`, as long as [`ResNet::values`], become
    /// those of the mean loss, and the running estimates move.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the images or `gradients` do not fit.
    pub fn train(
        &mut self,
        net: &mut ResNet,
        images: &Images,
        gradients: &mut [f32],
    ) -> Result<Score, ModelError> {
        let size = images.check(&net.config)?;
        if gradients.len() != net.values.len() {
            let (got, want) = (gradients.len(), net.values.len());
            return Err(ModelError::Input { what: "the gradients", got, want });
        }
        let ResNet { plan, values, running, .. } = net;
        let input = Source::plain(&images.pixels, size);
        self.forward(plan, values, Estimates::Batch(running), input);
        let score = self.score(images);
        self.backward(plan, values, input, gradients);
        Ok(score)
    }

    /// Runs a batch with the running statistics, without a way back.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the images do not fit.
    pub fn evaluate(&mut self, net: &ResNet, images: &Images) -> Result<Score, ModelError> {
        let input = Source::plain(&images.pixels, images.check(&net.config)?);
        self.forward(&net.plan, &net.values, Estimates::Running(&net.running), input);
        Ok(self.score(images))
    }

    /// The logits of the last batch: (images, classes).
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Measures the logits; leaves the gradient of the mean loss.
    fn score(&mut self, images: &Images) -> Score {
        let classes = self.logits.len() / images.labels.len();
        let highest = |row: &[f32]| {
            let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
            best.unwrap_or(0)
        };
        let rows = self.logits.chunks(classes).zip(&images.labels);
        let right = rows.filter(|(row, label)| highest(row) == usize::from(**label)).count();
        self.dlogits.clear();
        self.dlogits.extend_from_slice(&self.logits);
        Score { nats: head::cross_entropy(&mut self.dlogits, &images.labels), right }
    }

    fn forward(
        &mut self,
        plan: &Plan,
        values: &[f32],
        estimates: Estimates<'_>,
        input: Source<'_>,
    ) {
        self.trunk(plan, values, estimates, input, plan.blocks.len());
        let Self { pooled, blocks, features, logits, .. } = self;
        let (size, x) = blocks.last().map_or((pooled.0, pooled.1.as_slice()), Trace::output);
        features.resize(size.images * plan.features, 0.0);
        pool::mean(x, size, features);
        let (weight, bias) = cut_head(plan, values);
        logits.resize(size.images * bias.len(), 0.0);
        head::dense(features, weight, bias, logits);
    }

    /// The stem, the pool, and so many blocks.
    fn trunk(
        &mut self,
        plan: &Plan,
        values: &[f32],
        mut estimates: Estimates<'_>,
        input: Source<'_>,
        depth: usize,
    ) {
        let Self { crew, moments, stem, pooled, taps, blocks, .. } = self;
        run_layer(&plan.stem, crew, values, &mut estimates, input, moments, stem);
        let (size, out) = pooled;
        *size = pool::pooled(POOL, stem.size);
        out.resize(size.len(), 0.0);
        taps.resize(size.len(), 0);
        pool::highest(crew, POOL, stem.rectified(), out, taps);
        blocks.resize_with(plan.blocks.len(), Trace::default);
        let mut x = Source::plain(out, *size);
        for (block, trace) in plan.blocks.iter().zip(blocks).take(depth) {
            let Trace { layers, shortcut, out } = trace;
            layers.resize_with(block.layers.len(), Stage::default);
            let mut before: Option<&Stage> = None;
            for (layer, stage) in block.layers.iter().zip(layers.iter_mut()) {
                let x = before.map_or(x, Stage::rectified);
                run_layer(layer, crew, values, &mut estimates, x, moments, stage);
                before = Some(stage);
            }
            let Some(last) = before else { continue };
            if let Some(layer) = &block.shortcut {
                let stage = shortcut.get_or_insert_default();
                run_layer(layer, crew, values, &mut estimates, x, moments, stage);
            } else {
                // Another network's, whose batch came before.
                *shortcut = None;
            }
            out.resize(last.size.len(), 0.0);
            join(crew, last, shortcut.as_ref(), x.data, out);
            x = Source::plain(out, last.size);
        }
    }

    fn backward(&mut self, plan: &Plan, values: &[f32], input: Source<'_>, gradients: &mut [f32]) {
        self.dfeatures.resize(self.features.len(), 0.0);
        let (weight, bias) = cut_head(plan, values);
        let (dweight, dbias) = gradients[plan.head..].split_at_mut(weight.len());
        let dbias = &mut dbias[..bias.len()];
        let (x, dlogits) = (&self.features, &self.dlogits);
        head::dense_backward(x, weight, dlogits, dweight, dbias, &mut self.dfeatures);
        let Self { crew, scratch, sums, stem, pooled, taps, blocks, flow, .. } = self;
        let pooled = (pooled.0, pooled.1.as_slice());
        let (size, _) = blocks.last().map_or(pooled, Trace::output);
        pool::mean_backward(&self.dfeatures, size, grown(&mut flow[0], size.len()));
        let wanted = Wanted::Weights(gradients, sums);
        let mut way = Way { crew, values, wanted, scratch, flow };
        way.through_blocks(plan, pooled, blocks);
        way.through_pool(stem, taps);
        way.through_stem(&plan.stem, stem, Gate::Again, input);
    }
}

impl Trace {
    fn output(&self) -> (Size, &[f32]) {
        (self.layers.last().map_or_else(Size::default, |stage| stage.size), &self.out)
    }
}

fn run_layer(
    layer: &Layer,
    crew: &mut Crew,
    values: &[f32],
    estimates: &mut Estimates<'_>,
    x: Source<'_>,
    moments: &mut Moments,
    stage: &mut Stage,
) {
    let (weights, gamma, beta) = cut(layer, values);
    stage.size = layer.conv.output(x.size);
    stage.y.resize(stage.size.len(), 0.0);
    layer.conv.forward(crew, weights, x, &mut stage.y, moments);
    let place = layer.running..layer.running + 2 * layer.conv.outputs;
    match estimates {
        Estimates::Batch(running) => stage.norm.learn(moments, gamma, beta, &mut running[place]),
        Estimates::Running(running) => stage.norm.recall(gamma, beta, &running[place]),
    }
}

/// The end of a block: the last norm and the shortcut together, rectified.
fn join(crew: &mut Crew, last: &Stage, shortcut: Option<&Stage>, x: &[f32], out: &mut [f32]) {
    let n = last.size.channels;
    let piece = (PIECE / n).max(1) * n;
    let affine = last.norm.affine();
    let other = shortcut.map_or(x, |stage| &stage.y);
    let pieces = out.chunks_mut(piece).zip(last.y.chunks(piece)).zip(other.chunks(piece));
    crew.share(pieces, |((out, y), other), scratch| match shortcut {
        None => loops::join(out, y, affine, other),
        Some(stage) => {
            let made = grown(scratch, other.len());
            loops::stretch(made, other, stage.norm.affine());
            loops::join(out, y, affine, made);
        }
    });
}

/// Weights, norm factors and norm summands of a layer.
fn cut<'a>(layer: &Layer, values: &'a [f32]) -> (&'a [f32], &'a [f32], &'a [f32]) {
    let (weights, rest) = values[layer.start..].split_at(layer.conv.weights());
    let (gamma, rest) = rest.split_at(layer.conv.outputs);
    (weights, gamma, &rest[..layer.conv.outputs])
}

/// Where a layer's gradients go.
fn cut_mut<'a>(
    layer: &Layer,
    gradients: &'a mut [f32],
    sums: &'a mut Vec<f32>,
) -> (&'a mut [f32], Slopes<'a>) {
    let (weights, rest) = gradients[layer.start..].split_at_mut(layer.conv.weights());
    let (gamma, rest) = rest.split_at_mut(layer.conv.outputs);
    (weights, Slopes { gamma, beta: &mut rest[..layer.conv.outputs], sums })
}

/// The head's weights and biases.
fn cut_head<'a>(plan: &Plan, values: &'a [f32]) -> (&'a [f32], &'a [f32]) {
    let classes = (values.len() - plan.head) / (plan.features + 1);
    values[plan.head..].split_at(classes * plan.features)
}

#[cfg(test)]
mod tests;
