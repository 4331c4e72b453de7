//! Sideman, an improvising accompanist.

pub mod infer;
pub mod link;
pub mod live;
pub mod model;
pub mod music;
pub mod preset;
#[cfg(feature = "standalone")]
pub mod standalone;
