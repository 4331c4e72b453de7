//! What a session remembers, for the faces to save and to bring back: a reloaded project goes on as the same
//! player.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::music::note::{Note, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};

/// Notes that are remembered: the rolling window.
pub(crate) const NOTES: usize = 256;

/// Saved ticks beyond this are damage, not music.
const FARTHEST_TICK: i64 = 1 << 40;

/// The rolling window outside the worker. Shared by the faces and one worker; never touched by the audio
/// thread.
#[derive(Debug, Default)]
pub struct Memory {
    notes: Mutex<Vec<Note>>,
    /// What was brought back, which every take begins with. What is played since does not count: a take that
    /// is played again, and rendered by another worker, begins with the same in the ear.
    opening: Mutex<Vec<Note>>,
    /// Counts restorations, so that the worker sees a new one without a lock.
    generation: AtomicU64,
}

impl Memory {
    /// What was last played by both, oldest first, counted from a bar line.
    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().clone()
    }

    /// Brings back what was saved; the next take, and the present one if nobody has played yet, goes on from
    /// it. Notes that no session can have saved are mended or dropped.
    pub fn restore(&self, mut notes: Vec<Note>) {
        notes.retain(|n| (-FARTHEST_TICK..FARTHEST_TICK).contains(&n.onset.0));
        for note in &mut notes {
            note.pitch = Pitch::new(note.pitch.number()).on_piano();
            note.velocity = note.velocity.clamp(1, 127);
            note.duration = note.duration.clamp(1, 96);
        }
        into_order(&mut notes);
        let surplus = notes.len().saturating_sub(NOTES);
        notes.drain(..surplus);
        self.opening.lock().clone_from(&notes);
        *self.notes.lock() = notes;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// What every take begins with.
    pub(crate) fn opening(&self) -> Vec<Note> {
        self.opening.lock().clone()
    }

    /// The worker saves its window.
    pub(crate) fn keep(&self, bars: Bars, window: impl Iterator<Item = Note>) {
        let mut notes = self.notes.lock();
        notes.clear();
        notes.extend(window.map(|n| Note { onset: Tick(n.onset.since(bars.origin)), ..n }));
        let surplus = notes.len().saturating_sub(NOTES);
        notes.drain(..surplus);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

/// Moves remembered notes by whole bars so that they end just before `tick`.
pub(crate) fn lead_in(notes: &[Note], tick: Tick, bars: Bars) -> Vec<Note> {
    let Some(last) = notes.last() else { return Vec::new() };
    let room = tick.since(bars.origin).saturating_sub(1 + last.onset.0);
    let shift = room.div_euclid(bars.length) * bars.length + bars.origin.0;
    notes.iter().map(|n| Note { onset: n.onset.plus(shift), ..*n }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::Voice;

    fn note(onset: i64) -> Note {
        Note {
            onset: Tick(onset),
            pitch: Pitch::new(60),
            voice: Voice::Player,
            velocity: 80,
            duration: 12,
        }
    }

    #[test]
    fn a_lead_in_ends_before_the_take_and_keeps_its_place_in_the_bar() {
        for tick in [0, 5, 47, 48, 1_000] {
            let bars = Bars { origin: Tick(3), length: 48 };
            let moved = lead_in(&[note(7), note(110)], Tick(tick), bars);
            assert!(moved[1].onset < Tick(tick) && moved[1].onset.0 >= tick - 48, "{moved:?}");
            assert_eq!(bars.ticks_into_bar(moved[0].onset), 7);
            assert_eq!(moved[1].onset.since(moved[0].onset), 103);
        }
    }

    #[test]
    fn what_is_played_since_is_saved_but_opens_no_take() {
        let memory = Memory::default();
        memory.restore(vec![note(7)]);
        memory.keep(Bars::default(), [note(7), note(110)].into_iter());
        assert_eq!(memory.notes(), [note(7), note(110)]);
        assert_eq!(memory.opening(), [note(7)]);
    }

    #[test]
    fn damaged_notes_are_mended_or_dropped() {
        let memory = Memory::default();
        let mut notes =
            vec![note(i64::MIN), Note { velocity: 0, duration: i64::MAX, ..note(5) }, note(1)];
        notes.extend((0..1_000).map(|i| note(i + 10)));
        memory.restore(notes);
        let back = memory.notes();
        assert_eq!(back.len(), NOTES);
        assert!(back.is_sorted_by_key(Note::order));
        assert!(back.iter().all(|n| n.velocity > 0 && n.duration <= 96));
    }
}
