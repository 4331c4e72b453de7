//! The presets that come with Sideman, and preset files from anywhere: each is read, written, told apart and
//! played.
#![cfg(feature = "standalone")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

#[path = "presets/cli.rs"]
mod cli;
#[path = "presets/files.rs"]
mod files;
#[path = "presets/played.rs"]
mod played;
