//! A piece from a model: each next name from the hundred before it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::model::names::checkpoint::NamesCheckpoint;
use crate::model::names::net::{Prepared, Workspace};

/// How the next name is chosen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Choice {
    /// The likeliest, as published.
    Argmax,
    /// By lot.
    Sample {
        /// Above 1 the odds draw together, below 1 apart; above 0.
        temperature: f32,
        /// Only of the likeliest names that together have this probability.
        top_p: f32,
    },
}

/// A piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Composed {
    /// The window that it begins from.
    pub seed: Vec<u16>,
    /// What follows.
    pub names: Vec<u16>,
}

/// Composes `notes` names after a window that `seed` picks from the model's. The same seed gives the same piece.
pub fn compose(model: &NamesCheckpoint, notes: usize, choice: Choice, seed: u64) -> Composed {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let begin = model.seeds[(rng.next_u64() % model.seeds.len().max(1) as u64) as usize].clone();
    let prepared = Prepared::new(&model.parameters);
    let mut workspace = Workspace::default();
    let mut all = begin.clone();
    for _ in 0..notes {
        let last = &all[all.len() - model.manifest.window..];
        let inputs: Vec<f32> = last.iter().map(|c| model.manifest.scaling.apply(*c)).collect();
        let next = choose(workspace.logits(&prepared, &inputs), choice, &mut rng);
        all.push(next as u16);
    }
    let names = all.split_off(begin.len());
    Composed { seed: begin, names }
}

fn choose(logits: &[f32], choice: Choice, rng: &mut ChaCha8Rng) -> usize {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // Of equals the first.
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    let Choice::Sample { temperature, top_p } = choice else { return order[0] };
    let top = logits[order[0]];
    let odds: Vec<f64> =
        order.iter().map(|i| f64::from((logits[*i] - top) / temperature).exp()).collect();
    let all: f64 = odds.iter().sum();
    let mut kept = 0.0;
    let count = odds.iter().take_while(|p| {
        let before = kept;
        kept += **p;
        before < f64::from(top_p) * all
    });
    let count = count.count().max(1);
    let sum: f64 = odds[..count].iter().sum();
    let mut lot = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 * sum;
    let chosen = odds[..count].iter().position(|p| {
        lot -= p;
        lot < 0.0
    });
    order[chosen.unwrap_or(count - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lot_falls_by_the_odds() {
        let logits = [0.0, 2.0_f32.ln(), f32::NEG_INFINITY, 5.0_f32.ln()];
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        assert_eq!(choose(&logits, Choice::Argmax, &mut rng), 3);
        let count = |choice, rng: &mut ChaCha8Rng| {
            let mut counts = [0; 4];
            (0..8_000).for_each(|_| counts[choose(&logits, choice, rng)] += 1);
            counts
        };
        let near = |counts: [i32; 4], expected: [i32; 4]| {
            counts.iter().zip(expected).all(|(a, b)| (a - b).abs() < 200)
        };
        let sample = |temperature, top_p| Choice::Sample { temperature, top_p };
        let plain = count(sample(1.0, 1.0), &mut rng);
        assert!(near(plain, [1_000, 2_000, 0, 5_000]), "{plain:?}");
        // Squared odds: 1, 4, 25.
        let cold = count(sample(0.5, 1.0), &mut rng);
        assert!(near(cold, [267, 1_067, 0, 6_667]), "{cold:?}");
        // 5 of 8 is not yet 0.7, with the next it is.
        let narrow = count(sample(1.0, 0.7), &mut rng);
        assert!(near(narrow, [0, 2_286, 0, 5_714]), "{narrow:?}");
        assert_eq!(count(sample(1.0, 0.0), &mut rng), [0, 0, 0, 8_000]);
    }
}
