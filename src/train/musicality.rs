//! What an accompaniment measures like, note by note against the piece that it accompanies: harmony, density,
//! register, lengths, rhythm, and how much of a bar comes again in the next.
//!
//! All figures are of one stretch of bars and of the notes that begin in it. Figures of a set of pieces are the means
//! over its pieces; histograms are pooled. Two histograms are compared by their total variation distance: the share
//! of the notes that would have to be others, 0 to 1.

use std::collections::BTreeSet;

use crate::data::roles::Piece;
use crate::music::harmony::Harmony;
use crate::music::note::Note;
use crate::music::time::{TICKS_PER_BEAT, Tick};
use crate::music::token::{DURATIONS, duration_index};
use crate::train::key_following;

/// The figures, by name.
pub const FIGURES: [&str; 14] = [
    // Shares of the notes; those over which no chord is named do not count.
    "in_chord",
    "in_key",
    "notes_per_beat",
    "notes_per_onset",
    // The most notes that sound at once in a bar, mean over the bars.
    "polyphony",
    "mean_pitch",
    // Standard deviation of the pitches, in semitones.
    "pitch_spread",
    // In beats.
    "mean_length",
    // Share of the bars in which no note begins.
    "empty_bars",
    // Jaccard index of the sixteenths with an onset in two neighbouring bars, of the onsets with their pitches, and
    // of the pitch classes; two empty bars do not count.
    "shared_rhythm",
    "shared_notes",
    "shared_classes",
    // Share of the onsets that fall on a sixteenth.
    "on_sixteenths",
    // Bars before its first note.
    "entry_bar",
];

/// The histograms, by name.
pub const HISTOGRAMS: [&str; 4] = [
    // Onsets by the sixteenth of the bar that they are nearest to.
    "onset_in_bar",
    // Steps of the lowest notes from onset to onset, -24 to 24 semitones.
    "bass_interval",
    // Semitones from the lowest note of an onset to each note above it, up to 36.
    "chord_interval",
    // Lengths by the nearest of the alphabet's.
    "duration",
];

/// Ticks of a sixteenth.
const SIXTEENTH: i64 = TICKS_PER_BEAT / 4;
/// Sixteenths of a bar that the histogram tells apart; longer bars wrap.
const SIXTEENTHS: i64 = 16;
/// The widest step of the bass and the widest chord that are told apart.
const WIDEST_STEP: i64 = 24;
const WIDEST_CHORD: i64 = 36;

/// Whole bars of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// A bar line.
    pub start: Tick,
    /// Bars from there on.
    pub bars: usize,
    /// Ticks of a bar.
    pub bar: i64,
}

impl Stretch {
    /// Up to `bars` bars from the one in which the melody begins to the one in which its last note does; `None`
    /// without a melody.
    pub fn of_melody(piece: &Piece, bars: usize) -> Option<Self> {
        let (first, last) = (piece.melody.first()?.onset, piece.melody.last()?.onset);
        let start = first.plus(-piece.bars.ticks_into_bar(first));
        let bar = piece.bars.length;
        let all = (last.since(start) / bar) as usize + 1;
        Some(Self { start, bars: bars.min(all), bar })
    }

    /// The tick after it.
    pub const fn end(&self) -> Tick {
        self.start.plus(self.bars as i64 * self.bar)
    }

    /// Of notes in order, those that begin in it.
    pub fn notes<'a>(&self, notes: &'a [Note]) -> &'a [Note] {
        let from = notes.partition_point(|n| n.onset < self.start);
        let to = notes.partition_point(|n| n.onset < self.end());
        &notes[from..to]
    }

    fn bar_of(&self, tick: Tick) -> usize {
        (tick.since(self.start) / self.bar) as usize
    }
}

/// What one accompaniment measures.
#[derive(Clone, PartialEq, Debug)]
pub struct Portrait {
    /// By [`FIGURES`]; what cannot be told (of no notes) is `None`.
    pub figures: [Option<f64>; FIGURES.len()],
    /// By [`HISTOGRAMS`]: counts.
    pub histograms: [Vec<f64>; HISTOGRAMS.len()],
    /// Notes in the stretch.
    pub notes: usize,
}

