//! The player's keys that wait for their tick to be closed.

use crate::infer::policy::Policy;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::Tick;

/// Keys that wait at most; more in one reaction time is no music.
const ROOM: usize = 256;

/// The inbox.
#[derive(Clone, Debug)]
pub(crate) struct Inbox(Vec<(Tick, Key)>);

/// What happened to a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// It was struck.
    Down { pitch: Pitch, velocity: u8 },
    /// It was let go.
    Up { pitch: Pitch },
}

impl Default for Inbox {
    fn default() -> Self {
        Self(Vec::with_capacity(ROOM))
    }
}

impl Inbox {
    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Puts a key down for its tick.
    pub(crate) fn put(&mut self, tick: Tick, key: Key) {
        if self.0.len() < ROOM {
            self.0.push((tick, key));
        }
    }

    /// Takes out what was played up to `tick`, tells the policy, and gives the notes in the model's order.
    pub(crate) fn open(&mut self, tick: Tick, policy: &mut Policy) -> Vec<Note> {
        let mut played = Vec::new();
        for (at, key) in self.0.iter().filter(|(at, _)| *at <= tick) {
            match *key {
                Key::Down { pitch, velocity } => {
                    policy.key_down(*at, pitch);
                    let (pitch, voice) = (pitch.on_piano(), Voice::Player);
                    played.push(Note { onset: *at, pitch, voice, velocity, duration: 1 });
                }
                Key::Up { pitch } => policy.key_up(*at, pitch),
            }
        }
        self.0.retain(|(at, _)| *at > tick);
        into_order(&mut played);
        played
    }
}
