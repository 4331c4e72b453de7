//! Laws of the live engine, held on random but legal hosts and players.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test says so when it fails"
)]

#[path = "engine/asking.rs"]
mod asking;
#[path = "engine/bench.rs"]
mod bench;
#[path = "engine/device.rs"]
mod device;
#[path = "engine/entry.rs"]
mod entry;
#[path = "engine/late_entry.rs"]
mod late_entry;
#[path = "engine/laws.rs"]
mod laws;
#[path = "engine/learning.rs"]
mod learning;
#[path = "engine/listener.rs"]
mod listener;
#[path = "engine/memory.rs"]
mod memory;
#[path = "engine/modes.rs"]
mod modes;
#[path = "engine/restraint.rs"]
mod restraint;
#[path = "engine/style.rs"]
mod style;
#[path = "engine/trade.rs"]
mod trade;
