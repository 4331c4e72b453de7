//! Matrices cut into panels, as the step reads them: 64 rows side by side for each input, in the order in which they
//! are needed, each line on its own cache lines. The products with them, written for each kind of machine.
#![expect(
    unsafe_code,
    reason = "aligned loads, and calls of target_feature functions after detection"
)]

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::model::kernel::{fma, sigmoid, tanh};

/// Hidden units whose four gates are computed together.
pub(crate) const UNITS: usize = 16;

/// Rows of a panel: four gates of [`UNITS`] units, or as many logits.
pub(crate) const LANES: usize = 4 * UNITS;

/// One number for each row of a panel.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line<T = f32>(pub(crate) [T; LANES]);

impl Line {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);
}

/// How weights lie in memory. They are always multiplied and summed as `f32`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// As they were trained.
    F32,
    /// Rounded to half precision: half the bytes, which is what bounds a step.
    F16,
}

impl Precision {
    /// Half precision where the processor widens it in hardware, else full.
    pub fn best() -> Self {
        if Simd::best().0 == Kind::Portable { Self::F32 } else { Self::F16 }
    }
}

/// The instructions that a machine has. Made only by [`Simd::all`], after looking: that makes the calls sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Simd(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of it for the target's baseline: NEON on ARM, SSE2 on Intel.
    Portable,
}

impl Simd {
    /// Every set of instructions that this machine has, the best first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let mut kinds = arrayvec::ArrayVec::<Kind, 3>::new();
        #[cfg(target_arch = "x86_64")]
        {
            let narrow = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            if narrow
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                kinds.push(Kind::Avx512);
            }
            if narrow {
                kinds.push(Kind::Avx2);
            }
        }
        kinds.push(Kind::Portable);
        kinds.into_iter().map(Self)
    }

    /// The best that this machine has.
    pub(crate) fn best() -> Self {
        Self::all().next().unwrap_or(Self(Kind::Portable))
    }

    /// Turns the pre-activations of a panel into its units' new cells and outputs: `c` moves on in place. Both hold
    /// up to [`UNITS`] numbers.
    pub(crate) fn gates(self, sums: &Line, c: &mut [f32], h: &mut [f32; UNITS]) {
        match self.0 {
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::gates_avx512(sums, c, h) },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::gates_avx2(sums, c, h) },
            Kind::Portable => gates::<{ cfg!(target_arch = "aarch64") }>(sums, c, h),
        }
    }
}

/// A matrix in panels.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    simd: Simd,
    inputs: usize,
    lines: Lines,
}

/// Line `panel * inputs + input`.
#[derive(Clone, Debug)]
enum Lines {
    F32(Vec<Line>),
    F16(Vec<Line<u16>>),
}

impl Panels {
    /// Packs `panels` of `inputs`; `weight` gives the number of a panel, an input and a row of the panel.
    pub(crate) fn new(
        simd: Simd,
        precision: Precision,
        panels: usize,
        inputs: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let lines = (0..panels).flat_map(|panel| (0..inputs).map(move |input| (panel, input)));
        let line = |(panel, input)| Line(std::array::from_fn(|row| weight(panel, input, row)));
        let lines = match precision {
            Precision::F32 => Lines::F32(lines.map(line).collect()),
            Precision::F16 => Lines::F16(lines.map(|at| Line(line(at).0.map(to_half))).collect()),
        };
        Self { simd, inputs, lines }
    }

    /// `sums += panel * x`, where `x` is for the inputs from `first` on.
    pub(crate) fn add(&self, panel: usize, first: usize, x: &[f32], sums: &mut Line) {
        let range = panel * self.inputs + first..panel * self.inputs + first + x.len();
        match (&self.lines, self.simd.0) {
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F32(lines), Kind::Avx512) => unsafe {
                x86::add_f32_avx512(&lines[range], x, sums);
            },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F16(lines), Kind::Avx512) => unsafe {
                x86::add_f16_avx512(&lines[range], x, sums);
            },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F32(lines), Kind::Avx2) => unsafe { x86::add_f32_avx2(&lines[range], x, sums) },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F16(lines), Kind::Avx2) => unsafe { x86::add_f16_avx2(&lines[range], x, sums) },
            (Lines::F32(lines), Kind::Portable) => add(lines[range].iter().zip(x), sums, |w| w),
            (Lines::F16(lines), Kind::Portable) => add(lines[range].iter().zip(x), sums, from_half),
        }
    }

    /// As [`Self::add`] for the inputs from 0 on, of which only these (index, number) are not 0.
    pub(crate) fn add_sparse(&self, panel: usize, x: &[(u16, f32)], sums: &mut Line) {
        let range = panel * self.inputs..(panel + 1) * self.inputs;
        match (&self.lines, self.simd.0) {
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F32(lines), Kind::Avx512) => unsafe {
                x86::add_sparse_f32_avx512(&lines[range], x, sums);
            },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F16(lines), Kind::Avx512) => unsafe {
                x86::add_sparse_f16_avx512(&lines[range], x, sums);
            },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F32(lines), Kind::Avx2) => unsafe {
                x86::add_sparse_f32_avx2(&lines[range], x, sums);
            },
            // SAFETY: `Simd::all` has found the features.
            #[cfg(target_arch = "x86_64")]
            (Lines::F16(lines), Kind::Avx2) => unsafe {
                x86::add_sparse_f16_avx2(&lines[range], x, sums);
            },
            (Lines::F32(lines), Kind::Portable) => {
                add(pick(&lines[range], x), sums, |w| w);
            }
            (Lines::F16(lines), Kind::Portable) => {
                add(pick(&lines[range], x), sums, from_half);
            }
        }
    }
}

