//! What a screen shows of the engine, whoever leads it: model, device, style, key, latency, lateness.

use std::sync::atomic::Ordering::Relaxed;

use crate::cli::models;
use crate::infer::model_slot::{ModelSlot, ModelStatus};
use crate::link::meter::Meter as Counters;
use crate::link::settings::Settings;
use crate::music::time::{Meter, TICKS_PER_BEAT};
use crate::preset::file::Preset;
use crate::preset::folder;
use crate::standalone::Part;
use crate::standalone::action::Action;
use crate::standalone::roll::RollNote;
use crate::standalone::screen::{Scene, TempoFrom};

/// What is kept between two scenes.
#[derive(Default)]
pub(crate) struct Showing {
    status: ModelStatus,
    /// The styles of the model of this hash, and the number of its own.
    hash: String,
    styles: Vec<String>,
    home: usize,
    style: String,
}

impl Showing {
    /// A scene at rest before beat 0, in a tempo that is set: the rest is the caller's to say.
    pub(crate) fn scene<'a>(
        &'a mut self,
        (models, meter): (&ModelSlot, &Counters),
        settings: &'a Settings,
        notes: &'a [RollNote],
        notice: &'a str,
    ) -> Scene<'a> {
        self.look_up(models, settings);
        let time = |quantile| meter.reaction.quantile(quantile);
        Scene {
            notes,
            now_beats: 0.0,
            running: false,
            tempo: settings.tempo,
            tempo_from: TempoFrom::Set,
            meter: Meter::default(),
            clicks: false,
            settings,
            key: meter.key(),
            style: &self.style,
            model: &self.status.name,
            device: self.status.device.device,
            played: meter.notes.load(Relaxed),
            late: meter.late_notes.load(Relaxed) + meter.late_plans.load(Relaxed),
            reaction: time(0.5).zip(time(0.99)).map(<[_; 2]>::from),
            peaks: None,
            notice,
            actions: &Action::ALL,
        }
    }

    fn look_up(&mut self, models: &ModelSlot, settings: &Settings) {
        self.status = models.status();
        if self.status.hash != self.hash {
            self.status.hash.clone_into(&mut self.hash);
            // A model that has gone from its folder since it was loaded plays on without names.
            (self.styles, self.home) = models::styles(&models.choice()).unwrap_or_default();
        }
        self.style = if self.styles.is_empty() {
            String::new()
        } else if settings.follow_style {
            let heard = models.heard();
            let first = heard.shares.first().map(|(style, _)| format!("{style} heard"));
            first.unwrap_or_else(|| "listening".to_owned())
        } else {
            let number = if settings.style == 0 { self.home } else { settings.style.into() };
            let name = number.checked_sub(1).and_then(|n| self.styles.get(n));
            name.cloned().unwrap_or_else(|| "none".to_owned())
        };
    }
}

/// What is planned, as the roll shows it.
pub(crate) fn planned(note: &crate::link::message::PlannedNote) -> RollNote {
    let ticks = TICKS_PER_BEAT as f64;
    RollNote {
        part: Part::Machine,
        start_beats: note.onset.beats().0 + f64::from(note.late_ticks) / ticks,
        len_beats: note.duration as f64 / ticks,
        key: note.pitch.number(),
        velocity: note.velocity,
        planned: true,
    }
}

/// The settings with a preset in place; its model, where it asks for one, is chosen.
pub(crate) fn take(preset: &Preset, settings: &Settings, models: &ModelSlot) -> Settings {
    let wanted = preset.model.as_deref().and_then(folder::model_of);
    if let Some(model) = wanted.filter(|model| *model != models.choice()) {
        models.choose(model);
    }
    preset.over(settings)
}
