//! What each mode promises.

use std::sync::Arc;

use sideman::link::settings::{Mode, Settings};
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::pitch::{Pitch, PitchClass};
use sideman::music::scale::Scale;

use crate::bench::{Bench, RATE, Restless, notes};
use crate::laws::transport;

const PLAYER: Channel = Channel::new(0);
const MACHINE: Channel = Channel::new(1);

/// Plays with our own clock, at 120 to the minute whatever the player does: (key, from, to) in seconds.
fn play(settings: &Settings, keys: &[(u8, f64, f64)], seconds: f64) -> Vec<(u8, f64, f64)> {
    perform(|_| *settings, keys, seconds)
}

/// The same, with settings that change over time.
fn perform(
    settings: impl Fn(f64) -> Settings,
    keys: &[(u8, f64, f64)],
    seconds: f64,
) -> Vec<(u8, f64, f64)> {
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
        let settings = Settings { follow_tempo: false, ..settings(from as f64 / RATE) };
        bench.block(256, None, &settings, &block);
    }
    bench.improviser.panic();
    bench.block(256, None, &settings(seconds), &[]);
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
    // The last key rises at 10.9 s; eight bars at 120 are 16 s.
    assert!(machine.iter().all(|n| n.1 < 27.0), "{machine:?}");
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

/// A key every half second, from 1 s on.
fn walk(count: u8) -> Vec<(u8, f64, f64)> {
    (0..count)
        .map(|i| (60 + i % 12 * 5 % 12, f64::from(i) * 0.5 + 1.0, f64::from(i) * 0.5 + 1.4))
        .collect()
}

#[test]
fn nobody_plays_before_the_player_but_the_soloist_with_a_rolling_host() {
    let settings = Settings { mode: Mode::Solo, ..Settings::default() };
    let mut bench = Bench::new(Arc::new(Restless));
    for _ in 0..2_000 {
        let transport = sideman::live::block::Transport {
            playing: true,
            tempo: None,
            position: Some(sideman::music::time::Beats(bench.sample as f64 / 24_000.0)),
            bar_start: None,
            meter: sideman::music::time::Meter::default(),
        };
        bench.block(256, Some(transport), &settings, &[]);
    }
    assert!(bench.out.iter().filter(|e| matches!(e.1, Midi::NoteOn { .. })).count() > 20);
}

#[test]
fn turns_of_a_trade_begin_and_end_on_bar_lines() {
    // Our clock starts a bar with the first key, at 1 s; at 120 a bar lasts 2 s and a turn of two bars 4 s.
    let settings = Settings { mode: Mode::Trade, trade_bars: 2, ..Settings::default() };
    let machine = play(&settings, &walk(60), 26.0);
    assert!(machine.len() > 30, "{}", machine.len());
    for (key, from, to) in &machine {
        let turn = ((from - 1.0 + 1e-6) / 4.0).floor();
        assert!(turn.rem_euclid(2.0) > 0.5, "key {key} at {from} in the player's turn");
        assert!(*to <= (turn + 1.0) * 4.0 + 1.0 + 1e-3, "key {key} until {to} spills over");
    }
    let first = Settings { machine_first: true, ..settings };
    assert!(
        play(&first, &walk(60), 26.0).iter().any(|n| n.1 < 4.9),
        "the machine has the first turn"
    );
}

#[test]
fn company_comes_within_ten_milliseconds_and_goes_with_its_key() {
    let settings = Settings { mode: Mode::Harmonise, voices: 2, ..Settings::default() };
    let keys = walk(12);
    let machine = play(&settings, &keys, 10.0);
    assert!(machine.len() >= 20, "two for nearly each of twelve: {}", machine.len());
    for (key, from, to) in &machine {
        let leader = keys.iter().find(|k| (from - k.1 - 0.010).abs() < 0.001);
        let Some(leader) = leader else { panic!("{key} at {from} belongs to nobody") };
        assert!((to - leader.2).abs() < 0.001, "{key} ends at {to}, its key at {}", leader.2);
        assert_ne!(*key, leader.0);
        let interval = (i32::from(*key) - i32::from(leader.0)).abs() % 12;
        assert!([0, 3, 4, 5, 7, 8, 9].contains(&interval), "{interval} semitones");
    }
}

