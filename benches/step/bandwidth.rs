//! What one thread can read: the floor under a step that reads each of its weights once.

use std::hint::black_box;
use std::time::Instant;

/// Bytes a second that one thread reads from `bytes` of memory which it reads again and again: the best of many
/// passes, as the best time of a step is compared with it.
pub(crate) fn of_one_thread(bytes: usize) -> f64 {
    const PASSES: usize = 40;
    let data = vec![1_u64; bytes / 8];
    let pass = || {
        let began = Instant::now();
        black_box(sum(black_box(&data)));
        began.elapsed().as_secs_f64()
    };
    let best = (0..PASSES).map(|_| pass()).fold(f64::INFINITY, f64::min);
    (data.len() * 8) as f64 / best
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
