//! How well tempo and beat are followed where nobody tells them: melodies played by a hand that is a little uneven, at
//! a tempo that the listener is told wrong.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::data::roles::Piece;
use crate::live::pulse::Pulse;
use crate::music::time::{SampleRate, TICKS_PER_BEAT, Tempo, Tick};

/// Tempos that pieces are played at, in quarter notes a minute.
const TEMPOS: std::ops::Range<f64> = 70.0..150.0;

/// How far off each onset is at most, in seconds.
const UNEVEN_SECONDS: f64 = 0.02;

/// Beats that the listener may hear before it is judged, and how many are played in all.
const GRACE_BEATS: i64 = 16;
const BEATS: i64 = 256;

/// How near a tempo must be, and the ticks that a beat may be off.
const NEAR: f64 = 0.04;
const NEAR_TICKS: f64 = 1.5;

const RATE: f64 = 48_000.0;

/// The figures.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub(super) struct TempoFollowing {
    /// Melodies that were played.
    pub(super) pieces: usize,
    /// Onsets at which the listener was judged.
    pub(super) onsets: usize,
    /// Of these: its tempo was right, within 4 %.
    pub(super) right_tempo: usize,
    /// Its tempo was the double or the half.
    pub(super) double_or_half: usize,
    /// Its tempo was right, and its beats lay on the player's beats, or in the middle between two.
    pub(super) on_half_beats: usize,
    /// Its tempo was right, and its beats lay on the player's.
    pub(super) on_beats: usize,
}

/// Measures over pieces. `hint`: the tempo that the listener is told, as a factor on the true one; `None`: 120.
pub(super) fn measure(pieces: &[Piece], hint: Option<f64>) -> TempoFollowing {
    let mut sum = TempoFollowing::default();
    for piece in pieces {
        let mut random = ChaCha8Rng::from_seed(piece.hash);
        let mut uniform = || f64::from(random.next_u32()) / f64::from(u32::MAX);
        let tempo = TEMPOS.start + uniform() * (TEMPOS.end - TEMPOS.start);
        let hint = hint.map_or(120.0, |factor| tempo * factor);
        follow(piece, tempo, hint, &mut uniform, &mut sum);
    }
    sum
}

fn follow(
    piece: &Piece,
    tempo: f64,
    hint: f64,
    uniform: &mut impl FnMut() -> f64,
    sum: &mut TempoFollowing,
) {
    let Some(first) = piece.melody.first().map(|n| n.onset) else { return };
    sum.pieces += 1;
    let beat = TICKS_PER_BEAT as f64;
    let mut pulse = Pulse::new(SampleRate::new(RATE));
    pulse.begin(0, Tempo::new(hint));
    // The clock as the engine keeps it: where it stands, at which tempo, and what it makes up for in this beat.
    let (mut sample, mut place, mut now, mut lean) = (0.0, 0.0, hint, 0.0);
    let mut last = first;
    for note in &piece.melody {
        let ticks = note.onset.since(first);
        if note.onset == last || ticks > BEATS * TICKS_PER_BEAT {
            continue;
        }
        last = note.onset;
        let seconds = ticks as f64 / beat * 60.0 / tempo;
        let at = ((seconds + (uniform() * 2.0 - 1.0) * UNEVEN_SECONDS) * RATE).max(sample);
        let passed = (at - sample) / RATE * now / 60.0 * beat;
        place += passed + lean * (passed / beat).min(1.0);
        sample = at;
        if ticks >= GRACE_BEATS * TICKS_PER_BEAT {
            judge(place - true_place(piece, note.onset), now / tempo, sum);
        }
        if let Some(steer) = pulse.onset(sample as u64, place) {
            now = steer.tempo.beats_per_minute();
            // What of the last beat's correction was still to come is dropped with the new one.
            lean = steer.lean;
            place -= steer.shift as f64;
        }
    }
}

fn true_place(piece: &Piece, tick: Tick) -> f64 {
    piece.bars.ticks_into_bar(tick) as f64
}

fn judge(off: f64, ratio: f64, sum: &mut TempoFollowing) {
    let near = |to: f64| (ratio / to).ln().abs() < NEAR;
    let off_by = |beat: f64| {
        let off = off.rem_euclid(beat);
        off.min(beat - off) < NEAR_TICKS
    };
    sum.onsets += 1;
    sum.double_or_half += usize::from(near(2.0) || near(0.5));
    if near(1.0) {
        sum.right_tempo += 1;
        sum.on_half_beats += usize::from(off_by(6.0));
        sum.on_beats += usize::from(off_by(12.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;

    #[test]
    fn a_plain_melody_is_followed_and_one_without_a_pulse_is_not() {
        let piece = |ticks: &dyn Fn(i64) -> i64| Piece {
            melody: (0..200)
                .map(|i| Note {
                    onset: Tick(ticks(i)),
                    pitch: Pitch::new(60),
                    voice: Voice::Player,
                    velocity: 80,
                    duration: 3,
                })
                .collect(),
            ..Piece::default()
        };
        // Two quarters and four eighths a bar.
        let plain = piece(&|i| i / 6 * 48 + [0, 12, 24, 30, 36, 42][(i % 6) as usize]);
        let found = measure(&[plain], Some(1.1));
        assert!(found.onsets > 50);
        assert!(found.on_half_beats * 10 >= found.onsets * 9, "{found:?}");
        let aimless = piece(&|i| i * 11 + i * i % 7);
        let lost = measure(&[aimless], Some(1.1));
        assert!(lost.on_beats * 2 < lost.onsets, "{lost:?}");
    }
}
