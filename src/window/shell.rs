//! A window of the system with the view in it, the same for the plugin and the program: what is typed, pointed at and dropped
//! there goes to egui, and what egui draws goes to the screen by OpenGL.
//!
//! Ours, on baseview, for what its adapter to egui leaves out: files that are dropped, the end of a window, and keys with shift.

mod canvas;
mod clipboard;
mod input;
mod pane;

pub use baseview;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baseview::dpi::{LogicalSize, Size};
use baseview::gl::GlConfig;
use baseview::host::Host;
use baseview::{Error, ParentWindowHandle, WindowSettings, WindowSize};

use crate::window::look::LEAST_SIZE;
use pane::Pane;

/// How long a window that is dropped is waited for.
const CLOSING: Duration = Duration::from_secs(3);

/// What a window shows. Lives as long as the window: its end is the window's.
pub trait Face: Send + 'static {
    /// Is told once of what draws it, before the first frame. The window's thread.
    fn begin(&mut self, ctx: &egui::Context);

    /// Draws a frame. The window's thread: the program's or host's main one, but with X11 one of its own.
    fn ui(&mut self, ui: &mut egui::Ui);

    /// The window has another size. The window's thread.
    fn resized(&mut self, size: WindowSize) {
        let _ = size;
    }
}

/// How a window is opened.
#[derive(Debug)]
pub struct Opening {
    /// Its size, with the zoom in it.
    pub size: Size,
    /// Factor on everything.
    pub zoom: f32,
    /// The window of a host that it lies in.
    pub parent: Option<ParentWindowHandle>,
    /// Whether that is yet to come.
    pub waits_for_parent: bool,
    /// The scale of a screen that does not tell its own.
    pub fallback_scale: Option<f64>,
}

/// Opens a window, unseen until it is shown. Main thread.
///
/// # Errors
/// Where there is no screen, or no OpenGL for it.
pub fn open<F: Face>(opening: Opening, face: F, host: Option<Host>) -> Result<Window, Error> {
    let closes = Arc::new(AtomicBool::new(false));
    Ok(Window { system: create(opening, face, Arc::clone(&closes), host)?, closes })
}

/// Shows a window until it is closed. Main thread.
///
/// # Errors
/// Where there is no screen, or no OpenGL for it.
pub fn run<F: Face>(opening: Opening, face: F) -> Result<(), Error> {
    create(opening, face, Arc::default(), None)?.run_until_closed()
}

fn create<F: Face>(
    opening: Opening,
    face: F,
    closes: Arc<AtomicBool>,
    host: Option<Host>,
) -> Result<baseview::Window, Error> {
    let Opening { size, zoom, parent, waits_for_parent, fallback_scale } = opening;
    let [width, height] = LEAST_SIZE.map(f64::from);
    let mut settings = WindowSettings::new()
        .with_title("Sideman")
        .with_size(size)
        .with_min_size::<Size>(Some(LogicalSize::new(width, height).into()))
        .with_wait_for_parent(waits_for_parent)
        .with_fallback_scale_factor(fallback_scale)
        .with_gl_config(Some(GlConfig::default()));
    settings.parent = parent;
    let pane = move |window| Pane::new(window, zoom, closes, face);
    baseview::Window::create_with_host(settings, pane, host)
}

/// An open window. Main thread. Once it is dropped its face has ended, and the window's thread, where it has one.
pub struct Window {
    system: baseview::Window,
    /// Tells the pane to close it.
    closes: Arc<AtomicBool>,
}

impl Deref for Window {
    type Target = baseview::Window;

    fn deref(&self) -> &baseview::Window {
        &self.system
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if !cfg!(target_os = "linux") {
            return;
        }
        // By itself it would not wait for its thread, and a host may unload the plugin under that.
        self.closes.store(true, Ordering::Release);
        let _ = self.system.request_poll();
        let begun = Instant::now();
        while self.system.is_open() && begun.elapsed() < CLOSING {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
