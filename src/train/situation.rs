//! A melody bent into what players do: they come in late, rest, double octaves, play unevenly, loop, stop, and start again.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::data::timed::{TimedNote, by_onset};
use crate::data::timed_piece::TimedPiece;
use crate::music::harmony::Harmony;
use crate::music::time::{Beats, Meter, Tempo};

/// The first: nothing is bent. The others are held against it.
pub const PLAIN: &str = "plain";

/// Beats that a transport stands still between stop and start.
const STOPPED_BEATS: f64 = 8.0;
/// Bars played before something happens in mid-song, in pieces that are long enough.
const BARS_BEFORE: usize = 8;
/// Bars of a loop, and how often it is played when it is played again and again.
const LOOP_BARS: usize = 8;
const LOOP_PASSES: usize = 4;
/// Keys of a piano, beyond which nothing is transposed.
const PIANO: std::ops::RangeInclusive<i16> = 21..=108;
/// Onsets nearer than this, in beats, are one.
const TOGETHER: f64 = 0.1;

/// How a mode is called in which the machine plays before it is to accompany.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// The machine alone.
    Solo,
    /// Turns with the player.
    Trade,
}

/// Where in the piece the take is, from one of its beats on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Leg {
    /// The beat of the take.
    pub from: f64,
    /// The beat of the piece that is played there; before 0 there is nothing of it.
    pub piece: f64,
    /// Beats of the piece in a beat of the take.
    pub pace: f64,
}

/// A take: what the player and the host do. Its beats only rise, whatever the host's position does.
#[derive(Clone, PartialEq, Debug)]
pub struct Situation {
    /// How it is called.
    pub name: &'static str,
    /// What the player plays, by onset, in beats of the take.
    pub notes: Vec<TimedNote>,
    /// It is measured from here on, a bar line, to the player's last onset.
    pub begin: f64,
    /// The way through the piece.
    pub legs: Vec<Leg>,
    /// Where the host's position lies so many beats behind the take's, from a beat on, or its transport stands (`None`).
    pub host: Vec<(f64, Option<f64>)>,
    /// One time signature for all, where it is not the piece's.
    pub meter: Option<Meter>,
    /// One tempo for all, where it is not the piece's.
    pub tempo: Option<Tempo>,
    /// Another mode up to a beat.
    pub before: Option<(Before, f64)>,
}

impl Situation {
    fn new(name: &'static str, notes: Vec<TimedNote>) -> Self {
        Self {
            name,
            notes,
            begin: 0.0,
            legs: vec![Leg { from: 0.0, piece: 0.0, pace: 1.0 }],
            host: Vec::new(),
            meter: None,
            tempo: None,
            before: None,
        }
    }

    /// The player enters so many beats late, and is measured from the bar line before.
    fn late(name: &'static str, piece: &TimedPiece, beats: f64) -> Self {
        Self {
            begin: (beats / piece.bar).floor() * piece.bar,
            legs: vec![Leg { from: 0.0, piece: -beats, pace: 1.0 }],
            ..Self::new(name, shifted(&piece.melody, beats))
        }
    }

    /// The player's last onset, up to which is measured.
    pub fn end(&self) -> f64 {
        self.notes.iter().map(|n| n.from).fold(0.0, f64::max)
    }

    /// The chord of the piece at a beat of the take.
    pub fn chord(&self, piece: &TimedPiece, at: f64) -> Option<Harmony> {
        piece.chord_at(self.place(at)?)
    }

    /// Quarter notes in a bar.
    pub fn bar(&self, piece: &TimedPiece) -> f64 {
        self.meter
            .map_or(piece.bar, |m| 4.0 * f64::from(m.numerator) / f64::from(m.denominator.max(1)))
    }

