//! A melody of one quarter note a beat, so that where a note went can be told from its key.

use super::*;
use crate::data::chord::parse;

/// Twenty bars of 4/4 at 120 BPM, from bar 11 at 60: the key is 30 and the beat's number. Under it, on each bar line, a chord.
fn piece() -> TimedPiece {
    let note = |from: f64, to: f64, key: u8| TimedNote { from, to, key, velocity: 70 };
    let chord = |bar: i32| {
        let at = 4.0 * f64::from(bar);
        [note(at, at + 2.0, 30), note(at + 0.02, at + 2.0, 26), note(at + 2.0, at + 4.0, 107)]
    };
    TimedPiece {
        melody: (0..80_u8).map(|i| note(f64::from(i), f64::from(i) + 0.9, 30 + i % 70)).collect(),
        accompaniment: (0..20).flat_map(chord).collect(),
        chords: (0..20_u8)
            .map(|i| (4.0 * f64::from(i), parse(if i == 8 { "G:maj" } else { "C:maj" }).unwrap()))
            .collect(),
        tempos: vec![(0.0, Tempo::new(120.0)), (40.0, Tempo::new(60.0))],
        bar: 4.0,
        ..TimedPiece::default()
    }
}

fn find(name: &str) -> Situation {
    situations(&piece(), 1).into_iter().find(|s| s.name == name).unwrap()
}

/// Onsets in hundredths of a beat.
fn places(notes: &[TimedNote]) -> Vec<i64> {
    notes.iter().map(|n| (n.from * 100.0).round() as i64).collect()
}

#[test]
fn every_situation_has_a_name_of_its_own_and_something_to_measure() {
    let all = situations(&piece(), 1);
    assert_eq!((all.len(), all[0].name), (37, PLAIN));
    let mut names: Vec<_> = all.iter().map(|s| s.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
    for s in &all {
        assert!(s.begin < s.end(), "{}", s.name);
        assert!(s.notes.is_sorted_by_key(|n| (n.from * 1e6) as i64), "{}", s.name);
        assert!(s.notes.iter().all(|n| n.to > n.from && n.from >= 0.0), "{}", s.name);
    }
    assert_eq!(all, situations(&piece(), 1));
    assert_ne!(all, situations(&piece(), 2));
}

#[test]
fn a_late_player_is_measured_from_his_entry_over_the_chords_of_the_piece() {
    let late = find("enters 2 beats into bar 3");
    assert_eq!((late.notes[0].from, late.begin), (10.0, 8.0));
    let g = parse("G:maj");
    assert_eq!((late.chord(&piece(), 42.0), late.chord(&piece(), 41.9)), (g, parse("C:maj")));
    assert_eq!(late.chord(&piece(), 9.0), None, "before its entry there is no piece");
    // The piece's tempo changes ten beats later, too.
    let tempos = late.tempos(&piece());
    let told: Vec<_> = tempos.iter().map(|(b, t)| (b.0, t.beats_per_minute())).collect();
    assert_eq!(told, [(0.0, 120.0), (10.0, 120.0), (50.0, 60.0)]);
    let rest = find("rests 4 bars in mid-song");
    assert_eq!((rest.notes[31].from, rest.notes[32].from, rest.begin), (31.0, 48.0, 48.0));
    assert_eq!(rest.chord(&piece(), 48.0), g);
}

#[test]
fn a_host_jumps_where_the_melody_does() {
    let once = find("loop jumps back once");
    // Half of twenty bars, then back by eight.
    assert_eq!((once.begin, once.host.clone()), (40.0, vec![(40.0, Some(32.0))]));
    let keys = |s: &Situation| s.notes.iter().map(|n| n.key).collect::<Vec<_>>();
    assert_eq!(keys(&once)[38..42], [68, 69, 38, 39]);
    assert_eq!((once.notes[40].from, once.notes.len()), (40.0, 112));
    assert_eq!(once.chord(&piece(), 64.0), parse("G:maj"));
    let passes = find("loop jumps back four times");
    let shifts: Vec<_> = passes.host.iter().map(|h| h.1).collect();
    assert_eq!(shifts, [Some(32.0), Some(64.0), Some(96.0), Some(128.0)]);
    assert_eq!((passes.notes[40 + 32].key, passes.notes.len()), (38, 40 + 3 * 32 + 72));
    let again = find("stops, starts at the same place");
    assert_eq!(again.host, [(40.0, None), (48.0, Some(8.0))]);
    assert_eq!((again.notes[39].from, again.notes[40].from), (39.0, 48.0));
    let first = find("stops, starts at bar 1");
    assert_eq!((first.host[1], first.notes[40].key), ((48.0, Some(48.0)), 30));
    let rolling = find("count-in of a bar, rolling");
    assert_eq!((rolling.host, rolling.begin), (vec![(0.0, Some(4.0))], 4.0));
}

#[test]
fn what_is_bent_is_bent_by_so_much() {
    let piece = piece();
    let jitter = find("20 ms late, jitter 15 ms");
    // 20 ms are a 25th of a beat at 120 BPM, a 50th at 60.
    let off = |at: usize| jitter.notes[at].from - at as f64;
    assert!((0..40).all(|i| (0.0099..0.0701).contains(&off(i))));
    assert!((40..80).all(|i| (0.0049..0.0351).contains(&off(i))));
    assert!((swung(3.5) - (3.0 + 2.0 / 3.0)).abs() < 1e-9);
    assert!(
        (swung(3.75) - (3.0 + 5.0 / 6.0)).abs() < 1e-9
            && (swung(3.25) - 3.0 - 1.0 / 3.0).abs() < 1e-9
    );
    // What would fall off the piano, under 45, is left out.
    assert_eq!(find("two octaves lower").notes.len(), 55);
    assert_eq!(find("only first of each bar").notes.len(), 20);
    assert_eq!(find("only first of each beat").notes.len(), 80);
    assert_eq!(find("octaves doubled").notes.len(), 80 + transposed(&piece.melody, -12).len());
}

#[test]
fn a_left_hand_lies_under_the_melody_and_a_bass_under_the_chords() {
    let bass = find("bass line only");
    assert_eq!((bass.notes.len(), bass.notes[0].key, bass.notes[1].key), (40, 26, 107));
    let both = find("two hands");
    // The 107 lies over every melody note.
    assert!(both.notes.iter().all(|n| n.key < 100));
    assert_eq!(both.notes.iter().filter(|n| n.key == 26).count(), 20);
    assert_eq!(find("chords only").notes.len(), 60);
}

#[test]
fn another_metre_keeps_bars_and_chords_together() {
    let waltz = find("in 3/4, the fourth beat left out");
    assert_eq!(places(&waltz.notes[..5]), [0, 100, 200, 300, 400]);
    assert_eq!(waltz.notes[3].key, 34);
    assert_eq!((waltz.notes.len(), waltz.bar(&piece())), (60, 3.0));
    assert_eq!(waltz.chord(&piece(), 24.0), parse("G:maj"));
    let jig = find("in 6/8, a beat as three eighths");
    assert_eq!(places(&jig.notes[..4]), [0, 150, 300, 450]);
    assert_eq!((jig.chord(&piece(), 48.0), jig.bar(&piece())), (parse("G:maj"), 3.0));
    assert!((jig.tempos(&piece())[0].1.beats_per_minute() - 180.0).abs() < 1e-9);
    let in_three = TimedPiece { bar: 3.0, ..piece() };
    assert_eq!(situations(&in_three, 1).len(), 35);
}
