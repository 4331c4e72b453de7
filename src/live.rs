//! Floor 3, the audio thread's half: listens, keeps time, plays what was planned.
//!
//! Everything here obeys the real-time rules: no allocation, lock, system call, log, wait (but in an offline
//! render) or drop of a heap value.
#![cfg_attr(
    not(test),
    deny(clippy::disallowed_methods, clippy::disallowed_macros, clippy::disallowed_types)
)]

mod answers;
pub mod block;
mod clock;
mod echo;
pub mod improviser;
mod ledger;
mod out;
pub mod pulse;
mod remote;
mod scheduler;
mod timed;
