//! What the window tells the host, on the host's main thread: formats forbid gestures from any other, and with X11 the window has
//! a thread of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// After this a host that was woken and did not come is woken again.
const AGAIN: Duration = Duration::from_millis(100);

/// What the host is yet to be told, and when it was woken for it.
#[derive(Default)]
struct Waiting {
    errands: VecDeque<Errand>,
    called: Option<Instant>,
}

/// The way to the host while a window is open.
pub(super) struct Errands {
    desk: Arc<Desk>,
    context: GuiContext,
    waiting: Mutex<Waiting>,
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
        self.waiting.lock().errands.push_back(errand);
    }

    /// Sees to it that the host is told what waits. The window's thread, after each frame: with nothing locked, since the host may
    /// call back at once.
    pub(super) fn deliver(&self) {
        let Some(caller) = &self.caller else { return self.run_all() };
        let mut waiting = self.waiting.lock();
        let is_due = waiting.called.is_none_or(|at| at.elapsed() >= AGAIN);
        if is_due && !waiting.errands.is_empty() {
            waiting.called = Some(Instant::now());
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

    /// What the host took hold of and has not heard the end of; all else that waits is forgotten.
    pub(super) fn unfinished(&self) -> Vec<&'static str> {
        let (mut grabbed, mut unfinished) = (Vec::new(), Vec::new());
        while let Some(errand) = self.next() {
            match errand {
                Errand::Grab(name) => grabbed.push(name),
                Errand::LetGo(name) if !grabbed.contains(&name) => unfinished.push(name),
                _ => {}
            }
        }
        unfinished
    }

    fn next(&self) -> Option<Errand> {
        let mut waiting = self.waiting.lock();
        let next = waiting.errands.pop_front();
        if next.is_none() {
            waiting.called = None;
        }
        next
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
