//! Files over a real window on a virtual screen: one that is dragged over it hovers there, is dropped, or goes elsewhere; and
//! what Sideman drags itself is taken by whoever takes drops.
//!
//! Skipped where there is no Xvfb, or no OpenGL for it.
#![cfg(all(target_os = "linux", feature = "window"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]
#![allow(clippy::print_stderr, reason = "why a test is skipped is for whoever runs it")]

#[path = "rig/screen.rs"]
mod screen;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use screen::{is_inside, on_a_screen};
use sideman::window::drag_out::Drag;
use sideman::window::shell::{self, Face, Opening, baseview};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, MOTION_NOTIFY_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

#[test]
fn a_file_is_dragged_from_here_to_there() {
    on_a_screen("dragged");
}

#[test]
fn a_window_ends_with_its_face() {
    on_a_screen("closed");
}

#[test]
fn a_zoom_makes_a_window_larger_once() {
    on_a_screen("zoomed");
}

mod inside {
    use super::*;

    #[test]
    #[ignore = "runs inside the test of the like name"]
    fn zoomed() {
        if !is_inside() {
            return;
        }
        let (window, seen) = open_zoomed(1.5);
        let size = window.size().physical;
        until("twenty frames", || seen.lock().frames > 20);
        assert_eq!((size.width, size.height), (700, 500));
        assert_eq!(window.size().physical, size);
    }

    #[test]
    #[ignore = "runs inside the test of the like name"]
    fn dragged() {
        if !is_inside() {
            return;
        }
        let (window, seen) = open();
        let hand = Hand::new();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Für Elise, 100 % & more.mid");
        std::fs::write(&path, "").unwrap();
        let hovers = |is: bool| {
            until("it hovers, or does not", || seen.lock().hovered.contains(&path) == is);
        };

        hand.press(OUTSIDE);
        let drag = Drag::start(&path).unwrap();
        for place in [INSIDE_IT, OUTSIDE, INSIDE_IT] {
            hand.glide(place);
            hovers(place == INSIDE_IT);
        }
        assert!(drag.goes_on());
        hand.release(INSIDE_IT);
        until("it is dropped", || seen.lock().dropped == [path.clone()]);
        until("the drag ends", || !drag.goes_on());
        hovers(false);

        // Let go of where nobody takes it.
        hand.press(INSIDE_IT);
        let drag = Drag::start(&path).unwrap();
        hand.glide(INSIDE_IT);
        hovers(true);
        hand.glide(OUTSIDE);
        hovers(false);
        hand.release(OUTSIDE);
        until("the drag ends", || !drag.goes_on());

        // Who drags goes away in the midst of it.
        hand.press(INSIDE_IT);
        let drag = Drag::start(&path).unwrap();
        hand.glide(INSIDE_IT);
        hovers(true);
        drop(drag);
        hovers(false);
        hand.release(INSIDE_IT);

        // No button is held.
        let drag = Drag::start(&path).unwrap();
        until("the drag ends", || !drag.goes_on());
        assert_eq!(seen.lock().dropped, [path], "once");
        drop(window);
    }

    #[test]
    #[ignore = "runs inside the test of the like name"]
    fn closed() {
        if !is_inside() {
            return;
        }
        let (window, seen) = open();
        assert!(!seen.lock().ended);
        drop(window);
        assert!(seen.lock().ended);
    }
}

const OUTSIDE: (i16, i16) = (1500, 1000);
const INSIDE_IT: (i16, i16) = (120, 90);

/// What a window saw.
#[derive(Default)]
struct Seen {
    frames: u64,
    hovered: Vec<PathBuf>,
    dropped: Vec<PathBuf>,
    ended: bool,
}

struct Watcher(Arc<Mutex<Seen>>);

impl Face for Watcher {
    fn begin(&mut self, _: &egui::Context) {}

    fn ui(&mut self, ui: &mut egui::Ui) {
        let mut seen = self.0.lock();
        seen.frames += 1;
        ui.ctx().request_repaint_after(Duration::from_millis(5));
        ui.ctx().input(|input| {
            let hovered = input.raw.hovered_files.iter().filter_map(|file| file.path.clone());
            seen.hovered = hovered.collect();
            seen.dropped.extend(input.raw.dropped_files.iter().map(|file| file.path().to_owned()));
        });
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.lock().ended = true;
    }
}

/// A window on the screen, whose first frame is drawn.
fn open() -> (shell::Window, Arc<Mutex<Seen>>) {
    open_zoomed(1.0)
}

fn open_zoomed(zoom: f32) -> (shell::Window, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let opening = Opening {
        size: baseview::dpi::LogicalSize::new(700.0, 500.0).into(),
        zoom,
        parent: None,
        waits_for_parent: false,
        fallback_scale: None,
    };
    let window = shell::open(opening, Watcher(Arc::clone(&seen)), None).unwrap();
    window.show().unwrap();
    until("a frame", || seen.lock().frames > 0);
    (window, seen)
}

/// Who has the mouse.
struct Hand {
    server: RustConnection,
    root: u32,
}

impl Hand {
    fn new() -> Self {
        let (server, number) = x11rb::connect(None).unwrap();
        let root = server.setup().roots[number].root;
        Self { server, root }
    }

    fn press(&self, place: (i16, i16)) {
        self.fake(MOTION_NOTIFY_EVENT, 0, place);
        self.fake(BUTTON_PRESS_EVENT, 1, place);
    }

    fn release(&self, place: (i16, i16)) {
        self.fake(BUTTON_RELEASE_EVENT, 1, place);
    }

    /// Moves there, and a little on.
    fn glide(&self, (x, y): (i16, i16)) {
        for step in 0..5 {
            self.fake(MOTION_NOTIFY_EVENT, 0, (x + step, y + step));
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    fn fake(&self, event: u8, detail: u8, (x, y): (i16, i16)) {
        self.server.xtest_fake_input(event, detail, 0, self.root, x, y, 0).unwrap();
        self.server.flush().unwrap();
    }
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(15), "{what} takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}
