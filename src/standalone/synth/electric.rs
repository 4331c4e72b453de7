//! The player's sound: an electric piano by frequency modulation, a tine over a body.

use std::f32::consts::TAU;

use super::envelope::{Envelope, ratio};

/// The oscillators of one electric piano note.
///
/// The body is a sine that modulates itself: struck harder it barks. The tine is a second carrier, a shade
/// sharp so that the two beat slowly, modulated from far above, which gives the bell of the attack.
#[derive(Clone, Copy)]
pub(super) struct Electric {
    /// Turns of the body's phase, 0 to 1, and what a sample adds.
    body: f32,
    body_step: f32,
    /// The same for the tine.
    tine: f32,
    tine_step: f32,
    /// Radians by which the body modulates itself: a part that stays and a part that fades.
    bark_lasting: f32,
    bark_fading: f32,
    bark_ratio: f32,
    /// Radians by which the bell modulates the tine, fading.
    bell: f32,
    bell_ratio: f32,
}

/// The bell's frequency over the tine's. Whole, so that the bell's phase is the tine's times this.
const BELL_RATIO: f32 = 14.0;
/// The tine's frequency over the body's: about two cents.
const TINE_SHARP: f32 = 1.001_2;

impl Electric {
    /// Amplitude of a note at full velocity.
    pub(super) const GAIN: f32 = 0.34;
    /// Seconds in which a released note falls by 60 dB.
    pub(super) const RELEASE_S: f32 = 0.32;

    /// A struck tine: immediate, and the higher the shorter.
    pub(super) fn envelope(key: u8, rate: f32) -> Envelope {
        let decay_s = 9.0 * (-(f32::from(key) - 48.0) / 26.0).exp2();
        Envelope::new(0.002, decay_s.clamp(1.0, 14.0), rate)
    }

    /// A note of `hertz`; `force` is the velocity from 0 to 1.
    pub(super) fn new(key: u8, hertz: f32, force: f32, rate: f32) -> Self {
        // High notes get little modulation: they need none, and it would fold back from above.
        let dull = (1.0 - (f32::from(key) - 60.0).max(0.0) / 60.0).clamp(0.15, 1.0);
        // The bell's upper side band thins out from 5 kHz on, and is never let fold back.
        let top = (BELL_RATIO + 1.0) * hertz;
        let folding = ((0.95 - top / (0.5 * rate)) / 0.25).clamp(0.0, 1.0);
        let audible = folding * (1.0 - (top - 5_000.0) / 11_000.0).clamp(0.12, 1.0);
        let bark = dull * (0.12 + 1.5 * force * force);
        Self {
            body: 0.0,
            body_step: hertz / rate,
            tine: 0.0,
            tine_step: TINE_SHARP * hertz / rate,
            bark_lasting: 0.35 * bark,
            bark_fading: 0.65 * bark,
            bark_ratio: ratio(2.2, rate),
            bell: audible * dull * (0.06 + 0.62 * force.powf(1.6)),
            bell_ratio: ratio(0.75, rate),
        }
    }

    /// The next sample, within -1 and 1.
    pub(super) fn next(&mut self) -> f32 {
        let body = self.body * TAU;
        let bark = self.bark_lasting + self.bark_fading;
        let tine = self.tine * TAU;
        let sample = 0.68 * (body + bark * body.sin()).sin()
            + 0.32 * (tine + self.bell * (BELL_RATIO * tine).sin()).sin();
        self.bark_fading *= self.bark_ratio;
        self.bell *= self.bell_ratio;
        self.body = (self.body + self.body_step).fract();
        self.tine = (self.tine + self.tine_step).fract();
        sample
    }
}
