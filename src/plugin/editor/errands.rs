//! What the window tells the host, on the host's main thread: formats forbid gestures from any other, and with X11 the window has
//! a thread of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::HostMainThreadCaller;
use parking_lot::Mutex;

use super::Switch;
use crate::link::settings::Settings;
use crate::plugin::desk::Desk;
use crate::plugin::params::Gesture;

/// One thing to tell the host.
pub(super) enum Errand {
    /// A setting's control is taken hold of.
    Grab(&'static str),
    /// It is turned to what it is in these settings.
    Set(&'static str, Box<Settings>),
    /// It is let go of.
    LetGo(&'static str),
    /// A switch is on or off.
    Switch(Switch, bool),
}

/// Wakes the host's main thread.
pub(super) type Caller = Arc<Mutex<Box<dyn HostMainThreadCaller>>>;

/// The way to the host while a window is open.
pub(super) struct Errands {
    desk: Arc<Desk>,
    context: GuiContext,
    waiting: Mutex<VecDeque<Errand>>,
    caller: Option<Caller>,
}

impl Errands {
    /// To a host whose main thread is woken by the caller, where the window has a thread of its own.
    pub(super) fn new(desk: Arc<Desk>, context: GuiContext, caller: Option<Caller>) -> Self {
        let caller = caller.filter(|_| cfg!(target_os = "linux"));
        Self { desk, context, waiting: Mutex::default(), caller }
    }

    /// The host is to be told. The window's thread.
    pub(super) fn post(&self, errand: Errand) {
        let Some(caller) = &self.caller else { return self.run(&errand) };
        let mut waiting = self.waiting.lock();
        waiting.push_back(errand);
        if waiting.len() == 1 {
            drop(waiting);
            caller.lock().call_main_thread();
        }
    }

    /// Tells the host what waits. Main thread.
    pub(super) fn run_all(&self) {
        while let Some(errand) = self.next() {
            self.run(&errand);
        }
    }

    /// Tells the host that nothing is held any more, and no more than that: the window is gone. Main thread.
    pub(super) fn finish(&self) {
        while let Some(errand) = self.next() {
            if matches!(errand, Errand::LetGo(_)) {
                self.run(&errand);
            }
        }
    }

    fn next(&self) -> Option<Errand> {
        self.waiting.lock().pop_front()
    }

    fn run(&self, errand: &Errand) {
        let params = &self.desk.params;
        let hand = self.context.param_setter();
        match errand {
            Errand::Grab(name) => params.touch(&hand, name, Gesture::Grab),
            Errand::Set(name, settings) => params.touch(&hand, name, Gesture::Set(settings)),
            Errand::LetGo(name) => params.touch(&hand, name, Gesture::LetGo),
            Errand::Switch(switch, is_on) => {
                let switch = switch.of(&self.desk);
                hand.begin_set_parameter(switch);
                hand.set_parameter(switch, *is_on);
                hand.end_set_parameter(switch);
            }
        }
    }
}
