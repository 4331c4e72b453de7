//! What a harmonist's chords are like, beside people's and beside what needs no network: does the player's line lie in them, are
//! they those that people play, and do they move as people's do.
//!
//! The time is cut to sixteenths. A sixteenth counts where the line sounds and a chord is asked for; of a chord its triad counts.

use serde::Serialize;

use crate::data::asks;
use crate::data::roles::{Piece, Role};
use crate::model::harmonist::chooser::Chooser;
use crate::model::harmonist::{Choice, Harmonist};
use crate::music::harmony::{Harmony, chord_at};
use crate::music::key::KeySense;
use crate::music::note::{Note, Voice};
use crate::music::scale::{PitchSet, Scale};
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};
use crate::train::harmonist::excerpt::line;
use crate::train::key_following;

/// Bars that are measured, from that of the melody's first note.
const BARS: i64 = 48;
const SIXTEENTH: i64 = TICKS_PER_BEAT / 4;
/// Sixteenths of a beat.
const OF_BEAT: usize = 4;
/// Lengths of chords in sixteenths that are told apart; all that are longer are one.
const LENGTHS: usize = 33;

/// What the player plays of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The melody.
    Melody,
    /// The melody over its accompaniment.
    Both,
    /// The accompaniment.
    Accompaniment,
}

/// A piece to be harmonised.
#[derive(Clone, Debug)]
pub struct Take {
    start: Tick,
    end: Tick,
    bars: Bars,
    /// What the player plays, in order.
    notes: Vec<Note>,
    melody: Vec<Note>,
    /// The line's class at each sixteenth.
    line: Vec<Option<u8>>,
    people: Vec<(Tick, Harmony)>,
    /// The key of each bar, by people's chords.
    keys: Vec<Option<PitchSet>>,
}

impl Take {
    /// The first bars of a piece; none where it has no melody, or no chords.
    pub fn new(piece: &Piece, part: Part) -> Option<Self> {
        let (first, last) = (piece.melody.first()?, piece.melody.iter().map(Note::end).max()?);
        let people = asks::chords(piece);
        if people.iter().all(|(_, chord)| !chord.is_chord()) {
            return None;
        }
        let start = first.onset.plus(-piece.bars.ticks_into_bar(first.onset));
        let end = last.min(start.plus(piece.bars.length.saturating_mul(BARS)));
        let role = if part == Part::Accompaniment { Role::Lead } else { Role::Accompany };
        let mut notes = piece.notes_from(start, role, 0);
        notes.retain(|n| (part == Part::Both || n.voice == Voice::Player) && n.onset < end);
        let skipped = start.since(piece.start()).max(0) / piece.bars.length;
        let all = skipped + end.since(start).max(0) / piece.bars.length + 1;
        let named = Piece { chords: people.clone(), ..piece.clone() };
        let keys = key_following::references(&named, all as usize).split_off(skipped as usize);
        let line =
            line(&piece.melody, start, end).into_iter().step_by(SIXTEENTH as usize).collect();
        let melody = piece.melody.iter().filter(|n| n.onset >= start && n.onset < end);
        let (bars, melody) = (piece.bars, melody.copied().collect());
        Some(Self { start, end, bars, notes, melody, line, people, keys })
    }

    /// The chords that people play.
    pub fn people(&self) -> &[(Tick, Harmony)] {
        &self.people
    }

    /// The chords that the harmonist asks for, tick by tick as in live playing.
    pub fn chords(&self, net: &Harmonist) -> Vec<(Tick, Harmony)> {
        let mut chooser = Chooser::new(self.start);
        let mut asked: Vec<(Tick, Harmony)> = Vec::new();
        let mut notes = self.notes.as_slice();
        for now in (0..self.end.since(self.start)).map(|tick| self.start.plus(tick)) {
            let (heard, later) = notes.split_at(notes.partition_point(|n| n.onset <= now));
            notes = later;
            if chooser.close(net, now, self.bars, heard)
                && let Some(last) = chooser.chords().last()
            {
                asked.retain(|(at, _)| *at < last.0);
                asked.push(*last);
            }
        }
        asked
    }

    /// People's chords of another piece, from its first bar on, as if they were of this one.
    pub fn borrowed(&self, from: &Self) -> Vec<(Tick, Harmony)> {
        let moved = |(at, chord): &(Tick, Harmony)| (self.start.plus(at.since(from.start)), *chord);
        from.people.iter().map(moved).collect()
    }

    /// The tonic's triad of the key that is heard in the melody so far, bar by bar.
    pub fn tonic(&self) -> Vec<(Tick, Harmony)> {
        let (mut sense, mut chords) = (KeySense::default(), Vec::new());
        let mut notes = self.melody.iter().peekable();
        for bar in 0..=self.end.since(self.start) / self.bars.length {
            let line = self.start.plus(bar * self.bars.length);
            while let Some(note) = notes.next_if(|n| n.onset < line) {
                sense.hear(note.pitch.class());
            }
            sense.end_bar();
            if let Some(key) = sense.key() {
                let quality = usize::from(key.scale == Scale::Minor);
                chords.push((line, Choice { root: key.tonic, quality }.harmony()));
            }
        }
        chords
    }

