//! Pooling: the highest of a few neighbours, and the mean of a whole image.

use crate::model::image::crew::{Crew, grown};
use crate::model::image::loops;
use crate::model::image::patches::Source;
use crate::model::image::shape::{Axis, Size};

/// The sizes of what [`highest`] gives.
pub(crate) const fn pooled(axis: Axis, input: Size) -> Size {
    let (height, width) = (axis.stops(input.height), axis.stops(input.width));
    Size { images: input.images, height, width, channels: input.channels }
}

/// The highest number under the window at each stop, and which of its taps it was: the first of equals.
/// Nothing outside the image is looked at; the padding must be below the window's side.
pub(crate) fn highest(crew: &mut Crew, axis: Axis, x: Source<'_>, y: &mut [f32], taps: &mut [u8]) {
    let (from, to) = (x.size, pooled(axis, x.size));
    let n = from.channels;
    if y.is_empty() {
        return;
    }
    let pieces = y.chunks_mut(to.image()).zip(taps.chunks_mut(to.image())).enumerate();
    crew.share(pieces, |(image, (y, taps)), scratch| {
        let image = &x.data[image * from.image()..][..from.image()];
        for (stop, (y, taps)) in y.chunks_exact_mut(n).zip(taps.chunks_exact_mut(n)).enumerate() {
            let stop = (stop / to.width, stop % to.width);
            let mut first = true;
            for (tap, place) in window(axis, stop, from) {
                let mut seen = &image[place * n..][..n];
                if let Some(affine) = x.rectified {
                    let made = grown(scratch, n);
                    loops::rectify(made, seen, affine);
                    seen = made;
                }
                if first {
                    y.copy_from_slice(seen);
                    taps.fill(tap);
                    first = false;
                } else {
                    loops::raise(y, taps, seen, tap);
                }
            }
        }
    });
}

/// Takes the gradient of [`highest`]'s output back to where each number came from.
pub(crate) fn highest_backward(
    crew: &mut Crew,
    axis: Axis,
    input: Size,
    taps: &[u8],
    dy: &[f32],
    dx: &mut [f32],
) {
    let (n, to) = (input.channels, pooled(axis, input));
    if dy.is_empty() {
        dx.fill(0.0);
        return;
    }
    let pieces =
        dx.chunks_mut(input.image()).zip(dy.chunks(to.image())).zip(taps.chunks(to.image()));
    crew.share(pieces, |((dx, dy), taps), _| {
        dx.fill(0.0);
        for (stop, (dy, taps)) in dy.chunks_exact(n).zip(taps.chunks_exact(n)).enumerate() {
            let (down, across) = (stop / to.width, stop % to.width);
            for (channel, (g, tap)) in dy.iter().zip(taps).enumerate() {
                let tap = usize::from(*tap);
                let y = down * axis.stride + tap / axis.kernel - axis.padding;
                let x = across * axis.stride + tap % axis.kernel - axis.padding;
                dx[(y * input.width + x) * n + channel] += g;
            }
        }
    });
}

/// The taps of the window at a stop that lie inside the image, with their places.
fn window(
    axis: Axis,
    stop: (usize, usize),
    size: Size,
) -> impl Iterator<Item = (u8, usize)> + Clone {
    (0..axis.kernel * axis.kernel).filter_map(move |tap| {
        let y = (stop.0 * axis.stride + tap / axis.kernel).checked_sub(axis.padding)?;
        let x = (stop.1 * axis.stride + tap % axis.kernel).checked_sub(axis.padding)?;
        (y < size.height && x < size.width).then_some((tap as u8, y * size.width + x))
    })
}

/// The mean of each channel over each image.
pub(crate) fn mean(x: &[f32], size: Size, y: &mut [f32]) {
    let share = 1.0 / (size.height * size.width) as f32;
    for (x, y) in x.chunks_exact(size.image()).zip(y.chunks_exact_mut(size.channels)) {
        y.fill(0.0);
        for place in x.chunks_exact(size.channels) {
            y.iter_mut().zip(place).for_each(|(sum, x)| *sum += x);
        }
        for y in y {
            *y *= share;
        }
    }
}

/// Spreads the gradient of [`mean`]'s output over the images.
pub(crate) fn mean_backward(dy: &[f32], size: Size, dx: &mut [f32]) {
    let share = 1.0 / (size.height * size.width) as f32;
    for (dx, dy) in dx.chunks_exact_mut(size.image()).zip(dy.chunks_exact(size.channels)) {
        for place in dx.chunks_exact_mut(size.channels) {
            place.iter_mut().zip(dy).for_each(|(to, g)| *to = g * share);
        }
    }
}

#[cfg(test)]
mod tests;