    /// The tempo map of the take: the piece's own, along the way.
    pub fn tempos(&self, piece: &TimedPiece) -> Vec<(Beats, Tempo)> {
        if let Some(tempo) = self.tempo {
            return vec![(Beats(0.0), tempo)];
        }
        let mut tempos = Vec::new();
        for (i, leg) in self.legs.iter().enumerate() {
            let until = self.legs.get(i + 1).map_or(f64::INFINITY, |next| next.from);
            let at = |tempo: Tempo| Tempo::new(tempo.beats_per_minute() / leg.pace);
            tempos.push((Beats(leg.from), at(piece.tempo_at(leg.piece))));
            for (place, tempo) in &piece.tempos {
                let beat = leg.from + (place - leg.piece) / leg.pace;
                if *place > leg.piece && beat < until {
                    tempos.push((Beats(beat), at(*tempo)));
                }
            }
        }
        tempos
    }

    /// The beat of the piece that is played at a beat of the take.
    fn place(&self, at: f64) -> Option<f64> {
        let next = self.legs.partition_point(|leg| leg.from <= at + 1e-9);
        let leg = self.legs.get(next.checked_sub(1)?)?;
        Some(leg.piece + (at - leg.from) * leg.pace)
    }
}

/// All situations of a piece that begins at its first bar line. The same seed bends alike.
pub fn situations(piece: &TimedPiece, seed: u64) -> Vec<Situation> {
    let mut all = vec![Situation::new(PLAIN, piece.melody.clone())];
    all.extend(entries(piece));
    all.extend(touches(piece, seed));
    all.extend(hosts(piece));
    all.extend(players(piece));
    all.extend(meters(piece));
    all.extend(modes(piece));
    all.retain(|s| !s.notes.is_empty());
    for situation in &mut all {
        by_onset(&mut situation.notes);
    }
    all
}

/// Bars after which something happens: eight, or half of a short piece.
fn bars_before(piece: &TimedPiece, most: usize) -> f64 {
    let last = piece.melody.last().map_or(0.0, |n| n.from);
    let bars = (last / piece.bar) as usize + 1;
    most.min(bars / 2).max(1) as f64 * piece.bar
}

/// The player comes in, and in again.
fn entries(piece: &TimedPiece) -> Vec<Situation> {
    let bar = piece.bar;
    let mut all: Vec<Situation> = [
        ("enters after 1 bar", 1.0),
        ("enters after 2 bars", 2.0),
        ("enters after 4 bars", 4.0),
        ("enters after 8 bars", 8.0),
        ("enters after 16 bars", 16.0),
    ]
    .map(|(name, bars)| Situation::late(name, piece, bars * bar))
    .into();
    all.push(Situation::late("enters 2 beats into bar 3", piece, 2.0 * bar + 2.0));
    let at = bars_before(piece, BARS_BEFORE);
    for (name, bars) in [("rests 4 bars in mid-song", 4.0), ("rests 16 bars in mid-song", 16.0)] {
        let rest = bars * bar;
        let later = |n: &TimedNote| n.later(if n.from < at { 0.0 } else { rest });
        all.push(Situation {
            begin: at + rest,
            legs: vec![
                Leg { from: 0.0, piece: 0.0, pace: 1.0 },
                Leg { from: at + rest, piece: at, pace: 1.0 },
            ],
            ..Situation::new(name, piece.melody.iter().map(later).collect())
        });
    }
    all
}

/// The same melody in another register, time feel, tempo, length, or at other velocities, or thinned out.
fn touches(piece: &TimedPiece, seed: u64) -> Vec<Situation> {
    let melody = &piece.melody;
    let each = |change: &dyn Fn(&TimedNote) -> TimedNote| melody.iter().map(change).collect();
    let tempo = |beats_per_minute| Some(Tempo::new(beats_per_minute));
    let of_each = |length: f64| thinned(melody, length);
    vec![
        Situation::new("an octave lower", transposed(melody, -12)),
        Situation::new("two octaves lower", transposed(melody, -24)),
        Situation::new("an octave higher", transposed(melody, 12)),
        Situation::new("jitter 30 ms", uneven(piece, 0.0, 30.0, seed)),
        Situation::new("20 ms late, jitter 15 ms", uneven(piece, 20.0, 15.0, seed)),
        Situation::new(
            "swung",
            each(&|n| TimedNote { from: swung(n.from), to: swung(n.to), ..*n }),
        ),
        Situation { tempo: tempo(60.0), ..Situation::new("60 BPM", melody.clone()) },
        Situation { tempo: tempo(220.0), ..Situation::new("220 BPM", melody.clone()) },
        Situation::new("staccato", each(&|n| TimedNote { to: n.to.min(n.from + 0.12), ..*n })),
        Situation::new("legato overlaps", each(&|n| TimedNote { to: n.to + 0.3, ..*n })),
        Situation::new("all velocities 100", each(&|n| TimedNote { velocity: 100, ..*n })),
        Situation::new("very soft", each(&|n| TimedNote { velocity: 18, ..*n })),
        Situation::new("only first of each beat", of_each(1.0)),
        Situation::new("only first of each bar", of_each(piece.bar)),
    ]
}

