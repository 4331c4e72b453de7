//! The metronome's click, mixed over what sounds.

use std::f32::consts::TAU;

use crate::music::time::{Meter, SampleRate, TICKS_PER_BEAT};

/// Pitch of a beat and of a bar's first, in hertz: E6 and A6, above most melodies.
const BEAT_HZ: f32 = 1_318.5;
const BAR_HZ: f32 = 1_760.0;

/// Seconds in which a click fades by 60 dB, and in which it rises.
const FADE_S: f32 = 0.06;
const RISE_S: f32 = 0.000_5;

/// Amplitude of a bar's first click at full level, and of the others.
const BAR_LEVEL: f32 = 0.5;
const BEAT_LEVEL: f32 = 0.3;

/// Beats of the time signature between two clicks at least: rounding must not double one.
const APART: f64 = 0.5;

/// A click on every beat of the time signature.
///
/// Audio thread, all of it. No allocation, lock or system call.
#[derive(Clone, Debug)]
pub struct Click {
    rate: f32,
    /// Factor on its level; 0 is silence.
    level: f32,
    /// Beats since the last click.
    since: f64,
    /// The click that sounds: turns, turns a sample, amplitude, samples since it was struck.
    phase: f32,
    step: f32,
    amplitude: f32,
    age: f32,
}

impl Click {
    /// A silent metronome.
    pub fn new(rate: SampleRate) -> Self {
        let rate = rate.hertz() as f32;
        Self { rate, level: 0.0, since: 1.0, phase: 0.0, step: 0.0, amplitude: 0.0, age: 0.0 }
    }

    /// How loud it is, from 0 (silent) to 1.
    pub fn set_level(&mut self, level: f32) {
        self.level = if level.is_nan() { 0.0 } else { level.clamp(0.0, 1.0) };
    }

    /// Clicks over a block that lasts from one place to another, in quarter notes from a bar line. What was between -1 and 1
    /// stays so.
    pub fn play(&mut self, place: (f64, f64), meter: Meter, left: &mut [f32], right: &mut [f32]) {
        let frames = left.len().min(right.len());
        let unit = 4.0 / f64::from(meter.denominator.max(1));
        let (from, to) = (place.0 / unit, place.1 / unit);
        let next = (from - 1e-9).ceil();
        let due = next < to && self.since + (next - from) >= APART;
        let mut at = frames;
        if due {
            // On the first sample that is not before it, whatever the rounding.
            let samples = (next - from) / (to - from) * frames as f64;
            at = (samples - 1e-4).ceil().clamp(0.0, frames as f64) as usize;
        }
        self.ring(&mut left[..at], &mut right[..at]);
        if due {
            let bar = meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64 / unit;
            let first = (next / bar - (next / bar).round()).abs() < 1e-6;
            self.strike(first);
            self.ring(&mut left[at..frames], &mut right[at..frames]);
            self.since = to - next;
        } else {
            self.since += (to - from).max(0.0);
        }
    }

    /// A block without time: what was struck rings out.
    pub fn rest(&mut self, left: &mut [f32], right: &mut [f32]) {
        self.since = 1.0;
        self.ring(left, right);
    }

    fn strike(&mut self, first: bool) {
        let (hertz, level) = if first { (BAR_HZ, BAR_LEVEL) } else { (BEAT_HZ, BEAT_LEVEL) };
        (self.phase, self.step, self.age) = (0.0, hertz / self.rate, 0.0);
        self.amplitude = level * self.level;
    }

    fn ring(&mut self, left: &mut [f32], right: &mut [f32]) {
        if self.amplitude < 1e-5 {
            return;
        }
        let fade = 0.001_f32.powf(1.0 / (FADE_S * self.rate));
        for (left, right) in left.iter_mut().zip(right) {
            let rise = (self.age / (RISE_S * self.rate)).min(1.0);
            let sample = (self.phase * TAU).sin() * self.amplitude * rise;
            for side in [left, right] {
                *side += sample * (1.0 - side.abs()).max(0.0);
            }
            self.phase = (self.phase + self.step).fract();
            self.amplitude *= fade;
            self.age += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples at which a click begins, and whether it is a bar's first, over some quarter notes at 120 BPM.
    fn clicks(meter: Meter, block: usize, beats: f64) -> Vec<(usize, bool)> {
        let mut click = Click::new(SampleRate::new(48_000.0));
        click.set_level(1.0);
        let mut sound = Vec::new();
        let mut n = 0;
        while (n as f64) < beats * 24_000.0 {
            let (mut left, mut right) = (vec![0.0; block], vec![0.0; block]);
            let place = (n as f64 / 24_000.0, (n + block) as f64 / 24_000.0);
            click.play(place, meter, &mut left, &mut right);
            assert_eq!(left, right);
            sound.extend(left);
            n += block;
        }
        sound.truncate((beats * 24_000.0) as usize);
        let loud = |s: &[f32]| s.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let mut found: Vec<(usize, bool)> = Vec::new();
        for (at, s) in sound.iter().enumerate() {
            if s.abs() > 0.0 && found.last().is_none_or(|(last, _)| at > last + 6_000) {
                found.push((at, loud(&sound[at..(at + 400).min(sound.len())]) > 0.4));
            }
        }
        found
    }

    #[test]
    fn every_beat_has_one_click_and_bars_begin_louder() {
        let three = Meter { numerator: 3, denominator: 4 };
        let whole = clicks(three, 4_800, 7.0);
        assert_eq!(whole.len(), 7);
        for (n, (at, first)) in whole.iter().enumerate() {
            // The very first sample of a sine is 0.
            assert_eq!((*at - 1, *first), (n * 24_000, n % 3 == 0));
        }
        for block in [1, 64, 333, 1_000] {
            assert_eq!(clicks(three, block, 7.0), whole, "{block}");
        }
        let six = Meter { numerator: 6, denominator: 8 };
        let quavers = clicks(six, 256, 6.0);
        assert_eq!(quavers.len(), 12, "in 6/8 a beat is a quaver");
        assert_eq!(quavers.iter().filter(|c| c.1).count(), 2);
    }

    #[test]
    fn it_stays_within_bounds_and_is_silent_when_off() {
        let mut click = Click::new(SampleRate::new(48_000.0));
        let (mut left, mut right) = (vec![1.0; 512], vec![-1.0; 512]);
        click.play((0.0, 0.1), Meter::default(), &mut left, &mut right);
        assert_eq!((left, right.clone()), (vec![1.0; 512], vec![-1.0; 512]));
        click.rest(&mut [], &mut []);
        click.set_level(f32::INFINITY);
        let mut loud = vec![0.9; 512];
        click.play((1.0, 1.1), Meter::default(), &mut loud, &mut right);
        assert!(loud.iter().chain(&right).all(|x| x.abs() <= 1.0));
        assert!(loud.iter().any(|x| (*x - 0.9).abs() > 0.01));
    }
}
