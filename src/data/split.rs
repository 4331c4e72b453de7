//! Which pieces are trained on and which held out: by content and seed, so that adding files moves none.

use crate::data::roles::Piece;

/// Pieces apart.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// To train on.
    pub train: Vec<Piece>,
    /// Held out.
    pub valid: Vec<Piece>,
}

impl Split {
    /// Holds out about `share` (0 to 1) of the pieces. With few pieces one may be moved, so that neither
    /// side is empty when there are two or more; a lone piece stands on both sides.
    pub fn new(pieces: Vec<Piece>, share: f64, seed: u64) -> Self {
        let (mut valid, mut train): (Vec<_>, Vec<_>) =
            pieces.into_iter().partition(|p| place(&p.hash, seed) < share);
        let by_place = |p: &Piece| p.hash;
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
        Self { train, valid }
    }
}

/// A number in 0..1 that a piece and a seed decide.
fn place(hash: &[u8; 32], seed: u64) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(hash).update(&seed.to_le_bytes());
    let bytes = hasher.finalize();
    let number = bytes.as_bytes().first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    (number >> 11) as f64 / (1_u64 << 53) as f64
}
