//! The sink at one sample: what the host does not take is counted, and windows are told of what ends.

use crate::link::meter::Meter;
use crate::link::pair::AudioEnd;
use crate::link::past::Event;
use crate::live::block::Sink;
use crate::live::clock::Clock;
use crate::music::event::{Midi, TimedMidi};

/// See the module's text.
pub(super) struct Out<'a, S> {
    sink: &'a mut S,
    offset: u32,
    end: &'a AudioEnd,
    clock: &'a Clock,
}

impl<'a, S: Sink> Out<'a, S> {
    /// The sink at this sample of the block.
    pub(super) fn at(offset: u32, sink: &'a mut S, end: &'a AudioEnd, clock: &'a Clock) -> Self {
        Self { sink, offset, end, clock }
    }

    /// Sends a message; `false` where the host does not take it.
    pub(super) fn send(&mut self, midi: Midi) -> bool {
        let taken = self.sink.send(TimedMidi { offset: self.offset, midi });
        match midi {
            _ if !taken => Meter::count(&self.end.meter.refused),
            Midi::NoteOff { channel, key, .. } => {
                let at = self.clock.beats(self.offset);
                self.end.display.past.add(at, Event::Ended { channel, key });
            }
            _ => {}
        }
        taken
    }
}
