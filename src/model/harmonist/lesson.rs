//! What a harmonist learns from, and the gradients: many points of music at a time, as products of matrices.

use crate::model::harmonist::{Choice, Harmonist, OUTPUTS, QUALITIES};
use crate::model::product::{Matrix, multiply};
use crate::music::hearing::Inputs;

/// A point in a piece.
#[derive(Clone, PartialEq, Debug)]
pub struct Lesson {
    /// What is heard there.
    pub inputs: Inputs,
    /// The chord that people play there; none where there is none.
    pub chord: Option<Choice>,
    /// The share of each class in the line from there on; all 0 where it is silent.
    pub line: [f32; 12],
    /// What it counts.
    pub weight: f32,
}

/// How well lessons are known.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Score {
    /// Nats that the chords cost, and their number.
    pub chords: (f64, f64),
    /// Nats that the line costs, and lessons that have one.
    pub lines: (f64, f64),
}

impl Score {
    /// Takes another one in.
    pub fn add(&mut self, other: Self) {
        for (sum, more) in [(&mut self.chords, other.chords), (&mut self.lines, other.lines)] {
            sum.0 += more.0;
            sum.1 += more.1;
        }
    }

    /// Mean nats of a chord and of a line.
    pub fn means(&self) -> (f64, f64) {
        let mean = |(sum, count): (f64, f64)| sum / count.max(1.0);
        (mean(self.chords), mean(self.lines))
    }
}

/// The layers of a network over lessons, row by row: (lesson, root) x units.
struct Passed {
    inputs: Vec<f32>,
    scalars: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    out: Vec<f32>,
}

/// The score of some lessons, and the gradients of its weighted sum, divided by `count`.
pub fn learn(net: &Harmonist, lessons: &[&Lesson], count: usize) -> (Score, Vec<f32>) {
    let passed = forward(net, lessons);
    let mut score = Score::default();
    let mut slopes = vec![0.0; passed.out.len()];
    for (nth, lesson) in lessons.iter().enumerate() {
        let rows = nth * 12 * OUTPUTS..(nth + 1) * 12 * OUTPUTS;
        let (out, slopes) = (&passed.out[rows.clone()], &mut slopes[rows]);
        judge(out, lesson, lesson.weight / count as f32, slopes, &mut score);
    }
    (score, backward(net, &passed, &slopes))
}

/// The slopes of one lesson, by root and output.
fn judge(out: &[f32], lesson: &Lesson, weight: f32, slopes: &mut [f32], score: &mut Score) {
    let is_line = |i: usize| i % OUTPUTS == OUTPUTS - 1;
    if let Some(chord) = lesson.chord {
        let right = usize::from(chord.root.number()) * OUTPUTS + chord.quality % QUALITIES.len();
        score.chords.0 +=
            softmax(out, |i| !is_line(i), |i| f32::from(u8::from(i == right)), weight, slopes);
        score.chords.1 += 1.0;
    }
    if lesson.line.iter().sum::<f32>() > 0.0 {
        score.lines.0 += softmax(out, is_line, |i| lesson.line[i / OUTPUTS], weight, slopes);
        score.lines.1 += 1.0;
    }
}

/// Nats between what is said of some of the outputs and what is so; writes the slopes of these.
fn softmax(
    out: &[f32],
    counts: impl Fn(usize) -> bool,
    truth: impl Fn(usize) -> f32,
    weight: f32,
    slopes: &mut [f32],
) -> f64 {
    let these = || (0..out.len()).filter(|i| counts(*i));
    let highest = these().map(|i| out[i]).fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = these().map(|i| (out[i] - highest).exp()).sum();
    let mut nats = 0.0;
    for i in these() {
        let logarithm = out[i] - highest - sum.ln();
        nats -= f64::from(truth(i) * logarithm);
        slopes[i] = weight * (logarithm.exp() - truth(i));
    }
    nats
}

