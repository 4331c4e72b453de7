//! One bar as one line of text, for logs and pipes.

use std::fmt::Write;

use crate::music::pitch::Pitch;
use crate::standalone::Part;
use crate::standalone::roll::RollNote;

use super::RollState;

/// Notes named in a line before the rest is only counted.
const MOST_NAMES: usize = 12;
/// How far before a bar line a note still belongs to the bar after it.
const EARLY_BEATS: f64 = 0.125;
/// Notes struck closer than this are one chord.
const TOGETHER_BEATS: f64 = 0.03;

/// The line of a bar, counted from 0: what the player struck in it and what the machine did.
///
/// ```text
/// bar   5 | player  C5 D5 F5 A5          | sideman F3 C4 G#4 C4
/// ```
pub fn bar_line(state: &RollState<'_>, bar: i64) -> String {
    let player = strokes(state, bar, Part::Player);
    let machine = strokes(state, bar, Part::Machine);
    let late = if state.late > 0 { format!(" | late {}", state.late) } else { String::new() };
    format!("bar {:>3} | player {player:<32} | sideman {machine}{late}", bar + 1)
}

/// Whether anything is struck in a bar, counted from 0.
pub(super) fn has_notes(state: &RollState<'_>, bar: i64) -> bool {
    state.notes.iter().any(|note| !note.planned && is_in(state, bar, note))
}

/// Whether a note is meant for a bar. Human timing strikes a little early: up to a thirty-second before the
/// bar line belongs to the bar after it.
fn is_in(state: &RollState<'_>, bar: i64, note: &RollNote) -> bool {
    let beats = state.bar_beats();
    let start = bar as f64 * beats - EARLY_BEATS;
    (start..start + beats).contains(&note.start_beats)
}

/// The names of what a part strikes in a bar, in order, chords joined by `+`.
fn strokes(state: &RollState<'_>, bar: i64, part: Part) -> String {
    let mut notes: Vec<_> = state
        .notes
        .iter()
        .filter(|n| n.part == part && !n.planned && is_in(state, bar, n))
        .collect();
    if notes.is_empty() {
        return "-".to_owned();
    }
    notes.sort_by(|a, b| a.start_beats.total_cmp(&b.start_beats).then(a.key.cmp(&b.key)));
    let mut text = String::new();
    for (i, note) in notes.iter().take(MOST_NAMES).enumerate() {
        if i > 0 {
            let together = note.start_beats - notes[i - 1].start_beats < TOGETHER_BEATS;
            text.push(if together { '+' } else { ' ' });
        }
        text.push_str(&Pitch::new(note.key).to_string());
    }
    if notes.len() > MOST_NAMES {
        // Writing to a string does not fail.
        let _ = write!(text, " and {} more", notes.len() - MOST_NAMES);
    }
    text
}
