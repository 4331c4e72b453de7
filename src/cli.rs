//! Floor 5, the command lines: what was typed becomes checked settings; what happens is shown.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command lines are where we speak to the terminal"
)]

#[cfg(feature = "standalone")]
mod jam;
#[cfg(feature = "standalone")]
mod models;
#[cfg(feature = "standalone")]
mod play;
#[cfg(feature = "standalone")]
mod presets;
#[cfg(feature = "standalone")]
pub mod sideman;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod train_args;
