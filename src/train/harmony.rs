//! Whether the player's notes lie in the machine's chords: note-in-chord, the field's measure of a live accompanist's
//! harmony ("Adaptive Accompaniment with `ReaLchords`", ICML 2024, and those that followed), for notes in place of chord
//! symbols; with the figures that belong beside it, since a dense cluster holds every note.
//!
//! A frame is a sixteenth. The machine's chord is told beat by beat: of the 24 triads the one with the most frames of sounding
//! pitch classes in it, less 0.3 times those outside it. Frames count where the melody sounds and there is a chord.

use std::ops::Range;

use crate::data::timed::TimedNote;
use crate::data::timed_piece::TimedPiece;
use crate::train::musicality::Mean;

/// Frames of a quarter note.
const FRAMES: usize = 4;

/// The figures of a piece, by name.
pub const FIGURES: [&str; 6] = [
    // Share of the frames with melody and chord in which the highest sounding melody note is one of the chord's.
    "note_in_chord",
    // The same against the symbols that people wrote; says nothing of the machine.
    "note_in_annotated",
    // Share of the frames with melody in which the machine is silent.
    "silent_frames",
    "triad_changes_per_bar",
    // Of the beats in which anything sounds.
    "classes_per_beat",
    // Share of the chords that last longer than eight beats.
    "chords_over_8_beats",
];

/// Beats of the curve after a start.
pub const BEATS: usize = 32;

/// Frames from a chord's onset back to the last melody onset that are told apart: 0 to 17, and farther or none.
const ONSET_BINS: usize = 19;
/// Lengths of chords in frames that are told apart: 0 to 33, and longer.
const LENGTH_BINS: usize = 35;

/// What a miss takes away, in tenths of a hit.
const MISS: i64 = 3;

/// Hits of so many frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hits {
    /// Frames in which the melody is in the chord.
    pub hits: usize,
    /// Frames with melody and chord.
    pub frames: usize,
}

impl Hits {
    /// The share of hits; `None` of no frame.
    pub fn share(self) -> Option<f64> {
        (self.frames > 0).then(|| self.hits as f64 / self.frames as f64)
    }

    fn count(&mut self, is_hit: bool) {
        self.hits += usize::from(is_hit);
        self.frames += 1;
    }
}

/// What a part measures under a melody.
#[derive(Clone, PartialEq, Debug)]
pub struct Agreement {
    /// By [`FIGURES`]; `None` where it can't be told.
    pub figures: [Option<f64>; FIGURES.len()],
    /// Of each of the first beats.
    pub by_beat: [Hits; BEATS],
    /// Chord onsets by the frames since the last melody onset.
    pub onsets: [f64; ONSET_BINS],
    /// Chords by their length in frames.
    pub lengths: [f64; LENGTH_BINS],
}

/// Measures a part, both it and the melody in beats from the first bar line of `piece`, whose chord symbols count. The
/// melody ends what is measured.
pub fn harmony(piece: &TimedPiece, melody: &[TimedNote], part: &[TimedNote]) -> Agreement {
    let end = melody.iter().map(|n| n.to).fold(0.0, f64::max);
    let count = nearest(end) + 1;
    let (line, sounding) = (frames(melody, count), frames(part, count));
    let beats: Vec<Beat> = sounding.chunks(FRAMES).map(Beat::of).collect();
    let (mut all, mut annotated, mut silent) = (Hits::default(), Hits::default(), Hits::default());
    let mut by_beat = [Hits::default(); BEATS];
    for (frame, (keys, under)) in line.iter().zip(&sounding).enumerate() {
        let Some(highest) = 127_u32.checked_sub(keys.leading_zeros()) else { continue };
        let class = 1_u16 << (highest % 12);
        if let Some(triad) = beats[frame / FRAMES].triad {
            all.count(triad & class != 0);
            if let Some(hits) = by_beat.get_mut(frame / FRAMES) {
                hits.count(triad & class != 0);
            }
        }
        if let Some(chord) = piece.chord_at(frame as f64 / FRAMES as f64) {
            annotated.count(chord.classes.0 & class != 0);
        }
        silent.count(*under == 0);
    }
    let triads: Vec<Option<u16>> = beats.iter().map(|b| b.triad).collect();
    let changes = triads.windows(2).filter(|w| matches!(w, [Some(a), Some(b)] if a != b)).count();
    let bars = count as f64 / FRAMES as f64 / piece.bar;
    let sounds: Vec<f64> =
        beats.iter().filter(|b| b.triad.is_some()).map(|b| f64::from(b.classes)).collect();
    let chords = chords(&triads);
    let long = chords.iter().filter(|c| c.len() > 8).count();
    let share = |part: f64, whole: usize| (whole > 0).then(|| part / whole as f64);
    let figures = [
        all.share(),
        annotated.share(),
        silent.share(),
        Some(changes as f64 / bars.max(1.0)),
        share(sounds.iter().sum(), sounds.len()),
        share(long as f64, chords.len()),
    ];
    let (onsets, lengths) = histograms(melody, &chords);
    Agreement { figures, by_beat, onsets, lengths }
}

/// The frame boundary next to a place in beats; halves go to the even one.
fn nearest(beats: f64) -> usize {
    (beats * FRAMES as f64).round_ties_even().max(0.0) as usize
}

