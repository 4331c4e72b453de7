//! A player as he is: what is heard of him in training is late, uneven, doubled, thinned out, interrupted. What is to be answered
//! stays as it was written.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use crate::data::asks::chords;
use crate::data::mix::below;
use crate::data::roles::{Piece, Role};
use crate::music::harmony::{Harmony, chord_at};
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// Of a hundred readings those in which the player does as it is written.
const WRITTEN_PERCENT: u32 = 35;
/// Of a hundred of the others those in which he does each of these.
const UNEVEN_PERCENT: u32 = 60;
const ELSEWHERE_PERCENT: u32 = 20;
const DOUBLED_PERCENT: u32 = 14;
const THINNED_PERCENT: u32 = 22;
const FLAT_PERCENT: u32 = 22;
const LOUDER_PERCENT: u32 = 30;
const RESTING_PERCENT: u32 = 14;
const TWO_HANDED_PERCENT: u32 = 16;

/// The latest that a player is all the time, and how far he strays from that, in hundredths of a tick: 40 and 25 ms at 120 BPM.
const LATE: u32 = 100;
const UNEVEN: u32 = 60;
/// The longest rest in bars.
const REST_BARS: u32 = 16;
/// Where the left hand of a two-handed player lies: from C3 on.
const LEFT_HAND: u8 = 48;

/// Of a hundred excerpts under a player in his manner those in which the machine waits for him: nothing is heard before he comes
/// in, somewhere in the first bar.
const WAITS_PERCENT: u32 = 60;

/// What a player leaves out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Thinned {
    /// All but the first note of each beat.
    ToBeats,
    /// All but the first note of each bar.
    ToBars,
    /// Each note by lot, so many of a hundred.
    ByLot(u32),
}

/// What a left hand adds, at each chord and each bar line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LeftHand {
    Bass,
    Chord,
}

/// How a player plays what is written.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Manner {
    /// Hundredths of a tick: steady, and at most for each note apart.
    late: u32,
    uneven: u32,
    /// Semitones: all notes are elsewhere; and a copy of each note.
    elsewhere: i32,
    doubled: i32,
    thinned: Option<Thinned>,
    velocity: Option<u8>,
    louder: i32,
    rest: Option<Range<Tick>>,
    left_hand: Option<LeftHand>,
}

impl Manner {
    /// Draws lots. `span` is the music's, bar line to bar line; `accompanied`: the player has the line and the machine all else,
    /// so that he may rest, or accompany himself.
    pub fn draw(span: &Range<Tick>, bars: Bars, accompanied: bool, rng: &mut ChaCha8Rng) -> Self {
        let mut manner = Self::default();
        if below(rng, 100) < WRITTEN_PERCENT {
            return manner;
        }
        if below(rng, 100) < UNEVEN_PERCENT {
            (manner.late, manner.uneven) = (below(rng, LATE + 1), below(rng, UNEVEN + 1));
        }
        if below(rng, 100) < ELSEWHERE_PERCENT {
            manner.elsewhere = [-24, -12, -12, 12][below(rng, 4) as usize];
        }
        if below(rng, 100) < DOUBLED_PERCENT {
            manner.doubled = [-12, -12, 12][below(rng, 3) as usize];
        }
        if below(rng, 100) < THINNED_PERCENT {
            manner.thinned = Some(match below(rng, 4) {
                0 => Thinned::ToBeats,
                1 => Thinned::ToBars,
                _ => Thinned::ByLot(10 + below(rng, 50)),
            });
        }
        if below(rng, 100) < FLAT_PERCENT {
            manner.velocity = Some(20 + below(rng, 100) as u8);
        } else if below(rng, 100) < LOUDER_PERCENT {
            manner.louder = below(rng, 61) as i32 - 30;
        }
        if accompanied && below(rng, 100) < RESTING_PERCENT {
            let all = (span.end.since(span.start) / bars.length).clamp(1, 1 << 20) as u32;
            let from = span.start.plus(i64::from(below(rng, all)) * bars.length);
            let to = from.plus(i64::from(1 + below(rng, REST_BARS)) * bars.length);
            manner.rest = Some(from..to);
        }
        if accompanied && below(rng, 100) < TWO_HANDED_PERCENT {
            manner.left_hand = Some([LeftHand::Bass, LeftHand::Chord][below(rng, 2) as usize]);
        }
        manner
    }

    /// The same, neither late nor uneven: where others join each note.
    #[must_use]
    pub fn in_time(self) -> Self {
        Self { late: 0, uneven: 0, ..self }
    }