fn forward(net: &Harmonist, lessons: &[&Lesson]) -> Passed {
    let (layers, config) = (net.layers(), net.config());
    let (hidden, second, n) = (config.hidden, config.second, lessons.len());
    let inputs: Vec<f32> =
        lessons.iter().flat_map(|l| l.inputs.classes.as_flattened()).copied().collect();
    let scalars: Vec<f32> = lessons.iter().flat_map(|l| l.inputs.rest).collect();
    let mut shared = layers.first.repeat(n);
    let weights = Matrix::new(layers.scalars, config.scalars, hidden);
    multiply(&mut shared, Matrix::new(&scalars, n, config.scalars), weights, true);
    let mut first: Vec<f32> = shared.chunks_exact(hidden).flat_map(|row| row.repeat(12)).collect();
    let weights = turned(layers.classes, hidden);
    let rows = 12 * config.vectors;
    let weights = Matrix::new(&weights, rows, 12 * hidden);
    multiply(&mut first, Matrix::new(&inputs, n, rows), weights, true);
    for x in &mut first {
        *x = x.max(0.0);
    }
    let layer = |inputs: &[f32], from: usize, to: usize, (weights, bias): (&[f32], &[f32])| {
        let mut out = bias.repeat(12 * n);
        let inputs = Matrix::new(inputs, 12 * n, from);
        multiply(&mut out, inputs, Matrix::new(weights, from, to), true);
        out
    };
    let mut middle = layer(&first, hidden, second, layers.second);
    for x in &mut middle {
        *x = x.max(0.0);
    }
    let out = layer(&middle, second, OUTPUTS, layers.head);
    Passed { inputs, scalars, first, second: middle, out }
}

fn backward(net: &Harmonist, passed: &Passed, slopes: &[f32]) -> Vec<f32> {
    let (layers, config) = (net.layers(), net.config());
    let (hidden, second) = (config.hidden, config.second);
    let n = passed.scalars.len() / config.scalars;
    let mut gradients = vec![0.0; net.values().len()];
    let ranges: Vec<_> = net.tensors().iter().map(|t| t.range.clone()).collect();
    // A layer's gradients, and the slopes of what went into it where that was above 0.
    let mut layer = |slopes: &[f32],
                     inputs: &[f32],
                     from: usize,
                     to: usize,
                     nth: usize,
                     weights: &[f32]| {
        let (rows, slope) = (Matrix::new(inputs, 12 * n, from), Matrix::new(slopes, 12 * n, to));
        multiply(&mut gradients[ranges[nth].clone()], rows.transposed(), slope, false);
        sum_rows(slopes, &mut gradients[ranges[nth + 1].clone()]);
        let mut back = vec![0.0; 12 * n * from];
        multiply(&mut back, slope, Matrix::new(weights, from, to).transposed(), false);
        back.iter_mut().zip(inputs).filter(|(_, x)| **x <= 0.0).for_each(|(slope, _)| *slope = 0.0);
        back
    };
    let slopes = layer(slopes, &passed.second, second, OUTPUTS, 5, layers.head.0);
    let slopes = layer(&slopes, &passed.first, hidden, second, 3, layers.second.0);
    let mut shared = vec![0.0; n * hidden];
    for (shared, slopes) in shared.chunks_exact_mut(hidden).zip(slopes.chunks_exact(12 * hidden)) {
        sum_rows(slopes, shared);
    }
    sum_rows(&shared, &mut gradients[ranges[2].clone()]);
    let scalars = Matrix::new(&passed.scalars, n, config.scalars).transposed();
    let shared = Matrix::new(&shared, n, hidden);
    multiply(&mut gradients[ranges[1].clone()], scalars, shared, false);
    let rows = 12 * config.vectors;
    let mut turned = vec![0.0; rows * 12 * hidden];
    let inputs = Matrix::new(&passed.inputs, n, rows).transposed();
    multiply(&mut turned, inputs, Matrix::new(&slopes, n, 12 * hidden), false);
    turn_back(&turned, hidden, &mut gradients[ranges[0].clone()]);
    gradients
}

