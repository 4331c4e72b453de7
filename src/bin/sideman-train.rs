//! `sideman-train`: trains and measures models.

use std::process::ExitCode;

use clap::Parser;
use sideman::cli::train;
use sideman::cli::train_args::TrainCli;

#[expect(clippy::print_stderr, reason = "the one place where an error is printed")]
fn main() -> ExitCode {
    match train::main(TrainCli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sideman-train: {}", sideman::cli::one_line(&error));
            ExitCode::FAILURE
        }
    }
}
