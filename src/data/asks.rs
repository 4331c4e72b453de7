//! What the machine was asked for in a piece, read off what it plays there: so that a network learns what each input promises.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::data::mix::below;
use crate::data::roles::Piece;
use crate::music::ask::Ask;
use crate::music::chord::{Chord, Sounding};
use crate::music::harmony::{Harmony, chord_at};
use crate::music::note::{Note, Voice};
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// Of a hundred readings those in which an input is never given, and those in which it always is. In the rest it comes and
/// goes.
const NEVER_PERCENT: u32 = 40;
const ALWAYS_PERCENT: u32 = 40;
/// Bars in which an input that comes and goes stays as it is.
const GIVEN_BARS: usize = 8;
/// Of a hundred readings those that are asked in the mean of so many bars, as a setting that stands still asks, instead of bar
/// by bar.
const STEADY_PERCENT: u32 = 50;
const STEADY_BARS: usize = 4;
/// Of a hundred readings with chords those that are not told the next one.
const NOT_NEXT_PERCENT: u32 = 30;
/// Standard deviations by which what is asked differs from what is played: of the logarithm of the density, and of the others
/// in their own units.
const LOOSENESS: [f32; 4] = [0.15, 0.4, 1.5, 4.0];

/// What is asked for all through a reading.
#[derive(Clone, PartialEq, Debug)]
pub struct Asks {
    start: Tick,
    bar: i64,
    /// Bar by bar; the chords are not in here.
    bars: Vec<Ask>,
    /// In the bars that are marked. Empty: everywhere.
    chords_in: Vec<bool>,
    /// Each until the next.
    chords: Vec<(Tick, Harmony)>,
    tells_next: bool,
}

impl Asks {
    /// What the machine's notes of a reading are like, bar by bar, and the chords around them. `start` is a bar line;
    /// `notes` are in the order of the model.
    pub fn of(piece: &Piece, start: Tick, notes: &[Note], semitones: i32) -> Self {
        let tallies = tallies(start, piece.bars, notes);
        let beats = piece.bars.length as f32 / TICKS_PER_BEAT as f32;
        let bars = tallies.iter().map(|t| t.ask(beats, 1.0, piece.flat)).collect();
        let chords = chords(piece).into_iter();
        let chords = chords.map(|(tick, chord)| (tick, chord.transposed(semitones))).collect();
        let bar = piece.bars.length;
        Self { start, bar, bars, chords_in: Vec::new(), chords, tells_next: true }
    }

    /// The same as a player would ask: some of it, by and by or all the time, and not to the dot.
    #[must_use]
    pub fn loosened(mut self, piece: &Piece, notes: &[Note], rng: &mut ChaCha8Rng) -> Self {
        if below(rng, 100) < STEADY_PERCENT {
            let tallies = tallies(self.start, piece.bars, notes);
            let beats = self.bar as f32 / TICKS_PER_BEAT as f32;
            for (bars, tallies) in
                self.bars.chunks_mut(STEADY_BARS).zip(tallies.chunks(STEADY_BARS))
            {
                bars.fill(Tally::sum(tallies).ask(beats, tallies.len() as f32, piece.flat));
            }
        }
        let count = self.bars.len();
        let given: [Vec<bool>; 5] = std::array::from_fn(|_| given(count, rng));
        for (i, ask) in self.bars.iter_mut().enumerate() {
            let by: [f32; 4] = LOOSENESS.map(|deviation| deviation * normal(rng));
            let told = |value: Option<f32>, of: usize| value.filter(|_| given[of][i]);
            *ask = Ask {
                density: told(ask.density, 0).map(|d| d * by[0].exp()),
                polyphony: told(ask.polyphony, 1).map(|p| p + by[1]),
                centre: told(ask.centre, 2).map(|c| c + by[2]),
                loudness: told(ask.loudness, 3).map(|l| l + by[3]),
                ..Ask::default()
            };
        }
        let [.., chords_in] = given;
        self.chords_in = chords_in;
        self.tells_next = below(rng, 100) >= NOT_NEXT_PERCENT;
        self
    }

