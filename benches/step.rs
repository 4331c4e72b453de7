//! One model step, from token to logits, by every engine we have: ours in both precisions, and candle as one would
//! write it. First a table from one run in which all engines take turns, so that whatever else the machine does
//! meets all of them alike: read its ratios. Then criterion's own statistics, engine by engine.
//!
//! `cargo bench --bench step`, and `cargo bench --bench step -- --test` for a look that takes a second.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first error and prints"
)]
#![allow(unsafe_code, reason = "candle takes its thread count from the environment alone")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use candle_core::Device;
use criterion::Criterion;
use sideman::infer::builtin;
use sideman::model::{CandleLstm, Lstm, LstmConfig, Parameters, Precision, State, StepInput};

/// Tokens that the windowed way runs through again for each new one.
const WINDOW: usize = 100;

/// More than the last cache of any desktop processor, to be walked through between cold steps.
const EVICTION_BYTES: usize = 256 << 20;

/// Steps of each engine before the table starts to count.
const WARM_UP: usize = 30;

fn main() {
    let is_test = std::env::args().any(|a| a == "--test");
    let shapes = shapes();
    for (name, config) in &shapes {
        let mut engines = engines(config);
        table(name, config, &mut engines, is_test);
    }
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for (name, config) in &shapes {
        let mut group = criterion.benchmark_group(*name);
        for engine in &mut engines(config) {
            if engine.every == 1 {
                engine.take_turn();
                group.bench_function(engine.name, |b| b.iter(|| engine.run()));
            }
        }
    }
    criterion.final_summary();
}

fn shapes() -> Vec<(&'static str, LstmConfig)> {
    let shape = |layers, width, vocabulary| LstmConfig {
        vocabulary,
        embedding: width,
        hidden: width,
        layers,
        ..LstmConfig::default()
    };
    vec![
        ("carried", *builtin::checkpoint().unwrap().parameters.config()),
        ("duet 2x256, 256 tokens", LstmConfig::default()),
        ("S 2x128, 300 tokens", shape(2, 128, 300)),
        ("M 2x256, 1000 tokens", shape(2, 256, 1_000)),
        ("L 3x512, 1000 tokens", shape(3, 512, 1_000)),
    ]
}

/// Something that makes logits from what it is told next.
struct Engine {
    name: &'static str,
    /// candle's threads; `None` for its default.
    threads: Option<u32>,
    /// It takes part in one round of so many: the slow ones would take all day.
    every: usize,
    step: Box<dyn FnMut(usize)>,
    steps: usize,
}

impl Engine {
    fn run(&mut self) {
        self.steps += 1;
        (self.step)(self.steps);
    }

    fn timed(&mut self) -> f64 {
        self.take_turn();
        let began = Instant::now();
        self.run();
        began.elapsed().as_secs_f64() * 1e6
    }

    /// Sets the number of threads that candle will find.
    fn take_turn(&self) {
        const NAME: &str = "RAYON_NUM_THREADS";
        // SAFETY: the pools' threads read no environment, and this one holds no reference into it.
        unsafe {
            match self.threads {
                Some(n) => std::env::set_var(NAME, n.to_string()),
                None => std::env::remove_var(NAME),
            }
        }
    }
}

