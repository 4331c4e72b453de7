//! What one instance does off the audio thread: presets, the device, the readings, and the word to the host.
//!
//! The worker comes by every few milliseconds while the plugin is active. Where it is not, the host's own calls
//! on the main thread do.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use nice_plug::params::internals::ParamPtr;
use nice_plug::prelude::{Params as _, nice_log, nice_warn};
use parking_lot::Mutex;

use crate::infer::model_slot::ModelSlot;
use crate::link::display::Display;
use crate::link::meter::Meter;
use crate::plugin::automation::Automation;
use crate::plugin::menu::Menu;
use crate::plugin::params::{SidemanParams, put};
use crate::plugin::readings::{self, Kind, Values};
use crate::plugin::state::Saved;
use crate::preset::bank::{self, Bank};
use crate::preset::file::{Preset, PresetError};
use crate::preset::folder;

/// How often the readings are renewed.
const READ_EVERY: Duration = Duration::from_millis(100);

thread_local! {
    /// The desk of the instance that this thread made last; see [`Desk::of`].
    static NEWEST: RefCell<Weak<Desk>> = const { RefCell::new(Weak::new()) };
}

/// The desk. Shared by the instance, its worker and the entry that the host calls.
pub(crate) struct Desk {
    /// Refers to the parameters, which live as long as this.
    pub(crate) automation: Automation,
    pub(crate) params: Arc<SidemanParams>,
    pub(crate) models: Arc<ModelSlot>,
    pub(crate) values: Values,
    /// Whether a VST3 host said that it renders; the framework gives that on one activation late.
    pub(crate) renders: AtomicBool,
    menu: Arc<Menu>,
    /// The numbers of the framework's parameters.
    numbers: Vec<u32>,
    book: Mutex<Book>,
    /// What windows may see of the present activation, and its counters.
    engine: Mutex<Option<(Arc<Display>, Arc<Meter>)>>,
    /// Parameters were changed here, and the host does not know yet.
    retell: AtomicBool,
    /// Asks the host to call back on its main thread.
    call_host: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What was done last.
#[derive(Default)]
struct Book {
    /// The place in the menu whose settings were put in place.
    preset: i32,
    read_at: Option<Instant>,
    /// What a musician should know, until something newer happens.
    note: Option<String>,
}

impl Desk {
    /// The desk of a new instance.
    ///
    /// Main thread: reads the user's presets.
    pub(crate) fn new() -> Arc<Self> {
        let models = Arc::<ModelSlot>::default();
        let menu = Arc::new(Menu::open());
        let params = Arc::new(SidemanParams::new(Saved::new(Arc::clone(&models)), &menu));
        let map = params.param_map();
        let numbered =
            |(id, param, _): &(String, ParamPtr, String)| (readings::number_of(id), *param);
        let automation = Automation::new(map.iter().map(numbered).collect());
        let numbers = map.iter().map(|(id, _, _)| readings::number_of(id)).collect();
        let desk = Arc::new(Self {
            params,
            models,
            values: Values::default(),
            renders: AtomicBool::new(false),
            automation,
            menu,
            numbers,
            book: Mutex::default(),
            engine: Mutex::default(),
            retell: AtomicBool::new(false),
            call_host: OnceLock::new(),
        });
        NEWEST.set(Arc::downgrade(&desk));
        desk
    }

    /// What `make` makes, and the desk of the one instance that was made for it. The framework makes instances
    /// out of nothing and hides them.
    pub(crate) fn of<W>(make: impl FnOnce() -> W) -> (W, Option<Arc<Self>>) {
        NEWEST.take();
        let made = make();
        (made, NEWEST.take().upgrade())
    }

    /// How the host is asked to call back on its main thread. Any thread may ask.
    pub(crate) fn set_call_host(&self, call: Box<dyn Fn() + Send + Sync>) {
        let _ = self.call_host.set(call);
    }

    /// Reads these counters from now on, and shows this display.
    pub(crate) fn set_engine(&self, display: &Arc<Display>, meter: &Arc<Meter>) {
        *self.engine.lock() = Some((Arc::clone(display), Arc::clone(meter)));
    }

    /// What a window shows. Any thread but the audio thread.
    #[cfg(feature = "window")]
    pub(crate) fn engine(&self) -> Option<(Arc<Display>, Arc<Meter>)> {
        self.engine.lock().clone()
    }

    /// The window is closed: no switch that it pressed stays down.
    #[cfg(feature = "window")]
    pub(crate) fn let_go(&self) {
        let pressed = [&self.params.panic, &self.params.tap];
        let mut down = pressed.into_iter().filter(|switch| switch.value()).peekable();
        let any = down.peek().is_some();
        down.for_each(|switch| put(switch, false));
        if any {
            self.tell_host();
        }
    }

    /// Puts a preset in place that was chosen in the window, in the host's list or not.
    #[cfg(feature = "window")]
    pub(crate) fn take(&self, preset: &Preset) {
        let mut book = self.book.lock();
        book.preset = self.menu.place(&preset.name).unwrap_or(0);
        put(&self.params.preset, book.preset);
        self.put_in_place(Some(preset));
    }

    /// The numbers of the framework's parameters.
    pub(crate) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Whether the host must be told of parameters that were changed here. Says so once.
    ///
    /// Any thread. No allocation, lock or system call.
    pub(crate) fn take_retell(&self) -> bool {
        self.retell.load(Ordering::Relaxed) && self.retell.swap(false, Ordering::AcqRel)
    }

