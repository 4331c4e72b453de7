//! A bass: plucked bright, round within a moment, and short when the key goes up.

use super::envelope::Envelope;
use super::series::{Series, brightness};

/// The oscillator of one bass note.
#[derive(Clone, Copy)]
pub(super) struct Bass {
    string: Series,
    brightness: f32,
    /// Where the brightness goes, and how much of the way a sample makes.
    round: f32,
    pace: f32,
}

/// Seconds in which the pluck goes two thirds of its way to the round tone.
const ROUNDING_S: f32 = 0.11;

impl Bass {
    /// Amplitude of a note at full velocity.
    pub(super) const GAIN: f32 = 0.25;
    /// Seconds in which a released note falls by 60 dB.
    pub(super) const RELEASE_S: f32 = 0.16;

    /// Immediate, falling to half in a second or so, and held there.
    pub(super) fn envelope(rate: f32) -> Envelope {
        Envelope::new(0.004, 6.0, rate).sustained(0.4)
    }

    /// A note of `hertz`; `force` is the velocity from 0 to 1.
    pub(super) fn new(hertz: f32, force: f32, rate: f32) -> Self {
        Self {
            string: Series::new(hertz, 0.0, rate),
            brightness: brightness(hertz, 200.0 + 1_500.0 * force + hertz),
            round: brightness(hertz, 90.0 + 330.0 * force + 0.7 * hertz),
            pace: 1.0 - (-1.0 / (ROUNDING_S * rate)).exp(),
        }
    }

    /// The next sample.
    pub(super) fn next(&mut self) -> f32 {
        self.brightness += (self.round - self.brightness) * self.pace;
        self.string.next(self.brightness, 1.0)
    }
}
