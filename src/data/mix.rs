//! Sets of pieces that are trained on together, so dealt that no set is drowned by a larger one.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::data::shelf::{self, Stored};

/// A set of pieces to train on.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its pieces.
    pub pieces: Vec<Stored>,
    /// The style that the model is told, counted from 1; 0 is none.
    pub style: usize,
    /// The share of all notes heard that is to come from it, relative to the other sets'; none for the square root
    /// of its notes.
    pub weight: Option<f64>,
}

/// The sets, shuffled and dealt.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Every piece with its style.
    pieces: Vec<(Stored, usize)>,
    /// For each piece how often it comes in a round, summed up to and with it; the last is their number. Empty
    /// when there is one set: each piece comes once.
    sums: Vec<f64>,
    shares: Vec<f64>,
}

impl Mix {
    /// Mixes the sets.
    pub fn new(sets: Vec<Set>) -> Self {
        let count: usize = sets.iter().map(|s| s.pieces.len()).sum();
        let shares = shares(&sets);
        // A set of longer pieces needs fewer of them for the same share of the notes.
        let rate = |(set, share): (&Set, &f64)| share / notes(set).max(1) as f64;
        let rates: Vec<f64> = sets.iter().zip(&shares).map(rate).collect();
        let all: f64 = sets.iter().zip(&rates).map(|(s, r)| s.pieces.len() as f64 * r).sum();
        let single = sets.len() < 2;
        let (mut pieces, mut sums, mut sum) = (Vec::with_capacity(count), Vec::new(), 0.0);
        for (set, rate) in sets.into_iter().zip(rates) {
            for piece in set.pieces {
                pieces.push((piece, set.style));
                sum += rate / all * count as f64;
                sums.push(sum);
            }
        }
        if single {
            sums.clear();
        }
        Self { pieces, sums, shares }
    }

    /// Pieces in a round.
    pub const fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there are no pieces.
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The share of the notes heard that comes from each set.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// A piece and its style.
    pub fn piece(&self, index: usize) -> (&Stored, usize) {
        let (piece, style) = &self.pieces[index];
        (piece, *style)
    }

    /// The indices of the pieces of a round, shuffled: each piece as often as its share has it, rounded up or
    /// down so that the round is full.
    pub fn deal(&self, seed: u64, round: u64) -> Vec<usize> {
        let count = self.len();
        let mut rng = random(seed, round);
        let mut deal: Vec<usize> = (0..count).collect();
        if !self.sums.is_empty() {
            let offset = f64::from(rng.next_u32()) / f64::from(u32::MAX);
            let at = |k: usize| self.sums.partition_point(|s| *s <= k as f64 + offset);
            deal = (0..count).map(|k| at(k).min(count - 1)).collect();
        }
        for i in (1..count).rev() {
            deal.swap(i, below(&mut rng, i as u32 + 1) as usize);
        }
        deal
    }
}

/// What part of the notes comes from each set; they add up to 1.
fn shares(sets: &[Set]) -> Vec<f64> {
    let weight = |set: &Set| set.weight.unwrap_or_else(|| (notes(set) as f64).sqrt());
    let weight = |set: &Set| if set.pieces.is_empty() { 0.0 } else { weight(set) };
    let all: f64 = sets.iter().map(weight).sum();
    sets.iter().map(|s| weight(s) / all.max(f64::MIN_POSITIVE)).collect()
}

fn notes(set: &Set) -> usize {
    shelf::notes(&set.pieces)
}

/// The random stream of this number.
pub(crate) fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A number below `n`, which must be small against 2^32.
pub(crate) fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(n)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::Piece;
    use crate::data::shelf::tests::shelved;
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

    /// A set of pieces of so many notes.
    fn set(pieces: usize, notes: usize, weight: Option<f64>) -> Set {
        let (pitch, voice) = (Pitch::new(60), Voice::Player);
        let note = Note { onset: Tick(0), pitch, voice, velocity: 80, duration: 1 };
        let piece = Piece { melody: vec![note; notes], ..Piece::default() };
        Set { pieces: shelved(vec![piece; pieces]), style: notes, weight }
    }

    /// The notes of each style that are heard in 40 rounds, as shares.
    fn heard(mix: &Mix, styles: &[usize]) -> Vec<f64> {
        let dealt = (0..40).flat_map(|round| mix.deal(3, round));
        let mut heard = vec![0.0; styles.len()];
        for index in dealt {
            let (piece, style) = mix.piece(index);
            heard[styles.iter().position(|s| *s == style).unwrap()] += piece.notes as f64;
        }
        let all: f64 = heard.iter().sum();
        heard.iter().map(|h| h / all).collect()
    }

    #[test]
    fn weights_are_shares_of_the_notes_heard() {
        let mix = Mix::new(vec![set(300, 50, Some(1.0)), set(20, 400, Some(3.0))]);
        let heard = heard(&mix, &[50, 400]);
        assert!((heard[0] - 0.25).abs() < 0.01 && (mix.shares()[0] - 0.25).abs() < 1e-9);
        assert_eq!(mix.deal(3, 1).len(), 320);
    }

    #[test]
    fn by_default_the_square_root_balances() {
        let mix = Mix::new(vec![set(100, 90, None), set(100, 10, None)]);
        assert!((heard(&mix, &[90, 10])[0] - 0.75).abs() < 0.01);
        let in_a_round = mix.deal(3, 0).iter().filter(|i| **i < 100).count();
        assert!((45..=55).contains(&in_a_round), "{in_a_round} of 200: a quarter by pieces");
    }

    #[test]
    fn of_a_single_set_every_piece_comes_once_a_round() {
        let mix = Mix::new(vec![set(50, 3, Some(0.2))]);
        let mut deal = mix.deal(7, 2);
        assert_ne!(deal, mix.deal(7, 3));
        deal.sort_unstable();
        assert!(deal.into_iter().eq(0..50));
        assert!(Mix::new(Vec::new()).deal(1, 0).is_empty());
    }
}
