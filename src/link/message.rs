//! The two closed sets of messages.
//!
//! Time is told in ticks of the take. A tick is *closed* once no key of the player can be counted to it any
//! more, half a tick after it. What the machine plays at tick `t` is decided when tick `t - reaction - 1`
//! is closed and not before, so that it depends on what was played and never on how fast a thread ran.

use crate::link::settings::Settings;
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};

/// From the audio thread to the worker.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ToWorker {
    /// A new take begins: all that was heard is forgotten.
    Take {
        /// Counts takes and jumps, so that answers to older ones are known.
        era: u32,
        /// The first tick.
        tick: Tick,
        /// Its bar lines.
        bars: Bars,
        /// Ticks of the take less those of the host's song position; 0 where there is none.
        shift: i64,
    },
    /// The transport jumped: what is planned from `tick` on is void, what was heard stays.
    Jump {
        /// Counts takes and jumps, so that answers to older ones are known.
        era: u32,
        /// The first tick after the jump.
        tick: Tick,
        /// The bar lines from there on.
        bars: Bars,
        /// Ticks of the take less those of the host's song position; 0 where there is none.
        shift: i64,
    },
    /// The bar lines moved without a jump (the metre changed).
    Bars {
        /// The first tick that has them.
        tick: Tick,
        /// The bar lines from there on.
        bars: Bars,
    },
    /// The player struck a key.
    Heard {
        /// Counts the keys, so that company finds its note.
        id: u32,
        /// The nearest tick.
        tick: Tick,
        /// The key.
        pitch: Pitch,
        /// 1 to 127.
        velocity: u8,
    },
    /// The player let go of a key.
    Released {
        /// The nearest tick.
        tick: Tick,
        /// The key.
        pitch: Pitch,
    },
    /// No more of the player's keys will be counted to `tick` or before it.
    Closed {
        /// The last closed tick.
        tick: Tick,
    },
    /// The settings from here on.
    Settings(Settings),
}

/// From the worker to the audio thread.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ToAudio {
    /// Every planned note that begins at `from` or later is void.
    Withdraw {
        /// The take or jump that this and what follows belongs to.
        era: u32,
        /// The first tick that is free again.
        from: Tick,
    },
    /// A note is planned.
    Note(PlannedNote),
    /// What joins a key of the player at once, to be released with it.
    Company {
        /// The key's `id`.
        id: u32,
        /// The notes; all `None` when nothing fits.
        pitches: [Option<Pitch>; 4],
        /// 1 to 127.
        velocity: u8,
    },
    /// The machine yields: what sounds ends when `at` is reached.
    Yield {
        /// The tick at which it falls silent.
        at: Tick,
    },
    /// The plan up to `until` takes into account all that was closed by `closed`.
    Ready {
        /// The last closed tick that was taken in.
        closed: Tick,
        /// The last tick that is decided.
        until: Tick,
    },
}

/// A machine note that has not sounded yet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PlannedNote {
    /// When it begins on the grid.
    pub onset: Tick,
    /// Ticks that it comes after the grid: swing. 0 or more.
    pub late_ticks: f32,
    /// Milliseconds that it comes after that: unevenness. 0 or more.
    pub late_millis: f32,
    /// Ticks that it lasts, at least 1.
    pub duration: i64,
    /// What sounds.
    pub pitch: Pitch,
    /// 1 to 127.
    pub velocity: u8,
}
