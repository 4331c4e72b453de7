//! A program of the rig: it ends when the test does, however that ends.
#![expect(unsafe_code, reason = "signals have no safe form in the standard library")]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Asks a program to end.
const SIGTERM: i32 = 15;

/// Ends it.
const SIGKILL: i32 = 9;

/// `prctl`: the signal that a process gets when its parent is gone.
const PR_SET_PDEATHSIG: i32 = 1;

unsafe extern "C" {
    fn kill(process: i32, signal: i32) -> i32;
    fn prctl(option: i32, ...) -> i32;
}

/// A running program. Dropping it ends it.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a program that dies with this one, even when this one is killed.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let die_with_us = || {
            // SAFETY: takes integers only.
            let outcome = unsafe { prctl(PR_SET_PDEATHSIG, SIGKILL as u64) };
            if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        };
        // SAFETY: between fork and exec one system call is made, nothing allocated.
        unsafe { command.pre_exec(die_with_us) };
        command.spawn().map(Self)
    }

    /// Waits for the program to end by itself; whether it did.
    pub(crate) fn ends_within(&mut self, patience: Duration) -> bool {
        let begin = Instant::now();
        loop {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return true;
            }
            if begin.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Process {
    /// Asks the program to end.
    pub(crate) fn end(&self) {
        // SAFETY: the child is ours and not waited for yet, so its number is its own.
        unsafe { kill(self.0.id() as i32, SIGTERM) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ends_within(Duration::ZERO) {
            return;
        }
        self.end();
        if !self.ends_within(Duration::from_secs(2)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
