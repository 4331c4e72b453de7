//! What a session remembers, for the faces to save and to bring back: a reloaded project goes on as the same
//! player.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::infer::learning;
use crate::music::note::{Note, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};

/// Notes that are remembered: the rolling window.
pub(crate) const NOTES: usize = 256;

/// Saved ticks beyond this are damage, not music.
const FARTHEST_TICK: i64 = 1 << 40;

/// What is remembered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remembered {
    /// What was last played by both, oldest first, counted from a bar line.
    pub window: Vec<Note>,
    /// What was picked up from the player, with what was played around it, oldest first. Only onset, pitch and voice
    /// count.
    pub learned: Vec<Note>,
}

impl Remembered {
    /// All of it, moved so that it ends just before `tick`.
    pub(crate) fn lead_in(&self, tick: Tick, bars: Bars) -> Self {
        let moved = |notes: &[Note]| lead_in(notes, tick, bars);
        Self { window: moved(&self.window), learned: moved(&self.learned) }
    }
}

/// The same outside the worker. Shared by the faces and one worker; never touched by the audio thread.
#[derive(Debug, Default)]
pub struct Memory {
    now: Mutex<Remembered>,
    /// What was brought back, which every take begins with. What is played since does not count: a take that
    /// is played again, and rendered by another worker, begins with the same in the ear.
    opening: Mutex<Remembered>,
    /// Counts restorations, so that the worker sees a new one without a lock.
    generation: AtomicU64,
    /// Counts what was forgotten on purpose.
    forgotten: AtomicU64,
}

impl Memory {
    /// What is remembered now.
    pub fn remembered(&self) -> Remembered {
        self.now.lock().clone()
    }

    /// Brings back what was saved; the next take, and the present one if nobody has played yet, goes on from
    /// it. Notes that no session can have saved are mended or dropped.
    pub fn restore(&self, mut saved: Remembered) {
        mend(&mut saved.window, NOTES);
        mend(&mut saved.learned, learning::NOTES);
        self.opening.lock().clone_from(&saved);
        *self.now.lock() = saved;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Forgets what was picked up from the player, now and at the beginning of every take.
    pub fn forget(&self) {
        self.opening.lock().learned.clear();
        self.now.lock().learned.clear();
        self.forgotten.fetch_add(1, Ordering::Release);
    }

    /// What every take begins with.
    pub(crate) fn opening(&self) -> Remembered {
        self.opening.lock().clone()
    }

    /// The worker saves its window and what it learned.
    pub(crate) fn keep(
        &self,
        bars: Bars,
        window: impl Iterator<Item = Note>,
        learned: impl Iterator<Item = Note>,
    ) {
        let mut now = self.now.lock();
        now.window.clear();
        let from_bar = |n: Note| Note { onset: Tick(n.onset.since(bars.origin)), ..n };
        now.window.extend(window.map(from_bar));
        let surplus = now.window.len().saturating_sub(NOTES);
        now.window.drain(..surplus);
        now.learned.clear();
        now.learned.extend(learned.map(from_bar));
    }

    /// Counts what was forgotten on purpose.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

fn mend(notes: &mut Vec<Note>, most: usize) {
    notes.retain(|n| (-FARTHEST_TICK..FARTHEST_TICK).contains(&n.onset.0));
    for note in &mut *notes {
        note.pitch = Pitch::new(note.pitch.number()).on_piano();
        note.velocity = note.velocity.clamp(1, 127);
        note.duration = note.duration.clamp(1, 96);
    }
    into_order(notes);
    let surplus = notes.len().saturating_sub(most);
    notes.drain(..surplus);
}

/// Moves notes, counted from a bar line, by whole bars so that they end just before `tick`.
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
        let saved = Remembered { window: vec![note(7)], learned: vec![note(3)] };
        memory.restore(saved.clone());
        let played = [note(7), note(110)];
        memory.keep(Bars::default(), played.into_iter(), [note(3), note(9)].into_iter());
        let kept = Remembered { window: played.to_vec(), learned: vec![note(3), note(9)] };
        assert_eq!(memory.remembered(), kept);
        assert_eq!(memory.opening(), saved);
        memory.forget();
        assert_eq!(memory.remembered(), Remembered { learned: Vec::new(), ..kept });
        assert_eq!(memory.opening(), Remembered { learned: Vec::new(), ..saved });
    }

    #[test]
    fn damaged_notes_are_mended_or_dropped() {
        let memory = Memory::default();
        let mut notes =
            vec![note(i64::MIN), Note { velocity: 0, duration: i64::MAX, ..note(5) }, note(1)];
        notes.extend((0..1_000).map(|i| note(i + 10)));
        let learned = notes.iter().cycle().take(10_000).copied().collect();
        memory.restore(Remembered { window: notes, learned });
        let Remembered { window, learned } = memory.remembered();
        assert_eq!(window.len(), NOTES);
        assert!(learned.len() > 900 && learned.len() <= learning::NOTES);
        for back in [window, learned] {
            assert!(back.is_sorted_by_key(Note::order));
            assert!(back.iter().all(|n| n.velocity > 0 && n.duration <= 96));
        }
    }
}
