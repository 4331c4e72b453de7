//! `cargo xtask check`: everything that needs no running of our code, cheapest first.

use crate::check_cuda;
use crate::failure::Outcome;
use crate::step;
use crate::system::{self, Need};
use crate::workspace::Workspace;

/// The feature sets that are linted beside the default one: each face must stand alone.
const FACES: [&str; 3] = ["plugin", "standalone", "train"];

/// Runs all checks and stops at the first that fails.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    system::ensure(&Need::ALL)?;
    step::command("format", &mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    spelling(workspace)?;
    clippy(workspace, "clippy, default features", &["--all-targets"])?;
    for face in FACES {
        let args = ["--lib", "--bins", "--no-default-features", "--features", face];
        clippy(workspace, &format!("clippy, only {face}"), &args)?;
    }
    clippy(workspace, "clippy, xtask", &["--package", "xtask", "--all-targets"])?;
    if cfg!(unix) {
        check_cuda::run(workspace)?;
    }
    step::command(
        "documentation",
        workspace.cargo(&["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    dependencies(workspace)
}

fn clippy(workspace: &Workspace, heading: &str, args: &[&str]) -> Outcome {
    let mut command = workspace.cargo(&["clippy"]);
    step::command(heading, command.args(args).args(["--", "-D", "warnings"]))
}

fn spelling(workspace: &Workspace) -> Outcome {
    if !step::answers("typos", &["--version"]) {
        skipped("spelling", "cargo install --locked typos-cli");
        return Ok(());
    }
    let mut typos = std::process::Command::new("typos");
    step::command("spelling", typos.args(["--config", ".typos.toml"]).current_dir(workspace.root()))
}

fn dependencies(workspace: &Workspace) -> Outcome {
    if !step::answers("cargo-deny", &["--version"]) {
        skipped("licences and advisories", "cargo install --locked cargo-deny");
        return Ok(());
    }
    // Two steps, since only the second needs the network.
    let deny = |heading: &str, what: &[&str]| {
        let mut command = workspace.cargo(&["deny", "--config", ".cargo/deny.toml", "check"]);
        step::command(heading, command.args(what))
    };
    deny("licences and sources", &["bans", "licenses", "sources"])?;
    deny("advisories", &["advisories"])
}

/// A check whose tool is not here is not a failure, but must not look like a success either.
fn skipped(heading: &str, install: &str) {
    eprintln!("==> {heading}\n    {heading}: skipped, install the tool with `{install}`");
}
