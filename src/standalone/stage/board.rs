//! What is written on the stage and read at the desk: atomics, for the eye.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// What is written on the stage and read at the desk.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// Messages that the desk was too slow to hear.
    pub(super) unheard: AtomicU64,
    /// Bits of the loudest sample on the left and on the right since somebody looked.
    peaks: [AtomicU32; 2],
}

impl Board {
    /// A block sounded. Audio thread.
    pub(super) fn hear(&self, left: &[f32], right: &[f32]) {
        for (peak, side) in self.peaks.iter().zip([left, right]) {
            let loudest = side.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            // The bits of positive numbers are in their order.
            peak.fetch_max(loudest.to_bits(), Relaxed);
        }
    }

    /// The loudest samples since the last call, left and right.
    pub(super) fn peaks(&self) -> [f32; 2] {
        [0, 1].map(|side| f32::from_bits(self.peaks[side].swap(0, Relaxed)))
    }
}
