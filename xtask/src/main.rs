//! The tasks of this repository: `cargo xtask <task>`.
//!
//! One file a task. [`workspace`] knows where things are, [`step`] runs a command under a heading,
//! [`system`] sees to what cargo cannot install, [`failure`] is the one error type and its exit code.

mod bundle;
mod bundle_cuda;
mod check;
mod check_cuda;
mod cuda_smoke;
mod cuda_toolkit;
mod desktop;
mod failure;
mod help;
mod jam;
mod peers;
mod realtime;
mod screenshots;
mod step;
mod system;
mod test;
mod workspace;

use std::process::ExitCode;

use failure::{Failure, Outcome};
use workspace::Workspace;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("error: {message}");
            }
            failure.exit_code()
        }
    }
}

/// Picks the task by its name; help needs neither a workspace nor a compiler.
fn run(args: &[String]) -> Outcome {
    let Some((task, args)) = args.split_first() else {
        return Err(Failure::usage("no task given"));
    };
    let asked = match task.as_str() {
        "help" | "--help" | "-h" => Some(args.first().map_or("", String::as_str)),
        task => args.first().is_some_and(|arg| is_help(arg)).then_some(task),
    };
    if let Some(topic) = asked {
        print!("{}", help::page(topic).ok_or_else(|| unknown(topic))?);
        return Ok(());
    }
    match task.as_str() {
        "jam" => jam::run(&Workspace::find()?, args),
        "test" => test::run(&Workspace::find()?, args),
        "realtime" => no_arguments(task, args).and_then(|()| realtime::run(&Workspace::find()?)),
        "check" => no_arguments(task, args).and_then(|()| check::run(&Workspace::find()?)),
        "check-cuda" => {
            no_arguments(task, args).and_then(|()| check_cuda::run(&Workspace::find()?))
        }
        "desktop" => desktop::run(&Workspace::find()?, args),
        "screenshots" => screenshots::run(&Workspace::find()?, args),
        "peers" => peers::run(&Workspace::find()?, args),
        "ci" => {
            no_arguments(task, args)?;
            let workspace = Workspace::find()?;
            check::run(&workspace)?;
            test::run(&workspace, &[])
        }
        "bundle" | "bundle-universal" => {
            bundle::task(&Workspace::find()?, task == "bundle-universal", args)
        }
        _ => Err(unknown(task)),
    }
}

fn unknown(task: &str) -> Failure {
    Failure::usage(format!("no task is called `{task}`"))
}

fn is_help(arg: &str) -> bool {
    matches!(arg, "--help" | "-h")
}

fn no_arguments(task: &str, args: &[String]) -> Outcome {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(Failure::usage(format!("`{task}` takes no arguments, but got `{arg}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn every_task_has_help() {
        for task in [
            "",
            "jam",
            "test",
            "realtime",
            "check",
            "check-cuda",
            "peers",
            "ci",
            "bundle",
            "bundle-universal",
            "desktop",
            "screenshots",
        ] {
            assert!(run(&words(&format!("{task} --help"))).is_ok(), "{task}");
            assert!(run(&words(&format!("help {task}"))).is_ok(), "help {task}");
        }
    }

    #[test]
    fn a_wrong_call_is_a_usage_error() {
        for line in
            ["", "jamm", "jamm --help", "help jamm", "check --fast", "ci now", "peers --fast"]
        {
            let failure = run(&words(line)).unwrap_err();
            assert_eq!(failure.code(), 2, "{line:?}: {failure:?}");
        }
    }
}
