//! The elementwise loops of image networks. All run over whole rows of channels, and are compiled for each
//! vector width as those of `model::kernel` are.
#![expect(unsafe_code, reason = "calls of target_feature functions after run-time detection")]
#![expect(clippy::inline_always, reason = "must take on the caller's target features")]

use crate::model::kernel::{dispatch, fma};

/// A factor and a summand for each channel.
#[derive(Clone, Copy)]
pub(crate) struct Affine<'a> {
    /// The factors.
    pub(crate) scale: &'a [f32],
    /// The summands.
    pub(crate) shift: &'a [f32],
}

/// The larger of `x` and 0; NaN stays NaN, so that a broken run shows in its loss.
#[inline(always)]
fn rectified(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// One row of [`rectify`], for loops that are compiled for a vector width themselves.
#[inline(always)]
pub(crate) fn rectify_row<const FMA: bool>(out: &mut [f32], x: &[f32], affine: Affine<'_>) {
    let n = out.len();
    let (x, scale, shift) = (&x[..n], &affine.scale[..n], &affine.shift[..n]);
    for i in 0..n {
        out[i] = rectified(fma::<FMA>(x[i], scale[i], shift[i]));
    }
}

dispatch! {
    /// `out = max(0, x * scale + shift)`, row by row.
    pub(crate) fn rectify(out: &mut [f32], x: &[f32], affine: Affine<'_>) = rectify_body;
}

#[inline(always)]
fn rectify_body<const FMA: bool>(out: &mut [f32], x: &[f32], affine: Affine<'_>) {
    let n = affine.scale.len();
    for (out, x) in out.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
        rectify_row::<FMA>(out, x, affine);
    }
}

dispatch! {
    /// `out = max(0, x * scale + shift + other)`, the end of a block without a shortcut of its own.
    pub(crate) fn join(out: &mut [f32], x: &[f32], affine: Affine<'_>, other: &[f32]) = join_body;
}

#[inline(always)]
fn join_body<const FMA: bool>(out: &mut [f32], x: &[f32], affine: Affine<'_>, other: &[f32]) {
    let n = affine.scale.len();
    let rows = out.chunks_exact_mut(n).zip(x.chunks_exact(n)).zip(other.chunks_exact(n));
    for ((out, x), other) in rows {
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        for i in 0..n {
            out[i] = rectified(fma::<FMA>(x[i], scale[i], shift[i]) + other[i]);
        }
    }
}

dispatch! {
    /// `out = x * scale + shift`, row by row.
    pub(crate) fn stretch(out: &mut [f32], x: &[f32], affine: Affine<'_>) = stretch_body;
}

#[inline(always)]
fn stretch_body<const FMA: bool>(out: &mut [f32], x: &[f32], affine: Affine<'_>) {
    let n = affine.scale.len();
    for (out, x) in out.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        for i in 0..n {
            out[i] = fma::<FMA>(x[i], scale[i], shift[i]);
        }
    }
}

dispatch! {
    /// The mean of each channel over the rows of `x`, and the sum of the squared distances from it.
    pub(crate) fn moments(x: &[f32], mean: &mut [f32], spread: &mut [f32]) = moments_body;
}

#[inline(always)]
fn moments_body<const FMA: bool>(x: &[f32], mean: &mut [f32], spread: &mut [f32]) {
    let n = mean.len();
    let spread = &mut spread[..n];
    mean.fill(0.0);
    spread.fill(0.0);
    for x in x.chunks_exact(n) {
        for i in 0..n {
            mean[i] += x[i];
        }
    }
    let share = n as f32 / x.len() as f32;
    for mean in mean.iter_mut() {
        *mean *= share;
    }
    // In two passes, the second in the cache: sums of squares would cancel.
    for x in x.chunks_exact(n) {
        for i in 0..n {
            let distance = x[i] - mean[i];
            spread[i] = fma::<FMA>(distance, distance, spread[i]);
        }
    }
}

dispatch! {
    /// Silences the gradient where the rectified output is 0.
    pub(crate) fn gate(gradient: &mut [f32], out: &[f32]) = gate_body;
}

#[inline(always)]
fn gate_body<const FMA: bool>(gradient: &mut [f32], out: &[f32]) {
    for (g, out) in gradient.iter_mut().zip(out) {
        *g = if *out > 0.0 { *g } else { 0.0 };
    }
}

dispatch! {
    /// The same where the output was not kept: it is made again from `x`.
    pub(crate) fn gate_again(gradient: &mut [f32], x: &[f32], affine: Affine<'_>) = gate_again_body;
}

#[inline(always)]
fn gate_again_body<const FMA: bool>(gradient: &mut [f32], x: &[f32], affine: Affine<'_>) {
    let n = affine.scale.len();
    for (g, x) in gradient.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        for i in 0..n {
            g[i] = if fma::<FMA>(x[i], scale[i], shift[i]) > 0.0 { g[i] } else { 0.0 };
        }
    }
}

dispatch! {
    /// For each channel the sum of the gradients, and that of gradient times `x * scale + shift`.
    pub(crate) fn slopes(gradient: &[f32], x: &[f32], affine: Affine<'_>, plain: &mut [f32], along: &mut [f32])
        = slopes_body;
}

#[inline(always)]
fn slopes_body<const FMA: bool>(
    gradient: &[f32],
    x: &[f32],
    affine: Affine<'_>,
    plain: &mut [f32],
    along: &mut [f32],
) {
    let n = affine.scale.len();
    let (plain, along) = (&mut plain[..n], &mut along[..n]);
    plain.fill(0.0);
    along.fill(0.0);
    for (g, x) in gradient.chunks_exact(n).zip(x.chunks_exact(n)) {
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        for i in 0..n {
            plain[i] += g[i];
            along[i] = fma::<FMA>(g[i], fma::<FMA>(x[i], scale[i], shift[i]), along[i]);
        }
    }
}

dispatch! {
    /// `gradient = gradient * factor + x * scale + shift`: the way back through a norm.
    pub(crate) fn unnorm(gradient: &mut [f32], factor: &[f32], x: &[f32], affine: Affine<'_>) = unnorm_body;
}

#[inline(always)]
fn unnorm_body<const FMA: bool>(
    gradient: &mut [f32],
    factor: &[f32],
    x: &[f32],
    affine: Affine<'_>,
) {
    let n = factor.len();
    for (g, x) in gradient.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        for i in 0..n {
            g[i] = fma::<FMA>(g[i], factor[i], fma::<FMA>(x[i], scale[i], shift[i]));
        }
    }
}

dispatch! {
    /// `gradient = gradient * factor`, row by row: the way back through a norm that stands still.
    pub(crate) fn scale(gradient: &mut [f32], factor: &[f32]) = scale_body;
}

#[inline(always)]
fn scale_body<const FMA: bool>(gradient: &mut [f32], factor: &[f32]) {
    let n = factor.len();
    for g in gradient.chunks_exact_mut(n) {
        for i in 0..n {
            g[i] *= factor[i];
        }
    }
}

dispatch! {
    /// Takes over what is higher, and notes that it came from `tap`; NaN counts as highest, as in PyTorch.
    pub(crate) fn raise(best: &mut [f32], taps: &mut [u8], x: &[f32], tap: u8) = raise_body;
}

#[inline(always)]
fn raise_body<const FMA: bool>(best: &mut [f32], taps: &mut [u8], x: &[f32], tap: u8) {
    let n = best.len();
    let (taps, x) = (&mut taps[..n], &x[..n]);
    for i in 0..n {
        let higher = x[i] > best[i] || x[i].is_nan();
        best[i] = if higher { x[i] } else { best[i] };
        taps[i] = if higher { tap } else { taps[i] };
    }
}
