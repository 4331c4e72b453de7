//! A file that is dragged out of the window, to a track of a host or to a folder.
//!
//! With X11, where it goes round the window: who drags asks the server where the pointer is, and tells whoever is under it. Other
//! systems drag from a window of their own kind alone; there the file's path is copied, or the file shown in its folder.

#[cfg(target_os = "linux")]
mod xdnd;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Whether files can be dragged out here.
pub fn works() -> bool {
    cfg!(target_os = "linux") && std::env::var_os("DISPLAY").is_some_and(|name| !name.is_empty())
}

/// A file that is being dragged. Where it is dropped, the dragging ends.
#[derive(Debug)]
pub struct Drag {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drag {
    /// Drags a file from where the pointer is, until the button that is held there is let go of. Any thread.
    ///
    /// # Errors
    /// Where files cannot be dragged out, or the system gives no thread.
    pub fn start(path: &Path) -> io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let thread = carry(path, Arc::clone(&ends))?;
        Ok(Self { ends, thread: Some(thread) })
    }

    /// Whether it is still being dragged, or being taken where it was dropped.
    pub fn goes_on(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Drag {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A drag that has fallen has dropped nothing; there is nobody to tell.
            let _ = thread.join();
        }
    }
}

#[cfg(target_os = "linux")]
fn carry(path: &Path, ends: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    let source = xdnd::Source::new(path).map_err(io::Error::other)?;
    let thread = std::thread::Builder::new().name("sideman-drag".to_owned());
    thread.spawn(move || {
        // The server went away: so did all windows.
        let _ = source.carry(&ends);
    })
}

#[cfg(not(target_os = "linux"))]
fn carry(_: &Path, _: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    Err(io::ErrorKind::Unsupported.into())
}
