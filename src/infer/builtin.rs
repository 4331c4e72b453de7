//! The models that Sideman carries.

use std::sync::{Arc, OnceLock};

use crate::infer::listener::Listener;
use crate::model::harmonist::Harmonist;
use crate::model::harmonist::checkpoint::HarmonistCheckpoint;
use crate::model::image::checkpoint::{ImageCheckpoint, LISTENER};
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

/// The embedded listener `presets/listener`, unpacked once for all instances.
pub fn listener() -> Option<Arc<Listener>> {
    static SHARED: OnceLock<Option<Arc<Listener>>> = OnceLock::new();
    let unpack = || {
        let checkpoint = ImageCheckpoint::from_bytes(
            LISTENER,
            include_bytes!("../../presets/listener/model.json"),
            include_bytes!("../../presets/listener/weights.safetensors"),
        );
        // A test reads it; were it damaged, nothing would be heard and all else would play.
        checkpoint.and_then(Listener::new).ok().map(Arc::new)
    };
    SHARED.get_or_init(unpack).clone()
}

/// The embedded harmonist `presets/harmonist`, unpacked once for all instances.
pub fn harmonist() -> Option<Arc<Harmonist>> {
    static SHARED: OnceLock<Option<Arc<Harmonist>>> = OnceLock::new();
    let unpack = || {
        let checkpoint = HarmonistCheckpoint::from_bytes(
            include_bytes!("../../presets/harmonist/model.json"),
            include_bytes!("../../presets/harmonist/weights.safetensors"),
        );
        // A test reads it; were it damaged, no chord would be asked for and all else would play.
        checkpoint.ok().map(|checkpoint| Arc::new(checkpoint.net))
    };
    SHARED.get_or_init(unpack).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_knows_the_styles_of_the_duet() {
        let duet = checkpoint().unwrap();
        assert_eq!(listener().unwrap().styles(), duet.manifest.styles);
    }

    #[test]
    fn the_harmonist_is_there() {
        assert!(harmonist().is_some());
    }
}
