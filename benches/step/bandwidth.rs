//! What one thread can read: the floor under a step that reads each of its weights once.

use std::hint::black_box;
use std::time::Instant;

/// Memory to be read again and again.
pub(crate) struct Memory(Vec<u64>);

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(vec![1; bytes / 8])
    }

    /// Reads all of it; how long that took, in microseconds.
    pub(crate) fn read(&self) -> f64 {
        let began = Instant::now();
        black_box(sum(black_box(&self.0)));
        began.elapsed().as_secs_f64() * 1e6
    }
}

/// Reads everything, by the widest loads there are.
fn sum(data: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn avx512(data: &[u64]) -> u64 {
            sum_body(data)
        }
        #[target_feature(enable = "avx2")]
        fn avx2(data: &[u64]) -> u64 {
            sum_body(data)
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the machine has just been found to have it.
            return unsafe { avx512(data) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has just been found to have it.
            return unsafe { avx2(data) };
        }
    }
    sum_body(data)
}

#[expect(clippy::inline_always, reason = "must take on the caller's target features")]
#[inline(always)]
fn sum_body(data: &[u64]) -> u64 {
    let mut sums = [0_u64; 64];
    let (lines, rest) = data.as_chunks::<64>();
    for line in lines {
        for (sum, x) in sums.iter_mut().zip(line) {
            *sum = sum.wrapping_add(*x);
        }
    }
    sums.iter().chain(rest).fold(0, |a, b| a.wrapping_add(*b))
}
