//! All that a screen shows at one moment.

use std::time::Duration;

use crate::link::settings::Settings;
use crate::music::key::Key;
use crate::music::time::{Meter, TICKS_PER_BEAT, Tempo};
use crate::standalone::action::Action;
use crate::standalone::roll::RollNote;

/// One moment of the music, and how the engine is doing.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What was played and what is planned, in any order. Notes out of sight cost little.
    pub notes: &'a [RollNote],
    /// Where the music is, in quarter notes; 0 is the line before bar 1.
    pub now_beats: f64,
    /// Whether time passes.
    pub running: bool,
    /// How fast it goes.
    pub tempo: Tempo,
    /// Who says so.
    pub tempo_from: TempoFrom,
    /// Where the bar lines are.
    pub meter: Meter,
    /// Whether the metronome clicks.
    pub clicks: bool,
    /// The settings that are played by.
    pub settings: &'a Settings,
    /// The key that is heard.
    pub key: Option<Key>,
    /// The style that is played in; empty where there are none.
    pub style: &'a str,
    /// The model's name.
    pub model: &'a str,
    /// Where the model runs.
    pub device: &'a str,
    /// Notes that the machine has played.
    pub played: u64,
    /// Machine notes that came too late to be played in time.
    pub late: u64,
    /// The worker's part of the reaction: the usual and the 99th percentile.
    pub reaction: Option<[Duration; 2]>,
    /// The loudest samples of both sides since the last scene; 1 is full scale.
    pub peaks: Option<[f32; 2]>,
    /// The last thing that happened to the gear.
    pub notice: &'a str,
    /// What can be asked for with one key.
    pub actions: &'a [Action],
}

/// Who sets the tempo.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TempoFrom {
    /// The setting.
    Set,
    /// It is followed from the player's keys.
    Followed,
    /// The player tapped it.
    Tapped,
    /// Another instrument's clock.
    Clock,
    /// The tune that is accompanied.
    Tune,
}

impl TempoFrom {
    /// What users read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Followed => "followed",
            Self::Tapped => "tapped",
            Self::Clock => "clock",
            Self::Tune => "tune",
        }
    }
}

impl Scene<'_> {
    /// Quarter notes in a bar.
    pub(super) fn bar_beats(&self) -> f64 {
        self.meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64
    }

    /// The bar that is under way, counted from 0.
    pub(super) fn bar(&self) -> i64 {
        (self.now_beats / self.bar_beats()).floor() as i64
    }

    /// Quarter notes in a beat of the time signature.
    pub(super) fn unit_beats(&self) -> f64 {
        4.0 / f64::from(self.meter.denominator.max(1))
    }

    /// The beat of the bar that is under way, counted from 0.
    pub(super) fn beat(&self) -> i64 {
        (self.now_beats.rem_euclid(self.bar_beats()) / self.unit_beats()).floor() as i64
    }
}
