//! Counters that the faces read while the music plays.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How the engine is doing. Written by the audio thread and the worker, read by anyone.
#[derive(Debug, Default)]
pub struct Meter {
    /// Machine notes that sounded.
    pub notes: AtomicU64,
    /// Ticks that came before the plan for them was ready.
    pub late_plans: AtomicU64,
    /// Machine notes that came too late and were left out.
    pub late_notes: AtomicU64,
    /// Player's notes that were not passed to the model: a flood, or a stalled worker.
    pub unheard: AtomicU64,
    /// Machine notes left out because the player held that key on that channel, or the queue was full.
    pub clashes: AtomicU64,
    /// Output events that the host did not take.
    pub refused: AtomicU64,
    /// Model steps taken.
    pub steps: AtomicU64,
    /// Nanoseconds spent in model steps.
    pub step_nanos: AtomicU64,
    /// The longest time in nanoseconds from a closed tick's arrival at the worker to the plan for it.
    pub longest_plan_nanos: AtomicU64,
}

impl Meter {
    /// Counts one more.
    ///
    /// Any thread. No allocation, lock or system call.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// The mean time of a model step in microseconds, once there was one.
    pub fn step_micros(&self) -> Option<f64> {
        let steps = self.steps.load(Relaxed);
        (steps > 0).then(|| self.step_nanos.load(Relaxed) as f64 / steps as f64 / 1_000.0)
    }
}
