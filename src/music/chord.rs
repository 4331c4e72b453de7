//! Chords by name, from the notes that sound: `Am7`, `F/A`, `Bb7`; none where nothing fits.
//!
//! A pitch class counts for as long as it sounds. Each quality on each root is judged by what it explains, what it leaves
//! over and what it lacks; the bass speaks for its own root.

use std::fmt;

use crate::music::harmony::Harmony;
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::PitchSet;

/// A quality: what stands behind the root, its degrees (semitones and the letters they are above the root's), and how much
/// more it must explain than a plain triad to be believed.
struct Quality {
    suffix: &'static str,
    degrees: &'static [(u8, u8)],
    cost: f32,
}

const fn quality(suffix: &'static str, degrees: &'static [(u8, u8)], cost: f32) -> Quality {
    Quality { suffix, degrees, cost }
}

/// What is known, the commonest first: of two that fit alike the first is named.
const QUALITIES: [Quality; 14] = [
    quality("", &[(0, 0), (4, 2), (7, 4)], 0.0),
    quality("m", &[(0, 0), (3, 2), (7, 4)], 0.0),
    quality("7", &[(0, 0), (4, 2), (7, 4), (10, 6)], SEVENTH),
    quality("m7", &[(0, 0), (3, 2), (7, 4), (10, 6)], SEVENTH),
    quality("maj7", &[(0, 0), (4, 2), (7, 4), (11, 6)], SEVENTH),
    quality("m7b5", &[(0, 0), (3, 2), (6, 4), (10, 6)], SEVENTH),
    quality("dim7", &[(0, 0), (3, 2), (6, 4), (9, 6)], SEVENTH),
    quality("dim", &[(0, 0), (3, 2), (6, 4)], RARE),
    quality("aug", &[(0, 0), (4, 2), (8, 4)], RARE),
    quality("sus4", &[(0, 0), (5, 3), (7, 4)], RARE),
    quality("sus2", &[(0, 0), (2, 1), (7, 4)], RARE),
    quality("6", &[(0, 0), (4, 2), (7, 4), (9, 5)], SIXTH),
    quality("m6", &[(0, 0), (3, 2), (7, 4), (9, 5)], SIXTH),
    quality("7sus4", &[(0, 0), (5, 3), (7, 4), (10, 6)], SIXTH),
];

/// What a seventh must explain more than the triad in it.
const SEVENTH: f32 = 0.08;
/// A triad that is seldom meant.
const RARE: f32 = 0.1;
/// A sixth is more often a seventh of another root.
const SIXTH: f32 = 0.16;
/// What a second of a foreign note costs, against a second explained.
const FOREIGN: f32 = 1.0;
/// What a lacking seventh costs. A fifth is often left out; without a root and a third, or what stands for it, there is no
/// chord.
const LACKING: f32 = 0.35;
const LACKING_FIFTH: f32 = 0.1;
/// What speaks for a root: it is the bass.
const BASS: f32 = 0.22;
/// What speaks against a bass that is no part of the chord.
const FOREIGN_BASS: f32 = 0.1;
/// A share of the time that is too short to be heard as part of the harmony.
const PASSING: f32 = 0.04;
/// At least this must be explained, less what is foreign, lacking and unlikely.
const ENOUGH: f32 = 0.3;
/// A bass is heard for at least this share of the stretch.
const BASS_SHARE: f32 = 0.2;

/// A chord.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Chord {
    root: PitchClass,
    quality: u8,
    bass: PitchClass,
}

/// A note within a stretch of music.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sounding {
    /// What sounds.
    pub pitch: Pitch,
    /// For how much of the stretch, 0 to 1.
    pub share: f32,
}

