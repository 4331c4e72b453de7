//! A piece as its file has it: the same two parts as on the grid, at their own times, with tempo map and time signatures.

use crate::data::midi_file::{FileNote, MidiFile};
use crate::data::roles::Piece;
use crate::data::timed::{TimedNote, by_onset};
use crate::data::{parts, phrases};
use crate::music::harmony::Harmony;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Meter, TICKS_PER_BEAT, Tempo, Tick};

/// How far behind its written place a chord symbol may be looked for, in quarter notes: players are early, too.
const CHORD_SLACK: f64 = 0.05;

/// A piece in its own time. All places are quarter notes from its first bar line.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TimedPiece {
    /// What to call it in reports.
    pub name: String,
    /// The melody, by onset.
    pub melody: Vec<TimedNote>,
    /// What accompanies it, by onset.
    pub accompaniment: Vec<TimedNote>,
    /// The chords that are named, each until the next.
    pub chords: Vec<(f64, Harmony)>,
    /// The tempo map by place; may be empty.
    pub tempos: Vec<(f64, Tempo)>,
    /// The time signatures by place; may be empty.
    pub meters: Vec<(f64, Meter)>,
    /// Quarter notes in a bar of the first time signature.
    pub bar: f64,
}

impl TimedPiece {
    /// A piece and the file that it was read from.
    pub fn of_file(piece: &Piece, file: &MidiFile) -> Self {
        let parted = &*parts::by_channel(file);
        let line = parts::melody(parted);
        let others = line.map_or_else(Vec::new, |line| parts::accompaniment(parted, line));
        let of = |tracks: &[usize]| -> Vec<FileNote> {
            tracks.iter().flat_map(|i| parts::pitched(&parted.tracks[*i])).copied().collect()
        };
        let line: Vec<usize> = line.into_iter().collect();
        let (melody, accompaniment) =
            if others.is_empty() { by_top_line(&of(&line)) } else { (of(&line), of(&others)) };
        let timed = |notes: &[FileNote]| {
            let mut notes: Vec<_> = notes.iter().map(|n| TimedNote::of(n, file)).collect();
            by_onset(&mut notes);
            notes
        };
        let tempo = |micros: u32| Tempo::new(60e6 / f64::from(micros.max(1)));
        let tempos = file.tempos.iter();
        let meters = file.meters.iter();
        Self {
            melody: timed(&melody),
            accompaniment: timed(&accompaniment),
            tempos: tempos.map(|t| (file.beats(t.tick).0, tempo(t.micros_per_quarter))).collect(),
            meters: meters.map(|m| (file.beats(m.tick).0, m.meter)).collect(),
            ..Self::of_grid(piece)
        }
    }

    /// A piece that has no times but those of the grid.
    pub fn of_grid(piece: &Piece) -> Self {
        let beats = |tick: Tick| tick.since(piece.bars.origin) as f64 / TICKS_PER_BEAT as f64;
        let note = |n: &Note| TimedNote {
            from: beats(n.onset),
            to: beats(n.end()),
            key: n.pitch.number(),
            velocity: n.velocity,
        };
        Self {
            name: piece.name.clone(),
            melody: piece.melody.iter().map(note).collect(),
            accompaniment: piece.accompaniment.iter().map(note).collect(),
            chords: piece.chords.iter().map(|(tick, chord)| (beats(*tick), *chord)).collect(),
            tempos: Vec::new(),
            meters: Vec::new(),
            bar: piece.bars.length as f64 / TICKS_PER_BEAT as f64,
        }
    }

    /// Up to `bars` bars from the one in which the melody begins, which becomes the first; `None` without a melody.
    #[must_use]
    pub fn from_first_bar(&self, bars: usize) -> Option<Self> {
        let first = (self.melody.first()?.from / self.bar).floor() * self.bar;
        let end = first + self.bar * bars as f64;
        let cut = |notes: &[TimedNote]| -> Vec<TimedNote> {
            let notes = notes.iter().filter(|n| n.from >= first && n.from < end);
            notes.map(|n| TimedNote { to: n.to.min(end), ..*n }.later(-first)).collect()
        };
        Some(Self {
            name: self.name.clone(),
            melody: cut(&self.melody),
            accompaniment: cut(&self.accompaniment),
            chords: self.chords.iter().map(|(at, chord)| (at - first, *chord)).collect(),
            tempos: from(&self.tempos, first),
            meters: from(&self.meters, first),
            bar: self.bar,
        })
    }

    /// The chord that is named at a place.
    pub fn chord_at(&self, beats: f64) -> Option<Harmony> {
        let next = self.chords.partition_point(|c| c.0 <= beats + CHORD_SLACK);
        let (_, chord) = *self.chords.get(next.checked_sub(1)?)?;
        chord.is_chord().then_some(chord)
    }

    /// The tempo at a place.
    pub fn tempo_at(&self, beats: f64) -> Tempo {
        let next = self.tempos.partition_point(|t| t.0 <= beats);
        let tempo = self.tempos.get(next.saturating_sub(1));
        tempo.map_or(Tempo::default(), |t| t.1)
    }