    /// What is asked for at a tick.
    pub fn at(&self, tick: Tick) -> Ask {
        let bar = (tick.since(self.start).max(0) / self.bar) as usize;
        let mut ask = self.bars.get(bar).copied().unwrap_or_default();
        if self.chords_in.get(bar).copied().unwrap_or(self.chords_in.is_empty()) {
            (ask.chord, ask.next) = chord_at(&self.chords, tick);
            ask.next = ask.next.filter(|_| self.tells_next);
        }
        ask
    }
}

/// In which bars an input is given.
fn given(bars: usize, rng: &mut ChaCha8Rng) -> Vec<bool> {
    let kind = below(rng, 100);
    let mut given = Vec::with_capacity(bars);
    while given.len() < bars {
        let is = below(rng, 2) == 1;
        let is = kind >= NEVER_PERCENT && (kind < NEVER_PERCENT + ALWAYS_PERCENT || is);
        given.extend(std::iter::repeat_n(is, GIVEN_BARS.min(bars - given.len())));
    }
    given
}

/// A number of standard deviations: the sum of four uniform ones, which never strays far.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 24) as f32 - 0.5).sum();
    sum * 3.0_f32.sqrt()
}

/// The machine's notes of a bar.
#[derive(Clone, Copy, Default)]
struct Tally {
    notes: f32,
    pitches: f32,
    velocities: f32,
    /// The most that sound at once; summed up over several bars.
    peak: f32,
    /// Bars in which any sound.
    sounding: f32,
}

impl Tally {
    fn sum(tallies: &[Self]) -> Self {
        tallies.iter().fold(Self::default(), |a, b| Self {
            notes: a.notes + b.notes,
            pitches: a.pitches + b.pitches,
            velocities: a.velocities + b.velocities,
            peak: a.peak + b.peak,
            sounding: a.sounding + b.sounding,
        })
    }

    fn ask(&self, beats: f32, bars: f32, flat: bool) -> Ask {
        let mean = |sum: f32| (self.notes > 0.0).then(|| sum / self.notes);
        Ask {
            density: Some(self.notes / (beats * bars)),
            polyphony: (self.sounding > 0.0).then(|| self.peak / self.sounding),
            centre: mean(self.pitches),
            loudness: mean(self.velocities).filter(|_| !flat),
            ..Ask::default()
        }
    }
}

/// Bar by bar, to the last onset.
fn tallies(start: Tick, bars: Bars, notes: &[Note]) -> Vec<Tally> {
    let last = notes.last().map_or(start, |n| n.onset);
    let bar = |tick: Tick| (tick.since(start).max(0) / bars.length) as usize;
    let mut tallies = vec![Tally::default(); bar(last) + 1];
    let machine = notes.iter().filter(|n| n.voice == Voice::Machine && n.onset >= start);
    // What sounds at each onset, to find the most of each bar.
    let mut sounding: Vec<Note> = Vec::new();
    for onset in machine.copied().collect::<Vec<_>>().chunk_by(|a, b| a.onset == b.onset) {
        let now = onset[0].onset;
        sounding.retain(|n| n.end() > now);
        sounding.extend(onset);
        let tally = &mut tallies[bar(now)];
        tally.peak = tally.peak.max(sounding.len() as f32);
        tally.sounding = 1.0;
        for note in onset {
            tally.notes += 1.0;
            tally.pitches += f32::from(note.pitch.number());
            tally.velocities += f32::from(note.velocity);
        }
    }
    tallies
}

