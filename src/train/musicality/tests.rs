//! A piece whose figures can be counted by hand.

use super::*;
use crate::data::chord::parse;
use crate::music::note::Voice;
use crate::music::pitch::Pitch;

fn note(onset: i64, pitch: u8, duration: i64) -> Note {
    Note {
        onset: Tick(onset),
        pitch: Pitch::new(pitch),
        voice: Voice::Machine,
        velocity: 80,
        duration,
    }
}

/// Four bars of 4/4 from the second on: C major, nothing named, G major twice; a melody from beginning to end.
fn piece() -> Piece {
    Piece {
        melody: (4..20).map(|beat| note(12 * beat, 72, 12)).collect(),
        accompaniment: vec![note(0, 36, 48)],
        chords: vec![
            (Tick(48), parse("C:maj").unwrap()),
            (Tick(96), Harmony::NONE),
            (Tick(144), parse("G:maj").unwrap()),
        ],
        ..Piece::default()
    }
}

fn figure(portrait: &Portrait, name: &str) -> f64 {
    let index = FIGURES.iter().position(|f| *f == name).unwrap();
    portrait.figures[index].unwrap()
}

#[test]
fn figures_are_those_that_are_counted_by_hand() {
    let piece = piece();
    let stretch = Stretch::of_melody(&piece, 48).unwrap();
    assert_eq!((stretch.start, stretch.bars), (Tick(48), 4));
    let notes = [
        // Before the stretch.
        note(0, 36, 48),
        // First bar: C and E in the chord, C sharp in neither chord nor key.
        note(48, 60, 24),
        note(48, 64, 12),
        note(60, 61, 12),
        // Second bar, over no chord: C and E on the same places, and a D a tick before the third sixteenth.
        note(96, 60, 12),
        note(96, 64, 12),
        note(101, 62, 12),
        // Third bar: nothing. Fourth: G in the chord, over which the C of the bar before is held.
        note(192, 67, 36),
    ];
    let portrait = portrait(&piece, stretch, &notes);
    assert_eq!(portrait.notes, 7);
    let check = |name: &str, want: f64| {
        let got = figure(&portrait, name);
        assert!((got - want).abs() < 1e-9, "{name}: {got}, not {want}");
    };
    check("in_chord", 3.0 / 4.0);
    check("in_key", 6.0 / 7.0);
    check("notes_per_beat", 7.0 / 16.0);
    check("notes_per_onset", 7.0 / 5.0);
    check("polyphony", (2.0 + 3.0 + 0.0 + 1.0) / 4.0);
    check("mean_pitch", 438.0 / 7.0);
    check("mean_length", (2.0 + 1.0 + 1.0 + 1.0 + 1.0 + 1.0 + 3.0) / 7.0);
    check("empty_bars", 0.25);
    // Sixteenths 0 and 4, then 0 and 2; then bars with nothing in common.
    check("shared_rhythm", (1.0 / 3.0) / 3.0);
    check("shared_notes", (2.0 / 4.0) / 3.0);
    check("shared_classes", (2.0 / 4.0) / 3.0);
    check("on_sixteenths", 4.0 / 5.0);
    check("entry_bar", 0.0);
    let [places, steps, chords, durations] = &portrait.histograms;
    assert_eq!((places[0], places[4], places[2], places.iter().sum::<f64>()), (3.0, 1.0, 1.0, 5.0));
    // C to C sharp, to C, to D, to G.
    let middle = WIDEST_STEP as usize;
    let counts = |histogram: &[f64]| histogram.iter().map(|x| *x as i64).collect::<Vec<_>>();
    let steps = counts(steps);
    assert_eq!([1, -1, 2, 5].map(|step| steps[(middle as i64 + step) as usize]), [1; 4]);
    assert_eq!((chords[4], chords.iter().sum::<f64>()), (2.0, 2.0));
    assert_eq!(counts(durations).iter().sum::<i64>(), 7);
}

#[test]
fn silence_has_no_shares() {
    let piece = piece();
    let stretch = Stretch::of_melody(&piece, 3).unwrap();
    let portrait = portrait(&piece, stretch, &[]);
    assert!((figure(&portrait, "empty_bars") - 1.0).abs() < 1e-9);
    assert!((figure(&portrait, "entry_bar") - 3.0).abs() < 1e-9);
    assert!((figure(&portrait, "notes_per_beat")).abs() < 1e-9);
    for name in ["in_chord", "in_key", "mean_pitch", "shared_rhythm", "mean_length"] {
        let index = FIGURES.iter().position(|f| *f == name).unwrap();
        assert_eq!(portrait.figures[index], None, "{name}");
    }
    assert_eq!(Stretch::of_melody(&Piece { melody: Vec::new(), ..piece }, 3), None);
}

#[test]
fn a_summary_is_the_mean_and_its_error() {
    let piece = piece();
    let stretch = Stretch::of_melody(&piece, 4).unwrap();
    let low = portrait(&piece, stretch, &[note(48, 60, 12), note(49, 61, 12)]);
    let high = portrait(&piece, stretch, &[note(48, 64, 12)]);
    let none = portrait(&piece, stretch, &[]);
    let summary = Summary::of(&[low, high.clone(), none]);
    let pitch = summary.figures[FIGURES.iter().position(|f| *f == "mean_pitch").unwrap()];
    // 60.5 and 64: two values, 3.5 apart.
    assert_eq!(pitch, Mean { mean: Some(62.25), error: Some(1.75) });
    assert!((summary.histograms[3].iter().sum::<f64>() - 3.0).abs() < 1e-9);
    assert_eq!(Summary::of(&[high]).figures[5], Mean { mean: Some(64.0), error: None });
}

#[test]
fn the_distance_is_the_share_that_would_have_to_move() {
    assert_eq!(total_variation(&[2.0, 2.0], &[10.0, 10.0]), Some(0.0));
    assert_eq!(total_variation(&[3.0, 1.0], &[1.0, 1.0]), Some(0.25));
    assert_eq!(total_variation(&[1.0, 0.0], &[0.0, 9.0]), Some(1.0));
    assert_eq!(total_variation(&[0.0, 0.0], &[1.0, 0.0]), None);
}
