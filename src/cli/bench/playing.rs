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

/// Medians in microseconds, by shape and engine.
pub(super) fn measure(args: &BenchArgs) -> Result<Value> {
    let mut shapes = Map::new();
    for (name, layers, width, vocabulary) in SHAPES {
        let config = LstmConfig {
            vocabulary,
            embedding: width,
            hidden: width,
            layers,
            ..LstmConfig::default()
        };
        let times = shape(config, args.rounds.max(1))?;
        if !args.json {
            println!("\n{name}: step of {layers}x{width}, {vocabulary} tokens");
            for (engine, time) in &times {
                let ratio = time / times[0].1;
                println!("{engine:>15}: {time:.1} us, {ratio:.2} times {}", times[0].0);
            }
        }
        let times = times.iter().map(|(engine, time)| (format!("{engine}_us"), Value::from(*time)));
        shapes.insert(name.to_owned(), times.collect::<Map<_, _>>().into());
    }
    Ok(shapes.into())
}

fn shape(config: LstmConfig, rounds: usize) -> Result<[(&'static str, f64); 3]> {
    let parameters = Parameters::random(config, 1)?;
    let packed = [Precision::F32, Precision::F16].map(|p| Lstm::packed(&parameters, p));
    let candle = CandleLstm::new(&parameters, &Device::Cpu)?;
    let [single, half] = &packed;
    let mut times =
        [("packed_f32", Vec::new()), ("packed_f16", Vec::new()), ("candle", Vec::new())];
    for _ in 0..rounds {
        turn(&config, &mut times[0].1, |i, s, l| single.step(i, s, l))?;
        turn(&config, &mut times[1].1, |i, s, l| half.step(i, s, l))?;
        turn(&config, &mut times[2].1, |i, s, l| candle.step(i, s, l))?;
    }
    Ok(times.map(|(engine, mut times)| (engine, median(&mut times))))
}

/// Steps from the state of silence; the microseconds of those that count go to `times`.
fn turn(
    config: &LstmConfig,
    times: &mut Vec<f64>,
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
        let began = Instant::now();
        step(StepInput { token, place, features: &features }, &mut state, &mut logits)?;
        if n >= UNCOUNTED {
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    check(f64::from(logits.iter().sum::<f32>()))
}
