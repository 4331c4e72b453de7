//! Melodies and chords whose figures can be counted by hand.

use super::*;
use crate::data::chord::parse;

fn note(from: f64, to: f64, key: u8) -> TimedNote {
    TimedNote { from, to, key, velocity: 80 }
}

fn chord(from: f64, to: f64, keys: &[u8]) -> Vec<TimedNote> {
    keys.iter().map(|k| note(from, to, *k)).collect()
}

fn piece() -> TimedPiece {
    TimedPiece { bar: 4.0, chords: vec![(0.0, parse("F:maj").unwrap())], ..TimedPiece::default() }
}

fn figure(harmony: &Agreement, name: &str) -> f64 {
    harmony.figures[FIGURES.iter().position(|f| *f == name).unwrap()].unwrap()
}

#[test]
fn figures_are_those_that_are_counted_by_hand() {
    // C over C major, D over C major, rest over C major, E over silence; then G and the octave below it over E minor, with
    // a C above that outlasts nothing.
    let melody = [
        note(0.0, 1.0, 72),
        note(1.0, 2.0, 74),
        note(3.0, 4.0, 76),
        note(4.0, 5.0, 67),
        note(4.0, 5.0, 55),
        note(5.25, 8.0, 79),
    ];
    let mut part = chord(0.0, 3.0, &[48, 52, 55]);
    // A passing F in the second beat is a miss that does not turn the triad.
    part.push(note(1.0, 1.5, 53));
    part.extend(chord(4.0, 8.0, &[40, 55, 59]));
    let found = harmony(&piece(), &melody, &part);
    let check = |name: &str, want: f64| {
        let got = figure(&found, name);
        assert!((got - want).abs() < 1e-9, "{name}: {got}, not {want}");
    };
    // Frames: 4 hits, 4 misses, 4 over silence, 4 + 11 hits.
    check("note_in_chord", 19.0 / 23.0);
    check("note_in_annotated", 4.0 / 27.0);
    check("silent_frames", 4.0 / 27.0);
    // One frame is measured behind the end.
    check("triad_changes_per_bar", 0.0);
    check("classes_per_beat", (3.0 + 4.0 + 3.0 + 4.0 * 3.0) / 7.0);
    check("chords_over_8_beats", 0.0);
    let hits = |hits, frames| Hits { hits, frames };
    assert_eq!(
        found.by_beat[..6],
        [hits(4, 4), hits(0, 4), hits(0, 0), hits(0, 0), hits(4, 4), hits(3, 3)]
    );
    // Chords begin on beats 1 and 5, each with a melody note; they last three and four beats.
    assert!((found.onsets[0] - 2.0).abs() < 1e-9);
    assert_eq!((found.lengths[12] as i64, found.lengths[16] as i64), (1, 1));
}

#[test]
fn chords_are_late_early_or_alone_by_their_frames() {
    let melody = [note(1.0, 1.25, 60), note(2.5, 2.75, 60), note(60.0, 61.0, 60)];
    let part = [
        chord(0.0, 1.0, &[48, 52, 55]),
        chord(1.0, 2.0, &[50, 53, 57]),
        chord(3.0, 4.0, &[48, 52, 55]),
        chord(20.0, 60.0, &[50, 53, 57]),
    ];
    let found = harmony(&piece(), &melody, &part.concat());
    // Nothing before the first, on a note, two frames late, 70 frames late.
    let onsets: Vec<i64> = found.onsets.iter().map(|x| *x as i64).collect();
    assert_eq!((onsets[0], onsets[2], onsets[18], onsets.iter().sum::<i64>()), (1, 1, 2, 4));
    let lengths: Vec<i64> = found.lengths.iter().map(|x| *x as i64).collect();
    assert_eq!((lengths[4], lengths[34]), (3, 1));
    assert!((figure(&found, "chords_over_8_beats") - 0.25).abs() < 1e-9);
    // Three lengths of one kind and one of another.
    let variety = Summary::of(&[found]).variety.unwrap();
    assert!((variety - 0.562_335).abs() < 1e-5, "{variety}");
}

#[test]
fn a_cluster_is_the_triad_with_the_fewest_misses_and_ties_go_up() {
    let weights = |classes: &[usize]| {
        let mut weights = [0; 12];
        for class in classes {
            weights[*class] += 1;
        }
        weights
    };
    let triad = |classes: &[usize]| triad(&weights(classes));
    assert_eq!(triad(&[9, 0, 4]), 1 << 9 | 1 | 1 << 4);
    // A seventh chord on A: A minor and C major explain as much.
    assert_eq!(triad(&[9, 0, 4, 7]), 1 | 1 << 4 | 1 << 7);
    assert_eq!(triad(&[0, 0, 4, 7, 9, 9, 9]), 1 << 9 | 1 | 1 << 4);
}

#[test]
fn earth_is_moved_bin_by_bin() {
    assert_eq!(earth_mover(&[1.0, 0.0, 0.0], &[0.0, 0.0, 5.0]), Some(1.0));
    assert_eq!(earth_mover(&[1.0, 1.0, 0.0], &[0.0, 3.0, 3.0]), Some(0.5));
    assert_eq!(earth_mover(&[0.0, 0.0], &[1.0, 0.0]), None);
}

#[test]
fn silence_and_no_melody_have_no_share() {
    let found = harmony(&piece(), &[note(0.0, 4.0, 60)], &[]);
    assert_eq!(found.figures[0], None);
    assert!((figure(&found, "silent_frames") - 1.0).abs() < 1e-9);
    let found = harmony(&piece(), &[], &chord(0.0, 1.0, &[60]));
    assert_eq!((found.figures[0], found.figures[1], found.figures[2]), (None, None, None));
}
