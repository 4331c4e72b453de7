//! The step that plays, in both precisions, beside candle's in turns.

use std::time::Instant;

use anyhow::Result;
use candle_core::Device;
use serde_json::{Map, Value};

use super::{BenchArgs, check, median};
use crate::model::{
    CandleLstm, Lstm, LstmConfig, ModelError, Parameters, Precision, State, StepInput,
};

/// Layers, width and tokens of the shapes that the benchmarks name by a letter.
const SHAPES: [(&str, usize, usize, usize); 3] =
    [("S", 2, 128, 300), ("M", 2, 256, 1_000), ("L", 3, 512, 1_000)];

/// Steps of an engine in a round: the first ones bring its weights back into the caches and do not count.
const UNCOUNTED: usize = 5;
const COUNTED: usize = 20;

/// Medians in microseconds and allocations of a step, by shape and engine.
pub(super) fn measure(args: &BenchArgs, allocations: fn() -> usize) -> Result<Value> {
    let mut shapes = Map::new();
    for (name, layers, width, vocabulary) in SHAPES {
        let config = LstmConfig {
            vocabulary,
            embedding: width,
            hidden: width,
            layers,
            ..LstmConfig::default()
        };
        let times = shape(config, args.rounds.max(1), allocations)?;
        if !args.json {
            println!("\n{name}: step of {layers}x{width}, {vocabulary} tokens");
            for (engine, time, taken) in &times {
                let ratio = time / times[0].1;
                println!(
                    "{engine:>15}: {time:.1} us, {ratio:.2} times {}, {taken} allocations",
                    times[0].0
                );
            }
        }
        let mut found = Map::new();
        for (engine, time, taken) in times {
            found.insert(format!("{engine}_us"), time.into());
            // Of the packed step in either precision: the larger.
            let key = if engine == "candle" { "candle_allocations" } else { "allocations" };
            let most = found.get(key).and_then(Value::as_u64).unwrap_or(0).max(taken);
            found.insert(key.to_owned(), most.into());
        }
        shapes.insert(name.to_owned(), found.into());
    }
    Ok(shapes.into())
}

/// Each engine's name, its median in microseconds, and the most allocations of a step that counts.
fn shape(
    config: LstmConfig,
    rounds: usize,
    allocations: fn() -> usize,
) -> Result<[(&'static str, f64, u64); 3]> {
    let parameters = Parameters::random(config, 1)?;
    let packed = [Precision::F32, Precision::F16].map(|p| Lstm::packed(&parameters, p));
    let candle = CandleLstm::new(&parameters, &Device::Cpu)?;
    let [single, half] = &packed;
    let steps = rounds * COUNTED;
    let mut times = ["packed_f32", "packed_f16", "candle"]
        .map(|engine| (engine, Found { times: Vec::with_capacity(steps), allocations: 0 }));
    for _ in 0..rounds {
        turn(&config, &mut times[0].1, allocations, |i, s, l| single.step(i, s, l))?;
        turn(&config, &mut times[1].1, allocations, |i, s, l| half.step(i, s, l))?;
        turn(&config, &mut times[2].1, allocations, |i, s, l| candle.step(i, s, l))?;
    }
    Ok(times.map(|(engine, mut found)| (engine, median(&mut found.times), found.allocations)))
}

/// What is known of an engine.
struct Found {
    /// Microseconds of each step that counts.
    times: Vec<f64>,
    /// The most that one of them took.
    allocations: u64,
}

/// Steps from the state of silence; those that count go to `found`.
fn turn(
    config: &LstmConfig,
    found: &mut Found,
    allocations: fn() -> usize,
    step: impl Fn(StepInput<'_>, &mut State, &mut [f32]) -> Result<(), ModelError>,
) -> Result<()> {
    // A third of what the ear holds is not silence.
    let features: Vec<f32> =
        (0..config.features).map(|k| if k % 3 == 0 { 0.5 } else { 0.0 }).collect();
    let mut state = State::zeros(config);
    let mut logits = vec![0.0; config.vocabulary];
    for n in 0..UNCOUNTED + COUNTED {
        let token = (n * 31 % config.vocabulary) as u16;
        let place = (n % config.places) as u8;
        let (before, began) = (allocations(), Instant::now());
        step(StepInput { token, place, features: &features }, &mut state, &mut logits)?;
        if n >= UNCOUNTED {
            found.times.push(began.elapsed().as_secs_f64() * 1e6);
            found.allocations = found.allocations.max((allocations() - before) as u64);
        }
    }
    check(f64::from(logits.iter().sum::<f32>()))
}
