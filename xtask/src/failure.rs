//! How a task fails: one line for the person, one exit code for the script.

use std::process::ExitCode;

/// What every task hands back.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Exit code of a task that was called rightly and did not succeed.
const FAILED: u8 = 1;
/// Exit code of a call that makes no sense; as with most command line programs.
const USAGE: u8 = 2;

/// A task that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// None when the program that failed has said itself what is wrong.
    message: Option<String>,
    code: u8,
}

impl Failure {
    /// The task was called rightly and something went wrong.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), code: FAILED }
    }

    /// The call itself was wrong; the message gets a pointer to the help.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        let message = format!("{}; see `cargo xtask --help`", message.into());
        Self { message: Some(message), code: USAGE }
    }

    /// A program of ours ended with `code` after its own words: pass the code on, add nothing.
    #[cfg_attr(unix, allow(dead_code, reason = "on Unix the program takes this process's place"))]
    pub(crate) fn passed_on(code: Option<i32>) -> Self {
        Self {
            message: None,
            code: code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED),
        }
    }

    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}