#[test]
fn keys_that_are_held_together_share_no_company() {
    let settings = Settings { mode: Mode::Harmonise, voices: 3, ..Settings::default() };
    // Chords struck at once, and keys that join held ones.
    let mut keys = Vec::new();
    for i in 0..12_u8 {
        let at = f64::from(i) + 1.0;
        keys.extend([60, 64, 67].map(|k| (k + i % 5, at, at + 0.5)));
        keys.push((72 + i % 3, at + 0.25, at + 0.7));
    }
    let machine = play(&settings, &keys, 15.0);
    assert!(machine.len() > 40, "{}", machine.len());
    for (i, a) in machine.iter().enumerate() {
        assert!(a.2 - a.1 > 0.2, "struck and taken away: {a:?}");
        let again = machine[i + 1..].iter().find(|b| b.0 == a.0 && b.1 < a.2 && b.2 > a.1);
        assert_eq!(again, None, "beside {a:?}");
    }
}

#[test]
fn a_new_mode_comes_in_within_a_beat() {
    // At 120 a beat is 0.5 s; the reaction and the tick under way are two ticks of 42 ms.
    for (mode, gap) in [(Mode::Solo, 0.6), (Mode::Trade, 0.6), (Mode::Accompany, 1.1)] {
        let mut prompt = 0;
        for seed in 0..10 {
            let new =
                Settings { mode, machine_first: true, trade_bars: 1, seed, ..Settings::default() };
            // The player's last key rises at 8.9 s and nobody joins him any more when the mode changes.
            let old = Settings { mode: Mode::Harmonise, ..new };
            let at = 9.6;
            let machine = perform(|t| if t < at { old } else { new }, &walk(16), 14.0);
            let came = machine.iter().map(|n| n.1).filter(|t| *t >= at).fold(f64::MAX, f64::min);
            prompt += usize::from(came < at + gap);
        }
        assert_eq!(prompt, 10, "{mode:?}");
    }
}

#[test]
fn frozen_bars_repeat_note_for_note() {
    let keys = walk(60);
    let freeze = |at: f64| Settings { freeze: at > 9.2, ..Settings::default() };
    let machine = perform(freeze, &keys, 25.0);
    let bars = |from: f64| -> Vec<(i64, u8)> {
        let inside = machine.iter().filter(|n| n.1 >= from - 1e-4 && n.1 < from + 4.0 - 1e-4);
        let mut bar: Vec<_> =
            inside.map(|n| (((n.1 - from) * 1_000.0).round() as i64, n.0)).collect();
        bar.sort_unstable();
        bar
    };
    assert!(bars(13.0).len() > 5);
    assert_eq!(bars(13.0), bars(17.0));
    assert_eq!(bars(17.0), bars(21.0));
}

#[test]
fn held_notes_sound_on_until_hold_is_let_go() {
    let hold = |at: f64| Settings { hold: (6.0..9.0).contains(&at), ..Settings::default() };
    let machine = perform(hold, &walk(60), 14.0);
    assert!(machine.iter().all(|n| !(6.01..9.0).contains(&n.1)), "nothing begins");
    assert!(machine.iter().all(|n| !(6.01..8.99).contains(&n.2)), "nothing ends");
    assert!(machine.iter().any(|n| n.1 < 6.0 && n.2 > 9.0), "something is held: {machine:?}");
    assert!(machine.iter().any(|n| n.1 > 9.1), "and the music goes on");
}

#[test]
fn key_switches_choose_the_mode_and_are_not_heard() {
    let settings = Settings { key_switches: true, ..Settings::default() };
    let mut keys = vec![(3, 0.5, 0.6)];
    keys.extend(walk(10));
    let machine = play(&settings, &keys, 8.0);
    let leaders: Vec<f64> = walk(10).iter().map(|k| k.1).collect();
    assert!(!machine.is_empty());
    for (_, from, _) in machine {
        assert!(
            leaders.iter().any(|l| (from - l - 0.010).abs() < 0.001),
            "harmony only, at {from}"
        );
    }
}

