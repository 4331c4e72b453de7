//! The elementwise functions of the LSTM, and the loops of training, compiled once for each vector width and chosen
//! at run time.
#![expect(unsafe_code, reason = "calls of target_feature functions after run-time detection")]

/// `a * b + c`, fused where the machine fuses.
#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
pub(crate) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e to the `x`, within 3 units in the last place for -87 <= x <= 88 and clamped outside; NaN stays NaN.
#[inline(always)]
fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // The natural logarithm of 2 in two parts, the first exact in few bits.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let rounded = fma::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = fma::<FMA>(n, -LN_2_LOW, fma::<FMA>(n, -LN_2_HIGH, x));
    // The polynomial of Cephes' expf.
    let mut p = 1.987_569_1e-4;
    p = fma::<FMA>(p, r, 1.398_2e-3);
    p = fma::<FMA>(p, r, 8.333_452e-3);
    p = fma::<FMA>(p, r, 4.166_579_6e-2);
    p = fma::<FMA>(p, r, 1.666_666_5e-1);
    p = fma::<FMA>(p, r, 0.5);
    let y = fma::<FMA>(p * r, r, r + 1.0);
    y * f32::from_bits((rounded.to_bits() << 23).wrapping_add(0x3f80_0000))
}

#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
pub(crate) fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
pub(crate) fn tanh<const FMA: bool>(x: f32) -> f32 {
    2.0 / (1.0 + exp::<FMA>(-2.0 * x)) - 1.0
}

/// Compiles a function three times (AVX-512, AVX2 + FMA, the target's own baseline) and calls the widest that
/// the machine has. The body may use the constant `FMA`. Who calls it expects `unsafe_code`.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident;) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the machine has just been found to have these features.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the machine has just been found to have these features.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}

pub(crate) use dispatch;

dispatch! {
    /// Turns logits into probabilities, in place, and gives the logarithm of the sum of their exponentials.
    pub(crate) fn softmax(row: &mut [f32]) -> f32 = softmax_body;
}

#[inline(always)]
fn softmax_body<const FMA: bool>(row: &mut [f32]) -> f32 {
    const LANES: usize = 16;
    let top = row.iter().fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
    let mut sums = [0.0_f32; LANES];
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for (x, sum) in chunk.iter_mut().zip(&mut sums) {
            *x = exp::<FMA>(*x - top);
            *sum += *x;
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for x in rest {
        *x = exp::<FMA>(*x - top);
        sum += *x;
    }
    let scale = 1.0 / sum;
    for x in row.iter_mut() {
        *x *= scale;
    }
    top + sum.ln()
}

#[cfg(feature = "train")]
pub(crate) use training::*;

/// The loops that only training of an LSTM needs.
#[cfg(feature = "train")]
mod training {
    use super::{fma, sigmoid, tanh};

    dispatch! {
        /// Turns the pre-activations of one step of one sequence into gates, in place: `gates` holds i, f, g, o,
        /// each as long as `c`; writes the new cell and output.
        pub(crate) fn gates_forward(gates: &mut [f32], c_before: &[f32], c: &mut [f32], h: &mut [f32])
            = gates_forward_body;
    }

    #[expect(clippy::inline_always, reason = "must take on the caller's target features")]
    #[inline(always)]
    fn gates_forward_body<const FMA: bool>(
        gates: &mut [f32],
        c_before: &[f32],
        c: &mut [f32],
        h: &mut [f32],
    ) {
        let n = c.len();
        let (i, rest) = gates.split_at_mut(n);
        let (f, rest) = rest.split_at_mut(n);
        let (g, o) = rest.split_at_mut(n);
        let (o, h, c_before) = (&mut o[..n], &mut h[..n], &c_before[..n]);
        for k in 0..n {
            i[k] = sigmoid::<FMA>(i[k]);
            f[k] = sigmoid::<FMA>(f[k]);
            g[k] = tanh::<FMA>(g[k]);
            o[k] = sigmoid::<FMA>(o[k]);
            c[k] = fma::<FMA>(f[k], c_before[k], i[k] * g[k]);
            h[k] = o[k] * tanh::<FMA>(c[k]);
        }
    }

    dispatch! {
        /// Turns the gates of one step of one sequence into the gradients of their pre-activations, in place.
        /// `dh` is the whole gradient of the output; `dc` comes in as the gradient of the new cell from later
        /// steps and leaves as that of the old cell.
        pub(crate) fn gates_backward(
            gates: &mut [f32], c_before: &[f32], c: &[f32], dh: &[f32], dc: &mut [f32],
        ) = gates_backward_body;
    }

    #[expect(clippy::inline_always, reason = "must take on the caller's target features")]
    #[inline(always)]
    fn gates_backward_body<const FMA: bool>(
        gates: &mut [f32],
        c_before: &[f32],
        c: &[f32],
        dh: &[f32],
        dc: &mut [f32],
    ) {
        let n = dc.len();
        let (i, rest) = gates.split_at_mut(n);
        let (f, rest) = rest.split_at_mut(n);
        let (g, o) = rest.split_at_mut(n);
        let (o, c, c_before, dh) = (&mut o[..n], &c[..n], &c_before[..n], &dh[..n]);
        for k in 0..n {
            let squashed = tanh::<FMA>(c[k]);
            let dcell = fma::<FMA>(dh[k] * o[k], 1.0 - squashed * squashed, dc[k]);
            dc[k] = dcell * f[k];
            o[k] = dh[k] * squashed * o[k] * (1.0 - o[k]);
            f[k] = dcell * c_before[k] * f[k] * (1.0 - f[k]);
            let (input, cell) = (i[k], g[k]);
            i[k] = dcell * cell * input * (1.0 - input);
            g[k] = dcell * input * (1.0 - cell * cell);
        }
    }

    dispatch! {
        /// `sum += x`.
        pub(crate) fn add(sum: &mut [f32], x: &[f32]) = add_body;
    }

    #[expect(clippy::inline_always, reason = "must take on the caller's target features")]
    #[inline(always)]
    fn add_body<const FMA: bool>(sum: &mut [f32], x: &[f32]) {
        for (sum, x) in sum.iter_mut().zip(x) {
            *sum += *x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_functions_are_close() {
        let mut worst = [0.0_f64; 3];
        for step in -40_000..40_000 {
            let x = step as f32 / 1_000.0;
            let exact = f64::from(x);
            worst[0] = worst[0].max((f64::from(exp::<false>(x)) / exact.exp() - 1.0).abs());
            let squash = 1.0 / (1.0 + (-exact).exp());
            worst[1] = worst[1].max((f64::from(sigmoid::<false>(x)) - squash).abs());
            worst[2] = worst[2].max((f64::from(tanh::<false>(x)) - exact.tanh()).abs());
        }
        assert!(worst[0] < 4e-7 && worst[1] < 2e-7 && worst[2] < 4e-7, "{worst:?}");
        assert!(sigmoid::<false>(f32::NAN).is_nan());
        assert!(sigmoid::<false>(-1e9) >= 0.0 && tanh::<false>(1e9) <= 1.0);
    }
}
