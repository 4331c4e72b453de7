//! Polyphony frame by frame: what sounds at each time step is a set of keys, told from low to high and closed by an end.
//!
//! By the chain rule the probabilities of all sets that may come next sum to one: each is told in one way only, and
//! keys that do not lie above the last one told have none. So the nats of a frame are those of the joint distribution of
//! its keys. From the same model come the probabilities of single keys, each with all the others summed out: the
//! measure of models that toss a coin for each key.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::data::frames::{Chorale, Frame};
use crate::data::parallel::in_parallel;
use crate::model::window::Window;
use crate::model::{Lstm, LstmConfig, ModelError, Parameters, Precision, State, StepInput};

pub mod training;

/// Keys told of a frame that the model's place tells apart; more are all the same.
const VOICES: usize = 8;
/// Time steps after which the place comes again: a bar of quarters, were there no upbeat.
const STEPS: usize = 4;

/// The keys that frames are made of; the token after the last of them is the end of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keyboard {
    /// The lowest, as a MIDI number.
    pub low: u8,
    /// How many.
    pub keys: usize,
}

impl Default for Keyboard {
    /// A piano's.
    fn default() -> Self {
        Self { low: 21, keys: 88 }
    }
}

impl Keyboard {
    /// The shape of a model for it.
    pub fn shape(self, config: LstmConfig) -> LstmConfig {
        LstmConfig {
            vocabulary: self.keys + 1,
            places: VOICES * STEPS,
            features: 2 * self.keys,
            ..config
        }
    }

    const fn end(self) -> u16 {
        self.keys as u16
    }

    fn token(self, key: u8) -> u16 {
        u16::from(key - self.low)
    }
}

/// A place in a piece, between two tokens.
#[derive(Clone, Debug)]
struct Place {
    keyboard: Keyboard,
    /// Frames told.
    frames: usize,
    /// Keys told of this one.
    told: usize,
    /// The last token.
    last: u16,
    /// The keys of this frame that were told, then those of the one before: 0 or 1.
    features: Vec<f32>,
}

impl Place {
    fn new(keyboard: Keyboard) -> Self {
        let features = vec![0.0; 2 * keyboard.keys];
        Self { keyboard, frames: 0, told: 0, last: keyboard.end(), features }
    }

    fn number(&self) -> u8 {
        (self.told.min(VOICES - 1) + VOICES * (self.frames % STEPS)) as u8
    }

    /// Whether a token may come here.
    fn allows(&self, token: u16) -> bool {
        token == self.keyboard.end() || self.told == 0 || token > self.last
    }

    fn push(&mut self, token: u16) {
        let (now, before) = self.features.split_at_mut(self.keyboard.keys);
        if token == self.keyboard.end() {
            before.copy_from_slice(now);
            now.fill(0.0);
            self.frames += 1;
            self.told = 0;
        } else {
            now[usize::from(token)] = 1.0;
            self.told += 1;
        }
        self.last = token;
    }

    fn input(&self) -> StepInput<'_> {
        StepInput { token: self.last, place: self.number(), features: &self.features }
    }
}

/// The tokens of a frame.
fn tokens(keyboard: Keyboard, frame: &Frame) -> impl Iterator<Item = u16> + '_ {
    frame.iter().map(move |key| keyboard.token(*key)).chain([keyboard.end()])
}

/// Writes a piece, moved by semitones, into one lane of a window; gives the tokens. The rest of the lane is padding.
fn fill(keyboard: Keyboard, piece: &Chorale, semitones: i32, window: &mut Window, lane: usize) {
    let mut place = Place::new(keyboard);
    let moved = |t: u16| if t == keyboard.end() { t } else { (i32::from(t) + semitones) as u16 };
    let mut told = piece.iter().flat_map(|frame| tokens(keyboard, frame)).map(moved);
    let width = 2 * keyboard.keys;
    for t in 0..window.steps {
        let at = t * window.lanes + lane;
        let target = told.next();
        window.tokens[at] = place.last;
        window.places[at] = place.number();
        window.features[at * width..][..width].copy_from_slice(&place.features);
        window.targets[at] = target.unwrap_or(0);
        window.weights[at] = if target.is_some() { 1.0 } else { 0.0 };
        if let Some(target) = target {
            place.push(target);
        }
    }
}

/// A model that tells frames.
#[derive(Debug)]
pub struct Teller {
    keyboard: Keyboard,
    net: Lstm,
}

/// Where a piece has come to: before a frame, or within it.
#[derive(Clone, Debug)]
struct Heard {
    place: Place,
    state: State,
    /// The probability of each token here.
    next: Vec<f64>,
}

impl Teller {
    /// A model with these weights.
    pub fn new(keyboard: Keyboard, parameters: &Parameters) -> Self {
        Self { keyboard, net: Lstm::packed(parameters, Precision::F32) }
    }

    fn begin(&self) -> Result<Heard, ModelError> {
        let place = Place::new(self.keyboard);
        let next = vec![0.0; self.keyboard.keys + 1];
        let mut heard = Heard { place, state: State::zeros(self.net.config()), next };
        self.step(&mut heard)?;
        Ok(heard)
    }

