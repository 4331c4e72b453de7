//! Floor 2, the joint: all that the audio thread and the worker thread say to each other.
//!
//! Two single-producer, single-consumer rings carry small `Copy` messages; [`meter::Meter`] carries counters
//! that any thread may read, and [`outlook::Outlook`] the plan.

pub mod forecast;
pub mod histogram;
pub mod message;
pub mod meter;
pub mod outlook;
pub mod pair;
pub mod settings;