#[test]
fn swing_moves_the_off_beats_and_nothing_else() {
    let straight = Settings { grid: sideman::link::settings::Grid::Eighth, ..Settings::default() };
    let swung = Settings { swing: 1.0, ..straight };
    let (a, b) = (play(&straight, &walk(200), 100.0), play(&swung, &walk(200), 100.0));
    assert!(a.len() > 20);
    assert_eq!(a.len(), b.len());
    let eighth = |n: &(u8, f64, f64)| ((n.1 - 1.0) / 0.25 + 0.01).floor() as i64;
    let in_order = |mut notes: Vec<(u8, f64, f64)>| {
        notes.sort_by_key(|n| (eighth(n), n.0));
        notes
    };
    for (straight, swung) in in_order(a).iter().zip(&in_order(b)) {
        // At 120 an eighth is 250 ms and two ticks are 83.3 ms.
        let off_beat = eighth(straight) % 2 != 0;
        let late = if off_beat { 1.0 / 12.0 } else { 0.0 };
        assert!((swung.1 - straight.1 - late).abs() < 1e-3, "{straight:?} {swung:?}");
    }
}

/// Plays eighths at 96 to the minute without a transport, with our own clock beginning at 120. Gives how far each
/// machine note is from the nearest eighth of the player after twelve seconds, in milliseconds.
fn off_the_players_eighths(settings: &Settings) -> Vec<f64> {
    const EIGHTH: f64 = 60.0 / 96.0 / 2.0;
    let mut bench = Bench::new(Arc::new(Restless));
    let event = |sample: u64, midi| (sample, midi);
    let mut events = Vec::new();
    for i in (0..150_u32).filter(|i| i % 8 != 3) {
        let key = 60 + (i * 5 % 12) as u8;
        let on = (f64::from(i) * EIGHTH + 1.0) * RATE;
        let down = Midi::NoteOn { channel: PLAYER, key, velocity: 80 };
        let up = Midi::NoteOff { channel: PLAYER, key, velocity: 0 };
        events.extend([event(on as u64, down), event((on + 0.2 * RATE) as u64, up)]);
    }
    while bench.sample < (40.0 * RATE) as u64 {
        let from = bench.sample;
        let inside = events.iter().filter(|e| (from..from + 256).contains(&e.0));
        let block: Vec<TimedMidi> =
            inside.map(|e| TimedMidi { offset: (e.0 - from) as u32, midi: e.1 }).collect();
        bench.block(256, None, settings, &block);
    }
    bench.improviser.panic();
    bench.block(256, None, settings, &[]);
    let onsets =
        notes(&bench.out).into_iter().filter(|n| n.0 == MACHINE).map(|n| n.3 as f64 / RATE);
    let off = onsets.filter(|at| *at > 12.0).map(|at| {
        let eighths = (at - 1.0) / EIGHTH;
        (eighths - eighths.round()).abs() * EIGHTH * 1e3
    });
    off.collect()
}

#[test]
fn the_players_tempo_is_followed_where_there_is_no_transport() {
    let grid = sideman::link::settings::Grid::Eighth;
    // The clock alone: nothing is to be picked up from this player's rhythm.
    let settings = Settings { grid, learning: 0.0, ..Settings::default() };
    let near = |off: &[f64]| off.iter().filter(|ms| **ms < 20.0).count() as f64 / off.len() as f64;
    let off = off_the_players_eighths(&settings);
    assert!(off.len() > 20 && near(&off) > 0.95, "{} of {}", near(&off), off.len());
    let deaf = off_the_players_eighths(&Settings { follow_tempo: false, ..settings });
    assert!(near(&deaf) < 0.5, "a clock at 120 does not lie on eighths at 96: {}", near(&deaf));
}

#[test]
fn taps_set_the_tempo_and_start_the_clock() {
    let settings = Settings {
        mode: Mode::Solo,
        follow_tempo: false,
        grid: sideman::link::settings::Grid::Eighth,
        ..Settings::default()
    };
    let mut bench = Bench::new(Arc::new(Restless));
    // Four taps at 90 to the minute: 32,000 samples apart.
    for i in 0..3_000_u64 {
        if i % 125 == 0 && i < 500 {
            bench.improviser.tap();
        }
        bench.block(256, None, &settings, &[]);
    }
    bench.improviser.panic();
    bench.block(256, None, &settings, &[]);
    let eighth = 16_000.0;
    let late: Vec<f64> = notes(&bench.out)
        .iter()
        .map(|n| n.3 as f64)
        .filter(|at| *at > 160_000.0)
        .map(|at| (at / eighth - (at / eighth).round()).abs() * eighth / 48.0)
        .collect();
    assert!(late.len() > 5, "{}", late.len());
    assert!(late.iter().all(|ms| *ms < 5.0), "{late:?}");
}