/// Each listed line with its number.
#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
fn pick<'a, T>(
    lines: &'a [Line<T>],
    x: &'a [(u16, f32)],
) -> impl Iterator<Item = (&'a Line<T>, &'a f32)> {
    x.iter().map(|(input, x)| (&lines[usize::from(*input)], x))
}

/// Adds lines times numbers, for any machine.
fn add<'a, T: Copy + 'a>(
    products: impl Iterator<Item = (&'a Line<T>, &'a f32)>,
    sums: &mut Line,
    widen: impl Fn(T) -> f32,
) {
    const FMA: bool = cfg!(target_arch = "aarch64");
    let mut acc = sums.0;
    for (line, x) in products {
        for (acc, w) in acc.iter_mut().zip(&line.0) {
            *acc = fma::<FMA>(*x, widen(*w), *acc);
        }
    }
    sums.0 = acc;
}

#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
fn gates<const FMA: bool>(sums: &Line, c: &mut [f32], h: &mut [f32; UNITS]) {
    let mut cell = [0.0; UNITS];
    let units = c.len().min(UNITS);
    cell[..units].copy_from_slice(&c[..units]);
    let sums = &sums.0;
    for unit in 0..UNITS {
        let input = sigmoid::<FMA>(sums[unit]);
        let forget = sigmoid::<FMA>(sums[UNITS + unit]);
        let fresh = tanh::<FMA>(sums[2 * UNITS + unit]);
        let output = sigmoid::<FMA>(sums[3 * UNITS + unit]);
        cell[unit] = fma::<FMA>(forget, cell[unit], input * fresh);
        h[unit] = output * tanh::<FMA>(cell[unit]);
    }
    c[..units].copy_from_slice(&cell[..units]);
}

/// Half precision, rounded to the nearest; what is too large becomes the largest.
fn to_half(x: f32) -> u16 {
    let largest = half::f16::MAX.to_f32();
    half::f16::from_f32(x.clamp(-largest, largest)).to_bits()
}

/// The number that [`to_half`] made: finite, perhaps subnormal.
fn from_half(bits: u16) -> f32 {
    // The exponent's bias differs by 112; the product is exact, and right for subnormal numbers too.
    const BIAS: f32 = f32::from_bits((127 + 112) << 23);
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * BIAS;
    f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back() {
        for bits in 0..=u16::MAX {
            let exact = half::f16::from_bits(bits);
            if exact.is_finite() {
                assert_eq!(from_half(bits).to_bits(), exact.to_f32().to_bits(), "{bits:#x}");
                assert_eq!(to_half(exact.to_f32()), bits);
            }
        }
        assert_eq!(to_half(1e9), half::f16::MAX.to_bits());
        assert_eq!(to_half(-1e9), half::f16::MIN.to_bits());
    }

    #[test]
    fn all_machines_multiply_alike() {
        let weight = |panel: usize, input: usize, row: usize| {
            ((panel * 7 + input * 13 + row * 29) % 101) as f32 / 101.0 - 0.5
        };
        for precision in [Precision::F32, Precision::F16] {
            let tolerance = if precision == Precision::F32 { 1e-6 } else { 2e-3 };
            for inputs in [1, 2, 3, 17] {
                let x: Vec<f32> = (0..inputs).map(|i| (i as f32 - 1.5) / 5.0).collect();
                for simd in Simd::all() {
                    let panels = Panels::new(simd, precision, 2, inputs, weight);
                    let mut sums = Line([0.25; LANES]);
                    panels.add(1, 0, &x[..inputs - 1], &mut sums);
                    panels.add_sparse(1, &[(inputs as u16 - 1, x[inputs - 1])], &mut sums);
                    for (row, sum) in sums.0.iter().enumerate() {
                        let exact: f32 = 0.25
                            + x.iter().enumerate().map(|(i, x)| x * weight(1, i, row)).sum::<f32>();
                        assert!((sum - exact).abs() < tolerance, "{simd:?} {precision:?}");
                    }
                }
            }
        }
    }
}
