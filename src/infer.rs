//! Floor 3, the worker's half: feeds the model what is played and plans what the machine plays.

mod asking;
pub mod builtin;
mod company;
pub(crate) mod ears;
mod energy;
mod expression;
mod frozen;
mod governor;
pub mod harmonist;
mod inbox;
pub(crate) mod learning;
pub mod listener;
pub mod memory;
pub mod model_slot;
pub mod net;
mod policy;
mod rules;
mod sampler;
pub mod session;
pub mod song_chords;
mod trail;
pub mod worker;
