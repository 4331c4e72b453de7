//! How much of a part is copied: the runs of notes that it shares with parts that a model was trained on, in whatever
//! key.
//!
//! A part becomes a string with a letter for each note after the first: ticks and semitones since the note before. A
//! run of letters that two parts share is a run of notes with the same rhythm and the same intervals. The suffixes of
//! all the library's strings are sorted once; where a suffix of another string would stand among them, its neighbours
//! are those that share the most with it. Memory is eight bytes a note.

use crate::music::note::Note;
use crate::music::time::TICKS_PER_BEAT;

/// Notes from which a run that is shared counts as a long one.
pub const LONG: usize = 16;

/// The longest run that is told apart, in letters.
const LONGEST: usize = 1_024;

/// Ticks between two notes that are told apart from more: eight bars of 4/4.
const LONGEST_GAP: i64 = 384;

/// What ends each part in the library; no letter of a part.
const END: u32 = u32::MAX;

/// Parts to find copies of.
#[derive(Clone, Debug)]
pub struct Library {
    letters: Vec<u32>,
    /// Where suffixes begin, by their letters.
    suffixes: Vec<u32>,
    /// Where each part begins.
    starts: Vec<u32>,
}

/// Notes that a part shares with one of a library.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Run {
    /// How many; a note alone is always shared.
    pub notes: usize,
    /// The first of them, counted in the part.
    pub first: usize,
    /// The library's part.
    pub part: usize,
    /// The first of them, counted there.
    pub first_there: usize,
}

/// What of a part is in a library.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Copying {
    /// The longest run.
    pub longest: Run,
    /// Beats from its first onset to its last.
    pub beats: f64,
    /// Notes that lie in runs of at least as many as was asked for.
    pub in_runs: usize,
    /// Notes of the part.
    pub notes: usize,
}

impl Library {
    /// A library of parts, each in order.
    pub fn new<'a>(parts: impl Iterator<Item = &'a [Note]>) -> Self {
        let (mut letters, mut starts) = (Vec::new(), Vec::new());
        for part in parts {
            starts.push(letters.len() as u32);
            letters.extend(spell(part));
            letters.push(END);
        }
        let mut suffixes: Vec<u32> =
            (0..letters.len() as u32).filter(|i| letters[*i as usize] != END).collect();
        suffixes.sort_unstable_by(|a, b| beginning(&letters, *a).cmp(beginning(&letters, *b)));
        Self { letters, suffixes, starts }
    }

    /// Compares a part, in order; runs of `long` notes or more are counted as such.
    pub fn copying(&self, part: &[Note], long: usize) -> Copying {
        let string: Vec<u32> = spell(part).collect();
        let mut copying = Copying { notes: part.len(), ..Copying::default() };
        // Notes before this one have been counted.
        let mut counted = 0;
        for first in 0..string.len() {
            let (shared, there) = self.longest_at(&string[first..]);
            if shared == 0 {
                continue;
            }
            let notes = shared + 1;
            if notes >= long {
                copying.in_runs += (first + notes).saturating_sub(counted.max(first));
                counted = counted.max(first + notes);
            }
            if notes > copying.longest.notes {
                let part = self.starts.partition_point(|s| *s <= there) - 1;
                let first_there = (there - self.starts[part]) as usize;
                copying.longest = Run { notes, first, part, first_there };
            }
        }
        let Run { notes, first, .. } = copying.longest;
        if notes > 0 {
            let ticks = part[first + notes - 1].onset.since(part[first].onset);
            copying.beats = ticks as f64 / TICKS_PER_BEAT as f64;
        }
        copying
    }

    /// How many letters of the string's beginning are shared at most, and where.
    fn longest_at(&self, string: &[u32]) -> (usize, u32) {
        let string = &string[..string.len().min(LONGEST)];
        let place = self.suffixes.partition_point(|s| beginning(&self.letters, *s) < string);
        let neighbours = [place.checked_sub(1), Some(place)];
        let shared = neighbours.into_iter().flatten().filter_map(|i| {
            let suffix = *self.suffixes.get(i)?;
            let same =
                beginning(&self.letters, suffix).iter().zip(string).take_while(|(a, b)| a == b);
            Some((same.count(), suffix))
        });
        shared.max_by_key(|(count, _)| *count).unwrap_or((0, 0))
    }
}

