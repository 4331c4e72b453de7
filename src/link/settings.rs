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
    /// Player and machine take turns of some bars each.
    Trade,
    /// Each of the player's notes gets company at once, released with it.
    Harmonise,
    /// Goes on by itself until the player takes over.
    Solo,
}

/// The grid that machine notes begin on.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Grid {
    /// Wherever the model puts them: twelfths of a beat.
    #[default]
    Free,
    /// Sixteenth notes.
    Straight,
    /// Eighth-note triplets.
    Triplet,
    /// Eighth notes.
    Eighth,
}

impl Grid {
    /// Every grid, in the order shown to users.
    pub const ALL: [Self; 4] = [Self::Free, Self::Straight, Self::Triplet, Self::Eighth];

    /// The name that users read and type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Straight => "straight",
            Self::Triplet => "triplet",
            Self::Eighth => "eighth",
        }
    }

    /// Whether a note may begin so many ticks after a bar line.
    pub const fn allows(self, ticks_into_bar: i64) -> bool {
        let step = match self {
            Self::Free => 1,
            Self::Straight => 3,
            Self::Triplet => 4,
            Self::Eighth => 6,
        };
        ticks_into_bar % step == 0
    }
}

impl Mode {
    /// Every mode, in the order shown to users.
    pub const ALL: [Self; 5] =
        [Self::Accompany, Self::Answer, Self::Trade, Self::Harmonise, Self::Solo];

    /// The name that users read and type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accompany => "accompany",
            Self::Answer => "answer",
            Self::Trade => "trade",
            Self::Harmonise => "harmonise",
            Self::Solo => "solo",
        }
    }
}

/// The highest number of a style.
pub const MAX_STYLE: u8 = 64;

/// All settings. Values out of range are made usable by [`Settings::sane`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// How the machine takes part.
    pub mode: Mode,
    /// The style of the model that is played in, counted from 1; 0 is the model's own, and one
    /// that it has not is none.
    pub style: u8,
    /// The style is what is heard of the player, by and by, instead of `style`.
    pub follow_style: bool,
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
    /// Where no transport rolls, tempo and beat are followed from the player's keys; `tempo` is where they begin.
    pub follow_tempo: bool,
    /// Listen to this channel only.
    pub input: Option<Channel>,
    /// The machine's channel.
    pub output: Channel,
    /// Whether the player's events are passed on.
    pub thru: bool,
    /// Whether the machine plays at all.
    pub active: bool,
    /// Bars of one turn in [`Mode::Trade`]: 1 to 16.
    pub trade_bars: u8,
    /// Whether the machine has the first turn.
    pub machine_first: bool,
    /// Machine notes that accompany each note of the player in [`Mode::Harmonise`]: 1 to 4.
    pub voices: u8,
    /// The scale follows the key that is heard; else it is `key` and `scale`.
    pub follow_key: bool,
    /// Only pitch classes that the player holds, while he holds three or more.
    pub chord_lock: bool,
    /// How strongly a key that was just played is avoided: 0 (not at all) to 1.
    pub repeat_guard: f32,
    /// How far the machine takes over what it picks up from the player: 0 (the model alone) to 1.
    pub learning: f32,
    /// Where machine notes may begin.
    pub grid: Grid,
    /// How late off-beat eighths and sixteenths come: 0 (straight) to 1 (triplets).
    pub swing: f32,
    /// How unevenly notes begin and sound: 0 (not at all) to 1 (up to 20 ms, and 12 steps of velocity).
    pub humanise: f32,
    /// How far the machine's dynamics follow the player's: 0 to 1.
    pub velocity_follow: f32,
    /// How far the machine is carried along when the player plays more, or louder, than before: 0 (not at all) to 1.
    pub follow_energy: f32,
    /// Factor on the length of machine notes: 0.1 to 2.
    pub note_length: f32,
    /// The machine repeats its last two bars instead of going on.
    pub freeze: bool,
    /// What the machine sounds goes on sounding, and nothing new begins.
    pub hold: bool,
    /// The player's keys C-1 to E-1 choose the mode, F-1 taps a beat, and they are not heard.
    pub key_switches: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Accompany,
            style: 0,
            follow_style: false,
            temperature: 0.9,
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
            follow_tempo: true,
            input: None,
            output: Channel::new(1),
            thru: true,
            active: true,
            trade_bars: 4,
            machine_first: false,
            voices: 2,
            follow_key: false,
            chord_lock: false,
            repeat_guard: 0.25,
            learning: 0.5,
            grid: Grid::Free,
            swing: 0.0,
            humanise: 0.0,
            velocity_follow: 0.0,
            follow_energy: 0.3,
            note_length: 1.0,
            freeze: false,
            hold: false,
            key_switches: false,
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
        self.style = self.style.min(MAX_STYLE);
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
        self.trade_bars = self.trade_bars.clamp(1, 16);
        self.voices = self.voices.clamp(1, 4);
        self.repeat_guard = number(self.repeat_guard, 0.0, 1.0, default.repeat_guard);
        self.learning = number(self.learning, 0.0, 1.0, default.learning);
        self.swing = number(self.swing, 0.0, 1.0, default.swing);
        self.humanise = number(self.humanise, 0.0, 1.0, default.humanise);
        self.velocity_follow = number(self.velocity_follow, 0.0, 1.0, default.velocity_follow);
        self.follow_energy = number(self.follow_energy, 0.0, 1.0, default.follow_energy);
        self.note_length = number(self.note_length, 0.1, 2.0, default.note_length);
        self
    }

    /// Whether the machine may play this key: its register and its scale.
    pub fn permits(&self, pitch: Pitch) -> bool {
        (self.register_low..=self.register_high).contains(&pitch) && self.allowed().holds(pitch)
    }

    /// The pitch classes that the machine may play, unless it follows the key that it hears.
    pub fn allowed(&self) -> PitchSet {
        if self.follow_key { PitchSet::ALL } else { self.scale.on(self.key) }
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
