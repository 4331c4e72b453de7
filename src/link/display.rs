//! What windows may see of an engine: where the music is, what was played, what is planned, and what it is chosen from.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::link::forecast::Forecast;
use crate::link::outlook::Outlook;
use crate::link::past::Past;
use crate::link::sequence::Sequence;
use crate::music::time::{Bars, Beats, Tempo, Tick};

/// Where the music is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Now {
    /// In quarter notes of the take.
    pub beats: Beats,
    /// Its bar lines.
    pub bars: Bars,
    /// How fast it goes.
    pub tempo: Tempo,
}

/// All of it. One for each activation of an engine.
#[derive(Debug, Default)]
pub struct Display {
    /// What was played. Written by the audio thread.
    pub past: Past,
    /// What is planned and has not sounded. Written by the audio thread.
    pub outlook: Outlook,
    /// What it was chosen from. Written by the worker, while a window is open.
    pub forecast: Arc<Forecast>,
    place: Place,
    led: AtomicBool,
}

/// The place of the last block's end, behind a sequence lock.
#[derive(Debug, Default)]
struct Place {
    sequence: Sequence,
    runs: AtomicBool,
    /// Bits of beats and tempo.
    beats: AtomicU64,
    tempo: AtomicU64,
    origin: AtomicU64,
    length: AtomicU64,
}

impl Display {
    /// The music is there now; `None` while no time passes. `led`: a host's transport says so.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn set_now(&self, now: Option<Now>, led: bool) {
        let place = &self.place;
        place.sequence.write(|| {
            if let Some(Now { beats, bars, tempo }) = now {
                place.beats.store(beats.0.to_bits(), Relaxed);
                place.tempo.store(tempo.beats_per_minute().to_bits(), Relaxed);
                place.origin.store(bars.origin.0 as u64, Relaxed);
                place.length.store(bars.length as u64, Relaxed);
            }
            place.runs.store(now.is_some(), Relaxed);
        });
        self.led.store(led && now.is_some(), Relaxed);
    }

    /// Where the music was at the end of the last block; `None` while no time passes, or where it cannot be read now.
    pub fn now(&self) -> Option<Now> {
        let place = &self.place;
        let number = |n: &AtomicU64| n.load(Relaxed) as i64;
        let real = |n: &AtomicU64| f64::from_bits(n.load(Relaxed));
        let read = || {
            place.runs.load(Relaxed).then(|| Now {
                beats: Beats(real(&place.beats)),
                bars: Bars {
                    origin: Tick(number(&place.origin)),
                    length: number(&place.length).max(1),
                },
                tempo: Tempo::new(real(&place.tempo)),
            })
        };
        place.sequence.read(read).flatten()
    }

    /// Whether a host's transport leads.
    pub fn is_led(&self) -> bool {
        self.led.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_out_as_it_went_in() {
        let display = Display::default();
        assert_eq!(display.now(), None);
        let now = Now {
            beats: Beats(-3.25),
            bars: Bars { origin: Tick(-48), length: 36 },
            tempo: Tempo::new(93.5),
        };
        display.set_now(Some(now), true);
        assert_eq!((display.now(), display.is_led()), (Some(now), true));
        display.set_now(None, false);
        assert_eq!((display.now(), display.is_led()), (None, false));
    }
}
