//! Whether the machine is there while the player plays: how much, from when on, without holes, and in which harmony.

use crate::data::timed::TimedNote;
use crate::music::harmony::Harmony;
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::{PitchSet, Scale};

/// How well pitch classes fit a major and a minor key, from the tonic up: the ratings of listeners (Krumhansl and Kessler 1982).
const PROFILES: [(Scale, [f64; 12]); 2] = [
    (Scale::Major, [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
    (Scale::Minor, [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
];

/// A note counts as long as this for its key, in beats, be it ever so short.
const LEAST_BEATS: f64 = 1.0;

/// What a part measures from a place to another.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Presence {
    /// Notes that begin there.
    pub notes: usize,
    /// Notes a beat.
    pub per_beat: f64,
    /// Share of the bars in which no note begins and into which none is held.
    pub empty_bars: f64,
    /// Bars until the first note; all of them without one.
    pub entry: f64,
    /// Share of the notes that lie in the chord that is named; `None` where none is.
    pub in_chord: Option<f64>,
    /// Share of the notes that lie in the key; `None` without notes.
    pub in_key: Option<f64>,
}

/// Measures the notes of a part from the beat `from`, a bar line, to `to`. `chord` tells the chord at a place.
pub fn presence(
    part: &[TimedNote],
    (from, to): (f64, f64),
    bar: f64,
    key: PitchSet,
    chord: &dyn Fn(f64) -> Option<Harmony>,
) -> Presence {
    let inside: Vec<&TimedNote> = part.iter().filter(|n| n.from >= from && n.from < to).collect();
    let bars = (((to - from) / bar) as usize).max(1);
    let is_empty = |line: f64| {
        let fills =
            |n: &TimedNote| (line..line + bar).contains(&n.from) || (n.from < line && n.to > line);
        !part.iter().any(fills)
    };
    let empty = (0..bars).filter(|i| is_empty(from + *i as f64 * bar)).count();
    let first = inside.iter().map(|n| n.from).fold(to, f64::min);
    let share = |told: &dyn Fn(&TimedNote) -> Option<bool>| {
        let told: Vec<bool> = inside.iter().filter_map(|n| told(n)).collect();
        let yes = told.iter().filter(|is| **is).count();
        (!told.is_empty()).then(|| yes as f64 / told.len() as f64)
    };
    Presence {
        notes: inside.len(),
        per_beat: inside.len() as f64 / (to - from).max(1.0),
        empty_bars: empty as f64 / bars as f64,
        entry: (first - from) / bar,
        in_chord: share(&|n| chord(n.from).map(|c| c.holds(Pitch::new(n.key)))),
        in_key: share(&|n| Some(key.holds(Pitch::new(n.key)))),
    }
}

/// The notes of the key that fits notes best by the classes that sound, the longer the more.
pub fn key_of(notes: &[TimedNote]) -> PitchSet {
    let mut sounding = [0.0; 12];
    for note in notes {
        sounding[usize::from(note.class())] += (note.to - note.from).max(LEAST_BEATS);
    }
    let mut best = (f64::NEG_INFINITY, PitchSet::ALL);
    for (scale, profile) in PROFILES {
        for tonic in 0..12_u8 {
            let from_tonic: [f64; 12] =
                std::array::from_fn(|i| sounding[(i + usize::from(tonic)) % 12]);
            let fit = correlation(&from_tonic, &profile);
            if fit > best.0 {
                best = (fit, scale.on(PitchClass::new(tonic)));
            }
        }
    }
    best.1
}

fn correlation(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let mean = |x: &[f64; 12]| x.iter().sum::<f64>() / 12.0;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| {
        a.iter().zip(b).map(|(x, y)| f(x - mean_a, y - mean_b)).sum::<f64>()
    };
    let spread = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    sum(&|x, y| x * y) / if spread > 0.0 { spread } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;

    fn note(from: f64, to: f64, key: u8) -> TimedNote {
        TimedNote { from, to, key, velocity: 80 }
    }

    #[test]
    fn what_is_there_is_counted_by_hand() {
        let key = Scale::Major.on(PitchClass::new(0));
        let part =
            [note(3.0, 4.0, 61), note(6.5, 9.0, 60), note(9.0, 9.5, 66), note(16.5, 17.0, 64)];
        let c = parse("C:maj");
        let chord = |at: f64| if at < 12.0 { c } else { None };
        // Bars of four from beat 4 on: one with a note, one with a note and into which one is held, one that is empty.
        let found = presence(&part, (4.0, 18.0), 4.0, key, &chord);
        assert_eq!(found.notes, 3);
        assert!((found.per_beat - 3.0 / 14.0).abs() < 1e-9);
        assert!((found.empty_bars - 1.0 / 3.0).abs() < 1e-9, "{found:?}");
        assert!((found.entry - 2.5 / 4.0).abs() < 1e-9);
        assert_eq!(found.in_chord, Some(0.5));
        assert!((found.in_key.unwrap() - 2.0 / 3.0).abs() < 1e-9);
        let silent = presence(&part[..1], (4.0, 12.0), 4.0, key, &chord);
        assert_eq!((silent.notes, silent.in_chord, silent.in_key), (0, None, None));
        assert!((silent.empty_bars - 1.0).abs() < 1e-9 && (silent.entry - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_scale_with_its_tonic_is_its_key() {
        for tonic in 0..12 {
            let scale = [0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0];
            let notes: Vec<_> = scale.iter().map(|i| note(0.0, 1.0, 60 + tonic + i)).collect();
            assert_eq!(key_of(&notes), Scale::Major.on(PitchClass::new(tonic)));
            let scale = [0, 2, 3, 5, 7, 8, 10, 12, 7, 3, 0];
            let notes: Vec<_> = scale.iter().map(|i| note(0.0, 1.0, 60 + tonic + i)).collect();
            assert_eq!(key_of(&notes), Scale::Minor.on(PitchClass::new(tonic)));
        }
    }
}
