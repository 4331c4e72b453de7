//! The live program as the slave of a MIDI clock that jitters and changes its tempo: the machine's notes stay on the
//! master's grid.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]
#![allow(clippy::print_stdout, reason = "figures for whoever runs it")]

use std::sync::Arc;
use std::time::Duration;

use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::link::settings::{Mode, Settings};
use sideman::music::event::{Midi, TimedMidi};
use sideman::music::time::SampleRate;
use sideman::standalone::conductor::TimeKeeper;
use sideman::standalone::performance::PLAYER;
use sideman::standalone::stage::{Setup, build};
use sideman::standalone::wire::ClockMessage;

const RATE: f64 = 48_000.0;
const FRAMES: usize = 256;
/// The master's tempo stands, rises evenly and stands again: seconds of each, and quarter notes a second.
const STANDS: f64 = 6.0;
const RISES: f64 = 30.0;
const SLOW: f64 = 1.0;
const FAST: f64 = 3.0;
/// Seconds by which a pulse is early or late at most.
const JITTER: f64 = 0.002;
/// Seconds by which a note may be off the grid.
const TOLERANCE: f64 = 0.005;
/// Ticks of the grid in a quarter note.
const TICKS: f64 = 12.0;

/// The master's song position, in quarter notes, and its tempo, in quarter notes a second.
fn master(t: f64) -> (f64, f64) {
    let into = (t - STANDS).clamp(0.0, RISES);
    let gain = (FAST - SLOW) / RISES;
    let after = (t - STANDS - RISES).max(0.0);
    let beats = SLOW * (t - after) + 0.5 * gain * into * into + FAST * after;
    (beats, SLOW + gain * into)
}

/// When the master is at a place.
fn moment(beats: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1_000.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if master(middle).0 < beats { low = middle } else { high = middle }
    }
    low
}

/// Pulses that jitter evenly by [`JITTER`] either way, in order.
fn pulses() -> Vec<f64> {
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let end = 2.0 * STANDS + RISES;
    let count = (master(end).0 * 24.0) as usize;
    let mut pulses: Vec<f64> = (0..count)
        .map(|n| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let even = (dice >> 11) as f64 / (1_u64 << 53) as f64;
            (moment(n as f64 / 24.0) + JITTER * (2.0 * even - 1.0)).max(0.0)
        })
        .collect();
    pulses.sort_by(f64::total_cmp);
    pulses
}

#[test]
fn onsets_stay_on_the_grid_of_a_master_that_jitters_and_hurries() {
    let settings = Settings { mode: Mode::Accompany, thru: true, ..Settings::default() };
    let setup = Setup { settings, time: TimeKeeper::MidiClock, ..Setup::default() };
    let models = Arc::new(ModelSlot::new(ModelChoice::Builtin));
    let (mut stage, mut desk) = build(SampleRate::new(RATE), setup, models).unwrap();
    while desk.models().status().name.is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut pulses = pulses().into_iter().peekable();
    stage.hear_clock(0.0, ClockMessage::Start);
    let mut onsets = Vec::new();
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    let blocks = ((2.0 * STANDS + RISES) * RATE) as usize / FRAMES;
    let mut next_quaver = 0.0;
    for block in 0..blocks {
        let at = (block * FRAMES) as f64 / RATE;
        while let Some(pulse) = pulses.next_if(|p| *p <= at) {
            stage.hear_clock(pulse, ClockMessage::Pulse);
        }
        // The player keeps to the master's quavers.
        let mut keys = Vec::new();
        if master(at).0 >= next_quaver {
            let key = [60, 64, 67, 72, 69, 65, 62, 67][(2.0 * next_quaver) as usize % 8];
            keys.push(Midi::NoteOff { channel: PLAYER, key, velocity: 0 });
            keys.push(Midi::NoteOn { channel: PLAYER, key, velocity: 90 });
            next_quaver += 0.5;
        }
        let keys: Vec<TimedMidi> =
            keys.into_iter().map(|midi| TimedMidi { offset: 0, midi }).collect();
        stage.process(at, &keys, &mut left, &mut right);
        for event in stage.played() {
            if let Midi::NoteOn { channel, .. } = event.midi
                && channel != PLAYER
            {
                onsets.push(at + f64::from(event.offset) / RATE);
            }
        }
        while desk.hear().is_some() {}
        std::thread::sleep(Duration::from_micros(800));
    }
    assert!(onsets.len() > 60, "{} notes", onsets.len());
    let off = |t: &f64| {
        let (beats, pace) = master(*t);
        (beats * TICKS - (beats * TICKS).round()) / TICKS / pace
    };
    let worst = onsets.iter().map(off).fold(0.0_f64, |most, x| most.max(x.abs()));
    assert!(worst < TOLERANCE, "{:.2} ms off the grid", worst * 1e3);
    let late = desk.meter().late_notes.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(late, 0);
    println!("{} notes, at most {:.2} ms off the grid", onsets.len(), worst * 1e3);
}
