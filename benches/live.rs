//! The live engine against the clock, with its own worker thread and the model that Sideman carries.
//!
//! First the reaction: a key goes into the ring, and the time runs until the answer that knows of it comes out; the
//! block that a host adds before and after is not in it. Then dense playing in real time, a mode after the other,
//! block by block as a sound card asks for them: a plan that is not there when its tick sounds is late.
//!
//! `cargo bench --bench live`, `-- --minutes 30` for a long concert, `-- --test` for a look that takes seconds.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first error and prints"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::infer::worker::Worker;
use sideman::link::message::{ToAudio, ToWorker};
use sideman::link::pair::{AudioEnd, pair};
use sideman::link::settings::{Mode, Settings};
use sideman::live::block::{Block, Sink, Transport};
use sideman::live::improviser::Improviser;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::pitch::Pitch;
use sideman::music::time::{Bars, Beats, Meter, SampleRate, Tempo, Tick};

const RATE: f64 = 48_000.0;
const FRAMES: u32 = 256;
const TEMPO: f64 = 126.0;

/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_test = arguments.iter().any(|a| a == "--test");
    let minutes = arguments.iter().position(|a| a == "--minutes");
    let minutes = minutes.and_then(|i| arguments.get(i + 1)?.parse().ok()).unwrap_or(1.0);
    let keys = if is_test { 20 } else { 600 };
    println!("{:<28} {:>8} {:>8} {:>8}  ms, of {keys} keys", "reaction", "p50", "p99", "longest");
    for (name, mode) in [
        ("harmonise: key to company", Mode::Harmonise),
        ("accompany: tick to plan", Mode::Accompany),
    ] {
        let mut times = reactions(mode, keys);
        times.sort_unstable();
        let at =
            |q: f64| times[((times.len() - 1) as f64 * q).round() as usize].as_secs_f64() * 1e3;
        println!("{name:<28} {:>8.2} {:>8.2} {:>8.2}", at(0.5), at(0.99), at(1.0));
    }
    concert(if is_test { 0.05 } else { minutes });
}

/// A worker with the model that Sideman carries.
fn worker() -> (AudioEnd, Worker) {
    let (audio, end) = pair();
    let worker = Worker::spawn(end, Arc::new(ModelSlot::new(ModelChoice::Builtin))).unwrap();
    (audio, worker)
}

/// The times from a key, or from the close of its tick, to the answer that knows of it. Between the keys the
/// machine is silent for some tens or hundreds of milliseconds, and so the caches are cold.
fn reactions(mode: Mode, keys: usize) -> Vec<Duration> {
    let (mut audio, _worker) = worker();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    assert!(audio.send(ToWorker::Settings(Settings { mode, ..Settings::default() })));
    assert!(audio.send(ToWorker::Take { era: 1, tick: Tick(0), bars: Bars::default(), shift: 0 }));
    until(&mut audio, |m| matches!(m, ToAudio::Ready { .. }));
    let mut times = Vec::new();
    for id in 0..keys as u32 {
        let tick = Tick(i64::from(id) * 3);
        let pitch = Pitch::new(60 + (random.next_u32() % 20) as u8);
        std::thread::sleep(Duration::from_millis(20 + u64::from(random.next_u32() % 280)));
        while audio.receive().is_some() {}
        let began = Instant::now();
        assert!(audio.send(ToWorker::Heard { id, tick, pitch, velocity: 80 }));
        if mode == Mode::Harmonise {
            until(&mut audio, |m| matches!(m, ToAudio::Company { id: of, .. } if of == id));
            times.push(began.elapsed());
            assert!(audio.send(ToWorker::Closed { tick: tick.plus(2) }));
        } else {
            let closed = tick.plus(2);
            assert!(audio.send(ToWorker::Closed { tick: closed }));
            until(&mut audio, |m| matches!(m, ToAudio::Ready { closed: c, .. } if c == closed));
            times.push(began.elapsed());
        }
        assert!(audio.send(ToWorker::Released { tick: tick.plus(2), pitch }));
    }
    times
}

fn until(audio: &mut AudioEnd, found: impl Fn(ToAudio) -> bool) {
    let began = Instant::now();
    while !audio.receive().is_some_and(&found) {
        assert!(began.elapsed() < PATIENCE, "no answer");
        std::thread::yield_now();
    }
}

/// Where the notes go.
struct Count(u64);

impl Sink for Count {
    fn send(&mut self, event: TimedMidi) -> bool {
        self.0 += u64::from(matches!(event.midi, Midi::NoteOn { .. }));
        true
    }
}

/// Plays blocks in real time to a player who strikes about ten keys a second.
fn concert(minutes: f64) {
    let (audio, _worker) = worker();
    let mut improviser = Improviser::new(audio, SampleRate::new(RATE));
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut sink = Count(0);
    let mut held: Vec<(u64, u8)> = Vec::new();
    let (mut played, mut overruns, mut longest) = (0_u64, 0_u64, Duration::ZERO);
    let blocks = (minutes * 60.0 * RATE / f64::from(FRAMES)) as u64;
    let period = Duration::from_secs_f64(f64::from(FRAMES) / RATE);
    // The worker loads its model first.
    std::thread::sleep(Duration::from_millis(500));
    let mut due = Instant::now();
    for block in 0..blocks {
        let sample = block * u64::from(FRAMES);
        let channel = Channel::new(0);
        let mut events = Vec::new();
        held.retain(|(until, key)| {
            if *until <= sample {
                let midi = Midi::NoteOff { channel, key: *key, velocity: 0 };
                events.push(TimedMidi { offset: 0, midi });
            }
            *until > sample
        });
        if random.next_u32() % 19 == 0 {
            let key = 48 + (random.next_u32() % 36) as u8;
            if held.iter().all(|(_, k)| *k != key) {
                let offset = random.next_u32() % FRAMES;
                let velocity = 40 + (random.next_u32() % 80) as u8;
                events.push(TimedMidi { offset, midi: Midi::NoteOn { channel, key, velocity } });
                held.push((sample + 2_400 + u64::from(random.next_u32() % 24_000), key));
                played += 1;
            }
        }
        // A minute in each mode, so that a long concert has them all.
        let mode =
            Mode::ALL[(block as f64 * period.as_secs_f64() / 60.0) as usize % Mode::ALL.len()];
        let settings = Settings { mode, trade_bars: 2, phrase_gap: 3, ..Settings::default() };
        let transport = Transport {
            playing: true,
            tempo: Some(Tempo::new(TEMPO)),
            position: Some(Beats(sample as f64 / RATE * TEMPO / 60.0)),
            bar_start: Some(Beats(0.0)),
            meter: Meter::default(),
        };
        let began = Instant::now();
        improviser.process(
            &Block { frames: FRAMES, transport: Some(transport), offline: false, events: &events },
            &settings,
            &mut sink,
        );
        longest = longest.max(began.elapsed());
        due += period;
        match due.checked_duration_since(Instant::now()) {
            Some(rest) => std::thread::sleep(rest),
            None => overruns += 1,
        }
    }
    let meter = improviser.meter();
    println!(
        "\n{minutes} min in real time, {FRAMES} frames at 48 kHz: {played} keys, {} notes of the machine",
        meter.notes.load(Relaxed)
    );
    println!(
        "late plans {}, late notes {}, unheard keys {}; blocks that this benchmark's own thread began late {overruns}",
        meter.late_plans.load(Relaxed),
        meter.late_notes.load(Relaxed),
        meter.unheard.load(Relaxed)
    );
    println!("longest block {:.3} ms; {}", longest.as_secs_f64() * 1e3, meter.times());
}
