//! The sounds that a part can have: five of our own, and the programs of a SoundFont.

use std::fmt;

use crate::standalone::Part;

/// What a part sounds like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patch {
    /// A tine over a body, by frequency modulation.
    ElectricPiano,
    /// A soft piano with felt on its strings.
    FeltPiano,
    /// Slow, wide strings without bows.
    Pad,
    /// A plucked bass that darkens.
    Bass,
    /// A singing lead with a late vibrato.
    Lead,
    /// A program of the SoundFont that was loaded. Silent where none was, or where it has no such program.
    Font(Program),
}

/// A program of a SoundFont, as both number it: from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Program {
    /// The bank; 128 holds drum kits.
    pub bank: u16,
    /// The program within its bank.
    pub number: u16,
}

/// The sound of one part.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PartSound {
    /// What it sounds like.
    pub patch: Patch,
    /// How loud, in decibels: 0 is as built, at least [`QUIETEST_DB`], at most [`LOUDEST_DB`].
    pub volume_db: f32,
}

/// The sounds of both parts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sounds {
    /// The player's.
    pub player: PartSound,
    /// The machine's.
    pub machine: PartSound,
}

/// The softest that a part can be made.
pub const QUIETEST_DB: f32 = -60.0;
/// The loudest that a part can be made.
pub const LOUDEST_DB: f32 = 12.0;

impl Patch {
    /// The sounds of our own.
    pub const BUILT_IN: [Self; 5] =
        [Self::ElectricPiano, Self::FeltPiano, Self::Pad, Self::Bass, Self::Lead];

    /// What users type; a program goes by its numbers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ElectricPiano => "electric-piano",
            Self::FeltPiano => "felt-piano",
            Self::Pad => "pad",
            Self::Bass => "bass",
            Self::Lead => "lead",
            Self::Font(_) => "soundfont",
        }
    }

    /// One line on how it sounds.
    pub const fn about(self) -> &'static str {
        match self {
            Self::ElectricPiano => "tines that bark when struck hard, swaying from side to side",
            Self::FeltPiano => "a soft piano with felt on its strings",
            Self::Pad => "slow, wide strings; they last as long as the key is down",
            Self::Bass => "plucked, round, darkening; for the lower half of the keyboard",
            Self::Lead => "a singing solo sound with a late vibrato",
            Self::Font(_) => "from a SoundFont",
        }
    }

    /// The sound of our own with this name.
    pub fn built_in(name: &str) -> Option<Self> {
        Self::BUILT_IN.into_iter().find(|patch| patch.name().eq_ignore_ascii_case(name.trim()))
    }

    /// The General MIDI program, from 0, that comes nearest: what a MIDI file asks other instruments for.
    pub fn general_midi(self) -> u8 {
        match self {
            Self::ElectricPiano => 4,
            Self::FeltPiano => 0,
            Self::Pad => 89,
            Self::Bass => 38,
            Self::Lead => 81,
            Self::Font(program) => program.number.min(127) as u8,
        }
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Font(program) => program.fmt(f),
            built_in => f.write_str(built_in.name()),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bank, self.number)
    }
}

impl PartSound {
    /// A patch as loud as it was built.
    pub const fn of(patch: Patch) -> Self {
        Self { patch, volume_db: 0.0 }
    }

    /// What the volume multiplies samples by.
    pub fn gain(self) -> f32 {
        let db = if self.volume_db.is_nan() { 0.0 } else { self.volume_db };
        10.0_f32.powf(db.clamp(QUIETEST_DB, LOUDEST_DB) / 20.0)
    }
}

impl Default for Sounds {
    fn default() -> Self {
        Self {
            player: PartSound::of(Patch::ElectricPiano),
            machine: PartSound::of(Patch::FeltPiano),
        }
    }
}

impl Sounds {
    /// The sound of a part.
    pub const fn of(&self, part: Part) -> PartSound {
        match part {
            Part::Player => self.player,
            Part::Machine => self.machine,
        }
    }

    /// The sound of a part, to change.
    pub const fn of_mut(&mut self, part: Part) -> &mut PartSound {
        match part {
            Part::Player => &mut self.player,
            Part::Machine => &mut self.machine,
        }
    }
}
