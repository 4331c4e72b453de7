//! Which key a passage is in, told note by note from a melody.
//!
//! A filter over the twelve collections of seven notes (each a major key and its relative minor). Between bars a
//! little of the belief spreads to all keys, for the piece may have modulated; each note then weighs the keys by
//! how often melodies have it on that degree. Which of the two relatives it is decides the better fit of the
//! probe-tone profiles; it changes the name of the key and none of its notes.

use crate::music::pitch::PitchClass;
use crate::music::scale::Scale;

/// How often a melody has each pitch class, counted from the tonic of the major key: relative frequencies in the
/// melodies of 731 pop songs (POP909, the share not held out) against the keys of their chords.
const DEGREES: [f32; 12] =
    [0.192, 0.0, 0.173, 0.0, 0.188, 0.042, 0.0, 0.162, 0.0, 0.170, 0.0, 0.066];

/// What a note outside the key has at least: passing notes and blue notes must not rule a key out.
const FOREIGN: f32 = 0.003;

/// How much a note counts for; less than 1, since the notes of a melody depend on each other.
const WEIGHT: f32 = 0.5;

/// The share of the belief that spreads to all keys from bar to bar.
const SPREAD: f32 = 0.005;

/// How sure of a key one must be to name the first.
const SURE: f32 = 0.5;

/// What a bar leaves of the notes by which relative keys are told apart: half of it is older than five bars.
const FADE: f32 = 0.87;

