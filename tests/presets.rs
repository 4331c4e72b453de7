//! The presets that come with Sideman, and preset files from anywhere: each is read, written, told apart and
//! played.
#![cfg(feature = "standalone")]

#[path = "presets/cli.rs"]
mod cli;
#[path = "presets/files.rs"]
mod files;
#[path = "presets/played.rs"]
mod played;
