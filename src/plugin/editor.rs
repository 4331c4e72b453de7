//! The plugin's window: the view that the program has too, led by a host's parameters.

mod errands;
mod opening;

use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::prelude::BoolParam;

use crate::plugin::desk::Desk;
use crate::preset::dial;
use crate::window::asked::Asked;
use crate::window::backstage::{Backstage, Left};
use crate::window::drag_out;
use crate::window::host;
use crate::window::look::Look;
use crate::window::scene::Host;
use crate::window::view::View;

use errands::{Errand, Errands};
pub use opening::Editor;

/// How long a switch that is pressed stays on: longer than any block, so that the audio thread sees it.
const PRESSED: Duration = Duration::from_millis(250);

/// The window of one instance; lives as long as that, open or not.
struct Window {
    desk: Arc<Desk>,
    host: String,
    view: View,
    backstage: Backstage,
    /// Settings that were held when the window was closed.
    held: Vec<&'static str>,
    /// Whether a preset is being kept.
    saves: bool,
    /// When a switch that was pressed is let go of.
    pressed: Vec<(Switch, Instant)>,
}

/// A switch that does something when it is switched on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    Panic,
    Tap,
    Forget,
    Save,
}

impl Switch {
    fn of(self, desk: &Desk) -> &BoolParam {
        match self {
            Self::Panic => &desk.params.panic,
            Self::Tap => &desk.params.tap,
            Self::Forget => &desk.params.forget,
            Self::Save => &desk.params.save_preset,
        }
    }
}

/// The editor of an instance. Main thread.
pub(super) fn editor(desk: &Arc<Desk>) -> Editor {
    let look = Look::open();
    let window = Window {
        desk: Arc::clone(desk),
        host: host::name(),
        view: View::new(look),
        backstage: Backstage::new(Arc::clone(&desk.models), {
            let desk = Arc::downgrade(desk);
            move || {
                if let Some(desk) = desk.upgrade() {
                    desk.params.saved.forget_hash();
                }
            }
        }),
        held: Vec::new(),
        saves: false,
        pressed: Vec::new(),
    };
    Editor::new(window, look)
}

impl Window {
    /// Draws a frame.
    fn frame(&mut self, ui: &mut egui::Ui, errands: &Errands) {
        let settings = self.desk.params.settings();
        if let Some((display, meter)) = self.desk.engine() {
            self.backstage.look_at(&display, &meter);
        }
        for name in self.held.drain(..) {
            errands.post(Errand::LetGo(name));
        }
        let now = Instant::now();
        self.backstage.follow(&settings, now);
        let saves = self.desk.params.save_preset.value();
        if std::mem::replace(&mut self.saves, saves) && !saves {
            self.backstage.answer(Asked::Refresh);
        }
        let host = Host { name: &self.host, drags_out: drag_out::works(), automates: true };
        let asked = self.view.ui(ui, &self.backstage.scene(&settings, host));
        for one in asked {
            self.answer(one, errands);
        }
        self.let_go(now, errands);
    }

    /// Its last frame was drawn. What is held then the host hears of with the next window: while it closes one it must not be told.
    fn close(&mut self, errands: &Errands) {
        self.held.extend(errands.unfinished());
        let held = |asked| if let Asked::LetGo(name) = asked { Some(name) } else { None };
        self.held.extend(self.view.close().into_iter().filter_map(held));
        self.pressed.clear();
        self.desk.let_go();
    }

    fn answer(&mut self, asked: Asked, errands: &Errands) {
        match self.backstage.answer(asked) {
            Left::Nothing => {}
            Left::Take(preset) => self.desk.take(&preset),
            Left::Yours(asked) => self.turn(asked, errands),
        }
    }

    /// Does what the host must know of.
    fn turn(&mut self, asked: Asked, errands: &Errands) {
        match asked {
            Asked::Grab(name) => errands.post(Errand::Grab(name)),
            Asked::LetGo(name) => errands.post(Errand::LetGo(name)),
            Asked::Set(name, value) => {
                match dial::changed(&self.desk.params.settings(), name, &value) {
                    Ok(settings) => errands.post(Errand::Set(name, Box::new(settings))),
                    Err(error) => self.backstage.say(error.to_string()),
                }
            }
            Asked::Panic => self.press(Switch::Panic, errands),
            Asked::Tap => self.press(Switch::Tap, errands),
            Asked::Forget => self.press(Switch::Forget, errands),
            Asked::SavePreset => self.press(Switch::Save, errands),
            Asked::Keep(look) => {
                if let Err(error) = look.keep() {
                    self.backstage.say(format!("the window's look can't be kept: {error}"));
                }
            }
            _ => {}
        }
    }

    fn press(&mut self, switch: Switch, errands: &Errands) {
        errands.post(Errand::Switch(switch, true));
        self.pressed.retain(|(pressed, _)| *pressed != switch);
        self.pressed.push((switch, Instant::now() + PRESSED));
    }

    /// Lets go of the switches whose time has come.
    fn let_go(&mut self, now: Instant, errands: &Errands) {
        self.pressed.retain(|(switch, until)| {
            let is_over = *until <= now;
            if is_over {
                errands.post(Errand::Switch(*switch, false));
            }
            !is_over
        });
    }
}
