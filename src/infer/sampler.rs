//! Logits to a token: masks, temperature, top-p, and a uniform number that depends on place, not on history.

use crate::music::token::VOCABULARY;

/// A logit that can't be chosen.
const NEVER: f32 = f32::NEG_INFINITY;

/// Chooses among the tokens of one step.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    weights: [f32; VOCABULARY],
    order: [u16; VOCABULARY],
}

impl Sampler {
    pub(crate) fn new() -> Self {
        Self { weights: [0.0; VOCABULARY], order: [0; VOCABULARY] }
    }

    /// The chosen token, or `None` when none is allowed or the logits are no numbers.
    ///
    /// `bias` gives what to add to each logit, or `None` where the token is not allowed; `uniform` lies in
    /// `0..1`.
    pub(crate) fn choose(
        &mut self,
        logits: &[f32],
        bias: impl Fn(usize) -> Option<f32>,
        temperature: f32,
        top_p: f32,
        uniform: f64,
    ) -> Option<u16> {
        let mut highest = NEVER;
        for (id, weight) in self.weights.iter_mut().enumerate() {
            let logit = logits.get(id).copied().filter(|l| l.is_finite());
            *weight =
                bias(id).zip(logit).map_or(NEVER, |(bias, logit)| (logit + bias) / temperature);
            highest = highest.max(*weight);
        }
        if highest == NEVER {
            return None;
        }
        let mut total = 0.0_f64;
        let mut count = 0;
        for (id, weight) in self.weights.iter_mut().enumerate() {
            if *weight > NEVER {
                *weight = (*weight - highest).exp();
                total += f64::from(*weight);
                self.order[count] = id as u16;
                count += 1;
            } else {
                *weight = 0.0;
            }
        }
        let chosen = &mut self.order[..count];
        let weights = &self.weights;
        chosen.sort_unstable_by(|a, b| {
            weights[usize::from(*b)].total_cmp(&weights[usize::from(*a)]).then(a.cmp(b))
        });
        // The nucleus: the fewest likeliest tokens that hold `top_p` of the probability.
        let mut mass = 0.0;
        let mut kept = 0;
        for id in chosen.iter() {
            mass += f64::from(weights[usize::from(*id)]);
            kept += 1;
            if mass >= f64::from(top_p) * total {
                break;
            }
        }
        let mut left = uniform * mass;
        for id in &chosen[..kept] {
            left -= f64::from(weights[usize::from(*id)]);
            if left < 0.0 {
                return Some(*id);
            }
        }
        chosen[..kept].last().copied()
    }
}

/// A uniform number in `0..1` that is a pure function of its keys, so that a plan made twice is the same plan.
///
/// The mixing steps are those of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
pub(crate) fn uniform(keys: [u64; 4]) -> f64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for key in keys {
        state = hash(state, key);
    }
    (mix(state) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Takes one more key into a hash.
pub(crate) const fn hash(state: u64, key: u64) -> u64 {
    mix(state ^ key).wrapping_add(0x9e37_79b9_7f4a_7c15)
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(logits: &[f32], temperature: f32, top_p: f32) -> Vec<f64> {
        let mut sampler = Sampler::new();
        let mut counts = vec![0.0; VOCABULARY];
        for i in 0..10_000 {
            let u = uniform([7, i, 0, 0]);
            let id = sampler.choose(logits, |_| Some(0.0), temperature, top_p, u).unwrap();
            counts[usize::from(id)] += 1e-4;
        }
        counts
    }

    #[test]
    fn samples_follow_the_softmax() {
        let mut logits = [f32::NEG_INFINITY; VOCABULARY];
        logits[3] = 0.0;
        logits[9] = 3.0_f32.ln();
        let counts = shares(&logits, 1.0, 1.0);
        assert!((counts[9] - 0.75).abs() < 0.02 && (counts[3] - 0.25).abs() < 0.02);
        let cold = shares(&logits, 0.5, 1.0);
        assert!((cold[9] - 0.9).abs() < 0.02, "squared odds at half the temperature");
        assert!((shares(&logits, 1.0, 0.7)[9] - 1.0).abs() < 1e-9, "the nucleus holds one");
    }

    #[test]
    fn what_is_masked_is_never_chosen_and_nothing_is_nothing() {
        let mut sampler = Sampler::new();
        let logits = [0.0; VOCABULARY];
        for i in 0..200 {
            let id = sampler.choose(
                &logits,
                |id| (id == 5 || id == 200).then_some(0.0),
                1.0,
                1.0,
                f64::from(i) / 200.0,
            );
            assert!(matches!(id, Some(5 | 200)));
        }
        assert_eq!(sampler.choose(&logits, |_| None, 1.0, 1.0, 0.5), None);
        assert_eq!(sampler.choose(&[f32::NAN; VOCABULARY], |_| Some(0.0), 1.0, 1.0, 0.5), None);
    }
}
