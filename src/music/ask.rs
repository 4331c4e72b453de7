//! What the machine is asked to play: how many notes, how many at once, where, how loud, over which chord. Each may be left
//! open. The same numbers go into the network in training, where they are read off the piece, and in live playing,
//! where they come from settings, from a chart and from what the player does.

use crate::music::harmony::Harmony;

/// Numbers in an [`Ask`]'s features.
pub const ASKED: usize = DENSITY.len()
    + POLYPHONY.len()
    + CENTRE.len()
    + LOUDNESS.len()
    + 2 * CHORD_FEATURES
    + UNTIL_NEXT.len();

/// Values at which one feature alone is on; between two of them both are, in parts. Notes per beat.
const DENSITY: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.25, 3.25, 4.75, 7.0];
/// The most notes that sound at once.
const POLYPHONY: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0];
/// The mean MIDI pitch.
const CENTRE: [f32; 8] = [36.0, 43.0, 50.0, 57.0, 64.0, 71.0, 78.0, 85.0];
/// The mean MIDI velocity.
const LOUDNESS: [f32; 7] = [24.0, 40.0, 56.0, 72.0, 88.0, 104.0, 120.0];
/// Ticks until the next chord.
const UNTIL_NEXT: [f32; 7] = [1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0];
/// Whether a chord is given, its root, its bass, its classes.
const CHORD_FEATURES: usize = 1 + 3 * 12;

/// What is asked for at one tick. `None` is not given: the network plays as it thinks fit.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Ask {
    /// Notes of the machine per beat, in the bar at hand.
    pub density: Option<f32>,
    /// The most notes of the machine that sound at once in the bar at hand.
    pub polyphony: Option<f32>,
    /// The mean MIDI pitch of the machine's notes in the bar at hand.
    pub centre: Option<f32>,
    /// The mean MIDI velocity of the machine's notes in the bar at hand.
    pub loudness: Option<f32>,
    /// The chord that lasts at the tick.
    pub chord: Option<Harmony>,
    /// The chord after it, and the ticks until then.
    pub next: Option<(Harmony, i64)>,
}

impl Ask {
    /// Writes the features, every number in 0 to 1; what is not given is all 0.
    pub fn features(&self, out: &mut [f32; ASKED]) {
        out.fill(0.0);
        let (density, rest) = out.split_at_mut(DENSITY.len());
        let (polyphony, rest) = rest.split_at_mut(POLYPHONY.len());
        let (centre, rest) = rest.split_at_mut(CENTRE.len());
        let (loudness, rest) = rest.split_at_mut(LOUDNESS.len());
        let (now, rest) = rest.split_at_mut(CHORD_FEATURES);
        let (next, until) = rest.split_at_mut(CHORD_FEATURES);
        place(density, &DENSITY, self.density);
        place(polyphony, &POLYPHONY, self.polyphony);
        place(centre, &CENTRE, self.centre);
        place(loudness, &LOUDNESS, self.loudness);
        chord(now, self.chord);
        chord(next, self.next.map(|(chord, _)| chord));
        place(until, &UNTIL_NEXT, self.next.map(|(_, ticks)| ticks as f32));
    }
}

/// Shares a value out between the two of `values` that it lies between.
fn place(out: &mut [f32], values: &[f32], value: Option<f32>) {
    let Some(value) = value.filter(|v| !v.is_nan()) else { return };
    let above = values.partition_point(|v| *v < value);
    if above == 0 {
        out[0] = 1.0;
    } else if above == values.len() {
        out[above - 1] = 1.0;
    } else {
        let (low, high) = (values[above - 1], values[above]);
        let part = (value - low) / (high - low);
        (out[above - 1], out[above]) = (1.0 - part, part);
    }
}

fn chord(out: &mut [f32], chord: Option<Harmony>) {
    let Some(chord) = chord else { return };
    out[0] = 1.0;
    if chord.is_chord() {
        out[1 + usize::from(chord.root.number())] = 1.0;
        out[13 + usize::from(chord.bass.number())] = 1.0;
        for (class, x) in out[25..].iter_mut().enumerate() {
            *x = f32::from(chord.classes.0 >> class & 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::pitch::PitchClass;
    use crate::music::scale::PitchSet;

    fn features(ask: Ask) -> [f32; ASKED] {
        let mut out = [9.0; ASKED];
        ask.features(&mut out);
        out
    }

    #[test]
    fn what_is_not_given_is_nothing() {
        assert!(features(Ask::default()).iter().all(|x| *x == 0.0));
    }

    #[test]
    fn values_are_shared_between_their_neighbours() {
        let at = |density| features(Ask { density: Some(density), ..Ask::default() });
        assert_eq!(at(-3.0)[..3], [1.0, 0.0, 0.0]);
        assert_eq!(at(0.5)[..3], [0.0, 1.0, 0.0]);
        assert_eq!(at(0.75)[..4], [0.0, 0.5, 0.5, 0.0]);
        assert_eq!(at(99.0)[5..8], [0.0, 0.0, 1.0]);
        assert!(at(f32::NAN).iter().all(|x| *x == 0.0));
        let centre = features(Ask { centre: Some(43.0), ..Ask::default() });
        assert_eq!(centre.iter().position(|x| *x > 0.0), Some(DENSITY.len() + POLYPHONY.len() + 1));
    }

    #[test]
    fn chords_are_told_by_root_bass_and_classes() {
        let a_minor_over_c = Harmony {
            root: PitchClass::new(9),
            bass: PitchClass::new(0),
            classes: PitchSet(0b10_0001_0001),
        };
        let first = DENSITY.len() + POLYPHONY.len() + CENTRE.len() + LOUDNESS.len();
        let told = features(Ask {
            chord: Some(a_minor_over_c),
            next: Some((Harmony::NONE, 18)),
            ..Ask::default()
        });
        let on: Vec<usize> = (first..ASKED).filter(|i| told[*i] > 0.0).map(|i| i - first).collect();
        let next = CHORD_FEATURES;
        let until = 2 * CHORD_FEATURES;
        assert_eq!(on, [0, 10, 13, 25, 29, 34, next, until + 3, until + 4]);
    }
}
