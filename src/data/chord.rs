//! Chord symbols in the notation of Harte and others ("Symbolic representation of musical chords", ISMIR 2005):
//! `D:min7`, `Bb:7/3`, `F#:sus4(b7)`, `N` for none.

use crate::music::pitch::PitchClass;
use crate::music::scale::PitchSet;

/// Shorthands and the semitones over the root that they stand for.
const SHORTHANDS: [(&str, &[u8]); 21] = [
    ("maj", &[0, 4, 7]),
    ("min", &[0, 3, 7]),
    ("dim", &[0, 3, 6]),
    ("aug", &[0, 4, 8]),
    ("sus2", &[0, 2, 7]),
    ("sus4", &[0, 5, 7]),
    ("5", &[0, 7]),
    ("maj6", &[0, 4, 7, 9]),
    ("min6", &[0, 3, 7, 9]),
    ("7", &[0, 4, 7, 10]),
    ("maj7", &[0, 4, 7, 11]),
    ("min7", &[0, 3, 7, 10]),
    ("minmaj7", &[0, 3, 7, 11]),
    ("dim7", &[0, 3, 6, 9]),
    ("hdim7", &[0, 3, 6, 10]),
    ("9", &[0, 2, 4, 7, 10]),
    ("maj9", &[0, 2, 4, 7, 11]),
    ("min9", &[0, 2, 3, 7, 10]),
    ("11", &[0, 2, 4, 5, 7, 10]),
    ("min11", &[0, 2, 3, 5, 7, 10]),
    ("13", &[0, 2, 4, 7, 9, 10]),
];

/// Semitones of the first seven degrees of a major scale.
const MAJOR: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];

/// The pitch classes of a chord, without its bass; `None` for no chord, or for text that is not one.
pub fn parse(symbol: &str) -> Option<PitchSet> {
    let symbol = symbol.trim().split('/').next()?;
    let (root, quality) = symbol.split_once(':').unwrap_or((symbol, "maj"));
    let root: PitchClass = root.parse().ok()?;
    let (shorthand, degrees) = match quality.split_once('(') {
        Some((shorthand, rest)) => (shorthand, rest.strip_suffix(')')?),
        None => (quality, ""),
    };
    let mut steps: u16 = match shorthand {
        "" => 1,
        name => SHORTHANDS.iter().find(|s| s.0 == name)?.1.iter().fold(0, |set, s| set | 1 << s),
    };
    for degree in degrees.split(',').filter(|d| !d.is_empty()) {
        match degree.trim().strip_prefix('*') {
            Some(missing) => steps &= !(1 << semitones(missing)?),
            None => steps |= 1 << semitones(degree.trim())?,
        }
    }
    let shift = u32::from(root.number());
    Some(PitchSet((steps << shift | steps >> (12 - shift)) & PitchSet::ALL.0))
}

/// Semitones of a degree such as `b7` or `9`, within the octave.
fn semitones(degree: &str) -> Option<u8> {
    let number = degree.trim_start_matches(['b', '#']);
    let flats = degree.matches('b').count() as i32;
    let sharps = degree.matches('#').count() as i32;
    let number: usize = number.parse().ok().filter(|n| (1..=15).contains(n))?;
    Some((i32::from(MAJOR[(number - 1) % 7]) + sharps - flats).rem_euclid(12) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(symbol: &str) -> Option<Vec<u8>> {
        parse(symbol).map(|set| (0..12).filter(|c| set.0 >> c & 1 == 1).collect())
    }

    #[test]
    fn symbols_become_pitch_classes() {
        assert_eq!(classes("C:maj"), Some(vec![0, 4, 7]));
        assert_eq!(classes("A"), Some(vec![1, 4, 9]), "major goes without saying");
        assert_eq!(classes("Bb:7/3"), Some(vec![2, 5, 8, 10]));
        assert_eq!(classes("F#:sus4(b7)"), Some(vec![1, 4, 6, 11]));
        assert_eq!(classes("D:min7(9,*5)"), Some(vec![0, 2, 4, 5]));
        assert_eq!(classes("E:(1,5)"), Some(vec![4, 11]));
    }

    #[test]
    fn what_is_no_chord_is_none() {
        for text in ["N", "X", "", "verse", "H:maj", "C:mystery", "C:maj(", "C:maj(0)", "C:maj(b)"]
        {
            assert_eq!(classes(text), None, "{text}");
        }
    }
}
