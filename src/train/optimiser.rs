//! The ways of the `composer` recipe to move weights against their gradients: those that Keras has (but
//! Adam with the smaller epsilon of its paper, 1e-8).

use serde::{Deserialize, Serialize};

use crate::train::adam;
use crate::train::sgd::Sgd;

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Stochastic gradient descent, as published.
    Sgd,
    /// The same with a momentum of 0.9.
    Momentum,
    /// Kingma and Ba's.
    Adam,
    /// Its variant by the largest gradient (section 7 of their paper).
    Adamax,
    /// Hinton's: by the running mean of the squares.
    RmsProp,
}

const MOMENTUM: f32 = 0.9;
/// Shares of the old in the running means: of Adamax's gradients, of its largest, and of `RMSProp`'s squares.
const ADAMAX: [f32; 2] = [0.9, 0.999];
const RMS_PROP: f32 = 0.9;
const EPSILON: f32 = 1e-7;

/// An optimiser under way.
#[derive(Clone, PartialEq, Debug)]
pub struct Optimiser {
    way: Way,
    sgd: Sgd,
    /// Steps taken.
    pub steps: u64,
    /// Running means, as many for each weight as the way needs; empty before the first step.
    pub memory: Vec<f32>,
}

impl Optimiser {
    /// One that has seen nothing. After `steps` steps the rate is divided by `1 + decay * steps`.
    pub const fn new(way: Way, rate: f64, decay: f64) -> Self {
        let momentum = if matches!(way, Way::Momentum) { MOMENTUM } else { 0.0 };
        Self { way, sgd: Sgd::new(rate, decay, momentum), steps: 0, memory: Vec::new() }
    }

    /// The rate of the next step.
    pub fn rate(&self) -> f64 {
        self.sgd.rate / (1.0 + self.sgd.decay * self.steps as f64)
    }

    /// Moves the values against the gradients. Gives the gradients' length; when it is not finite, nothing moves.
    pub fn step(&mut self, values: &mut [f32], gradients: &[f32]) -> f64 {
        let length = gradients.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        if !length.is_finite() {
            return length;
        }
        let (n, rate) = (values.len(), self.rate());
        let means = match self.way {
            Way::Sgd => 0,
            Way::Momentum | Way::RmsProp => 1,
            Way::Adam | Way::Adamax => 2,
        };
        self.memory.resize(means * n, 0.0);
        match self.way {
            Way::Sgd | Way::Momentum => {
                self.sgd.steps = self.steps;
                self.sgd.moving = std::mem::take(&mut self.memory);
                self.sgd.step(values, gradients);
                self.memory = std::mem::take(&mut self.sgd.moving);
            }
            Way::Adam => {
                let (first, second) = self.memory.split_at_mut(n);
                let mut steps = self.steps;
                adam::advance(&mut steps, first, second, values, gradients, rate, f64::INFINITY);
            }
            Way::Adamax => {
                let (first, largest) = self.memory.split_at_mut(n);
                let correct = 1.0 - ADAMAX[0].powf((self.steps + 1) as f32);
                let rate = rate as f32 / correct;
                let memory = first.iter_mut().zip(largest);
                for ((first, largest), (x, g)) in memory.zip(values.iter_mut().zip(gradients)) {
                    *first = ADAMAX[0] * *first + (1.0 - ADAMAX[0]) * g;
                    *largest = g.abs().max(ADAMAX[1] * *largest);
                    *x -= rate * *first / (*largest + EPSILON);
                }
            }
            Way::RmsProp => {
                let rate = rate as f32;
                for (square, (x, g)) in self.memory.iter_mut().zip(values.iter_mut().zip(gradients))
                {
                    *square = RMS_PROP * *square + (1.0 - RMS_PROP) * g * g;
                    *x -= rate * g / (square.sqrt() + EPSILON);
                }
            }
        }
        self.steps += 1;
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Way; 5] = [Way::Sgd, Way::Momentum, Way::Adam, Way::Adamax, Way::RmsProp];

    #[test]
    fn every_way_leads_down() {
        for way in ALL {
            let mut optimiser = Optimiser::new(way, 0.02, 0.001);
            let mut values = [3.0, -2.0];
            for _ in 0..600 {
                let gradients = [2.0 * values[0], 20.0 * values[1]];
                optimiser.step(&mut values, &gradients);
            }
            assert!(values.iter().all(|x| x.abs() < 0.05), "{way:?}: {values:?}");
        }
    }

    #[test]
    fn the_first_steps_are_those_of_the_formulas() {
        // With g = 2 and rate 0.1: plain 0.2; Adam and Adamax 0.1, corrected; RMSProp 0.1 * 2 / sqrt(0.1 * 4).
        let expected = [0.2, 0.2, 0.1, 0.1, 0.316_227_8];
        for (way, expected) in ALL.into_iter().zip(expected) {
            let mut values = [1.0];
            Optimiser::new(way, 0.1, 0.0).step(&mut values, &[2.0]);
            assert!((1.0 - values[0] - expected).abs() < 1e-5, "{way:?}: {values:?}");
        }
    }

    #[test]
    fn what_is_no_number_moves_nothing() {
        for way in ALL {
            let mut values = [1.0, 1.0];
            let mut optimiser = Optimiser::new(way, 0.1, 0.0);
            assert!(!optimiser.step(&mut values, &[1.0, f32::NAN]).is_finite());
            assert_eq!((values.map(f32::to_bits), optimiser.steps), ([1.0_f32.to_bits(); 2], 0));
        }
    }
}
