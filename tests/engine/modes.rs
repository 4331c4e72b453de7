//! What each mode promises.

use std::sync::Arc;

use sideman::link::settings::{Mode, Settings};
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::pitch::{Pitch, PitchClass};
use sideman::music::scale::Scale;

use crate::bench::{Bench, RATE, Restless, notes};

const PLAYER: Channel = Channel::new(0);
const MACHINE: Channel = Channel::new(1);

/// Plays with our own clock at 120 to the minute: (key, from, to) in seconds.
fn play(settings: &Settings, keys: &[(u8, f64, f64)], seconds: f64) -> Vec<(u8, f64, f64)> {
    let mut events: Vec<(u64, Midi)> = Vec::new();
    for (key, from, to) in keys {
        let key = *key;
        events.push(((from * RATE) as u64, Midi::NoteOn { channel: PLAYER, key, velocity: 80 }));
        events.push(((to * RATE) as u64, Midi::NoteOff { channel: PLAYER, key, velocity: 0 }));
    }
    events.sort_by_key(|e| e.0);
    let mut bench = Bench::new(Arc::new(Restless));
    while bench.sample < (seconds * RATE) as u64 {
        let from = bench.sample;
        let block: Vec<TimedMidi> = events
            .iter()
            .filter(|e| (from..from + 256).contains(&e.0))
            .map(|e| TimedMidi { offset: (e.0 - from) as u32, midi: e.1 })
            .collect();
        bench.block(256, None, settings, &block);
    }
    bench.improviser.panic();
    bench.block(256, None, settings, &[]);
    notes(&bench.out)
        .into_iter()
        .filter(|n| n.0 == MACHINE)
        .map(|n| (n.1, n.3 as f64 / RATE, n.4 as f64 / RATE))
        .collect()
}

#[test]
fn nobody_plays_before_the_player() {
    for mode in Mode::ALL {
        let settings = Settings { mode, ..Settings::default() };
        assert!(play(&settings, &[], 20.0).is_empty());
    }
}

#[test]
fn the_accompaniment_plays_at_the_same_time_and_ends_after_the_player() {
    let keys: Vec<_> =
        (0..20).map(|i| (60 + i % 5, f64::from(i) * 0.5 + 1.0, f64::from(i) * 0.5 + 1.4)).collect();
    let machine = play(&Settings::default(), &keys, 40.0);
    assert!(machine.iter().filter(|n| n.1 < 11.0).count() > 10, "{machine:?}");
    assert!(machine.iter().all(|n| n.1 >= 1.0));
    // The last key rises at 10.9 s; four bars at 120 are 8 s.
    assert!(machine.iter().all(|n| n.1 < 19.0), "{machine:?}");
}

#[test]
fn the_answer_begins_after_the_phrase_and_yields_to_the_player() {
    let settings = Settings { mode: Mode::Answer, ..Settings::default() };
    let phrase: Vec<_> =
        (0..8).map(|i| (60 + i, f64::from(i) * 0.25 + 1.0, f64::from(i) * 0.25 + 1.2)).collect();
    let machine = play(&settings, &phrase, 20.0);
    assert!(!machine.is_empty());
    // The phrase ends at 2.95 s; a beat of silence at 120 is 0.5 s.
    assert!(machine.iter().all(|n| n.1 > 3.4 && n.1 < 8.0), "{machine:?}");
    let mut interrupted = phrase;
    interrupted.push((70, 5.0, 5.2));
    let mut answered = 0;
    for seed in 0..12 {
        let yielded = play(&Settings { seed, ..settings }, &interrupted, 5.4);
        answered += usize::from(yielded.iter().any(|n| n.1 < 5.0));
        // A tick at 120 is 42 ms: what sounded when the player came back is over 3 ticks later.
        assert!(yielded.iter().all(|n| n.2 <= 5.0 + 3.0 * 0.042), "{yielded:?}");
    }
    assert!(answered > 3, "{answered} of 12 answers had begun");
}

#[test]
fn the_key_lock_and_the_register_hold_for_every_note() {
    let settings = Settings {
        key: PitchClass::new(2),
        scale: Scale::Dorian,
        register_low: Pitch::new(48),
        register_high: Pitch::new(67),
        polyphony: 3,
        ..Settings::default()
    };
    let keys: Vec<_> =
        (0..30).map(|i| (61 + i % 7, f64::from(i) * 0.3, f64::from(i) * 0.3 + 0.2)).collect();
    let machine = play(&settings, &keys, 20.0);
    assert!(machine.len() > 20);
    for (key, from, _) in &machine {
        assert!(settings.allowed().holds(Pitch::new(*key)) && (48..=67).contains(key), "{key}");
        let sounding = machine.iter().filter(|n| n.1 <= *from && n.2 > *from).count();
        assert!(sounding <= 3, "{sounding} at {from}");
    }
}

#[test]
fn an_unsatisfiable_mask_is_silence_not_a_crash() {
    let settings = Settings {
        key: PitchClass::new(0),
        scale: Scale::MajorPentatonic,
        register_low: Pitch::new(61),
        register_high: Pitch::new(61),
        ..Settings::default()
    };
    let keys: Vec<_> =
        (0..10).map(|i| (60, f64::from(i) * 0.4, f64::from(i) * 0.4 + 0.2)).collect();
    assert!(play(&settings, &keys, 10.0).is_empty());
}
