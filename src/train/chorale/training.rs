//! Trains a model on chorales: whole pieces side by side, in all keys, until held-out ones no longer gain.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{Keyboard, Nats, Teller, fill, measure, uniform};
use crate::data::frames::{Chorale, Chorales};
use crate::model::window::Window;
use crate::model::{LstmConfig, ModelError, Parameters};
use crate::train::TrainError;
use crate::train::adam::Adam;
use crate::train::shard::{self, Shard, Work};

/// Pieces that one thread carries. It decides the order of sums, so it is one for all machines.
const LANES: usize = 8;

/// Batches whose pieces are put in order of their lengths, so that there is little padding.
const POOL: usize = 4;

/// The longest gradient.
const CLIP: f64 = 1.0;

/// The model that is measured is a running mean of the trained one: what it keeps of itself at a step.
const KEEP: f32 = 0.98;

/// Semitones that a piece is moved at most, down and up.
const MOVES: std::ops::RangeInclusive<i32> = -6..=5;

/// How a model is trained.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ChoraleConfig {
    /// Its shape; what the keyboard decides is put in.
    pub model: LstmConfig,
    /// The keys.
    pub keyboard: Keyboard,
    /// Rounds over the pieces at most; the learning rate falls to 0 in the last.
    pub epochs: usize,
    /// Rounds without a gain after which it ends.
    pub patience: usize,
    /// Pieces side by side.
    pub batch: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Decides everything random.
    pub seed: u64,
}

/// A round is over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Epoch {
    /// Counted from 1.
    pub number: usize,
    /// Joint nats a frame in training, in moved keys and with dropout.
    pub train: f64,
    /// The held-out pieces.
    pub valid: Nats,
    /// Whether no earlier model was better.
    pub best: bool,
}

/// Trains on `chorales.train`, chooses by `chorales.valid`; gives the best model.
///
/// # Errors
/// [`TrainError`] when a setting is wrong or the loss runs away.
pub fn train(
    config: &ChoraleConfig,
    chorales: &Chorales,
    threads: usize,
    tell: &mut dyn FnMut(Epoch),
) -> Result<Parameters, TrainError> {
    let shape = config.keyboard.shape(config.model);
    let mut runner = Runner {
        config,
        shards: shards(shape, config.batch)?,
        average: Parameters::random(shape, config.seed)?,
        parameters: Parameters::random(shape, config.seed)?,
        adam: Adam::new(shape)?,
        random: ChaCha8Rng::seed_from_u64(config.seed),
        step: 0,
        threads,
    };
    let mut best: Option<(f64, Parameters)> = None;
    let mut waited = 0;
    for number in 1..=config.epochs {
        let train = runner.epoch(&chorales.train, number)?;
        let teller = Teller::new(config.keyboard, &runner.average);
        let valid = measure(&teller, &chorales.valid, None, threads)?;
        let gain = best.as_ref().is_none_or(|(nats, _)| valid.joint < *nats);
        waited = if gain { 0 } else { waited + 1 };
        if gain {
            best = Some((valid.joint, runner.average.clone()));
        }
        tell(Epoch { number, train, valid, best: gain });
        if waited > config.patience {
            break;
        }
    }
    Ok(best.map_or(runner.average, |(_, parameters)| parameters))
}

fn shards(shape: LstmConfig, batch: usize) -> Result<Vec<Shard>, ModelError> {
    let mut shards = Vec::new();
    for first in (0..batch).step_by(LANES) {
        shards.extend(shard::cut(shape, 1, LANES.min(batch - first))?);
    }
    Ok(shards)
}

struct Runner<'a> {
    config: &'a ChoraleConfig,
    shards: Vec<Shard>,
    parameters: Parameters,
    average: Parameters,
    adam: Adam,
    random: ChaCha8Rng,
    step: u64,
    threads: usize,
}

