//! The harmonist's network: from what is heard of a player ([`crate::music::hearing`]) to the chord that people would play
//! under him now, and to the classes that his line will have in the coming half bar.
//!
//! One small network looks at what is heard from each of the twelve roots in turn, and says for each how likely each quality is
//! on it, and the line on it. So it knows no key: music that is transposed is judged alike, to the last bit, and no piece has to
//! be shown in twelve keys.

pub mod checkpoint;
pub mod chooser;
#[cfg(feature = "train")]
pub mod lesson;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::config::{TensorSpec, lay_out};
use crate::model::parameters::normal;
use crate::music::harmony::Harmony;
use crate::music::hearing::{Inputs, SCALARS, VECTORS};
use crate::music::pitch::PitchClass;
use crate::music::scale::PitchSet;

/// Chords that are told apart on a root, as pitch classes above it: major, minor, dominant, major and minor seventh.
pub const QUALITIES: [u16; 5] =
    [0b1001_0001, 0b1000_1001, 0b100_1001_0001, 0b1000_1001_0001, 0b100_1000_1001];
/// Which of them have a minor third.
pub const IS_MINOR: [bool; QUALITIES.len()] = [false, true, false, false, true];
/// Numbers that come out for each root: one a quality, and the line's.
pub(crate) const OUTPUTS: usize = QUALITIES.len() + 1;

/// The widest layer that is read: some 20 times the one that comes with Sideman.
const MOST_UNITS: usize = 512;

/// A root and a place in [`QUALITIES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// The root.
    pub root: PitchClass,
    /// The quality.
    pub quality: usize,
}

impl Choice {
    /// A quality on a root, 0 for C.
    pub const fn new(root: usize, quality: usize) -> Self {
        Self { root: PitchClass::new((root % 12) as u8), quality }
    }

    /// The chord that stands closest to a symbol's in what it does: sixths, suspensions and ninths are their triads or sevenths,
    /// a diminished chord is the dominant whose root is left out, a half-diminished one the minor chord above its root. `None`
    /// for no chord.
    pub fn nearest(chord: Harmony) -> Option<Self> {
        if !chord.is_chord() {
            return None;
        }
        let has =
            |step: u8| chord.classes.0 & PitchClass::new(chord.root.number() + step).bit() != 0;
        let on = |step: u8, quality| {
            Some(Self { root: PitchClass::new(chord.root.number() + step), quality })
        };
        let is_minor = has(3) && !has(4);
        if is_minor && has(6) && !has(7) {
            return if has(10) { on(3, 1) } else { on(8, 2) };
        }
        match (is_minor, has(10), has(11)) {
            (true, false, _) => on(0, 1),
            (true, true, _) => on(0, 4),
            (false, true, _) => on(0, 2),
            (false, false, true) => on(0, 3),
            (false, false, false) => on(0, 0),
        }
    }

    /// Root, bass and classes.
    pub fn harmony(self) -> Harmony {
        let (root, steps) = (self.root, u32::from(QUALITIES[self.quality % QUALITIES.len()]));
        let shifted = steps << root.number();
        let classes = PitchSet((shifted | shifted >> 12) as u16 & PitchSet::ALL.0);
        Harmony { root, bass: root, classes }
    }

    /// The same without its seventh.
    #[must_use]
    pub const fn triad(self) -> Self {
        let quality = if IS_MINOR[self.quality % QUALITIES.len()] { 1 } else { 0 };
        Self { quality, ..self }
    }

    /// The classes of its triad.
    pub fn triad_classes(self) -> PitchSet {
        self.triad().harmony().classes
    }
}

/// The shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonistConfig {
    /// Vectors of pitch classes that it takes.
    pub vectors: usize,
    /// Other numbers that it takes.
    pub scalars: usize,
    /// Units of the first layer.
    pub hidden: usize,
    /// Units of the second.
    pub second: usize,
}

impl Default for HarmonistConfig {
    fn default() -> Self {
        Self { vectors: VECTORS, scalars: SCALARS, hidden: 48, second: 24 }
    }
}