#[test]
fn a_chord_let_go_while_the_transport_stands_locks_nothing_any_more() {
    let settings = Settings { chord_lock: true, ..Settings::default() };
    let mut bench = Bench::new(Arc::new(Restless));
    let chord = [60, 64, 67];
    let second = |s: f64| (s * RATE) as u64 / 256;
    for i in 0..second(25.0) {
        let mut events = Vec::new();
        let mut send = |midi| events.push(TimedMidi { offset: 0, midi });
        for key in chord {
            if i == second(1.0) {
                send(Midi::NoteOn { channel: PLAYER, key, velocity: 80 });
            } else if i == second(5.0) {
                send(Midi::NoteOff { channel: PLAYER, key, velocity: 0 });
            }
        }
        // Then one key at a time, by our own clock: too few for a chord.
        if i > second(6.0) && i % 94 == 0 {
            send(Midi::NoteOn { channel: PLAYER, key: 72, velocity: 80 });
        } else if i > second(6.0) && i % 94 == 47 {
            send(Midi::NoteOff { channel: PLAYER, key: 72, velocity: 0 });
        }
        let host = (i < second(4.0)).then(|| transport(bench.sample, 120.0));
        bench.block(256, host, &settings, &events);
    }
    bench.improviser.panic();
    bench.block(256, None, &settings, &[]);
    let outside = |from: f64, to: f64| {
        let machine = notes(&bench.out).into_iter().filter(|n| n.0 == MACHINE);
        let inside = machine.filter(|n| (from * RATE..to * RATE).contains(&(n.3 as f64)));
        inside.filter(|n| ![0, 4, 7].contains(&(n.1 % 12))).count()
    };
    assert_eq!(outside(1.5, 4.0), 0, "the chord locks while it is held");
    assert!(outside(6.0, 25.0) > 10, "it is up: {}", outside(6.0, 25.0));
}

#[test]
fn a_low_key_taps_and_is_not_passed_on() {
    const TAP: u8 = 5;
    let settings = Settings {
        mode: Mode::Solo,
        follow_tempo: false,
        key_switches: true,
        ..Settings::default()
    };
    let mut bench = Bench::new(Arc::new(Restless));
    for i in 0..1_000_u64 {
        let midi = match i % 125 {
            0 if i < 500 => Some(Midi::NoteOn { channel: PLAYER, key: TAP, velocity: 80 }),
            20 if i < 500 => Some(Midi::NoteOff { channel: PLAYER, key: TAP, velocity: 0 }),
            _ => None,
        };
        let events: Vec<_> = midi.map(|midi| TimedMidi { offset: 0, midi }).into_iter().collect();
        bench.block(256, None, &settings, &events);
    }
    bench.improviser.panic();
    bench.block(256, None, &settings, &[]);
    let machine = notes(&bench.out).iter().filter(|n| n.0 == MACHINE).count();
    assert!(machine > 5, "the first tap starts the clock: {machine}");
    assert!(notes(&bench.out).iter().all(|n| n.0 == MACHINE), "taps are no notes");
}

#[test]
fn our_own_echo_is_not_heard_as_the_player() {
    let mut bench = Bench::new(Arc::new(Restless));
    let settings = Settings { mode: Mode::Solo, ..Settings::default() };
    let mut echo: Vec<TimedMidi> = Vec::new();
    for i in 0..3_000_u32 {
        let mut events = std::mem::take(&mut echo);
        if i == 10 || i == 20 {
            let midi = if i == 10 {
                Midi::NoteOn { channel: PLAYER, key: 60, velocity: 80 }
            } else {
                Midi::NoteOff { channel: PLAYER, key: 60, velocity: 0 }
            };
            events.push(TimedMidi { offset: 0, midi });
        }
        let before = bench.out.len();
        bench.block(256, None, &settings, &events);
        // A synth that returns every note of ours with the next block.
        echo.extend(bench.out[before..].iter().filter_map(|(_, midi)| match midi {
            Midi::NoteOn { channel: MACHINE, .. } | Midi::NoteOff { channel: MACHINE, .. } => {
                Some(TimedMidi { offset: 0, midi: *midi })
            }
            _ => None,
        }));
    }
    bench.improviser.panic();
    bench.block(256, None, &settings, &[]);
    let machine = notes(&bench.out).iter().filter(|n| n.0 == MACHINE).count();
    // Were the echo heard as the player, the soloist would yield to himself.
    assert!(machine > 30, "{machine}");
}
