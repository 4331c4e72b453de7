//! Some bars of a piece, heard of a player as he is, and what there is to learn at each point in them.

use rand_chacha::ChaCha8Rng;

use crate::data::asks;
use crate::data::mix::below;
use crate::data::player::Manner;
use crate::data::roles::{Piece, Role};
use crate::model::harmonist::Choice;
use crate::model::harmonist::lesson::Lesson;
use crate::music::harmony::chord_at;
use crate::music::hearing::{AHEAD, BEHIND, Hearing, Inputs, point};
use crate::music::note::{Note, Voice};
use crate::music::time::Tick;

/// Bars of an excerpt, at most, and how many of those before its end are left at least where it begins.
const BARS: i64 = 40;
const LEFT_BARS: i64 = 16;
/// Ticks of the line that are foretold from a point on, and what those beyond the next point count.
const LINE: i64 = 24;
const BEYOND: f32 = 0.4;
/// Of a hundred players those who play the line, alone or with a left hand, and those who play both parts; the others play what
/// is under the line alone.
const LINE_PERCENT: u32 = 80;
const BOTH_PERCENT: u32 = 13;

/// What an excerpt by lot teaches; each point counts `weight`.
pub(super) fn lessons(piece: &Piece, weight: f32, rng: &mut ChaCha8Rng) -> Vec<Lesson> {
    let (bars, first) = (piece.bars, piece.start());
    let length = bars.length;
    let all = piece.last_onset().since(first) / length + 1;
    let skipped = below(rng, (all - LEFT_BARS).clamp(0, 1 << 20) as u32 + 1);
    let start = first.plus(i64::from(skipped) * length);
    let end = start.plus(BARS.min(all - i64::from(skipped)).saturating_mul(length));
    let chords = asks::chords(piece);
    let played = player(piece, start, end, rng);
    let line = line(&piece.melody, start, end);
    let mut hearing = Hearing::new(start);
    let mut inputs = Inputs::default();
    let mut lessons = Vec::new();
    let mut next = played.iter().peekable();
    for now in (0..end.since(start)).map(|tick| start.plus(tick)) {
        let mut struck = Vec::new();
        while let Some(note) = next.next_if(|n| n.onset <= now) {
            struck.push(note.pitch);
        }
        hearing.hear(struck.into_iter());
        let (ahead, behind) = (now.plus(AHEAD), now.plus(-BEHIND));
        let is_point = |tick: &Tick| point(bars, *tick).is_some();
        let Some(at) = Some(ahead).filter(is_point).or(Some(behind).filter(is_point)) else {
            continue;
        };
        if hearing.lowest().is_none() || ahead >= end {
            continue;
        }
        hearing.inputs(at, bars, &mut inputs);
        let until = (1..LINE).find(|by| is_point(&at.plus(*by))).unwrap_or(LINE);
        let mut lesson = Lesson {
            inputs: inputs.clone(),
            chord: chord_at(&chords, ahead).0.and_then(Choice::nearest),
            line: [0.0; 12],
            weight,
        };
        // What sounds before the chord can is no matter of it.
        for by in ahead.since(at)..LINE {
            let place = at.plus(by).since(start) as usize;
            if let Some(class) = line.get(place).copied().flatten() {
                lesson.line[usize::from(class)] += if by < until { 1.0 } else { BEYOND };
            }
        }
        let sum: f32 = lesson.line.iter().sum();
        lesson.line.iter_mut().for_each(|x| *x /= sum.max(BEYOND));
        lessons.push(lesson);
    }
    lessons
}

/// The notes of a player by lot, in the order of time.
fn player(piece: &Piece, start: Tick, end: Tick, rng: &mut ChaCha8Rng) -> Vec<Note> {
    let who = below(rng, 100);
    let is_line = who < LINE_PERCENT;
    let role = if who < LINE_PERCENT + BOTH_PERCENT { Role::Accompany } else { Role::Lead };
    let mut notes = piece.notes_from(start, role, 0);
    if !is_line && role == Role::Accompany {
        for note in &mut notes {
            note.voice = Voice::Player;
        }
    }
    notes.retain(|n| n.voice == Voice::Player && n.onset < end);
    let manner = Manner::draw(&(start..end), piece.bars, is_line, rng);
    let chords = asks::chords(piece);
    manner.play(&mut notes, &chords, start, piece.bars, rng);
    notes.retain(|n| n.onset < end);
    notes
}

/// The class of the line at each tick; of notes that overlap the highest.
pub(super) fn line(melody: &[Note], start: Tick, end: Tick) -> Vec<Option<u8>> {
    let mut highest = vec![None; end.since(start).max(0) as usize];
    for note in melody.iter().filter(|n| n.end() > start && n.onset < end) {
        let from = note.onset.max(start).since(start) as usize;
        let to = note.end().min(end).since(start) as usize;
        for place in &mut highest[from..to] {
            *place = (*place).max(Some(note.pitch));
        }
    }
    highest.into_iter().map(|pitch| pitch.map(|p| p.class().number())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;
    use crate::data::mix::random;
    use crate::music::pitch::Pitch;

    fn piece() -> Piece {
        let note = |tick: i64, pitch: u8, duration| Note {
            onset: Tick(tick),
            pitch: Pitch::new(pitch),
            voice: Voice::Player,
            velocity: 70,
            duration,
        };
        let triad = |tick: i64| [48, 52, 55].map(|p| note(tick, p + 5 * (tick / 48 % 2) as u8, 48));
        Piece {
            melody: (0..128)
                .map(|beat| note(12 * beat, 72 + (beat / 4 % 2 * 5) as u8, 12))
                .collect(),
            accompaniment: (0..32).flat_map(|bar| triad(48 * bar)).collect(),
            chords: (0..32)
                .map(|b| (Tick(48 * b), parse(["C", "F"][b as usize % 2]).unwrap()))
                .collect(),
            ..Piece::default()
        }
    }

    #[test]
    fn lessons_tell_chord_and_line_of_their_points() {
        let piece = piece();
        let mut count = 0;
        for stream in 0..40 {
            let lessons = lessons(&piece, 0.5, &mut random(3, stream));
            count += lessons.len();
            for lesson in &lessons {
                let chord = lesson.chord.unwrap();
                assert!(chord.quality == 0 && [0, 5].contains(&chord.root.number()));
                assert!((lesson.line.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                // The line stays on the root for a bar.
                let most = lesson.line[usize::from(chord.root.number())];
                assert!(most > 0.5, "{:?}", lesson.line);
            }
        }
        assert!(count > 40 * 60, "{count}");
    }

    #[test]
    fn players_differ_and_their_line_does_not() {
        let piece = piece();
        let played = |stream| player(&piece, Tick(0), Tick(1_536), &mut random(3, stream)).len();
        let counts: std::collections::BTreeSet<usize> = (0..60).map(played).collect();
        assert!(counts.len() > 8, "{counts:?}");
        let line = line(&piece.melody, Tick(24), Tick(60));
        assert_eq!((line.len(), line[0], line[35]), (36, Some(0), Some(5)));
    }
}