impl Chord {
    /// The chord that fits a stretch of music best, and how well: 1 at most without the bass's word. `None` where nothing
    /// fits.
    pub fn of(notes: &[Sounding]) -> Option<(Self, f32)> {
        let mut weights = [0.0_f32; 12];
        for note in notes {
            // A class that sounds twice is heard once; no note makes up for the others.
            let weight = &mut weights[usize::from(note.pitch.class().number())];
            *weight = (*weight + note.share.clamp(0.0, 1.0)).min(1.0);
        }
        let total: f32 = weights.iter().sum();
        if total <= 0.0 {
            return None;
        }
        for weight in &mut weights {
            *weight /= total;
        }
        let bass = bass(notes)?;
        let mut best: Option<(Self, f32)> = None;
        for root in (0..12).map(PitchClass::new) {
            for (index, quality) in QUALITIES.iter().enumerate() {
                let score = fit(&weights, root, quality, bass);
                if score >= ENOUGH && best.is_none_or(|(_, most)| score > most + 1e-6) {
                    best = Some((Self { root, quality: index as u8, bass }, score));
                }
            }
        }
        best.map(|(chord, score)| (chord.sane(), score))
    }

    /// The root.
    pub const fn root(self) -> PitchClass {
        self.root
    }

    /// Root, bass and classes.
    pub fn harmony(self) -> Harmony {
        Harmony { root: self.root, bass: self.bass, classes: self.classes() }
    }

    /// Its pitch classes, without a foreign bass.
    pub fn classes(self) -> PitchSet {
        let class = |(step, _): &(u8, u8)| PitchClass::new(self.root.number() + step).bit();
        PitchSet(self.quality().degrees.iter().map(class).fold(0, |all, bit| all | bit))
    }

    /// A bass that is not of the chord is somebody's passing note.
    fn sane(self) -> Self {
        let bass = if self.classes().0 & self.bass.bit() == 0 { self.root } else { self.bass };
        Self { bass, ..self }
    }

    fn quality(self) -> &'static Quality {
        &QUALITIES[usize::from(self.quality) % QUALITIES.len()]
    }
}

/// How well a quality on a root fits.
fn fit(weights: &[f32; 12], root: PitchClass, quality: &Quality, bass: PitchClass) -> f32 {
    let mut inside = 0.0;
    let mut lacking = 0.0;
    let mut holds_bass = false;
    for (step, letter) in quality.degrees {
        let class = PitchClass::new(root.number() + step);
        let weight = weights[usize::from(class.number())];
        inside += weight;
        holds_bass |= class == bass;
        if weight < PASSING {
            lacking += match letter {
                0..=3 => return f32::NEG_INFINITY,
                4 => LACKING_FIFTH,
                _ => LACKING,
            };
        }
    }
    let word = if bass == root {
        BASS
    } else if holds_bass {
        0.0
    } else {
        -FOREIGN_BASS
    };
    inside - FOREIGN * (1.0 - inside) - lacking - quality.cost + word
}

/// The class of the lowest pitch that is there for long enough, or of the lowest.
fn bass(notes: &[Sounding]) -> Option<PitchClass> {
    let lowest = |least: f32| {
        let pitches = notes.iter().map(|n| n.pitch);
        let long = |pitch: &Pitch| {
            let share: f32 = notes.iter().filter(|n| n.pitch == *pitch).map(|n| n.share).sum();
            share >= least
        };
        pitches.filter(long).min()
    };
    lowest(BASS_SHARE).or_else(|| lowest(0.0)).map(Pitch::class)
}

/// Letters of the natural notes, and their classes.
const LETTERS: [(char, u8); 7] =
    [('C', 0), ('D', 2), ('E', 4), ('F', 5), ('G', 7), ('A', 9), ('B', 11)];
/// The letter of each root, by class: as it is mostly written over a chord with a major third, and with a minor one.
const MAJOR_LETTERS: [usize; 12] = [0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6];
const MINOR_LETTERS: [usize; 12] = [0, 0, 1, 2, 2, 3, 3, 4, 4, 5, 6, 6];

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quality = self.quality();
        let letters = if quality.degrees.contains(&(3, 2)) { MINOR_LETTERS } else { MAJOR_LETTERS };
        let letter = letters[usize::from(self.root.number())];
        spell(f, letter, self.root)?;
        f.write_str(quality.suffix)?;
        if self.bass != self.root {
            let step = (self.bass.number() + 12 - self.root.number()) % 12;
            let above = quality.degrees.iter().find(|(s, _)| *s == step).map_or(0, |(_, l)| *l);
            f.write_str("/")?;
            spell(f, (letter + usize::from(above)) % 7, self.bass)?;
        }
        Ok(())
    }
}

