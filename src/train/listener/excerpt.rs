//! What a player might just have played: a stretch of his part in a piece, as loose in time as people are.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::data::mix::below;
use crate::data::roles::{Piece, Role, Shares};
use crate::model::parameters::{normal, unit};
use crate::music::note::Voice;
use crate::music::roll::{self, LEAST, SPAN, Struck};
use crate::music::time::{TICKS_PER_BEAT, Tick};

/// The share of excerpts of which only the last one to three bars are heard, as when a take has just begun.
const YOUNG: f32 = 0.35;
/// The deviation of onsets in ticks, at most: 40 ms at 150 beats a minute. It hides which corpora were played and which set.
const LOOSE: f32 = 1.2;
/// Ticks that an onset may be off, at most.
const FARTHEST: f32 = 3.0;

/// A stretch of a player's part.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Excerpt {
    /// What was struck, in the order of time.
    pub struck: Vec<Struck>,
    /// Now: the first tick that was not heard.
    pub end: Tick,
}

impl Excerpt {
    /// A stretch by lot, or none where too little is played. It ends on any beat: players who have no host don't play to
    /// the bar lines that Sideman counts.
    pub(super) fn by_lot(piece: &Piece, roles: &Shares, rng: &mut ChaCha8Rng) -> Option<Self> {
        let role = roles.role(f64::from(unit(rng)), rng.next_u32());
        let all = player(piece, role);
        let near = all.get(below(rng, all.len() as u32) as usize)?.0;
        let after = near.since(piece.bars.origin) + 1 + i64::from(below(rng, 48));
        let beats = after.div_euclid(TICKS_PER_BEAT) + 1;
        let end = piece.bars.origin.plus(beats * TICKS_PER_BEAT);
        let heard = if unit(rng) < YOUNG {
            piece.bars.length * (1 + i64::from(below(rng, 3)))
        } else {
            SPAN
        };
        let start = end.plus(-heard.min(SPAN));
        let deviation = LOOSE * unit(rng);
        let (mut last, mut off) = (None, 0);
        let mut struck: Vec<Struck> = Vec::new();
        for (tick, pitch) in all.into_iter().filter(|(tick, _)| (start..end).contains(tick)) {
            // What is struck together stays together.
            if last != Some(tick) {
                last = Some(tick);
                off = (deviation * normal(rng)).clamp(-FARTHEST, FARTHEST).round() as i64;
            }
            struck.push((tick.plus(off).clamp(start, end.plus(-1)), pitch));
        }
        struck.sort_unstable();
        (struck.len() >= LEAST).then_some(Self { struck, end })
    }

    /// Draws it.
    pub fn draw(&self, semitones: i32, out: &mut [f32]) {
        roll::draw(&self.struck.iter().copied(), self.end, semitones, out);
    }
}

/// What the player strikes in a piece, in the order of time.
pub(super) fn player(piece: &Piece, role: Role) -> Vec<Struck> {
    let notes = piece.notes(role, 0);
    notes.iter().filter(|n| n.voice == Voice::Player).map(|n| (n.onset, n.pitch)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mix::random;
    use crate::music::note::Note;
    use crate::music::pitch::Pitch;

    #[test]
    fn excerpts_end_on_beats_and_differ() {
        let note = |i: i64| Note {
            onset: Tick(i * 6),
            pitch: Pitch::new(60 + (i % 5) as u8),
            voice: Voice::Player,
            velocity: 80,
            duration: 6,
        };
        let melody: Vec<Note> = (0..200).map(note).collect();
        let piece = Piece { accompaniment: vec![note(0)], melody, ..Piece::default() };
        let roles: Shares = "accompany=1".parse().unwrap();
        let mut seen = Vec::new();
        for stream in 0..50 {
            let mut rng = random(1, stream);
            let Some(excerpt) = Excerpt::by_lot(&piece, &roles, &mut rng) else { continue };
            assert_eq!(excerpt.end.0 % TICKS_PER_BEAT, 0);
            assert!((LEAST..=32).contains(&excerpt.struck.len()));
            let span = excerpt.end.plus(-SPAN)..excerpt.end;
            assert!(excerpt.struck.iter().all(|(tick, _)| span.contains(tick)));
            seen.push(excerpt.struck.iter().map(|(tick, _)| tick.0 % 6).collect::<Vec<_>>());
        }
        assert!(seen.len() > 40);
        let loose = seen.iter().filter(|offs| offs.iter().any(|o| *o != 0)).count();
        assert!(loose > 20 && loose < seen.len(), "{loose}: some play loosely, some don't");
    }

    #[test]
    fn who_plays_nothing_gives_none() {
        let roles = Shares::default();
        assert_eq!(Excerpt::by_lot(&Piece::default(), &roles, &mut random(1, 1)), None);
    }
}
