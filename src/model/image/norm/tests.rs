//! Holds batch norm to finite differences and its estimates to their definition.

use super::*;
use crate::model::image::slopes::{distance, numbers, weighted};

const CHANNELS: usize = 5;
const ROWS: usize = 21;

/// Normed `x`, in pieces of `step` rows.
fn norm(x: &[f32], gamma: &[f32], beta: &[f32], step: usize, running: &mut [f32]) -> Norm {
    let mut moments = Moments::default();
    let n = gamma.len();
    let parts = moments.begin(x.len() / n, step, n);
    parts.zip(x.chunks(step * n)).for_each(|(part, rows)| part.take(rows));
    let mut norm = Norm::default();
    norm.learn(&moments, gamma, beta, running);
    norm
}

fn output(x: &[f32], gamma: &[f32], beta: &[f32], gated: bool) -> Vec<f32> {
    let norm = norm(x, gamma, beta, 8, &mut [0.0; 2 * CHANNELS]);
    let mut y = vec![0.0; x.len()];
    if gated {
        loops::rectify(&mut y, x, norm.affine());
    } else {
        loops::stretch(&mut y, x, norm.affine());
    }
    y
}

#[test]
fn gradients_are_the_slopes() {
    for gated in [false, true] {
        let mut x = numbers(ROWS * CHANNELS, 1);
        let (mut gamma, mut beta) = (numbers(CHANNELS, 2), numbers(CHANNELS, 3));
        let weights = numbers(x.len(), 4);
        let norm = norm(&x, &gamma, &beta, 8, &mut [0.0; 2 * CHANNELS]);
        let out = output(&x, &gamma, &beta, gated);
        let gates: &[Gate<'_>] =
            if gated { &[Gate::Again, Gate::Output(&out)] } else { &[Gate::Open] };
        for gate in gates {
            for in_place in [true, false] {
                let (mut flow, mut into) = (weights.clone(), vec![f32::NAN; x.len()]);
                let (mut dgamma, mut dbeta, mut sums) =
                    (vec![0.0; CHANNELS], vec![0.0; CHANNELS], Vec::new());
                let slopes = Slopes { gamma: &mut dgamma, beta: &mut dbeta, sums: &mut sums };
                let to = if in_place { None } else { Some(into.as_mut_slice()) };
                norm.backward(&mut Crew::new(2), *gate, &x, &mut flow, to, slopes);
                let dx = if in_place { flow } else { into };
                let (g, b) = (gamma.clone(), beta.clone());
                let worst = distance(&mut x, &dx, 2e-3, 1, |x| {
                    weighted(&output(x, &g, &b, gated), &weights)
                });
                assert!(worst < 2e-3, "input off by {worst}");
                let fixed = x.clone();
                let worst = distance(&mut gamma, &dgamma, 2e-3, 1, |g| {
                    weighted(&output(&fixed, g, &b, gated), &weights)
                });
                assert!(worst < 1e-3, "gamma off by {worst}");
                let worst = distance(&mut beta, &dbeta, 2e-3, 1, |b| {
                    weighted(&output(&fixed, &g, b, gated), &weights)
                });
                assert!(worst < 1e-3, "beta off by {worst}");
            }
        }
    }
}

#[test]
fn moments_are_the_moments() {
    // Far from 0, where the difference of two large sums would have lost the variance.
    let x: Vec<f32> = numbers(ROWS * CHANNELS, 5).iter().map(|x| x + 1_000.0).collect();
    for step in [1, 4, 8, 100] {
        let mut running = [1.0; 2 * CHANNELS];
        let norm = norm(&x, &[1.0; CHANNELS], &[0.0; CHANNELS], step, &mut running);
        for channel in 0..CHANNELS {
            let values = x.iter().skip(channel).step_by(CHANNELS).map(|x| f64::from(*x));
            let mean = values.clone().sum::<f64>() / ROWS as f64;
            let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / ROWS as f64;
            let scale = 1.0 / (variance + 1e-5).sqrt();
            assert!((f64::from(norm.affine().scale[channel]) / scale - 1.0).abs() < 1e-3);
            assert!((f64::from(running[channel]) - (0.9 + 0.1 * mean)).abs() < 1e-2);
            let unbiased = variance * ROWS as f64 / (ROWS - 1) as f64;
            let got = f64::from(running[CHANNELS + channel]);
            assert!((got - (0.9 + 0.1 * unbiased)).abs() < 1e-4, "{got} {unbiased}");
        }
    }
}

#[test]
fn recalled_estimates_are_used() {
    let mut norm = Norm::default();
    norm.recall(&[2.0], &[0.5], &[3.0, 4.0 - 1e-5]);
    let mut y = [0.0; 2];
    loops::stretch(&mut y, &[3.0, 5.0], norm.affine());
    assert!((y[0] - 0.5).abs() < 1e-6 && (y[1] - 2.5).abs() < 1e-6, "{y:?}");
}
