//! The whole audio callback of the program, keyboards to sound and letters to other instruments, plays without
//! allocating, and leaves nothing sounding.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::link::settings::Settings;
use sideman::music::event::{Channel, Midi};
use sideman::music::time::SampleRate;
use sideman::standalone::Part;
use sideman::standalone::act::{Act, Silent, lend};
use sideman::standalone::arrivals::arrivals;
use sideman::standalone::session::Session;
use sideman::standalone::stage::{Setup, Wish, build};
use sideman::standalone::tape::tape;
use sideman::standalone::wire::Wire;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Samples of a callback: none that fits the pieces.
const FRAMES: usize = 600;

#[test]
fn a_player_is_answered_without_an_allocation_and_nothing_hangs() {
    let rate = SampleRate::new(48_000.0);
    let settings = Settings { thru: true, follow_tempo: false, ..Settings::default() };
    let setup = Setup { settings, click: 1.0, send_clock: true, ..Setup::default() };
    let models = Arc::new(ModelSlot::new(ModelChoice::Builtin));
    let (mut stage, mut desk) = build(rate, setup, models).unwrap();
    let (head, tape) = tape(rate, 1).unwrap();
    stage.record(head);
    while desk.models().status().name.is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let (door, ring) = arrivals(rate);
    let mut act = Act::new(stage, ring, rate);
    let mut session = Session::new(rate);
    let (mut held, mut loudest) = (BTreeSet::new(), 0.0_f32);
    let start = Instant::now();
    let blocks = 1_200;
    for n in 0..blocks {
        let now = start + Duration::from_secs_f64((n * FRAMES) as f64 / rate.hertz());
        if n % 20 == 0 {
            let key = 60 + (n / 20 * 5 % 12) as u8;
            let channel = Channel::new(7);
            door.enter(now, Wire::Midi(Midi::NoteOn { channel, key, velocity: 90 }));
            let off = Midi::NoteOff { channel, key, velocity: 0 };
            door.enter(now + Duration::from_millis(180), Wire::Midi(off));
        }
        if n == blocks - 1 {
            assert!(desk.ask(Wish::Panic));
        }
        assert_no_alloc(|| {
            act.play(now, FRAMES, |_, left, right| {
                loudest = left.iter().chain(right).fold(loudest, |most, x| most.max(x.abs()));
            });
        });
        while let Some(heard) = desk.hear() {
            session.hear(&heard);
            let Some(midi) = heard.midi else { continue };
            match midi {
                Midi::NoteOn { channel, key, .. } => {
                    held.insert((channel.index(), key));
                }
                Midi::NoteOff { channel, key, .. } => {
                    held.remove(&(channel.index(), key));
                }
                _ => {}
            }
        }
        // The worker is given the time that the music would take; not all of it.
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(session.count(Part::Player), blocks / 20);
    assert!(session.count(Part::Machine) > 20, "{} notes", session.count(Part::Machine));
    assert_eq!(held, BTreeSet::new());
    assert!((0.02..1.0).contains(&loudest), "{loudest}");
    assert_eq!((desk.unheard(), tape.missed()), (0, 0));
    // What is on the tape is as long as the beats that were counted.
    let range = session.last_bars(4);
    let frames: u64 = session.strips(range).iter().map(|s| s.frames).sum();
    let beat = rate.hertz() * settings.tempo.seconds_per_beat();
    assert!((frames as f64 / beat - (range.to - range.from)).abs() < 0.01, "{frames} {range:?}");
    assert!((12.0..=16.0).contains(&(range.to - range.from)), "{range:?}");
}

#[test]
fn an_act_that_loses_its_clock_comes_back_and_plays_on() {
    let rate = SampleRate::new(48_000.0);
    let models = Arc::new(ModelSlot::new(ModelChoice::Builtin));
    let (stage, mut desk) = build(rate, Setup::default(), models).unwrap();
    let (door, ring) = arrivals(rate);
    let mut act = Box::new(Act::new(stage, ring, rate));
    let on = |key| Midi::NoteOn { channel: Channel::new(0), key, velocity: 90 };
    for key in [60, 64] {
        let (loan, back) = lend(act);
        let clock = Silent::start(loan).unwrap();
        assert!(door.enter(Instant::now(), Wire::Midi(on(key))));
        let patience = Instant::now();
        while desk.hear().is_none_or(|heard| heard.midi != Some(on(key))) {
            assert!(patience.elapsed() < Duration::from_secs(10), "{key} is not heard");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(back.try_recv().is_err(), "it is still lent");
        drop(clock);
        act = back.recv().unwrap();
    }
}
