//! Which pieces are kin: takes of one title, or melodies that are nearly the same. They must not be parted by a
//! split, or the held-out side would be known by heart.

use std::collections::{HashMap, HashSet};

use crate::data::shelf::{ShelfError, Stored};
use crate::music::note::Note;

/// Notes of a figure by which melodies are compared.
const FIGURE: usize = 8;
/// Figures that occur in more pieces than this are commonplaces (scales, repeated notes) and tell nothing.
const COMMONPLACE: usize = 12;
/// Melodies are kin when they share this part of the shorter one's figures.
const SHARED: f64 = 0.4;
/// What more pieces than this are called is no title but a label, like `Track 7`.
const MOST_TAKES: usize = 24;
/// Of more figures than this every second, fourth or eighth is compared, by their hashes: the memory stays bounded.
const MOST_FIGURES: usize = 4_000_000;
/// With fewer figures than this a melody is too short to be compared.
const LEAST_FIGURES: usize = 8;
/// And with fewer than this that are compared what it shares is chance.
const LEAST_COMPARED: usize = 4;

/// For each piece the number of its family: the index of the first piece that is kin to it.
pub(crate) fn families(pieces: &[Stored]) -> Result<Vec<usize>, ShelfError> {
    let mut family: Vec<usize> = (0..pieces.len()).collect();
    let mut by_title: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, title) in titles(pieces).into_iter().enumerate().filter_map(|(i, t)| Some((i, t?))) {
        by_title.entry(title).or_default().push(i);
    }
    for takes in by_title.into_values() {
        if takes.len() <= MOST_TAKES && takes.len() * 2 <= pieces.len() {
            for take in &takes {
                join(&mut family, takes[0], *take);
            }
        }
    }
    for (a, b) in alike(pieces, MOST_FIGURES)? {
        join(&mut family, a, b);
    }
    Ok((0..pieces.len()).map(|i| root(&family, i)).collect())
}

fn root(family: &[usize], mut i: usize) -> usize {
    while family[i] != i {
        i = family[i];
    }
    i
}

fn join(family: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(family, a), root(family, b));
    family[a.max(b)] = a.min(b);
}

/// The titles told by the names. Where all names are a performer's and a title's, the performer is left out; a
/// number of the take is left out in any case. A name that is only a number is no title.
fn titles(pieces: &[Stored]) -> Vec<Option<String>> {
    let parted: Vec<_> = pieces.iter().filter_map(|p| performer_and_title(&p.name)).collect();
    let performers: HashSet<&str> = parted.iter().map(|(performer, _)| *performer).collect();
    // Performers recur, and there are several of them.
    let has_performers = parted.len() * 10 >= pieces.len() * 9
        && performers.len() > 1
        && performers.len() * 2 <= parted.len();
    let title = |piece: &Stored| {
        let name = match performer_and_title(&piece.name) {
            Some((_, title)) if has_performers => title,
            _ => &piece.name,
        };
        let name = without_take(name.trim());
        let letters: String =
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let is_title = letters.chars().filter(|c| c.is_alphabetic()).count() >= 3;
        is_title.then_some(letters)
    };
    pieces.iter().map(title).collect()
}

/// The two halves of `Ann - Oleo` or `Ann_Oleo`; with more underscores they stand for blanks.
fn performer_and_title(name: &str) -> Option<(&str, &str)> {
    let by_underscore = || name.split_once('_').filter(|(_, title)| !title.contains('_'));
    name.split_once(" - ").or_else(by_underscore)
}

/// `Oleo-2` and `Oleo (2)` without what is behind the title.
fn without_take(name: &str) -> &str {
    let bare = name.trim_end_matches([')', ']']);
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    let cut = bare.trim_end_matches(['-', '_', ' ', '(', '[', '#']);
    if bare.len() == name.len() || cut.len() == bare.len() { name } else { cut }
}

