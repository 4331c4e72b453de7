//! One model step, from token to logits, by every engine we have: ours in both precisions, and candle as one would
//! write it. First a table from one run in which all engines take turns, so that whatever else the machine does
//! meets all of them alike: read its ratios. Then criterion's own statistics, engine by engine.
//!
//! `cargo bench --bench step`, and `cargo bench --bench step -- --test` for a look that takes a second.
//! `-- --plot FILE.svg` draws the step's cost against the size of the model, and nothing else.
//! `-- --export FOLDER` and `-- --serve ENGINE SHAPE` are for `cargo xtask peers`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first error and prints"
)]
#![allow(
    unsafe_code,
    reason = "candle takes its thread count from the environment alone; wide loads are asked for"
)]

mod bandwidth;
mod engine;
mod peer;
mod plot;

use std::path::Path;
use std::time::Duration;

use criterion::Criterion;
use engine::{Engine, Eviction, Kind, quantile, shapes};
use sideman::model::LstmConfig;

/// Steps of each engine before the table starts to count.
const WARM_UP: usize = 30;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|a| *a != "--bench").collect();
    match words[..] {
        ["--export", folder] => return peer::export(Path::new(folder)),
        ["--serve", engine, shape] => return peer::serve(engine, shape),
        ["--plot", file] => return plot::write(Path::new(file)),
        _ => {}
    }
    let is_test = words.contains(&"--test");
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
            if engine.kind.every() == 1 {
                engine.take_turn();
                group.bench_function(engine.kind.name(), |b| b.iter(|| engine.run()));
            }
        }
    }
    criterion.final_summary();
}

fn engines(config: &LstmConfig) -> Vec<Engine> {
    Kind::ALL.into_iter().map(|kind| Engine::new(kind, config)).collect()
}

/// Measures all engines in turns, warm and cold, and prints times and ratios.
fn table(name: &str, config: &LstmConfig, engines: &mut [Engine], is_test: bool) {
    let (warm_rounds, cold_rounds) = if is_test { (2, 1) } else { (600, 60) };
    let mut eviction = Eviction::new();
    for engine in &mut *engines {
        engine.take_turn();
        (0..WARM_UP / engine.kind.every()).for_each(|_| engine.run());
    }
    let warm = rounds(engines, warm_rounds, |engine| {
        // What the engine before it has left in the caches is not this one's.
        engine.take_turn();
        engine.run();
    });
    let cold = rounds(engines, cold_rounds, |_| eviction.walk());
    println!("\n{name}: {} parameters; microseconds a step", config.parameters());
    println!("{:<28}       p50       min       p99     ratio      cold     ratio", "engine");
    let (unit, cold_unit) = (quantile(&warm[0], 0.5), quantile(&cold[0], 0.5));
    for (engine, (warm, cold)) in engines.iter().zip(warm.iter().zip(&cold)) {
        let (p50, cold) = (quantile(warm, 0.5), quantile(cold, 0.5));
        let (min, p99) = (quantile(warm, 0.0), quantile(warm, 0.99));
        let (ratio, cold_ratio) = (p50 / unit, cold / cold_unit);
        println!(
            "{:<28}{p50:>10.1}{min:>10.1}{p99:>10.1}{ratio:>10.2}{cold:>10.1}{cold_ratio:>10.2}",
            engine.kind.name()
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
            if round % engine.kind.every() == 0 {
                prepare(engine);
                times.push(engine.timed());
            }
        }
    }
    times
}
