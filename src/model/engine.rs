//! What can step a model: the packed weights on the CPU, or candle on any of its devices.

use crate::model::{CandleLstm, Lstm, ModelError, Precision, State, StepInput};

/// A model that is ready to be streamed. The state stays with the caller, in main memory: rewinding is a copy,
/// and what one engine has heard another can go on with.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Where it computes, as `--device` names it.
    fn device(&self) -> &'static str;

    /// Hears a token: moves `state` on and writes the logits of the next token.
    ///
    /// Worker thread.
    ///
    /// # Errors
    /// [`ModelError::Input`] when something does not fit the model, [`ModelError::Device`] when the device
    /// fails; then `state` is as it was.
    fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError>;
}

impl Engine for Lstm {
    fn device(&self) -> &'static str {
        match self.precision() {
            Precision::F32 => "cpu-f32",
            Precision::F16 => "cpu",
        }
    }

    fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        Self::step(self, input, state, logits)
    }
}

impl Engine for CandleLstm {
    fn device(&self) -> &'static str {
        Self::device(self)
    }

    fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        Self::step(self, input, state, logits)
    }
}
