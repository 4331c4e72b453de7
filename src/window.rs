//! The window: what is heard, what is planned and why, with every control at hand. The plugin and the program show the same.
//!
//! [`View`] draws a [`scene::Scene`] with egui and gives what was [`asked::Asked`] for; it knows neither engine nor host.

pub mod asked;
pub mod backstage;
pub mod host;
pub mod look;
pub mod scene;
pub mod view;
