//! Chord symbols in the notation of Harte and others ("Symbolic representation of musical chords", ISMIR 2005):
//! `D:min7`, `Bb:7/3`, `F#:sus4(b7)`, `N` for none; and as they stand in lead sheets: `D-7`, `Bb7`, `F#m7b5`, `Ebj7911#`.

use crate::data::midi_file::MidiFile;
use crate::music::harmony::Harmony;
use crate::music::pitch::PitchClass;
use crate::music::scale::PitchSet;
use crate::music::time::Tick;

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

/// Qualities as lead sheets and the jazz solos of Weimar write them, and the semitones over the root.
const LEAD_SHEET: [(&[&str], &[u8]); 38] = [
    (&["", "maj", "major"], &[0, 4, 7]),
    (&["-", "m", "mi", "min", "minor"], &[0, 3, 7]),
    (&["7", "dominant"], &[0, 4, 7, 10]),
    (&["-7", "m7", "mi7", "min7", "minor-seventh"], &[0, 3, 7, 10]),
    (&["j7", "M7", "Maj7", "maj7", "ma7", "major-seventh"], &[0, 4, 7, 11]),
    (&["-j7", "mMaj7", "m(maj7)"], &[0, 3, 7, 11]),
    (&["m7b5", "mi7b5", "half-diminished"], &[0, 3, 6, 10]),
    (&["o7", "dim7", "diminished-seventh"], &[0, 3, 6, 9]),
    (&["o", "dim", "diminished"], &[0, 3, 6]),
    (&["+", "aug", "augmented"], &[0, 4, 8]),
    (&["+7", "7+", "7#5", "aug7"], &[0, 4, 8, 10]),
    (&["7b5"], &[0, 4, 6, 10]),
    (&["6"], &[0, 4, 7, 9]),
    (&["-6", "m6", "mi6", "minor-sixth"], &[0, 3, 7, 9]),
    (&["69"], &[0, 2, 4, 7, 9]),
    (&["-69", "m69"], &[0, 2, 3, 7, 9]),
    (&["sus2"], &[0, 2, 7]),
    (&["add9", "add2"], &[0, 2, 4, 7]),
    (&["sus", "sus4"], &[0, 5, 7]),
    (&["sus7", "7sus", "7sus4"], &[0, 5, 7, 10]),
    (&["sus79", "9sus", "9sus4"], &[0, 2, 5, 7, 10]),
    (&["sus7913"], &[0, 2, 5, 7, 9, 10]),
    (&["79", "9"], &[0, 2, 4, 7, 10]),
    (&["79b", "7b9"], &[0, 1, 4, 7, 10]),
    (&["79#", "7#9"], &[0, 3, 4, 7, 10]),
    (&["+79", "9#5", "9+"], &[0, 2, 4, 8, 10]),
    (&["+79b", "7#5b9"], &[0, 1, 4, 8, 10]),
    (&["+79#", "7alt"], &[0, 3, 4, 8, 10]),
    (&["7911", "11"], &[0, 2, 4, 5, 7, 10]),
    (&["7911#", "9#11"], &[0, 2, 4, 6, 7, 10]),
    (&["7913", "13"], &[0, 2, 4, 7, 9, 10]),
    (&["7913b"], &[0, 2, 4, 7, 8, 10]),
    (&["79b13", "13b9"], &[0, 1, 4, 7, 9, 10]),
    (&["79b13b"], &[0, 1, 4, 7, 8, 10]),
    (&["j79", "Maj9", "ma9"], &[0, 2, 4, 7, 11]),
    (&["j7911#"], &[0, 2, 4, 6, 7, 11]),
    (&["-79", "m9", "mi9", "minor-ninth"], &[0, 2, 3, 7, 10]),
    (&["-7911", "m11"], &[0, 2, 3, 5, 7, 10]),
];

/// Semitones of the first seven degrees of a major scale.
const MAJOR: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];