/// What hosts do: they count in, jump, stop and start.
fn hosts(piece: &TimedPiece) -> Vec<Situation> {
    let bar = piece.bar;
    let at = bars_before(piece, 2 * LOOP_BARS);
    let back = bars_before(piece, LOOP_BARS).min(at);
    let once = [(0.0, 0.0), (at, at - back)];
    let passes: Vec<(f64, f64)> = std::iter::once((0.0, 0.0))
        .chain((0..LOOP_PASSES).map(|pass| (at + pass as f64 * back, at - back)))
        .collect();
    let looped = |name, way: &[(f64, f64)]| {
        let host = way[1..].iter().map(|(from, place)| (*from, Some(from - place))).collect();
        Situation { begin: at, host, ..along(name, piece, way) }
    };
    let again = at + STOPPED_BEATS;
    let restarted = |name, place: f64| Situation {
        begin: again,
        host: vec![(at, None), (again, Some(again - place))],
        ..along(name, piece, &[(0.0, 0.0), (at, f64::INFINITY), (again, place)])
    };
    vec![
        Situation {
            host: vec![(0.0, Some(bar))],
            ..Situation::late("count-in of a bar, rolling", piece, bar)
        },
        Situation {
            host: vec![(0.0, None), (bar, Some(bar))],
            ..Situation::late("count-in of a bar, by the metronome", piece, bar)
        },
        looped("loop jumps back once", &once),
        looped("loop jumps back four times", &passes),
        restarted("stops, starts at the same place", at),
        restarted("stops, starts at bar 1", 0.0),
    ]
}

/// Other players than one with a melody.
fn players(piece: &TimedPiece) -> Vec<Situation> {
    let melody = &piece.melody;
    // The melody note that was struck last, or is struck first.
    let over = |at: f64| {
        let struck = melody.partition_point(|n| n.from <= at + TOGETHER);
        melody.get(struck.saturating_sub(1)).map_or(0, |n| n.key)
    };
    let left = piece.accompaniment.iter().filter(|n| n.key < over(n.from));
    let both = melody.iter().chain(left).copied().collect();
    let near = |a: &TimedNote, b: &TimedNote| b.from - a.from < TOGETHER;
    let lowest = |chord: &[TimedNote]| chord.iter().min_by_key(|n| n.key).copied();
    let bass = piece.accompaniment.chunk_by(near).filter_map(lowest).collect();
    let octaves = [&melody[..], &transposed(melody, -12)].concat();
    vec![
        Situation::new("octaves doubled", octaves),
        Situation::new("two hands", both),
        Situation::new("chords only", piece.accompaniment.clone()),
        Situation::new("bass line only", bass),
    ]
}

