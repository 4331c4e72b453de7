//! One step of the network for playing: a token in, the logits of the next one out. Allocates nothing.

use crate::model::kernel::{self, add_product, layer_step, pack_layer, pack_rows};
use crate::model::{LstmConfig, ModelError, Parameters};

/// The widest layer or input that [`LstmConfig::validate`] lets through.
const WIDEST: usize = 4_096;

/// A model ready to play, its weights packed for the step.
#[derive(Clone, Debug)]
pub struct Lstm {
    config: LstmConfig,
    embedding: Vec<f32>,
    place: Vec<f32>,
    context: Vec<f32>,
    layers: Vec<Vec<f32>>,
    head: Vec<f32>,
    head_bias: Vec<f32>,
}

/// What a step is told.
#[derive(Clone, Copy, Debug)]
pub struct StepInput<'a> {
    /// The token that has just happened, below [`LstmConfig::vocabulary`].
    pub token: u16,
    /// The place in the bar after it, below [`LstmConfig::places`].
    pub place: u8,
    /// The musical context after it: [`LstmConfig::features`] numbers.
    pub features: &'a [f32],
}

/// What the network remembers: for each layer first h, then c, each [`LstmConfig::hidden`] numbers.
#[derive(Clone, PartialEq, Debug)]
pub struct State(Vec<f32>);

impl State {
    /// Nothing remembered.
    pub fn zeros(config: &LstmConfig) -> Self {
        Self(vec![0.0; config.state_len()])
    }

    /// A state that was saved with [`Self::values`].
    ///
    /// # Errors
    /// [`ModelError::Input`] when the length is not the config's or a number is not finite.
    pub fn from_values(config: &LstmConfig, values: &[f32]) -> Result<Self, ModelError> {
        let good = values.iter().filter(|x| x.is_finite()).count();
        if values.len() != config.state_len() || good != values.len() {
            let want = config.state_len();
            return Err(ModelError::Input {
                what: "the saved state (finite numbers)",
                got: good,
                want,
            });
        }
        Ok(Self(values.to_vec()))
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// The numbers, to change.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }

    /// Forgets everything, in place.
    pub fn reset(&mut self) {
        self.0.fill(0.0);
    }

    /// Becomes a copy of `other` without allocating, if both belong to models of one shape; else clones.
    pub fn copy_from(&mut self, other: &Self) {
        self.0.clone_from(&other.0);
    }
}

impl Lstm {
    /// Packs weights for playing.
    pub fn new(parameters: &Parameters) -> Self {
        let config = *parameters.config();
        let view = parameters.view();
        let layers = view
            .layers
            .iter()
            .enumerate()
            .map(|(layer, t)| {
                let inputs = config.layer_inputs(layer);
                pack_layer(inputs, config.hidden, t.weight_ih, t.weight_hh, t.bias_ih, t.bias_hh)
            })
            .collect();
        Self {
            embedding: view.embedding.to_vec(),
            place: view.place.to_vec(),
            context: pack_rows(config.embedding, config.features, view.context),
            layers,
            head: pack_rows(config.vocabulary, config.hidden, view.head),
            head_bias: view.head_bias.to_vec(),
            config,
        }
    }

    /// The shape.
    pub const fn config(&self) -> &LstmConfig {
        &self.config
    }

    /// Hears a token: moves `state` on and writes the logits of the next token ([`LstmConfig::vocabulary`]
    /// numbers). Allocates nothing and uses the calling thread only.
    ///
    /// # Errors
    /// [`ModelError::Input`] when something does not fit the config; then nothing has changed.
    pub fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        let config = &self.config;
        check(config, &input, state, logits)?;
        let mut x = [0.0; WIDEST];
        let mut y = [0.0; WIDEST];
        let width = config.embedding;
        let token = &self.embedding[usize::from(input.token) * width..][..width];
        let place = &self.place[usize::from(input.place) * width..][..width];
        for ((x, token), place) in x.iter_mut().zip(token).zip(place) {
            *x = token + place;
        }
        add_product(&self.context, input.features, &mut x[..width]);
        let mut width = width;
        for (packed, memory) in self.layers.iter().zip(state.0.chunks_exact_mut(2 * config.hidden))
        {
            let (h, c) = memory.split_at_mut(config.hidden);
            layer_step(packed, &x[..width], h, c, &mut y[..config.hidden]);
            h.copy_from_slice(&y[..config.hidden]);
            std::mem::swap(&mut x, &mut y);
            width = config.hidden;
        }
        logits.copy_from_slice(&self.head_bias);
        add_product(&self.head, &x[..width], logits);
        Ok(())
    }
}

/// Whether what a step is given fits the model.
pub(crate) fn check(
    config: &LstmConfig,
    input: &StepInput<'_>,
    state: &State,
    logits: &[f32],
) -> Result<(), ModelError> {
    let (token, place) = (usize::from(input.token), usize::from(input.place));
    let wrong = |what, got, want| Err(ModelError::Input { what, got, want });
    if token >= config.vocabulary {
        return wrong("the token", token, config.vocabulary);
    }
    if place >= config.places {
        return wrong("the place", place, config.places);
    }
    if input.features.len() != config.features {
        return wrong("the features", input.features.len(), config.features);
    }
    if state.0.len() != config.state_len() {
        return wrong("the state", state.0.len(), config.state_len());
    }
    if logits.len() != config.vocabulary {
        return wrong("the logits", logits.len(), config.vocabulary);
    }
    Ok(())
}

const _: () = assert!(WIDEST.is_multiple_of(kernel::UNITS));