/// The weights of the classes as one matrix: (vector, class) x (root, unit).
fn turned(weights: &[f32], hidden: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(12 * weights.len());
    for vector in weights.chunks_exact(12 * hidden) {
        for class in 0..12 {
            for root in 0..12 {
                let step = (class + 12 - root) % 12;
                out.extend_from_slice(&vector[step * hidden..(step + 1) * hidden]);
            }
        }
    }
    out
}

/// What [`turned`] has in twelve places, summed up in one.
fn turn_back(turned: &[f32], hidden: usize, out: &mut [f32]) {
    let vectors = turned.chunks_exact(12 * 12 * hidden);
    for (turned, out) in vectors.zip(out.chunks_exact_mut(12 * hidden)) {
        for (nth, slopes) in turned.chunks_exact(hidden).enumerate() {
            let step = (nth / 12 + 12 - nth % 12) % 12;
            let out = &mut out[step * hidden..(step + 1) * hidden];
            out.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
        }
    }
}

fn sum_rows(rows: &[f32], out: &mut [f32]) {
    for row in rows.chunks_exact(out.len()) {
        out.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::harmonist::HarmonistConfig;
    use crate::model::harmonist::tests::inputs;

    fn lessons() -> Vec<Lesson> {
        let lesson = |nth: usize| {
            let mut line = [0.0; 12];
            if nth > 0 {
                (line[nth], line[(nth + 5) % 12]) = (0.75, 0.25);
            }
            let chord = (nth != 1).then(|| Choice::new(3 * nth, nth % QUALITIES.len()));
            Lesson { inputs: inputs(nth as u64), chord, line, weight: 1.0 + nth as f32 }
        };
        (0..3).map(lesson).collect()
    }

    fn net() -> Harmonist {
        let config = HarmonistConfig { hidden: 5, second: 4, ..HarmonistConfig::default() };
        let mut net = Harmonist::random(config, 2).unwrap();
        net.values_mut().iter_mut().enumerate().for_each(|(i, x)| *x += 0.01 * (i % 7) as f32);
        net
    }

    #[test]
    fn many_points_at_a_time_are_judged_as_one_by_one() {
        let (net, lessons) = (net(), lessons());
        let all: Vec<&Lesson> = lessons.iter().collect();
        let out = forward(&net, &all).out;
        for (lesson, out) in lessons.iter().zip(out.chunks_exact(12 * OUTPUTS)) {
            let judged = net.judge(&lesson.inputs);
            for (root, out) in out.chunks_exact(OUTPUTS).enumerate() {
                let expected = judged.chords.iter().map(|c| c[root]).chain([judged.line[root]]);
                assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4));
            }
        }
    }

    #[test]
    fn gradients_are_the_slopes() {
        let (mut net, lessons) = (net(), lessons());
        let all: Vec<&Lesson> = lessons.iter().collect();
        let (score, gradients) = learn(&net, &all, 3);
        assert!((score.chords.1, score.lines.1) == (2.0, 2.0));
        let loss = |net: &Harmonist| -> f64 {
            let each = lessons.iter().map(|lesson| {
                let (score, _) = learn(net, &[lesson], 1);
                f64::from(lesson.weight) * (score.chords.0 + score.lines.0) / 3.0
            });
            each.sum()
        };
        let tensors = net.tensors().to_vec();
        for tensor in tensors {
            for at in tensor.range.clone().step_by(1 + tensor.range.len() / 9) {
                let before = net.values()[at];
                let mut moved = |by: f32| {
                    net.values_mut()[at] = before + by;
                    let loss = loss(&net);
                    net.values_mut()[at] = before;
                    loss
                };
                let slope = (moved(2e-3) - moved(-2e-3)) / 4e-3;
                let off = (slope - f64::from(gradients[at])).abs();
                assert!(
                    off < 2e-2 * slope.abs().max(0.05),
                    "{}: {slope} {}",
                    tensor.name,
                    gradients[at]
                );
            }
        }
    }
}
