//! `sideman-train`: trains and measures models.

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use sideman::cli::config_file::with_config_file;
use sideman::cli::train;
use sideman::cli::train_args::TrainCli;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's, with a count for `bench`.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[expect(clippy::print_stderr, reason = "the one place where an error is printed")]
fn main() -> ExitCode {
    let done = with_config_file(std::env::args_os()).and_then(|words| {
        train::main(TrainCli::parse_from(words), || ALLOCATOR.stats().allocations)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sideman-train: {}", sideman::cli::one_line(&error));
            ExitCode::FAILURE
        }
    }
}
