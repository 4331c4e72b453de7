//! Laws of the live engine, held on random but legal hosts and players.

#[path = "engine/bench.rs"]
mod bench;
#[path = "engine/device.rs"]
mod device;
#[path = "engine/laws.rs"]
mod laws;
#[path = "engine/memory.rs"]
mod memory;
#[path = "engine/modes.rs"]
mod modes;
