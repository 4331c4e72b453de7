//! The machine that was silent because it had to be comes in when it may.

use sideman::infer::builtin;
use sideman::infer::net::playable;
use sideman::link::settings::{Mode, Settings};
use sideman::music::event::Midi;

use crate::bench::{Bench, RATE};
use crate::laws::{player, slice, transport};

/// Bars of 2 s at 120: those that the machine must be silent in, and those that are looked at then.
const SILENT: u64 = 10;
const HEARD: u64 = 8;

/// The machine's notes in each of the bars in which it may play.
fn comes_in(before: Settings, seed: u64) -> Vec<usize> {
    let net = playable(&builtin::checkpoint().unwrap()).unwrap();
    let mut bench = Bench::new(net);
    let bar = 2 * RATE as u64;
    let events = player(seed, (2 * (SILENT + HEARD)) as f64);
    while bench.sample < (SILENT + HEARD) * bar {
        let at = bench.sample;
        let settings = if at < SILENT * bar { before } else { Settings::default() };
        bench.block(256, Some(transport(at, 120.0)), &settings, &slice(&events, at, 256));
    }
    let output = Settings::default().output;
    let is_its = |midi| matches!(midi, Midi::NoteOn { channel, .. } if channel == output);
    let onsets: Vec<u64> = bench.out.iter().filter(|e| is_its(e.1)).map(|e| e.0 / bar).collect();
    let bars = SILENT..SILENT + HEARD;
    bars.map(|bar| onsets.iter().filter(|onset| **onset == bar).count()).collect()
}

#[test]
fn a_machine_that_is_let_in_late_plays_like_one_that_begins() {
    let off = Settings { active: false, ..Settings::default() };
    // In Solo it is silent while somebody plays.
    let solo = Settings { mode: Mode::Solo, ..Settings::default() };
    let mut empty = 0;
    for seed in 1..=6 {
        for before in [off, solo] {
            let bars = comes_in(before, seed);
            eprintln!("{} {seed}: {bars:?}", before.mode.name());
            empty += bars.iter().filter(|notes| **notes == 0).count();
        }
    }
    // Of 96. With all that was played before in its ear it left 10 of 32 empty (seeds 1 and 2).
    assert!(empty <= 3, "{empty} bars of 96 are empty");
}
