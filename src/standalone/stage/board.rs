//! What is written on the stage and read at the desk: atomics, for the eye.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::link::outlook::Outlook;
use crate::live::clock::Now;
use crate::music::time::{Bars, Beats, Tempo, Tick};

/// What is written on the stage and read at the desk.
#[derive(Debug, Default)]
pub(super) struct Board {
    running: AtomicBool,
    /// Bits of the beats and of the tempo.
    beats: AtomicU64,
    tempo: AtomicU64,
    origin: AtomicU64,
    length: AtomicU64,
    /// Messages that the desk was too slow to hear.
    pub(super) unheard: AtomicU64,
    pub(super) outlook: Outlook,
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

    /// The music is there now. Audio thread.
    pub(super) fn write(&self, now: Option<Now>) {
        if let Some(Now { beats, bars, tempo }) = now {
            self.beats.store(beats.0.to_bits(), Relaxed);
            self.tempo.store(tempo.beats_per_minute().to_bits(), Relaxed);
            self.origin.store(bars.origin.0 as u64, Relaxed);
            self.length.store(bars.length as u64, Relaxed);
        }
        self.running.store(now.is_some(), Relaxed);
    }

    /// Where it was last written that the music is. Its parts may be of two blocks.
    pub(super) fn now(&self) -> Option<Now> {
        let number = |n: &AtomicU64| n.load(Relaxed) as i64;
        let real = |n: &AtomicU64| f64::from_bits(n.load(Relaxed));
        self.running.load(Relaxed).then(|| Now {
            beats: Beats(real(&self.beats)),
            bars: Bars { origin: Tick(number(&self.origin)), length: number(&self.length).max(1) },
            tempo: Tempo::new(real(&self.tempo)),
        })
    }

    /// The loudest samples since the last call, left and right.
    pub(super) fn peaks(&self) -> [f32; 2] {
        [0, 1].map(|side| f32::from_bits(self.peaks[side].swap(0, Relaxed)))
    }
}
