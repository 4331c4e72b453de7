//! Floor 4, policy: the settings by name, as users write and read them, and presets of them.

pub mod bank;
pub mod controller;
pub mod dial;
pub mod file;
pub mod folder;
pub mod host;
pub mod parameter;

mod migrate;
