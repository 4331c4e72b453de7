//! The loops for AVX-512 and for AVX2 with FMA and F16C. Eight sums at a time keep two multipliers busy.

use std::arch::x86_64::{
    __m256, __m512, _mm_load_si128, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_load_ps,
    _mm256_load_si256, _mm256_set1_ps, _mm256_setzero_ps, _mm256_store_ps, _mm512_add_ps,
    _mm512_cvtph_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_store_ps,
};

use super::{Line, UNITS, gates};

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(super) fn gates_avx512(sums: &Line, c: &mut [f32], h: &mut [f32; UNITS]) {
    gates::<true>(sums, c, h);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn gates_avx2(sums: &Line, c: &mut [f32], h: &mut [f32; UNITS]) {
    gates::<true>(sums, c, h);
}

/// Writes the products for weights stored as `$number`, which `$load(pointer)` makes 16 numbers of.
macro_rules! avx512 {
    ($dense:ident, $sparse:ident, $number:ty, $load:expr) => {
        /// `sums += lines * x`, two inputs at a time.
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
        pub(super) fn $dense(lines: &[Line<$number>], x: &[f32], sums: &mut Line) {
            let (pairs, last) = lines.as_chunks::<2>();
            let (x_pairs, x_last) = x.as_chunks::<2>();
            let mut even = load_avx512(sums);
            let mut odd = [_mm512_setzero_ps(); 4];
            for (line, x) in pairs.iter().zip(x_pairs) {
                let (first, second) = (_mm512_set1_ps(x[0]), _mm512_set1_ps(x[1]));
                for part in 0..4 {
                    // SAFETY: 16 numbers inside a line of 64, aligned as lines are.
                    let (a, b) = unsafe {
                        (
                            $load(line[0].0.as_ptr().add(16 * part)),
                            $load(line[1].0.as_ptr().add(16 * part)),
                        )
                    };
                    even[part] = _mm512_fmadd_ps(first, a, even[part]);
                    odd[part] = _mm512_fmadd_ps(second, b, odd[part]);
                }
            }
            for (line, x) in last.iter().zip(x_last) {
                let x = _mm512_set1_ps(*x);
                for (part, even) in even.iter_mut().enumerate() {
                    // SAFETY: 16 numbers inside a line of 64, aligned as lines are.
                    let weights = unsafe { $load(line.0.as_ptr().add(16 * part)) };
                    *even = _mm512_fmadd_ps(x, weights, *even);
                }
            }
            for (part, (even, odd)) in even.into_iter().zip(odd).enumerate() {
                let sum = _mm512_add_ps(even, odd);
                // SAFETY: 16 numbers inside a line of 64, aligned as lines are.
                unsafe { _mm512_store_ps(sums.0.as_mut_ptr().add(16 * part), sum) };
            }
        }

        /// `sums += lines * x` for the listed lines.
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
        pub(super) fn $sparse(lines: &[Line<$number>], x: &[(u16, f32)], sums: &mut Line) {
            let mut acc = load_avx512(sums);
            for (input, x) in x {
                let line = &lines[usize::from(*input)];
                let x = _mm512_set1_ps(*x);
                for (part, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: 16 numbers inside a line of 64, aligned as lines are.
                    let weights = unsafe { $load(line.0.as_ptr().add(16 * part)) };
                    *acc = _mm512_fmadd_ps(x, weights, *acc);
                }
            }
            for (part, acc) in acc.into_iter().enumerate() {
                // SAFETY: 16 numbers inside a line of 64, aligned as lines are.
                unsafe { _mm512_store_ps(sums.0.as_mut_ptr().add(16 * part), acc) };
            }
        }
    };
}

#[target_feature(enable = "avx512f")]
fn load_avx512(sums: &Line) -> [__m512; 4] {
    let mut parts = [_mm512_setzero_ps(); 4];
    for (part, numbers) in parts.iter_mut().enumerate() {
        // SAFETY: 16 numbers inside a line of 64, aligned as lines are.
        *numbers = unsafe { _mm512_load_ps(sums.0.as_ptr().add(16 * part)) };
    }
    parts
}

avx512!(add_f32_avx512, add_sparse_f32_avx512, f32, |at: *const f32| _mm512_load_ps(at));
avx512!(add_f16_avx512, add_sparse_f16_avx512, u16, |at: *const u16| _mm512_cvtph_ps(
    _mm256_load_si256(at.cast())
));

/// Writes the products for weights stored as `$number`, which `$load(pointer)` makes 8 numbers of.
macro_rules! avx2 {
    ($dense:ident, $sparse:ident, $number:ty, $load:expr) => {
        /// `sums += lines * x`.
        #[target_feature(enable = "avx2,fma,f16c")]
        pub(super) fn $dense(lines: &[Line<$number>], x: &[f32], sums: &mut Line) {
            let mut acc = load_avx2(sums);
            for (line, x) in lines.iter().zip(x) {
                let x = _mm256_set1_ps(*x);
                for (part, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: 8 numbers inside a line of 64, aligned as lines are.
                    let weights = unsafe { $load(line.0.as_ptr().add(8 * part)) };
                    *acc = _mm256_fmadd_ps(x, weights, *acc);
                }
            }
            store_avx2(acc, sums);
        }

        /// `sums += lines * x` for the listed lines.
        #[target_feature(enable = "avx2,fma,f16c")]
        pub(super) fn $sparse(lines: &[Line<$number>], x: &[(u16, f32)], sums: &mut Line) {
            let mut acc = load_avx2(sums);
            for (input, x) in x {
                let line = &lines[usize::from(*input)];
                let x = _mm256_set1_ps(*x);
                for (part, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: 8 numbers inside a line of 64, aligned as lines are.
                    let weights = unsafe { $load(line.0.as_ptr().add(8 * part)) };
                    *acc = _mm256_fmadd_ps(x, weights, *acc);
                }
            }
            store_avx2(acc, sums);
        }
    };
}

#[target_feature(enable = "avx2")]
fn load_avx2(sums: &Line) -> [__m256; 8] {
    let mut parts = [_mm256_setzero_ps(); 8];
    for (part, numbers) in parts.iter_mut().enumerate() {
        // SAFETY: 8 numbers inside a line of 64, aligned as lines are.
        *numbers = unsafe { _mm256_load_ps(sums.0.as_ptr().add(8 * part)) };
    }
    parts
}

#[target_feature(enable = "avx2")]
fn store_avx2(parts: [__m256; 8], sums: &mut Line) {
    for (part, numbers) in parts.into_iter().enumerate() {
        // SAFETY: 8 numbers inside a line of 64, aligned as lines are.
        unsafe { _mm256_store_ps(sums.0.as_mut_ptr().add(8 * part), numbers) };
    }
}

avx2!(add_f32_avx2, add_sparse_f32_avx2, f32, |at: *const f32| _mm256_load_ps(at));
avx2!(add_f16_avx2, add_sparse_f16_avx2, u16, |at: *const u16| _mm256_cvtph_ps(_mm_load_si128(
    at.cast()
)));
