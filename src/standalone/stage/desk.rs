//! The desk from which a stage is led: for the thread that the player sees.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ringbuf::traits::{Consumer as _, Producer as _};
use ringbuf::{HeapCons, HeapProd};

use crate::infer::model_slot::ModelSlot;
use crate::infer::worker::Worker;
use crate::link::display::{Display, Now};
use crate::link::meter::Meter;
use crate::link::outlook::Plan;
use crate::link::settings::Settings;
use crate::music::time::{Meter as TimeSignature, SampleRate};
use crate::standalone::conductor::TimeKeeper;
use crate::standalone::synth::{Patch, Sounds};

use super::board::Board;
use super::{Heard, Wish};

/// The other end: for the thread that the player sees.
pub struct Desk {
    pub(super) wishes: HeapProd<Wish>,
    pub(super) heard: HeapCons<Heard>,
    pub(super) board: Arc<Board>,
    pub(super) meter: Arc<Meter>,
    pub(super) display: Arc<Display>,
    pub(super) settings: Settings,
    pub(super) time: TimeKeeper,
    pub(super) click: f32,
    pub(super) count_in: u8,
    pub(super) time_signature: TimeSignature,
    pub(super) sounds: Sounds,
    pub(super) patches: Vec<Patch>,
    pub(super) models: Arc<ModelSlot>,
    pub(super) rate: SampleRate,
    pub(super) _worker: Worker,
}

impl Desk {
    /// Asks for something; `false` where the stage has not listened for long.
    pub fn ask(&mut self, wish: Wish) -> bool {
        let asked = self.wishes.try_push(wish).is_ok();
        match wish {
            Wish::Play(settings) if asked => self.settings = settings,
            Wish::KeepTime(time) if asked => self.time = time,
            Wish::Click(level) if asked => self.click = level,
            Wish::Sound(sounds) if asked => self.sounds = sounds,
            _ => {}
        }
        asked
    }

    /// The next message that sounded.
    pub fn hear(&mut self) -> Option<Heard> {
        self.heard.try_pop()
    }

    /// Where the music is; none while nobody has played for long. For the eye: its parts may be of two blocks.
    pub fn now(&self) -> Option<Now> {
        self.display.now()
    }

    /// What is planned; `plan` stays as it is where it can't be read whole.
    pub fn planned(&self, plan: &mut Plan) -> bool {
        self.display.outlook.read(plan)
    }

    /// The loudest sample on the left and on the right since the last call; 1 is full scale.
    pub fn peaks(&self) -> [f32; 2] {
        self.board.peaks()
    }

    /// Messages that this end did not fetch in time.
    pub fn unheard(&self) -> u64 {
        self.board.unheard.load(Relaxed)
    }

    /// Samples a second.
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// The settings that were last asked for.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who was last asked to beat time.
    pub const fn time(&self) -> TimeKeeper {
        self.time
    }

    /// Bars of a count-in: those of the setup, else one.
    pub const fn count_in(&self) -> u8 {
        self.count_in
    }

    /// How loudly the metronome was last asked to click.
    pub const fn click(&self) -> f32 {
        self.click
    }

    /// The time signature.
    pub const fn time_signature(&self) -> TimeSignature {
        self.time_signature
    }

    /// The sounds that were last asked for.
    pub const fn sounds(&self) -> &Sounds {
        &self.sounds
    }

    /// All that a part can sound like.
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// The engine's counters.
    pub const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// What windows may see.
    pub const fn display(&self) -> &Arc<Display> {
        &self.display
    }

    /// Which model plays.
    pub const fn models(&self) -> &Arc<ModelSlot> {
        &self.models
    }
}
