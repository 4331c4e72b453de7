//! The terminal while it is ours: taken, and given back in any case.

use std::io;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Whether the terminal is ours now. There is one for the whole process.
static OURS: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal is ours until this is dropped.
pub(super) struct Taken(());

impl Taken {
    /// Takes it: the alternate screen, no cursor, keys one by one.
    pub(super) fn take() -> io::Result<Self> {
        HOOK.call_once(|| {
            // Whatever thread fails: it must be read what it says, and not on a screen that is about to be gone.
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                told(info);
            }));
        });
        let taken = Self(());
        Self::again()?;
        Ok(taken)
    }

    /// Takes it again after a thread that failed has given it back, and says whether that was so.
    pub(super) fn again() -> io::Result<bool> {
        let lost = !OURS.swap(true, Ordering::AcqRel);
        if lost {
            execute!(io::stdout(), EnterAlternateScreen, Hide)?;
            // Without a keyboard there are no keys to read one by one, and the picture is no worse.
            let _ = enable_raw_mode();
        }
        Ok(lost)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    if OURS.swap(false, Ordering::AcqRel) {
        // Nothing is left to be done about a terminal that refuses.
        let _ = disable_raw_mode();
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
    }
}
