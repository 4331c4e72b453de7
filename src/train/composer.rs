//! The `composer` recipe: a residual network that names who wrote a row of sheet music.

pub mod album;
pub mod ascent;
mod augment;
pub mod charts;
pub mod config;
pub mod leaks;
mod resume;
pub mod run;
pub mod saliency;
pub mod verdicts;

pub use config::ComposerConfig;
