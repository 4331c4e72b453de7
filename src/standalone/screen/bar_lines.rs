//! One bar as one line of text, for logs and pipes.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::music::pitch::Pitch;
use crate::standalone::Part;
use crate::standalone::roll::RollNote;

use super::scene::Scene;

/// Notes named in a line before the rest is only counted.
const MOST_NAMES: usize = 12;
/// How far before a bar line a note still belongs to the bar after it.
const EARLY_BEATS: f64 = 0.125;
/// Notes struck closer than this are one chord.
const TOGETHER_BEATS: f64 = 0.03;
/// A jump over more bars than this is a seek; what lies between is not printed.
const SEEK_BARS: i64 = 8;

/// Prints each bar when it is over.
#[derive(Debug)]
pub(super) struct BarLines<W: Write> {
    pub(super) out: W,
    /// The next bar to print, counted from 0.
    next_bar: i64,
}

impl<W: Write> BarLines<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, next_bar: 0 }
    }

    /// Prints the bars that ended since the last call.
    pub(super) fn paint(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        let now = scene.bar();
        if now < self.next_bar - 1 || now > self.next_bar + SEEK_BARS {
            self.next_bar = now;
        }
        while self.next_bar < now {
            writeln!(self.out, "{}", bar_line(scene, self.next_bar))?;
            self.out.flush()?;
            self.next_bar += 1;
        }
        Ok(())
    }

    /// Prints the bar that is under way too, if anything was played in it.
    pub(super) fn close(mut self, scene: &Scene<'_>) -> io::Result<()> {
        self.paint(scene)?;
        if has_notes(scene, self.next_bar) {
            writeln!(self.out, "{}", bar_line(scene, self.next_bar))?;
        }
        self.out.flush()
    }
}

/// The line of a bar, counted from 0: what the player struck in it and what the machine did.
///
/// ```text
/// bar   5 | player  C5 D5 F5 A5          | sideman F3 C4 G#4 C4
/// ```
pub(super) fn bar_line(scene: &Scene<'_>, bar: i64) -> String {
    let player = strokes(scene, bar, Part::Player);
    let machine = strokes(scene, bar, Part::Machine);
    let late = if scene.late > 0 { format!(" | late {}", scene.late) } else { String::new() };
    format!("bar {:>3} | player {player:<32} | sideman {machine}{late}", bar + 1)
}

/// Whether anything is struck in a bar, counted from 0.
fn has_notes(scene: &Scene<'_>, bar: i64) -> bool {
    scene.notes.iter().any(|note| !note.planned && is_in(scene, bar, note))
}

/// Whether a note is meant for a bar. Human timing strikes a little early: up to a thirty-second before the
/// bar line belongs to the bar after it.
fn is_in(scene: &Scene<'_>, bar: i64, note: &RollNote) -> bool {
    let beats = scene.bar_beats();
    let start = bar as f64 * beats - EARLY_BEATS;
    (start..start + beats).contains(&note.start_beats)
}

/// The names of what a part strikes in a bar, in order, chords joined by `+`.
fn strokes(scene: &Scene<'_>, bar: i64, part: Part) -> String {
    let mut notes: Vec<_> = scene
        .notes
        .iter()
        .filter(|n| n.part == part && !n.planned && is_in(scene, bar, n))
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