impl Runner<'_> {
    /// One round; gives the nats a frame.
    fn epoch(&mut self, pieces: &[Chorale], number: usize) -> Result<f64, TrainError> {
        let mut order: Vec<usize> = (0..pieces.len()).collect();
        for i in (1..order.len()).rev() {
            let other = (uniform(&mut self.random) * (i + 1) as f64) as usize;
            order.swap(i, other.min(i));
        }
        for pool in order.chunks_mut(POOL * self.config.batch) {
            pool.sort_by_key(|i| told(&pieces[*i]));
        }
        let batches = order.len().div_ceil(self.config.batch);
        let (mut nats, mut frames) = (0.0, 0);
        for (i, batch) in order.chunks(self.config.batch).enumerate() {
            let batch: Vec<&Chorale> = batch.iter().map(|i| &pieces[*i]).collect();
            let done = (number - 1) as f64 + i as f64 / batches as f64;
            let left = 1.0 - done / self.config.epochs as f64;
            nats += self.batch(&batch, self.config.learning_rate * left)?;
            frames += batch.iter().map(|p| p.len()).sum::<usize>();
        }
        Ok(nats / frames.max(1) as f64)
    }

    /// One step on pieces side by side; gives their nats.
    fn batch(&mut self, pieces: &[&Chorale], rate: f64) -> Result<f64, TrainError> {
        let keyboard = self.config.keyboard;
        for (shard, pieces) in self
            .shards
            .iter_mut()
            .zip(pieces.chunks(LANES).map(Some).chain(std::iter::repeat(None)))
        {
            let pieces = pieces.unwrap_or_default();
            let steps = pieces.iter().map(|p| told(p)).max().unwrap_or(1);
            let lanes = shard.window.lanes;
            shard.window = empty(keyboard, steps, lanes);
            shard.states.values_mut().fill(0.0);
            for (lane, piece) in pieces.iter().enumerate() {
                let semitones = move_of(keyboard, piece, uniform(&mut self.random));
                fill(keyboard, piece, semitones, &mut shard.window, lane);
            }
        }
        let tokens: f32 = self.shards.iter().map(|s| s.window.counted()).sum();
        let work = Work {
            seed: self.config.seed,
            step: self.step,
            scale: 1.0 / tokens.max(1.0),
            threads: self.threads,
        };
        let nats = shard::backward(&mut self.shards, &self.parameters, work)?;
        let length = self.adam.step(&mut self.parameters, &self.shards[0].gradients, rate, CLIP);
        if !nats.is_finite() || !length.is_finite() {
            return Err(TrainError::NotFinite(self.step));
        }
        self.step += 1;
        // The mean of the first steps must not remember how it all began.
        let keep = KEEP.min(self.step as f32 / (self.step as f32 + 10.0));
        for (mean, value) in self.average.values_mut().iter_mut().zip(self.parameters.values()) {
            *mean = keep * *mean + (1.0 - keep) * value;
        }
        Ok(nats)
    }
}

/// Tokens of a piece.
fn told(piece: &Chorale) -> usize {
    piece.iter().map(|frame| frame.len() + 1).sum()
}

/// By how many semitones a piece is moved: any that keep it on the keyboard, alike.
fn move_of(keyboard: Keyboard, piece: &Chorale, uniform: f64) -> i32 {
    let keys = || piece.iter().flatten().map(|k| i32::from(k - keyboard.low));
    let (lowest, highest) = (keys().min().unwrap_or(0), keys().max().unwrap_or(0));
    let from = (-lowest).max(*MOVES.start());
    let to = (keyboard.keys as i32 - 1 - highest).min(*MOVES.end());
    from + (uniform * f64::from(to - from + 1)) as i32
}

fn empty(keyboard: Keyboard, steps: usize, lanes: usize) -> Window {
    let n = steps * lanes;
    Window {
        steps,
        lanes,
        tokens: vec![0; n],
        places: vec![0; n],
        features: vec![0.0; n * 2 * keyboard.keys],
        targets: vec![0; n],
        weights: vec![0.0; n],
    }
}

impl ChoraleConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`TrainError::Config`] or the model's own error names the first that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.keyboard.shape(self.model).validate().map_err(|e: ModelError| TrainError::from(e))?;
        for (name, value, high) in
            [("--epochs", self.epochs, 100_000), ("--batch", self.batch, 1_024)]
        {
            if !(1..=high).contains(&value) {
                let text = format!("{name} is {value}, allowed are 1 to {high}");
                return Err(TrainError::Config(text));
            }
        }
        if !(1e-9..=1.0).contains(&self.learning_rate) {
            let text = format!("--lr is {}, allowed are 1e-9 to 1", self.learning_rate);
            return Err(TrainError::Config(text));
        }
        Ok(())
    }
}