/// Krumhansl and Kessler's probe-tone ratings for major and minor (Krumhansl, "Cognitive Foundations of Musical
/// Pitch", 1990, p. 30), from the tonic upwards.
const PROFILES: [(Scale, [f32; 12]); 2] = [
    (Scale::Major, [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
    (Scale::Minor, [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
];

/// A key: its tonic and whether it is major or minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// The tonic.
    pub tonic: PitchClass,
    /// [`Scale::Major`] or [`Scale::Minor`].
    pub scale: Scale,
}

/// The sense of key of somebody who listens.
#[derive(Clone, Debug)]
pub struct KeySense {
    /// The probability of each collection, by the tonic of its major key.
    belief: [f32; 12],
    /// How much each pitch class was heard of late.
    heard: [f32; 12],
    key: Option<Key>,
}

impl Default for KeySense {
    fn default() -> Self {
        Self { belief: [1.0 / 12.0; 12], heard: [0.0; 12], key: None }
    }
}

impl KeySense {
    /// Takes a note in.
    pub fn hear(&mut self, class: PitchClass) {
        let class = usize::from(class.number());
        self.heard[class] += 1.0;
        for (tonic, belief) in self.belief.iter_mut().enumerate() {
            *belief *= DEGREES[(class + 12 - tonic) % 12].max(FOREIGN).powf(WEIGHT);
        }
        self.normalise();
    }

    /// A bar is over: the key is decided anew, and what was heard fades a little.
    pub fn end_bar(&mut self) {
        let (tonic, belief) = self.best();
        if belief >= SURE || self.key.is_some() {
            self.key = Some(self.relative(tonic));
        }
        self.belief.iter_mut().for_each(|b| *b += SPREAD / 12.0);
        self.normalise();
        self.heard.iter_mut().for_each(|h| *h *= FADE);
    }

    /// The key at the last bar line, once there is one.
    pub fn key(&self) -> Option<Key> {
        self.key
    }

    /// The likeliest collection, by the tonic of its major key.
    fn best(&self) -> (usize, f32) {
        let better = |a: (usize, f32), b: (usize, f32)| if b.1 > a.1 { b } else { a };
        self.belief.iter().copied().enumerate().fold((0, 0.0), better)
    }

    /// Major or its relative minor. A tie is major.
    fn relative(&self, tonic: usize) -> Key {
        let key = |tonic: usize, scale| Key { tonic: PitchClass::new(tonic as u8 % 12), scale };
        let (major, minor) = (key(tonic, Scale::Major), key(tonic + 9, Scale::Minor));
        if fit(&self.heard, minor) > fit(&self.heard, major) { minor } else { major }
    }

    fn normalise(&mut self) {
        let sum: f32 = self.belief.iter().sum();
        self.belief.iter_mut().for_each(|b| *b /= sum);
    }
}

/// How well a key's profile fits what was heard: Pearson's correlation, -1 to 1; 0 when all was heard alike.
fn fit(heard: &[f32; 12], key: Key) -> f32 {
    let profile =
        PROFILES.iter().find(|(scale, _)| *scale == key.scale).map_or(&[0.0; 12], |p| &p.1);
    let tonic = usize::from(key.tonic.number());
    correlation(heard, &std::array::from_fn(|c| profile[(c + 12 - tonic) % 12]))
}

fn correlation(a: &[f32; 12], b: &[f32; 12]) -> f32 {
    let mean = |x: &[f32; 12]| x.iter().sum::<f32>() / 12.0;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    if aa > 1e-6 && bb > 1e-6 { ab / (aa * bb).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tonic: u8, scale: Scale) -> Key {
        Key { tonic: PitchClass::new(tonic), scale }
    }

    fn play(sense: &mut KeySense, bars: &[&[u8]]) {
        for bar in bars {
            bar.iter().for_each(|c| sense.hear(PitchClass::new(*c)));
            sense.end_bar();
        }
    }

    #[test]
    fn a_cadence_tells_its_key() {
        let mut sense = KeySense::default();
        // D major: D, G, A, D as triads.
        play(&mut sense, &[&[2, 6, 9], &[7, 11, 2], &[9, 1, 4], &[2, 6, 9]]);
        assert_eq!(sense.key(), Some(key(2, Scale::Major)));
        let mut sense = KeySense::default();
        // B minor: Bm, Em, F#m, Bm.
        play(&mut sense, &[&[11, 2, 6], &[4, 7, 11], &[6, 9, 1, 11], &[11, 2, 6, 11]]);
        assert_eq!(sense.key(), Some(key(11, Scale::Minor)));
    }

    #[test]
    fn a_modulation_is_followed_and_a_passing_note_is_not() {
        let mut sense = KeySense::default();
        let in_c: &[&[u8]] = &[&[0, 2, 4, 5, 7], &[9, 7, 5, 4, 2], &[0, 4, 7, 11, 0]];
        play(&mut sense, in_c);
        play(&mut sense, &[&[4, 3, 2, 7, 6, 7]]);
        assert_eq!(sense.key(), Some(key(0, Scale::Major)), "one bar with chromatic notes");
        let up: Vec<Vec<u8>> =
            in_c.iter().map(|b| b.iter().map(|c| (c + 2) % 12).collect()).collect();
        let up: Vec<&[u8]> = up.iter().map(Vec::as_slice).collect();
        for _ in 0..3 {
            play(&mut sense, &up);
        }
        assert_eq!(sense.key(), Some(key(2, Scale::Major)), "the last chorus goes up a tone");
    }

    #[test]
    fn silence_has_no_key_and_a_flood_of_notes_no_nan() {
        let mut sense = KeySense::default();
        play(&mut sense, &[&[], &[]]);
        assert_eq!(sense.key(), None);
        for i in 0..100_000_u32 {
            sense.hear(PitchClass::new((i % 12) as u8));
        }
        sense.end_bar();
        assert!(
            sense.belief.iter().all(|b| b.is_finite()) && sense.heard.iter().all(|h| h.is_finite())
        );
        for _ in 0..200 {
            play(&mut sense, &[&[0, 4, 7, 9, 2]]);
        }
        assert!(
            matches!(sense.key(), Some(k) if k.scale.on(k.tonic) == Scale::Major.on(PitchClass::new(0))
            || k.scale.on(k.tonic) == Scale::Major.on(PitchClass::new(7)))
        );
    }
}
