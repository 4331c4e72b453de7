//! What the player can set, as plain values that both threads read.

use crate::music::event::Channel;
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::{PitchSet, Scale};
use crate::music::time::Tempo;

/// How the machine takes part.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Plays under the player at the same time.
    #[default]
    Accompany,
    /// Waits for the player's phrase to end, then continues it; yields as soon as the player plays.
    Answer,
}

impl Mode {
    /// Every mode, in the order shown to users.
    pub const ALL: [Self; 2] = [Self::Accompany, Self::Answer];

    /// The name that users read and type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accompany => "accompany",
            Self::Answer => "answer",
        }
    }
}

/// All settings. Values out of range are made usable by [`Settings::sane`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// How the machine takes part.
    pub mode: Mode,
    /// Randomness of the choice: 1 is the model's own, towards 0 it takes the likeliest. 0.05 to 2.
    pub temperature: f32,
    /// The likeliest tokens that together hold this share of the probability are chosen from. 0.05 to 1.
    pub top_p: f32,
    /// More or fewer notes than the model would play: -1 (sparse) to 1 (dense).
    pub density: f32,
    /// The lowest key that the machine plays.
    pub register_low: Pitch,
    /// The highest key that the machine plays.
    pub register_high: Pitch,
    /// Notes that may sound at once: 1 to 16.
    pub polyphony: u8,
    /// The tonic of `scale`.
    pub key: PitchClass,
    /// The machine keeps to this scale.
    pub scale: Scale,
    /// The same input, seed, settings and model give the same notes.
    pub seed: u32,
    /// Ticks between what the player does and the first note that may know of it: 0 to 12.
    pub reaction: u8,
    /// Ticks of silence after which a phrase of the player counts as ended: 3 to 96.
    pub phrase_gap: u8,
    /// The tempo where no host tells one.
    pub tempo: Tempo,
    /// Listen to this channel only.
    pub input: Option<Channel>,
    /// The machine's channel.
    pub output: Channel,
    /// Whether the player's events are passed on.
    pub thru: bool,
    /// Whether the machine plays at all.
    pub active: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Accompany,
            temperature: 1.0,
            top_p: 0.95,
            density: 0.0,
            register_low: Pitch::new(28),
            register_high: Pitch::new(96),
            polyphony: 8,
            key: PitchClass::new(0),
            scale: Scale::Chromatic,
            seed: 1,
            reaction: 1,
            phrase_gap: 12,
            tempo: Tempo::default(),
            input: None,
            output: Channel::new(1),
            thru: true,
            active: true,
        }
    }
}

impl Settings {
    /// The same settings with every value inside its range; what is not a number becomes the default.
    #[must_use]
    pub fn sane(mut self) -> Self {
        let default = Self::default();
        let number = |x: f32, low: f32, high: f32, else_: f32| {
            if x.is_nan() { else_ } else { x.clamp(low, high) }
        };
        self.temperature = number(self.temperature, 0.05, 2.0, default.temperature);
        self.top_p = number(self.top_p, 0.05, 1.0, default.top_p);
        self.density = number(self.density, -1.0, 1.0, default.density);
        self.register_low = self.register_low.clamp(Pitch::PIANO_LOW, Pitch::PIANO_HIGH);
        self.register_high = self.register_high.clamp(Pitch::PIANO_LOW, Pitch::PIANO_HIGH);
        if self.register_low > self.register_high {
            std::mem::swap(&mut self.register_low, &mut self.register_high);
        }
        self.polyphony = self.polyphony.clamp(1, 16);
        self.reaction = self.reaction.min(12);
        self.phrase_gap = self.phrase_gap.clamp(3, 96);
        self
    }

    /// Whether the machine may play this key: its register and its scale.
    pub fn permits(&self, pitch: Pitch) -> bool {
        (self.register_low..=self.register_high).contains(&pitch) && self.allowed().holds(pitch)
    }

    /// The pitch classes that the machine may play.
    pub fn allowed(&self) -> PitchSet {
        self.scale.on(self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_becomes_usable() {
        let odd = Settings {
            temperature: f32::NAN,
            top_p: -1.0,
            density: f32::INFINITY,
            register_low: Pitch::new(127),
            register_high: Pitch::new(0),
            polyphony: 0,
            reaction: 255,
            phrase_gap: 0,
            ..Settings::default()
        }
        .sane();
        assert!(odd.register_low <= odd.register_high);
        assert!(
            odd.temperature > 0.0 && odd.top_p > 0.0 && odd.density <= 1.0 && odd.polyphony > 0
        );
        assert_eq!(odd, odd.sane());
    }
}
