//! The duet network trained as candle's own documentation does it: its LSTM, its autograd, its Adam.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use candle_nn::rnn::{LSTM, LSTMConfig, LSTMState, RNN};
use candle_nn::{
    AdamW, Embedding, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, embedding,
    linear, linear_no_bias, loss, lstm,
};

use super::Step;
use crate::model::LstmConfig;

/// One step of training on `lanes` sequences of `steps` tokens; the state is carried on. The input of each time step is
/// made by itself: cutting it out of a whole sequence would cost a gradient of the sequence's size each time. No
/// clipping, which candle does not have.
pub(super) fn step(config: LstmConfig, steps: usize, lanes: usize) -> Result<Step> {
    let device = Device::Cpu;
    let weights = VarMap::new();
    let net = Network::new(&config, &VarBuilder::from_varmap(&weights, DType::F32, &device))?;
    let rate = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut adam = AdamW::new(weights.all_vars(), rate)?;
    let mixed = |i: usize| i * 2_654_435_761 % 1_000_003;
    let column = |t: usize, limit: usize| {
        Tensor::from_iter((0..lanes).map(|i| (mixed(t * lanes + i) % limit) as u32), &device)
    };
    let mut inputs = Vec::new();
    for t in 0..steps {
        let third = (0..lanes * config.features).map(|i| u8::from(mixed(i + t) % 3 == 0).into());
        let features =
            Tensor::from_vec(third.collect::<Vec<f32>>(), (lanes, config.features), &device)?;
        inputs.push((column(t, config.vocabulary)?, column(t, config.places)?, features));
    }
    let targets: Result<Vec<_>, _> = (1..=steps).map(|t| column(t, config.vocabulary)).collect();
    let targets = Tensor::cat(&targets?, 0)?;
    let mut states =
        net.layers.iter().map(|l| l.zero_state(lanes)).collect::<candle_core::Result<Vec<_>>>()?;
    Ok(Box::new(move || {
        let nats = loss::cross_entropy(&net.forward(&inputs, &mut states)?, &targets)?;
        adam.backward_step(&nats)?;
        for state in &mut states {
            *state = LSTMState::new(state.h.detach(), state.c.detach());
        }
        super::check(f64::from(nats.to_scalar::<f32>()?))
    }))
}

struct Network {
    embedding: Embedding,
    place: Embedding,
    context: Linear,
    layers: Vec<LSTM>,
    head: Linear,
}

impl Network {
    fn new(config: &LstmConfig, vb: &VarBuilder<'_>) -> candle_core::Result<Self> {
        let LstmConfig { vocabulary, places, features, embedding: width, hidden, layers, .. } =
            *config;
        let layer = |nth: usize| {
            let shape = LSTMConfig { layer_idx: nth, ..LSTMConfig::default() };
            lstm(config.layer_inputs(nth), hidden, shape, vb.pp("lstm"))
        };
        Ok(Self {
            embedding: embedding(vocabulary, width, vb.pp("embedding"))?,
            place: embedding(places, width, vb.pp("place"))?,
            context: linear_no_bias(features, width, vb.pp("context"))?,
            layers: (0..layers).map(layer).collect::<Result<_, _>>()?,
            head: linear(hidden, vocabulary, vb.pp("head"))?,
        })
    }

    /// Logits, (steps x lanes, vocabulary).
    fn forward(
        &self,
        inputs: &[(Tensor, Tensor, Tensor)],
        states: &mut [LSTMState],
    ) -> candle_core::Result<Tensor> {
        let mut outputs = Vec::with_capacity(inputs.len());
        for (tokens, places, features) in inputs {
            let mut x = (self.embedding.forward(tokens)? + self.place.forward(places)?)?;
            x = (x + self.context.forward(features)?)?;
            for (layer, state) in self.layers.iter().zip(&mut *states) {
                *state = layer.step(&x, state)?;
                x = state.h.clone();
            }
            outputs.push(x);
        }
        self.head.forward(&Tensor::cat(&outputs, 0)?)
    }
}
