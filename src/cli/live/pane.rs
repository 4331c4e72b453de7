//! The window of a live session: it has the main thread, as some systems demand, and the session leads on another.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::args::LiveArgs;
use crate::infer::model_slot::ModelSlot;
use crate::link::display::Display;
use crate::link::meter::Meter;
use crate::link::settings::Settings;
use crate::preset::bank::{self, Bank};
use crate::preset::file::{Preset, PresetError};
use crate::preset::{dial, folder};
use crate::standalone::stage::{Desk, Wish};
use crate::window::asked::Asked;
use crate::window::backstage::{Backstage, Left};
use crate::window::drag_out;
use crate::window::look::Look;
use crate::window::page::Page;
use crate::window::scene::Host;
use crate::window::shell::baseview::{self, dpi::LogicalSize};
use crate::window::shell::{self, Face, Opening};
use crate::window::view::View;

/// What the window asks whoever leads for.
pub(super) enum Wanted {
    /// See there.
    Asked(Asked),
    /// To play by this preset.
    Take(Box<Preset>),
}

/// Between the thread that leads and the one that draws.
#[derive(Default)]
pub(super) struct Link {
    shown: Mutex<Option<Shown>>,
    wanted: Mutex<VecDeque<Wanted>>,
    /// The window was closed.
    closed: AtomicBool,
    /// The session has ended.
    ended: AtomicBool,
    /// A preset was kept: the list is another.
    refresh: AtomicBool,
}

/// What the one who leads shows.
#[derive(Clone)]
struct Shown {
    models: Arc<ModelSlot>,
    engine: (Arc<Display>, Arc<Meter>),
    settings: Settings,
    notice: String,
}

impl Link {
    /// Shows this from now on.
    pub(super) fn show(&self, desk: &Desk, notice: &str) {
        let mut shown = self.shown.lock();
        match &mut *shown {
            Some(shown) => {
                shown.settings = *desk.settings();
                notice.clone_into(&mut shown.notice);
            }
            None => {
                *shown = Some(Shown {
                    models: Arc::clone(desk.models()),
                    engine: (Arc::clone(desk.display()), Arc::clone(desk.meter())),
                    settings: *desk.settings(),
                    notice: notice.to_owned(),
                });
            }
        }
    }

    /// The next thing that was asked for.
    pub(super) fn next(&self) -> Option<Wanted> {
        self.wanted.lock().pop_front()
    }

    /// The list of presets is another.
    pub(super) fn refresh(&self) {
        self.refresh.store(true, Ordering::Release);
    }

    /// Whether the window was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// Opens the window and leads a session on another thread, until either ends. Where there can be no window the session goes
/// on without.
///
/// # Errors
/// Those of the session.
pub(super) fn run(
    args: &LiveArgs,
    lead: impl FnOnce(&Link) -> anyhow::Result<()> + Send,
) -> anyhow::Result<()> {
    let link = Arc::new(Link::default());
    std::thread::scope(|scope| {
        let leads = Arc::clone(&link);
        let leader = scope.spawn(move || {
            let _ends = Ends(Arc::clone(&leads));
            lead(&leads)
        });
        match open(&link, args.page, args.open.clone()) {
            Ok(()) => link.closed.store(true, Ordering::Release),
            Err(why) => eprintln!("sideman: no window ({why}); it plays on, Ctrl-C ends it"),
        }
        leader.join().map_err(|_| anyhow::anyhow!("the session has fallen"))?
    })
}

/// Says that the session has ended, however it did.
struct Ends(Arc<Link>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

/// Does at the desk what the window asked for; gives what there is to say.
pub(super) fn answer(desk: &mut Desk, asked: Asked) -> Option<String> {
    match asked {
        Asked::Set(name, value) => match dial::changed(desk.settings(), name, &value) {
            Ok(settings) => {
                desk.ask(Wish::Play(settings));
            }
            Err(error) => return Some(error.to_string()),
        },
        Asked::Panic => {
            desk.ask(Wish::Panic);
        }
        Asked::Tap => {
            desk.ask(Wish::Tap);
        }
        Asked::Forget => {
            desk.models().memory().forget();
            return Some("forgot what was picked up from you".to_owned());
        }
        Asked::SavePreset => {
            return Some(match keep_preset(desk) {
                Ok(name) => format!("kept your settings as the preset \"{name}\""),
                Err(error) => format!("the preset can't be kept: {error}"),
            });
        }
        _ => {}
    }
    None
}

/// Keeps the settings as a preset of the user's. Gives its name.
fn keep_preset(desk: &Desk) -> Result<String, PresetError> {
    let folder = folder::presets().ok_or(PresetError::NoFolder)?;
    let bank = Bank::with_folder(&folder);
    let name = (1..10_000).map(|n| format!("Take {n}")).find(|name| bank.get(name).is_none());
    let name = name.ok_or_else(|| PresetError::Taken("Take".to_owned()))?;
    let preset = Preset {
        name: name.clone(),
        author: String::new(),
        about: String::new(),
        model: folder::name_of(&desk.models().choice()),
        settings: *desk.settings(),
    };
    bank::keep(&preset, &folder)?;
    Ok(name)
}

/// Shows the window until it is closed.
fn open(
    link: &Arc<Link>,
    page: Option<Page>,
    folder: Option<PathBuf>,
) -> Result<(), baseview::Error> {
    let look = Look::open();
    let mut view = View::new(look);
    if let Some(page) = page {
        view.open_page(page);
    }
    let [width, height] = look.size.map(|side| f64::from(side * look.zoom));
    let opening = Opening {
        size: LogicalSize::new(width, height).into(),
        zoom: look.zoom,
        parent: None,
        waits_for_parent: false,
        fallback_scale: None,
    };
    let pane = Pane { link: Arc::clone(link), view, backstage: None, folder };
    shell::run(opening, pane)
}

/// What draws.
struct Pane {
    link: Arc<Link>,
    view: View,
    backstage: Option<Backstage>,
    /// Is to be opened at first.
    folder: Option<PathBuf>,
}

impl Face for Pane {
    fn begin(&mut self, ctx: &egui::Context) {
        View::prepare(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui) {
        if self.link.ended.load(Ordering::Acquire) {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
        let Some(shown) = self.link.shown.lock().clone() else {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(30));
            return;
        };
        let models = &shown.models;
        let backstage =
            self.backstage.get_or_insert_with(|| Backstage::new(Arc::clone(models), || {}));
        let (display, meter) = &shown.engine;
        backstage.look_at(display, meter);
        backstage.follow(&shown.settings, Instant::now());
        if self.link.refresh.swap(false, Ordering::AcqRel) {
            backstage.answer(Asked::Refresh);
        }
        if !shown.notice.is_empty() {
            backstage.hear(&shown.notice);
        }
        if let Some(folder) = self.folder.take() {
            backstage.answer(Asked::Open(folder));
        }
        let host = Host { name: "", drags_out: drag_out::works(), automates: false };
        let asked = self.view.ui(ui, &backstage.scene(&shown.settings, host));
        for one in asked {
            if let Asked::Keep(look) = one {
                if let Err(error) = look.keep() {
                    backstage.say(format!("the window's look can't be kept: {error}"));
                }
                continue;
            }
            let wanted = match backstage.answer(one) {
                Left::Nothing => continue,
                Left::Take(preset) => Wanted::Take(preset),
                Left::Yours(asked) => Wanted::Asked(asked),
            };
            self.link.wanted.lock().push_back(wanted);
        }
    }
}
