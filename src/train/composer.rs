//! The `composer` recipe: a residual network that names who wrote a row of sheet music.

pub mod album;
mod augment;
pub mod config;
mod resume;
pub mod run;
pub mod verdicts;

pub use config::ComposerConfig;
