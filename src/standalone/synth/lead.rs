//! A lead: two close oscillators, bright when struck hard, with a vibrato that comes late.

use std::f32::consts::TAU;

use super::envelope::Envelope;
use super::series::{Series, brightness};

/// The oscillators of one lead note.
#[derive(Clone, Copy)]
pub(super) struct Lead {
    pair: [Series; 2],
    brightness: f32,
    /// Where the brightness goes, and how much of the way a sample makes.
    settled: f32,
    pace: f32,
    /// Turns of the vibrato, from before 0 while it waits; what a sample adds; how deep it is by now.
    vibrato: f32,
    vibrato_step: f32,
    depth: f32,
    deepening: f32,
}

/// How far each oscillator is from the true pitch: two cents.
const DETUNE: [f32; 2] = [0.998_9, 1.001_1];
/// Seconds in which the attack's brightness goes two thirds of its way to the settled tone.
const SETTLING_S: f32 = 0.25;
/// Turns of the vibrato in a second.
const VIBRATO_HZ: f32 = 5.2;
/// Seconds until it begins, and until it is as deep as it gets.
const VIBRATO_WAITS_S: f32 = 0.3;
const VIBRATO_DEEPENS_S: f32 = 0.6;
/// How far it bends the frequency: about ten cents.
const VIBRATO_DEPTH: f32 = 0.005_8;

impl Lead {
    /// Amplitude of a note at full velocity.
    pub(super) const GAIN: f32 = 0.26;
    /// Seconds in which a released note falls by 60 dB.
    pub(super) const RELEASE_S: f32 = 0.22;

    /// Quick, and it stays.
    pub(super) fn envelope(force: f32, rate: f32) -> Envelope {
        Envelope::new(0.016 - 0.009 * force, 3.0, rate).sustained(0.7)
    }

    /// A note of `hertz`; `force` is the velocity from 0 to 1.
    pub(super) fn new(hertz: f32, force: f32, rate: f32) -> Self {
        Self {
            pair: [
                Series::new(hertz * DETUNE[0], 0.0, rate),
                Series::new(hertz * DETUNE[1], 0.3, rate),
            ],
            brightness: brightness(hertz, 500.0 + 2_800.0 * force + hertz),
            settled: brightness(hertz, 400.0 + 1_700.0 * force + 0.8 * hertz),
            pace: 1.0 - (-1.0 / (SETTLING_S * rate)).exp(),
            vibrato: -VIBRATO_WAITS_S * VIBRATO_HZ,
            vibrato_step: VIBRATO_HZ / rate,
            depth: 0.0,
            deepening: VIBRATO_DEPTH / (VIBRATO_DEEPENS_S * rate),
        }
    }

    /// The next sample left and right: the two lean a little to their sides.
    pub(super) fn next(&mut self) -> [f32; 2] {
        self.brightness += (self.settled - self.brightness) * self.pace;
        let bend = 1.0 + self.depth * (self.vibrato.max(0.0) * TAU).sin();
        self.vibrato += self.vibrato_step;
        if self.vibrato > 0.0 {
            self.vibrato = self.vibrato.fract();
            self.depth = (self.depth + self.deepening).min(VIBRATO_DEPTH);
        }
        let [one, other] = &mut self.pair;
        let (one, other) = (one.next(self.brightness, bend), other.next(self.brightness, bend));
        [0.6 * one + 0.4 * other, 0.4 * one + 0.6 * other]
    }
}
