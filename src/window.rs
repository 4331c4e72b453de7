//! The window: what is heard, what is planned and why, with every control at hand. The plugin and the program show the same.
//!
//! [`view::View`] draws a [`scene::Scene`] with egui and gives what was [`asked::Asked`] for; it knows neither engine nor host.

pub mod asked;
pub mod backstage;
pub mod drag_out;
pub mod host;
pub mod look;
pub mod page;
pub mod scene;
pub mod shell;
pub mod view;

mod appearance;
mod bars;
mod camera;
mod capture;
mod control;
mod drop;
mod hand;
mod health;
mod hint;
mod models;
mod palette;
mod presets;
mod roll;
mod route;
mod setting;
mod strip;
mod training;
mod why;
