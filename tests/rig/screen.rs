//! A virtual screen: Xvfb for as long as a test needs it, and a program of the test's own on it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Names the screen that this program is to open windows on.
pub(crate) const INSIDE: &str = "SIDEMAN_TEST_INSIDE";

/// Runs the test of this name in `inside` in a program of its own, on a screen of its own; skips it where there can be none.
pub(crate) fn on_a_screen(test: &str) {
    if is_inside() {
        return;
    }
    let Some(xvfb) = Xvfb::start() else {
        eprintln!("skipped: Xvfb is not installed (apt-get install xvfb)");
        return;
    };
    for library in ["libGL.so.1", "libX11.so.6", "libX11-xcb.so.1", "libXcursor.so.1"] {
        if !is_here(library) {
            eprintln!("skipped: {library} is not installed");
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside.args(["--exact", &format!("inside::{test}"), "--nocapture", "--ignored"]);
    inside.env(INSIDE, "1").env("DISPLAY", xvfb.display()).env("LIBGL_ALWAYS_SOFTWARE", "1");
    for name in ["SIDEMAN_WINDOW", "SIDEMAN_MODELS", "SIDEMAN_PRESETS", "SIDEMAN_CAPTURES"] {
        inside.env(name, folder.path().join(name));
    }
    let status = inside.status().unwrap();
    assert!(status.success(), "{test}: {status}");
}

/// Whether this is the program on the screen.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Whether a library of the desktop can be loaded.
#[expect(unsafe_code, reason = "a library is loaded")]
fn is_here(library: &str) -> bool {
    // SAFETY: a library of the system, which the window would load, too.
    unsafe { libloading::Library::new(library) }.is_ok()
}

/// A server without a screen that anybody sees.
struct Xvfb {
    child: Child,
    display: String,
}

impl Xvfb {
    /// Starts one on a free display; `None` where it is not installed.
    fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1600x1100x24", "-nolisten", "tcp"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut number = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut number).ok()?;
        let display = format!(":{}", number.trim());
        Some(Self { child, display })
    }

    /// What `DISPLAY` is there.
    fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
