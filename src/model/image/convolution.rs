//! Convolution forwards and back, as matrix products over tiles of patches.

use crate::model::image::crew::{Crew, grown};
use crate::model::image::norm::Moments;
use crate::model::image::patches::{Patches, Source};
use crate::model::image::shape::{Axis, Size};
use crate::model::product::{Matrix, multiply};

/// Numbers in a tile of patches: it stays in the cache between being made and being multiplied.
const TILE: usize = 1 << 19;
/// Rows of a tile, where the patches are short or long.
const TILE_ROWS: (usize, usize) = (256, 1_024);
/// Weights up to this many are summed up strip by strip over the batch, each strip in a run of its own; of
/// more there is work enough for everyone in parts of the kernel.
const FEW_WEIGHTS: usize = 1 << 17;
/// Strips of the batch for few weights, and parts of the kernel for many. More threads have nothing to do.
const PARTS: usize = 8;

/// A convolution. Weights are (kernel rows, kernel columns, inputs, outputs).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Convolution {
    /// Down the image.
    pub(crate) y: Axis,
    /// Across the image.
    pub(crate) x: Axis,
    /// Channels that come in.
    pub(crate) inputs: usize,
    /// Channels that go out.
    pub(crate) outputs: usize,
}

/// Buffers of the way back, kept from layer to layer.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    sums: Vec<f32>,
    mirrored: Vec<f32>,
    phase: Vec<f32>,
}

impl Convolution {
    /// A square kernel with zeros around the image so that stride 1 keeps its size.
    pub(crate) const fn square(
        kernel: usize,
        stride: usize,
        inputs: usize,
        outputs: usize,
    ) -> Self {
        let axis = Axis { kernel, stride, padding: kernel / 2 };
        Self { y: axis, x: axis, inputs, outputs }
    }

    /// The sizes of what comes out.
    pub(crate) const fn output(&self, input: Size) -> Size {
        Size {
            images: input.images,
            height: self.y.stops(input.height),
            width: self.x.stops(input.width),
            channels: self.outputs,
        }
    }

    /// How many weights there are.
    pub(crate) const fn weights(&self) -> usize {
        self.y.kernel * self.x.kernel * self.inputs * self.outputs
    }

