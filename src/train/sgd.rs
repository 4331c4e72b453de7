//! Stochastic gradient descent with momentum, and a rate that falls with the inverse of time.

/// The optimiser.
#[derive(Clone, PartialEq, Debug)]
pub struct Sgd {
    /// The first step's rate.
    pub rate: f64,
    /// After `steps` steps the rate is divided by `1 + decay * steps`.
    pub decay: f64,
    /// The share of the last move that goes on; 0 keeps no memory of it.
    pub momentum: f32,
    /// Steps taken.
    pub steps: u64,
    /// The last move, in gradients; empty without momentum or before the first step.
    pub moving: Vec<f32>,
}

impl Sgd {
    /// An optimiser that has seen nothing.
    pub const fn new(rate: f64, decay: f64, momentum: f32) -> Self {
        Self { rate, decay, momentum, steps: 0, moving: Vec::new() }
    }

    /// Moves the values against the gradients.
    pub fn step(&mut self, values: &mut [f32], gradients: &[f32]) {
        let rate = (self.rate / (1.0 + self.decay * self.steps as f64)) as f32;
        self.steps += 1;
        if self.momentum > 0.0 {
            self.moving.resize(values.len(), 0.0);
            let moves = self.moving.iter_mut().zip(gradients);
            for (value, (moving, gradient)) in values.iter_mut().zip(moves) {
                *moving = self.momentum * *moving + gradient;
                *value -= rate * *moving;
            }
        } else {
            values.iter_mut().zip(gradients).for_each(|(x, g)| *x -= rate * g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_go_on_and_the_rate_falls() {
        let mut sgd = Sgd::new(0.1, 1.0, 0.5);
        let mut values = [1.0];
        sgd.step(&mut values, &[2.0]);
        assert!((values[0] - 0.8).abs() < 1e-6);
        // The rate is halved; half of the last move goes on.
        sgd.step(&mut values, &[2.0]);
        assert!((values[0] - (0.8 - 0.05 * 3.0)).abs() < 1e-6);
        let mut plain = Sgd::new(0.1, 0.0, 0.0);
        plain.step(&mut values, &[-1.0]);
        assert!((values[0] - 0.75).abs() < 1e-6 && plain.moving.is_empty());
    }
}
