//! What holds for every host and every player.

use std::sync::Arc;

use proptest::prelude::*;
use sideman::infer::builtin;
use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::infer::net::{Net, playable};
use sideman::infer::worker::Worker;
use sideman::link::pair::pair;
use sideman::link::settings::{Grid, Mode, Settings};
use sideman::live::block::{Block, Transport};
use sideman::live::improviser::Improviser;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::pitch::{Pitch, PitchClass};
use sideman::music::scale::Scale;
use sideman::music::time::{Beats, Meter, SampleRate, Tempo};

use crate::bench::{At, Bench, RATE, Restless, Tape, notes};

const MACHINE: Channel = Channel::new(1);

/// A player who plays for `seconds`, from a seed.
pub(crate) fn player(seed: u64, seconds: f64) -> Vec<At> {
    let mut events = Vec::new();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let mut at = 10_000;
    while at < (seconds * RATE) as u64 {
        let key = 60 + next(20) as u8;
        let length = 2_000 + next(20_000);
        let channel = Channel::new(0);
        events.push((at, Midi::NoteOn { channel, key, velocity: 40 + next(80) as u8 }));
        events.push((at + length, Midi::NoteOff { channel, key, velocity: 0 }));
        at += length + next(12_000) + if next(9) == 0 { 60_000 } else { 0 };
    }
    events.sort_by_key(|e| e.0);
    events
}

pub(crate) fn transport(sample: u64, tempo: f64) -> Transport {
    Transport {
        playing: true,
        tempo: Some(Tempo::new(tempo)),
        position: Some(Beats(sample as f64 / RATE * tempo / 60.0)),
        bar_start: Some(Beats(0.0)),
        meter: Meter::default(),
    }
}

pub(crate) fn slice(events: &[At], from: u64, frames: u32) -> Vec<TimedMidi> {
    events
        .iter()
        .filter(|e| (from..from + u64::from(frames)).contains(&e.0))
        .map(|e| TimedMidi { offset: (e.0 - from) as u32, midi: e.1 })
        .collect()
}

/// Plays live, with a worker that is always in time.
pub(crate) fn live(
    net: Arc<dyn Net>,
    events: &[At],
    frames: u32,
    seconds: f64,
    settings: &Settings,
    host: bool,
) -> Vec<At> {
    let mut bench = Bench::new(net);
    while bench.sample < (seconds * RATE) as u64 {
        let at = bench.sample;
        let transport = host.then(|| transport(at, 126.0));
        bench.block(frames, transport, settings, &slice(events, at, frames));
    }
    bench.improviser.panic();
    bench.block(frames, None, settings, &[]);
    bench.out
}

/// Plays an offline render with a real worker thread.
pub(crate) fn bounce(events: &[At], frames: u32, seconds: f64, settings: &Settings) -> Vec<At> {
    let (audio, worker_end) = pair();
    let slot = Arc::new(ModelSlot::new(ModelChoice::Builtin));
    let _worker = Worker::spawn(worker_end, slot).unwrap();
    let mut improviser = Improviser::new(audio, SampleRate::new(RATE));
    let mut out = Vec::new();
    let mut sample = 0;
    while sample < (seconds * RATE) as u64 {
        let mut tape = Tape::default();
        let events = slice(events, sample, frames);
        let block = Block {
            frames,
            transport: Some(transport(sample, 126.0)),
            offline: true,
            events: &events,
        };
        improviser.process(&block, settings, &mut tape);
        out.extend(tape.block.iter().map(|e| (sample + u64::from(e.offset), e.midi)));
        sample += u64::from(frames);
    }
    let mut tape = Tape::default();
    improviser.panic();
    improviser.process(
        &Block { frames, transport: None, offline: true, events: &[] },
        settings,
        &mut tape,
    );
    out.extend(tape.block.iter().map(|e| (sample + u64::from(e.offset), e.midi)));
    let late = improviser.meter().late_plans.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(late, 0, "an offline render waits");
    out
}

