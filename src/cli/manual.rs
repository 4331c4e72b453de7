//! The command line as shells and `man` want it told: completions and pages, made from the arguments themselves.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

/// What `completions` takes.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell that is to complete
    shell: Shell,
}

/// What `man` takes.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write a page for every command into this folder, instead of the main one to the terminal
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints what makes a shell complete the program's arguments.
pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&script)
}

/// Prints the main page, or writes all.
pub(crate) fn man(args: &ManArgs, command: Command) -> anyhow::Result<()> {
    let Some(out) = &args.out else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        return print(&page);
    };
    let written =
        std::fs::create_dir_all(out).and_then(|()| clap_mangen::generate_to(command, out));
    written.with_context(|| format!("--out {}", out.display()))
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    std::io::stdout().write_all(bytes).context("standard output can't be written to")
}
