//! Notes at their own times, in beats that no grid has rounded: what a player plays.

use crate::data::midi_file::{FileNote, MidiFile};

/// A note at its own time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TimedNote {
    /// Where it begins, in quarter notes.
    pub from: f64,
    /// Where it ends, in quarter notes.
    pub to: f64,
    /// MIDI key number, 0 to 127.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
}

impl TimedNote {
    /// A note of a file.
    pub fn of(note: &FileNote, file: &MidiFile) -> Self {
        Self {
            from: file.beats(note.onset).0,
            to: file.beats(note.onset + note.duration).0,
            key: note.key,
            velocity: note.velocity.max(1),
        }
    }

    /// Later by so many quarter notes.
    #[must_use]
    pub fn later(self, beats: f64) -> Self {
        Self { from: self.from + beats, to: self.to + beats, ..self }
    }

    /// The pitch class, 0 (C) to 11 (B).
    pub const fn class(&self) -> u8 {
        self.key % 12
    }
}

/// Sorts notes by their beginnings; of those that begin together the lower is first.
pub fn by_onset(notes: &mut [TimedNote]) {
    notes.sort_by(|a, b| a.from.total_cmp(&b.from).then(a.key.cmp(&b.key)));
}