    /// Plays the player's notes among `notes`, which are in the order of the model and are so again, in this manner.
    pub fn play(
        &self,
        notes: &mut Vec<Note>,
        chords: &[(Tick, Harmony)],
        start: Tick,
        bars: Bars,
        rng: &mut ChaCha8Rng,
    ) {
        if *self == Self::default() {
            return;
        }
        let is_players = |n: &Note| n.voice == Voice::Player;
        let mut played: Vec<Note> = notes.iter().filter(|n| is_players(n)).copied().collect();
        notes.retain(|n| !is_players(n));
        if let Some(thinned) = self.thinned {
            thin(&mut played, thinned, bars, rng);
        }
        if let Some(hand) = self.left_hand {
            let low = played.iter().map(|n| n.pitch).min();
            played.extend(left_hand(hand, &played, chords, bars, low));
        }
        if let Some(rest) = &self.rest {
            played.retain(|n| !rest.contains(&n.onset));
        }
        if self.doubled != 0 {
            let octaves: Vec<Note> = moved(&played, self.doubled).collect();
            played.extend(octaves);
        }
        if self.elsewhere != 0 {
            played = moved(&played, self.elsewhere).collect();
        }
        for note in &mut played {
            let by = self.late as i32 + within(rng, self.uneven);
            note.onset = note.onset.plus(i64::from((by + 50).div_euclid(100))).max(start);
            let velocity = i32::from(self.velocity.unwrap_or(note.velocity)) + self.louder;
            note.velocity = velocity.clamp(1, 127) as u8;
        }
        notes.append(&mut played);
        into_order(notes);
    }
}

/// Plays the player's part of a reading from `start` on in the manner of players, in this role and moved by semitones.
pub(crate) fn play_as_players(
    piece: &Piece,
    notes: &mut Vec<Note>,
    start: Tick,
    (role, semitones): (Role, i32),
    is_excerpt: bool,
    rng: &mut ChaCha8Rng,
) {
    // Where the player comes in, in mid-bar now and then; the machine does not play before him.
    let is_accompanied = role == Role::Accompany;
    let waits = is_excerpt && is_accompanied && below(rng, 100) < WAITS_PERCENT;
    let delay = i64::from(below(rng, piece.bars.length.min(1 << 20) as u32));
    if waits {
        notes.retain(|n| n.voice == Voice::Machine || n.onset >= start.plus(delay));
        let is_players = |n: &&Note| n.voice == Voice::Player;
        let entry = notes.iter().find(is_players).map_or(start, |n| n.onset);
        notes.retain(|n| n.onset >= entry);
    }
    let span = start..piece.last_onset().plus(1);
    let manner = Manner::draw(&span, piece.bars, is_accompanied, rng);
    let manner = if role == Role::Harmonise { manner.in_time() } else { manner };
    let moved = |(tick, chord): (Tick, Harmony)| (tick, chord.transposed(semitones));
    let chords: Vec<_> = chords(piece).into_iter().map(moved).collect();
    manner.play(notes, &chords, start, piece.bars, rng);
}

/// A whole number from `-most` to `most`.
fn within(rng: &mut ChaCha8Rng, most: u32) -> i32 {
    below(rng, 2 * most + 1) as i32 - most as i32
}

fn moved(notes: &[Note], semitones: i32) -> impl Iterator<Item = Note> + '_ {
    let on_piano = |p: &Pitch| (Pitch::PIANO_LOW..=Pitch::PIANO_HIGH).contains(p);
    notes.iter().filter_map(move |n| {
        let pitch = n.pitch.transposed(semitones).filter(on_piano)?;
        Some(Note { pitch, ..*n })
    })
}

fn thin(notes: &mut Vec<Note>, thinned: Thinned, bars: Bars, rng: &mut ChaCha8Rng) {
    let mut last = None;
    let mut is_first = |tick: Tick, span: i64| {
        let place = tick.since(bars.origin).div_euclid(span);
        let at = Some((place, tick));
        // What begins together stays together.
        let is_first = last.is_none_or(|(p, _)| p != place) || last == at;
        if is_first {
            last = at;
        }
        is_first
    };
    notes.retain(|n| match thinned {
        Thinned::ToBeats => is_first(n.onset, TICKS_PER_BEAT),
        Thinned::ToBars => is_first(n.onset, bars.length),
        Thinned::ByLot(percent) => below(rng, 100) >= percent,
    });
}

