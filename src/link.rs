//! Floor 2, the joint: all that the audio thread and the worker thread say to each other.
//!
//! Two single-producer, single-consumer rings carry small `Copy` messages; [`meter::Meter`] carries counters
//! that any thread may read, and [`display::Display`] what windows show: past, place, plan and choices.

pub mod display;
pub mod forecast;
pub mod histogram;
pub mod message;
pub mod meter;
pub mod outlook;
pub mod pair;
pub mod past;
mod sequence;
pub mod settings;