/// A piece in 4/4 in three, and as a jig.
fn meters(piece: &TimedPiece) -> Vec<Situation> {
    let is_four = piece.meters.first().is_none_or(|m| m.1 == Meter::default());
    if !is_four || (piece.bar - 4.0).abs() > 1e-9 {
        return Vec::new();
    }
    let bars = (piece.melody.last().map_or(0.0, |n| n.from) / 4.0) as usize + 1;
    let three = |x: f64| (x / 4.0).floor() * 3.0 + x.rem_euclid(4.0).min(3.0);
    let kept = piece.melody.iter().filter(|n| n.from.rem_euclid(4.0) < 3.0);
    let waltz = kept.map(|n| TimedNote { from: three(n.from), to: three(n.to), ..*n });
    let bar = |bar: usize| Leg { from: 3.0 * bar as f64, piece: 4.0 * bar as f64, pace: 1.0 };
    let jig = |x: f64| 1.5 * swung(x);
    let danced = piece.melody.iter().map(|n| TimedNote { from: jig(n.from), to: jig(n.to), ..*n });
    let meter = |numerator, denominator| Some(Meter { numerator, denominator });
    vec![
        Situation {
            meter: meter(3, 4),
            legs: (0..bars).map(bar).collect(),
            ..Situation::new("in 3/4, the fourth beat left out", waltz.collect())
        },
        Situation {
            meter: meter(6, 8),
            legs: vec![Leg { from: 0.0, piece: 0.0, pace: 1.0 / 1.5 }],
            ..Situation::new("in 6/8, a beat as three eighths", danced.collect())
        },
    ]
}

/// The machine did something else before.
fn modes(piece: &TimedPiece) -> Vec<Situation> {
    let at = bars_before(piece, BARS_BEFORE);
    vec![
        Situation {
            before: Some((Before::Solo, at)),
            ..Situation::late("accompanies after a solo", piece, at)
        },
        Situation {
            begin: at,
            before: Some((Before::Trade, at)),
            ..Situation::new("accompanies after trades", piece.melody.clone())
        },
    ]
}

/// The melody along a way of (beat of the take, place in the piece), each stretch in the piece's own order; where the place is
/// infinite nothing is played. What sounds at the end of a stretch ends there.
fn along(name: &'static str, piece: &TimedPiece, way: &[(f64, f64)]) -> Situation {
    let mut notes = Vec::new();
    let mut legs = Vec::new();
    for (i, (from, place)) in way.iter().copied().enumerate().filter(|(_, leg)| leg.1.is_finite()) {
        let until = way.get(i + 1).map_or(f64::INFINITY, |next| next.0);
        let there = piece.melody.iter().filter(|n| n.from >= place);
        let laid = there.map(|n| n.later(from - place)).take_while(|n| n.from < until);
        notes.extend(laid.map(|n| TimedNote { to: n.to.min(until), ..n }));
        legs.push(Leg { from, piece: place, pace: 1.0 });
    }
    Situation { legs, ..Situation::new(name, notes) }
}

fn shifted(notes: &[TimedNote], beats: f64) -> Vec<TimedNote> {
    notes.iter().map(|n| n.later(beats)).collect()
}

/// Moved by semitones; what leaves the piano is left out.
pub fn transposed(notes: &[TimedNote], semitones: i16) -> Vec<TimedNote> {
    let moved = notes.iter().filter_map(|n| {
        let key = i16::from(n.key) + semitones;
        PIANO.contains(&key).then_some(TimedNote { key: key as u8, ..*n })
    });
    moved.collect()
}

/// Later by so many milliseconds, and each onset and end by lot up to so many earlier or later.
fn uneven(piece: &TimedPiece, late: f64, jitter: f64, seed: u64) -> Vec<TimedNote> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut lot = || f64::from(random.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let mut bent = |n: &TimedNote| {
        let beats = piece.tempo_at(n.from).beats_per_minute() / 60_000.0;
        let from = (n.from + (late + jitter * lot()) * beats).max(0.0);
        let to = n.to + (late + jitter * lot()) * beats;
        TimedNote { from, to: to.max(from), ..*n }
    };
    piece.melody.iter().map(&mut bent).collect()
}

/// A place with its off-beat at two thirds of the beat.
fn swung(beats: f64) -> f64 {
    let within = beats.rem_euclid(1.0);
    let moved = if within < 0.5 { within * 4.0 / 3.0 } else { (1.0 + 2.0 * within) / 3.0 };
    beats.floor() + moved
}

/// The first note of each stretch of so many beats.
fn thinned(notes: &[TimedNote], length: f64) -> Vec<TimedNote> {
    let nth = |n: &TimedNote| (n.from / length).floor() as i64;
    let stretches = notes.chunk_by(|a, b| nth(a) == nth(b));
    stretches.filter_map(|stretch| stretch.first().copied()).collect()
}

#[cfg(test)]
mod tests;
