//! What can be told of a sound by numbers: loudness, spectrum, pitch, clicks.

use std::f64::consts::{PI, TAU};

/// Samples a second of everything here.
pub(crate) const RATE: u32 = 48_000;

/// A filter of second order: what a sample, the last two and the last two answers count.
struct Biquad {
    ahead: [f64; 3],
    back: [f64; 2],
    past: [f64; 4],
}

impl Biquad {
    fn high_pass(hertz: f64, q: f64) -> Self {
        let (sin, cos) = (TAU * hertz / f64::from(RATE)).sin_cos();
        let alpha = sin / (2.0 * q);
        let a0 = 1.0 + alpha;
        let (edge, middle) = (f64::midpoint(1.0, cos) / a0, -(1.0 + cos) / a0);
        Self {
            ahead: [edge, middle, edge],
            back: [-2.0 * cos / a0, (1.0 - alpha) / a0],
            past: [0.0; 4],
        }
    }

    fn next(&mut self, x: f64) -> f64 {
        let [x1, x2, y1, y2] = self.past;
        let y = self.ahead[0] * x + self.ahead[1] * x1 + self.ahead[2] * x2
            - self.back[0] * y1
            - self.back[1] * y2;
        self.past = [x, x1, y, y1];
        y
    }

    fn run(mut self, sound: &[f64]) -> Vec<f64> {
        sound.iter().map(|x| self.next(*x)).collect()
    }
}

fn power(sound: &[f64]) -> f64 {
    sound.iter().map(|x| x * x).sum::<f64>() / sound.len().max(1) as f64
}

/// Decibels of a ratio of powers.
pub(crate) fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-30).log10()
}

/// Loudness of both sides in LUFS, without gating (ITU-R BS.1770, whose coefficients are for 48 kHz).
pub(crate) fn loudness(sides: &[Vec<f64>; 2]) -> f64 {
    let weighted = |side: &Vec<f64>| {
        let shelf = Biquad {
            ahead: [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85],
            back: [-1.690_659_293_182_41, 0.732_480_774_215_85],
            past: [0.0; 4],
        };
        let low_cut = Biquad {
            ahead: [1.0, -2.0, 1.0],
            back: [-1.990_047_454_833_98, 0.990_072_250_366_21],
            past: [0.0; 4],
        };
        power(&low_cut.run(&shelf.run(side)))
    };
    decibels(sides.iter().map(weighted).sum()) - 0.691
}

/// The share of the power that is constant, in decibels.
pub(crate) fn offset(sound: &[f64]) -> f64 {
    let bins = spectrum(sound);
    decibels(bins[..4].iter().sum::<f64>() / bins.iter().sum::<f64>())
}

/// Power by frequency: bins of `RATE / sound.len()` hertz. The length is a power of two.
fn spectrum(sound: &[f64]) -> Vec<f64> {
    let len = sound.len();
    assert!(len.is_power_of_two());
    // Blackman and Harris' window: what leaks lies 92 dB below.
    let window = |n: usize| {
        let x = TAU * n as f64 / len as f64;
        0.358_75 - 0.488_29 * x.cos() + 0.141_28 * (2.0 * x).cos() - 0.011_68 * (3.0 * x).cos()
    };
    let bits = len.trailing_zeros();
    let mut values: Vec<[f64; 2]> = vec![[0.0; 2]; len];
    for (n, x) in sound.iter().enumerate() {
        values[n.reverse_bits() >> (usize::BITS - bits)] = [x * window(n), 0.0];
    }
    let mut half = 1;
    while half < len {
        for start in (0..len).step_by(2 * half) {
            for k in 0..half {
                let (sin, cos) = (-PI * k as f64 / half as f64).sin_cos();
                let [re, im] = values[start + k + half];
                let turned = [re * cos - im * sin, re * sin + im * cos];
                let [re, im] = values[start + k];
                values[start + k] = [re + turned[0], im + turned[1]];
                values[start + k + half] = [re - turned[0], im - turned[1]];
            }
        }
        half *= 2;
    }
    values[..len / 2].iter().map(|[re, im]| re * re + im * im).collect()
}

/// The share of the power above a frequency, in decibels.
pub(crate) fn share_above(sound: &[f64], hertz: f64) -> f64 {
    let bins = spectrum(sound);
    let from = (hertz * sound.len() as f64 / f64::from(RATE)) as usize;
    decibels(bins[from..].iter().sum::<f64>() / bins.iter().sum::<f64>())
}

/// The share of the power that belongs to no partial of a pitch, in decibels: noise, and what has folded back.
pub(crate) fn share_beside_partials(sound: &[f64], hertz: f64) -> f64 {
    let bins = spectrum(sound);
    let width = f64::from(RATE) / sound.len() as f64;
    let beside = |(bin, _): &(usize, &f64)| {
        let at = *bin as f64 * width;
        let partial = (at / hertz).round();
        // Detuned strings and vibrato spread each partial by some cents, and the room moves.
        partial < 1.0 || (at - partial * hertz).abs() > 60.0 + 0.008 * at
    };
    let sum = bins.iter().enumerate().filter(beside).map(|(_, power)| power).sum::<f64>();
    decibels(sum / bins.iter().sum::<f64>())
}

/// How many cents the lowest partial is off `hertz`: the middle of the power around it. Strings that beat are in tune when
/// their middle is.
pub(crate) fn cents_off(sound: &[f64], hertz: f64) -> f64 {
    let bins = spectrum(sound);
    let width = f64::from(RATE) / sound.len() as f64;
    let (from, to) = (hertz / width - 8.0, hertz / width + 9.0);
    let near = from.max(0.0) as usize..=to as usize;
    let sum: f64 = bins[near.clone()].iter().sum();
    let moment: f64 = near.map(|bin| bin as f64 * width * bins[bin]).sum();
    1_200.0 * (moment / sum / hertz).log2()
}

/// How far what is above 8 kHz within 5 ms of a place stands out of the 40 ms before, in decibels. A step is heard there
/// as a click, unless a bright, high sound covers it. What lies 90 dB below the sound itself is not heard.
pub(crate) fn click(sound: &[f64], at: usize) -> f64 {
    let high = Biquad::high_pass(8_000.0, 1.306_6).run(sound);
    let high = Biquad::high_pass(8_000.0, 0.541_2).run(&high);
    let milliseconds = |n: usize| n * RATE as usize / 1_000;
    let loudest = |from: usize, to: usize| {
        high[from..to].chunks(milliseconds(1)).map(power).fold(0.0, f64::max)
    };
    let before = loudest(at - milliseconds(45), at - milliseconds(5));
    let floor = power(&sound[at - milliseconds(45)..at - milliseconds(5)]) * 1e-9;
    let around = loudest(at - milliseconds(5), at + milliseconds(5));
    decibels(around.max(floor) / before.max(floor))
}
