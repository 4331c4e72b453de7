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
use sideman::live::block::{Block, Sink, Transport};
use sideman::live::improviser::Improviser;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, SampleRate, Tempo};

#[path = "rig/clap_host.rs"]
mod clap_host;
#[expect(dead_code, reason = "of the rig this test needs only the blocks")]
#[path = "rig/host.rs"]
mod host;

use clap_host::ClapHost;
use host::{Call, Host as _, RATE};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Blocks of each test: minutes of music.
const BLOCKS: u32 = 20_000;

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
        let (frames, transport, events) = host.next(i);
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
        sink.room = if i % 50 == 0 { sink.taken + 3 } else { usize::MAX };
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
    rig.guard = |call| assert_no_alloc(call);
    if plant {
        rig.plant();
    }
    let mut host = Oddities::default();
    let mut sent = 0;
    for i in 0..blocks {
        let (frames, transport, events) = host.next(i);
        let automation = [
            (0, "density", 1.0),
            (frames / 3, "mode", f64::from(i / 250 % 5) / 4.0),
            (frames / 3, "swing", 0.5),
            (frames / 3, "humanise", f64::from(i % 3) / 2.0),
            (frames / 3, "freeze", f64::from(u8::from(i % 2_000 > 1_800))),
            (frames / 3, "hold", f64::from(u8::from(i % 2_200 > 2_100))),
            (frames / 3, "chord-lock", f64::from(u8::from(i % 3_000 > 1_500))),
            (frames / 3, "temperature", f64::from(i % 7) / 7.0),
            (frames / 2, "active", f64::from(u8::from(i % 1_000 > 20))),
            (frames / 2, "thru", f64::from(u8::from(i % 700 > 10))),
            (frames - 1, "output-channel", f64::from(i / 300 % 16) / 15.0),
            (frames - 1, "panic", f64::from(u8::from(i % 777 == 0))),
            (frames - 1, "render", f64::from(u8::from(i % 100 < 10))),
        ];
        // Without automation in most blocks: they are not split then.
        let automation = if i % 4 == 0 { &automation[..] } else { &[] };
        rig.set_room(if i % 50 == 0 { 3 } else { usize::MAX });
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

/// A host that rolls, stops, jumps, changes tempo and metre, and a player who plays, rests and floods.
#[derive(Default)]
struct Oddities {
    beats: f64,
    down: Option<(Channel, u8)>,
}

impl Oddities {
    fn next(&mut self, i: u32) -> (u32, Option<Transport>, Vec<TimedMidi>) {
        let frames = [512, 64, 1, 333, 1_024, 4_096][(i / 64 % 6) as usize];
        let tempo = 90.0 + f64::from(i / 2_000 % 5) * 40.0;
        let transport = Transport {
            playing: i % 900 > 60,
            tempo: (i % 1_300 > 40).then(|| Tempo::new(tempo)),
            position: (i % 1_700 > 100).then_some(Beats(self.beats)),
            bar_start: (!i.is_multiple_of(3)).then(|| Beats((self.beats / 3.0).floor() * 3.0)),
            meter: Meter { numerator: 3 + (i / 1_500 % 5) as u8, denominator: 4 },
        };
        let transport = (i % 2_500 > 300).then_some(transport);
        self.beats += f64::from(frames) / RATE * tempo / 60.0;
        if i % 611 == 610 {
            self.beats = f64::from(i % 97) - 7.3;
        }
        let mut events = Vec::new();
        let offset = i % frames;
        if i.is_multiple_of(5) {
            if let Some((channel, key)) = self.down.take() {
                events
                    .push(TimedMidi { offset, midi: Midi::NoteOff { channel, key, velocity: 0 } });
            }
            let (channel, key) = (Channel::new((i / 400 % 16) as u8), 40 + (i * 7 % 48) as u8);
            events.push(TimedMidi { offset, midi: Midi::NoteOn { channel, key, velocity: 90 } });
            self.down = Some((channel, key));
        }
        if i % 40 == 7 {
            let channel = Channel::new(0);
            let controls = [
                Midi::Control { channel, controller: 64, value: (i % 128) as u8 },
                Midi::PitchBend { channel, value: (i % 16_384) as u16 },
                Midi::Pressure { channel, value: (i % 128) as u8 },
                Midi::Control { channel, controller: 120 + (i / 40 % 8) as u8, value: 0 },
            ];
            events.extend(controls.map(|midi| TimedMidi { offset, midi }));
        }
        if i % 300 == 150 {
            // More than a batch, and not in order.
            events.extend((0..4_000_u32).map(|n| {
                let (channel, key) = (Channel::new((n / 250 % 16) as u8), (n / 2 % 120) as u8);
                let on = Midi::NoteOn { channel, key, velocity: 60 };
                let off = Midi::NoteOff { channel, key, velocity: 0 };
                TimedMidi { offset: n * 7 % frames, midi: if n % 2 == 0 { on } else { off } }
            }));
        }
        (frames, transport, events)
    }
}
