//! Adam over flat parameters, with the length of the gradient held.

use crate::model::{LstmConfig, ModelError, Parameters};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// Kingma and Ba's optimiser.
#[derive(Clone, PartialEq, Debug)]
pub struct Adam {
    /// Steps taken.
    pub steps: u64,
    /// The running mean of the gradients.
    pub first: Parameters,
    /// The running mean of their squares.
    pub second: Parameters,
}

impl Adam {
    /// An optimiser that has seen nothing.
    ///
    /// # Errors
    /// As [`Parameters::zeros`].
    pub fn new(config: LstmConfig) -> Result<Self, ModelError> {
        let zeros = Parameters::zeros(config)?;
        Ok(Self { steps: 0, first: zeros.clone(), second: zeros })
    }

    /// Moves the parameters against the gradients, which are scaled down to the length `clip` if longer.
    /// Gives their length before that; when it is not finite, nothing moves.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Parameters,
        rate: f64,
        clip: f64,
    ) -> f64 {
        let (first, second) = (self.first.values_mut(), self.second.values_mut());
        let (values, gradients) = (parameters.values_mut(), gradients.values());
        advance(&mut self.steps, first, second, values, gradients, rate, clip)
    }
}

/// [`Adam::step`] on plain runs of numbers.
pub(crate) fn advance(
    steps: &mut u64,
    first: &mut [f32],
    second: &mut [f32],
    values: &mut [f32],
    gradients: &[f32],
    rate: f64,
    clip: f64,
) -> f64 {
    let length = gradients.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() {
        return length;
    }
    *steps += 1;
    let scale = (clip / length).min(1.0) as f32;
    let correct = |beta: f64| 1.0 - beta.powf(*steps as f64);
    let rate = (rate / correct(BETA_1)) as f32;
    let correct_second = (1.0 / correct(BETA_2)) as f32;
    let (beta_1, beta_2) = (BETA_1 as f32, BETA_2 as f32);
    let moments = first.iter_mut().zip(second);
    let values = values.iter_mut().zip(gradients);
    for ((first, second), (value, gradient)) in moments.zip(values) {
        let gradient = gradient * scale;
        *first = beta_1 * *first + (1.0 - beta_1) * gradient;
        *second = beta_2 * *second + (1.0 - beta_2) * gradient * gradient;
        *value -= rate * *first / ((*second * correct_second).sqrt() + EPSILON);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_of_the_rate() {
        let config = LstmConfig { hidden: 1, embedding: 1, layers: 1, ..LstmConfig::default() };
        let mut parameters = Parameters::zeros(config).unwrap();
        let mut gradients = Parameters::zeros(config).unwrap();
        gradients.values_mut()[0] = 3.0;
        gradients.values_mut()[1] = -4.0;
        let mut adam = Adam::new(config).unwrap();
        let length = adam.step(&mut parameters, &gradients, 0.1, 1.0);
        assert!((length - 5.0).abs() < 1e-9);
        assert!((parameters.values()[0] + 0.1).abs() < 1e-5, "{:?}", &parameters.values()[..2]);
        assert!((parameters.values()[1] - 0.1).abs() < 1e-5);
        gradients.values_mut()[0] = f32::NAN;
        let before = parameters.clone();
        assert!(adam.step(&mut parameters, &gradients, 0.1, 1.0).is_nan());
        assert_eq!(before, parameters);
    }
}
