//! What stands behind the view, whoever leads it: follows an engine's display, lists models and presets, trains, captures.

mod captures;
mod follower;
mod library;
mod trainer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use crate::infer::model_slot::{ModelChoice, ModelSlot, ModelStatus};
use crate::link::display::Display;
use crate::link::forecast::Choice;
use crate::link::histogram::Histogram;
use crate::link::meter::Meter;
use crate::link::settings::Settings;
use crate::preset::file::Preset;
use crate::window::asked::Asked;
use crate::window::drag_out::Drag;
use crate::window::scene::{Health, Host, Scene, Training};

use follower::Follower;
use library::{Found, Library};
use trainer::Trainer;

/// See the module's text. Of the thread that draws.
pub struct Backstage {
    models: Arc<ModelSlot>,
    engine: Option<(Arc<Display>, Arc<Meter>)>,
    follower: Follower,
    library: Library,
    trainer: Trainer,
    /// A path that is being looked at.
    opening: Option<Receiver<(PathBuf, Found)>>,
    /// Hears of models that were chosen here.
    chosen: Arc<dyn Fn() + Send + Sync>,
    status: ModelStatus,
    choice: Option<Choice>,
    captured: Option<PathBuf>,
    /// The file that was dragged out last.
    drag: Option<Drag>,
    notice: String,
    /// What whoever leads said last.
    heard: String,
    load: Load,
}

/// How much of a core the model takes, measured over a while.
#[derive(Default)]
struct Load {
    since: Option<(Instant, u64)>,
    share: Option<f32>,
}

/// What only whoever leads can do.
#[derive(Clone, PartialEq, Debug)]
pub enum Left {
    /// Nothing is left to do.
    Nothing,
    /// These settings are to be played by: a preset's, with its name.
    Take(Box<Preset>),
    /// It is none of the backstage's business.
    Yours(Asked),
}

impl Backstage {
    /// A stage whose models are chosen in this slot. Reads nothing yet. `chosen` hears of each model that
    /// takes over by the window, on any thread.
    pub fn new(models: Arc<ModelSlot>, chosen: impl Fn() + Send + Sync + 'static) -> Self {
        let slot = Arc::clone(&models);
        let chosen = Arc::new(chosen);
        let told = Arc::clone(&chosen);
        let put_in_place = move |model: &Path| {
            slot.choose(ModelChoice::Folder(model.to_owned()));
            told();
        };
        Self {
            models,
            engine: None,
            follower: Follower::default(),
            library: Library::default(),
            trainer: Trainer::new(Arc::new(put_in_place)),
            opening: None,
            chosen,
            status: ModelStatus::default(),
            choice: None,
            captured: None,
            drag: None,
            notice: String::new(),
            heard: String::new(),
            load: Load::default(),
        }
    }

    /// Looks at this engine from now on.
    pub fn look_at(&mut self, display: &Arc<Display>, meter: &Arc<Meter>) {
        if self.engine.as_ref().is_some_and(|(seen, _)| Arc::ptr_eq(seen, display)) {
            return;
        }
        self.follower = Follower::default();
        self.load = Load::default();
        self.engine = Some((Arc::clone(display), Arc::clone(meter)));
    }

    /// Catches up with the engine. Once before each [`Self::scene`].
    pub fn follow(&mut self, settings: &Settings, at: Instant) {
        if let Some((display, meter)) = &self.engine {
            display.forecast.watch();
            self.follower.follow(display, settings, at);
            self.choice = display.forecast.next(self.follower.tick());
            self.load.measure(meter, at);
        }
        let opened = self.opening.as_ref().and_then(|opening| opening.try_recv().ok());
        if let Some((path, found)) = opened {
            self.opening = None;
            self.open(&path, found);
        }
        self.status = self.models.status();
        self.library.listen();
        if self.trainer.listen() {
            self.library.refresh();
        }
    }