    /// The triads of chords, sixteenth by sixteenth.
    fn triads(&self, chords: &[(Tick, Harmony)]) -> Vec<Option<Choice>> {
        let tick = |nth: usize| self.start.plus(nth as i64 * SIXTEENTH);
        let triad =
            |nth| chord_at(chords, tick(nth)).0.and_then(Choice::nearest).map(Choice::triad);
        (0..self.line.len()).map(triad).collect()
    }
}

/// Means over pieces.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Figures {
    /// Pieces that count.
    pub pieces: usize,
    /// The share of the line's sixteenths that lie in the triad then asked for.
    pub note_in_chord: f64,
    /// The same where each beat is judged by the triad that lasts longest in it, as notes that are played are.
    pub by_beat: f64,
    /// The share of the time in which root and third are people's.
    pub agreement: f64,
    /// The share of the chords' classes that lie in the key of people's chords.
    pub in_key: f64,
    /// Changes of the chord in a bar.
    pub changes: f64,
    /// The share of the changes that come later in the bar than its first sixteenth and the one after.
    pub off_line: f64,
    /// The entropy of the chords' lengths, in nats.
    pub variety: f64,
    /// The share of the chords that last longer than eight beats.
    pub long: f64,
    /// The share of the time of chords with a seventh.
    pub sevenths: f64,
}

impl Figures {
    /// Of takes and the chords under each.
    pub fn of(takes: &[Take], chords: &[Vec<(Tick, Harmony)>]) -> Self {
        let mut sums = [Mean::default(); 7];
        let mut lengths = [0_usize; LENGTHS];
        for (take, chords) in takes.iter().zip(chords) {
            let triads = take.triads(chords);
            let people = take.triads(&take.people);
            let of_line = |triads: &[Option<Choice>]| -> Mean {
                let both = take.line.iter().zip(triads).filter_map(|(l, t)| Some(((*l)?, (*t)?)));
                both.map(|(class, triad)| triad.triad_classes().0 >> class & 1 == 1).collect()
            };
            let in_chord = of_line(&triads);
            if in_chord.1 == 0.0 {
                continue;
            }
            let agreement: Mean =
                people.iter().zip(&triads).filter_map(|(p, t)| Some((*p)? == (*t)?)).collect();
            let bar = |nth: usize| nth as i64 * SIXTEENTH / take.bars.length;
            let in_key: Mean = triads
                .iter()
                .enumerate()
                .filter_map(|(nth, triad)| {
                    let key = take.keys.get(bar(nth) as usize).copied()??;
                    let classes = (*triad)?.triad_classes().0;
                    Some(f64::from((classes & key.0).count_ones()) / 3.0)
                })
                .collect();
            let sevenths: Mean = (0..take.line.len())
                .filter_map(|nth| {
                    let at = take.start.plus(nth as i64 * SIXTEENTH);
                    let chord = Choice::nearest(chord_at(chords, at).0?)?;
                    Some(chord.quality > 1)
                })
                .collect();
            let changes: Vec<usize> = (1..triads.len())
                .filter(|i| triads[i - 1].is_some() && triads[*i] != triads[i - 1])
                .collect();
            let into = |nth: &usize| {
                take.bars.ticks_into_bar(take.start.plus(*nth as i64 * SIXTEENTH)) / SIXTEENTH
            };
            let off_line: Mean = changes.iter().map(|i| into(i) > 1).collect();
            let bars = (take.end.since(take.start) as f64 / take.bars.length as f64).max(1.0);
            let changes = Mean(changes.len() as f64 / bars, 1.0);
            for stretch in triads.chunk_by(|a, b| a == b).filter(|s| s[0].is_some()) {
                lengths[stretch.len().min(LENGTHS) - 1] += 1;
            }
            let by_beat = of_line(&beats(&triads));
            let each = [in_chord, by_beat, agreement, in_key, changes, off_line, sevenths];
            sums.iter_mut().zip(each).for_each(|(sum, mean)| sum.add(mean));
        }
        let [note_in_chord, by_beat, agreement, in_key, changes, off_line, sevenths] =
            sums.map(Mean::value);
        let all: usize = lengths.iter().sum();
        let share = |count: usize| count as f64 / all.max(1) as f64;
        Self {
            pieces: sums[0].1 as usize,
            note_in_chord,
            by_beat,
            agreement,
            in_key,
            changes,
            off_line,
            variety: lengths.iter().filter(|l| **l > 0).map(|l| -share(*l) * share(*l).ln()).sum(),
            long: share(lengths[LENGTHS - 1]),
            sevenths,
        }
    }
}