/// The notes of a left hand under what is played, from its first note to its last, at chord changes and bar lines.
fn left_hand(
    hand: LeftHand,
    played: &[Note],
    chords: &[(Tick, Harmony)],
    bars: Bars,
    lowest: Option<Pitch>,
) -> Vec<Note> {
    let (Some(first), Some(last)) = (played.first(), played.last()) else { return Vec::new() };
    let mut strikes: Vec<Tick> = chords.iter().map(|c| c.0).collect();
    let line = first.onset.plus(bars.length - bars.ticks_into_bar(first.onset));
    strikes.extend((0..=last.onset.since(line) / bars.length).map(|n| line.plus(n * bars.length)));
    strikes.retain(|t| (first.onset..=last.onset).contains(t));
    strikes.sort_unstable();
    strikes.dedup();
    let mut notes = Vec::new();
    for (i, strike) in strikes.iter().enumerate() {
        let Some(chord) = chord_at(chords, *strike).0.filter(|c| c.is_chord()) else { continue };
        let until = strikes.get(i + 1).map_or(bars.length, |next| next.since(*strike)).max(1);
        let from = LEFT_HAND - if hand == LeftHand::Bass { 12 } else { 0 };
        let keys = (from..from + 12).map(Pitch::new).filter(|p| match hand {
            LeftHand::Bass => p.class() == chord.bass,
            LeftHand::Chord => chord.holds(*p),
        });
        let keys = keys.filter(|p| lowest.is_none_or(|l| *p < l)).take(4);
        notes.extend(keys.map(|pitch| Note {
            onset: *strike,
            pitch,
            voice: Voice::Player,
            velocity: first.velocity,
            duration: until,
        }));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::chord::parse;
    use crate::data::mix::random;

    fn note(onset: i64, pitch: u8, voice: Voice) -> Note {
        let (onset, pitch) = (Tick(onset), Pitch::new(pitch));
        Note { onset, pitch, voice, velocity: 70, duration: 6 }
    }

    /// Quavers of the player over a crotchet bass of the machine, four bars.
    fn notes() -> Vec<Note> {
        let mut notes: Vec<Note> = (0..32).map(|i| note(i * 6, 72, Voice::Player)).collect();
        notes.extend((0..16).map(|i| note(i * 12, 40, Voice::Machine)));
        into_order(&mut notes);
        notes
    }

    fn played(manner: &Manner) -> (Vec<Note>, Vec<Note>) {
        let mut all = notes();
        let chords = [(Tick(0), parse("C").unwrap()), (Tick(72), parse("F").unwrap())];
        manner.play(&mut all, &chords, Tick(0), Bars::default(), &mut random(1, 1));
        assert!(all.is_sorted_by_key(Note::order));
        all.into_iter().partition(|n| n.voice == Voice::Player)
    }

    #[test]
    fn what_is_to_be_answered_is_never_bent() {
        let span = Tick(0)..Tick(192);
        let machine: Vec<Note> = notes().into_iter().filter(|n| n.pitch.number() == 40).collect();
        let (mut kinds, mut written) = (std::collections::BTreeSet::new(), 0);
        for n in 0..500 {
            let rng = &mut random(2, n);
            let manner = Manner::draw(&span, Bars::default(), n % 2 == 0, rng);
            let mut all = notes();
            manner.play(&mut all, &[(Tick(0), parse("C").unwrap())], Tick(0), Bars::default(), rng);
            written += u32::from(all == notes());
            let (players, machines): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|n| n.voice == Voice::Player);
            assert_eq!(machines, machine);
            assert!(players.iter().all(|n| n.onset >= Tick(0) && (1..128).contains(&n.velocity)));
            kinds.insert(players.len());
        }
        assert!((100..350).contains(&written), "{written}");
        assert!(kinds.len() > 20, "{kinds:?}");
    }

    #[test]
    fn each_manner_does_what_it_says() {
        let plain = Manner::default();
        let onsets = |m: Manner| played(&m).0.iter().map(|n| n.onset.0).collect::<Vec<_>>();
        let late = onsets(Manner { late: 100, ..plain.clone() });
        assert!(late.iter().enumerate().all(|(i, t)| *t == i as i64 * 6 + 1));
        let uneven = onsets(Manner { uneven: 60, ..plain.clone() });
        assert!(uneven.iter().any(|t| t % 6 == 1) && uneven.iter().any(|t| t % 6 == 5));
        let beats = onsets(Manner { thinned: Some(Thinned::ToBeats), ..plain.clone() });
        assert_eq!(beats, (0..16).map(|i| i * 12).collect::<Vec<_>>());
        let bars = onsets(Manner { thinned: Some(Thinned::ToBars), ..plain.clone() });
        assert_eq!(bars, [0, 48, 96, 144]);
        let rest = onsets(Manner { rest: Some(Tick(48)..Tick(144)), ..plain.clone() });
        assert_eq!(rest.len(), 16);
        let (doubled, _) = played(&Manner { doubled: -12, ..plain.clone() });
        assert_eq!((doubled.len(), doubled[0].pitch.number()), (64, 60));
        let (low, _) = played(&Manner { elsewhere: -24, velocity: Some(100), ..plain.clone() });
        assert!(low.iter().all(|n| n.pitch.number() == 48 && n.velocity == 100));
        let (chords, _) = played(&Manner { left_hand: Some(LeftHand::Chord), ..plain.clone() });
        let at = |tick: i64| {
            let here = chords.iter().filter(|n| n.onset.0 == tick).map(|n| n.pitch.number());
            here.collect::<Vec<_>>()
        };
        assert_eq!(at(48), [48, 52, 55, 72]);
        assert_eq!(at(72), [48, 53, 57, 72]);
        let (bass, _) = played(&Manner { left_hand: Some(LeftHand::Bass), ..plain });
        assert_eq!(bass.iter().filter(|n| n.pitch.number() < 72).count(), 5);
    }
}
