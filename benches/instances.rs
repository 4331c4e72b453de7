//! Sixteen instances in one process, as on a full session: one audio thread that runs them all in each block,
//! paced by the clock, and a worker thread for each. The whole engine plays; only the plugin format around it is
//! left out.
//!
//! `cargo bench --bench instances`; `SIDEMAN_BENCH_SECONDS=600` plays longer than a minute each, and
//! `-- --test` two seconds. The shares of the processor are read where Linux counts them for each thread.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first error and prints"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use sideman::infer::model_slot::ModelSlot;
use sideman::infer::worker::Worker;
use sideman::link::histogram::Histogram;
use sideman::link::meter::Meter as Counters;
use sideman::link::pair;
use sideman::link::settings::Settings;
use sideman::live::block::{Block, Sink, Transport};
use sideman::live::improviser::Improviser;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, SampleRate, Tempo};

const INSTANCES: usize = 16;
const RATE: u32 = 48_000;
const FRAMES: u32 = 256;

/// Samples of a beat at the tempo of the song, 120.
const BEAT: u32 = RATE / 2;

/// How long each scene lasts.
const SECONDS: f64 = 60.0;

/// Blocks after one that the host came too late for, until it has caught up.
const CATCH_UP: u32 = 8;

/// What goes on in the song.
#[derive(Clone, Copy, PartialEq)]
enum Scene {
    /// A melody in quavers over a triad on each beat, struck in all instances on the same samples.
    Playing,
    /// The transport rolls and nobody plays.
    Rolling,
    /// The transport stands.
    Stopped,
}

fn main() {
    let seconds = match std::env::var("SIDEMAN_BENCH_SECONDS") {
        _ if std::env::args().any(|a| a == "--test") => 2.0,
        Ok(text) => text.parse().unwrap(),
        Err(_) => SECONDS,
    };
    println!("{INSTANCES} instances, blocks of {FRAMES} at {RATE} Hz, {seconds} s each\n");
    println!(
        "| scene | notes | late plans, at the start | the host late | else | late notes | reaction p99, ms | longest | process p50, us | p99 | max \
         | all {INSTANCES}, max ms | blocks missed | audio, % | worker, % | worker max, % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, scene) in [
        ("all play", Scene::Playing),
        ("rolling, nobody plays", Scene::Rolling),
        ("stopped", Scene::Stopped),
    ] {
        println!("| {name} | {} |", run(scene, seconds));
    }
}

/// One instance, its host's half of the song and its times.
struct Instance {
    improviser: Improviser,
    settings: Settings,
    transpose: u8,
    models: Arc<ModelSlot>,
    _worker: Worker,
}

impl Instance {
    fn new(index: usize) -> Self {
        let (audio_end, worker_end) = pair::pair();
        let models = Arc::<ModelSlot>::default();
        Self {
            improviser: Improviser::new(audio_end, SampleRate::new(f64::from(RATE))),
            settings: Settings { seed: index as u32 + 1, ..Settings::default() },
            transpose: (index % 12) as u8,
            _worker: Worker::spawn(worker_end, Arc::clone(&models)).unwrap(),
            models,
        }
    }
}

