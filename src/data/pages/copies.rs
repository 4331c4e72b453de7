//! Pictures that look nearly the same, by a perceptual hash: whether it grows lighter from place to place.

use crate::data::pages::{Grey, Tone, draw};
use crate::data::parallel::in_parallel;

/// Places of the hash across and down; fine enough that it is the notes that count, not the staves.
const PLACES: (usize, usize) = (96, 16);
/// Words of a hash.
const WORDS: usize = PLACES.0 * PLACES.1 / 64;
/// Levels by which a place must be lighter than the one at its left.
const LIGHTER: u8 = 4;
/// The share of bits in which near copies differ, at most, of all that are set in either.
pub const NEAR: f32 = 0.25;

/// A picture's hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hash {
    bits: [u64; WORDS],
    set: u32,
}

impl Hash {
    /// Of what lies within a picture's margins.
    pub fn of(picture: &Grey) -> Self {
        let inked = within_margins(picture);
        let small = draw::resize(&inked, PLACES.0 + 1, PLACES.1);
        let mut bits = [0; WORDS];
        for y in 0..PLACES.1 {
            for (x, pair) in small.line(y).windows(2).enumerate() {
                let i = y * PLACES.0 + x;
                bits[i / 64] |= u64::from(pair[1] > pair[0].saturating_add(LIGHTER)) << (i % 64);
            }
        }
        Self { bits, set: bits.iter().map(|w| w.count_ones()).sum() }
    }

    /// The share of set bits that differ, 0 for the same picture.
    pub fn distance(&self, other: &Self) -> f32 {
        let differ: u32 =
            self.bits.iter().zip(&other.bits).map(|(a, b)| (a ^ b).count_ones()).sum();
        differ as f32 / (self.set + other.set).max(1) as f32
    }
}

fn within_margins(picture: &Grey) -> Grey {
    let tone = Tone::of(picture);
    let dark = |p: &u8| *p < tone.paper.saturating_sub(tone.contrast() / 4);
    let lines: Vec<usize> =
        (0..picture.height).filter(|y| picture.line(*y).iter().any(dark)).collect();
    let (Some(top), Some(bottom)) = (lines.first(), lines.last()) else { return picture.clone() };
    let ends = lines.iter().filter_map(|y| {
        let line = picture.line(*y);
        Some((line.iter().position(dark)?, line.iter().rposition(dark)?))
    });
    let (left, right) = ends.fold((picture.width, 0), |(l, r), (a, b)| (l.min(a), r.max(b)));
    let pixels =
        (*top..=*bottom).flat_map(|y| picture.line(y)[left..=right].iter().copied()).collect();
    Grey { width: right - left + 1, height: bottom - top + 1, pixels }
}

/// For each hash the nearest one on another side that is a near copy, with its distance. `sides` tell on which side
/// each is.
pub fn across<S: PartialEq + Sync>(
    hashes: &[Hash],
    sides: &[S],
    threads: usize,
) -> Vec<Option<(usize, f32)>> {
    let all: Vec<usize> = (0..hashes.len()).collect();
    in_parallel(&all, threads, |i| {
        let others = (0..hashes.len()).filter(|j| sides[*j] != sides[*i]);
        let near = others.map(|j| (j, hashes[*i].distance(&hashes[j]))).filter(|(_, d)| *d <= NEAR);
        near.min_by(|a, b| a.1.total_cmp(&b.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of notes at places that a number decides.
    fn picture(number: u64, margin: usize) -> Grey {
        let mut picture = Grey::new(1_600, 200 + margin, 255);
        for k in 0..5 {
            picture.pixels
                [(60 + margin + k * 10) * 1_600 + 40..(61 + margin + k * 10) * 1_600 - 40]
                .fill(0);
        }
        let mut seed = number;
        for x in (60..1_540).step_by(30) {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let up = (seed >> 60) as usize * 5;
            for y in 20 + up..60 + up {
                picture.pixels[(y + margin) * 1_600 + x..(y + margin) * 1_600 + x + 8].fill(0);
            }
        }
        picture
    }

    #[test]
    fn a_copy_is_near_and_other_music_is_not() {
        let one = Hash::of(&picture(1, 0));
        let scanned = draw::resize(&picture(1, 30), 1_300, 190);
        assert!(one.distance(&Hash::of(&scanned)) < NEAR);
        for other in 2..12 {
            assert!(one.distance(&Hash::of(&picture(other, 0))) > NEAR * 1.5);
        }
    }

    #[test]
    fn copies_are_told_across_sides_only() {
        let hashes = [1, 1, 2, 1].map(|n| Hash::of(&picture(n, 0)));
        let near = across(&hashes, &["train", "train", "test", "test"], 2);
        let near: Vec<Option<usize>> = near.into_iter().map(|n| n.map(|(i, _)| i)).collect();
        assert_eq!(near, [Some(3), Some(3), None, Some(0)]);
    }

    #[test]
    fn a_blank_picture_has_a_hash() {
        let blank = Hash::of(&Grey::new(10, 10, 255));
        assert!(blank.distance(&blank).abs() < 1e-6);
    }
}
