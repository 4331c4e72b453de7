//! Sideman, an improvising accompanist.

#[cfg(any(feature = "standalone", feature = "train"))]
pub mod cli;
#[cfg(any(feature = "standalone", feature = "train"))]
pub mod data;
pub mod link;
pub mod live;
pub mod model;
pub mod music;
#[cfg(feature = "train")]
pub mod train;
