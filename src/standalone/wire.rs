//! What goes through a MIDI cable: notes and the like, and the clock.

use crate::music::event::Midi;

/// One message of a cable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    /// A message of a channel.
    Midi(Midi),
    /// A message of the clock.
    Clock(ClockMessage),
}

/// What a MIDI clock says ("MIDI 1.0 Detailed Specification", system real-time messages and song position).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockMessage {
    /// A 24th of a quarter note has passed.
    Pulse,
    /// The song begins with the next pulse.
    Start,
    /// The song goes on from its position with the next pulse.
    Continue,
    /// The song stops.
    Stop,
    /// The song's position while it is stopped, in sixteenth notes.
    Position(u16),
}

impl Wire {
    /// Reads one complete message; what Sideman has no use for is `None`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let clock = match *bytes {
            [0xf8, ..] => ClockMessage::Pulse,
            [0xfa, ..] => ClockMessage::Start,
            [0xfb, ..] => ClockMessage::Continue,
            [0xfc, ..] => ClockMessage::Stop,
            [0xf2, low @ 0..=127, high @ 0..=127, ..] => {
                ClockMessage::Position(u16::from(low) | u16::from(high) << 7)
            }
            _ => return Midi::from_bytes(bytes).map(Self::Midi),
        };
        Some(Self::Clock(clock))
    }

    /// The message as MIDI bytes, and how many of the three count.
    pub const fn to_bytes(self) -> ([u8; 3], usize) {
        match self {
            Self::Midi(midi) => midi.to_bytes(),
            Self::Clock(ClockMessage::Pulse) => ([0xf8, 0, 0], 1),
            Self::Clock(ClockMessage::Start) => ([0xfa, 0, 0], 1),
            Self::Clock(ClockMessage::Continue) => ([0xfb, 0, 0], 1),
            Self::Clock(ClockMessage::Stop) => ([0xfc, 0, 0], 1),
            Self::Clock(ClockMessage::Position(sixteenths)) => {
                ([0xf2, (sixteenths & 0x7f) as u8, (sixteenths >> 7 & 0x7f) as u8], 3)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::event::Channel;

    #[test]
    fn bytes_come_back() {
        let note = Midi::NoteOn { channel: Channel::new(3), key: 60, velocity: 1 };
        let clock = [
            ClockMessage::Pulse,
            ClockMessage::Start,
            ClockMessage::Continue,
            ClockMessage::Stop,
            ClockMessage::Position(16_383),
            ClockMessage::Position(129),
        ];
        for wire in clock.map(Wire::Clock).into_iter().chain([Wire::Midi(note)]) {
            let (bytes, length) = wire.to_bytes();
            assert_eq!(Wire::from_bytes(&bytes[..length]), Some(wire));
        }
        for bytes in [&[][..], &[0xfe], &[0xf2, 1], &[0xf2, 200, 1], &[0xf0, 1, 0xf7], &[60]] {
            assert_eq!(Wire::from_bytes(bytes), None, "{bytes:?}");
        }
    }
}