pub(crate) fn until(events: &[At], seconds: f64) -> Vec<At> {
    events.iter().copied().filter(|e| e.0 < (seconds * RATE) as u64).collect()
}

#[test]
fn the_block_size_changes_nothing() {
    for mode in Mode::ALL {
        for host in [true, false] {
            let settings =
                Settings { mode, trade_bars: 2, swing: 0.6, humanise: 0.5, ..Settings::default() };
            let events = player(7, 40.0);
            let reference = live(Arc::new(Restless), &events, 64, 40.0, &settings, host);
            let machine = notes(&reference).iter().filter(|n| n.0 == MACHINE).count();
            assert!(machine > 20, "{mode:?} played {machine}");
            for frames in [1, 17, 256, 480] {
                if frames == 1 && mode != Mode::Accompany {
                    continue; // The slowest case once is enough.
                }
                let other = live(Arc::new(Restless), &events, frames, 40.0, &settings, host);
                assert_eq!(
                    until(&other, 39.0),
                    until(&reference, 39.0),
                    "{mode:?} at {frames}, host {host}"
                );
            }
        }
    }
}

#[test]
fn what_you_heard_is_what_you_bounce() {
    let net = playable(&builtin::checkpoint().unwrap()).unwrap();
    let events = player(3, 30.0);
    for mode in Mode::ALL {
        let settings = Settings { mode, seed: 5, ..Settings::default() };
        let heard = live(Arc::clone(&net), &events, 128, 30.0, &settings, true);
        assert!(notes(&heard).iter().any(|n| n.0 == MACHINE), "{mode:?}");
        for frames in [32, 1_000, 4_096] {
            let bounced = bounce(&events, frames, 30.0, &settings);
            assert_eq!(until(&bounced, 29.0), until(&heard, 29.0), "{mode:?} at {frames}");
        }
    }
}

