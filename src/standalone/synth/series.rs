//! A harmonic series whose brightness may move, band-limited by construction.

use std::f32::consts::TAU;

/// An oscillator with partials up to a fixed height, each fainter than the one below by the same factor.
///
/// The sum of such a series has a closed form (J. A. Moorer, 1976), so a sample costs two sines at most, whatever the
/// number of partials, and what is above hearing or the sampling rate is never there to fold back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    /// Turns, 0 to 1, and what a sample adds.
    phase: f32,
    step: f32,
    /// Partials.
    count: i32,
    /// 0 where even the lowest partial is too high for the sampling rate.
    gain: f32,
}

/// No partial is higher.
const TOP_HZ: f32 = 16_000.0;
/// Of the sampling rate; the rest is left to vibrato.
const TOP_OF_RATE: f32 = 0.46;
/// The largest ratio of a partial's amplitude to that of the one below.
const BRIGHTEST: f32 = 0.96;
/// The smallest.
const DULLEST: f32 = 0.01;
/// The pitch from which notes are held back.
const MIDDLE_C_HZ: f32 = 261.6;
/// What the partials above the last would add is left in while it is below this: -100 dB.
const FAINT: f32 = 1e-5;

/// The ratio of neighbouring partials that lets amplitudes fall to 1/e every `cutoff` hertz: a filter's openness.
pub(super) fn brightness(hertz: f32, cutoff: f32) -> f32 {
    (-hertz / cutoff.max(1.0)).exp().clamp(DULLEST, BRIGHTEST)
}

/// Amplitude at which notes are as loud as those below middle C: the ear is keener above, by a decibel an octave.
fn evened(hertz: f32) -> f32 {
    (MIDDLE_C_HZ / hertz).min(1.0).powf(1.0 / 6.0)
}

impl Series {
    /// Begins at `phase` turns.
    pub(super) fn new(hertz: f32, phase: f32, rate: f32) -> Self {
        let top = TOP_HZ.min(TOP_OF_RATE * rate);
        Self {
            phase,
            step: hertz / rate,
            count: ((top / hertz) as i32).max(1),
            gain: if hertz < TOP_OF_RATE * rate { evened(hertz) } else { 0.0 },
        }
    }

    /// The next sample, as strong at any brightness as a sine of amplitude 1, up to middle C. `bend` multiplies the frequency.
    pub(super) fn next(&mut self, brightness: f32, bend: f32) -> f32 {
        let a = brightness.clamp(DULLEST, BRIGHTEST);
        let (sin, cos) = (self.phase * TAU).sin_cos();
        let last = a.powi(self.count);
        let mut sum = sin;
        if last > FAINT {
            // Takes away what an endless series has above the last partial.
            let (sin_last, cos_last) = ((self.phase * self.count as f32).fract() * TAU).sin_cos();
            sum += last * (a * sin_last - (sin_last * cos + cos_last * sin));
        }
        let strength = ((1.0 - a * a) / (1.0 - last * last)).sqrt();
        self.phase = (self.phase + self.step * bend).fract();
        self.gain * strength * sum / (1.0 - 2.0 * a * cos + a * a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_sum() {
        let rate = 48_000.0;
        for (hertz, a) in [(110.0_f32, 0.9_f32), (700.0, 0.95), (3_000.0, 0.5), (12_000.0, 0.96)] {
            let mut series = Series::new(hertz, 0.1, rate);
            let count = (TOP_HZ / hertz) as i32;
            let power: f32 = (0..count).map(|k| a.powi(2 * k)).sum();
            for n in 0..500 {
                let x = (0.1 + n as f32 * hertz / rate) * TAU;
                let plain: f32 = (1..=count).map(|k| a.powi(k - 1) * (k as f32 * x).sin()).sum();
                let (plain, sample) = (evened(hertz) * plain / power.sqrt(), series.next(a, 1.0));
                assert!((plain - sample).abs() < 2e-3, "{hertz} Hz, sample {n}: {sample}, {plain}");
            }
        }
    }

    #[test]
    fn brightness_follows_a_cutoff() {
        let at = |hertz: f32| brightness(hertz, 1_000.0);
        assert!((at(1_000.0) - (-1.0_f32).exp()).abs() < 1e-6);
        assert!((at(500.0).powi(2) - at(1_000.0)).abs() < 1e-6);
        assert!(at(1.0) <= BRIGHTEST && at(1e6) >= DULLEST);
    }
}
