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
use crate::music::pitch::Pitch;
use crate::music::scale::PitchSet;
use crate::music::time::Tick;
use crate::music::token::{Kind, Token};

/// Semitones between the player's note and its company: thirds, fourths, fifths, sixths, the octave, tenths.
const CONSONANT: [i32; 9] = [3, 4, 5, 7, 8, 9, 12, 15, 16];

/// Notes of the company lie at least this many semitones apart.
const APART: i32 = 3;

/// How long the network is told that company lasts: a beat. It ends with the player's note in truth.
pub(crate) const ASSUMED_TICKS: i64 = 12;

/// The most notes that join one.
pub(crate) const MOST: usize = 4;

/// Chooses the company of `pitch`, struck at `tick`. The trail is as before when it is done.
pub(crate) fn choose(
    trail: &mut Trail,
    sampler: &mut Sampler,
    settings: &Settings,
    scale: PitchSet,
    tick: Tick,
    pitch: Pitch,
) -> ArrayVec<Pitch, MOST> {
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
                    && scale.holds(candidate)
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
