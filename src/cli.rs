//! Floor 5, the command lines: what was typed becomes checked settings; what happens is shown.

#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod train_args;
