//! The way back through a residual network: to the gradients of its weights, in training, or of its images, through
//! norms that stand still.

use super::{POOL, Stage, Trace, cut, cut_mut};
use crate::model::image::convolution::Scratch;
use crate::model::image::crew::{Crew, grown};
use crate::model::image::norm::Gate;
use crate::model::image::patches::Source;
use crate::model::image::plan::{Block, Layer, Plan};
use crate::model::image::pool;
use crate::model::image::shape::Size;

/// Whose gradients are wanted.
pub(super) enum Wanted<'a> {
    /// Those of the weights, where the norms went by the batch's statistics; with a buffer for sums.
    Weights(&'a mut [f32], &'a mut Vec<f32>),
    /// Those of the images, where the norms went by the running ones.
    Images,
}

impl Wanted<'_> {
    /// Back through a layer's norm; `into` as [`Norm::backward`] has it.
    ///
    /// [`Norm::backward`]: crate::model::image::norm::Norm::backward
    fn norm(
        &mut self,
        crew: &mut Crew,
        (layer, stage): (&Layer, &Stage),
        gate: Gate<'_>,
        flow: &mut [f32],
        into: Option<&mut [f32]>,
    ) {
        match self {
            Self::Weights(gradients, sums) => {
                let (_, slopes) = cut_mut(layer, gradients, sums);
                stage.norm.backward(crew, gate, &stage.y, flow, into, slopes);
            }
            Self::Images => stage.norm.backward_frozen(crew, gate, &stage.y, flow, into),
        }
    }

    /// A layer's weights, from its input and the gradient of what its convolution gave.
    fn weights(
        &mut self,
        crew: &mut Crew,
        layer: &Layer,
        x: Source<'_>,
        dy: &[f32],
        scratch: &mut Scratch,
    ) {
        if let Self::Weights(gradients, sums) = self {
            let (dweight, _) = cut_mut(layer, gradients, sums);
            layer.conv.weight_gradient(crew, x, dy, dweight, scratch);
        }
    }
}

/// What the way back carries along.
pub(super) struct Way<'a> {
    pub(super) crew: &'a mut Crew,
    pub(super) values: &'a [f32],
    pub(super) wanted: Wanted<'a>,
    pub(super) scratch: &'a mut Scratch,
    /// The first holds the gradient between blocks.
    pub(super) flow: &'a mut [Vec<f32>; 4],
}

impl Way<'_> {
    /// Takes the gradient of the last of these blocks' output, `flow[0]`, back to the input of the first.
    pub(super) fn through_blocks(
        &mut self,
        plan: &Plan,
        (size, pooled): (Size, &[f32]),
        blocks: &[Trace],
    ) {
        let inputs = std::iter::once((size, pooled)).chain(blocks.iter().map(Trace::output));
        let inputs: Vec<_> = inputs.take(blocks.len()).collect();
        for ((block, trace), (size, x)) in plan.blocks.iter().zip(blocks).zip(inputs).rev() {
            self.through_block(block, trace, Source::plain(x, size));
        }
    }

    /// Takes the gradient of what was pooled, `flow[0]`, back to the stem's output, `flow[1]`.
    pub(super) fn through_pool(&mut self, stem: &Stage, taps: &[u8]) {
        let [pooled, flow, ..] = &mut *self.flow;
        let flow = grown(flow, stem.size.len());
        pool::highest_backward(self.crew, POOL, stem.size, taps, &pooled[..taps.len()], flow);
    }

    /// Takes the gradient of the stem's output, `flow[1]`, back to the stem's weights, or to the images, `flow[2]`.
    pub(super) fn through_stem(
        &mut self,
        layer: &Layer,
        stem: &Stage,
        gate: Gate<'_>,
        input: Source<'_>,
    ) {
        let Self { crew, values, wanted, scratch, flow } = self;
        let [_, flow, pixels, _] = &mut **flow;
        let flow = grown(flow, stem.size.len());
        wanted.norm(crew, (layer, stem), gate, flow, None);
        wanted.weights(crew, layer, input, flow, scratch);
        if let Wanted::Images = wanted {
            let dx = grown(pixels, input.size.len());
            let (weight, ..) = cut(layer, values);
            layer.conv.input_gradient(crew, weight, flow, input.size, dx, false, scratch);
        }
    }

    /// Takes the gradient of a block's output, `flow[0]`, back to its input `x`.
    fn through_block(&mut self, block: &Block, trace: &Trace, x: Source<'_>) {
        let Self { crew, values, wanted, scratch, flow } = self;
        let [outer, next, inner, spare] = &mut **flow;
        let (size, out) = trace.output();
        let outer_run = grown(outer, size.len());
        for (nth, (layer, stage)) in block.layers.iter().zip(&trace.layers).enumerate().rev() {
            // The gradient of the layer's output becomes that of its convolution.
            if nth + 1 == trace.layers.len() {
                let into = grown(inner, size.len());
                wanted.norm(crew, (layer, stage), Gate::Output(out), outer_run, Some(into));
            } else {
                let flow = grown(inner, stage.size.len());
                wanted.norm(crew, (layer, stage), Gate::Again, flow, None);
            }
            let dy = &inner[..stage.size.len()];
            let before = nth.checked_sub(1).map(|before| &trace.layers[before]);
            wanted.weights(crew, layer, before.map_or(x, Stage::rectified), dy, scratch);
            if let Some(before) = before {
                let dx = grown(spare, before.size.len());
                let (weight, ..) = cut(layer, values);
                layer.conv.input_gradient(crew, weight, dy, before.size, dx, false, scratch);
                std::mem::swap(inner, spare);
            }
        }
        let Some((first, stage)) = block.layers.first().zip(trace.layers.first()) else { return };
        if let Some((layer, stage)) = block.shortcut.as_ref().zip(trace.shortcut.as_ref()) {
            wanted.norm(crew, (layer, stage), Gate::Open, outer_run, None);
            wanted.weights(crew, layer, x, outer_run, scratch);
            let dx = grown(next, x.size.len());
            let (weight, ..) = cut(layer, values);
            layer.conv.input_gradient(crew, weight, outer_run, x.size, dx, false, scratch);
            std::mem::swap(outer, next);
        }
        // Without a layer of its own the shortcut hands the gradient on as it is.
        let dy = &inner[..stage.size.len()];
        let dx = &mut outer[..x.size.len()];
        let (weight, ..) = cut(first, values);
        first.conv.input_gradient(crew, weight, dy, x.size, dx, true, scratch);
    }
}