/// Measures the notes of an accompaniment, in order, that begin in a stretch of a piece.
pub fn portrait(piece: &Piece, stretch: Stretch, notes: &[Note]) -> Portrait {
    let notes = stretch.notes(notes);
    let count = notes.len() as f64;
    let mean = |f: &dyn Fn(&Note) -> f64| {
        (!notes.is_empty()).then(|| notes.iter().map(f).sum::<f64>() / count)
    };
    let mean_pitch = mean(&|n| f64::from(n.pitch.number()));
    let variance = mean_pitch.and_then(|m| mean(&|n| (f64::from(n.pitch.number()) - m).powi(2)));
    let onsets: Vec<&[Note]> = notes.chunk_by(|a, b| a.onset == b.onset).collect();
    let bars: Vec<&[Note]> = bars(stretch, notes);
    let first = notes.first().map_or(stretch.bars, |n| stretch.bar_of(n.onset));
    let empty = bars.iter().filter(|b| b.is_empty()).count();
    let beats = stretch.bars as f64 * stretch.bar as f64 / TICKS_PER_BEAT as f64;
    let straight = onsets.iter().filter(|o| o[0].onset.since(stretch.start) % SIXTEENTH == 0);
    let figures = [
        share(notes, |n| chord_at(piece, n.onset).map(|chord| chord.holds(n.pitch))),
        in_key(piece, notes),
        (beats > 0.0).then(|| count / beats),
        (!onsets.is_empty()).then(|| count / onsets.len() as f64),
        polyphony(stretch, notes),
        mean_pitch,
        variance.map(f64::sqrt),
        mean(&|n| n.duration as f64 / TICKS_PER_BEAT as f64),
        (stretch.bars > 0).then(|| empty as f64 / stretch.bars as f64),
        shared(&bars, |n| (nearest_sixteenth(stretch, n), 0)),
        shared(&bars, |n| (n.onset.since(stretch.start) % stretch.bar, n.pitch.number())),
        shared(&bars, |n| (0, n.pitch.class().number())),
        (!onsets.is_empty()).then(|| straight.count() as f64 / onsets.len() as f64),
        Some(first as f64),
    ];
    Portrait { figures, histograms: histograms(stretch, notes, &onsets), notes: notes.len() }
}

/// The notes of each bar.
fn bars(stretch: Stretch, notes: &[Note]) -> Vec<&[Note]> {
    let mut rest = notes;
    (0..stretch.bars)
        .map(|bar| {
            let (here, later) =
                rest.split_at(rest.partition_point(|n| stretch.bar_of(n.onset) <= bar));
            rest = later;
            here
        })
        .collect()
}

/// The share of the notes of which something is true, of those of which it can be told.
fn share(notes: &[Note], is: impl Fn(&Note) -> Option<bool>) -> Option<f64> {
    let told: Vec<bool> = notes.iter().filter_map(is).collect();
    let yes = told.iter().filter(|b| **b).count();
    (!told.is_empty()).then(|| yes as f64 / told.len() as f64)
}

/// The chord that is named at a tick.
fn chord_at(piece: &Piece, tick: Tick) -> Option<Harmony> {
    let next = piece.chords.partition_point(|c| c.0 <= tick);
    let (_, chord) = *piece.chords.get(next.checked_sub(1)?)?;
    chord.is_chord().then_some(chord)
}

fn in_key(piece: &Piece, notes: &[Note]) -> Option<f64> {
    let start = piece.start();
    let bar = |n: &Note| n.onset.since(start).max(0) / piece.bars.length;
    let keys = key_following::references(piece, notes.last().map_or(0, |n| bar(n) as usize + 1));
    share(notes, |n| Some(keys.get(bar(n) as usize).copied()??.holds(n.pitch)))
}

fn polyphony(stretch: Stretch, notes: &[Note]) -> Option<f64> {
    let mut sounding = vec![0_i32; stretch.bars * stretch.bar as usize + 1];
    let slot = |tick: Tick| (tick.since(stretch.start) as usize).min(sounding.len() - 1);
    let slots: Vec<_> = notes.iter().map(|n| (slot(n.onset), slot(n.end()))).collect();
    for (from, to) in slots {
        sounding[from] += 1;
        sounding[to] -= 1;
    }
    let mut now = 0;
    for x in &mut sounding {
        now += *x;
        *x = now;
    }
    let most = sounding.chunks_exact(stretch.bar as usize).map(|b| b.iter().max().copied());
    let sum: i32 = most.flatten().sum();
    (stretch.bars > 0).then(|| f64::from(sum) / stretch.bars as f64)
}