/// The chords that a piece names, or those that are heard in its half bars where it names none.
pub fn chords(piece: &Piece) -> Vec<(Tick, Harmony)> {
    if !piece.chords.is_empty() {
        return piece.chords.clone();
    }
    let mut notes: Vec<Note> = piece.melody.iter().chain(&piece.accompaniment).copied().collect();
    notes.sort_by_key(|n| n.onset);
    let (start, half) = (piece.start(), (piece.bars.length / 2).max(1));
    let mut chords: Vec<(Tick, Harmony)> = Vec::new();
    let mut sounding: Vec<Note> = Vec::new();
    let mut later = notes.iter().peekable();
    for nth in 0..=piece.last_onset().since(start) / half {
        let (from, to) = (start.plus(nth * half), start.plus((nth + 1) * half));
        sounding.retain(|n| n.end() > from);
        while let Some(note) = later.next_if(|n| n.onset < to) {
            sounding.push(*note);
        }
        let heard: Vec<Sounding> = sounding
            .iter()
            .map(|n| {
                let ticks = n.end().min(to).since(n.onset.max(from));
                Sounding { pitch: n.pitch, share: ticks as f32 / half as f32 }
            })
            .collect();
        // Where nothing fits, the chord before goes on.
        if let Some((chord, _)) = Chord::of(&heard)
            && chords.last().is_none_or(|(_, last)| *last != chord.harmony())
        {
            chords.push((from, chord.harmony()));
        }
    }
    chords
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;
    use crate::data::mix::random;
    use crate::data::roles::Role;
    use crate::music::pitch::Pitch;

    fn note(onset: i64, pitch: u8, duration: i64) -> Note {
        let (onset, pitch) = (Tick(onset), Pitch::new(pitch));
        Note { onset, pitch, voice: Voice::Player, velocity: 64, duration }
    }

    /// A bar of four quarter chords of three notes, an empty bar, and one long low note.
    fn piece() -> Piece {
        let chord = |beat: i64| [60, 64, 67].map(|p| note(beat * 12, p, 12));
        let mut accompaniment: Vec<Note> = (0..4).flat_map(chord).collect();
        accompaniment.push(note(96, 40, 48));
        Piece {
            melody: (0..12).map(|beat| note(beat * 12, 79, 12)).collect(),
            accompaniment,
            chords: vec![(Tick(0), parse("C").unwrap()), (Tick(96), parse("E:min").unwrap())],
            ..Piece::default()
        }
    }

    fn asks(piece: &Piece, semitones: i32) -> (Asks, Vec<Note>) {
        let notes = piece.notes(Role::Accompany, semitones);
        (Asks::of(piece, piece.start(), &notes, semitones), notes)
    }

    #[test]
    fn a_bar_asks_for_what_is_in_it() {
        let (asks, _) = asks(&piece(), 0);
        let first = asks.at(Tick(47));
        assert_eq!((first.density, first.polyphony), (Some(3.0), Some(3.0)));
        assert!((first.centre.unwrap() - 63.667).abs() < 0.01);
        assert_eq!(first.loudness, Some(64.0));
        let empty = asks.at(Tick(48));
        assert_eq!((empty.density, empty.polyphony, empty.centre), (Some(0.0), None, None));
        assert_eq!(asks.at(Tick(100)).density, Some(0.25));
        assert_eq!(asks.at(Tick(1_000)).density, None, "nothing is known beyond the end");
    }

    #[test]
    fn chords_are_told_with_the_next_and_move_with_the_key() {
        let (asks, _) = asks(&piece(), 2);
        let ask = asks.at(Tick(90));
        assert_eq!(ask.chord, parse("D"));
        assert_eq!(ask.next, parse("F#:min").map(|chord| (chord, 6)));
        assert_eq!(asks.at(Tick(96)).next, None);
        assert_eq!(asks.at(Tick(96)).chord, parse("F#:min"));
    }

    #[test]
    fn what_names_no_chords_is_listened_to() {
        let heard = chords(&Piece { chords: Vec::new(), ..piece() });
        assert_eq!(heard[0], (Tick(0), parse("C").unwrap()));
    }

    #[test]
    fn each_input_is_given_in_a_part_of_the_readings_and_near_the_truth() {
        let piece = piece();
        let (asks, notes) = asks(&piece, 0);
        let mut given = [0; 6];
        let mut sum = 0.0;
        for n in 0..2_000 {
            let ask = asks.clone().loosened(&piece, &notes, &mut random(1, n)).at(Tick(10));
            let has = [
                ask.density.is_some(),
                ask.polyphony.is_some(),
                ask.centre.is_some(),
                ask.loudness.is_some(),
                ask.chord.is_some(),
                ask.next.is_some(),
            ];
            given.iter_mut().zip(has).for_each(|(sum, has)| *sum += usize::from(has));
            sum += ask.centre.map_or(0.0, |c| f64::from(c) - 63.667);
        }
        // Twelve notes of the first bar make 1.08 a beat of all three bars.
        assert!(given[..5].iter().all(|n| (900..1_100).contains(n)), "{given:?}");
        assert!((600..800).contains(&given[5]), "{given:?}");
        assert!(sum.abs() / f64::from(given[2] as u32) < 2.0, "{sum}");
    }
}