impl HarmonistConfig {
    /// Checks every size.
    ///
    /// # Errors
    /// [`ModelError::Input`] when it takes other inputs than [`Inputs`], [`ModelError::Size`] when a layer is out of bounds.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (what, got, want) in [
            ("the vectors of the harmonist", self.vectors, VECTORS),
            ("the scalars of the harmonist", self.scalars, SCALARS),
        ] {
            if got != want {
                return Err(ModelError::Input { what, got, want });
            }
        }
        for (field, value) in [("hidden", self.hidden), ("second", self.second)] {
            if !(1..=MOST_UNITS).contains(&value) {
                return Err(ModelError::Size { field, value, low: 1, high: MOST_UNITS });
            }
        }
        Ok(())
    }

    /// Every tensor, in the order of the flat numbers. Each matrix has a row for each number that goes in.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let Self { vectors, scalars, hidden, second } = *self;
        let tensor = |name: &str, shape: &[usize]| (name.to_owned(), shape.to_vec());
        lay_out(vec![
            tensor("classes.weight", &[vectors, 12, hidden]),
            tensor("scalars.weight", &[scalars, hidden]),
            tensor("first.bias", &[hidden]),
            tensor("second.weight", &[hidden, second]),
            tensor("second.bias", &[second]),
            tensor("head.weight", &[second, OUTPUTS]),
            tensor("head.bias", &[OUTPUTS]),
        ])
    }

    /// Numbers in the whole network.
    pub fn parameters(&self) -> usize {
        self.tensors().last().map_or(0, |t| t.range.end)
    }
}

/// The network.
#[derive(Clone, PartialEq, Debug)]
pub struct Harmonist {
    config: HarmonistConfig,
    tensors: Vec<TensorSpec>,
    values: Vec<f32>,
}

/// What the network says: logits by root, C first.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Judgement {
    /// Of each quality on each root: which chord people would play.
    pub chords: [[f32; 12]; QUALITIES.len()],
    /// Of the player's line in the coming half bar.
    pub line: [f32; 12],
}

impl Default for Judgement {
    fn default() -> Self {
        Self { chords: [[0.0; 12]; QUALITIES.len()], line: [0.0; 12] }
    }
}

/// The tensors of a network one by one, as runs of numbers.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    pub(crate) classes: &'a [f32],
    pub(crate) scalars: &'a [f32],
    pub(crate) first: &'a [f32],
    pub(crate) second: (&'a [f32], &'a [f32]),
    pub(crate) head: (&'a [f32], &'a [f32]),
}

impl Harmonist {
    /// All zeros.
    ///
    /// # Errors
    /// As [`HarmonistConfig::validate`].
    pub fn zeros(config: HarmonistConfig) -> Result<Self, ModelError> {
        config.validate()?;
        let tensors = config.tensors();
        let values = vec![0.0; config.parameters()];
        Ok(Self { config, tensors, values })
    }

    /// Fresh weights: normal, after He; of the head smaller, so that nothing is sure at first; biases 0.
    ///
    /// # Errors
    /// As [`HarmonistConfig::validate`].
    pub fn random(config: HarmonistConfig, seed: u64) -> Result<Self, ModelError> {
        let mut this = Self::zeros(config)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let inputs = 12 * config.vectors + config.scalars;
        for (nth, rows, scale) in [
            (0, inputs, 1.0_f32),
            (1, inputs, 1.0),
            (3, config.hidden, 1.0),
            (5, config.second, 0.3),
        ] {
            let spread = scale * (2.0 / rows as f32).sqrt();
            let range = this.tensors[nth].range.clone();
            this.values[range].fill_with(|| spread * normal(&mut rng));
        }
        Ok(this)
    }

    /// The shape.
    pub const fn config(&self) -> &HarmonistConfig {
        &self.config
    }