    /// Where the last note of both parts ends.
    pub fn end(&self) -> f64 {
        self.melody.iter().chain(&self.accompaniment).map(|n| n.to).fold(0.0, f64::max)
    }
}

/// What counts from a place on, with that place as 0: what was in force there is so from the beginning.
fn from<T: Copy>(changes: &[(f64, T)], first: f64) -> Vec<(f64, T)> {
    let before = changes.partition_point(|c| c.0 <= first).saturating_sub(1);
    changes[before.min(changes.len())..]
        .iter()
        .map(|(at, what)| ((at - first).max(0.0), *what))
        .collect()
}

/// The top line of a lone track, and the rest, in the file's own time.
fn by_top_line(notes: &[FileNote]) -> (Vec<FileNote>, Vec<FileNote>) {
    let note = |n: &FileNote| Note {
        onset: Tick(i64::try_from(n.onset).unwrap_or(i64::MAX)),
        pitch: Pitch::new(n.key),
        voice: Voice::Player,
        velocity: n.velocity,
        duration: i64::try_from(n.duration).unwrap_or(i64::MAX),
    };
    let mut all: Vec<Note> = notes.iter().map(note).collect();
    into_order(&mut all);
    let top = phrases::top_line(&all);
    let of = |is_top: bool| -> Vec<FileNote> {
        let these = all.iter().zip(&top).filter(move |(_, top)| **top == is_top);
        these
            .map(|(n, _)| FileNote {
                onset: n.onset.0 as u64,
                duration: n.duration as u64,
                key: n.pitch.number(),
                velocity: n.velocity,
                channel: 0,
            })
            .collect()
    };
    (of(true), of(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;
    use crate::data::midi_file::{MeterChange, TempoChange, Track};

    fn track(name: &str, notes: &[(u64, u64, u8)]) -> Track {
        let note = |n: &(u64, u64, u8)| FileNote {
            onset: n.0,
            duration: n.1,
            key: n.2,
            velocity: 70,
            channel: 0,
        };
        Track {
            name: name.to_owned(),
            programs: Vec::new(),
            notes: notes.iter().map(note).collect(),
        }
    }

    fn file(tracks: Vec<Track>) -> MidiFile {
        let waltz = Meter { numerator: 3, denominator: 4 };
        MidiFile {
            ticks_per_quarter: 100,
            tracks,
            tempos: vec![
                TempoChange { tick: 0, micros_per_quarter: 500_000 },
                TempoChange { tick: 250, micros_per_quarter: 1_000_000 },
                TempoChange { tick: 700, micros_per_quarter: 250_000 },
            ],
            meters: vec![MeterChange { tick: 0, meter: waltz }],
            markers: Vec::new(),
        }
    }

    fn timed(file: &MidiFile) -> TimedPiece {
        let mut piece = Piece::new("a".to_owned(), [0; 32], file).unwrap();
        piece.chords = vec![(Tick(0), parse("C:maj").unwrap()), (Tick(48), Harmony::NONE)];
        TimedPiece::of_file(&piece, file)
    }

    #[test]
    fn onsets_stay_where_the_file_has_them() {
        let melody = [(403, 50, 72), (551, 60, 74), (1_000, 10, 76)];
        let file =
            file(vec![track("MELODY", &melody), track("PIANO", &[(0, 90, 48), (411, 300, 50)])]);
        let piece = timed(&file);
        assert!((piece.bar - 3.0).abs() < 1e-9);
        let places: Vec<f64> = piece.melody.iter().map(|n| n.from).collect();
        assert_eq!(places, [4.03, 5.51, 10.0]);
        // The second bar is the first with melody; what sounds at its end is cut there.
        let cut = piece.from_first_bar(1).unwrap();
        let notes = |notes: &[TimedNote]| -> Vec<(i64, i64)> {
            let hundredths = |x: f64| (x * 100.0).round() as i64;
            notes.iter().map(|n| (hundredths(n.from), hundredths(n.to))).collect()
        };
        assert_eq!(notes(&cut.melody), [(103, 153), (251, 300)]);
        assert_eq!(notes(&cut.accompaniment), [(111, 300)]);
        let tempos: Vec<_> = cut.tempos.iter().map(|(at, t)| (*at, t.beats_per_minute())).collect();
        assert_eq!(tempos, [(0.0, 60.0), (4.0, 240.0)]);
        assert!((cut.tempo_at(3.9).beats_per_minute() - 60.0).abs() < 1e-9);
        assert_eq!(cut.chord_at(0.9), parse("C:maj"));
        assert_eq!(cut.chord_at(0.96), None, "the next symbol is nearly there, and names none");
    }

    #[test]
    fn a_lone_piano_is_parted_at_its_own_times() {
        let piano = [(3, 50, 48), (3, 50, 72), (107, 50, 50), (110, 40, 74)];
        let piece = timed(&file(vec![track("", &piano)]));
        let keys = |notes: &[TimedNote]| notes.iter().map(|n| n.key).collect::<Vec<_>>();
        assert_eq!(keys(&piece.melody), [72, 50, 74]);
        assert_eq!(keys(&piece.accompaniment), [48]);
        assert!((piece.melody[2].from - 1.1).abs() < 1e-9);
    }
}
