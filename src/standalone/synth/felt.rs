//! The machine's sound: a soft piano with felt on its strings, from two slightly detuned sets of partials.

use std::f32::consts::TAU;

use super::envelope::{Envelope, ratio};

/// Partials of one string.
const PARTIALS: usize = 10;

/// The two strings of one felt piano note, one to each side.
#[derive(Clone, Copy)]
pub(super) struct Felt {
    /// Turns of each string's phase, 0 to 1, and what a sample adds.
    phases: [f32; 2],
    steps: [f32; 2],
    /// Amplitude of each partial, and what a sample multiplies it by: the higher, the sooner gone.
    partials: [f32; PARTIALS],
    ratios: [f32; PARTIALS],
}

/// The partials' signs, chosen among all by trial so that the wave's peaks are as low as they get.
const SIGNS: [f32; PARTIALS] = [1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
/// Each string is this far from the true pitch, about a cent and a half.
const DETUNE: f32 = 0.000_9;

impl Felt {
    /// Amplitude of a note at full velocity.
    pub(super) const GAIN: f32 = 0.8;
    /// Seconds in which a released note falls by 60 dB.
    pub(super) const RELEASE_S: f32 = 0.45;

    /// A padded hammer: softer strokes start more slowly.
    pub(super) fn envelope(key: u8, force: f32, rate: f32) -> Envelope {
        let decay_s = 11.0 * (-(f32::from(key) - 48.0) / 30.0).exp2();
        Envelope::new(0.016 - 0.010 * force, decay_s.clamp(2.0, 16.0), rate)
    }

    /// A note of `hertz`; `force` is the velocity from 0 to 1.
    pub(super) fn new(key: u8, hertz: f32, force: f32, rate: f32) -> Self {
        let mut partials = [0.0; PARTIALS];
        let mut ratios = [1.0; PARTIALS];
        let bright = 0.42 + 0.38 * force;
        let mut sum = 0.0;
        for (i, (partial, fade)) in partials.iter_mut().zip(&mut ratios).enumerate() {
            let number = (i + 1) as f32;
            let place = number * hertz / (0.5 * rate);
            let audible = ((0.95 - place) / 0.2).clamp(0.0, 1.0);
            // A hammer at a sixth of the string leaves the sixth partial out.
            let struck = (number * std::f32::consts::PI / 6.0).sin().abs().max(0.1);
            *partial = audible * struck * bright.powi(i as i32) / number.sqrt();
            sum += *partial;
            *partial *= SIGNS[i];
            *fade = ratio((4.0 / (i as f32).max(0.2)).min(20.0) * key_length(key), rate);
        }
        for partial in &mut partials {
            *partial /= sum.max(0.05);
        }
        Self {
            phases: [0.0; 2],
            steps: [1.0 - DETUNE, 1.0 + DETUNE].map(|d| d * hertz / rate),
            partials,
            ratios,
        }
    }

    /// The next sample left and right, each within -1 and 1.
    pub(super) fn next(&mut self) -> [f32; 2] {
        let strings = self.phases.map(|phase| sum_of_sines(&self.partials, phase * TAU));
        for (partial, ratio) in self.partials.iter_mut().zip(&self.ratios) {
            *partial *= ratio;
        }
        for (phase, step) in self.phases.iter_mut().zip(self.steps) {
            *phase = (*phase + step).fract();
        }
        // Each string leans to its side and is heard on the other.
        [0.72 * strings[0] + 0.28 * strings[1], 0.28 * strings[0] + 0.72 * strings[1]]
    }
}

/// How long a key's overtones last against those of C4.
fn key_length(key: u8) -> f32 {
    (-(f32::from(key) - 60.0) / 36.0).exp2()
}

/// `sum of a[k] * sin((k + 1) * angle)` with one sine and one cosine, by Clenshaw's recurrence.
fn sum_of_sines(amplitudes: &[f32; PARTIALS], angle: f32) -> f32 {
    let (sin, cos) = angle.sin_cos();
    let (mut next, mut after) = (0.0, 0.0);
    for a in amplitudes.iter().rev() {
        (next, after) = (a + 2.0 * cos * next - after, next);
    }
    next * sin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recurrence_sums_sines() {
        let amplitudes: [f32; PARTIALS] = std::array::from_fn(|i| 1.0 / (i + 1) as f32);
        for step in 0..50 {
            let angle = step as f32 * 0.123;
            let plain: f32 = amplitudes
                .iter()
                .enumerate()
                .map(|(i, a)| a * ((i + 1) as f32 * angle).sin())
                .sum();
            assert!((sum_of_sines(&amplitudes, angle) - plain).abs() < 1e-4, "at {angle}");
        }
    }
}
