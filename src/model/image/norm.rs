//! Batch norm: what a channel's numbers are moved and scaled by, and the way back through it.

use crate::model::image::crew::{Crew, grown};
use crate::model::image::loops::{self, Affine};

/// Added to the variance, as PyTorch has it.
const EPSILON: f64 = 1e-5;
/// The share of a new batch in the running estimates.
const MOMENTUM: f64 = 0.1;
/// Numbers in a piece of an elementwise pass: it is read several times and stays in the cache.
const PIECE: usize = 1 << 16;

/// Mean and spread of each channel over the pieces of a batch.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    parts: Vec<f32>,
    rows: usize,
    step: usize,
    channels: usize,
}

/// The moments of one piece.
pub(crate) struct Part<'a> {
    mean: &'a mut [f32],
    /// The sum of squared distances from the mean.
    spread: &'a mut [f32],
}

impl Part<'_> {
    /// Measures the piece.
    pub(crate) fn take(self, rows: &[f32]) {
        loops::moments(rows, self.mean, self.spread);
    }
}

impl Moments {
    /// Begins with `rows` rows in pieces of `step`.
    pub(crate) fn begin(
        &mut self,
        rows: usize,
        step: usize,
        channels: usize,
    ) -> impl Iterator<Item = Part<'_>> + Send {
        (self.rows, self.step, self.channels) = (rows, step, channels);
        let parts = grown(&mut self.parts, rows.div_ceil(step) * 2 * channels);
        parts.chunks_mut(2 * channels).map(move |part| {
            let (mean, spread) = part.split_at_mut(channels);
            Part { mean, spread }
        })
    }

    /// Mean and variance of each channel, over all pieces in order (Chan's sums).
    fn whole(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.channels;
        let (mut mean, mut spread) = (vec![0.0; n], vec![0.0; n]);
        let mut before = 0.0;
        let parts = self.parts.chunks(2 * n).take(self.rows.div_ceil(self.step));
        for (nth, part) in parts.enumerate() {
            let count = self.step.min(self.rows - nth * self.step) as f64;
            let share = count / (before + count);
            for i in 0..n {
                let distance = f64::from(part[i]) - mean[i];
                mean[i] += distance * share;
                spread[i] += f64::from(part[n + i]) + distance * distance * before * share;
            }
            before += count;
        }
        for x in &mut spread {
            *x /= before.max(1.0);
        }
        (mean, spread)
    }
}

/// A norm made ready for a batch.
#[derive(Debug, Default)]
pub(crate) struct Norm {
    /// From a number to its distance from the mean in deviations.
    hat: (Vec<f32>, Vec<f32>),
    /// From a number to the output.
    whole: (Vec<f32>, Vec<f32>),
}

/// Which gradients go through the ReLU after the norm.
#[derive(Clone, Copy)]
pub(crate) enum Gate<'a> {
    /// There is no ReLU.
    Open,
    /// Those where this, the output, is above 0.
    Output(&'a [f32]),
    /// The same; the output was not kept and is made again.
    Again,
}

impl Gate<'_> {
    /// Silences what does not go through, in a piece that begins at `first`.
    fn close(self, gradient: &mut [f32], x: &[f32], affine: Affine<'_>, first: usize) {
        match self {
            Self::Open => {}
            Self::Output(out) => loops::gate(gradient, &out[first..][..gradient.len()]),
            Self::Again => loops::gate_again(gradient, &x[first..][..gradient.len()], affine),
        }
    }
}

impl Norm {
    /// Takes on the moments of a batch, and moves the running estimates (means, then variances) towards them.
    pub(crate) fn learn(
        &mut self,
        moments: &Moments,
        gamma: &[f32],
        beta: &[f32],
        running: &mut [f32],
    ) {
        let (mean, variance) = moments.whole();
        self.set(&mean, &variance, gamma, beta);
        // The estimate is that of the whole world from this sample.
        let count = moments.rows as f64;
        let unbiased = count / (count - 1.0).max(1.0);
        let new = mean.iter().copied().chain(variance.iter().map(|x| x * unbiased));
        for (running, new) in running.iter_mut().zip(new) {
            *running = (f64::from(*running) * (1.0 - MOMENTUM) + new * MOMENTUM) as f32;
        }
    }

    /// Takes on the running estimates.
    pub(crate) fn recall(&mut self, gamma: &[f32], beta: &[f32], running: &[f32]) {
        let running: Vec<f64> = running.iter().map(|x| f64::from(*x)).collect();
        let (mean, variance) = running.split_at(gamma.len());
        self.set(mean, variance, gamma, beta);
    }

