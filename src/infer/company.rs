//! Harmonise: the notes that join a note of the player, found at once.
//!
//! The network says how likely each key of the machine would be at this moment, by all that was heard before;
//! of those keys only the ones consonant with the player's note come into question, first below it, and above
//! it where the register leaves no room.

use arrayvec::ArrayVec;

use crate::infer::sampler::{Sampler, uniform};
use crate::infer::trail::Trail;
use crate::link::settings::Settings;
use crate::music::encode::encode_shift;
use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::scale::PitchSet;
use crate::music::time::Tick;
use crate::music::token::{Kind, Token};

/// Semitones between the player's note and its company: thirds, fourths, fifths, sixths, the octave, tenths.
const CONSONANT: [i32; 9] = [3, 4, 5, 7, 8, 9, 12, 15, 16];

/// Notes of the company lie at least this many semitones apart.
const APART: i32 = 3;

/// How long the network is told that company lasts: a beat. It ends with the player's note in truth.
const ASSUMED_TICKS: i64 = 12;

/// The most notes that join one.
const MOST: usize = 4;

/// Notes whose company is remembered while they are held.
const KEYS: usize = 64;

/// The company that sounds or is about to.
#[derive(Debug, Default)]
pub(crate) struct Company {
    /// Who joined which key that is down: (key, company).
    joined: Vec<(Pitch, Pitch)>,
    /// What the network has not heard of it yet: notes on ticks that are still open.
    unheard: Vec<Note>,
}

impl Company {
    /// Nobody is there any more.
    pub(crate) fn clear(&mut self) {
        self.joined.clear();
        self.unheard.clear();
    }

    /// The player let go of a key, and its company with it.
    pub(crate) fn release(&mut self, key: Pitch) {
        self.joined.retain(|(leader, _)| *leader != key);
    }

    /// Takes out the notes that the network must hear, up to a closed tick.
    pub(crate) fn heard(&mut self, tick: Tick, out: &mut Vec<Note>) {
        out.extend(self.unheard.iter().filter(|n| n.onset <= tick));
        self.unheard.retain(|n| n.onset > tick);
    }

    /// Finds who joins `leader`, a note of the player. Nobody is found who keeps another key company already: they
    /// could not be struck twice, nor go with both.
    pub(crate) fn join(
        &mut self,
        trail: &mut Trail,
        sampler: &mut Sampler,
        settings: &Settings,
        scale: PitchSet,
        leader: Note,
    ) -> [Option<Pitch>; MOST] {
        self.release(leader.pitch);
        let busy = |pitch| self.joined.iter().any(|(key, other)| [*key, *other].contains(&pitch));
        let found = choose(trail, sampler, settings, leader, |p| scale.holds(p) && !busy(p));
        let mut pitches = [None; MOST];
        for (slot, pitch) in pitches.iter_mut().zip(found) {
            *slot = Some(pitch);
            if self.joined.len() < KEYS {
                self.joined.push((leader.pitch, pitch));
            }
            let voice = Voice::Machine;
            self.unheard.push(Note { pitch, voice, duration: ASSUMED_TICKS, ..leader });
        }
        pitches
    }
}

/// Chooses who joins `leader`. The trail is as before when it is done.
fn choose(
    trail: &mut Trail,
    sampler: &mut Sampler,
    settings: &Settings,
    leader: Note,
    free: impl Fn(Pitch) -> bool,
) -> ArrayVec<Pitch, MOST> {
    let Note { onset: tick, pitch, .. } = leader;
    let here = trail.points().count();
    let now = trail.head.context.now();
    encode_shift(tick.since(now), |token| trail.feed(token));
    let mut company = ArrayVec::<Pitch, MOST>::new();
    for direction in [-1, 1] {
        let wanted = usize::from(settings.voices).min(MOST);
        while company.len() < wanted {
            let may = |id: usize| {
                let Some(Token::Machine(candidate)) = Token::from_id(id as u16) else {
                    return None;
                };
                let distance =
                    (i32::from(candidate.number()) - i32::from(pitch.number())) * direction;
                let apart = |other: &Pitch| {
                    (i32::from(other.number()) - i32::from(candidate.number())).abs() >= APART
                };
                (CONSONANT.contains(&distance)
                    && settings.permits(candidate)
                    && free(candidate)
                    && company.iter().all(apart))
                .then_some(0.0)
            };
            let keys = [
                u64::from(settings.seed),
                tick.0 as u64,
                u64::from(pitch.number()) << 8 | company.len() as u64,
                Kind::MachinePitch as u64,
            ];
            let Settings { temperature, top_p, .. } = *settings;
            match sampler
                .choose(&trail.head.logits, may, temperature, top_p, uniform(keys))
                .and_then(Token::from_id)
            {
                Some(Token::Machine(found)) => company.push(found),
                _ => break,
            }
        }
    }
    trail.rewind(here);
    company
}
