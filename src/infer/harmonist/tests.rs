//! The harmonist that Sideman carries, on melodies made by hand.

use super::*;
use crate::music::note::Voice;
use crate::music::pitch::Pitch;

const FOUR: Bars = Bars { origin: Tick(0), length: 48 };

fn note(onset: i64, pitch: u8) -> Note {
    let (onset, pitch) = (Tick(onset), Pitch::new(pitch));
    Note { onset, pitch, voice: Voice::Player, velocity: 80, duration: 6 }
}

/// Notes of so many ticks each, one after the other; 0 is a rest.
fn line(keys: &[u8], each: i64) -> Vec<Note> {
    let notes = keys.iter().enumerate().filter(|(_, key)| **key > 0);
    notes.map(|(i, key)| note(each * i as i64, *key)).collect()
}

/// The chord asked for at each beat, as root and classes.
fn asked(notes: &[Note], bars: Bars, ticks: i64) -> Vec<Option<Harmony>> {
    let mut harmonist = Harmonist::default();
    harmonist.begin(Tick(0));
    let mut at_beats = Vec::new();
    for tick in 0..ticks {
        let heard: Vec<Note> = notes.iter().filter(|n| n.onset.0 == tick).copied().collect();
        harmonist.close(Tick(tick), bars, &heard);
        if tick % 12 == 6 {
            let now = harmonist.chords().iter().rev().find(|(at, _)| at.0 <= tick);
            at_beats.push(now.map(|(_, chord)| *chord));
        }
    }
    at_beats
}

/// The root that is asked for most of the time, and whether its third is minor.
fn mostly(asked: &[Option<Harmony>]) -> Option<(u8, bool)> {
    let kind = |chord: &Harmony| {
        let third = (chord.root.number() + 3) % 12;
        (chord.root.number(), chord.classes.0 >> third & 1 == 1)
    };
    let kinds: Vec<(u8, bool)> = asked.iter().flatten().map(kind).collect();
    kinds.iter().copied().max_by_key(|kind| kinds.iter().filter(|k| *k == kind).count())
}

#[test]
fn a_triad_in_the_melody_is_asked_for_in_every_key() {
    let mut kinds = std::collections::BTreeSet::new();
    for up in 0..12 {
        let bar = [60, 64, 67, 64].map(|k| k + up);
        let notes = line(&bar.repeat(6), 12);
        assert_eq!(mostly(&asked(&notes, FOUR, 288)), Some((up, false)), "major, up {up}");
        // F, A minor and C all stand well under this line; which it is, is the same in every key.
        let bar = [69, 72, 76, 72].map(|k| k + up);
        let (root, is_minor) = mostly(&asked(&line(&bar.repeat(6), 12), FOUR, 288)).unwrap();
        let plain = ((root + 12 - up) % 12, is_minor);
        assert!([(9, true), (5, false), (0, false)].contains(&plain), "{plain:?}, up {up}");
        kinds.insert(plain);
    }
    assert_eq!(kinds.len(), 1, "{kinds:?}");
}

#[test]
fn a_tune_is_harmonised_in_its_key_and_with_changes() {
    // Twinkle, twinkle, little star.
    let tune = [
        60, 60, 67, 67, 69, 69, 67, 0, 65, 65, 64, 64, 62, 62, 60, 0, 67, 67, 65, 65, 64, 64, 62,
        0, 67, 67, 65, 65, 64, 64, 62, 0, 60, 60, 67, 67, 69, 69, 67, 0, 65, 65, 64, 64, 62, 62,
        60, 0,
    ];
    let chords = asked(&line(&tune, 12), FOUR, 576);
    let known: Vec<Harmony> = chords.iter().flatten().copied().collect();
    assert!(known.len() >= 47, "{}", known.len());
    let white = 0b1010_1011_0101_u16;
    let in_key = known.iter().filter(|c| c.classes.0 & !white == 0).count();
    assert!(in_key * 10 >= known.len() * 9, "{in_key} of {}", known.len());
    let changes = known.windows(2).filter(|w| w[0].root != w[1].root).count();
    assert!((6..30).contains(&changes), "{changes} changes in 12 bars");
    let held = tune
        .iter()
        .zip(&chords)
        .filter(|(key, chord)| **key > 0 && chord.is_some_and(|c| c.holds(Pitch::new(**key))));
    let (held, all) = (held.count(), tune.iter().filter(|k| **k > 0).count());
    assert!(held * 10 >= all * 6, "{held} of {all} notes in the chord");
}

#[test]
fn the_left_hand_is_followed() {
    // Chords of a left hand on the bar lines: C, A minor, F, G, again and again, under a line on G.
    let hand: [&[u8]; 4] = [&[48, 52, 55], &[45, 48, 52], &[41, 45, 48], &[43, 47, 50]];
    let mut notes = line(&[79].repeat(64), 12);
    for bar in 0..16 {
        notes.extend(hand[bar % 4].iter().map(|key| note(48 * bar as i64, *key)));
    }
    let chords = asked(&notes, FOUR, 768);
    let roots = [0, 9, 5, 7];
    // From the second beat of each bar on it can be known.
    let right = (0..64)
        .filter(|beat| beat % 4 > 0)
        .filter(|beat| chords[*beat].is_some_and(|c| c.root.number() == roots[beat / 4 % 4]));
    let right = right.count();
    assert!(right >= 32, "{right} of 48 beats");
    // The same with its lowest notes alone.
    let bass: Vec<Note> =
        (0..16).map(|bar| note(48 * bar, hand[bar as usize % 4][0] - 12)).collect();
    let chords = asked(&[line(&[0, 79, 0, 76].repeat(16), 12), bass].concat(), FOUR, 768);
    let right = (0..64)
        .filter(|beat| beat % 4 > 0)
        .filter(|beat| chords[*beat].is_some_and(|c| c.root.number() == roots[beat / 4 % 4]));
    let right = right.count();
    // A root that never changes has 12.
    assert!(right >= 20, "{right} of 48 beats over a bass");
}

#[test]
fn any_metre_and_any_player_is_borne() {
    let cluster: Vec<Note> = (0..100).flat_map(|t| (40..80).map(move |k| note(5 * t, k))).collect();
    let bass: Vec<Note> = (0..40).map(|beat| note(12 * beat, 36 + (beat % 5) as u8)).collect();
    for length in [1, 12, 18, 36, 42, 60, 84] {
        let bars = Bars { origin: Tick(-5), length };
        for notes in [&cluster, &bass, &Vec::new()] {
            let chords = asked(notes, bars, 500);
            assert_eq!(chords.iter().any(Option::is_some), !notes.is_empty());
        }
    }
}
