//! The engine's parts by themselves: what the worker does when a tick closes, what the audio thread does in a
//! block, notes to tokens and back, and the networks in training: sequences and convolutions, forwards and back.
//!
//! `cargo bench --bench engine`, and `-- --test` to see that each of them runs.
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first error")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sideman::infer::builtin;
use sideman::infer::net::playable;
use sideman::infer::session::Session;
use sideman::link::message::{ToAudio, ToWorker};
use sideman::link::pair::{WorkerEnd, pair};
use sideman::link::settings::{Mode, Settings};
use sideman::live::block::{Block, Sink, Transport};
use sideman::live::improviser::Improviser;
use sideman::model::image::{self, Images, ResNet, ResNetConfig};
use sideman::model::network::{Prepared, Training, Workspace};
use sideman::model::window::{LaneStates, Window};
use sideman::model::{LstmConfig, Parameters};
use sideman::music::decode::decode;
use sideman::music::encode::encode;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::note::{Note, Voice};
use sideman::music::pitch::Pitch;
use sideman::music::time::{Bars, Beats, Meter, SampleRate, Tempo, Tick};

const RATE: f64 = 48_000.0;
const FRAMES: u32 = 256;
const TEMPO: f64 = 126.0;

/// Ticks, a beat has twelve, from one key of the player to the next.
const KEY_TICKS: i64 = 6;

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    closed_tick(&mut criterion);
    block(&mut criterion);
    tokens(&mut criterion);
    sequence(&mut criterion);
    convolutions(&mut criterion);
    criterion.final_summary();
}

/// A session with the model that Sideman carries, at the start of a take.
fn session(out: &mut Vec<ToAudio>) -> Session {
    let mut session = Session::new(playable(&builtin::checkpoint().unwrap()).unwrap());
    session.handle(ToWorker::Settings(settings()), out);
    session.handle(ToWorker::Take { era: 1, tick: Tick(0), bars: Bars::default(), shift: 0 }, out);
    session
}

fn settings() -> Settings {
    Settings { mode: Mode::Accompany, ..Settings::default() }
}

/// The worker: a tick closes, with a key of the player in one of six. What it had planned is planned anew.
fn closed_tick(criterion: &mut Criterion) {
    let mut out = Vec::new();
    let mut session = session(&mut out);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut tick = Tick(0);
    let mut next = |has_key: bool| {
        let pitch = Pitch::new(60 + (random.next_u32() % 20) as u8);
        if has_key {
            session.handle(ToWorker::Heard { id: 0, tick, pitch, velocity: 80 }, &mut out);
        }
        let began = Instant::now();
        session.handle(ToWorker::Closed { tick }, &mut out);
        let took = began.elapsed();
        if has_key {
            session.handle(ToWorker::Released { tick, pitch }, &mut out);
        }
        // Until the next tick the worker would be as far ahead as it may be.
        while session.speculate(&mut out) {}
        black_box(&out);
        out.clear();
        tick = tick.plus(1);
        took
    };
    let mut group = criterion.benchmark_group("session, closed tick");
    group.bench_function("with a key", |b| {
        b.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    for _ in 1..KEY_TICKS {
                        next(false);
                    }
                    next(true)
                })
                .sum()
        });
    });
    group.bench_function("without", |b| {
        b.iter_custom(|times| {
            (0..times)
                .map(|n| {
                    if n as i64 % (KEY_TICKS - 1) == 0 {
                        next(true);
                    }
                    next(false)
                })
                .sum()
        });
    });
}

/// The audio thread: a block of 256 at 48 kHz. The worker answers between the blocks, on the same thread.
fn block(criterion: &mut Criterion) {
    let (audio, mut worker) = pair();
    let mut improviser = Improviser::new(audio, SampleRate::new(RATE));
    let mut out = Vec::new();
    let mut session = session(&mut out);
    let (mut sample, mut random) = (0_u64, ChaCha8Rng::seed_from_u64(2));
    let mut next = || {
        let channel = Channel::new(0);
        let key = 48 + (random.next_u32() % 36) as u8;
        let event = |offset, midi| TimedMidi { offset, midi };
        let events = [
            event(0, Midi::NoteOn { channel, key, velocity: 80 }),
            event(FRAMES - 1, Midi::NoteOff { channel, key, velocity: 0 }),
        ];
        let events = if random.next_u32().is_multiple_of(19) { &events[..] } else { &[] };
        let transport = Transport {
            playing: true,
            tempo: Some(Tempo::new(TEMPO)),
            position: Some(Beats(sample as f64 / RATE * TEMPO / 60.0)),
            bar_start: Some(Beats(0.0)),
            meter: Meter::default(),
        };
        let block = Block { frames: FRAMES, transport: Some(transport), offline: false, events };
        let began = Instant::now();
        improviser.process(&block, &settings(), &mut Nowhere);
        let took = began.elapsed();
        sample += u64::from(FRAMES);
        answer(&mut worker, &mut session, &mut out);
        took
    };
    criterion.bench_function("improviser, block of 256", |b| {
        b.iter_custom(|times| (0..times).map(|_| next()).sum());
    });
}

