//! The plugin's window: the view that the program has too, led by a host's parameters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::context::gui::{GuiContext, ParamSetter};
use nice_plug::editor::dpi::{LogicalSize, PhysicalSize, Size};
use nice_plug::editor::{ResizeHint, SizeConstraints};
use nice_plug::prelude::BoolParam;
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier,
    create_egui_editor,
};

use crate::plugin::desk::Desk;
use crate::plugin::params::Gesture;
use crate::preset::dial;
use crate::window::asked::Asked;
use crate::window::backstage::{Backstage, Left};
use crate::window::host;
use crate::window::look::{LEAST_SIZE, Look};
use crate::window::scene::Host;
use crate::window::view::View;

/// How long a switch that is pressed stays on: longer than any block, so that the audio thread sees it.
const PRESSED: Duration = Duration::from_millis(250);

/// What hosts open.
pub type Editor = EguiEditor<Window>;

/// The window of one instance; lives as long as that, open or not.
pub struct Window {
    desk: Arc<Desk>,
    host: String,
    view: View,
    backstage: Backstage,
    /// While a frame is drawn.
    context: Option<GuiContext>,
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
pub(super) fn editor(desk: &Arc<Desk>) -> Option<Editor> {
    let look = Look::open();
    let [width, height] = look.size;
    // The adapter makes a window larger by the zoom and does not say so to the host, but where its size is told in pixels.
    let size: Size = if (look.zoom - 1.0).abs() < 1e-3 {
        LogicalSize::new(width, height).into()
    } else {
        PhysicalSize::new((width * look.zoom) as u32, (height * look.zoom) as u32).into()
    };
    let state = EguiEditorState::from_size(size, look.zoom);
    let [least_width, least_height] = LEAST_SIZE;
    let settings = EguiNiceSettings::new().with_tile("Sideman").with_resize_hint(ResizeHint {
        can_resize: true,
        can_resize_horizontally: true,
        can_resize_vertically: true,
        preserve_aspect_ratio: false,
        aspect_ratio_width: 1,
        aspect_ratio_height: 1,
        size_constraints: SizeConstraints::Logical {
            min_size: Some(LogicalSize::new(least_width, least_height)),
            max_size: None,
        },
    });
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
        context: None,
        saves: false,
        pressed: Vec::new(),
    };
    create_egui_editor(state, RepaintNotifier::new(), settings, window)
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        egui_ctx: egui::Context,
        context: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        View::prepare(&egui_ctx);
        let open = Arc::new(Open { desk: Arc::clone(&self.desk), context });
        egui_ctx.data_mut(|data| data.insert_temp(place(), open));
        self.pressed.clear();
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        let settings = self.desk.params.settings();
        if let Some((display, meter)) = self.desk.engine() {
            self.backstage.look_at(&display, &meter);
        }
        let open = ui.ctx().data(|data| data.get_temp::<Arc<Open>>(place()));
        self.context = open.map(|open| open.context.clone());
        let now = Instant::now();
        self.backstage.follow(&settings, now);
        let saves = self.desk.params.save_preset.value();
        if std::mem::replace(&mut self.saves, saves) && !saves {
            self.backstage.answer(Asked::Refresh);
        }
        let host = Host { name: &self.host, drags_out: false, automates: true };
        let asked = self.view.ui(ui, &self.backstage.scene(&settings, host));
        for one in asked {
            self.answer(one);
        }
        self.let_go(now);
        self.context = None;
    }
}

/// A window while it is open. Lies in egui's memory: the adapter does not say that a window is closed, but drops that with it.
struct Open {
    desk: Arc<Desk>,
    /// The way to the host, which ends with the window.
    context: GuiContext,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.desk.let_go();
    }
}

/// Where it lies.
fn place() -> egui::Id {
    egui::Id::unique("sideman-open")
}

impl Window {
    fn answer(&mut self, asked: Asked) {
        match self.backstage.answer(asked) {
            Left::Nothing => {}
            Left::Take(preset) => self.desk.take(&preset),
            Left::Yours(asked) => self.turn(asked),
        }
    }

    /// Does what the host must know of.
    fn turn(&mut self, asked: Asked) {
        match asked {
            Asked::Grab(name) => self.gesture(name, Gesture::Grab),
            Asked::LetGo(name) => self.gesture(name, Gesture::LetGo),
            Asked::Set(name, value) => {
                match dial::changed(&self.desk.params.settings(), name, &value) {
                    Ok(settings) => self.gesture(name, Gesture::Set(&settings)),
                    Err(error) => self.backstage.say(error.to_string()),
                }
            }
            Asked::Panic => self.press(Switch::Panic),
            Asked::Tap => self.press(Switch::Tap),
            Asked::Forget => self.press(Switch::Forget),
            Asked::SavePreset => self.press(Switch::Save),
            Asked::Keep(look) => {
                if let Err(error) = look.keep() {
                    self.backstage.say(format!("the window's look can't be kept: {error}"));
                }
            }
            _ => {}
        }
    }

    fn gesture(&self, name: &str, gesture: Gesture<'_>) {
        if let Some(context) = &self.context {
            self.desk.params.touch(&context.param_setter(), name, gesture);
        }
    }

    fn press(&mut self, switch: Switch) {
        let Some(context) = &self.context else { return };
        set(&context.param_setter(), switch.of(&self.desk), true);
        self.pressed.retain(|(pressed, _)| *pressed != switch);
        self.pressed.push((switch, Instant::now() + PRESSED));
    }

    /// Lets go of the switches whose time has come.
    fn let_go(&mut self, now: Instant) {
        let Some(context) = &self.context else { return };
        let setter = context.param_setter();
        self.pressed.retain(|(switch, until)| {
            let is_over = *until <= now;
            if is_over && switch.of(&self.desk).value() {
                set(&setter, switch.of(&self.desk), false);
            }
            !is_over
        });
    }
}

fn set(setter: &ParamSetter<'_>, switch: &BoolParam, is_on: bool) {
    setter.begin_set_parameter(switch);
    setter.set_parameter(switch, is_on);
    setter.end_set_parameter(switch);
}