/// The mean Jaccard index of what neighbouring bars hold; two empty ones do not count.
fn shared(bars: &[&[Note]], key: impl Fn(&Note) -> (i64, u8)) -> Option<f64> {
    let sets: Vec<BTreeSet<(i64, u8)>> =
        bars.iter().map(|bar| bar.iter().map(&key).collect()).collect();
    let indices = sets.windows(2).filter_map(|pair| {
        let either = pair[0].union(&pair[1]).count();
        (either > 0).then(|| pair[0].intersection(&pair[1]).count() as f64 / either as f64)
    });
    let indices: Vec<f64> = indices.collect();
    (!indices.is_empty()).then(|| indices.iter().sum::<f64>() / indices.len() as f64)
}

/// The sixteenth of its bar that a note begins nearest to; the last half of the last one counts to it.
fn nearest_sixteenth(stretch: Stretch, note: &Note) -> i64 {
    let into = note.onset.since(stretch.start) % stretch.bar;
    ((into + SIXTEENTH / 2) / SIXTEENTH).min((stretch.bar - 1) / SIXTEENTH)
}

fn histograms(stretch: Stretch, notes: &[Note], onsets: &[&[Note]]) -> [Vec<f64>; 4] {
    let mut places = vec![0.0; SIXTEENTHS as usize];
    let mut steps = vec![0.0; 2 * WIDEST_STEP as usize + 1];
    let mut chords = vec![0.0; WIDEST_CHORD as usize + 1];
    let mut durations = vec![0.0; DURATIONS.len()];
    let pitch = |n: &Note| i64::from(n.pitch.number());
    for onset in onsets {
        places[(nearest_sixteenth(stretch, &onset[0]) % SIXTEENTHS) as usize] += 1.0;
        for note in &onset[1..] {
            chords[(pitch(note) - pitch(&onset[0])).min(WIDEST_CHORD) as usize] += 1.0;
        }
    }
    for pair in onsets.windows(2) {
        let step = pitch(&pair[1][0]) - pitch(&pair[0][0]);
        steps[(step.clamp(-WIDEST_STEP, WIDEST_STEP) + WIDEST_STEP) as usize] += 1.0;
    }
    for note in notes {
        durations[usize::from(duration_index(note.duration))] += 1.0;
    }
    [places, steps, chords, durations]
}

/// A mean and how far it may be off by chance.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Mean {
    /// The mean; `None` of nothing.
    pub mean: Option<f64>,
    /// The standard error of the mean; `None` of fewer than two.
    pub error: Option<f64>,
}

impl Mean {
    /// Of the values that are there.
    pub fn of(values: impl Iterator<Item = Option<f64>>) -> Self {
        let values: Vec<f64> = values.flatten().collect();
        let n = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let error = (values.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt());
        Self { mean: Some(mean), error }
    }
}

/// What the accompaniments of a set of pieces measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    /// By [`FIGURES`].
    pub figures: [Mean; FIGURES.len()],
    /// By [`HISTOGRAMS`]: counts over all pieces.
    pub histograms: [Vec<f64>; HISTOGRAMS.len()],
}

impl Summary {
    /// Of the portraits of a set's pieces.
    pub fn of(portraits: &[Portrait]) -> Self {
        let figures = std::array::from_fn(|i| Mean::of(portraits.iter().map(|p| p.figures[i])));
        let histograms = std::array::from_fn(|i| {
            let mut sum: Vec<f64> = Vec::new();
            for histogram in portraits.iter().map(|p| &p.histograms[i]) {
                sum.resize(histogram.len(), 0.0);
                sum.iter_mut().zip(histogram).for_each(|(a, b)| *a += b);
            }
            sum
        });
        Self { figures, histograms }
    }
}

/// The total variation distance of two histograms as shares, 0 to 1; `None` where one is of nothing.
pub fn total_variation(a: &[f64], b: &[f64]) -> Option<f64> {
    let (of_a, of_b) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    let differences = a.iter().zip(b).map(|(x, y)| (x / of_a - y / of_b).abs());
    (of_a > 0.0 && of_b > 0.0).then(|| differences.sum::<f64>() / 2.0)
}

#[cfg(test)]
mod tests;
