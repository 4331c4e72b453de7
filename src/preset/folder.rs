//! Where a musician's own presets and models lie.

use std::path::PathBuf;

use directories::ProjectDirs;

/// Names another folder for presets.
pub const PRESETS_VARIABLE: &str = "SIDEMAN_PRESETS";

/// Names another folder for models.
pub const MODELS_VARIABLE: &str = "SIDEMAN_MODELS";

/// The folder of the user's presets, which may not exist yet. `None` where the system has no such place.
pub fn presets() -> Option<PathBuf> {
    folder(PRESETS_VARIABLE, "presets")
}

/// The folder of model folders, which may not exist yet. `None` where the system has no such place.
pub fn models() -> Option<PathBuf> {
    folder(MODELS_VARIABLE, "models")
}

fn folder(variable: &str, name: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => Some(ProjectDirs::from("", "", "sideman")?.config_dir().join(name)),
    }
}
