//! The `sideman` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    sideman::cli::sideman::main()
}
