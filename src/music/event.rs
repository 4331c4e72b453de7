//! What passes a MIDI cable, as far as Sideman cares, with its place in samples.

/// A MIDI channel, 0 to 15 (users read 1 to 16).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Channel(u8);

impl Channel {
    /// The channel with this index; numbers above 15 are clamped.
    pub const fn new(index: u8) -> Self {
        Self(if index > 15 { 15 } else { index })
    }

    /// 0 to 15.
    pub const fn index(self) -> u8 {
        self.0
    }
}

/// One MIDI message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Midi {
    /// A key goes down; `velocity` is 1 to 127.
    NoteOn {
        /// Where it sounds.
        channel: Channel,
        /// MIDI key number, 0 to 127.
        key: u8,
        /// 1 to 127.
        velocity: u8,
    },
    /// A key goes up.
    NoteOff {
        /// Where it sounded.
        channel: Channel,
        /// MIDI key number, 0 to 127.
        key: u8,
        /// Release velocity, 0 to 127.
        velocity: u8,
    },
    /// A controller moves.
    Control {
        /// Which channel it is for.
        channel: Channel,
        /// Controller number, 0 to 119; 64 is the sustain pedal.
        controller: u8,
        /// 0 to 127.
        value: u8,
    },
    /// The pitch wheel moves; 8192 is the middle.
    PitchBend {
        /// Which channel it is for.
        channel: Channel,
        /// 0 to 16383.
        value: u16,
    },
    /// Aftertouch of the whole channel.
    Pressure {
        /// Which channel it is for.
        channel: Channel,
        /// 0 to 127.
        value: u8,
    },
    /// Aftertouch of one key.
    KeyPressure {
        /// Where it sounds.
        channel: Channel,
        /// MIDI key number, 0 to 127.
        key: u8,
        /// 0 to 127.
        value: u8,
    },
    /// Another sound is chosen.
    Program {
        /// Which channel it is for.
        channel: Channel,
        /// 0 to 127.
        program: u8,
    },
}

/// A message and the sample of the block on which it falls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedMidi {
    /// Samples since the start of the block.
    pub offset: u32,
    /// The message.
    pub midi: Midi,
}

impl Midi {
    /// Reads one complete message of 1 to 3 bytes. A note-on of velocity 0 is a note-off. What Sideman
    /// has no use for (system messages) is `None`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&status, data) = bytes.split_first()?;
        let channel = Channel::new(status & 0x0f);
        let at = |i: usize| data.get(i).copied().filter(|b| *b < 128);
        Some(match status & 0xf0 {
            0x90 if at(1)? > 0 => Self::NoteOn { channel, key: at(0)?, velocity: at(1)? },
            0x80 | 0x90 => Self::NoteOff { channel, key: at(0)?, velocity: at(1)? },
            0xb0 => Self::Control { channel, controller: at(0)?, value: at(1)? },
            0xe0 => Self::PitchBend { channel, value: u16::from(at(0)?) | u16::from(at(1)?) << 7 },
            0xd0 => Self::Pressure { channel, value: at(0)? },
            0xa0 => Self::KeyPressure { channel, key: at(0)?, value: at(1)? },
            0xc0 => Self::Program { channel, program: at(0)? },
            _ => return None,
        })
    }

    /// Which channel it is for.
    pub const fn channel(self) -> Channel {
        match self {
            Self::NoteOn { channel, .. }
            | Self::NoteOff { channel, .. }
            | Self::Control { channel, .. }
            | Self::PitchBend { channel, .. }
            | Self::Pressure { channel, .. }
            | Self::KeyPressure { channel, .. }
            | Self::Program { channel, .. } => channel,
        }
    }

    /// The same message on another channel.
    #[must_use]
    pub const fn on(self, channel: Channel) -> Self {
        match self {
            Self::NoteOn { key, velocity, .. } => Self::NoteOn { channel, key, velocity },
            Self::NoteOff { key, velocity, .. } => Self::NoteOff { channel, key, velocity },
            Self::Control { controller, value, .. } => Self::Control { channel, controller, value },
            Self::PitchBend { value, .. } => Self::PitchBend { channel, value },
            Self::Pressure { value, .. } => Self::Pressure { channel, value },
            Self::KeyPressure { key, value, .. } => Self::KeyPressure { channel, key, value },
            Self::Program { program, .. } => Self::Program { channel, program },
        }
    }

    /// The message as MIDI bytes, and how many of the three count.
    pub const fn to_bytes(self) -> ([u8; 3], usize) {
        match self {
            Self::NoteOn { channel, key, velocity } => ([0x90 | channel.0, key, velocity], 3),
            Self::NoteOff { channel, key, velocity } => ([0x80 | channel.0, key, velocity], 3),
            Self::Control { channel, controller, value } => {
                ([0xb0 | channel.0, controller, value], 3)
            }
            Self::PitchBend { channel, value } => {
                ([0xe0 | channel.0, (value & 0x7f) as u8, (value >> 7 & 0x7f) as u8], 3)
            }
            Self::Pressure { channel, value } => ([0xd0 | channel.0, value, 0], 2),
            Self::KeyPressure { channel, key, value } => ([0xa0 | channel.0, key, value], 3),
            Self::Program { channel, program } => ([0xc0 | channel.0, program, 0], 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_the_wire() {
        for status in 0x80..=0xff_u8 {
            for data in [[0, 0], [60, 0], [60, 100], [127, 127]] {
                let Some(midi) = Midi::from_bytes(&[status, data[0], data[1]]) else { continue };
                let (bytes, len) = midi.to_bytes();
                assert_eq!(Midi::from_bytes(&bytes[..len]), Some(midi));
            }
        }
    }

    #[test]
    fn a_note_on_of_velocity_zero_is_a_note_off() {
        assert!(matches!(Midi::from_bytes(&[0x95, 60, 0]), Some(Midi::NoteOff { key: 60, .. })));
    }

    #[test]
    fn cut_or_foreign_messages_are_nothing() {
        for bytes in [&[][..], &[0x90], &[0x90, 60], &[0x90, 200, 1], &[0xf8], &[60, 60, 60]] {
            assert_eq!(Midi::from_bytes(bytes), None);
        }
    }
}
