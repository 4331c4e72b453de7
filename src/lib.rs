//! The whole of Sideman; below is its architecture.
#![doc = include_str!("ARCHITECTURE.md")]

#[cfg(any(feature = "standalone", feature = "train"))]
pub mod cli;
#[cfg(any(feature = "standalone", feature = "train", feature = "window"))]
pub mod data;
pub mod infer;
pub mod link;
pub mod live;
pub mod model;
pub mod music;
#[cfg(feature = "plugin")]
pub mod plugin;
pub mod preset;
#[cfg(any(feature = "standalone", feature = "train"))]
pub mod standalone;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "window")]
pub mod window;
