//! What the framework wants of an editor: to be opened in a host's window, resized, and closed.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{
    EditorHandle, HostCallbacks, HostMainThreadCaller, HostMethods, ParentWindowHandle, ResizeHint,
    SizeConstraints, SpawnedEditor,
};
use parking_lot::Mutex;

use super::errands::{Caller, Errands};
use super::{Desk, Look, View, Window};
use crate::window::look::LEAST_SIZE;
use crate::window::shell::baseview::{self, HandlerError, WindowSize, WindowWaker, host};
use crate::window::shell::{self, Face, Opening};

/// What hosts open. Lives as long as the instance.
pub struct Editor {
    window: Arc<Mutex<Window>>,
    desk: Arc<Desk>,
    extent: Arc<Mutex<Extent>>,
}

/// How large the window is, or will be when it is opened.
#[derive(Clone, Copy)]
struct Extent {
    size: LogicalSize<f64>,
    scale: f64,
}

impl Editor {
    /// The editor of an instance's window.
    pub(super) fn new(window: Window, look: Look) -> Self {
        let [width, height] = look.size.map(|side| f64::from(side * look.zoom));
        let extent = Extent { size: LogicalSize::new(width, height), scale: 1.0 };
        Self {
            desk: Arc::clone(&window.desk),
            window: Arc::new(Mutex::new(window)),
            extent: Arc::new(Mutex::new(extent)),
        }
    }
}

impl nice_plug::editor::Editor for Editor {
    type Handle = Opened;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Opened>, Box<dyn Error>> {
        let (callbacks, caller) = match host {
            Some(HostMethods { callbacks, main_thread_caller }) => {
                (Some(callbacks), Some(Arc::new(Mutex::new(main_thread_caller)) as Caller))
            }
            None => (None, None),
        };
        let errands = Errands::new(Arc::clone(&self.desk), gui_context, caller.clone());
        let errands = Arc::new(errands);
        let opening = Opening {
            size: Size::Logical(self.extent.lock().size),
            zoom: self.window.lock().view.zoom(),
            parent: parent.as_ref().map(baseview::ParentWindowHandle::from_window),
            waits_for_parent: wait_for_parent,
            fallback_scale: fallback_scale_factor,
        };
        let face = Shown {
            window: Arc::clone(&self.window),
            extent: Arc::clone(&self.extent),
            errands: Arc::clone(&errands),
        };
        let host = callbacks.zip(caller).map(|(callbacks, caller)| {
            host::Host::new().with_callbacks(Told(callbacks)).with_main_thread(Called(caller))
        });
        let window = shell::open(opening, face, host)?;
        keep(&self.extent, window.size());
        let handle = Opened { waker: window.waker(), errands };
        Ok(SpawnedEditor { handle, window })
    }

    fn size(&self) -> NativeSize<u32> {
        let Extent { size, scale } = *self.extent.lock();
        NativeSize::from_size(Size::Logical(size), scale)
    }

    fn resize_hint(&self) -> ResizeHint {
        resize_hint()
    }
}

fn resize_hint() -> ResizeHint {
    let [width, height] = LEAST_SIZE;
    ResizeHint {
        can_resize: true,
        can_resize_horizontally: true,
        can_resize_vertically: true,
        preserve_aspect_ratio: false,
        aspect_ratio_width: 1,
        aspect_ratio_height: 1,
        size_constraints: SizeConstraints::Logical {
            min_size: Some(LogicalSize::new(width, height)),
            max_size: None,
        },
    }
}

fn keep(extent: &Mutex<Extent>, size: WindowSize) {
    *extent.lock() = Extent { size: size.logical, scale: size.scale_factor };
}

/// What an open window shows.
struct Shown {
    window: Arc<Mutex<Window>>,
    extent: Arc<Mutex<Extent>>,
    errands: Arc<Errands>,
}

impl Face for Shown {
    fn begin(&mut self, ctx: &egui::Context) {
        View::prepare(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui) {
        self.window.lock().frame(ui, &self.errands);
        self.errands.deliver();
    }

    fn resized(&mut self, size: WindowSize) {
        keep(&self.extent, size);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.window.lock().close(&self.errands);
    }
}

/// An open window, to the framework. Main thread.
pub struct Opened {
    waker: WindowWaker,
    errands: Arc<Errands>,
}

impl EditorHandle for Opened {
    type Window = shell::Window;
    type Error = baseview::Error;

    /// Only of a program of the framework's own, which there is none of.
    fn run_until_closed(window: shell::Window) -> Result<(), baseview::Error> {
        window.show()?;
        while window.is_open() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &shell::Window,
    ) -> Result<(), baseview::Error> {
        window.set_parent(&parent)
    }

    fn show(&self, window: &shell::Window) -> Result<(), baseview::Error> {
        window.show()?;
        self.waker.request_redraw();
        Ok(())
    }

    fn hide(&self, window: &shell::Window) -> Result<(), baseview::Error> {
        window.hide()
    }

    fn set_size(
        &self,
        size: NativeSize<u32>,
        window: &shell::Window,
    ) -> Result<(), baseview::Error> {
        window.resize(size)
    }

    fn host_main_thread_callback(&self, window: &shell::Window) {
        window.host_main_thread_callback();
        self.errands.run_all();
    }

    fn adjust_size(
        &self,
        wanted: NativeSize<u32>,
        window: &shell::Window,
    ) -> Option<NativeSize<u32>> {
        let now = window.size();
        let native = NativeSize::from_logical_or_physical(now.logical, now.physical);
        Some(resize_hint().adjust_size(wanted, native, now.scale_factor))
    }

    fn set_fallback_scale_factor(
        &self,
        scale: f64,
        window: &shell::Window,
    ) -> Result<(), baseview::Error> {
        window.suggest_fallback_scale_factor(scale)
    }

    fn state_changed(&self) {
        self.waker.request_redraw();
    }

    fn param_value_changed(&self, _id: &str, _normalized_value: f32) {
        self.waker.request_redraw();
    }

    fn param_modulation_changed(&self, _id: &str, _modulation_offset: f32) {}
}

/// What a window tells its host.
struct Told(Box<dyn HostCallbacks>);

impl host::HostCallbacks for Told {
    fn request_resize(&mut self, size: WindowSize) -> Result<(), HandlerError> {
        let asked = self.0.request_resize(size.physical.into(), size.scale_factor);
        asked.map_err(HandlerError::from_boxed)
    }

    fn destroyed(&mut self) {
        self.0.destroyed();
    }
}

/// Who wakes the main thread for the window.
struct Called(Caller);

impl host::HostMainThreadCaller for Called {
    fn call_main_thread(&mut self) {
        HostMainThreadCaller::call_main_thread(&mut **self.0.lock());
    }
}
