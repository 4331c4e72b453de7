//! `sideman-train bench`: training steps of both networks, timed in turns with candle's autograd and with PyTorch;
//! playing steps beside candle's; and reading a corpus.

mod autograd;
mod indexing;
mod playing;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::cli::train_args::{BenchArgs, BenchJob};
use crate::model::image::{Images, ResNet, ResNetConfig, Workspace};
use crate::model::{LstmConfig, Parameters};
use crate::train::adam::Adam;
use crate::train::sgd::Sgd;
use crate::train::shard::{self, Shard, Work};

/// PyTorch's side, handed to its interpreter as it is.
const RIVAL: &str = include_str!("bench/rival.py");
/// Sequences side by side and tokens of each, in a step of the LSTM.
const LANES: usize = 64;
const STEPS: usize = 100;
/// The images that the composer network is for.
const HEIGHT: usize = 70;
const WIDTH: usize = 400;
const CLASSES: usize = 7;

/// Times what was asked and prints a line for each job.
///
/// `allocations` counts those of the process so far.
pub(super) fn bench(args: &BenchArgs, threads: usize, allocations: fn() -> usize) -> Result<()> {
    if !args.json {
        println!("{threads} threads, {} rounds; medians", args.rounds);
    }
    let is_asked = |job| args.job.is_none_or(|asked| asked == job);
    let mut report = Map::new();
    report.insert("threads".to_owned(), threads.into());
    report.insert("rounds".to_owned(), args.rounds.into());
    if is_asked(BenchJob::Step) {
        report.insert("step".to_owned(), playing::measure(args, allocations)?);
    }
    if is_asked(BenchJob::Index) {
        report.insert("index".to_owned(), indexing::measure(args, threads)?);
    }
    let mut jobs = Vec::new();
    if is_asked(BenchJob::Lstm) {
        jobs.extend([256, 1_000].map(lstm));
    }
    if is_asked(BenchJob::Resnet) {
        jobs.extend([8, 72].map(resnet));
    }
    for (nth, job) in jobs.into_iter().enumerate() {
        report.insert(job.key.clone(), measure(&job, args, threads, nth == 0)?);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

/// Something to be timed on both sides.
struct Job {
    name: String,
    /// Its name in the JSON form.
    key: String,
    /// What is counted, and how many of it a step handles.
    unit: &'static str,
    count: usize,
    /// The words that tell PyTorch what to make.
    rival: Vec<String>,
    make: Box<dyn Fn(usize) -> Result<Step>>,
    /// The same by candle's autograd, where it can do it.
    by_candle: Option<Box<dyn Fn() -> Result<Step>>>,
}

/// One training step.
type Step = Box<dyn FnMut() -> Result<()>>;

/// The duet network with `vocabulary` tokens: embeddings, place and context in, two layers of 256, softmax and loss on
/// every token, back-propagation through the window, clipping, Adam. No dropout.
fn lstm(vocabulary: usize) -> Job {
    let config = LstmConfig { vocabulary, dropout: 0.0, ..LstmConfig::default() };
    let LstmConfig { places, features, hidden, layers, .. } = config;
    let sizes = [vocabulary, places, features, hidden, layers, STEPS, LANES];
    Job {
        name: format!("LSTM {layers}x{hidden}, {vocabulary} tokens, batch {LANES} x {STEPS}"),
        key: format!("lstm_{vocabulary}_tokens"),
        unit: "tokens",
        count: LANES * STEPS,
        rival: rival("lstm", &sizes),
        make: Box::new(move |threads| lstm_step(config, threads)),
        by_candle: Some(Box::new(move || autograd::step(config, STEPS, LANES))),
    }
}

fn lstm_step(config: LstmConfig, threads: usize) -> Result<Step> {
    let mut parameters = Parameters::random(config, 1)?;
    let mut adam = Adam::new(config)?;
    let mut shards = shard::cut(config, STEPS, LANES)?;
    for (nth, Shard { window, .. }) in shards.iter_mut().enumerate() {
        let mixed = |i: usize| (i + nth * 7_001) * 2_654_435_761 % 1_000_003;
        let numbers = window.tokens.iter_mut().zip(&mut window.targets).enumerate();
        for (i, (token, target)) in numbers {
            *token = (mixed(i) % config.vocabulary) as u16;
            *target = (mixed(i + 1) % config.vocabulary) as u16;
        }
        let places = window.places.iter_mut().enumerate();
        places.for_each(|(i, place)| *place = (i % config.places) as u8);
        let features = window.features.iter_mut().enumerate();
        features.for_each(|(i, x)| *x = f32::from(u8::from(mixed(i).is_multiple_of(3))));
        window.weights.fill(1.0);
    }
    let mut step = 0;
    Ok(Box::new(move || {
        let work = Work { seed: 1, step, scale: 1.0 / (LANES * STEPS) as f32, threads };
        let nats = shard::backward(&mut shards, &parameters, work)?;
        let length = adam.step(&mut parameters, &shards[0].gradients, 1e-3, 1.0);
        step += 1;
        check(nats + length)
    }))
}

/// ResNet-50 over grey images: forwards, loss, back, a step of SGD.
fn resnet(batch: usize) -> Job {
    Job {
        name: format!("ResNet-50, {HEIGHT} x {WIDTH}, batch {batch}"),
        key: format!("resnet50_batch_{batch}"),
        unit: "images",
        count: batch,
        rival: rival("resnet", &[CLASSES, batch, HEIGHT, WIDTH]),
        make: Box::new(move |threads| resnet_step(batch, threads)),
        by_candle: None,
    }
}

fn resnet_step(batch: usize, threads: usize) -> Result<Step> {
    let mut net = ResNet::random(ResNetConfig { depth: 50, classes: CLASSES, width: 64 }, 1)?;
    let mixed = |i: usize| (i * 2_654_435_761 % 1_000_003) as f32 / 500_001.5 - 1.0;
    let images = Images {
        height: HEIGHT,
        width: WIDTH,
        pixels: (0..batch * HEIGHT * WIDTH).map(mixed).collect(),
        labels: (0..batch).map(|i| (i % CLASSES) as u16).collect(),
    };
    let mut gradients = vec![0.0; net.values().len()];
    let mut workspace = Workspace::new(threads);
    let mut sgd = Sgd::new(1e-3, 0.0, 0.0);
    Ok(Box::new(move || {
        let score = workspace.train(&mut net, &images, &mut gradients)?;
        sgd.step(net.values_mut(), &gradients);
        check(score.nats)
    }))
}

fn check(number: f64) -> Result<()> {
    if number.is_finite() { Ok(()) } else { bail!("the loss is not a number") }
}

/// All sides in turns, after one step each that does not count. Memory is told for the first job of a process only: what
/// a job has given back stays with the process, and hides what the next one takes.
fn measure(job: &Job, args: &BenchArgs, threads: usize, is_first: bool) -> Result<Value> {
    let rival = args.python.as_ref().map(|python| Rival::start(python, threads, &job.rival));
    let rival = rival.transpose()?;
    let mut sides = vec![Side::new("Sideman", "", || (job.make)(threads))?];
    if let Some(make) = &job.by_candle {
        sides.push(Side::new("candle", "candle_", make)?);
    }
    if let Some(mut rival) = rival {
        rival.step()?;
        sides.push(Side::of_rival(rival));
    }
    for _ in 0..args.rounds.max(1) {
        for side in &mut sides {
            side.turn()?;
        }
    }
    let ours = std::mem::take(&mut sides[0].seconds);
    let mut found = Map::new();
    if !args.json {
        println!("\n{}", job.name);
    }
    for (nth, side) in sides.iter_mut().enumerate() {
        let seconds = if nth == 0 { &ours } else { &side.seconds };
        let mut ratios: Vec<f64> = seconds.iter().zip(&ours).map(|(a, b)| a / b).collect();
        let (rate, ratio) = (job.count as f64 / median(&mut seconds.clone()), median(&mut ratios));
        let key = side.key;
        found.insert(format!("{key}{}_per_s", job.unit), rate.into());
        if nth > 0 {
            found.insert(format!("{key}ratio"), ratio.into());
        }
        let peak_mb = side.peak_mb.filter(|_| is_first || key == "torch_");
        if let Some(mb) = peak_mb {
            found.insert(format!("{key}peak_mb"), mb.into());
        }
        if !args.json {
            let name = &side.name;
            let mb = peak_mb.map_or_else(String::new, |mb| format!(", {mb:.0} MB at most"));
            println!(
                "{name:>14}: {:.3} s/step, {rate:.1} {}/s{mb}, {ratio:.2} times our time",
                job.count as f64 / rate,
                job.unit
            );
        }
    }
    Ok(found.into())
}

/// One of those that take turns.
struct Side {
    name: String,
    /// What its figures' names begin with in the JSON form.
    key: &'static str,
    step: Turn,
    seconds: Vec<f64>,
    /// The most memory that it took over what was there before it, where the system tells it.
    peak_mb: Option<f64>,
}

/// One measured step: its seconds, and the peak memory if that is told anew.
type Turn = Box<dyn FnMut() -> Result<(f64, Option<f64>)>>;

impl Side {
    /// Makes one in this process and lets it do the step that does not count, at which its memory is taken.
    fn new(name: &str, key: &'static str, make: impl FnOnce() -> Result<Step>) -> Result<Self> {
        let base = memory::begin();
        let mut step = make()?;
        step()?;
        let peak_mb = base.and_then(memory::since);
        let turn = move || {
            let start = Instant::now();
            step()?;
            Ok((start.elapsed().as_secs_f64(), None))
        };
        Ok(Self { name: name.to_owned(), key, step: Box::new(turn), seconds: Vec::new(), peak_mb })
    }

    fn of_rival(mut rival: Rival) -> Self {
        let name = rival.name.clone();
        let turn = move || rival.step().map(|(seconds, mb)| (seconds, Some(mb)));
        Self { name, key: "torch_", step: Box::new(turn), seconds: Vec::new(), peak_mb: None }
    }

    fn turn(&mut self) -> Result<()> {
        let (seconds, mb) = (self.step)()?;
        self.seconds.push(seconds);
        self.peak_mb = mb.or(self.peak_mb);
        Ok(())
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get((values.len().max(1) - 1) / 2), values.get(values.len() / 2));
    low.zip(high).map_or(f64::NAN, |(a, b)| f64::midpoint(*a, *b))
}

fn rival(job: &str, sizes: &[usize]) -> Vec<String> {
    std::iter::once(job.to_owned()).chain(sizes.iter().map(ToString::to_string)).collect()
}

/// PyTorch in a process of its own.
struct Rival {
    name: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Rival {
    fn start(python: &Path, threads: usize, job: &[String]) -> Result<Self> {
        let mut process = Command::new(python)
            .args(["-c", RIVAL, &threads.to_string()])
            .args(job)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("--python {}", python.display()))?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (input, output) = pipes.context("--python: no pipes to the interpreter")?;
        let output = BufReader::new(output);
        let mut rival = Self { name: String::new(), process, input, output };
        let line = rival.line()?;
        let Some(version) = line.strip_prefix("ready ") else {
            bail!("--python {}: it says '{line}', not 'ready'", python.display());
        };
        rival.name = format!("torch {version}");
        Ok(rival)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("--python: the interpreter ended; it must be able to `import torch`");
        }
        Ok(line.trim().to_owned())
    }

    /// One step: its seconds, and the peak memory so far in MB over the base.
    fn step(&mut self) -> Result<(f64, f64)> {
        writeln!(self.input, "step").context("--python: the interpreter ended")?;
        let line = self.line()?;
        let (seconds, mb) = line.split_once(' ').context("--python: not two numbers")?;
        Ok((seconds.parse()?, mb.parse()?))
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        // It ends with its input; this is for one that hangs. Neither can fail in a way that matters here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The peak of our own memory, where the system tells it.
mod memory {
    /// Starts a new peak; gives the memory that is there already, in MB.
    pub(super) fn begin() -> Option<f64> {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        read("VmRSS")
    }

    /// The peak since then over what was there, in MB.
    pub(super) fn since(base: f64) -> Option<f64> {
        read("VmHWM").map(|peak| peak - base)
    }

    fn read(field: &str) -> Option<f64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with(field))?;
        Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1_024.0)
    }
}
