//! Which parts of a file are electric guitars: by their program, or else by how they look, with a probability.
//!
//! Files that people put up often name no instrument, or leave the piano that a sequencer begins with. The guess is
//! a logistic regression over a few features that a guitarist would look at. Its weights come from
//! `sideman-train guitars --fit`, see [`WEIGHTS`].

use std::collections::BTreeMap;

use crate::data::midi_file::{FileNote, MidiFile};

/// The electric guitars of General MIDI, counted from 0: jazz, clean, muted, overdriven, distortion, harmonics.
pub const PROGRAMS: std::ops::RangeInclusive<u8> = 26..=31;
/// The piano that an unnamed part is left with.
const UNTOUCHED: u8 = 0;
const DRUMS: u8 = 9;

/// Features of a part.
pub const FEATURES: usize = 12;

/// The logistic regression: a weight for each of [`features`], whose first is always 1.
///
/// From `sideman-train guitars --fit` on the music of Freedoom: 370 parts of half of its files, by their hash. On
/// the 354 parts of the other half, 82 of them guitars, taking what is likelier than not is right in 95.7 % and
/// finds 53.7 %; what it says with 0.9 and more is true in 93 %.
pub const WEIGHTS: [f64; FEATURES] =
    [-1.974, 3.709, -2.258, 0.144, 1.442, -0.133, -1.429, 0.257, -0.253, 0.542, 0.550, -0.909];

/// What another instrument's program takes off the log-odds: it is seldom wrong, so that only a name that says
/// guitar outweighs it. Set by hand.
const OTHER_PROGRAM: f64 = 4.0;

/// The notes of one channel of one track.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// The track's name.
    pub track: String,
    /// General MIDI program, counted from 0; `None` when the file tells none.
    pub program: Option<u8>,
    /// By onset, then key.
    pub notes: Vec<FileNote>,
    /// MIDI ticks of a quarter note.
    pub ticks_per_quarter: u16,
}

/// Whether a part is an electric guitar.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Guitar {
    /// Its program says so.
    Said,
    /// It is one with this probability.
    Guessed(f64),
}

/// The pitched parts of a file.
pub fn parts(file: &MidiFile) -> Vec<Part> {
    let anywhere = |channel: u8| {
        let mut programs = file.tracks.iter().flat_map(|t| &t.programs);
        programs.find(|p| p.0 == channel).map(|p| p.1)
    };
    let mut parts = Vec::new();
    for track in &file.tracks {
        let mut channels: BTreeMap<u8, Vec<FileNote>> = BTreeMap::new();
        for note in track.notes.iter().filter(|n| n.channel != DRUMS) {
            channels.entry(note.channel).or_default().push(*note);
        }
        for (channel, notes) in channels {
            let own = track.programs.iter().find(|p| p.0 == channel).map(|p| p.1);
            let (track, program) = (track.name.clone(), own.or_else(|| anywhere(channel)));
            let ticks_per_quarter = file.ticks_per_quarter;
            parts.push(Part { track, program, notes, ticks_per_quarter });
        }
    }
    parts
}

/// Looks at program, name and notes.
pub fn judge(part: &Part) -> Guitar {
    match part.program {
        Some(program) if PROGRAMS.contains(&program) => Guitar::Said,
        None | Some(UNTOUCHED) => Guitar::Guessed(guess(part, &WEIGHTS)),
        Some(_) => Guitar::Guessed(squash(log_odds(part, &WEIGHTS) - OTHER_PROGRAM)),
    }
}

/// The probability by name and notes alone.
pub fn guess(part: &Part, weights: &[f64; FEATURES]) -> f64 {
    squash(log_odds(part, weights))
}

fn log_odds(part: &Part, weights: &[f64; FEATURES]) -> f64 {
    features(part).iter().zip(weights).map(|(x, w)| x * w).sum()
}

