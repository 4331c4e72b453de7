//! Lines and their phrases: the top line of a texture, and where a line takes breath.

use crate::music::note::Note;
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// A rest this long ends a phrase: a beat, which is also the gap after which live playing answers.
const REST: i64 = TICKS_PER_BEAT;
/// A phrase without a rest is cut at a bar line after this many bars: nobody waits longer for an answer.
const LONGEST_BARS: i64 = 8;

/// Where the word passes to the other: the ends of the line's phrases, each at least a bar long. `line` lies in
/// the order of its onsets.
pub fn turns(line: &[Note], bars: Bars) -> Vec<Tick> {
    let mut turns = Vec::new();
    let Some(first) = line.first() else { return turns };
    let (mut begin, mut end) = (first.onset, first.end());
    for note in line {
        let length = note.onset.since(begin);
        let turn = if note.onset.since(end) >= REST && length >= bars.length {
            Some((end, note.onset))
        } else if length >= LONGEST_BARS * bars.length {
            let bar_line = note.onset.plus(-bars.ticks_into_bar(note.onset));
            Some((bar_line, bar_line))
        } else {
            None
        };
        if let Some((turn, next)) = turn {
            turns.push(turn);
            begin = next;
        }
        end = end.max(note.end());
    }
    turns
}

/// Which of the notes, given in the order of the model, make the top line: the highest of their onset, and not
/// below a note of the line that still sounds.
pub fn top_line(notes: &[Note]) -> Vec<bool> {
    let mut top = vec![false; notes.len()];
    let mut line: Option<Note> = None;
    for (i, note) in notes.iter().enumerate() {
        let highest = notes.get(i + 1).is_none_or(|next| next.onset > note.onset);
        let above = line.is_none_or(|l| l.end() <= note.onset || l.pitch <= note.pitch);
        if highest && above {
            top[i] = true;
            line = Some(*note);
        }
    }
    top
}

/// Whether the texture moves in chords, as chorales do: at half or more of the onsets of its top line other
/// notes begin too.
pub fn in_chords(notes: &[Note], top: &[bool]) -> bool {
    let line = (0..notes.len()).filter(|i| top[*i]);
    let (mut with_company, mut all) = (0, 0);
    for i in line {
        all += 1;
        with_company += usize::from(i > 0 && notes[i - 1].onset == notes[i].onset);
    }
    all > 0 && 2 * with_company >= all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;

    fn note((onset, pitch, duration): (i64, u8, i64)) -> Note {
        let (onset, pitch, voice) = (Tick(onset), Pitch::new(pitch), Voice::Player);
        Note { onset, pitch, voice, velocity: 80, duration }
    }

    fn at(notes: &[(i64, u8, i64)]) -> Vec<i64> {
        let line: Vec<Note> = notes.iter().copied().map(note).collect();
        turns(&line, Bars::default()).iter().map(|t| t.0).collect()
    }

    #[test]
    fn a_phrase_ends_where_the_line_rests() {
        let phrase = |from: i64| [(from, 60, 24), (from + 24, 62, 24), (from + 48, 64, 12)];
        let line = [phrase(0), phrase(72), phrase(132 + 11)].concat();
        assert_eq!(at(&line), [60], "11 ticks are no rest, a beat is");
        assert_eq!(at(&[(0, 60, 6), (24, 62, 6), (60, 64, 6)]), [30], "a bar is the least");
        assert!(at(&[]).is_empty());
    }

    #[test]
    fn a_line_without_rests_is_cut_at_bar_lines() {
        let line: Vec<_> = (0..200).map(|i| (i * 12, 60, 12)).collect();
        assert_eq!(at(&line), [384, 768, 1152, 1536, 1920, 2304]);
    }

    #[test]
    fn the_top_line_is_above_what_sounds() {
        let notes =
            [(0, 60, 24), (0, 72, 24), (12, 64, 12), (24, 55, 12), (24, 71, 12), (36, 60, 12)];
        let notes = notes.map(note);
        let top = top_line(&notes);
        assert_eq!(top, [false, true, false, false, true, true]);
        assert!(in_chords(&notes, &top), "two of three");
        assert!(!in_chords(&notes[4..], &top[4..]));
    }
}