    /// All the numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All the numbers, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Every tensor and where it lies.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    pub(crate) fn layers(&self) -> Layers<'_> {
        let part = |nth: usize| &self.values[self.tensors[nth].range.clone()];
        Layers {
            classes: part(0),
            scalars: part(1),
            first: part(2),
            second: (part(3), part(4)),
            head: (part(5), part(6)),
        }
    }

    /// Judges what is heard. Every root is reckoned in the same order of its own intervals; no sum runs over roots.
    pub fn judge(&self, inputs: &Inputs) -> Judgement {
        let HarmonistConfig { hidden, second, .. } = self.config;
        let layers = self.layers();
        let mut shared = layers.first.to_vec();
        for (x, weights) in inputs.rest.iter().zip(layers.scalars.chunks_exact(hidden)) {
            add(&mut shared, weights, *x);
        }
        let mut first = shared.repeat(12);
        for (vector, weights) in inputs.classes.iter().zip(layers.classes.chunks_exact(12 * hidden))
        {
            for (step, weights) in weights.chunks_exact(hidden).enumerate() {
                for (root, first) in first.chunks_exact_mut(hidden).enumerate() {
                    add(first, weights, vector[(root + step) % 12]);
                }
            }
        }
        let mut judgement = Judgement::default();
        let mut middle = vec![0.0; second];
        for (root, first) in first.chunks_exact(hidden).enumerate() {
            middle.copy_from_slice(layers.second.1);
            for (x, weights) in first.iter().zip(layers.second.0.chunks_exact(second)) {
                add(&mut middle, weights, x.max(0.0));
            }
            let mut out = [0.0; OUTPUTS];
            out.copy_from_slice(layers.head.1);
            for (x, weights) in middle.iter().zip(layers.head.0.chunks_exact(OUTPUTS)) {
                add(&mut out, weights, x.max(0.0));
            }
            for (logits, x) in judgement.chords.iter_mut().zip(out) {
                logits[root] = x;
            }
            judgement.line[root] = out[OUTPUTS - 1];
        }
        judgement
    }
}

/// `out += x weights`; what is nothing costs nothing.
fn add(out: &mut [f32], weights: &[f32], x: f32) {
    if x != 0.0 {
        out.iter_mut().zip(weights).for_each(|(out, weight)| *out += x * weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs by lot.
    pub(crate) fn inputs(seed: u64) -> Inputs {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut inputs = Inputs::default();
        inputs.classes.as_flattened_mut().fill_with(|| normal(&mut rng).abs().min(1.0));
        inputs.rest.fill_with(|| normal(&mut rng).abs().min(1.0));
        inputs
    }

    #[test]
    fn transposed_music_is_judged_alike_to_the_last_bit() {
        let net = Harmonist::random(HarmonistConfig::default(), 3).unwrap();
        let plain = inputs(1);
        let judged = net.judge(&plain);
        for by in 1..12 {
            let mut moved = plain.clone();
            moved.classes.iter_mut().for_each(|v| v.rotate_right(by));
            let mut other = net.judge(&moved);
            other.line.rotate_left(by);
            other.chords.iter_mut().for_each(|c| c.rotate_left(by));
            assert_eq!(other, judged);
        }
    }

    #[test]
    fn symbols_become_the_chords_that_do_the_same() {
        let symbol = |root: u8, steps: u16| {
            let bits = u32::from(steps) << root;
            let classes = PitchSet((bits | bits >> 12) as u16 & 0xfff);
            Harmony { root: PitchClass::new(root), bass: PitchClass::new(root), classes }
        };
        let nearest = |root: u8, steps: u16| {
            Choice::nearest(symbol(root, steps)).map(|c| (c.root.number(), c.quality))
        };
        for (quality, steps) in QUALITIES.into_iter().enumerate() {
            for root in 0..12 {
                assert_eq!(nearest(root, steps), Some((root, quality)));
                let choice = Choice { root: PitchClass::new(root), quality };
                assert_eq!(choice.harmony(), symbol(root, steps));
            }
        }
        assert_eq!(nearest(11, 0b100_1001), Some((7, 2)), "B diminished is G7");
        assert_eq!(nearest(11, 0b100_0100_1001), Some((2, 1)), "B half-diminished is D minor");
        assert_eq!(nearest(7, 0b1010_0001), Some((7, 0)), "a suspension is its triad");
        assert_eq!(nearest(0, 0b10_1001_0001), Some((0, 0)), "and so is a sixth");
        assert_eq!(Choice::nearest(Harmony::NONE), None);
    }

    #[test]
    fn shapes_out_of_bounds_are_refused() {
        let config = HarmonistConfig::default();
        assert!(Harmonist::zeros(HarmonistConfig { hidden: 0, ..config }).is_err());
        assert!(Harmonist::zeros(HarmonistConfig { second: 1 << 30, ..config }).is_err());
        assert!(Harmonist::zeros(HarmonistConfig { vectors: 1, ..config }).is_err());
        assert_eq!(config.parameters(), Harmonist::zeros(config).unwrap().values().len());
    }
}
