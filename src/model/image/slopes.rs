//! Holds gradients to slopes: every test of a way back uses it, and it is itself tested on planted errors.

/// The largest distance between a gradient and the slope of `f` along that number, as a share of the largest slope.
/// `f` is summed up in f64 by who writes it; `step` may be wide where `f` is linear. Looks at every `stride`th
/// number.
pub(crate) fn distance(
    x: &mut [f32],
    gradient: &[f32],
    step: f32,
    stride: usize,
    mut f: impl FnMut(&[f32]) -> f64,
) -> f64 {
    assert_eq!(x.len(), gradient.len());
    let (mut worst, mut scale) = (0.0_f64, 1e-3_f64);
    for i in (0..x.len()).step_by(stride) {
        let before = x[i];
        let mut at = |to: f32| {
            x[i] = to;
            f(x)
        };
        // Richardson's extrapolation of the central difference.
        let narrow = (at(before + step) - at(before - step)) / f64::from(2.0 * step);
        let wide = (at(before + 2.0 * step) - at(before - 2.0 * step)) / f64::from(4.0 * step);
        x[i] = before;
        let slope = (4.0 * narrow - wide) / 3.0;
        scale = scale.max(slope.abs());
        worst = worst.max((slope - f64::from(gradient[i])).abs());
    }
    worst / scale
}

/// Numbers between -1 and 1 without a pattern, none of them within 0.01 of 0: no ReLU's edge is stepped over by
/// chance.
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).map(|x| if x < 0.0 { x.min(-0.01) } else { x.max(0.01) }).collect()
}

/// The sum of products, in f64: a scalar function of an output whose gradient is `weights`.
pub(crate) fn weighted(output: &[f32], weights: &[f32]) -> f64 {
    output.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[test]
fn a_planted_error_is_found() {
    let mut x = numbers(10, 1);
    let cubes = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(3)).sum::<f64>();
    let mut gradient: Vec<f32> = x.iter().map(|x| 3.0 * x * x).collect();
    assert!(distance(&mut x, &gradient, 1e-2, 1, cubes) < 1e-4);
    gradient[7] *= 1.02;
    gradient[7] += 0.02;
    assert!(distance(&mut x, &gradient, 1e-2, 1, cubes) > 2e-3);
    gradient.fill(0.0);
    assert!(distance(&mut x, &gradient, 1e-2, 1, cubes) > 0.5);
}
