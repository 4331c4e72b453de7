//! What the network is held against: logistic regression on what can be counted in an excerpt - pitch classes, steps of the
//! top line, times between onsets, how many.

use super::Excerpt;
use crate::music::roll::Struck;

/// Pitch classes above the commonest one.
const CLASSES: usize = 12;
/// Steps of the top line, up to an octave either way.
const STEPS: usize = 25;
/// Sixteenths between onsets: 1 to 8, and more.
const GAPS: usize = 9;
/// Onsets a beat, and keys an onset.
const COUNTS: usize = 2;
const FEATURES: usize = CLASSES + STEPS + GAPS + COUNTS;
/// Rounds over all excerpts, and the rate and the decay of the weights in them.
const ROUNDS: usize = 400;
const RATE: f64 = 0.5;
const DECAY: f64 = 1e-3;

type Features = [f64; FEATURES];

/// The regression.
#[derive(Clone, Debug)]
pub struct Baseline {
    mean: Features,
    deviation: Features,
    /// A row for each class, with its bias last.
    weights: Vec<[f64; FEATURES + 1]>,
}

impl Baseline {
    /// Fits it to excerpts and their classes.
    pub fn fit(excerpts: &[(Excerpt, u16)], classes: usize) -> Self {
        let count = excerpts.len().max(1) as f64;
        let seen: Vec<(Features, usize)> =
            excerpts.iter().map(|(e, label)| (features(&e.struck), usize::from(*label))).collect();
        let mut mean = [0.0; FEATURES];
        let mut deviation = [0.0; FEATURES];
        for i in 0..FEATURES {
            mean[i] = seen.iter().map(|(x, _)| x[i]).sum::<f64>() / count;
            let square = seen.iter().map(|(x, _)| (x[i] - mean[i]).powi(2)).sum::<f64>() / count;
            deviation[i] = square.sqrt().max(1e-6);
        }
        let mut fit = Self { mean, deviation, weights: vec![[0.0; FEATURES + 1]; classes] };
        let inputs: Vec<_> = seen.iter().map(|(x, label)| (fit.input(x), *label)).collect();
        for _ in 0..ROUNDS {
            let mut slopes = vec![[0.0; FEATURES + 1]; classes];
            for (input, label) in &inputs {
                let logits = fit.products(input);
                let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let all: f64 = logits.iter().map(|l| (l - highest).exp()).sum();
                for (class, (slope, logit)) in slopes.iter_mut().zip(&logits).enumerate() {
                    let off = (logit - highest).exp() / all - f64::from(u8::from(class == *label));
                    slope.iter_mut().zip(input).for_each(|(s, x)| *s += off * x);
                }
            }
            for (weights, slope) in fit.weights.iter_mut().zip(&slopes) {
                for (w, s) in weights.iter_mut().zip(slope) {
                    *w -= RATE * (s / count + DECAY * *w);
                }
            }
        }
        fit
    }

    /// One logit a class.
    pub fn logits(&self, struck: &[Struck]) -> Vec<f32> {
        self.products(&self.input(&features(struck))).into_iter().map(|l| l as f32).collect()
    }

    fn input(&self, features: &Features) -> [f64; FEATURES + 1] {
        let mut input = [1.0; FEATURES + 1];
        for (i, x) in input.iter_mut().take(FEATURES).enumerate() {
            *x = (features[i] - self.mean[i]) / self.deviation[i];
        }
        input
    }

    fn products(&self, input: &[f64; FEATURES + 1]) -> Vec<f64> {
        let product =
            |weights: &[f64; FEATURES + 1]| weights.iter().zip(input).map(|(w, x)| w * x).sum();
        self.weights.iter().map(product).collect()
    }
}

/// What is counted, of keys in the order of time; as in the images, no time is finer than sixteenths.
fn features(struck: &[Struck]) -> Features {
    let mut features = [0.0; FEATURES];
    let mut classes = [0.0; CLASSES];
    // Sixteenth and highest key of each onset.
    let mut top: Vec<(i64, i64)> = Vec::new();
    for (tick, pitch) in struck {
        classes[usize::from(pitch.class().number())] += 1.0;
        let (at, key) = ((tick.0 + 1).div_euclid(3), i64::from(pitch.number()));
        match top.last_mut() {
            Some(last) if last.0 == at => last.1 = last.1.max(key),
            _ => top.push((at, key)),
        }
    }
    let (keys, onsets) = (struck.len().max(1) as f64, top.len().max(1) as f64);
    let commonest = (0..CLASSES).max_by(|a, b| f64::total_cmp(&classes[*a], &classes[*b]));
    for (above, share) in features[..CLASSES].iter_mut().enumerate() {
        *share = classes[(commonest.unwrap_or(0) + above) % CLASSES] / keys;
    }
    for pair in top.windows(2) {
        let step = (pair[1].1 - pair[0].1).clamp(-12, 12) + 12;
        features[CLASSES + step as usize] += 1.0 / onsets;
        let gap = (pair[1].0 - pair[0].0).clamp(1, GAPS as i64) - 1;
        features[CLASSES + STEPS + gap as usize] += 1.0 / onsets;
    }
    let beats = match (top.first(), top.last()) {
        (Some(first), Some(last)) => ((last.0 - first.0 + 1) as f64 / 4.0).max(1.0),
        _ => 1.0,
    };
    features[FEATURES - 2] = onsets / beats;
    features[FEATURES - 1] = keys / onsets;
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

    fn line(gap: i64, step: u8, from: u8) -> Excerpt {
        let key = |i: i64| Pitch::new(from + (i as u8 % 4) * step);
        Excerpt { struck: (0..16).map(|i| (Tick(i * gap), key(i))).collect(), end: Tick(16 * gap) }
    }

    #[test]
    fn lines_of_two_kinds_are_told_apart_in_any_key() {
        let of = |from: u8| [(line(6, 2, from), 0), (line(3, 4, from), 1)];
        let fit = Baseline::fit(&(50..62).flat_map(of).collect::<Vec<_>>(), 2);
        for (excerpt, label) in of(70) {
            let logits = fit.logits(&excerpt.struck);
            assert!(
                logits[usize::from(label)] > logits[usize::from(1 - label)] + 1.0,
                "{logits:?}"
            );
        }
        assert!(fit.logits(&[]).iter().all(|l| l.is_finite()));
    }
}
