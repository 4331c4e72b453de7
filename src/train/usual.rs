//! What is usual in the parts of a set of pieces, for models that are asked: see [`Usual`].

use std::collections::BTreeSet;

use crate::data::shelf::{ShelfError, Stored};
use crate::model::checkpoint::Usual;
use crate::music::note::Note;
use crate::music::time::{TICKS_PER_BEAT, Tick};
use crate::train::{Material, TrainConfig};

/// What is usual in no style, over all sets, and in each style of the run. A style that no set is of keeps what was usual
/// `before`, in the same order.
///
/// # Errors
/// [`ShelfError`] when a piece can't be read.
pub(crate) fn of(
    config: &TrainConfig,
    sets: &[Material],
    before: &[Usual],
) -> Result<Vec<Usual>, ShelfError> {
    let mut all = Sum::default();
    let mut each: Vec<Option<Usual>> = vec![None; config.styles.len()];
    for set in sets {
        let sum = Sum::of(&set.split.train)?;
        if let Some(usual) = set.style.checked_sub(1).and_then(|i| each.get_mut(i)) {
            *usual = Some(sum.usual());
        }
        all = all.and(sum);
    }
    let none = all.usual();
    let each = each.into_iter().enumerate();
    let each = each.map(|(i, usual)| usual.or_else(|| before.get(i + 1).copied()).unwrap_or(none));
    Ok(std::iter::once(none).chain(each).collect())
}

/// The means over pieces, each counted alike.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    pieces: f64,
    density: f64,
    density_alone: f64,
    /// Of the pieces that were played.
    loudness: (f64, f64),
}

impl Sum {
    /// Of the pieces of a set.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    fn of(pieces: &[Stored]) -> Result<Self, ShelfError> {
        let mut sum = Self::default();
        for stored in pieces {
            let piece = stored.piece()?;
            let beats = piece.bars.length as f64 / TICKS_PER_BEAT as f64;
            let bar = |tick: Tick| tick.since(piece.bars.origin).div_euclid(piece.bars.length);
            let density = |notes: &[&Note]| {
                let bars: BTreeSet<i64> = notes.iter().map(|n| bar(n.onset)).collect();
                notes.len() as f64 / (bars.len() as f64 * beats).max(1.0)
            };
            let part: Vec<&Note> = piece.accompaniment.iter().collect();
            let all: Vec<&Note> = piece.melody.iter().chain(&piece.accompaniment).collect();
            sum.pieces += 1.0;
            sum.density += density(&part);
            sum.density_alone += density(&all);
            if !piece.flat && !part.is_empty() {
                let velocities: f64 = part.iter().map(|n| f64::from(n.velocity)).sum();
                sum.loudness.0 += velocities / part.len() as f64;
                sum.loudness.1 += 1.0;
            }
        }
        Ok(sum)
    }

    /// Of this set and another.
    fn and(self, other: Self) -> Self {
        Self {
            pieces: self.pieces + other.pieces,
            density: self.density + other.density,
            density_alone: self.density_alone + other.density_alone,
            loudness: (self.loudness.0 + other.loudness.0, self.loudness.1 + other.loudness.1),
        }
    }

    /// The means.
    fn usual(&self) -> Usual {
        let pieces = self.pieces.max(1.0);
        let (sum, played) = self.loudness;
        // A few pieces that were played among many that were not say nothing of the style.
        let is_played = 2.0 * played >= pieces;
        Usual {
            density: (self.density / pieces) as f32,
            density_alone: (self.density_alone / pieces) as f32,
            loudness: is_played.then(|| (sum / played) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::Piece;
    use crate::data::shelf::tests::shelved;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;

    fn note(onset: i64) -> Note {
        let (onset, pitch) = (Tick(onset), Pitch::new(60));
        Note { onset, pitch, voice: Voice::Player, velocity: 50, duration: 6 }
    }

    #[test]
    fn empty_bars_do_not_count_and_what_was_not_played_has_no_loudness() {
        let piece = Piece {
            melody: (0..8).map(|i| note(i * 12)).collect(),
            // Two notes a beat in the first and in the third bar.
            accompaniment: (0..8).chain(16..24).map(|i| note(i * 6)).collect(),
            ..Piece::default()
        };
        let flat = Piece { flat: true, hash: [1; 32], ..piece.clone() };
        let usual = Sum::of(&shelved([piece.clone()])).unwrap().usual();
        assert!((usual.density - 2.0).abs() < 1e-6);
        assert!((usual.density_alone - 2.0).abs() < 1e-6, "24 notes in three bars");
        assert_eq!(usual.loudness, Some(50.0));
        let both = Sum::of(&shelved([piece, flat.clone()])).unwrap();
        assert_eq!(both.usual().loudness, Some(50.0));
        let most = both.and(Sum::of(&shelved([flat])).unwrap());
        assert_eq!(most.usual().loudness, None);
    }
}
