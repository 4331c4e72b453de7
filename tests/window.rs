//! The window as one sees and uses it: every state drawn, every control clicked, dragged and typed into.
#![cfg(all(feature = "window", any(feature = "standalone", feature = "train")))]
#![allow(clippy::unwrap_used, reason = "a test's helpers fail loudly")]

#[path = "window/controls.rs"]
mod controls;
#[path = "window/looks.rs"]
mod looks;
#[path = "window/raster.rs"]
mod raster;
#[path = "window/scenes.rs"]
mod scenes;
#[path = "window/stage.rs"]
mod stage;
