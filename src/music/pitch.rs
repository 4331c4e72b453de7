//! Pitches as MIDI numbers, and their classes.

use std::fmt;
use std::str::FromStr;

/// A MIDI note number, 0 to 127; 60 is middle C, written `C4`.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Pitch(u8);

impl Pitch {
    /// The lowest key of a piano, A0.
    pub const PIANO_LOW: Self = Self(21);
    /// The highest key of a piano, C8.
    pub const PIANO_HIGH: Self = Self(108);

    /// The pitch with this MIDI number; numbers above 127 are clamped.
    pub const fn new(number: u8) -> Self {
        Self(if number > 127 { 127 } else { number })
    }

    /// The MIDI number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The pitch class, 0 (C) to 11 (B).
    pub const fn class(self) -> PitchClass {
        PitchClass(self.0 % 12)
    }

    /// Moved by semitones, if the result is still a MIDI number.
    pub fn transposed(self, semitones: i32) -> Option<Self> {
        u8::try_from(i32::from(self.0) + semitones).ok().filter(|&n| n < 128).map(Self)
    }

    /// Moved by octaves into the 88 keys of a piano.
    #[must_use]
    pub const fn on_piano(self) -> Self {
        let mut n = self.0;
        while n < Self::PIANO_LOW.0 {
            n += 12;
        }
        while n > Self::PIANO_HIGH.0 {
            n -= 12;
        }
        Self(n)
    }
}

impl fmt::Display for Pitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.class(), i32::from(self.0) / 12 - 1)
    }
}

/// Text that does not name a pitch or a pitch class.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("'{0}' is not a note name: write C4, F#3 or Bb5")]
pub struct ParsePitchError(String);

impl FromStr for Pitch {
    type Err = ParsePitchError;

    /// Reads `C4`, `F#3`, `Bb5`, or a plain MIDI number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParsePitchError(text.to_owned());
        if let Ok(number) = text.parse::<u8>() {
            return (number < 128).then_some(Self(number)).ok_or_else(wrong);
        }
        let split = text.find(|c: char| c == '-' || c.is_ascii_digit()).ok_or_else(wrong)?;
        let class: PitchClass = text[..split].parse().map_err(|_| wrong())?;
        let octave: i32 = text[split..].parse().map_err(|_| wrong())?;
        // The octave number belongs to the letter: Cb4 lies under C4, B#4 above B4.
        let carry = match &text[..split] {
            t if t.eq_ignore_ascii_case("cb") => -12,
            t if t.eq_ignore_ascii_case("b#") => 12,
            _ => 0,
        };
        let number = octave.checked_add(1).and_then(|o| o.checked_mul(12)).ok_or_else(wrong)?
            + i32::from(class.0)
            + carry;
        u8::try_from(number).ok().filter(|&n| n < 128).map(Self).ok_or_else(wrong)
    }
}

/// A pitch without its octave: 0 (C) to 11 (B).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PitchClass(u8);

impl PitchClass {
    const NAMES: [&'static str; 12] =
        ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

    /// The class of `number` modulo 12.
    pub const fn new(number: u8) -> Self {
        Self(number % 12)
    }

    /// 0 (C) to 11 (B).
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The class as one bit of a 12-bit set.
    pub const fn bit(self) -> u16 {
        1 << self.0
    }
}

impl fmt::Display for PitchClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[usize::from(self.0)])
    }
}

impl FromStr for PitchClass {
    type Err = ParsePitchError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParsePitchError(text.to_owned());
        let mut chars = text.chars();
        let natural = match chars.next().map(|c| c.to_ascii_uppercase()) {
            Some('C') => 0,
            Some('D') => 2,
            Some('E') => 4,
            Some('F') => 5,
            Some('G') => 7,
            Some('A') => 9,
            Some('B') => 11,
            _ => return Err(wrong()),
        };
        let accidental = match chars.as_str() {
            "" => 0,
            "#" | "♯" => 1,
            "b" | "♭" => 11,
            _ => return Err(wrong()),
        };
        Ok(Self((natural + accidental) % 12))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for number in 0..128 {
            let pitch = Pitch::new(number);
            assert_eq!(pitch.to_string().parse::<Pitch>(), Ok(pitch));
        }
        assert_eq!("Bb3".parse::<Pitch>(), Ok(Pitch::new(58)));
        assert_eq!("Cb4".parse::<Pitch>(), Ok(Pitch::new(59)));
        assert_eq!("60".parse::<Pitch>(), Ok(Pitch::new(60)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "H4", "C", "C99", "200", "C#-9", "C99999999999", "é4", "4C"] {
            assert!(text.parse::<Pitch>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_pitch_folds_onto_the_piano() {
        for number in 0..128 {
            let folded = Pitch::new(number).on_piano();
            assert!((21..=108).contains(&folded.number()));
            assert_eq!(folded.class(), Pitch::new(number).class());
        }
    }
}
