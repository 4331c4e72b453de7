//! Sound that is held back, for instruments outside that take longer than the built-in ones.

use crate::music::time::SampleRate;

/// The longest, in seconds.
pub const MOST_SECONDS: f64 = 1.0;

/// Gives each sample back some time later. Memory is taken in [`Delay::new`] alone.
#[derive(Clone, Debug)]
pub struct Delay {
    ring: Vec<[f32; 2]>,
    at: usize,
}

impl Delay {
    /// Of so many seconds, from 0 to [`MOST_SECONDS`]. Allocates.
    pub fn new(rate: SampleRate, seconds: f64) -> Self {
        let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, MOST_SECONDS) };
        Self { ring: vec![[0.0; 2]; (seconds * rate.hertz()).round() as usize], at: 0 }
    }

    /// Puts what came earlier in the place of what comes now.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn play(&mut self, left: &mut [f32], right: &mut [f32]) {
        if self.ring.is_empty() {
            return;
        }
        for (left, right) in left.iter_mut().zip(right) {
            let late = std::mem::replace(&mut self.ring[self.at], [*left, *right]);
            [*left, *right] = late;
            self.at = (self.at + 1) % self.ring.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_as_it_was_and_later() {
        for (seconds, samples) in [(0.0, 0), (-1.0, 0), (0.001, 48), (9.0, 48_000), (f64::NAN, 0)] {
            let mut delay = Delay::new(SampleRate::new(48_000.0), seconds);
            let mut heard = Vec::new();
            for block in 0..500_usize {
                let mut left: Vec<f32> = (0..100).map(|n| (block * 100 + n) as f32).collect();
                let mut right = left.iter().map(|x| -x).collect::<Vec<_>>();
                delay.play(&mut left, &mut right);
                assert_eq!(left, right.iter().map(|x| -x).collect::<Vec<_>>());
                heard.extend(left);
            }
            assert_eq!(heard[..samples], vec![0.0; samples]);
            let all: Vec<f32> = (0..heard.len() - samples).map(|n| n as f32).collect();
            assert_eq!(heard[samples..], all, "{seconds}");
        }
    }
}
