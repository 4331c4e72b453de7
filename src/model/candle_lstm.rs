//! The network in candle's own words, on any device that candle drives: the way to a GPU, and the reference that
//! our own step and training are held to.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::rnn::{LSTM, LSTMConfig, LSTMState, RNN};
use candle_nn::{Embedding, Linear, Module, VarBuilder, embedding, linear, linear_no_bias, lstm};

use crate::model::lstm::check;
use crate::model::{LstmConfig, ModelError, Parameters, State, StepInput};

/// A model whose weights lie on a candle device.
#[derive(Clone, Debug)]
pub struct CandleLstm {
    config: LstmConfig,
    device: Device,
    embedding: Embedding,
    place: Embedding,
    /// None when the model has no features.
    context: Option<Linear>,
    layers: Vec<LSTM>,
    head: Linear,
}

impl CandleLstm {
    /// Copies the weights to `device`.
    ///
    /// # Errors
    /// [`ModelError::Device`] when the device can't take them.
    pub fn new(parameters: &Parameters, device: &Device) -> Result<Self, ModelError> {
        Self::build(parameters, device).map_err(|e| device_error(device, &e))
    }

    fn build(parameters: &Parameters, device: &Device) -> candle_core::Result<Self> {
        let config = *parameters.config();
        let mut tensors = HashMap::new();
        for spec in config.tensors().into_iter().filter(|s| !s.range.is_empty()) {
            let values = &parameters.values()[spec.range];
            tensors.insert(spec.name, Tensor::from_slice(values, spec.shape, device)?);
        }
        let weights = VarBuilder::from_tensors(tensors, DType::F32, device);
        let context = match config.features {
            0 => None,
            n => Some(linear_no_bias(n, config.embedding, weights.pp("context"))?),
        };
        let layer = |layer_idx| {
            let lstm_config = LSTMConfig { layer_idx, ..LSTMConfig::default() };
            lstm(config.layer_inputs(layer_idx), config.hidden, lstm_config, weights.pp("lstm"))
        };
        Ok(Self {
            device: device.clone(),
            embedding: embedding(config.vocabulary, config.embedding, weights.pp("embedding"))?,
            place: embedding(config.places, config.embedding, weights.pp("place"))?,
            context,
            layers: (0..config.layers).map(layer).collect::<candle_core::Result<_>>()?,
            head: linear(config.hidden, config.vocabulary, weights.pp("head"))?,
            config,
        })
    }

    /// The shape.
    pub const fn config(&self) -> &LstmConfig {
        &self.config
    }

    /// Where it computes: `candle-cpu`, `cuda` or `metal`.
    pub fn device(&self) -> &'static str {
        device_name(&self.device)
    }

    /// Hears a token: moves `state` on and writes the logits of the next token, as [`crate::model::Lstm::step`]
    /// does. The state goes to the device and comes back with the logits in one copy each way. Allocates.
    ///
    /// # Errors
    /// [`ModelError::Input`] when something does not fit the config, [`ModelError::Device`] when the device
    /// fails; then nothing has changed.
    pub fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        check(&self.config, &input, state, logits)?;
        let numbers = self
            .step_on_device(&input, state.values())
            .map_err(|e| device_error(&self.device, &e))?;
        if numbers.iter().any(|x| !x.is_finite()) {
            let problem = "it gives numbers that are not finite".to_owned();
            return Err(ModelError::Device { device: self.device(), problem });
        }
        let (memory, scores) = numbers.split_at(self.config.state_len());
        state.values_mut().copy_from_slice(memory);
        logits.copy_from_slice(scores);
        Ok(())
    }

    /// The new state, then the logits.
    fn step_on_device(
        &self,
        input: &StepInput<'_>,
        state: &[f32],
    ) -> candle_core::Result<Vec<f32>> {
        let rows = (2 * self.config.layers, self.config.hidden);
        let memory = Tensor::from_slice(state, rows, &self.device)?;
        let mut x = self.inputs(&[input.token], &[input.place], input.features)?;
        let mut numbers = Vec::with_capacity(2 * self.layers.len() + 1);
        for (layer, lstm) in self.layers.iter().enumerate() {
            let (h, c) = (memory.narrow(0, 2 * layer, 1)?, memory.narrow(0, 2 * layer + 1, 1)?);
            let after = lstm.step(&x, &LSTMState::new(h, c))?;
            x = after.h.clone();
            numbers.extend([after.h.flatten_all()?, after.c.flatten_all()?]);
        }
        numbers.push(self.head.forward(&x)?.flatten_all()?);
        Tensor::cat(&numbers, 0)?.to_vec1()
    }

    /// Hears a run of tokens from the empty state on: `features` holds [`LstmConfig::features`] numbers for each.
    /// Gives the logits after each token, (tokens, vocabulary).
    ///
    /// # Errors
    /// [`ModelError::Input`] when the lengths differ or a token or place is out of range, [`ModelError::Device`]
    /// when the device fails.
    pub fn seq(
        &self,
        tokens: &[u16],
        places: &[u8],
        features: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        let config = &self.config;
        let top = |largest: Option<usize>| largest.map_or(0, |n| n + 1);
        let (token, place) = (
            top(tokens.iter().max().map(|t| usize::from(*t))),
            top(places.iter().max().map(|p| usize::from(*p))),
        );
        for (what, got, want, good) in [
            ("the places", places.len(), tokens.len(), places.len() == tokens.len()),
            (
                "the features",
                features.len(),
                tokens.len() * config.features,
                features.len() == tokens.len() * config.features,
            ),
            ("the largest token, plus 1,", token, config.vocabulary, token <= config.vocabulary),
            ("the largest place, plus 1,", place, config.places, place <= config.places),
        ] {
            if !good {
                return Err(ModelError::Input { what, got, want });
            }
        }
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        self.seq_on_device(tokens, places, features).map_err(|e| device_error(&self.device, &e))
    }

    fn seq_on_device(
        &self,
        tokens: &[u16],
        places: &[u8],
        features: &[f32],
    ) -> candle_core::Result<Vec<f32>> {
        let mut x = self.inputs(tokens, places, features)?.unsqueeze(0)?;
        for layer in &self.layers {
            x = layer.states_to_tensor(&layer.seq(&x)?)?;
        }
        self.head.forward(&x.squeeze(0)?)?.flatten_all()?.to_vec1()
    }

    /// What the first layer hears: (tokens, embedding).
    fn inputs(
        &self,
        tokens: &[u16],
        places: &[u8],
        features: &[f32],
    ) -> candle_core::Result<Tensor> {
        let ids = |ids: Vec<u32>| Tensor::new(ids, &self.device);
        let token =
            self.embedding.forward(&ids(tokens.iter().map(|t| u32::from(*t)).collect())?)?;
        let place = self.place.forward(&ids(places.iter().map(|p| u32::from(*p)).collect())?)?;
        let x = (token + place)?;
        match &self.context {
            None => Ok(x),
            Some(context) => {
                let shape = (tokens.len(), self.config.features);
                x + context.forward(&Tensor::from_slice(features, shape, &self.device)?)?
            }
        }
    }
}