/// The keys that sound in each frame, a bit a key. A note sounds in one frame at least.
fn frames(notes: &[TimedNote], count: usize) -> Vec<u128> {
    let mut frames = vec![0_u128; count];
    for note in notes.iter().filter(|n| n.from > -1.0 / FRAMES as f64) {
        let from = nearest(note.from);
        let to = nearest(note.to).max(from + 1).min(count);
        frames[from.min(to)..to].iter_mut().for_each(|f| *f |= 1 << (note.key & 127));
    }
    frames
}

/// What the machine plays in a beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Beat {
    /// The triad's pitch classes, a bit a class; none in silence.
    triad: Option<u16>,
    /// How many pitch classes sound.
    classes: u32,
}

impl Beat {
    fn of(frames: &[u128]) -> Self {
        let mut weights = [0_i64; 12];
        for frame in frames {
            let mut left = *frame;
            while left != 0 {
                weights[left.trailing_zeros() as usize % 12] += 1;
                left &= left - 1;
            }
        }
        let classes = weights.iter().filter(|w| **w > 0).count() as u32;
        Self { triad: (classes > 0).then(|| triad(&weights)), classes }
    }
}

/// The triad that explains pitch classes best; of equals the lower root, and major before minor.
fn triad(weights: &[i64; 12]) -> u16 {
    let all: i64 = weights.iter().sum();
    let mut best = (i64::MIN, 0);
    for root in 0..12 {
        for third in [4, 3] {
            let tones = [root, (root + third) % 12, (root + 7) % 12];
            let hits: i64 = tones.iter().map(|t| weights[*t]).sum();
            let score = 10 * hits - MISS * (all - hits);
            if score > best.0 {
                best = (score, tones.iter().fold(0, |set, t| set | 1 << t));
            }
        }
    }
    best.1
}

/// The beats of each chord: as long as the triad is the same.
fn chords(triads: &[Option<u16>]) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut chords = Vec::new();
    for run in triads.chunk_by(|a, b| a == b) {
        if run[0].is_some() {
            chords.push(at..at + run.len());
        }
        at += run.len();
    }
    chords
}

fn histograms(
    melody: &[TimedNote],
    chords: &[Range<usize>],
) -> ([f64; ONSET_BINS], [f64; LENGTH_BINS]) {
    let mut onsets = [0.0; ONSET_BINS];
    let mut lengths = [0.0; LENGTH_BINS];
    let mut struck: Vec<usize> = melody.iter().map(|n| nearest(n.from)).collect();
    struck.sort_unstable();
    for chord in chords {
        let frame = chord.start * FRAMES;
        let last = struck.partition_point(|s| *s <= frame).checked_sub(1);
        let bin = last.map_or(ONSET_BINS, |i| frame - struck[i]);
        onsets[bin.min(ONSET_BINS - 1)] += 1.0;
        lengths[(chord.len() * FRAMES).min(LENGTH_BINS - 1)] += 1.0;
    }
    (onsets, lengths)
}

/// What the parts of a set of pieces measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    /// By [`FIGURES`].
    pub figures: [Mean; FIGURES.len()],
    /// Of each of the first beats, over all pieces.
    pub by_beat: [Hits; BEATS],
    /// Over all pieces.
    pub onsets: [f64; ONSET_BINS],
    /// Entropy of the lengths of all chords, in nats; `None` of no chord.
    pub variety: Option<f64>,
}

impl Summary {
    /// Of a set's pieces.
    pub fn of(pieces: &[Agreement]) -> Self {
        let figures = std::array::from_fn(|i| Mean::of(pieces.iter().map(|p| p.figures[i])));
        let sum = |of: &dyn Fn(&Agreement) -> f64| pieces.iter().map(of).sum::<f64>();
        let by_beat = std::array::from_fn(|beat| {
            let at = |p: &Agreement| p.by_beat[beat];
            pieces.iter().map(at).fold(Hits::default(), |a, b| Hits {
                hits: a.hits + b.hits,
                frames: a.frames + b.frames,
            })
        });
        let lengths: [f64; LENGTH_BINS] = std::array::from_fn(|i| sum(&|p| p.lengths[i]));
        let onsets = std::array::from_fn(|i| sum(&|p| p.onsets[i]));
        Self { figures, by_beat, onsets, variety: entropy(&lengths) }
    }

    /// How far the chord onsets lie from others' in the melody's rhythm: [`earth_mover`] times 1,000.
    pub fn synchronisation(&self, others: &Self) -> Option<f64> {
        earth_mover(&self.onsets, &others.onsets).map(|d| 1_000.0 * d)
    }
}

/// The entropy of a histogram in nats; `None` of nothing.
fn entropy(counts: &[f64]) -> Option<f64> {
    let all: f64 = counts.iter().sum();
    let shares = counts.iter().map(|c| c / all).filter(|p| *p > 0.0);
    (all > 0.0).then(|| shares.map(|p| -p * p.ln()).sum())
}

/// How much has to be carried how far to make one histogram the other, both as shares on bins that span a length of 1; `None`
/// where one is of nothing.
pub fn earth_mover(a: &[f64], b: &[f64]) -> Option<f64> {
    let (of_a, of_b) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    if of_a <= 0.0 || of_b <= 0.0 || a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let mut carried = 0.0;
    let way: f64 = a
        .iter()
        .zip(b)
        .map(|(x, y)| {
            carried += x / of_a - y / of_b;
            f64::abs(carried)
        })
        .sum();
    Some(way / (a.len() - 1) as f64)
}

#[cfg(test)]
mod tests;