fn engines(config: &LstmConfig) -> Vec<Engine> {
    let parameters = Parameters::random(*config, 1).unwrap();
    let features = features(config);
    let config = *config;
    let packed = |name, precision| {
        let lstm = Lstm::packed(&parameters, precision);
        let (mut state, mut logits) = (State::zeros(&config), vec![0.0; config.vocabulary]);
        let features = features.clone();
        let step = move |n: usize| {
            lstm.step(input(&config, n, &features), &mut state, &mut logits).unwrap();
            black_box(&logits);
        };
        Engine { name, threads: Some(1), every: 1, step: Box::new(step), steps: 0 }
    };
    let candle = |name, threads| {
        let lstm = CandleLstm::new(&parameters, &Device::Cpu).unwrap();
        let (mut state, mut logits) = (State::zeros(&config), vec![0.0; config.vocabulary]);
        let features = features.clone();
        let step = move |n: usize| {
            lstm.step(input(&config, n, &features), &mut state, &mut logits).unwrap();
            black_box(&logits);
        };
        Engine { name, threads, every: 1, step: Box::new(step), steps: 0 }
    };
    let window = {
        let lstm = CandleLstm::new(&parameters, &Device::Cpu).unwrap();
        let features = features.repeat(WINDOW);
        let step = move |n: usize| {
            let tokens: Vec<u16> =
                (n..n + WINDOW).map(|t| (t * 31 % config.vocabulary) as u16).collect();
            let places: Vec<u8> = (n..n + WINDOW).map(|t| (t % config.places) as u8).collect();
            black_box(lstm.seq(&tokens, &places, &features).unwrap());
        };
        let name = "candle, window of 100 again";
        Engine { name, threads: Some(1), every: 20, step: Box::new(step), steps: 0 }
    };
    vec![
        packed("packed f32", Precision::F32),
        packed("packed f16", Precision::F16),
        candle("candle, 1 thread", Some(1)),
        candle("candle, default threads", None),
        window,
    ]
}

/// What the ear holds: a third of it is not silence.
fn features(config: &LstmConfig) -> Vec<f32> {
    (0..config.features).map(|k| if k % 3 == 0 { 0.5 } else { 0.0 }).collect()
}

fn input<'a>(config: &LstmConfig, n: usize, features: &'a [f32]) -> StepInput<'a> {
    let (token, place) = ((n * 31 % config.vocabulary) as u16, (n % config.places) as u8);
    StepInput { token, place, features }
}

/// Measures all engines in turns, warm and cold, and prints times and ratios.
fn table(name: &str, config: &LstmConfig, engines: &mut [Engine], is_test: bool) {
    let (warm_rounds, cold_rounds) = if is_test { (2, 1) } else { (600, 60) };
    let mut eviction = vec![1_u64; EVICTION_BYTES / 8];
    for engine in &mut *engines {
        engine.take_turn();
        (0..WARM_UP / engine.every).for_each(|_| engine.run());
    }
    let warm = rounds(engines, warm_rounds, |engine| {
        // What the engine before it has left in the caches is not this one's.
        engine.take_turn();
        engine.run();
    });
    let cold = rounds(engines, cold_rounds, |_| {
        for x in &mut eviction {
            *x = x.wrapping_mul(3);
        }
        black_box(&eviction);
    });
    println!("\n{name}: {} parameters; microseconds a step", config.parameters());
    println!("{:<28}       p50       min       p99     ratio      cold     ratio", "engine");
    let (unit, cold_unit) = (quantile(&warm[0], 0.5), quantile(&cold[0], 0.5));
    for (engine, (warm, cold)) in engines.iter().zip(warm.iter().zip(&cold)) {
        let (p50, cold) = (quantile(warm, 0.5), quantile(cold, 0.5));
        let (min, p99) = (quantile(warm, 0.0), quantile(warm, 0.99));
        let (ratio, cold_ratio) = (p50 / unit, cold / cold_unit);
        println!(
            "{:<28}{p50:>10.1}{min:>10.1}{p99:>10.1}{ratio:>10.2}{cold:>10.1}{cold_ratio:>10.2}",
            engine.name
        );
    }
}

/// The times of each engine, one for each round it took part in.
fn rounds(
    engines: &mut [Engine],
    rounds: usize,
    mut prepare: impl FnMut(&mut Engine),
) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); engines.len()];
    for round in 0..rounds {
        for (engine, times) in engines.iter_mut().zip(&mut times) {
            if round % engine.every == 0 {
                prepare(engine);
                times.push(engine.timed());
            }
        }
    }
    times
}

fn quantile(times: &[f64], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share).round() as usize]
}
