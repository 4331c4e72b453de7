//! `cargo xtask jam`: builds the program and lets it play.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::step;
use crate::system::{self, Need};
use crate::workspace::Workspace;

/// Builds `sideman` in release mode and runs `sideman jam <args>` in the repository's root.
///
/// On Unix the program takes this process's place, so that ^C, job control and the exit code are
/// the program's own; elsewhere its exit code is passed on.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    system::ensure(&Need::ALL)?;
    step::command(
        "build the program",
        &mut workspace.cargo(&["build", "--release", "--bin", "sideman"]),
    )?;
    let program = workspace
        .target_dir()
        .join("release")
        .join(format!("sideman{}", std::env::consts::EXE_SUFFIX));
    // `cargo xtask jam -- --help` asks the program, not this task.
    let args = match args.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => args,
    };
    let mut command = Command::new(&program);
    command.current_dir(workspace.root()).arg("jam").args(args);
    replace(&mut command).map_err(|error| match error {
        Ended::NotStarted(error) => {
            Failure::new(format!("cannot start {}: {error}", program.display()))
        }
        #[cfg(not(unix))]
        Ended::Code(code) => Failure::passed_on(code),
    })
}

/// How the program did not take over, or did and failed.
enum Ended {
    NotStarted(std::io::Error),
    #[cfg(not(unix))]
    Code(Option<i32>),
}

#[cfg(unix)]
fn replace(command: &mut Command) -> Result<(), Ended> {
    use std::os::unix::process::CommandExt;
    Err(Ended::NotStarted(command.exec()))
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> Result<(), Ended> {
    let status = command.status().map_err(Ended::NotStarted)?;
    if status.success() { Ok(()) } else { Err(Ended::Code(status.code())) }
}
