//! One call of the host: a block of samples, the transport, the events.

use crate::music::event::TimedMidi;
use crate::music::time::{Beats, Meter, Tempo};

/// What the host says of a block.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Samples in the block.
    pub frames: u32,
    /// Where the song is at the first sample; `None` when the host has no transport.
    pub transport: Option<Transport>,
    /// Whether this is an offline render, which may wait for the worker.
    pub offline: bool,
    /// What came in, by rising offset. Offsets past the block count as its last sample.
    pub events: &'a [TimedMidi],
}

/// The host's transport at the first sample of a block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Transport {
    /// Whether it rolls.
    pub playing: bool,
    /// Quarter notes a minute, if the host says; else the settings' tempo counts.
    pub tempo: Option<Tempo>,
    /// The song position, if the host says; without one Sideman runs its own clock.
    pub position: Option<Beats>,
    /// Any bar line of the present bar's grid; without one bars count from beat 0.
    pub bar_start: Option<Beats>,
    /// The time signature.
    pub meter: Meter,
}

/// Takes events out, in time order.
pub trait Sink {
    /// Takes an event, or says `false` that it cannot. The engine sends a refused note-off again.
    ///
    /// Audio thread. No allocation, lock or system call.
    fn send(&mut self, event: TimedMidi) -> bool;
}
