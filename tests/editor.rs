//! The plugin's window in a CLAP host on a virtual screen: opened, clicked all over, resized and closed again and again, it
//! neither falls nor leaks. `SIDEMAN_OPENINGS=200` says how often.
//!
//! Skipped where there is no Xvfb, or no OpenGL for it.
#![cfg(all(target_os = "linux", feature = "plugin", feature = "window"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]
#![allow(clippy::print_stderr, reason = "figures, and why there are none, are for whoever runs it")]

#[path = "rig/screen.rs"]
mod screen;
#[path = "rig/window_host.rs"]
mod window_host;

use std::process::Command;

use screen::{INSIDE, is_inside, on_a_screen};
use window_host::WindowHost;

/// Openings without a word in [`OPENINGS`].
const USUAL: u32 = 12;
const OPENINGS: &str = "SIDEMAN_OPENINGS";

/// Openings before the first measure: caches of the graphics driver fill once.
const WARM_UP: u32 = 5;

/// What may be more in the end: kilobytes in all and for each opening, open files, threads.
const SLACK_KB: u64 = 48_000;
const LEAK_KB: u64 = 100;

#[test]
fn a_window_that_opens_and_closes_again_and_again_leaks_nothing() {
    on_a_screen("open_and_close");
}

#[test]
fn a_host_without_a_screen_is_told_that_there_is_no_window() {
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside.args(["--exact", "inside::no_screen", "--nocapture", "--ignored"]);
    let status = inside.env(INSIDE, "1").env_remove("DISPLAY").status().unwrap();
    assert!(status.success(), "{status}");
}

/// What runs in a program of its own.
mod inside {
    use super::*;

    #[test]
    #[ignore = "runs inside the test of the same name"]
    fn open_and_close() {
        if !is_inside() {
            return;
        }
        let openings = std::env::var(OPENINGS).ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL);
        let mut host = WindowHost::open();
        host.play();
        let mut before = None;
        for nth in 0..openings + WARM_UP {
            if nth == WARM_UP {
                before = Some(held());
            }
            if nth % 20 == 0 {
                eprintln!("{nth} openings: {:?} kB, files and threads", held());
            }
            host.show().expect("a window");
            // A host may close it before the first frame.
            if nth % 5 != 4 {
                host.wait_for_frame();
                host.click_all_over(u64::from(nth));
            }
            host.resize(700 + 40 * (nth % 9), 440 + 30 * (nth % 7));
            host.idle(60);
            if nth % 3 == 0 {
                // The plugin is deactivated and activated under the open window.
                host.stop();
                host.idle(20);
                host.play();
            }
            host.close();
            host.idle(10);
        }
        let (before, after) = (before.unwrap(), held());
        eprintln!("{openings} openings: {before:?} before, {after:?} after");
        let [memory, files, threads] = after;
        assert!(memory < before[0] + SLACK_KB + LEAK_KB * u64::from(openings), "memory");
        assert!(files <= before[1] + 2, "open files");
        assert!(threads <= before[2] + 1, "threads");
    }

    #[test]
    #[ignore = "runs inside the test of the same name"]
    fn no_screen() {
        if !is_inside() {
            return;
        }
        let mut host = WindowHost::open();
        host.play();
        assert!(host.show().is_err(), "there is no screen to show it on");
        // All else goes on, with the host's own view of the parameters.
        host.stop();
        host.play();
        assert!(host.params() > 30);
    }
}

/// Kilobytes in memory, open files and threads of this program.
fn held() -> [u64; 3] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    [number("VmRSS:"), files, number("Threads:")]
}
