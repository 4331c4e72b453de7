//! Freeze: the machine's last bars, repeated.

use crate::music::note::Note;
use crate::music::time::Tick;

/// A stretch of machine notes that repeats for ever.
pub(crate) struct Frozen {
    from: Tick,
    length: i64,
    notes: Vec<Note>,
}

impl Frozen {
    /// The `length` ticks from `from` on; `notes` are the machine's.
    pub(crate) fn new(from: Tick, length: i64, notes: impl Iterator<Item = Note>) -> Self {
        Self { from, length: length.max(1), notes: notes.filter(|n| n.onset >= from).collect() }
    }

    /// What is to begin at a later tick.
    pub(crate) fn at(&self, tick: Tick) -> Vec<Note> {
        let here = tick.since(self.from).rem_euclid(self.length);
        let notes = self.notes.iter().filter(|n| n.onset.since(self.from) == here);
        notes.map(|n| Note { onset: tick, ..*n }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;

    #[test]
    fn notes_come_round_again() {
        let note = |onset| Note {
            onset: Tick(onset),
            pitch: Pitch::new(60),
            voice: Voice::Machine,
            velocity: 80,
            duration: 3,
        };
        let frozen = Frozen::new(Tick(10), 8, [note(2), note(11), note(14)].into_iter());
        let seen: Vec<i64> = (18..34).filter(|t| !frozen.at(Tick(*t)).is_empty()).collect();
        assert_eq!(seen, [19, 22, 27, 30]);
        assert_eq!(frozen.at(Tick(27)), [note(27)]);
    }
}
