//! The machine hears its own notes too, and must not be carried away by them.

use sideman::infer::builtin;
use sideman::infer::memory::{Memory, Remembered};
use sideman::infer::net::playable;
use sideman::link::settings::Settings;
use sideman::music::event::Midi;
use sideman::music::note::{Note, Voice};
use sideman::music::pitch::Pitch;
use sideman::music::time::Tick;

use crate::bench::{Bench, RATE};
use crate::laws::{player, slice, transport};

/// Two bars of the machine's chords on every tick: where a network that overplays has got to.
fn carried_away() -> Memory {
    let chord = |tick: i64| {
        [45, 52, 57, 61].map(move |key| {
            let pitch = Pitch::new(key + (tick % 5) as u8);
            let voice = Voice::Machine;
            Note { onset: Tick(tick), pitch, voice, velocity: 88, duration: 1 }
        })
    };
    let memory = Memory::default();
    memory.restore(Remembered { window: (0..96).flat_map(chord).collect(), learned: Vec::new() });
    memory
}

#[test]
fn a_machine_that_was_carried_away_is_held_back() {
    let net = playable(&builtin::checkpoint().unwrap()).unwrap();
    let bar = (RATE * 4.0 * 60.0 / 126.0) as u64;
    let mut most = Vec::new();
    for seed in 1..=6 {
        let mut bench = Bench::new(net.clone());
        bench.remember(&carried_away());
        let settings = Settings { seed, ..Settings::default() };
        let events = player(u64::from(seed), 40.0);
        while bench.sample < (40.0 * RATE) as u64 {
            let at = bench.sample;
            bench.block(256, Some(transport(at, 126.0)), &settings, &slice(&events, at, 256));
        }
        let machines =
            |midi| matches!(midi, Midi::NoteOn { channel, .. } if channel == settings.output);
        let onsets: Vec<u64> = bench.out.iter().filter(|e| machines(e.1)).map(|e| e.0).collect();
        let in_bar = |from: u64| onsets.iter().filter(|o| (from..from + bar).contains(*o)).count();
        assert!(!onsets.is_empty());
        most.push(onsets.iter().map(|o| in_bar(*o)).max().unwrap());
    }
    eprintln!("most notes in a bar: {most:?}");
    // It holds back from 48 in two bars on; one in ten pieces of people has more than 49 in its busiest bar.
    assert!(most.iter().all(|m| *m <= 64), "{most:?}");
}