/// Each beat by the triad that lasts longest in it; of two, the earlier.
fn beats(triads: &[Option<Choice>]) -> Vec<Option<Choice>> {
    let beat = |beat: &[Option<Choice>]| {
        let count = |triad: &Option<Choice>| beat.iter().filter(|t| *t == triad).count();
        let known = || beat.iter().filter(|t| t.is_some());
        let most = known().map(count).max();
        known().find(|t| Some(count(t)) == most).copied().flatten()
    };
    triads.chunks(OF_BEAT).flat_map(|b| std::iter::repeat_n(beat(b), b.len())).collect()
}

/// A sum and what it is of.
#[derive(Clone, Copy, Default)]
struct Mean(f64, f64);

impl Mean {
    fn value(self) -> f64 {
        if self.1 > 0.0 { self.0 / self.1 } else { 0.0 }
    }

    /// Takes the mean of a piece in, where there is one.
    fn add(&mut self, of_piece: Self) {
        if of_piece.1 > 0.0 {
            self.0 += of_piece.value();
            self.1 += 1.0;
        }
    }
}

impl FromIterator<bool> for Mean {
    fn from_iter<I: IntoIterator<Item = bool>>(items: I) -> Self {
        items.into_iter().map(|is| f64::from(u8::from(is))).collect()
    }
}

impl FromIterator<f64> for Mean {
    fn from_iter<I: IntoIterator<Item = f64>>(items: I) -> Self {
        items.into_iter().fold(Self::default(), |mean, x| Self(mean.0 + x, mean.1 + 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;
    use crate::music::pitch::Pitch;

    /// Four bars of the C major triad's notes under C, then F, C, F.
    fn piece() -> Piece {
        let note = |beat: i64| Note {
            onset: Tick(12 * beat),
            pitch: Pitch::new([72, 76, 79, 77][beat as usize % 4]),
            voice: Voice::Player,
            velocity: 70,
            duration: 12,
        };
        let chord = |bar: i64| (Tick(48 * bar), parse(["C", "F"][bar as usize % 2]).unwrap());
        Piece {
            melody: (0..16).map(note).collect(),
            accompaniment: (0..16).map(|b| Note { pitch: Pitch::new(48), ..note(b) }).collect(),
            chords: (0..4).map(chord).collect(),
            ..Piece::default()
        }
    }

    #[test]
    fn people_agree_with_themselves() {
        let take = Take::new(&piece(), Part::Melody).unwrap();
        let figures = Figures::of(std::slice::from_ref(&take), &[take.people().to_vec()]);
        // C E G of four notes lie in C, C and F in F.
        assert!((figures.note_in_chord - 0.625).abs() < 1e-9, "{figures:?}");
        assert!((figures.by_beat - 0.625).abs() < 1e-9 && figures.pieces == 1);
        assert!((figures.agreement - 1.0).abs() < 1e-9 && (figures.in_key - 1.0).abs() < 1e-9);
        assert!((figures.changes - 0.75).abs() < 1e-9 && figures.off_line.abs() < 1e-9);
        assert!(figures.variety.abs() < 1e-9 && figures.long.abs() < 1e-9, "all last a bar");
    }

    #[test]
    fn late_wrong_and_lasting_chords_are_found() {
        let take = Take::new(&piece(), Part::Melody).unwrap();
        let c = parse("C").unwrap();
        let lasting = Figures::of(std::slice::from_ref(&take), &[vec![(Tick(0), c)]]);
        assert!((lasting.agreement - 0.5).abs() < 1e-9 && (lasting.long - 1.0).abs() < 1e-9);
        assert!((lasting.note_in_chord - 0.75).abs() < 1e-9 && lasting.changes.abs() < 1e-9);
        let late: Vec<_> = take.people().iter().map(|(at, chord)| (at.plus(3), *chord)).collect();
        let late = Figures::of(std::slice::from_ref(&take), &[late]);
        assert!(late.agreement < 0.96 && late.off_line.abs() < 1e-9, "{late:?}");
        assert!((late.by_beat - 0.625).abs() < 1e-9, "most of each beat is right");
        let odd = vec![(Tick(0), parse("F#7").unwrap()), (Tick(24), c)];
        let odd = Figures::of(std::slice::from_ref(&take), &[odd]);
        assert!(odd.in_key < 0.95 && (odd.off_line - 1.0).abs() < 1e-9, "{odd:?}");
        assert!((odd.sevenths - 0.125).abs() < 1e-9, "{odd:?}");
        assert_eq!(Figures::of(&[take], &[Vec::new()]), Figures::default());
    }

    #[test]
    fn baselines_are_chords() {
        let take = Take::new(&piece(), Part::Melody).unwrap();
        assert_eq!(take.borrowed(&take), take.people());
        assert!(take.tonic().iter().all(|(_, chord)| chord.is_chord()));
        assert!(Take::new(&Piece { melody: Vec::new(), ..piece() }, Part::Both).is_none());
        let count = |part| Take::new(&piece(), part).unwrap().notes.len();
        assert_eq!([Part::Melody, Part::Both, Part::Accompaniment].map(count), [16, 32, 16]);
    }
}
