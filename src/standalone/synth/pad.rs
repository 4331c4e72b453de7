//! A pad: three slowly beating strings, one to each side and one in the middle, that open after the attack.

use super::envelope::Envelope;
use super::series::{Series, brightness};

/// The oscillators of one pad note.
#[derive(Clone, Copy)]
pub(super) struct Pad {
    /// Left, right, middle.
    strings: [Series; 3],
    brightness: f32,
    /// Where the brightness goes, and how much of the way a sample makes.
    open: f32,
    pace: f32,
}

/// How far each string is from the true pitch: about four cents, so that thirds and sixths stay calm.
const DETUNE: [f32; 3] = [0.997_7, 1.002_3, 1.0];
/// Where in its turn each string begins: no two together, or the attack would be a pulse.
const PHASES: [f32; 3] = [0.0, 0.37, 0.71];
/// Seconds in which the sound goes two thirds of its way to full brightness.
const OPENING_S: f32 = 0.7;

impl Pad {
    /// Amplitude of a note at full velocity.
    pub(super) const GAIN: f32 = 0.14;
    /// Seconds in which a released note falls by 60 dB.
    pub(super) const RELEASE_S: f32 = 1.1;

    /// It swells, the harder the sooner, and stays.
    pub(super) fn envelope(force: f32, rate: f32) -> Envelope {
        Envelope::new(0.30 - 0.22 * force, 4.0, rate).sustained(0.8)
    }

    /// A note of `hertz`; `force` is the velocity from 0 to 1.
    pub(super) fn new(hertz: f32, force: f32, rate: f32) -> Self {
        let string = |i: usize| Series::new(hertz * DETUNE[i], PHASES[i], rate);
        Self {
            strings: [string(0), string(1), string(2)],
            brightness: brightness(hertz, 250.0 + 0.8 * hertz),
            open: brightness(hertz, 350.0 + 1_300.0 * force + 0.6 * hertz),
            pace: 1.0 - (-1.0 / (OPENING_S * rate)).exp(),
        }
    }

    /// The next sample left and right.
    pub(super) fn next(&mut self) -> [f32; 2] {
        let [left, right, middle] = &mut self.strings;
        self.brightness += (self.open - self.brightness) * self.pace;
        let middle = 0.7 * middle.next(self.brightness, 1.0);
        [left, right].map(|side| side.next(self.brightness, 1.0) + middle)
    }
}
