//! Tokens to notes: never fails, whatever the tokens. What the grammar forbids is skipped and counted.

use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::time::Tick;
use crate::music::token::{DURATIONS, Expect, Token, bin_velocity};

/// Reads one token at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoder {
    now: Tick,
    expect: Expect,
    pitch: Pitch,
    velocity: u8,
    /// Tokens that the grammar forbade where they came.
    pub skipped: u64,
}

impl Decoder {
    /// A decoder whose first token happens at `now`.
    pub const fn new(now: Tick) -> Self {
        Self { now, expect: Expect::Event, pitch: Pitch::PIANO_LOW, velocity: 0, skipped: 0 }
    }

    /// The time that the tokens have reached.
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// What may come next.
    pub const fn expect(&self) -> Expect {
        self.expect
    }

    /// Takes a token and gives the note that it completes. A player's note gets duration 1: the tokens
    /// do not tell.
    pub fn push(&mut self, token: Token) -> Option<Note> {
        if !self.expect.allows(token) {
            self.skipped += 1;
            // A new event in the middle of a note: the note is given up, the event is read.
            if !Expect::Event.allows(token) {
                return None;
            }
        }
        let before = self.expect;
        self.expect = before.after(token);
        let note = |voice, velocity, duration| {
            Some(Note { onset: self.now, pitch: self.pitch, voice, velocity, duration })
        };
        match (before, token) {
            (_, Token::Shift(ticks)) => {
                self.now = self.now.plus(i64::from(ticks));
                self.expect = Expect::Event;
                None
            }
            (_, Token::Player(pitch) | Token::Machine(pitch)) => {
                self.pitch = pitch;
                None
            }
            (Expect::PlayerVelocity, Token::Velocity(bin)) => {
                note(Voice::Player, bin_velocity(bin), 1)
            }
            (Expect::MachineVelocity, Token::Velocity(bin)) => {
                self.velocity = bin_velocity(bin);
                None
            }
            (Expect::MachineDuration, Token::Duration(index)) => {
                note(Voice::Machine, self.velocity, DURATIONS[usize::from(index) % DURATIONS.len()])
            }
            _ => None,
        }
    }
}

/// Reads all the tokens; also gives how many were skipped.
pub fn decode(start: Tick, tokens: &[Token]) -> (Vec<Note>, u64) {
    let mut decoder = Decoder::new(start);
    let notes = tokens.iter().filter_map(|t| decoder.push(*t)).collect();
    (notes, decoder.skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::encode::encode;
    use crate::music::note::into_order;
    use crate::music::token::{VOCABULARY, duration_index, velocity_bin};
    use proptest::prelude::*;

    fn any_note() -> impl Strategy<Value = Note> {
        (0..2_000_i64, 0..128_u8, any::<bool>(), 1..128_u8, 1..300_i64).prop_map(
            |(onset, pitch, player, velocity, duration)| Note {
                onset: Tick(onset),
                pitch: Pitch::new(pitch).on_piano(),
                voice: if player { Voice::Player } else { Voice::Machine },
                velocity,
                duration,
            },
        )
    }

    proptest! {
        #[test]
        fn notes_come_back_on_the_grid_of_the_alphabet(mut notes in prop::collection::vec(any_note(), 0..100)) {
            into_order(&mut notes);
            // Silences over eight bars are cut short; keep these phrases below that.
            for i in 1..notes.len() {
                let gap = notes[i].onset.since(notes[i - 1].onset);
                prop_assume!(gap <= crate::music::encode::LONGEST_SILENCE);
            }
            let start = notes.first().map_or(Tick(0), |n| n.onset);
            let (back, skipped) = decode(start, &encode(start, &notes));
            let expected: Vec<Note> = notes
                .iter()
                .map(|n| Note {
                    velocity: bin_velocity(velocity_bin(n.velocity)),
                    duration: match n.voice {
                        Voice::Player => 1,
                        Voice::Machine => DURATIONS[usize::from(duration_index(n.duration))],
                    },
                    ..*n
                })
                .collect();
            prop_assert_eq!(skipped, 0);
            prop_assert_eq!(back, expected);
        }

        #[test]
        fn any_tokens_decode(ids in prop::collection::vec(0..VOCABULARY as u16, 0..400)) {
            let tokens: Vec<Token> = ids.iter().filter_map(|id| Token::from_id(*id)).collect();
            let (notes, _) = decode(Tick(0), &tokens);
            prop_assert!(notes.iter().all(|n| n.duration >= 1 && (1..128).contains(&n.velocity)));
            prop_assert!(notes.is_sorted_by_key(|n| n.onset));
        }
    }
}