/// Pairs of pieces whose melodies are nearly the same, in whatever key; by `most` figures of all of them at most.
fn alike(pieces: &[Stored], most: usize) -> Result<Vec<(usize, usize)>, ShelfError> {
    let mut one_in = 1;
    let mut places: Vec<(u64, usize)> = Vec::new();
    let mut figures = Vec::with_capacity(pieces.len());
    for (i, piece) in pieces.iter().enumerate() {
        let own = figures_of(&piece.piece()?.melody);
        figures.push(own.len());
        places.extend(own.into_iter().filter(|f| f % one_in == 0).map(|f| (f, i)));
        while places.len() > most {
            one_in *= 2;
            places.retain(|(f, _)| f % one_in == 0);
        }
    }
    let mut compared = vec![0_usize; pieces.len()];
    for (_, i) in &places {
        compared[*i] += 1;
    }
    places.sort_unstable();
    let mut shared: HashMap<(usize, usize), usize> = HashMap::new();
    for same in places.chunk_by(|a, b| a.0 == b.0).filter(|c| c.len() <= COMMONPLACE) {
        for (i, a) in same.iter().enumerate() {
            for b in &same[i + 1..] {
                *shared.entry((a.1, b.1)).or_default() += 1;
            }
        }
    }
    let mut pairs: Vec<_> = shared
        .into_iter()
        .filter(|((a, b), count)| {
            let least = |of: &[usize]| of[*a].min(of[*b]);
            least(&figures) >= LEAST_FIGURES
                && least(&compared) >= LEAST_COMPARED
                && *count as f64 >= SHARED * least(&compared) as f64
        })
        .map(|(pair, _)| pair)
        .collect();
    pairs.sort_unstable();
    Ok(pairs)
}

/// Hashes of a melody's figures: the steps between their notes in pitch and time.
fn figures_of(melody: &[Note]) -> HashSet<u64> {
    let steps = melody.windows(2).map(|w| {
        let pitch = i64::from(w[1].pitch.number()) - i64::from(w[0].pitch.number());
        (pitch, w[1].onset.since(w[0].onset))
    });
    let steps: Vec<(i64, i64)> = steps.collect();
    let hash = |figure: &[(i64, i64)]| {
        let mut hasher = blake3::Hasher::new();
        for (pitch, time) in figure {
            hasher.update(&pitch.to_le_bytes()).update(&time.to_le_bytes());
        }
        hasher.finalize().as_bytes().first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
    };
    steps.windows(FIGURE - 1).map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::Piece;
    use crate::data::shelf::tests::shelved;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

    /// A melody that wanders as `seed` has it, `up` semitones higher.
    fn piece(name: &str, seed: u64, up: u8) -> Piece {
        let mut state = seed.wrapping_mul(2) + 1;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        let mut onset = 0;
        let melody = (0..100).map(|_| {
            onset += 3 * (1 + next(4) as i64);
            let (pitch, voice) = (Pitch::new(60 + up + next(12) as u8), Voice::Player);
            Note { onset: Tick(onset), pitch, voice, velocity: 80, duration: 3 }
        });
        Piece { name: name.to_owned(), melody: melody.collect(), ..Piece::default() }
    }

    fn families_of(names: &[&str]) -> Vec<usize> {
        let pieces = (0..).zip(names).map(|(i, n)| piece(n, i, 0));
        families(&shelved(pieces)).unwrap()
    }

    #[test]
    fn takes_of_one_title_are_kin() {
        let names =
            ["Ann_Oleo-1", "Ann_Oleo-2", "Bob_Oleo", "Bob_Solar", "Bob_Oleo blues", "Ann_X"];
        assert_eq!(families_of(&names), [0, 0, 0, 3, 4, 5]);
        let names = ["Ann - Oleo", "Bob - oleo (3)", "Bob - So What", "Ann - Nardis"];
        assert_eq!(families_of(&names), [0, 0, 2, 3]);
        assert_eq!(families_of(&["Song 1", "Song 2", "Song 3"]), [0, 1, 2], "numbered, not taken");
        // Underscores for blanks part no performers, and numbers are no titles.
        let names = ["A_Fine_Romance", "A_Romance", "My_Romance", "My_Romance_2", "One_by_One"];
        assert_eq!(families_of(&names), [0, 1, 2, 2, 4]);
        assert_eq!(families_of(&["001", "002", "d_map01", "d_map02"]), [0, 1, 2, 3]);
        assert_eq!(families_of(&["Over the Sea", "Over_the_Sea 2", "Nine 9", "Ten"]), [0, 0, 2, 3]);
    }

    #[test]
    fn melodies_that_are_nearly_the_same_are_kin_in_any_key() {
        let mut cut = piece("b", 1, 5);
        cut.melody.drain(..40);
        cut.melody[10].pitch = Pitch::new(30);
        let pieces = [piece("a", 1, 0), cut, piece("c", 2, 0), piece("d", 3, 0)];
        assert_eq!(families(&shelved(pieces)).unwrap(), [0, 0, 2, 3]);
    }

    #[test]
    fn many_melodies_are_told_apart_by_a_part_of_their_figures() {
        let first = (0..60).map(|i| piece("a", i, 0));
        let pieces = shelved(first.chain((0..10).map(|i| piece("b", i, 3))));
        let pairs: Vec<_> = (0..10).map(|i| (i, 60 + i)).collect();
        // 6,510 figures, of which every eighth is compared.
        for most in [MOST_FIGURES, 1_000] {
            assert_eq!(alike(&pieces, most).unwrap(), pairs);
        }
    }
}
