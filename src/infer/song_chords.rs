//! The chords of the song that is played, from whoever knows them to the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::music::harmony::Harmony;
use crate::music::time::Tick;

/// Chords by ticks of the song, each until the next.
pub type Chords = Arc<[(Tick, Harmony)]>;

/// Where they lie. Shared by the faces and one worker; never touched by the audio thread.
#[derive(Debug, Default)]
pub struct SongChords {
    chords: Mutex<Chords>,
    /// Counts changes, so that the worker sees one without a lock.
    generation: AtomicU64,
}

impl SongChords {
    /// Puts other chords in place; the worker takes them up within milliseconds. They are put in order. Of two at one tick the
    /// later one counts.
    pub fn put(&self, mut chords: Vec<(Tick, Harmony)>) {
        chords.sort_by_key(|c| c.0);
        chords.reverse();
        chords.dedup_by_key(|c| c.0);
        chords.reverse();
        *self.chords.lock() = chords.into();
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The chords.
    pub fn get(&self) -> Chords {
        Arc::clone(&self.chords.lock())
    }

    /// Counts changes.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::pitch::PitchClass;

    #[test]
    fn chords_are_in_order_and_the_later_of_two_counts() {
        let chord = |n| Harmony { root: PitchClass::new(n), ..Harmony::NONE };
        let slot = SongChords::default();
        let before = slot.generation();
        slot.put(vec![(Tick(48), chord(2)), (Tick(0), chord(0)), (Tick(48), chord(5))]);
        assert_eq!(*slot.get(), [(Tick(0), chord(0)), (Tick(48), chord(5))]);
        assert!(slot.generation() > before);
    }
}
