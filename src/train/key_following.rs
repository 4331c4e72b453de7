//! How well the key is followed: what the listener makes of a melody, against the chords of the piece.
//!
//! The reference is by the chord symbols alone, and looks ahead: the seven notes of a major key (or of its relative
//! minor) that hold the most of the chords' tones within eight bars before and after, each tone weighted by how long
//! its chord lasts. The listener hears the melody up to the bar line and no further. A bar counts from the fifth
//! after the melody's first note on, where a chord is named within the reference's reach.

use serde::Serialize;

use crate::data::roles::Piece;
use crate::music::key::KeySense;
use crate::music::pitch::PitchClass;
use crate::music::scale::{PitchSet, Scale};
use crate::music::time::Tick;

/// Bars before and after a bar by whose chords its key is told.
const REACH: usize = 8;

/// Bars of the melody that the listener may hear before it is judged.
const GRACE: usize = 4;

/// The figures.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct KeyFollowing {
    /// Pieces with chords and a melody.
    pub pieces: usize,
    /// Bars that were judged.
    pub bars: usize,
    /// Bars in which the listener's key has the notes of the reference.
    pub right: usize,
    /// Tones of the chords, by the ticks that they last.
    pub chord_ticks: u64,
    /// Those of them that lie in the listener's key.
    pub in_key_ticks: u64,
    /// Those of them that lie in the reference: what the best key could reach.
    pub in_reference_ticks: u64,
}

impl KeyFollowing {
    /// The share of bars that are right, 0 to 1.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.bars.max(1) as f64
    }
}

/// Measures over pieces; those without chord symbols are left out.
pub fn measure(pieces: &[Piece]) -> KeyFollowing {
    let mut sum = KeyFollowing::default();
    for piece in pieces {
        add(piece, &mut sum);
    }
    sum
}

fn add(piece: &Piece, sum: &mut KeyFollowing) {
    let (Some(first), Some(last)) = (piece.melody.first(), piece.melody.last()) else { return };
    let start = piece.start();
    let bar_of = |tick: Tick| (tick.since(start).max(0) / piece.bars.length) as usize;
    let bars = bar_of(last.onset) + 1;
    let tones = tones(piece, start, bars);
    if tones.iter().all(|t| *t == [0; 12]) {
        return;
    }
    sum.pieces += 1;
    let mut sense = KeySense::default();
    let mut notes = piece.melody.iter().peekable();
    for bar in 0..bars {
        let line = start.plus(bar as i64 * piece.bars.length);
        while let Some(note) = notes.next_if(|n| n.onset <= line) {
            sense.hear(note.pitch.class());
        }
        sense.end_bar();
        let Some(reference) = reference(&tones, bar).filter(|_| bar >= bar_of(first.onset) + GRACE)
        else {
            continue;
        };
        let followed = sense.key().map_or(PitchSet::ALL, |key| key.scale.on(key.tonic));
        sum.bars += 1;
        sum.right += usize::from(followed == reference);
        sum.chord_ticks += ticks_in(&tones[bar], PitchSet::ALL);
        sum.in_key_ticks += if sense.key().is_some() { ticks_in(&tones[bar], followed) } else { 0 };
        sum.in_reference_ticks += ticks_in(&tones[bar], reference);
    }
}

/// The reference of each of a piece's first bars, where there is one.
pub(crate) fn references(piece: &Piece, bars: usize) -> Vec<Option<PitchSet>> {
    let tones = tones(piece, piece.start(), bars);
    (0..bars).map(|bar| reference(&tones, bar)).collect()
}

/// The key by the chords around a bar; `None` where no chord is named within reach.
fn reference(tones: &[[u64; 12]], bar: usize) -> Option<PitchSet> {
    let near =
        |reach| sum_of(&tones[bar.saturating_sub(reach)..(bar + reach + 1).min(tones.len())]);
    (near(REACH) != [0; 12]).then(|| best(&near(REACH), &near(2 * REACH)))
}

/// For each bar, how many ticks each pitch class is in the chord.
fn tones(piece: &Piece, start: Tick, bars: usize) -> Vec<[u64; 12]> {
    let mut tones = vec![[0_u64; 12]; bars];
    let end = bars as i64 * piece.bars.length;
    for (index, (onset, chord)) in piece.chords.iter().enumerate() {
        let until = piece.chords.get(index + 1).map_or(end, |next| next.0.since(start)).min(end);
        let mut at = onset.since(start).max(0);
        while at < until {
            let bar = at / piece.bars.length;
            let next = until.min((bar + 1) * piece.bars.length);
            for (class, ticks) in tones[bar as usize].iter_mut().enumerate() {
                *ticks += if chord.classes.0 >> class & 1 == 1 { (next - at) as u64 } else { 0 };
            }
            at = next;
        }
    }
    tones
}

fn sum_of(tones: &[[u64; 12]]) -> [u64; 12] {
    std::array::from_fn(|class| tones.iter().map(|t| t[class]).sum())
}

fn ticks_in(tones: &[u64; 12], set: PitchSet) -> u64 {
    tones.iter().enumerate().filter(|(class, _)| set.0 >> class & 1 == 1).map(|(_, t)| t).sum()
}

/// The major key that holds the most of `tones`; a tie goes to the wider view.
fn best(tones: &[u64; 12], wider: &[u64; 12]) -> PitchSet {
    let keys = (0..12_u8).map(|tonic| Scale::Major.on(PitchClass::new(tonic)));
    keys.max_by_key(|set| (ticks_in(tones, *set), ticks_in(wider, *set))).unwrap_or(PitchSet::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;

    fn piece(melody_up: u8, chords_up: &str) -> Piece {
        let melody = (0..64_i64).map(|i| Note {
            onset: Tick(i * 12),
            pitch: Pitch::new(60 + [0, 2, 4, 7, 5, 4, 2, 11][i as usize % 8] + melody_up),
            voice: Voice::Player,
            velocity: 80,
            duration: 12,
        });
        let chords = (0..16_i64).map(|i| {
            let name = if i % 2 == 0 { "C:maj" } else { chords_up };
            (Tick(i * 48), parse(name).unwrap())
        });
        Piece { melody: melody.collect(), chords: chords.collect(), ..Piece::default() }
    }

    #[test]
    fn a_melody_in_the_chords_key_is_followed_and_one_in_another_is_wrong() {
        let right = measure(&[piece(0, "G:7")]);
        assert_eq!((right.pieces, right.bars, right.right), (1, 12, 12));
        assert_eq!(right.in_key_ticks, right.chord_ticks);
        let wrong = measure(&[piece(1, "G:7")]);
        assert_eq!((wrong.bars, wrong.right), (12, 0));
        assert!(wrong.in_key_ticks < wrong.chord_ticks);
    }

    #[test]
    fn a_piece_without_chords_is_left_out() {
        let silent = Piece { chords: Vec::new(), ..piece(0, "G:7") };
        assert_eq!(measure(&[silent]), KeyFollowing::default());
    }
}
