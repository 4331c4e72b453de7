//! A note of the duet: who plays it, when, what, how loud and how long.

use serde::{Deserialize, Serialize};

use crate::music::pitch::Pitch;
use crate::music::time::Tick;

/// Who plays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Voice {
    /// The person.
    Player,
    /// Sideman.
    Machine,
}

/// One note on the grid.
///
/// Notes are ordered as the model reads them: by tick, inside a tick from low to high, and the player's
/// before the machine's on one pitch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Note {
    /// When it begins.
    pub onset: Tick,
    /// What sounds.
    pub pitch: Pitch,
    /// Who plays it.
    pub voice: Voice,
    /// 1 to 127.
    pub velocity: u8,
    /// Ticks that it lasts, at least 1. What the player's key-down can't tell is not encoded.
    pub duration: i64,
}

impl Note {
    /// The place in the order of the model.
    pub const fn order(&self) -> (Tick, Pitch, Voice) {
        (self.onset, self.pitch, self.voice)
    }

    /// The first tick after it.
    pub const fn end(&self) -> Tick {
        self.onset.plus(self.duration)
    }
}

/// Sorts notes into the order of the model and drops what the order cannot hold: a second note of the same
/// voice on the same tick and pitch (the louder and longer is kept).
pub fn into_order(notes: &mut Vec<Note>) {
    notes.sort_by_key(|n| (n.order(), std::cmp::Reverse((n.velocity, n.duration))));
    notes.dedup_by_key(|n| n.order());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_before_high_and_player_before_machine() {
        let note = |onset, pitch, voice, velocity| Note {
            onset: Tick(onset),
            pitch: Pitch::new(pitch),
            voice,
            velocity,
            duration: 1,
        };
        let mut notes = vec![
            note(1, 60, Voice::Player, 9),
            note(0, 72, Voice::Machine, 9),
            note(0, 48, Voice::Machine, 9),
            note(0, 48, Voice::Player, 9),
            note(0, 48, Voice::Player, 80),
        ];
        into_order(&mut notes);
        let seen: Vec<_> =
            notes.iter().map(|n| (n.onset.0, n.pitch.number(), n.velocity)).collect();
        assert_eq!(seen, [(0, 48, 80), (0, 48, 9), (0, 72, 9), (1, 60, 9)]);
    }
}