/// The chord that a symbol names, with its bass (`/3` in Harte's notation is a degree, `/Db` a note); `None` for no chord,
/// or for text that is not one.
pub fn parse(symbol: &str) -> Option<Harmony> {
    let (symbol, bass) = match symbol.trim().split_once('/') {
        Some((symbol, bass)) => (symbol, Some(bass)),
        None => (symbol.trim(), None),
    };
    let (root, classes) = match symbol.split_once(':') {
        Some((root, quality)) => harte(root, quality)?,
        None => lead_sheet(symbol)?,
    };
    let degree = |text: &str| semitones(text).map(|s| PitchClass::new(root.number() + s));
    // A bass that can't be read is left out: the chord stands without it.
    let bass = bass.and_then(|text| degree(text).or_else(|| text.parse().ok()));
    Some(Harmony { root, bass: bass.unwrap_or(root), classes })
}

/// The chords that a file's markers name, at their nearest ticks; `N` and `N.C.` are none.
pub fn of_markers(file: &MidiFile) -> Vec<(Tick, Harmony)> {
    let symbol =
        |text: &str| parse(text).or(matches!(text, "N" | "NC" | "N.C.").then_some(Harmony::NONE));
    let chords = file
        .markers
        .iter()
        .filter_map(|m| symbol(&m.text).map(|chord| (Tick::nearest(file.beats(m.tick)), chord)));
    let mut chords: Vec<_> = chords.collect();
    chords.sort_by_key(|c| c.0);
    chords
}

/// A symbol with a colon.
fn harte(root: &str, quality: &str) -> Option<(PitchClass, PitchSet)> {
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
    Some((root, over(root, steps)))
}

/// A symbol without a colon.
fn lead_sheet(symbol: &str) -> Option<(PitchClass, PitchSet)> {
    let quality = symbol.get(1..)?.trim_start_matches(['#', 'b']);
    let root: PitchClass = symbol[..symbol.len() - quality.len()].parse().ok()?;
    let (_, steps) = LEAD_SHEET.iter().find(|(names, _)| names.contains(&quality))?;
    Some((root, over(root, steps.iter().fold(0, |set, s| set | 1 << s))))
}

/// Semitones over a root, as pitch classes.
const fn over(root: PitchClass, steps: u16) -> PitchSet {
    let shift = root.number() as u32;
    PitchSet((steps << shift | steps >> (12 - shift)) & PitchSet::ALL.0)
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
        parse(symbol).map(|h| (0..12).filter(|c| h.classes.0 >> c & 1 == 1).collect())
    }

    #[test]
    fn symbols_become_pitch_classes() {
        assert_eq!(classes("C:maj"), Some(vec![0, 4, 7]));
        assert_eq!(classes("A"), Some(vec![1, 4, 9]), "major goes without saying");
        assert_eq!(classes("Bb-7/Db"), Some(vec![1, 5, 8, 10]));
        assert_eq!(classes("F#m7b5"), Some(vec![0, 4, 6, 9]));
        assert_eq!(classes("Ebj7911#"), Some(vec![2, 3, 5, 7, 9, 10]));
        assert_eq!(classes("Cminor-seventh"), classes("C:min7"));
        assert_eq!(classes("Bb:7/3"), Some(vec![2, 5, 8, 10]));
        assert_eq!(classes("F#:sus4(b7)"), Some(vec![1, 4, 6, 11]));
        assert_eq!(classes("D:min7(9,*5)"), Some(vec![0, 2, 4, 5]));
        assert_eq!(classes("E:(1,5)"), Some(vec![4, 11]));
    }

    #[test]
    fn the_bass_is_a_degree_or_a_note() {
        let bass = |symbol| parse(symbol).map(|h| (h.root.number(), h.bass.number()));
        assert_eq!(bass("C:maj/3"), Some((0, 4)));
        assert_eq!(bass("A:min7/b3"), Some((9, 0)));
        assert_eq!(bass("Bb-7/Db"), Some((10, 1)));
        assert_eq!(bass("F#m7b5"), Some((6, 6)));
        assert_eq!(bass("G/?"), Some((7, 7)), "what can't be read is left out");
    }

    #[test]
    fn what_is_no_chord_is_none() {
        for text in [
            "N",
            "X",
            "",
            "verse",
            "Bridge",
            "NC",
            "C79z",
            "H:maj",
            "C:mystery",
            "C:maj(",
            "C:maj(0)",
            "C:maj(b)",
        ] {
            assert_eq!(classes(text), None, "{text}");
        }
    }
}
