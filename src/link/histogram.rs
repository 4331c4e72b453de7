//! A histogram of durations that any thread may write and read without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets of an octave: a reading is right within a quarter.
const PER_OCTAVE: u32 = 4;

/// Octaves of nanoseconds: up to more than an hour.
const OCTAVES: u32 = 42;

/// Counts durations in buckets that grow by a quarter of an octave.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; (OCTAVES * PER_OCTAVE) as usize],
    longest_nanos: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            longest_nanos: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts a duration.
    ///
    /// Any thread. No allocation, lock or system call.
    pub fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1);
        let last = self.counts.len() - 1;
        self.counts[bucket(nanos).min(last)].fetch_add(1, Relaxed);
        self.longest_nanos.fetch_max(nanos, Relaxed);
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|c| c.load(Relaxed)).sum()
    }

    /// The duration that the share `quantile` (0 to 1) of all does not exceed, rounded up to its bucket; `None`
    /// before the first.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let total = self.count();
        let wanted = (quantile.clamp(0.0, 1.0) * total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count.load(Relaxed);
            if total > 0 && seen >= wanted {
                return Some(Duration::from_nanos(
                    upper(index).min(self.longest_nanos.load(Relaxed)),
                ));
            }
        }
        None
    }

    /// The longest duration; zero before the first.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest_nanos.load(Relaxed))
    }
}

/// The bucket of a duration: its octave, and the quarter of it by the two bits after the first.
const fn bucket(nanos: u64) -> usize {
    let octave = nanos.ilog2();
    let quarter = if octave >= 2 { (nanos >> (octave - 2)) & 3 } else { 0 };
    (octave * PER_OCTAVE) as usize + quarter as usize
}

/// The longest duration of a bucket.
const fn upper(bucket: usize) -> u64 {
    let (octave, quarter) = (bucket as u64 / 4, bucket as u64 % 4);
    if octave < 2 { 1 << (octave + 1) } else { ((4 + quarter + 1) << (octave - 2)) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_a_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for micros in 1..=1_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (quantile, exact) in [(0.5, 500.0), (0.99, 990.0), (0.01, 10.0)] {
            let got = histogram.quantile(quantile).unwrap().as_secs_f64() * 1e6;
            assert!((exact..exact * 1.26).contains(&got), "{quantile}: {got}");
        }
        assert_eq!(histogram.longest(), Duration::from_millis(1));
        assert_eq!(histogram.quantile(1.0), Some(Duration::from_millis(1)));
    }

    #[test]
    fn every_duration_has_a_bucket_that_holds_it() {
        for shift in 0..40 {
            for nanos in [1_u64 << shift, (1 << shift) + 1, (3 << shift) / 2, (2 << shift) - 1] {
                assert!(
                    upper(bucket(nanos)) >= nanos
                        && (bucket(nanos) == 0 || upper(bucket(nanos) - 1) <= nanos)
                );
            }
        }
        let histogram = Histogram::default();
        histogram.record(Duration::MAX);
        histogram.record(Duration::ZERO);
        assert_eq!(histogram.count(), 2);
    }
}