#[test]
fn another_seed_plays_other_notes_and_the_same_seed_the_same() {
    let net: Arc<dyn Net> = playable(&builtin::checkpoint().unwrap()).unwrap();
    let events = player(11, 20.0);
    let play = |seed| {
        live(Arc::clone(&net), &events, 256, 20.0, &Settings { seed, ..Settings::default() }, true)
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

/// What a host may do to us between two blocks.
#[derive(Clone, Debug)]
enum Whim {
    Roll(u32),
    Stop,
    Seek(f64),
    Tempo(f64),
    Meter(u8, u8),
    Mode(Mode),
    Bypass(bool),
    Thru(bool),
    Output(u8),
    Input(Option<u8>),
    Scale(u8, usize),
    Register(u8, u8),
    Polyphony(u8),
    Reaction(u8),
    Panic,
    Reset,
    Swap,
    Flood(u16),
    Chord(u8, bool),
    Pedal(bool),
    Refuse(Option<u8>),
    Hold(bool),
    Freeze(bool),
    Feel(u8, u8, usize),
    Locks(bool, bool),
    Switches(bool),
    Trade(u8, bool),
}

fn whim() -> impl Strategy<Value = Whim> {
    prop_oneof![
        20 => (1..2_000_u32).prop_map(Whim::Roll),
        1 => Just(Whim::Stop),
        2 => (-8.0..200.0_f64).prop_map(Whim::Seek),
        2 => (20.0..400.0_f64).prop_map(Whim::Tempo),
        1 => (1..13_u8, prop_oneof![Just(2_u8), Just(4), Just(8), Just(16)]).prop_map(|(n, d)| Whim::Meter(n, d)),
        2 => (0..Mode::ALL.len()).prop_map(|i| Whim::Mode(Mode::ALL[i])),
        1 => any::<bool>().prop_map(Whim::Bypass),
        1 => any::<bool>().prop_map(Whim::Thru),
        1 => (0..16_u8).prop_map(Whim::Output),
        1 => proptest::option::of(0..16_u8).prop_map(Whim::Input),
        1 => (0..12_u8, 0..14_usize).prop_map(|(k, s)| Whim::Scale(k, s)),
        1 => (0..128_u8, 0..128_u8).prop_map(|(a, b)| Whim::Register(a, b)),
        1 => (0..20_u8).prop_map(Whim::Polyphony),
        1 => (0..14_u8).prop_map(Whim::Reaction),
        1 => Just(Whim::Panic),
        1 => Just(Whim::Reset),
        1 => Just(Whim::Swap),
        1 => (1..1_000_u16).prop_map(Whim::Flood),
        10 => (0..128_u8, any::<bool>()).prop_map(|(k, d)| Whim::Chord(k, d)),
        1 => any::<bool>().prop_map(Whim::Pedal),
        1 => proptest::option::of(0..5_u8).prop_map(Whim::Refuse),
        1 => any::<bool>().prop_map(Whim::Hold),
        1 => any::<bool>().prop_map(Whim::Freeze),
        1 => (0..11_u8, 0..11_u8, 0..Grid::ALL.len()).prop_map(|(s, h, g)| Whim::Feel(s, h, g)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(k, c)| Whim::Locks(k, c)),
        1 => any::<bool>().prop_map(Whim::Switches),
        1 => (1..5_u8, any::<bool>()).prop_map(|(b, m)| Whim::Trade(b, m)),
    ]
}

/// Runs the whims and holds the laws that hold at every moment; gives the seconds played.
fn endure(whims: &[Whim]) -> f64 {
    let mut bench = Bench::new(Arc::new(Restless));
    let mut settings = Settings { output: Channel::new(15), ..Settings::default() };
    let mut beats = 0.0;
    let mut tempo = 120.0;
    let mut meter = Meter::default();
    let mut playing = false;
    let mut pending: Vec<TimedMidi> = Vec::new();
    let mut limits: Vec<(u64, Settings)> = Vec::new();
    let one = Channel::new(0);
    for whim in whims {
        match *whim {
            Whim::Roll(blocks) => {
                playing |= blocks % 3 != 0;
                for i in 0..blocks % 40 {
                    let frames = [32, 256, 1_024, 0, 4_096][((blocks + i) % 5) as usize];
                    let transport = (blocks % 7 != 0).then_some(Transport {
                        playing,
                        tempo: Some(Tempo::new(tempo)),
                        position: (blocks % 11 != 0).then_some(Beats(beats)),
                        bar_start: None,
                        meter,
                    });
                    limits.push((bench.sample, settings.sane()));
                    bench.block(frames, transport, &settings, &pending);
                    pending.clear();
                    beats += f64::from(frames) / RATE * tempo / 60.0;
                }
            }
            Whim::Stop => playing = false,
            Whim::Seek(to) => beats = to,
            Whim::Tempo(to) => tempo = to,
            Whim::Meter(numerator, denominator) => meter = Meter { numerator, denominator },
            Whim::Mode(mode) => settings.mode = mode,
            Whim::Bypass(off) => settings.active = !off,
            Whim::Thru(on) => settings.thru = on,
            Whim::Output(channel) => settings.output = Channel::new(channel),
            Whim::Input(channel) => settings.input = channel.map(Channel::new),
            Whim::Scale(key, scale) => {
                settings.key = PitchClass::new(key);
                settings.scale = Scale::ALL[scale];
            }
            Whim::Register(low, high) => {
                settings.register_low = Pitch::new(low);
                settings.register_high = Pitch::new(high);
            }
            Whim::Polyphony(n) => settings.polyphony = n,
            Whim::Reaction(n) => settings.reaction = n,
            Whim::Panic => bench.improviser.panic(),
            Whim::Reset => bench.improviser.reset(),
            Whim::Swap => bench.swap_net(Arc::new(Restless)),
            Whim::Flood(n) => {
                for i in 0..n {
                    let key = (i % 128) as u8;
                    let midi = if i % 3 == 2 {
                        Midi::NoteOff { channel: one, key, velocity: 0 }
                    } else {
                        Midi::NoteOn { channel: one, key, velocity: 1 + (i % 127) as u8 }
                    };
                    pending.push(TimedMidi { offset: u32::from(i), midi });
                }
            }
            Whim::Chord(key, down) => {
                let midi = if down {
                    Midi::NoteOn { channel: one, key, velocity: 90 }
                } else {
                    Midi::NoteOff { channel: one, key, velocity: 0 }
                };
                pending.push(TimedMidi { offset: pending.last().map_or(0, |e| e.offset), midi });
            }
            Whim::Pedal(down) => pending.push(TimedMidi {
                offset: pending.last().map_or(0, |e| e.offset),
                midi: Midi::Control {
                    channel: one,
                    controller: 64,
                    value: if down { 127 } else { 0 },
                },
            }),
            Whim::Hold(on) => settings.hold = on,
            Whim::Freeze(on) => settings.freeze = on,
            Whim::Feel(swing, humanise, grid) => {
                settings.swing = f32::from(swing) / 10.0;
                settings.humanise = f32::from(humanise) / 10.0;
                settings.grid = Grid::ALL[grid];
            }
            Whim::Locks(key, chord) => {
                settings.follow_key = key;
                settings.chord_lock = chord;
            }
            Whim::Switches(on) => settings.key_switches = on,
            Whim::Trade(bars, first) => {
                settings.trade_bars = bars;
                settings.machine_first = first;
            }
            Whim::Refuse(room) => bench.tape.room = room.map(usize::from),
        }
    }
    // The host takes events again, and everything that was started ends.
    bench.tape.room = None;
    bench.improviser.panic();
    limits.push((bench.sample, settings.sane()));
    bench.block(512, None, &settings, &[]);
    assert!(bench.improviser.is_silent());
    let all = notes(&bench.out);
    // A note-off that the host refuses sounds on until it is taken: only then may there be more.
    let refused = if whims.iter().any(|w| matches!(w, Whim::Refuse(Some(_)))) { 64 } else { 0 };
    let machine: Vec<_> = all.iter().filter(|n| n.0 != one).collect();
    for (channel, key, _, from, _) in all.iter().filter(|n| n.0 != one) {
        let (_, s) = limits[limits.partition_point(|l| l.0 <= *from) - 1];
        let pitch = Pitch::new(*key);
        assert_eq!(*channel, s.output);
        assert!(s.permits(pitch), "register or scale: {pitch} at {from}");
        let sounding = machine.iter().filter(|n| n.3 <= *from && n.4 > *from).count();
        assert!(sounding <= usize::from(s.polyphony) + refused, "{sounding} notes at {from}");
    }
    bench.sample as f64 / RATE
}

/// Seconds of music that random hosts play in one run; `SIDEMAN_LONG=n` multiplies them.
const ENDURANCE_SECONDS: f64 = 3_600.0;

#[test]
fn no_host_and_no_player_can_make_a_note_hang() {
    let times = std::env::var("SIDEMAN_LONG").ok().and_then(|n| n.parse::<f64>().ok());
    let goal = ENDURANCE_SECONDS * times.unwrap_or(1.0).max(1.0);
    let config =
        ProptestConfig { failure_persistence: None, cases: 8, ..ProptestConfig::default() };
    let played = std::cell::Cell::new(0.0);
    while played.get() < goal {
        let mut runner = proptest::test_runner::TestRunner::new(config.clone());
        let hosts = prop::collection::vec(whim(), 1..400);
        let outcome = runner.run(&hosts, |whims| {
            played.set(played.get() + endure(&whims));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("after {:.0} s of music: {error}\n{runner}", played.get());
        }
    }
    println!("{:.0} s of music under random hosts", played.get());
}
