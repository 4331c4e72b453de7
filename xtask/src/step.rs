//! Runs one command under a heading and says how long it took.
//!
//! Headings go to standard error, so that what a program prints on standard output stays its own.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::failure::{Failure, Outcome};

/// Runs `work` under `heading`; its failure is named by the heading.
pub(crate) fn step<T>(heading: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    eprintln!("==> {heading}");
    let start = Instant::now();
    let outcome = work();
    let seconds = start.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => eprintln!("    {heading}: ok ({seconds:.1} s)"),
        Err(_) => eprintln!("    {heading}: FAILED ({seconds:.1} s)"),
    }
    outcome
}

/// A [`step`] that is one command, its line printed so that it can be run again by hand.
pub(crate) fn command(heading: &str, command: &mut Command) -> Outcome {
    step(heading, || {
        let line = command_line(command);
        eprintln!("    {line}");
        let status = command
            .status()
            .map_err(|error| Failure::new(format!("{heading}: cannot run `{line}`: {error}")))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::new(format!("{heading}: `{line}` ended with {status}")))
        }
    })
}

/// True when `program` starts and ends well; nothing is printed.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as one would type it: the program by its bare name, then its arguments.
fn command_line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_stem().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_its_status() {
        let mut rustc = Command::new("rustc");
        rustc.arg("--no-such-option").stderr(Stdio::null());
        let failure = command("a try", &mut rustc).unwrap_err();
        let message = failure.message().unwrap();
        assert!(message.starts_with("a try: `rustc --no-such-option` ended with"), "{message}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = command("a try", &mut Command::new("/nowhere/no-such-program")).unwrap_err();
        let message = failure.message().unwrap();
        assert!(message.starts_with("a try: cannot run `no-such-program`:"), "{message}");
        assert!(!answers("/nowhere/no-such-program", &[]));
    }
}
