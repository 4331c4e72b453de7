//! How a planned note is played: its dynamics, length and lateness; and the key that is heard.

use crate::infer::sampler::uniform;
use crate::link::message::PlannedNote;
use crate::link::settings::Settings;
use crate::music::key::{Key, KeySense};
use crate::music::note::{Note, Voice};
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// The player's velocity that leaves the machine's as it is.
const USUAL_VELOCITY: f32 = 80.0;

/// The share of each new note in the player's mean velocity: about the last bar.
const VELOCITY_SHARE: f32 = 0.12;

/// Milliseconds that `humanise` 1 makes a note late at most: what ensembles show without sounding apart.
const UNEVEN_MILLIS: f64 = 20.0;

/// Steps of velocity that `humanise` 1 moves a note up or down at most.
const UNEVEN_VELOCITY: f64 = 12.0;

/// What is heard of the player's manner.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    velocity: f32,
    /// The mean velocity when the plan was made: what it is played by.
    settled_velocity: f32,
    key: KeySense,
}

impl Default for Expression {
    fn default() -> Self {
        Self {
            velocity: USUAL_VELOCITY,
            settled_velocity: USUAL_VELOCITY,
            key: KeySense::default(),
        }
    }
}

impl Expression {
    /// Takes in what the player played up to a closed tick.
    pub(crate) fn close(&mut self, tick: Tick, bars: Bars, played: &[Note]) {
        for note in played {
            self.velocity += VELOCITY_SHARE * (f32::from(note.velocity) - self.velocity);
            self.key.hear(note.pitch.class());
        }
        if bars.ticks_into_bar(tick) == 0 {
            self.key.end_bar();
        }
    }

    /// Takes over what was heard before a take.
    pub(crate) fn remember(&mut self, notes: &[Note]) {
        for note in notes.iter().filter(|n| n.voice == Voice::Player) {
            self.key.hear(note.pitch.class());
        }
        self.key.end_bar();
    }

    /// The key of the last bars, once there is one.
    pub(crate) fn key(&self) -> Option<Key> {
        self.key.key()
    }

    /// The player's mean velocity of about the last bar.
    pub(crate) const fn velocity(&self) -> f32 {
        self.velocity
    }

    /// A new plan is made: it is played by the dynamics of this moment.
    pub(crate) fn settle(&mut self) {
        self.settled_velocity = self.velocity;
    }

    /// How a note of the plan is played.
    pub(crate) fn shape(&self, note: &Note, bars: Bars, settings: &Settings) -> PlannedNote {
        let dice = |what: u64| {
            let key = u64::from(note.pitch.number()) << 8 | what;
            uniform([u64::from(settings.seed), note.onset.0 as u64, key, 0x4855_4d41])
        };
        let humanise = f64::from(settings.humanise);
        let uneven = (dice(0) * 2.0 - 1.0) * UNEVEN_VELOCITY * humanise;
        let follow = settings.velocity_follow * (self.settled_velocity - USUAL_VELOCITY);
        let velocity =
            (f32::from(note.velocity) + follow + uneven as f32).round().clamp(1.0, 127.0) as u8;
        let duration =
            (note.duration as f64 * f64::from(settings.note_length)).round().max(1.0) as i64;
        PlannedNote {
            onset: note.onset,
            late_ticks: swing(bars.ticks_into_bar(note.onset), settings.swing),
            late_millis: (dice(1) * UNEVEN_MILLIS * humanise) as f32,
            duration,
            pitch: note.pitch,
            velocity,
        }
    }
}

/// Ticks that swing makes a note late: the beat's middle moves from a half towards two thirds, and what lies
/// between moves with it.
fn swing(ticks_into_bar: i64, swing: f32) -> f32 {
    let half = TICKS_PER_BEAT as f32 / 2.0;
    let middle = half + 2.0 * swing;
    let at = (ticks_into_bar % TICKS_PER_BEAT) as f32;
    let moved = if at < half {
        at * middle / half
    } else {
        middle + (at - half) * (2.0 * half - middle) / half
    };
    moved - at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::pitch::Pitch;

    fn note(onset: i64, velocity: u8) -> Note {
        Note {
            onset: Tick(onset),
            pitch: Pitch::new(60),
            voice: Voice::Machine,
            velocity,
            duration: 12,
        }
    }

    #[test]
    fn full_swing_makes_triplets_and_leaves_the_beats_alone() {
        assert!(swing(0, 1.0).abs() < 1e-6 && swing(12, 1.0).abs() < 1e-6);
        assert!((swing(6, 1.0) - 2.0).abs() < 1e-6, "the eighth comes on the last triplet");
        let places: Vec<f32> = (0..12).map(|t| t as f32 + swing(t, 1.0)).collect();
        assert!(places.is_sorted());
    }

    #[test]
    fn dynamics_follow_the_player_from_the_next_plan_on() {
        let mut expression = Expression::default();
        let settings = Settings { velocity_follow: 1.0, ..Settings::default() };
        let soft: Vec<Note> = (0..40).map(|i| note(i, 40)).collect();
        expression.close(Tick(1), Bars::default(), &soft);
        assert_eq!(expression.shape(&note(3, 80), Bars::default(), &settings).velocity, 80);
        expression.settle();
        assert!(expression.shape(&note(3, 80), Bars::default(), &settings).velocity < 45);
        let deaf = Settings { velocity_follow: 0.0, ..settings };
        assert_eq!(expression.shape(&note(3, 80), Bars::default(), &deaf).velocity, 80);
    }

    #[test]
    fn unevenness_is_bounded_and_the_same_each_time() {
        let expression = Expression::default();
        let settings = Settings { humanise: 1.0, ..Settings::default() };
        let shapes: Vec<_> =
            (0..200).map(|i| expression.shape(&note(i, 80), Bars::default(), &settings)).collect();
        assert!(
            shapes
                .iter()
                .all(|s| (0.0..=20.0).contains(&s.late_millis) && s.velocity.abs_diff(80) <= 12)
        );
        assert!(shapes.iter().any(|s| s.late_millis > 15.0));
        assert_eq!(shapes[7], expression.shape(&note(7, 80), Bars::default(), &settings));
    }
}
