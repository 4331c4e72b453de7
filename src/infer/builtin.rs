//! The model that Sideman carries.

use crate::model::{Checkpoint, ModelError};

/// Its name, as users type it.
pub const NAME: &str = "duet";

/// Reads the embedded model folder `presets/duet`.
///
/// # Errors
/// None in a sound build: a test loads it.
pub fn checkpoint() -> Result<Checkpoint, ModelError> {
    Checkpoint::from_bytes(
        include_bytes!("../../presets/duet/model.json"),
        include_bytes!("../../presets/duet/weights.safetensors"),
    )
}
