//! Music that stands in a collection more than once: near-duplicate parts, and what a part repeats of itself.
//!
//! A part is the set of its runs of [`RUN`] codes. `MinHash` in bands finds pairs that may share most of them without
//! comparing all with all; their sets are then compared as they are. A copy in another key is another part.

use std::collections::{HashMap, HashSet};

/// Codes in a run: two bars or so.
pub const RUN: usize = 8;
/// Runs in common of all runs (Jaccard) from which two parts count as one.
pub const ALIKE: f64 = 0.5;
/// Codes in a run by which a part is found to repeat itself.
const SECTION: usize = 16;

/// A pair that has half of its runs in common is found with 98.6 %, one with two thirds with 99.999 %.
const BANDS: usize = 32;
const ROWS: usize = 3;
/// More parts than these in one band are not compared with each other but with the first of them.
const CROWD: usize = 64;

/// What stands in the collection more than once.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Repeats {
    /// Parts that are nearly the same, as indices; only groups of two and more.
    pub groups: Vec<Vec<usize>>,
    /// For each part, the size of its group; 1 for one that is alone.
    pub copies: Vec<usize>,
    /// The share of the places at which a part plays on as it did before.
    pub repeated_share: f64,
}

impl Repeats {
    /// Looks through the parts.
    pub fn find(parts: &[Vec<u16>]) -> Self {
        let sets: Vec<HashSet<u64>> =
            parts.iter().map(|part| part.windows(RUN).map(run_hash).collect()).collect();
        let mut leader: Vec<usize> = (0..parts.len()).collect();
        for (a, b) in candidates(&sets) {
            if alike(&sets[a], &sets[b]) >= ALIKE {
                let (a, b) = (root(&mut leader, a), root(&mut leader, b));
                leader[a.max(b)] = a.min(b);
            }
        }
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
        for i in 0..parts.len() {
            groups[root(&mut leader, i)].push(i);
        }
        groups.retain(|group| group.len() > 1);
        let mut copies = vec![1; parts.len()];
        for group in &groups {
            for i in group {
                copies[*i] = group.len();
            }
        }
        let (mut again, mut all) = (0, 0);
        for part in parts {
            let mut seen = HashSet::new();
            let runs = part.windows(SECTION).map(run_hash);
            all += runs.len();
            again += runs.filter(|run| !seen.insert(*run)).count();
        }
        let repeated_share = again as f64 / all.max(1) as f64;
        Self { groups, copies, repeated_share }
    }
}

/// Pairs of parts that share a band of their signatures, each once, in order.
fn candidates(sets: &[HashSet<u64>]) -> Vec<(usize, usize)> {
    let mut pairs = HashSet::new();
    for band in 0..BANDS {
        let mut bins: HashMap<[u64; ROWS], Vec<usize>> = HashMap::new();
        for (i, set) in sets.iter().enumerate().filter(|(_, s)| !s.is_empty()) {
            let least = |row: usize| {
                let salt = mix((band * ROWS + row) as u64 + 1);
                set.iter().map(|run| mix(run ^ salt)).min().unwrap_or_default()
            };
            bins.entry(std::array::from_fn(least)).or_default().push(i);
        }
        for bin in bins.values() {
            for (n, a) in bin.iter().enumerate().take(CROWD) {
                pairs.extend(bin[n + 1..].iter().map(|b| (*a, *b)));
            }
        }
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_unstable();
    pairs
}

fn alike(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let common = a.intersection(b).count();
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}

fn root(leader: &mut [usize], mut i: usize) -> usize {
    while leader[i] != i {
        leader[i] = leader[leader[i]];
        i = leader[i];
    }
    i
}

/// A hash that is the same on every machine.
pub(super) fn run_hash(run: &[u16]) -> u64 {
    run.iter().fold(run.len() as u64, |hash, code| mix(hash ^ u64::from(*code)))
}

/// The finaliser of `SplitMix64`.
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part that never plays the same run twice.
    fn part(seed: u64, len: usize) -> Vec<u16> {
        (0..len as u64).map(|i| (mix(seed * 1_000_003 + i) % 50) as u16).collect()
    }

    #[test]
    fn copies_are_found_and_strangers_are_not() {
        let original = part(1, 400);
        let mut edited = original.clone();
        for i in (20..400).step_by(60) {
            edited[i] = 99;
        }
        let excerpt = original[100..].to_vec();
        let twice = part(9, 300);
        let short = vec![1, 2, 3];
        let parts = vec![
            part(2, 400),
            original,
            part(3, 400),
            edited,
            twice.clone(),
            excerpt,
            twice,
            short.clone(),
            short,
        ];
        let repeats = Repeats::find(&parts);
        assert_eq!(repeats.groups, [vec![1, 3, 5], vec![4, 6]]);
        assert_eq!(repeats.copies, [1, 3, 1, 3, 2, 3, 2, 1, 1]);
        assert!(repeats.repeated_share < 1e-9);
    }

    #[test]
    fn a_part_that_repeats_itself_is_seen() {
        let verse = part(5, 100);
        let repeats = Repeats::find(&[[verse.clone(), verse].concat()]);
        // 85 of 185 runs of 16 lie in the second verse.
        assert!((repeats.repeated_share - 85.0 / 185.0).abs() < 1e-9, "{repeats:?}");
        assert!(repeats.groups.is_empty());
    }

    #[test]
    fn many_copies_are_one_group() {
        let parts = vec![part(7, 60); 300];
        assert_eq!(Repeats::find(&parts).copies, vec![300; 300]);
    }
}