fn beginning(letters: &[u32], at: u32) -> &[u32] {
    let at = at as usize;
    &letters[at..letters.len().min(at + LONGEST)]
}

/// A letter for each note after the first.
fn spell(part: &[Note]) -> impl Iterator<Item = u32> + '_ {
    part.windows(2).map(|pair| {
        let gap = pair[1].onset.since(pair[0].onset).clamp(0, LONGEST_GAP) as u32;
        let step = i32::from(pair[1].pitch.number()) - i32::from(pair[0].pitch.number());
        gap << 8 | (step + 128) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

    /// Notes whose steps and gaps come from a stream of numbers.
    fn part(seed: u64, count: usize) -> Vec<Note> {
        let (mut state, mut onset, mut pitch) = (seed, 0, 60_i64);
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                onset += (state >> 33) as i64 % 12;
                pitch = 40 + (pitch - 40 + (state >> 43) as i64 % 25).rem_euclid(40);
                Note {
                    onset: Tick(onset),
                    pitch: Pitch::new(pitch as u8),
                    voice: Voice::Machine,
                    velocity: 80,
                    duration: 1,
                }
            })
            .collect()
    }

    fn moved(notes: &[Note], ticks: i64, semitones: i32) -> Vec<Note> {
        let moved = |n: &Note| Note {
            onset: n.onset.plus(ticks),
            pitch: n.pitch.transposed(semitones).unwrap(),
            velocity: 20,
            duration: 30,
            ..*n
        };
        notes.iter().map(moved).collect()
    }

    #[test]
    fn a_planted_run_is_found_in_another_key_and_at_another_time() {
        let parts: Vec<Vec<Note>> = (1..30).map(|n| part(n, 300)).collect();
        let library = Library::new(parts.iter().map(Vec::as_slice));
        let mut own = part(1_000, 200);
        let alone = library.copying(&own, 8);
        assert!(alone.longest.notes < 8 && alone.in_runs == 0, "{alone:?}");
        let planted = moved(&parts[16][100..141], 5_000, 5);
        let length = planted[40].onset.since(planted[0].onset);
        own.extend(planted);
        own.extend(moved(&part(2_000, 100), 20_000, -3));
        let found = library.copying(&own, 8);
        assert_eq!(found.longest, Run { notes: 41, first: 200, part: 16, first_there: 100 });
        assert_eq!((found.in_runs, found.notes), (41, 341));
        assert!((found.beats - length as f64 / 12.0).abs() < 1e-9);
    }

    #[test]
    fn a_part_of_the_library_is_all_a_copy_but_no_run_leaves_a_part() {
        let parts = [part(1, 50), part(2, 60)];
        let library = Library::new(parts.iter().map(Vec::as_slice));
        let both = library.copying(&parts[1], 2);
        assert_eq!((both.longest.notes, both.in_runs), (60, 60));
        let joined: Vec<Note> =
            parts[0].iter().copied().chain(moved(&parts[1], 2_000, 0)).collect();
        assert_eq!(library.copying(&joined, 2).longest.notes, 60);
    }

    #[test]
    fn one_chord_for_ever_neither_hangs_nor_overflows() {
        let note = part(1, 1)[0];
        let drone: Vec<Note> = (0..20_000).map(|i| Note { onset: Tick(i * 3), ..note }).collect();
        let library = Library::new([drone.as_slice()].into_iter());
        assert_eq!(library.copying(&drone[..3_000], 4).longest.notes, LONGEST + 1);
        assert_eq!(Library::new(std::iter::empty()).copying(&drone[..9], 4).longest.notes, 0);
        assert_eq!(library.copying(&[], 4), Copying::default());
    }
}
