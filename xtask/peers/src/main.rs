//! tract as a peer of `cargo xtask peers`: `sideman-peers FOLDER` serves the step of FOLDER/model.onnx on one
//! thread. How a peer is spoken to stands in `benches/step/peer.rs`.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use serde::Deserialize;
use tract_onnx::prelude::*;

/// As Cargo.toml pins it.
const TRACT: &str = "0.23.9";

const EVICTION_BYTES: usize = 256 << 20;

/// What the steps are told.
#[derive(Deserialize)]
struct Told {
    layers: usize,
    hidden: usize,
    tokens: Vec<i64>,
    places: Vec<i64>,
    features: Vec<f32>,
}

/// The network, with what it remembers.
struct Engine {
    plan: Box<dyn State>,
    told: Told,
    features: TValue,
    /// h and c of each layer.
    memory: TVec<TValue>,
    logits: TValue,
    steps: usize,
}

impl Engine {
    fn open(folder: &Path) -> TractResult<Self> {
        let path = folder.join("inputs.json");
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let told: Told = serde_json::from_slice(&text)?;
        let model = tract_onnx::onnx().model_for_path(folder.join("model.onnx"))?;
        let plan = Runnable::spawn(&model.into_optimized()?.into_runnable()?)?;
        let features = Tensor::from_shape(&[1, told.features.len()], &told.features)?;
        let zeros = || Ok(Tensor::zero::<f32>(&[1, 1, told.hidden])?.into_tvalue());
        let memory = (0..2 * told.layers).map(|_| zeros()).collect::<TractResult<_>>()?;
        let logits = Tensor::zero::<f32>(&[1])?.into_tvalue();
        Ok(Self { plan, told, features: features.into_tvalue(), memory, logits, steps: 0 })
    }

    fn run(&mut self) -> TractResult<()> {
        let n = self.steps % self.told.tokens.len();
        let mut inputs: TVec<TValue> = tvec![
            tensor1(&self.told.tokens[n..=n]).into_tvalue(),
            tensor1(&self.told.places[n..=n]).into_tvalue(),
            self.features.clone(),
        ];
        inputs.append(&mut self.memory);
        let mut outputs = self.plan.run(inputs)?;
        self.logits = outputs.remove(0);
        self.memory = outputs;
        self.steps += 1;
        Ok(())
    }

    /// A step, in nanoseconds.
    fn timed(&mut self) -> TractResult<u128> {
        let began = Instant::now();
        self.run()?;
        Ok(began.elapsed().as_nanos())
    }
}

fn main() -> TractResult<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).context("no folder given")?;
    let mut engine = Engine::open(&folder)?;
    let mut eviction = vec![1_u64; EVICTION_BYTES / 8];
    say(&["ready", TRACT])?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let command = words.next().unwrap_or_default();
        let numbers: Vec<usize> = words.map(str::parse).collect::<Result<_, _>>()?;
        match (command, &numbers[..]) {
            ("logits", &[steps]) => {
                (0..steps).try_for_each(|_| engine.run())?;
                say(engine.logits.try_as_plain_ram()?.as_slice::<f32>()?)?;
            }
            ("warm", &[before, steps]) => {
                (0..before).try_for_each(|_| engine.run())?;
                let times = (0..steps).map(|_| engine.timed());
                say(&times.collect::<TractResult<Vec<_>>>()?)?;
            }
            ("cold", &[steps]) => {
                let times = (0..steps).map(|_| {
                    for x in &mut eviction {
                        *x = x.wrapping_mul(3);
                    }
                    black_box(&eviction);
                    engine.timed()
                });
                say(&times.collect::<TractResult<Vec<_>>>()?)?;
            }
            _ => bail!("`{line}` is no command"),
        }
    }
    Ok(())
}

fn say(words: &[impl ToString]) -> std::io::Result<()> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", words.join(" "))?;
    out.flush()
}