/// As `--device` names it.
pub(crate) const fn device_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "candle-cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

/// The first line of what candle says: a stack trace may follow it.
fn device_error(device: &Device, error: &candle_core::Error) -> ModelError {
    let text = error.to_string();
    let problem = text.lines().next().unwrap_or_default().trim().to_owned();
    ModelError::Device { device: device_name(device), problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Lstm, Precision};

    const SMALL: LstmConfig = LstmConfig {
        vocabulary: 19,
        places: 5,
        features: 7,
        embedding: 11,
        hidden: 13,
        layers: 3,
        dropout: 0.0,
    };

    /// Tokens, places and features of a song that visits everything.
    fn song(config: &LstmConfig, steps: usize) -> (Vec<u16>, Vec<u8>, Vec<f32>) {
        let tokens = (0..steps).map(|t| (t * 31 % config.vocabulary) as u16).collect();
        let places = (0..steps).map(|t| (t * 7 % config.places) as u8).collect();
        let feature = |k: usize| if k.is_multiple_of(3) { (k % 17) as f32 / 17.0 } else { 0.0 };
        (tokens, places, (0..steps * config.features).map(feature).collect())
    }

    /// Streams the song through `step` and gives all logits.
    fn stream(
        config: &LstmConfig,
        song: &(Vec<u16>, Vec<u8>, Vec<f32>),
        mut step: impl FnMut(StepInput<'_>, &mut State, &mut [f32]) -> Result<(), ModelError>,
    ) -> Vec<f32> {
        let (tokens, places, features) = song;
        let mut state = State::zeros(config);
        let mut all = vec![0.0; tokens.len() * config.vocabulary];
        for (t, logits) in all.chunks_exact_mut(config.vocabulary).enumerate() {
            let features = &features[t * config.features..][..config.features];
            let input = StepInput { token: tokens[t], place: places[t], features };
            step(input, &mut state, logits).unwrap();
        }
        all
    }

    fn furthest(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn the_packed_step_is_candles_step() {
        for (seed, config) in [
            SMALL,
            LstmConfig { features: 0, layers: 1, hidden: 1, ..SMALL },
            LstmConfig { embedding: 64, hidden: 64, ..LstmConfig::default() },
            LstmConfig { embedding: 24, hidden: 100, layers: 1, ..LstmConfig::default() },
            LstmConfig { vocabulary: 1_000, ..LstmConfig::default() },
        ]
        .into_iter()
        .enumerate()
        {
            let parameters = Parameters::random(config, seed as u64).unwrap();
            let packed = Lstm::packed(&parameters, Precision::F32);
            let candle = CandleLstm::new(&parameters, &Device::Cpu).unwrap();
            let song = song(&config, 200);
            let ours = stream(&config, &song, |i, s, l| packed.step(i, s, l));
            let theirs = stream(&config, &song, |i, s, l| candle.step(i, s, l));
            let worst = furthest(&ours, &theirs);
            assert!(worst < 1e-5, "{config:?}: {worst}");
        }
    }

    #[test]
    fn a_run_is_its_steps() {
        for config in [SMALL, LstmConfig { features: 0, ..SMALL }] {
            let candle =
                CandleLstm::new(&Parameters::random(config, 9).unwrap(), &Device::Cpu).unwrap();
            let song = song(&config, 50);
            let steps = stream(&config, &song, |i, s, l| candle.step(i, s, l));
            let run = candle.seq(&song.0, &song.1, &song.2).unwrap();
            assert!(furthest(&steps, &run) < 1e-6);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let candle = CandleLstm::new(&Parameters::random(SMALL, 1).unwrap(), &Device::Cpu).unwrap();
        let (tokens, places, features) = song(&SMALL, 2);
        for (tokens, places, features) in [
            (&tokens[..], &places[..1], &features[..]),
            (&tokens, &places, &features[1..]),
            (&[0, 19], &places, &features),
            (&tokens, &[0, 5], &features),
        ] {
            candle.seq(tokens, places, features).unwrap_err();
        }
        assert!(candle.seq(&[], &[], &[]).unwrap().is_empty());
        let (mut state, mut logits) = (State::zeros(&SMALL), [0.0; 19]);
        let input = StepInput { token: 19, place: 0, features: &features[..7] };
        candle.step(input, &mut state, &mut logits).unwrap_err();
        assert_eq!(state, State::zeros(&SMALL));
    }
}