    /// Does what there is to do. Returns at once when somebody else is at it.
    ///
    /// Any thread but the audio thread.
    pub(crate) fn attend(&self) {
        let Some(mut book) = self.book.try_lock() else { return };
        let device = self.params.device.value();
        if device != self.models.device() {
            self.models.choose_device(device);
        }
        let place = self.params.preset.value();
        if place != book.preset {
            book.preset = place;
            self.put_in_place(self.menu.get(place));
        }
        if self.params.save_preset.value() {
            let kept = self.keep();
            book.note = Some(match kept {
                Ok(name) => format!("Kept your settings as the preset '{name}'"),
                Err(error) => format!("The preset could not be kept: {error}"),
            });
            put(&self.params.save_preset, false);
            self.tell_host();
        }
        if self.params.forget.value() {
            self.models.memory().forget();
            book.note = Some("Forgot what was picked up from you".to_owned());
            put(&self.params.forget, false);
            self.tell_host();
        }
        if book.read_at.is_none_or(|at| at.elapsed() > READ_EVERY) {
            book.read_at = Some(Instant::now());
            self.read(book.note.as_deref());
        }
    }

    /// Loads a state with `load` and says whether it was taken. What it sets is not a choice of the player's:
    /// no preset is put over it.
    ///
    /// Main thread.
    pub(crate) fn load(&self, load: impl FnOnce() -> bool) -> bool {
        let mut book = self.book.lock();
        if !load() {
            return false;
        }
        let name = self.params.saved.preset();
        let place = if name.is_empty() { None } else { self.menu.place(&name) };
        book.preset = place.unwrap_or(0);
        put(&self.params.preset, book.preset);
        put(&self.params.save_preset, false);
        put(&self.params.forget, false);
        book.note = self.params.saved.take_note();
        book.read_at = None;
        true
    }

    fn put_in_place(&self, preset: Option<&Preset>) {
        let saved = &self.params.saved;
        let Some(preset) = preset else { return saved.set_preset("") };
        saved.set_preset(&preset.name);
        self.params.adopt(&preset.settings);
        let wanted = preset.model.as_deref().and_then(folder::model_of);
        if let Some(model) = wanted.filter(|model| *model != self.models.choice()) {
            saved.forget_hash();
            self.models.choose(model);
        }
        nice_log!("Sideman plays with the preset '{}'", preset.name);
        self.tell_host();
    }

    /// Keeps the settings as a preset of the user's. Gives its name.
    fn keep(&self) -> Result<String, PresetError> {
        let folder = folder::presets().ok_or(PresetError::NoFolder)?;
        let bank = Bank::with_folder(&folder);
        let take = chrono::Local::now().format("Take %Y-%m-%d %H%M").to_string();
        // A second one within the minute must not replace the first.
        let names = (2..1_000).map(|n| format!("{take} {n}"));
        let name = std::iter::once(take.clone()).chain(names).find(|n| bank.get(n).is_none());
        let name = name.ok_or(PresetError::Taken(take))?;
        let like = self.params.saved.preset();
        let preset = Preset {
            name: name.clone(),
            author: String::new(),
            about: if like.is_empty() { String::new() } else { format!("Made from {like}.") },
            model: folder::name_of(&self.models.choice()),
            settings: self.params.settings(),
        };
        bank::keep(&preset, &folder)?;
        Ok(name)
    }

    /// Renews the readings.
    fn read(&self, note: Option<&str>) {
        if let Some((_, meter)) = &*self.engine.lock() {
            self.values.read(meter);
        }
        let (kind, text) = self.status(note);
        if self.values.say(kind, text.clone()) {
            if kind >= Kind::Note {
                nice_warn!("Sideman: {text}");
            } else {
                nice_log!("Sideman: {text}");
            }
            self.call_host();
        }
    }

    fn status(&self, note: Option<&str>) -> (Kind, String) {
        let status = self.models.status();
        let mut lines = Vec::new();
        if let Some(problem) = status.problem {
            lines.push((Kind::Model, format!("Playing with {}: {problem}", status.name)));
        } else if let Some(mismatch) = self.params.saved.mismatch() {
            lines.push((Kind::Note, mismatch));
        }
        if let Some(problem) = status.device.problem {
            lines.push((Kind::Device, format!("On the {}: {problem}", status.device.device)));
        }
        if let Some(note) = note {
            lines.push((Kind::Note, note.to_owned()));
        }
        match lines.iter().map(|line| line.0).max() {
            Some(kind) => {
                let texts: Vec<String> = lines.into_iter().map(|line| line.1).collect();
                (kind, texts.join("; "))
            }
            None if status.name.is_empty() => (Kind::Idle, "Idle".to_owned()),
            None => {
                let heard = self.models.heard();
                // The likeliest alone: what changes with every bar would flood the host.
                let heard = match (heard.problem, heard.shares.first()) {
                    (Some(problem), _) => format!(", {problem}"),
                    (None, Some((style, _))) => format!(", hears {style}"),
                    (None, None) => String::new(),
                };
                let (name, device) = (status.name, status.device.device);
                (Kind::Ready, format!("Ready: {name} on {device}{heard}"))
            }
        }
    }

    fn tell_host(&self) {
        self.retell.store(true, Ordering::Release);
        self.call_host();
    }

    fn call_host(&self) {
        if let Some(call) = self.call_host.get() {
            call();
        }
    }
}
