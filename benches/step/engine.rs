//! The engines: something that makes logits from what it is told next, and the shapes it is measured in.

use std::hint::black_box;
use std::time::Instant;

use candle_core::Device;
use sideman::infer::builtin;
use sideman::model::{CandleLstm, Lstm, LstmConfig, Parameters, Precision, State, StepInput};

/// Tokens that the windowed way runs through again for each new one.
const WINDOW: usize = 100;

/// More than the last cache of any desktop processor, to be walked through between cold steps.
const EVICTION_BYTES: usize = 256 << 20;

pub(crate) fn shapes() -> Vec<(&'static str, LstmConfig)> {
    vec![
        ("carried", *builtin::checkpoint().unwrap().parameters.config()),
        ("duet 2x256, 256 tokens", LstmConfig::default()),
        ("S 2x128, 300 tokens", shape(2, 128, 300)),
        ("M 2x256, 1000 tokens", shape(2, 256, 1_000)),
        ("L 3x512, 1000 tokens", shape(3, 512, 1_000)),
    ]
}

pub(crate) fn shape(layers: usize, width: usize, vocabulary: usize) -> LstmConfig {
    LstmConfig { vocabulary, embedding: width, hidden: width, layers, ..LstmConfig::default() }
}

/// Ways to make a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    PackedF32,
    PackedF16,
    Candle,
    CandleThreads,
    /// The last tokens all again for each new one.
    Window,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::PackedF32, Self::PackedF16, Self::Candle, Self::CandleThreads, Self::Window];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PackedF32 => "packed f32",
            Self::PackedF16 => "packed f16",
            Self::Candle => "candle, 1 thread",
            Self::CandleThreads => "candle, default threads",
            Self::Window => "candle, window of 100 again",
        }
    }

    /// It takes part in one round of so many: the slow one would take all day.
    pub(crate) const fn every(self) -> usize {
        if matches!(self, Self::Window) { 20 } else { 1 }
    }
}

/// Takes the number of the step and writes its logits.
type Step = Box<dyn FnMut(usize, &mut [f32])>;

pub(crate) struct Engine {
    pub(crate) kind: Kind,
    pub(crate) logits: Vec<f32>,
    step: Step,
    steps: usize,
}

impl Engine {
    pub(crate) fn new(kind: Kind, config: &LstmConfig) -> Self {
        let parameters = parameters(config);
        let features = features(config);
        let mut state = State::zeros(config);
        let logits = vec![0.0; config.vocabulary];
        let config = *config;
        let packed = |precision| Lstm::packed(&parameters, precision);
        let candle = || CandleLstm::new(&parameters, &Device::Cpu).unwrap();
        let step: Step = match kind {
            Kind::PackedF32 | Kind::PackedF16 => {
                let is_half = kind == Kind::PackedF16;
                let lstm = packed(if is_half { Precision::F16 } else { Precision::F32 });
                Box::new(move |n, logits| {
                    lstm.step(input(&config, n, &features), &mut state, logits).unwrap();
                })
            }
            Kind::Candle | Kind::CandleThreads => {
                let lstm = candle();
                Box::new(move |n, logits| {
                    lstm.step(input(&config, n, &features), &mut state, logits).unwrap();
                })
            }
            Kind::Window => {
                let lstm = candle();
                let features = features.repeat(WINDOW);
                Box::new(move |n, _| {
                    let inputs = (n..n + WINDOW).map(|n| input(&config, n, &[]));
                    let (tokens, places): (Vec<u16>, Vec<u8>) =
                        inputs.map(|i| (i.token, i.place)).unzip();
                    black_box(lstm.seq(&tokens, &places, &features).unwrap());
                })
            }
        };
        Self { kind, logits, step, steps: 0 }
    }

    pub(crate) fn run(&mut self) {
        self.steps += 1;
        (self.step)(self.steps, &mut self.logits);
        black_box(&self.logits);
    }

    /// A step, in microseconds.
    pub(crate) fn timed(&mut self) -> f64 {
        self.take_turn();
        let began = Instant::now();
        self.run();
        began.elapsed().as_secs_f64() * 1e6
    }

    /// Sets the number of threads that candle will find.
    pub(crate) fn take_turn(&self) {
        const NAME: &str = "RAYON_NUM_THREADS";
        // SAFETY: the pools' threads read no environment, and this one holds no reference into it.
        unsafe {
            match self.kind {
                Kind::CandleThreads => std::env::remove_var(NAME),
                _ => std::env::set_var(NAME, "1"),
            }
        }
    }
}

/// Weights of a shape: the same in every process.
pub(crate) fn parameters(config: &LstmConfig) -> Parameters {
    Parameters::random(*config, 1).unwrap()
}

/// What the ear holds: a third of it is not silence.
pub(crate) fn features(config: &LstmConfig) -> Vec<f32> {
    (0..config.features).map(|k| if k % 3 == 0 { 0.5 } else { 0.0 }).collect()
}

/// What step `n` is told.
pub(crate) fn input<'a>(config: &LstmConfig, n: usize, features: &'a [f32]) -> StepInput<'a> {
    let (token, place) = ((n * 31 % config.vocabulary) as u16, (n % config.places) as u8);
    StepInput { token, place, features }
}

/// Data that pushes everything else out of the caches.
pub(crate) struct Eviction(Vec<u64>);

impl Eviction {
    pub(crate) fn new() -> Self {
        Self(vec![1; EVICTION_BYTES / 8])
    }

    pub(crate) fn walk(&mut self) {
        for x in &mut self.0 {
            *x = x.wrapping_mul(3);
        }
        black_box(&self.0);
    }
}

pub(crate) fn quantile(times: &[f64], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share).round() as usize]
}
