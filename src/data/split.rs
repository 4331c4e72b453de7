//! Which pieces are trained on and which held out: by content and seed, so that adding files moves none but
//! those that are kin to the new ones. What is kin stays together.

use std::collections::HashMap;

use crate::data::kin;
use crate::data::shelf::{ShelfError, Stored};

/// Pieces apart.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// To train on.
    pub train: Vec<Stored>,
    /// Held out.
    pub valid: Vec<Stored>,
}

impl Split {
    /// Holds out about `share` (0 to 1) of the pieces; of those that are kin one decides for all. With few pieces
    /// one may be moved, so that neither side is empty when there are two or more; a lone piece stands on both
    /// sides.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    pub fn new(pieces: Vec<Stored>, share: f64, seed: u64) -> Result<Self, ShelfError> {
        let families = kin::families(&pieces)?;
        // By hash, not by name: a copy of a piece under another name changes nothing.
        let mut heads: HashMap<usize, [u8; 32]> = HashMap::new();
        for (piece, family) in pieces.iter().zip(&families) {
            let head = heads.entry(*family).or_insert(piece.hash);
            *head = piece.hash.min(*head);
        }
        let (mut valid, mut train) = (Vec::new(), Vec::new());
        for (piece, family) in pieces.into_iter().zip(families) {
            let held = place(&heads[&family], seed) < share;
            if held { &mut valid } else { &mut train }.push(piece);
        }
        let by_place = |p: &Stored| p.hash;
        if valid.is_empty() && train.len() > 1 {
            if let Some(i) = (0..train.len()).min_by_key(|i| by_place(&train[*i])) {
                valid.push(train.remove(i));
            }
        } else if train.is_empty() && valid.len() > 1 {
            if let Some(i) = (0..valid.len()).min_by_key(|i| by_place(&valid[*i])) {
                train.push(valid.remove(i));
            }
        } else if train.is_empty() {
            train.clone_from(&valid);
        } else if valid.is_empty() {
            valid.clone_from(&train);
        }
        Ok(Self { train, valid })
    }
}

/// A number in 0..1 that a piece and a seed decide.
pub(crate) fn place(hash: &[u8; 32], seed: u64) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(hash).update(&seed.to_le_bytes());
    let bytes = hasher.finalize();
    let number = bytes.as_bytes().first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::data::roles::Piece;
    use crate::data::shelf::tests::shelved;

    fn pieces(numbers: std::ops::Range<u32>) -> Vec<Stored> {
        let piece = |n: u32| Piece {
            name: n.to_string(),
            hash: *blake3::hash(&n.to_le_bytes()).as_bytes(),
            ..Piece::default()
        };
        shelved(numbers.map(piece))
    }

    #[test]
    fn new_files_move_no_old_one() {
        let small = Split::new(pieces(0..300), 0.1, 1).unwrap();
        let large = Split::new(pieces(0..400), 0.1, 1).unwrap();
        assert!((15..=45).contains(&small.valid.len()), "{}", small.valid.len());
        let hashes = |s: &[Stored]| -> HashSet<[u8; 32]> { s.iter().map(|p| p.hash).collect() };
        assert!(hashes(&small.valid).is_subset(&hashes(&large.valid)));
        assert!(hashes(&small.train).is_subset(&hashes(&large.train)));
        let other = Split::new(pieces(0..300), 0.1, 2).unwrap();
        assert_ne!(hashes(&small.valid), hashes(&other.valid));
    }

    #[test]
    fn takes_of_one_title_stay_together_at_about_the_same_share() {
        let mut takes = pieces(0..600);
        for (i, piece) in takes.iter_mut().enumerate() {
            piece.name = format!("Song {}-{i}", "a".repeat(i / 3));
        }
        let split = Split::new(takes, 0.1, 1).unwrap();
        let titles = |pieces: &[Stored]| -> HashSet<String> {
            pieces.iter().map(|p| p.name.split('-').next().unwrap().to_owned()).collect()
        };
        assert!(titles(&split.train).is_disjoint(&titles(&split.valid)));
        assert_eq!(split.valid.len(), 3 * titles(&split.valid).len());
        assert!((30..=90).contains(&split.valid.len()), "{}", split.valid.len());
    }

    #[test]
    fn few_pieces_still_make_two_sides() {
        for count in 2..6 {
            for share in [0.0, 0.1, 1.0] {
                let split = Split::new(pieces(0..count), share, 1).unwrap();
                assert!(!split.train.is_empty() && !split.valid.is_empty());
                assert_eq!(split.train.len() + split.valid.len(), count as usize);
            }
        }
        let alone = Split::new(pieces(0..1), 0.1, 1).unwrap();
        assert_eq!((alone.train.len(), alone.valid.len()), (1, 1));
    }
}
