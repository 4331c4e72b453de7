//! Counters that the faces read while the music plays.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::link::histogram::Histogram;
use crate::music::key::Key;
use crate::music::pitch::PitchClass;
use crate::music::scale::Scale;

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
    /// Nanoseconds that the worker has worked.
    pub busy_nanos: AtomicU64,
    /// One model step: the mean of each stretch of planning.
    pub step: Histogram,
    /// The worker's part of the reaction: from its taking a message in to the plan that knows of it.
    pub reaction: Histogram,
    /// The whole reaction: from a key of the player to the first machine note that could know of it. The grid, the
    /// setting `reaction` and the music are in it.
    pub answer: Histogram,
    /// Messages on their way to the worker.
    pub to_worker: Queue,
    /// Messages on their way to the audio thread.
    pub to_audio: Queue,
    key: HeardKey,
}

/// The key of what is played: 0 for none, the major keys from 1 and the minor ones from 13 on.
#[derive(Debug, Default)]
struct HeardKey(AtomicU8);

/// Keys of one mode.
const KEYS: u8 = 12;

/// How many messages wait in a ring.
#[derive(Debug, Default)]
pub struct Queue {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Queue {
    /// Says how many wait now.
    ///
    /// Any thread. No allocation, lock or system call.
    pub(crate) fn set(&self, waiting: usize) {
        self.now.store(waiting, Relaxed);
        self.most.fetch_max(waiting, Relaxed);
    }

    /// How many wait.
    pub fn now(&self) -> usize {
        self.now.load(Relaxed)
    }

    /// The most that ever waited.
    pub fn most(&self) -> usize {
        self.most.load(Relaxed)
    }
}

impl Meter {
    /// Counts one more.
    ///
    /// Any thread. No allocation, lock or system call.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// Says in which key the player is.
    ///
    /// Any thread. No allocation, lock or system call.
    pub fn set_key(&self, key: Option<Key>) {
        let minor = |key: Key| if key.scale == Scale::Minor { KEYS } else { 0 };
        self.key.0.store(key.map_or(0, |k| 1 + k.tonic.number() + minor(k)), Relaxed);
    }

    /// The key that is heard, once there is one.
    pub fn key(&self) -> Option<Key> {
        let place = self.key.0.load(Relaxed).checked_sub(1)?;
        let scale = if place < KEYS { Scale::Major } else { Scale::Minor };
        Some(Key { tonic: PitchClass::new(place % KEYS), scale })
    }

    /// Machine notes that were left out, whatever the reason.
    pub fn dropped(&self) -> u64 {
        self.late_notes.load(Relaxed) + self.clashes.load(Relaxed)
    }

    /// The usual and the 99th percentile time of a model step and of the worker's part of the reaction, in one
    /// line.
    pub fn times(&self) -> String {
        let micros = |h: &Histogram, q| h.quantile(q).map_or(0.0, |d| d.as_secs_f64() * 1e6);
        format!(
            "model step {:.0} us (p99 {:.0}), reaction {:.2} ms (p99 {:.2}, longest {:.2})",
            micros(&self.step, 0.5),
            micros(&self.step, 0.99),
            micros(&self.reaction, 0.5) / 1e3,
            micros(&self.reaction, 0.99) / 1e3,
            self.reaction.longest().as_secs_f64() * 1e3,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_told() {
        let meter = Meter::default();
        assert_eq!(meter.key(), None);
        for scale in [Scale::Major, Scale::Minor] {
            for tonic in (0..KEYS).map(PitchClass::new) {
                let key = Some(Key { tonic, scale });
                meter.set_key(key);
                assert_eq!(meter.key(), key);
            }
        }
        meter.set_key(None);
        assert_eq!(meter.key(), None);
    }
}
