//! Nothing on the audio thread allocates or frees, whatever comes in: the engine's `process` and the plugin's.
//!
//! The allocator of this program aborts it when a guarded thread touches the heap; that it does is tested
//! too. Only code of this program is guarded, so the plugin is never the built file here. The framework's
//! own guard brings an allocator of its own and excludes this one.
#![cfg(not(feature = "assert-process-allocs"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

use std::sync::Arc;

use nice_assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sideman::infer::model_slot::ModelSlot;
use sideman::infer::worker::Worker;
use sideman::link::pair;
use sideman::link::settings::{Mode, Settings};
use sideman::live::block::{Block, Sink};
use sideman::live::improviser::Improviser;
use sideman::music::event::{Channel, TimedMidi};
use sideman::music::time::SampleRate;

#[path = "rig/clap_host.rs"]
mod clap_host;
#[expect(dead_code, reason = "of the rig this test needs only the blocks")]
#[path = "rig/host.rs"]
mod host;
#[path = "rig/oddities.rs"]
mod oddities;

use clap_host::ClapHost;
use host::{Audio as _, Call, Host as _, RATE};
use oddities::{Oddities, automation};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Blocks of each test: minutes of music.
const BLOCKS: u32 = 20_000;

/// Their sizes.
const FRAMES: [u32; 6] = [512, 64, 1, 333, 1_024, 4_096];

#[test]
fn the_engine_never_allocates() {
    let sent = run_engine(BLOCKS, false);
    assert!(sent > 10_000, "{sent}");
}

#[test]
fn the_plugin_never_allocates() {
    let sent = run_plugin(BLOCKS, false);
    assert!(sent > 10_000, "{sent}");
}

/// The abort that the two tests above rely on. In a program of its own, because it ends it.
#[test]
#[cfg(unix)]
fn an_allocation_aborts() {
    use std::os::unix::process::ExitStatusExt as _;
    const SIGABRT: i32 = 6;

    for plant in ["planted_in_the_engine", "planted_in_the_plugin"] {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", plant, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&run.stdout);
        assert!(out.contains("before the plant"), "{plant}: {out}");
        assert_eq!(run.status.signal(), Some(SIGABRT), "{plant}: {out}");
    }
}

#[test]
#[ignore = "aborts the program: `an_allocation_aborts` runs it in one of its own"]
fn planted_in_the_engine() {
    run_engine(100, false);
    println!("before the plant");
    run_engine(100, true);
}

#[test]
#[ignore = "aborts the program: `an_allocation_aborts` runs it in one of its own"]
fn planted_in_the_plugin() {
    run_plugin(100, false);
    println!("before the plant");
    run_plugin(100, true);
}

/// Plays `blocks` odd blocks through the engine with a real worker beside it. The events that came out.
fn run_engine(blocks: u32, plant: bool) -> usize {
    let (audio_end, worker_end) = pair::pair();
    let mut improviser = Improviser::new(audio_end, SampleRate::new(RATE));
    let worker = Worker::spawn(worker_end, Arc::new(ModelSlot::default())).unwrap();
    let mut sink = Counter { taken: 0, room: 0, plant };
    let mut host = Oddities::default();
    for i in 0..blocks {
        let (frames, transport, events) = host.next(i, FRAMES);
        let settings = Settings {
            mode: Mode::ALL[i as usize / 250 % Mode::ALL.len()],
            density: 1.0,
            active: i % 1_000 > 20,
            thru: i % 700 > 10,
            output: Channel::new((i / 300 % 16) as u8),
            swing: 0.7,
            humanise: (i % 2) as f32,
            chord_lock: i % 3_000 > 1_500,
            follow_key: i % 4_000 > 2_000,
            freeze: i % 2_000 > 1_800,
            hold: i % 2_200 > 2_100,
            key_switches: i % 6_000 > 3_000,
            ..Settings::default()
        };
        // Now and then the host takes little or nothing.
        sink.room = if i % 50 == 1 { sink.taken + 3 } else { usize::MAX };
        // A render waits for the worker; that must not allocate either.
        let block = Block { frames, transport, offline: i % 100 < 10, events: &events };
        assert_no_alloc(|| {
            if i % 999 == 0 {
                improviser.reset();
            }
            if i % 777 == 0 {
                improviser.panic();
            }
            improviser.process(&block, &settings, &mut sink);
        });
    }
    drop(worker);
    sink.taken
}

/// The same through the plugin, in this very program.
fn run_plugin(blocks: u32, plant: bool) -> usize {
    let mut rig = ClapHost::of(&clap_host::own_entry());
    rig.activate(false);
    rig.audio().set_guard(|call| assert_no_alloc(call));
    if plant {
        rig.audio().plant(|| drop(std::hint::black_box(vec![0_u8])));
    }
    let mut host = Oddities::default();
    let mut sent = 0;
    for i in 0..blocks {
        let (frames, transport, events) = host.next(i, FRAMES);
        let points = automation(i, frames);
        let offline = [(frames - 1, "render", f64::from(u8::from(i % 100 < 10)))];
        let automation: Vec<_> = points.into_iter().chain(offline).collect();
        // Without automation in most blocks: they are not split then.
        let automation = if i % 4 == 0 { &automation[..] } else { &[] };
        rig.set_room(if i % 50 == 1 { 3 } else { usize::MAX });
        if i % 999 == 998 {
            rig.reset();
        }
        let call = Call { frames, transport, events: &events, automation };
        sent += rig.process(&call).events.len();
    }
    rig.deactivate();
    sent
}

/// Counts what it takes. Allocates nothing, but for a plant.
struct Counter {
    taken: usize,
    room: usize,
    plant: bool,
}

impl Sink for Counter {
    fn send(&mut self, _: TimedMidi) -> bool {
        if self.plant {
            std::hint::black_box(vec![0_u8]);
        }
        let takes = self.taken < self.room;
        self.taken += usize::from(takes);
        takes
    }
}
