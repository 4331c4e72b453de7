//! The note that both piano rolls draw.

use crate::standalone::Part;

/// One note of a piano roll.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RollNote {
    /// Who plays it.
    pub part: Part,
    /// When it begins, in quarter notes; 0 is the line before bar 1.
    pub start_beats: f64,
    /// How many quarter notes it lasts. A note that still sounds lasts until now.
    pub len_beats: f64,
    /// MIDI key number, 0 to 127.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// Whether it is only planned and may yet be withdrawn.
    pub planned: bool,
}

impl RollNote {
    /// The first moment after it, in quarter notes.
    pub fn end_beats(&self) -> f64 {
        self.start_beats + self.len_beats
    }
}

/// Whether a key is a black one.
pub(super) const fn is_black(key: u8) -> bool {
    matches!(key % 12, 1 | 3 | 6 | 8 | 10)
}