/// A pitch class by a letter; by the next one where it would take two signs.
fn spell(f: &mut fmt::Formatter<'_>, letter: usize, class: PitchClass) -> fmt::Result {
    let (name, natural) = LETTERS[letter % 7];
    match (class.number() + 12 - natural) % 12 {
        0 => write!(f, "{name}"),
        1 => write!(f, "{name}#"),
        11 => write!(f, "{name}b"),
        _ => write!(f, "{class}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pitches: &[&str]) -> String {
        let note = |p: &&str| Sounding { pitch: p.parse().unwrap(), share: 1.0 };
        let notes: Vec<Sounding> = pitches.iter().map(note).collect();
        Chord::of(&notes).map_or_else(String::new, |(chord, _)| chord.to_string())
    }

    #[test]
    fn chords_have_their_usual_names() {
        for (name, pitches) in [
            ("C", "C3 E4 G4"),
            ("Am7", "A2 C4 E4 G4"),
            ("F/A", "A2 C4 F4"),
            ("D/F#", "F#2 A3 D4 A4"),
            ("Cm/Eb", "Eb3 G3 C4"),
            ("Bb7", "Bb1 D4 F4 Ab4"),
            ("C#m", "C#3 E3 G#3"),
            ("Ebmaj7", "Eb2 G3 Bb3 D4"),
            ("Bm7b5", "B2 D4 F4 A4"),
            ("F#dim7", "F#2 A3 C4 Eb4"),
            ("Gsus4", "G2 C4 D4"),
            ("Eaug", "E2 G#3 C4"),
            ("G7", "G2 B3 F4"),
            ("G#m/B", "B2 D#4 G#4"),
        ] {
            let pitches: Vec<&str> = pitches.split(' ').collect();
            assert_eq!(named(&pitches), name, "{pitches:?}");
        }
    }

    #[test]
    fn what_is_no_chord_has_no_name() {
        for pitches in [&["C4"][..], &["C4", "C#4", "D4", "D#4", "E4"], &["C3", "C#4", "F#4"]] {
            assert_eq!(named(pitches), "", "{pitches:?}");
        }
    }

    #[test]
    fn passing_notes_and_doublings_change_nothing() {
        let note = |pitch: &str, share| Sounding { pitch: pitch.parse().unwrap(), share };
        let notes = [
            note("F2", 1.0),
            note("A3", 0.9),
            note("C4", 0.9),
            note("F4", 0.9),
            note("C5", 0.25),
            note("D5", 0.12),
            note("C#5", 0.03),
        ];
        assert_eq!(Chord::of(&notes).unwrap().0.to_string(), "F");
    }

    #[test]
    fn any_notes_have_a_chord_or_none_in_any_key() {
        for shift in 0..12 {
            for pitches in [[48, 64, 67, 71], [50, 53, 57, 60], [43, 59, 62, 65]] {
                let at = |by: u8| {
                    let note = |p: u8| Sounding { pitch: Pitch::new(p + by), share: 0.8 };
                    Chord::of(&pitches.map(note)).unwrap().0
                };
                let (plain, moved) = (at(0), at(shift));
                assert_eq!(moved.quality, plain.quality);
                assert_eq!(moved.root, PitchClass::new(plain.root.number() + shift));
            }
        }
        for share in [f32::NAN, f32::INFINITY, -1.0, 0.0] {
            let notes = [60, 64, 67].map(|p| Sounding { pitch: Pitch::new(p), share });
            let _ = Chord::of(&notes);
        }
        assert!(Chord::of(&[]).is_none());
    }
}