fn squash(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// What the guess goes by, each about 0 to 1.
pub fn features(part: &Part) -> [f64; FEATURES] {
    let notes = &part.notes;
    let count = notes.len().max(1) as f64;
    let share = |hits: usize, of: f64| hits as f64 / of.max(1.0);
    let keys = notes.iter().map(|n| f64::from(n.key));
    let mean = keys.clone().sum::<f64>() / count;
    let spread = (keys.map(|k| (k - mean).powi(2)).sum::<f64>() / count).sqrt();
    let beat = f64::from(part.ticks_per_quarter.max(1));
    let onsets: Vec<&[FileNote]> = notes.chunk_by(|a, b| a.onset == b.onset).collect();
    let chords: Vec<&&[FileNote]> = onsets.iter().filter(|o| o.len() > 1).collect();
    let is_power = |chord: &[FileNote]| {
        chord.iter().all(|n| matches!((n.key - chord[0].key) % 12, 0 | 5 | 7))
            && chord.iter().any(|n| !(n.key - chord[0].key).is_multiple_of(12))
    };
    let power = chords.iter().filter(|c| is_power(c)).count();
    let steps: Vec<u64> = onsets.windows(2).map(|w| w[1][0].onset - w[0][0].onset).collect();
    let fast = steps.iter().filter(|s| (**s as f64) < 0.6 * beat).count();
    let same = onsets.windows(2).filter(|w| w[0][0].key == w[1][0].key).count();
    let long = notes.iter().filter(|n| n.duration as f64 > 1.9 * beat).count();
    let name = part.track.to_lowercase();
    let named = |words: &[&str]| f64::from(u8::from(words.iter().any(|w| name.contains(w))));
    [
        1.0,
        named(&["guit", "gtr", "dist", "overd", "ovr"]),
        named(&[
            "bass", "piano", "string", "pad", "organ", "synth", "choir", "brass", "vox", "flute",
            "saw", "square", "drum",
        ]),
        // The range of the six strings, E2 to E6, and its low end, where riffs are.
        share(notes.iter().filter(|n| (40..=88).contains(&n.key)).count(), count),
        share(notes.iter().filter(|n| (38..=52).contains(&n.key)).count(), count),
        share(notes.iter().filter(|n| n.key < 38).count(), count),
        (mean - 60.0).abs() / 24.0,
        spread / 12.0,
        share(chords.len(), onsets.len() as f64),
        share(power, onsets.len() as f64),
        share(fast, steps.len() as f64) + share(same, steps.len() as f64),
        share(long, count),
    ]
}

/// Fits a logistic regression by gradient descent on the mean loss, with a ridge on all weights but the first.
pub fn fit(parts: &[([f64; FEATURES], bool)]) -> [f64; FEATURES] {
    const ROUNDS: usize = 20_000;
    const RATE: f64 = 0.5;
    const RIDGE: f64 = 0.002;
    let mut weights = [0.0; FEATURES];
    for _ in 0..ROUNDS {
        let mut slope = [0.0; FEATURES];
        for (features, guitar) in parts {
            let odds = features.iter().zip(weights).map(|(x, w)| x * w).sum();
            let off = squash(odds) - f64::from(u8::from(*guitar));
            slope.iter_mut().zip(features).for_each(|(s, x)| *s += off * x / parts.len() as f64);
        }
        for (i, (weight, slope)) in weights.iter_mut().zip(slope).enumerate() {
            *weight -= RATE * (slope + if i > 0 { RIDGE * *weight } else { 0.0 });
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::midi_file::Track;

    /// A part of chords, one an eighth.
    fn part(track: &str, program: Option<u8>, chords: &[&[u8]]) -> Part {
        let notes = (0..64).flat_map(|i| {
            let chord = chords[i % chords.len()];
            chord.iter().map(move |key| FileNote {
                onset: 240 * i as u64,
                duration: 200,
                key: *key,
                velocity: 90,
                channel: 0,
            })
        });
        Part { track: track.to_owned(), program, notes: notes.collect(), ticks_per_quarter: 480 }
    }

    fn probability(part: &Part) -> f64 {
        match judge(part) {
            Guitar::Said => 1.0,
            Guitar::Guessed(p) => p,
        }
    }

    #[test]
    fn a_program_that_says_guitar_is_believed() {
        for program in 0..128 {
            let said = judge(&part("", Some(program), &[&[60]])) == Guitar::Said;
            assert_eq!(said, (27..=32).contains(&(program + 1)), "GM counts from 1");
        }
    }

    #[test]
    fn riffs_are_likelier_guitars_than_basses_and_pads() {
        let riff: &[&[u8]] = &[&[40, 47, 52], &[40, 47, 52], &[43, 50, 55], &[45, 52, 57]];
        let bass: &[&[u8]] = &[&[28], &[28], &[31], &[33]];
        let pad: &[&[u8]] = &[&[72, 76, 79], &[74, 77, 81]];
        let unnamed = |chords| probability(&part("Track 3", None, chords));
        // More than the 23 % of the guitars among all parts.
        assert!(unnamed(riff) > 0.35, "{}", unnamed(riff));
        assert!(unnamed(bass) < 0.5 * unnamed(riff), "{}", unnamed(bass));
        assert!(unnamed(pad) < 0.5 * unnamed(riff), "{}", unnamed(pad));
        assert!(probability(&part("Dist Gtr", None, riff)) > 0.9);
        let strings = probability(&part("Track 3", Some(48), riff));
        assert!(strings < 0.1 * unnamed(riff), "strings, says the file: {strings}");
        let piano = probability(&part("Track 3", Some(0), riff));
        assert!((piano - unnamed(riff)).abs() < 1e-9, "a piano says nothing: {piano}");
    }

    #[test]
    fn a_program_in_another_track_counts() {
        let notes = part("", None, &[&[40]]).notes;
        let file = MidiFile {
            ticks_per_quarter: 480,
            tracks: vec![
                Track { programs: vec![(0, 30)], ..Track::default() },
                Track { notes, ..Track::default() },
            ],
            tempos: Vec::new(),
            meters: Vec::new(),
            markers: Vec::new(),
        };
        assert_eq!(judge(&parts(&file)[0]), Guitar::Said);
    }

    #[test]
    fn the_fit_tells_what_can_be_told() {
        let sample = |x: f64, guitar| {
            let mut features = [0.0; FEATURES];
            (features[0], features[3]) = (1.0, x);
            (features, guitar)
        };
        let parts: Vec<_> = (0..20).map(|i| sample(f64::from(i) / 20.0, i >= 12)).collect();
        let weights = fit(&parts);
        let odds = |x: f64| weights[0] + weights[3] * x;
        assert!(odds(0.2) < -0.5 && odds(0.95) > 0.5, "{weights:?}");
    }
}