    /// Hears where the place has come to, and says what may come next.
    fn step(&self, heard: &mut Heard) -> Result<(), ModelError> {
        let mut logits = vec![0.0; self.keyboard.keys + 1];
        self.net.step(heard.place.input(), &mut heard.state, &mut logits)?;
        let allowed = |token: usize| heard.place.allows(token as u16);
        let highest = (0..logits.len()).filter(|t| allowed(*t)).map(|t| logits[t]);
        let highest = highest.fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (token, p) in heard.next.iter_mut().enumerate() {
            let weight = f64::from(logits[token] - highest).exp();
            *p = if heard.place.allows(token as u16) { weight } else { 0.0 };
            sum += *p;
        }
        heard.next.iter_mut().for_each(|p| *p /= sum);
        Ok(())
    }

    fn push(&self, heard: &mut Heard, token: u16) -> Result<(), ModelError> {
        heard.place.push(token);
        self.step(heard)
    }

    /// Hears a frame and gives its nats.
    fn hear(&self, heard: &mut Heard, frame: &Frame) -> Result<f64, ModelError> {
        let mut nats = 0.0;
        for token in tokens(self.keyboard, frame) {
            nats -= heard.next[usize::from(token)].ln();
            self.push(heard, token)?;
        }
        Ok(nats)
    }

    /// The probability of each key in the next frame, whatever the others: the mean, over frames that the model makes
    /// up, of what it holds of the key as it tells them.
    fn keys(
        &self,
        heard: &Heard,
        samples: usize,
        random: &mut ChaCha8Rng,
    ) -> Result<Vec<f64>, ModelError> {
        let mut keys = vec![0.0; self.keyboard.keys];
        let mut made_up = heard.clone();
        for _ in 0..samples.max(1) {
            made_up.clone_from(heard);
            loop {
                keys.iter_mut().zip(&made_up.next).for_each(|(k, p)| *k += p);
                let token = choose(&made_up.next, uniform(random));
                if token == self.keyboard.end() {
                    break;
                }
                self.push(&mut made_up, token)?;
            }
        }
        for key in &mut keys {
            *key /= samples.max(1) as f64;
        }
        Ok(keys)
    }
}

/// A token by its probability.
fn choose(next: &[f64], uniform: f64) -> u16 {
    let mut left = uniform;
    let chosen = next.iter().position(|p| {
        left -= p;
        left < 0.0
    });
    // Rounding may leave a little: the end of the frame is always allowed.
    chosen.unwrap_or(next.len() - 1) as u16
}

fn uniform(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / (f64::from(u32::MAX) + 1.0)
}

/// Means over all time steps of some pieces.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Nats {
    /// Time steps.
    pub frames: usize,
    /// Nats a time step of the joint distribution of the keys.
    pub joint: f64,
    /// Nats a time step where each key is a coin toss, given the past; `None` when it was not asked for.
    pub keys: Option<f64>,
}

/// How the probabilities of single keys are told: from frames that the model makes up at each time step, and, where those
/// say too little, from how often each key sounds at all, which counts as one frame more.
#[derive(Clone, PartialEq, Debug)]
pub struct Tossing {
    samples: usize,
    frequencies: Vec<f64>,
}

impl Tossing {
    /// From so many frames, at least one, and from the keys of the pieces that were trained on.
    pub fn new(samples: usize, keyboard: Keyboard, train: &[Chorale]) -> Self {
        let mut frequencies = vec![0.5; keyboard.keys];
        for key in train.iter().flatten().flatten() {
            frequencies[usize::from(keyboard.token(*key))] += 1.0;
        }
        let frames = train.iter().map(Vec::len).sum::<usize>() + 1;
        for frequency in &mut frequencies {
            *frequency /= frames as f64;
        }
        Self { samples: samples.max(1), frequencies }
    }

    /// Nats of a frame, each key a coin toss with the estimated probability. Nothing is ever certain.
    fn nats(&self, keyboard: Keyboard, keys: &[f64], frame: &Frame) -> f64 {
        let samples = self.samples as f64;
        let nats = keys.iter().zip(&self.frequencies).enumerate().map(|(key, (p, frequency))| {
            let p = ((samples * p + frequency) / (samples + 1.0)).min(1.0 - 0.5 / (samples + 1.0));
            let sounds = frame.contains(&(keyboard.low + key as u8));
            -(if sounds { p } else { 1.0 - p }).ln()
        });
        nats.sum()
    }
}

/// Measures pieces, single keys only where it is said how. The same on any number of threads.
///
/// # Errors
/// [`ModelError::Input`] when the model is not for this keyboard.
pub fn measure(
    teller: &Teller,
    pieces: &[Chorale],
    tossing: Option<&Tossing>,
    threads: usize,
) -> Result<Nats, ModelError> {
    let numbered: Vec<(u64, &Chorale)> = (0..).zip(pieces).collect();
    let of_pieces = in_parallel(&numbered, threads, |(number, piece)| {
        let mut random = ChaCha8Rng::seed_from_u64(*number);
        let mut heard = teller.begin()?;
        let (mut joint, mut keys) = (0.0, 0.0);
        for frame in *piece {
            if let Some(tossing) = tossing {
                let p = teller.keys(&heard, tossing.samples, &mut random)?;
                keys += tossing.nats(teller.keyboard, &p, frame);
            }
            joint += teller.hear(&mut heard, frame)?;
        }
        Ok::<_, ModelError>((joint, keys))
    });
    let frames = pieces.iter().map(Vec::len).sum();
    let mut sum = (0.0, 0.0);
    for of_piece in of_pieces {
        let (joint, keys) = of_piece?;
        sum = (sum.0 + joint, sum.1 + keys);
    }
    let mean = |nats: f64| nats / frames as f64;
    Ok(Nats { frames, joint: mean(sum.0), keys: tossing.map(|_| mean(sum.1)) })
}

#[cfg(test)]
mod tests;
