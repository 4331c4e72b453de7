//! What the session needs of a network: one step, from token to logits, with the state outside.

use std::sync::Arc;

use crate::model::{Checkpoint, Lstm, ModelError, State, StepInput};
use crate::music::context::FEATURES;
use crate::music::time::Bars;
use crate::music::token::VOCABULARY;

/// A network that can be streamed. Implementations keep no state of their own.
pub trait Net: Send + Sync {
    /// The state before anything was heard.
    fn state(&self) -> State;

    /// Feeds `token` (at `place` in the bar, with what the ear holds after it) and writes the logits of the
    /// next token. `logits` has the length of the vocabulary.
    ///
    /// Worker thread.
    fn step(
        &self,
        token: u16,
        place: u8,
        features: &[f32; FEATURES],
        state: &mut State,
        logits: &mut [f32],
    );
}

/// A `duet` model as the session plays it.
///
/// # Errors
/// [`ModelError::Input`] when its alphabet, places or features are not those of live playing.
pub fn playable(checkpoint: &Checkpoint) -> Result<Arc<dyn Net>, ModelError> {
    let config = checkpoint.parameters.config();
    for (what, got, want) in [
        ("the vocabulary", config.vocabulary, VOCABULARY),
        ("the places in a bar", config.places, Bars::PLACES),
        ("the context", config.features, FEATURES),
    ] {
        if got != want {
            return Err(ModelError::Input { what, got, want });
        }
    }
    Ok(Arc::new(Packed { config: *config, lstm: Lstm::new(&checkpoint.parameters) }))
}

struct Packed {
    config: crate::model::LstmConfig,
    lstm: Lstm,
}

impl Net for Packed {
    fn state(&self) -> State {
        State::zeros(&self.config)
    }

    fn step(
        &self,
        token: u16,
        place: u8,
        features: &[f32; FEATURES],
        state: &mut State,
        logits: &mut [f32],
    ) {
        if self.lstm.step(StepInput { token, place, features }, state, logits).is_err() {
            // The sizes were checked when the model was made: cannot happen, and must not end the music.
            logits.fill(0.0);
        }
    }
}
