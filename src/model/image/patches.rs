//! What a kernel sees at each of its stops, row by row: the tiles that turn a convolution into matrix products.
#![expect(unsafe_code, reason = "calls of target_feature functions after run-time detection")]

use std::ops::Range;

use crate::model::image::loops::{Affine, rectify_row};
use crate::model::image::shape::{Reach, Size};
use crate::model::kernel::dispatch;

/// Feature maps as the next operation reads them.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The numbers, of [`Self::size`].
    pub(crate) data: &'a [f32],
    /// Their sizes.
    pub(crate) size: Size,
    /// With it the maps are `max(0, data * scale + shift)`: norm and ReLU are made while reading.
    pub(crate) rectified: Option<Affine<'a>>,
}

impl<'a> Source<'a> {
    /// Maps that are read as they are.
    pub(crate) fn plain(data: &'a [f32], size: Size) -> Self {
        assert_eq!(data.len(), size.len(), "the maps have their size");
        Self { data, size, rectified: None }
    }

    /// The rows `places` as they lie there, where nothing has to be made.
    pub(crate) fn rows(&self, places: Range<usize>) -> Option<&'a [f32]> {
        let n = self.size.channels;
        self.rectified.is_none().then(|| &self.data[places.start * n..places.end * n])
    }
}

/// What is looked at, at which stops.
pub(crate) struct Patches<'a> {
    /// The maps that are looked at.
    pub(crate) source: Source<'a>,
    /// What a stop sees of the rows.
    pub(crate) y: Reach,
    /// What a stop sees of the columns.
    pub(crate) x: Reach,
    /// Stops down and across each image.
    pub(crate) stops: (usize, usize),
    /// The channels that are looked at.
    pub(crate) channels: Range<usize>,
}

impl<'a> Patches<'a> {
    /// Numbers seen from one stop: (rows, columns, channels).
    pub(crate) fn columns(&self) -> usize {
        self.y.taps * self.x.taps * self.channels.len()
    }

    /// What the stops `rows` see, a row each; made in `tile` unless it lies in the source just so.
    pub(crate) fn tile<'t>(&self, rows: Range<usize>, tile: &'t mut [f32]) -> &'t [f32]
    where
        'a: 't,
    {
        let still = |reach: Reach| reach == Reach { step: 1, first: 0, taps: 1 };
        let size = self.source.size;
        let same_grid = still(self.y) && still(self.x) && self.stops == (size.height, size.width);
        if same_grid
            && self.channels.len() == size.channels
            && let Some(run) = self.source.rows(rows.clone())
        {
            return run;
        }
        let tile = &mut tile[..rows.len() * self.columns()];
        look(self, rows, tile);
        tile
    }
}

dispatch! {
    /// Fills `out` with what the stops `rows` see.
    fn look(patches: &Patches<'_>, rows: Range<usize>, out: &mut [f32]) = look_body;
}

#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
fn look_body<const FMA: bool>(patches: &Patches<'_>, rows: Range<usize>, out: &mut [f32]) {
    let Patches { source, y, x, stops: (down, across), channels } = patches;
    let (size, n) = (source.size, channels.len());
    let line_len = size.width * size.channels;
    let run = x.taps * n;
    if run == 0 || y.taps == 0 {
        return;
    }
    for (row, out) in rows.zip(out.chunks_exact_mut(y.taps * run)) {
        let (image, stop) = (row / (down * across), row % (down * across));
        let top = (stop / across * y.step) as isize + y.first;
        let left = (stop % across * x.step) as isize + x.first;
        // The taps from `lead` to `end` lie inside.
        let lead = (-left).clamp(0, x.taps as isize) as usize;
        let end = (size.width as isize - left).clamp(lead as isize, x.taps as isize) as usize;
        for (tap, out) in out.chunks_exact_mut(run).enumerate() {
            let line = top + tap as isize;
            if !(0..size.height as isize).contains(&line) || lead == end {
                out.fill(0.0);
                continue;
            }
            let line = &source.data[(image * size.height + line as usize) * line_len..][..line_len];
            let first = (left + lead as isize) as usize * size.channels;
            let seen = &line[first..][..(end - lead) * size.channels];
            out[..lead * n].fill(0.0);
            out[end * n..].fill(0.0);
            let out = &mut out[lead * n..end * n];
            if let Some(affine) = source.rectified {
                let scale = &affine.scale[channels.clone()];
                let shift = &affine.shift[channels.clone()];
                let places = out.chunks_exact_mut(n).zip(seen.chunks_exact(size.channels));
                for (out, seen) in places {
                    rectify_row::<FMA>(out, &seen[channels.clone()], Affine { scale, shift });
                }
            } else if n == size.channels {
                out.copy_from_slice(seen);
            } else {
                let places = out.chunks_exact_mut(n).zip(seen.chunks_exact(size.channels));
                for (out, seen) in places {
                    out.copy_from_slice(&seen[channels.clone()]);
                }
            }
        }
    }
}