    /// What the window shows now.
    pub fn scene<'a>(&'a self, settings: &'a Settings, host: Host<'a>) -> Scene<'a> {
        let now = self.follower.now();
        Scene {
            notes: self.follower.notes(),
            chords: self.follower.chords(),
            now_beats: self.follower.beats(),
            running: now.is_some(),
            host_leads: self.engine.as_ref().is_some_and(|(display, _)| display.is_led()),
            tempo: now.map_or(settings.tempo, |now| now.tempo),
            bar_line_beats: self.follower.bar_line_beats(),
            bar_beats: self.follower.bar_beats(),
            settings,
            key: self.engine.as_ref().and_then(|(_, meter)| meter.key()),
            choice: self.choice.as_ref(),
            models: self.library.models(),
            model: self.playing(),
            model_problem: self.status.problem.as_deref(),
            presets: self.library.cards(),
            preset: self.library.chosen(),
            health: self.health(),
            training: self.training(),
            captured: self.captured.as_deref(),
            notice: &self.notice,
            host,
        }
    }

    /// Does what was asked for, as far as it needs nobody else.
    pub fn answer(&mut self, asked: Asked) -> Left {
        match asked {
            Asked::TakePreset(place) => {
                return match self.library.take(place) {
                    Some(preset) => Left::Take(Box::new(preset)),
                    None => Left::Nothing,
                };
            }
            Asked::ChooseModel(place) => {
                if let Some(model) = self.library.model(place) {
                    self.models.choose(model);
                    (self.chosen)();
                }
            }
            Asked::Open(path) => self.look(path),
            Asked::Train(minutes) => self.trainer.start(minutes),
            Asked::EndTraining => self.trainer.end(),
            Asked::Capture(bars) => {
                self.capture(bars);
            }
            Asked::DragOut(bars) => self.drag_out(bars),
            Asked::Reveal => {
                if let Some(Err(error)) = self.captured.as_deref().map(captures::reveal) {
                    self.notice = format!("the file browser can't be opened: {error}");
                }
            }
            Asked::Refresh => self.library.refresh(),
            other => return Left::Yours(other),
        }
        Left::Nothing
    }

    /// Says what whoever leads has to say, once for each time that it is another.
    pub fn hear(&mut self, notice: &str) {
        if self.heard != notice {
            notice.clone_into(&mut self.heard);
            notice.clone_into(&mut self.notice);
        }
    }

    /// Says something in the window.
    pub fn say(&mut self, notice: String) {
        self.notice = notice;
    }

    /// Looks what a path leads to, on a thread of its own: it may lead to a disk that sleeps.
    fn look(&mut self, path: PathBuf) {
        self.notice = format!("looking at {}", path.display());
        let (done, opening) = channel();
        let look = move || {
            let found = library::what_is(&path);
            // A window that is gone has no use for it.
            let _ = done.send((path, found));
        };
        let spawned = std::thread::Builder::new().name("sideman-look".to_owned()).spawn(look);
        self.opening = spawned.is_ok().then_some(opening);
    }

    /// A model folder plays, a folder of MIDI files is offered for training.
    fn open(&mut self, path: &Path, found: Found) {
        self.notice = match found {
            Found::Model => {
                self.models.choose(ModelChoice::Folder(path.to_owned()));
                (self.chosen)();
                self.library.add(path);
                format!("plays with the model in {}", path.display())
            }
            Found::Midi(files) => {
                self.trainer.offer(path.to_owned());
                let s = if files == 1 { "" } else { "s" };
                format!("{files} MIDI file{s} to learn from in {}", path.display())
            }
            Found::Neither(why) => why,
        };
    }

    /// Gives where the capture lies, or says why there is none.
    fn capture(&mut self, bars: u32) -> Option<&Path> {
        match captures::save(&self.follower, bars) {
            Ok(path) => {
                self.notice = format!("captured {}", path.display());
                self.captured = Some(path);
                self.captured.as_deref()
            }
            Err(why) => {
                self.notice = why;
                None
            }
        }
    }

    fn drag_out(&mut self, bars: u32) {
        // One drag at a time: there is one pointer.
        self.drag = None;
        let Some(path) = self.capture(bars) else { return };
        match Drag::start(path) {
            Ok(drag) => self.drag = Some(drag),
            Err(why) => self.notice = format!("the capture can't be dragged out: {why}"),
        }
    }

    /// The place of the model that plays: the one that was chosen, or where that can't be used the one before.
    fn playing(&self) -> Option<usize> {
        match self.status.problem {
            None => self.library.place_of(&self.models.choice()),
            Some(_) => self.library.models().iter().position(|card| card.name == self.status.name),
        }
    }

    fn training(&self) -> Option<&Training> {
        self.trainer.training()
    }

    fn health(&self) -> Health<'_> {
        use std::sync::atomic::Ordering::Relaxed;
        let (device, device_problem) =
            (self.status.device.device, self.status.device.problem.as_deref());
        let active = self.engine.is_some() && !self.status.name.is_empty();
        let rest = Health { device, device_problem, active, ..Health::default() };
        let Some((_, meter)) = &self.engine else { return rest };
        let times = |h: &Histogram| h.quantile(0.5).zip(h.quantile(0.99)).map(<[_; 2]>::from);
        Health {
            answer: times(&meter.answer),
            reaction: times(&meter.reaction),
            step: times(&meter.step),
            played: meter.notes.load(Relaxed),
            heard: self.follower.heard(),
            late: meter.late_plans.load(Relaxed) + meter.late_notes.load(Relaxed),
            dropped: meter.dropped(),
            refused: meter.refused.load(Relaxed),
            cpu: self.load.share,
            since_heard: self.follower.since_heard(),
            ..rest
        }
    }
}

impl Load {
    fn measure(&mut self, meter: &Meter, at: Instant) {
        let busy = meter.busy_nanos.load(std::sync::atomic::Ordering::Relaxed);
        let Some((since, before)) = self.since else {
            self.since = Some((at, busy));
            return;
        };
        let seconds = at.saturating_duration_since(since).as_secs_f64();
        if seconds >= 1.0 {
            self.share = Some((busy.saturating_sub(before) as f64 * 1e-9 / seconds) as f32);
            self.since = Some((at, busy));
        }
    }
}
