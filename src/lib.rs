//! Sideman, an improvising accompanist.

pub mod music;
