//! Scales as sets of pitch classes.

use crate::music::pitch::{Pitch, PitchClass};

/// A set of pitch classes: bit 0 is C, bit 11 is B.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PitchSet(pub u16);

impl PitchSet {
    /// Every pitch class.
    pub const ALL: Self = Self(0xfff);

    /// Whether `pitch` belongs to it.
    pub const fn holds(self, pitch: Pitch) -> bool {
        self.0 & pitch.class().bit() != 0
    }
}

/// A scale without its key.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// No restriction.
    #[default]
    Chromatic,
    /// The major scale.
    Major,
    /// The natural minor scale.
    Minor,
    /// Minor with a raised seventh.
    HarmonicMinor,
    /// Minor with raised sixth and seventh.
    MelodicMinor,
    /// The second mode of major.
    Dorian,
    /// The third mode of major.
    Phrygian,
    /// The fourth mode of major.
    Lydian,
    /// The fifth mode of major.
    Mixolydian,
    /// Five notes of major.
    MajorPentatonic,
    /// Five notes of minor.
    MinorPentatonic,
    /// Minor pentatonic with the flat fifth.
    Blues,
    /// Six whole tones.
    WholeTone,
    /// Half and whole tones by turns.
    Diminished,
}

impl Scale {
    /// Every scale, in the order shown to users.
    pub const ALL: [Self; 14] = [
        Self::Chromatic,
        Self::Major,
        Self::Minor,
        Self::HarmonicMinor,
        Self::MelodicMinor,
        Self::Dorian,
        Self::Phrygian,
        Self::Lydian,
        Self::Mixolydian,
        Self::MajorPentatonic,
        Self::MinorPentatonic,
        Self::Blues,
        Self::WholeTone,
        Self::Diminished,
    ];

    /// The name that users read and type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chromatic => "chromatic",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::HarmonicMinor => "harmonic-minor",
            Self::MelodicMinor => "melodic-minor",
            Self::Dorian => "dorian",
            Self::Phrygian => "phrygian",
            Self::Lydian => "lydian",
            Self::Mixolydian => "mixolydian",
            Self::MajorPentatonic => "major-pentatonic",
            Self::MinorPentatonic => "minor-pentatonic",
            Self::Blues => "blues",
            Self::WholeTone => "whole-tone",
            Self::Diminished => "diminished",
        }
    }

    /// Semitones above the tonic.
    pub const fn steps(self) -> &'static [u8] {
        match self {
            Self::Chromatic => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
            Self::Major => &[0, 2, 4, 5, 7, 9, 11],
            Self::Minor => &[0, 2, 3, 5, 7, 8, 10],
            Self::HarmonicMinor => &[0, 2, 3, 5, 7, 8, 11],
            Self::MelodicMinor => &[0, 2, 3, 5, 7, 9, 11],
            Self::Dorian => &[0, 2, 3, 5, 7, 9, 10],
            Self::Phrygian => &[0, 1, 3, 5, 7, 8, 10],
            Self::Lydian => &[0, 2, 4, 6, 7, 9, 11],
            Self::Mixolydian => &[0, 2, 4, 5, 7, 9, 10],
            Self::MajorPentatonic => &[0, 2, 4, 7, 9],
            Self::MinorPentatonic => &[0, 3, 5, 7, 10],
            Self::Blues => &[0, 3, 5, 6, 7, 10],
            Self::WholeTone => &[0, 2, 4, 6, 8, 10],
            Self::Diminished => &[0, 1, 3, 4, 6, 7, 9, 10],
        }
    }

    /// The pitch classes of this scale on `tonic`.
    pub fn on(self, tonic: PitchClass) -> PitchSet {
        PitchSet(
            self.steps()
                .iter()
                .fold(0, |set, step| set | PitchClass::new(tonic.number() + step).bit()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_minor_is_g_major() {
        assert_eq!(Scale::Minor.on(PitchClass::new(4)), Scale::Major.on(PitchClass::new(7)));
        assert_eq!(Scale::Chromatic.on(PitchClass::new(3)), PitchSet::ALL);
    }

    #[test]
    fn every_scale_holds_its_tonic() {
        for scale in Scale::ALL {
            for tonic in 0..12 {
                assert!(scale.on(PitchClass::new(tonic)).holds(Pitch::new(60 + tonic)));
            }
        }
    }
}
