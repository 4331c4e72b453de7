//! Sideman, an improvising accompanist.

pub mod infer;
pub mod link;
pub mod live;
pub mod model;
pub mod music;
#[cfg(feature = "standalone")]
pub mod standalone;
