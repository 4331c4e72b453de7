//! Sideman, an improvising accompanist.

pub mod link;
pub mod live;
pub mod music;