/// What the worker's thread does.
fn answer(worker: &mut WorkerEnd, session: &mut Session, out: &mut Vec<ToAudio>) {
    while let Some(message) = worker.receive() {
        session.handle(message, out);
    }
    while session.speculate(out) {}
    assert!(worker.send_all(out), "the audio thread is there");
    out.clear();
}

struct Nowhere;

impl Sink for Nowhere {
    fn send(&mut self, event: TimedMidi) -> bool {
        black_box(event);
        true
    }
}

/// A piece of a thousand notes to tokens, and back.
fn tokens(criterion: &mut Criterion) {
    const NOTES: usize = 1_000;
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut onset = Tick(0);
    let notes: Vec<Note> = (0..NOTES)
        .map(|n| {
            onset = onset.plus(1 + i64::from(random.next_u32() % 12));
            Note {
                onset,
                pitch: Pitch::new(40 + (random.next_u32() % 50) as u8),
                voice: if n % 3 == 0 { Voice::Player } else { Voice::Machine },
                velocity: 1 + (random.next_u32() % 127) as u8,
                duration: 1 + i64::from(random.next_u32() % 48),
            }
        })
        .collect();
    let encoded = encode(Tick(0), &notes);
    let mut group = criterion.benchmark_group("tokens of 1000 notes");
    group.throughput(Throughput::Elements(NOTES as u64));
    group.bench_function("encode", |b| b.iter(|| encode(Tick(0), black_box(&notes))));
    group.bench_function("decode", |b| b.iter(|| decode(Tick(0), black_box(&encoded))));
}

/// The duet's network, 2x256, over 8 lanes of 64 tokens on one thread.
fn sequence(criterion: &mut Criterion) {
    const STEPS: usize = 64;
    const LANES: usize = 8;
    const TOKENS: usize = STEPS * LANES;
    let config = LstmConfig::default();
    let parameters = Parameters::random(config, 1).unwrap();
    let window = Window {
        steps: STEPS,
        lanes: LANES,
        tokens: (0..TOKENS).map(|n| (n * 31 % config.vocabulary) as u16).collect(),
        places: (0..TOKENS).map(|n| (n % config.places) as u8).collect(),
        features: (0..TOKENS * config.features).map(|n| f32::from(u8::from(n % 3 == 0))).collect(),
        targets: (0..TOKENS).map(|n| (n * 17 % config.vocabulary) as u16).collect(),
        weights: vec![1.0; TOKENS],
    };
    let prepared = Prepared::new(&parameters);
    let mut workspace = Workspace::default();
    let mut states = LaneStates::zeros(&config, LANES);
    let mut gradients = Parameters::zeros(config).unwrap();
    let mut group = criterion.benchmark_group("sequence 2x256, 8 lanes of 64 tokens");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("forward", |b| {
        b.iter(|| workspace.run(&prepared, &window, &mut states, None).unwrap());
    });
    let mut stream = 0;
    group.bench_function("forward and back", |b| {
        b.iter(|| {
            stream += 1;
            let scale = 1.0 / TOKENS as f32;
            let training = Training { seed: 1, stream, scale, gradients: &mut gradients };
            workspace.run(&prepared, &window, &mut states, Some(training)).unwrap()
        });
    });
}

/// The convolutions, norms and pools of a small residual network on rows of sheet music, one thread.
fn convolutions(criterion: &mut Criterion) {
    const BATCH: usize = 2;
    const PIXELS: usize = BATCH * 70 * 400;
    let mut net = ResNet::random(ResNetConfig { depth: 18, classes: 7, width: 64 }, 1).unwrap();
    let images = Images {
        height: 70,
        width: 400,
        pixels: (0..PIXELS).map(|n| (n * 31 % 101) as f32 / 50.5 - 1.0).collect(),
        labels: (0..BATCH as u16).collect(),
    };
    let mut gradients = vec![0.0; net.values().len()];
    let mut workspace = image::Workspace::new(1);
    let mut group = criterion.benchmark_group("ResNet-18, 2 images of 70 x 400");
    group.sample_size(10).throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("forward and back", |b| {
        b.iter(|| workspace.train(&mut net, &images, &mut gradients).unwrap());
    });
}