    fn patches<'a>(&self, x: Source<'a>) -> Patches<'a> {
        let size = self.output(x.size);
        Patches {
            source: x,
            y: self.y.forward(),
            x: self.x.forward(),
            stops: (size.height, size.width),
            channels: 0..self.inputs,
        }
    }

    /// `y` = the convolution of `x`; `moments` gets the moments of each of its channels.
    pub(crate) fn forward(
        &self,
        crew: &mut Crew,
        weights: &[f32],
        x: Source<'_>,
        y: &mut [f32],
        moments: &mut Moments,
    ) {
        let patches = self.patches(x);
        let (rows, columns) = (self.output(x.size).places(), patches.columns());
        let (step, n) = (tile_rows(rows, columns), self.outputs);
        let weights = Matrix::new(weights, columns, n);
        let pieces = y.chunks_mut(step * n).zip(moments.begin(rows, step, n)).enumerate();
        crew.share(pieces, |(piece, (y, moments)), scratch| {
            let (first, count) = (piece * step, y.len() / n);
            let tile = patches.tile(first..first + count, grown(scratch, count * columns));
            multiply(y, Matrix::new(tile, count, columns), weights, false);
            moments.take(y);
        });
    }

    /// `gradient` = that of the weights, from `dy`, that of the output.
    pub(crate) fn weight_gradient(
        &self,
        crew: &mut Crew,
        x: Source<'_>,
        dy: &[f32],
        gradient: &mut [f32],
        scratch: &mut Scratch,
    ) {
        if self.weights() > FEW_WEIGHTS {
            self.weight_gradient_by_parts(crew, x, dy, gradient);
            return;
        }
        let rows = self.output(x.size).places();
        let strip = rows.div_ceil(PARTS).max(1);
        let patches = self.patches(x);
        let sums = grown(&mut scratch.sums, rows.div_ceil(strip) * gradient.len());
        crew.share(sums.chunks_mut(gradient.len()).enumerate(), |(nth, sum), scratch| {
            let strip = nth * strip..((nth + 1) * strip).min(rows);
            self.sum_outer_products(&patches, strip, dy, sum, scratch);
        });
        gradient.fill(0.0);
        for sum in sums.chunks(gradient.len()) {
            gradient.iter_mut().zip(sum).for_each(|(total, x)| *total += x);
        }
    }

    fn weight_gradient_by_parts(
        &self,
        crew: &mut Crew,
        x: Source<'_>,
        dy: &[f32],
        gradient: &mut [f32],
    ) {
        let rows = self.output(x.size).places();
        let taps = self.y.kernel * self.x.kernel;
        // A kernel's taps are parts already; twice as many share out evenly.
        let channels = self.inputs.div_ceil(if taps == 1 { PARTS } else { 2 });
        let pieces =
            gradient.chunks_mut(self.inputs * self.outputs).enumerate().flat_map(|(tap, part)| {
                part.chunks_mut(channels * self.outputs).enumerate().map(move |(n, p)| (tap, n, p))
            });
        crew.share(pieces, |(tap, nth, part), scratch| {
            let mut patches = self.patches(x);
            patches.channels = nth * channels..nth * channels + part.len() / self.outputs;
            patches.y.first += (tap / self.x.kernel) as isize;
            patches.x.first += (tap % self.x.kernel) as isize;
            (patches.y.taps, patches.x.taps) = (1, 1);
            self.sum_outer_products(&patches, 0..rows, dy, part, scratch);
        });
    }

    /// `sum` = the patches of the stops `rows`, mirrored, times the output's gradient there.
    fn sum_outer_products(
        &self,
        patches: &Patches<'_>,
        rows: std::ops::Range<usize>,
        dy: &[f32],
        sum: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        let columns = patches.columns();
        let step = tile_rows(rows.len(), columns);
        for first in rows.clone().step_by(step) {
            let last = (first + step).min(rows.end);
            let tile = patches.tile(first..last, grown(scratch, step * columns));
            let tile = Matrix::new(tile, last - first, columns).transposed();
            let dy = &dy[first * self.outputs..last * self.outputs];
            multiply(sum, tile, Matrix::new(dy, last - first, self.outputs), first > rows.start);
        }
    }

    /// `dx` = the gradient of the input, of size `input`, from `dy`, that of the output; or `dx` += it.
    #[expect(clippy::too_many_arguments, reason = "both sides of a product, and where to work")]
    pub(crate) fn input_gradient(
        &self,
        crew: &mut Crew,
        weights: &[f32],
        dy: &[f32],
        input: Size,
        dx: &mut [f32],
        add: bool,
        scratch: &mut Scratch,
    ) {
        let dy = Source::plain(dy, self.output(input));
        let Scratch { mirrored, phase: part, .. } = scratch;
        for down in 0..self.y.stride {
            for across in 0..self.x.stride {
                let (y, highest_y) = self.y.backward(down);
                let (x, highest_x) = self.x.backward(across);
                let stops = (
                    self.y.places_of_phase(input.height, down),
                    self.x.places_of_phase(input.width, across),
                );
                let patches = Patches { source: dy, y, x, stops, channels: 0..self.outputs };
                let taps = (0..y.taps * x.taps).map(|tap| {
                    let ky = highest_y - tap / x.taps * self.y.stride;
                    let kx = highest_x - tap % x.taps * self.x.stride;
                    ky * self.x.kernel + kx
                });
                let mirrored = self.mirror(crew, weights, taps, mirrored);
                if self.y.stride == 1 && self.x.stride == 1 {
                    self.pull(crew, &patches, mirrored, dx, add);
                } else {
                    let rows = input.images * stops.0 * stops.1;
                    let part = grown(part, rows * self.inputs);
                    self.pull(crew, &patches, mirrored, part, false);
                    let stride = (self.y.stride, self.x.stride);
                    interleave(crew, part, stops, stride, (down, across), input, dx, add);
                }
            }
        }
    }

    /// The weights of `taps` for the way back: (taps, outputs, inputs).
    fn mirror<'w>(
        &self,
        crew: &mut Crew,
        weights: &'w [f32],
        taps: impl ExactSizeIterator<Item = usize> + Send,
        mirrored: &'w mut Vec<f32>,
    ) -> Matrix<'w> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let (columns, len) = (taps.len() * outputs, inputs * outputs);
        if self.y.kernel * self.x.kernel == 1 && columns > 0 {
            return Matrix::new(weights, inputs, outputs).transposed();
        }
        let mirrored = grown(mirrored, columns * inputs);
        crew.share(mirrored.chunks_mut(len).zip(taps), |(to, tap), _| {
            // In squares, so that both sides are read and written a cache line at a time.
            const SIDE: usize = 16;
            let from = &weights[tap * len..][..len];
            for first_o in (0..outputs).step_by(SIDE) {
                for first_i in (0..inputs).step_by(SIDE) {
                    for o in first_o..(first_o + SIDE).min(outputs) {
                        for i in first_i..(first_i + SIDE).min(inputs) {
                            to[o * inputs + i] = from[i * outputs + o];
                        }
                    }
                }
            }
        });
        Matrix::new(mirrored, columns, inputs)
    }

    /// `to` = what the stops see of the output's gradient, times the mirrored weights; or `to` += it.
    fn pull(
        &self,
        crew: &mut Crew,
        patches: &Patches<'_>,
        mirrored: Matrix<'_>,
        to: &mut [f32],
        add: bool,
    ) {
        let (n, columns) = (self.inputs, patches.columns());
        let step = tile_rows(to.len() / n, columns);
        crew.share(to.chunks_mut(step * n).enumerate(), |(piece, to), scratch| {
            let (first, count) = (piece * step, to.len() / n);
            let tile = patches.tile(first..first + count, grown(scratch, count * columns));
            multiply(to, Matrix::new(tile, count, columns), mirrored, add);
        });
    }
}

/// Rows of a tile for patches of `columns` numbers; an even number of tiles, so that two threads end together.
fn tile_rows(rows: usize, columns: usize) -> usize {
    let most = (TILE / columns.max(1)).clamp(TILE_ROWS.0, TILE_ROWS.1);
    let tiles = rows.div_ceil(most).next_multiple_of(2);
    rows.div_ceil(tiles.max(1)).max(1)
}

/// Brings the places of one phase back between those of the others.
#[expect(clippy::too_many_arguments, reason = "sizes of both sides of a copy")]
fn interleave(
    crew: &mut Crew,
    part: &[f32],
    (rows, columns): (usize, usize),
    stride: (usize, usize),
    phase: (usize, usize),
    size: Size,
    dx: &mut [f32],
    add: bool,
) {
    let n = size.channels;
    if part.is_empty() {
        return;
    }
    let pieces = dx.chunks_mut(size.image()).zip(part.chunks(rows * columns * n));
    crew.share(pieces, |(dx, part), _| {
        for (place, from) in part.chunks_exact(n).enumerate() {
            let y = place / columns * stride.0 + phase.0;
            let x = place % columns * stride.1 + phase.1;
            let to = &mut dx[(y * size.width + x) * n..][..n];
            if add {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            } else {
                to.copy_from_slice(from);
            }
        }
    });
}

#[cfg(test)]
mod tests;