    fn set(&mut self, mean: &[f64], variance: &[f64], gamma: &[f32], beta: &[f32]) {
        let Self { hat, whole } = self;
        for run in [&mut hat.0, &mut hat.1, &mut whole.0, &mut whole.1] {
            run.clear();
        }
        for i in 0..gamma.len() {
            let (gamma, beta) = (f64::from(gamma[i]), f64::from(beta[i]));
            let scale = 1.0 / (variance[i] + EPSILON).sqrt();
            hat.0.push(scale as f32);
            hat.1.push((-mean[i] * scale) as f32);
            whole.0.push((gamma * scale) as f32);
            whole.1.push((beta - gamma * mean[i] * scale) as f32);
        }
    }

    /// What the norm does to a number.
    pub(crate) fn affine(&self) -> Affine<'_> {
        Affine { scale: &self.whole.0, shift: &self.whole.1 }
    }

    /// Back through ReLU and a norm that stands still, one of running estimates, to its input; `into` as
    /// [`Self::backward`] has it.
    pub(crate) fn backward_frozen(
        &self,
        crew: &mut Crew,
        gate: Gate<'_>,
        x: &[f32],
        gradient: &mut [f32],
        into: Option<&mut [f32]>,
    ) {
        let n = self.hat.0.len();
        let piece = (PIECE / n).max(1) * n;
        crew.share(gradient.chunks_mut(piece).enumerate(), |(nth, gradient), _| {
            gate.close(gradient, x, self.affine(), nth * piece);
        });
        let factor = &self.whole.0;
        if let Some(into) = into {
            let pieces = into.chunks_mut(piece).zip(gradient.chunks(piece));
            crew.share(pieces, |(into, gradient), _| {
                into.copy_from_slice(gradient);
                loops::scale(into, factor);
            });
        } else {
            crew.share(gradient.chunks_mut(piece), |gradient, _| loops::scale(gradient, factor));
        }
    }

    /// Back through ReLU and norm: `gradient` comes in as that of the output and leaves as that of `x`, the
    /// norm's input. With `into`, it leaves as that of the norm's output, and `into` holds that of `x`.
    pub(crate) fn backward(
        &self,
        crew: &mut Crew,
        gate: Gate<'_>,
        x: &[f32],
        gradient: &mut [f32],
        into: Option<&mut [f32]>,
        slopes: Slopes<'_>,
    ) {
        let Slopes { gamma: dgamma, beta: dbeta, sums } = slopes;
        let n = self.hat.0.len();
        let rows = gradient.len() / n;
        let piece = (PIECE / n).max(1) * n;
        let hat = Affine { scale: &self.hat.0, shift: &self.hat.1 };
        let parts = grown(sums, gradient.len().div_ceil(piece) * 2 * n);
        let pieces = gradient.chunks_mut(piece).zip(parts.chunks_mut(2 * n)).enumerate();
        crew.share(pieces, |(nth, (gradient, part)), _| {
            gate.close(gradient, x, self.affine(), nth * piece);
            let x = &x[nth * piece..][..gradient.len()];
            let (plain, along) = part.split_at_mut(n);
            loops::slopes(gradient, x, hat, plain, along);
        });
        let mut totals = vec![0.0_f64; 2 * n];
        for part in parts.chunks(2 * n) {
            totals.iter_mut().zip(part).for_each(|(total, x)| *total += f64::from(*x));
        }
        let (plain, along) = totals.split_at(n);
        dbeta.iter_mut().zip(plain).for_each(|(to, x)| *to = *x as f32);
        dgamma.iter_mut().zip(along).for_each(|(to, x)| *to = *x as f32);
        // dx = factor (g - mean(g) - hat mean(g hat)), with hat = x scale + shift.
        let factor = &self.whole.0;
        let share = 1.0 / rows as f64;
        let (mut scale, mut shift) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            let along = f64::from(factor[i]) * along[i] * share;
            scale[i] = (-along * f64::from(hat.scale[i])) as f32;
            let plain = f64::from(factor[i]) * plain[i] * share;
            shift[i] = (-plain - along * f64::from(hat.shift[i])) as f32;
        }
        let affine = Affine { scale: &scale, shift: &shift };
        if let Some(into) = into {
            let pieces = into.chunks_mut(piece).zip(gradient.chunks(piece)).zip(x.chunks(piece));
            crew.share(pieces, |((into, gradient), x), _| {
                into.copy_from_slice(gradient);
                loops::unnorm(into, factor, x, affine);
            });
        } else {
            let pieces = gradient.chunks_mut(piece).zip(x.chunks(piece));
            crew.share(pieces, |(gradient, x), _| loops::unnorm(gradient, factor, x, affine));
        }
    }
}

/// Where the gradients of a norm's own weights go.
pub(crate) struct Slopes<'a> {
    /// Of the factors.
    pub(crate) gamma: &'a mut [f32],
    /// Of the summands.
    pub(crate) beta: &'a mut [f32],
    /// A buffer for the sums of the pieces.
    pub(crate) sums: &'a mut Vec<f32>,
}

#[cfg(test)]
mod tests;