/// Plays the scene in real time. The cells of its row. The tick on which a song begins may sound before a
/// worker can have heard of it, so what is late in the first half second stands apart. So does what is late when
/// the machine did not let the host run in time: it makes up for it in blocks that follow at once, in which no
/// time passes for a worker.
fn run(scene: Scene, seconds: f64) -> String {
    let mut instances: Vec<Instance> = (0..INSTANCES).map(Instance::new).collect();
    // Loading does not count.
    while instances.iter().any(|i| i.models.status().name.is_empty()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let blocks = (seconds * f64::from(RATE) / f64::from(FRAMES)) as u32;
    let period = f64::from(FRAMES) / f64::from(RATE);
    let mut times = Vec::with_capacity(blocks as usize * INSTANCES);
    let (mut longest, mut missed) = (Duration::ZERO, 0);
    let late = |instances: &[Instance]| -> u64 {
        instances.iter().map(|i| i.improviser.meter().late_plans.load(Relaxed)).sum()
    };
    // In the first half second, after a block that the host itself came too late for, and all others.
    let mut late_plans = [0; 3];
    let mut host_late = None;
    let mut events = Vec::with_capacity(16);
    let before = cpu_seconds();
    let began = Instant::now();
    for i in 0..blocks {
        let due = began + Duration::from_secs_f64(f64::from(i) * period);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if due.elapsed().as_secs_f64() > period {
            host_late = Some(i);
        }
        let start = u64::from(i) * u64::from(FRAMES);
        let transport = Transport {
            playing: scene != Scene::Stopped,
            tempo: Some(Tempo::new(120.0)),
            position: Some(Beats(start as f64 / f64::from(BEAT))),
            bar_start: None,
            meter: Meter::default(),
        };
        let mut all = Duration::ZERO;
        for instance in &mut instances {
            events.clear();
            if scene == Scene::Playing {
                play(start, instance.transpose, &mut events);
            }
            let block = Block {
                frames: FRAMES,
                transport: Some(transport),
                offline: false,
                events: &events,
            };
            let from = Instant::now();
            instance.improviser.process(&block, &instance.settings, &mut Everything);
            let time = from.elapsed();
            times.push(time.as_secs_f64() * 1e6);
            all += time;
        }
        longest = longest.max(all);
        // A host whose block is not done when the next is due drops out.
        let kind = match host_late {
            _ if start < u64::from(RATE / 2) => 0,
            Some(block) if i - block < CATCH_UP => 1,
            _ => 2,
        };
        late_plans[kind] += late(&instances) - late_plans.iter().sum::<u64>();
        missed += usize::from(due.elapsed().as_secs_f64() > 2.0 * period);
    }
    let wall = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(before).map(|(after, before)| after.since(&before));
    times.sort_unstable_by(f64::total_cmp);
    let quantile = |q: f64| times[((times.len() - 1) as f64 * q) as usize];
    let meters = || instances.iter().map(|i| i.improviser.meter());
    let sum = |count: fn(&Counters) -> u64| meters().map(count).sum::<u64>();
    let worst = |time: fn(&Histogram) -> Duration| {
        meters().map(|m| time(&m.reaction)).max().unwrap_or_default().as_secs_f64() * 1e3
    };
    let share = |seconds: f64| format!("{:.2}", seconds / wall * 100.0);
    let shares = cpu.map_or_else(
        || "- | - | -".to_owned(),
        |cpu| {
            let of_one = INSTANCES as f64;
            let [audio, workers] = [cpu.audio, cpu.workers].map(|s| share(s / of_one));
            format!("{audio} | {workers} | {}", share(cpu.busiest_worker))
        },
    );
    format!(
        "{} | {} | {} | {} | {} | {:.2} | {:.2} | {:.1} | {:.1} | {:.0} | {:.2} | {missed} | {shares}",
        sum(|m| m.notes.load(Relaxed)),
        late_plans[0],
        late_plans[1],
        late_plans[2],
        sum(|m| m.late_notes.load(Relaxed)),
        worst(|h| h.quantile(0.99).unwrap_or_default()),
        worst(Histogram::longest),
        quantile(0.5),
        quantile(0.99),
        quantile(1.0),
        longest.as_secs_f64() * 1e3,
    )
}

/// What falls on this block: eight quavers and four triads a bar, each let go a little before the next.
fn play(start: u64, transpose: u8, events: &mut Vec<TimedMidi>) {
    const MELODY: [u8; 16] = [72, 74, 76, 79, 77, 76, 74, 72, 71, 72, 74, 76, 74, 72, 71, 67];
    const TRIADS: [[u8; 3]; 4] = [[48, 52, 55], [45, 48, 52], [53, 57, 60], [43, 47, 50]];
    const QUAVER: u64 = BEAT as u64 / 2;
    const HELD: u64 = QUAVER - BEAT as u64 / 12;
    let channel = Channel::new(0);
    let mut push = |at: u64, on: bool, key: u8| {
        let (offset, key) = ((at - start) as u32, key + transpose);
        let velocity = 90;
        let midi = if on {
            Midi::NoteOn { channel, key, velocity }
        } else {
            Midi::NoteOff { channel, key, velocity }
        };
        events.push(TimedMidi { offset, midi });
    };
    for (after, on) in [(0, true), (HELD, false)] {
        let Some(first) = start.checked_sub(after).map(|s| s.next_multiple_of(QUAVER)) else {
            continue;
        };
        if first + after < start + u64::from(FRAMES) {
            let quaver = (first / QUAVER) as usize;
            push(first + after, on, MELODY[quaver % MELODY.len()]);
            if quaver.is_multiple_of(2) {
                for key in TRIADS[quaver / 8 % TRIADS.len()] {
                    push(first + after, on, key);
                }
            }
        }
    }
}

/// A host that takes everything.
struct Everything;

impl Sink for Everything {
    fn send(&mut self, _: TimedMidi) -> bool {
        true
    }
}

/// Seconds of processor time, of this thread and of the workers.
struct Cpu {
    audio: f64,
    workers: f64,
    busiest_worker: f64,
    each: Vec<(std::ffi::OsString, f64)>,
}

impl Cpu {
    fn since(&self, before: &Self) -> Self {
        let worker = |(id, seconds): &(_, f64)| {
            seconds - before.each.iter().find(|(other, _)| other == id).map_or(0.0, |b| b.1)
        };
        Self {
            audio: self.audio - before.audio,
            workers: self.workers - before.workers,
            busiest_worker: self.each.iter().map(worker).fold(0.0, f64::max),
            each: Vec::new(),
        }
    }
}

/// What Linux has counted so far; `None` elsewhere.
fn cpu_seconds() -> Option<Cpu> {
    let seconds = |path: &std::path::Path| -> Option<f64> {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
    };
    let is_worker = |path: &std::path::Path| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "sideman-worker")
    };
    let audio = seconds("/proc/thread-self".as_ref())?;
    let each: Vec<_> = std::fs::read_dir("/proc/self/task")
        .ok()?
        .filter_map(|task| Some(task.ok()?.path()))
        .filter(|path| is_worker(path))
        .filter_map(|path| Some((path.file_name()?.to_owned(), seconds(&path)?)))
        .collect();
    let workers = each.iter().map(|w| w.1).sum();
    Some(Cpu { audio, workers, busiest_worker: 0.0, each })
}
