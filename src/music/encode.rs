//! Notes to tokens: total, for any notes in order.

use crate::music::note::{Note, Voice};
use crate::music::time::Tick;
use crate::music::token::{MAX_SHIFT, Token, duration_index, velocity_bin};

/// Writes the tokens of one note that follows whatever happened at `now`, first the shifts to its onset.
/// A note that lies before `now` is written at `now`.
pub fn encode_note(now: Tick, note: &Note, mut write: impl FnMut(Token)) {
    encode_shift(note.onset.since(now), &mut write);
    match note.voice {
        Voice::Player => {
            write(Token::Player(note.pitch.on_piano()));
            write(Token::Velocity(velocity_bin(note.velocity)));
        }
        Voice::Machine => {
            write(Token::Machine(note.pitch.on_piano()));
            write(Token::Velocity(velocity_bin(note.velocity)));
            write(Token::Duration(duration_index(note.duration)));
        }
    }
}

/// Writes the shifts for `ticks` of time; at most [`LONGEST_SILENCE`] is told, since a longer one is all the
/// same to the model.
pub fn encode_shift(ticks: i64, mut write: impl FnMut(Token)) {
    let mut left = ticks.clamp(0, LONGEST_SILENCE);
    while left > 0 {
        let shift = left.min(MAX_SHIFT);
        write(Token::Shift(shift as u8));
        left -= shift;
    }
}

/// The longest silence that is written out, in ticks: eight bars of 4/4.
pub const LONGEST_SILENCE: i64 = 8 * MAX_SHIFT;

/// Writes a whole phrase that starts at `start`. The notes must be in the model's order.
pub fn encode(start: Tick, notes: &[Note]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(notes.len() * 3);
    let mut now = start;
    for note in notes {
        encode_note(now, note, |t| tokens.push(t));
        now = now.max(note.onset);
    }
    tokens
}
