//! The notes that are planned and have not sounded.

use arrayvec::ArrayVec;

use crate::link::message::PlannedNote;
use crate::link::outlook::CAPACITY;
use crate::music::time::Tick;

#[derive(Clone, Debug, Default)]
pub(crate) struct Scheduler {
    notes: ArrayVec<PlannedNote, CAPACITY>,
}

impl Scheduler {
    /// Takes a note in, or says that there is no room.
    pub(crate) fn add(&mut self, note: PlannedNote) -> bool {
        self.notes.try_push(note).is_ok()
    }

    /// Forgets what begins at `from` or later.
    pub(crate) fn withdraw(&mut self, from: Tick) {
        self.notes.retain(|n| n.onset < from);
    }

    /// Takes out a note that begins at `tick` or before it, lowest first.
    pub(crate) fn pop_due(&mut self, tick: Tick) -> Option<PlannedNote> {
        let (index, _) = self
            .notes
            .iter()
            .enumerate()
            .filter(|(_, n)| n.onset <= tick)
            .min_by_key(|(_, n)| (n.onset, n.pitch))?;
        Some(self.notes.swap_remove(index))
    }

    /// What is planned, in no order.
    pub(crate) fn planned(&self) -> &[PlannedNote] {
        &self.notes
    }

    pub(crate) fn clear(&mut self) {
        self.notes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::pitch::Pitch;

    #[test]
    fn due_notes_come_in_order_and_withdrawn_ones_never() {
        let note = |onset, pitch| PlannedNote {
            onset: Tick(onset),
            late_ticks: 0.0,
            late_millis: 0.0,
            duration: 1,
            pitch: Pitch::new(pitch),
            velocity: 64,
        };
        let mut scheduler = Scheduler::default();
        for n in [note(5, 60), note(3, 64), note(3, 60), note(9, 60)] {
            assert!(scheduler.add(n));
        }
        scheduler.withdraw(Tick(9));
        let due: Vec<_> = std::iter::from_fn(|| scheduler.pop_due(Tick(4))).collect();
        assert_eq!(due, [note(3, 60), note(3, 64)]);
        assert_eq!(scheduler.planned(), [note(5, 60)]);
    }

    #[test]
    fn a_full_plan_refuses() {
        let mut scheduler = Scheduler::default();
        let note = PlannedNote {
            onset: Tick(0),
            late_ticks: 0.0,
            late_millis: 0.0,
            duration: 1,
            pitch: Pitch::new(60),
            velocity: 1,
        };
        assert_eq!((0..CAPACITY + 5).filter(|_| scheduler.add(note)).count(), CAPACITY);
    }
}
