//! `cargo xtask test`: bundles the plugin as users get it, then runs every test.

use crate::bundle;
use crate::failure::Outcome;
use crate::realtime;
use crate::step;
use crate::system::{self, Need};
use crate::workspace::Workspace;

/// Runs the tests of the package with the paths of the built plugins in `SIDEMAN_CLAP` and
/// `SIDEMAN_VST3`. With `args` (a filter, say) only what they choose is run. `--ardour` before them
/// installs the host of `tests/ardour.rs`, which is skipped where that is missing.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let (needs, args): (&[Need], _) = match args {
        [first, rest @ ..] if first == "--ardour" => (&[Need::Ardour, Need::Jack], rest),
        _ => (&[], args),
    };
    system::ensure(&[&Need::ALL[..], needs].concat())?;
    let bundle = bundle::run(workspace, false, &[])?;
    let nextest = step::answers("cargo-nextest", &["nextest", "--version"]);
    let runner: &[&str] = if nextest { &["nextest", "run"] } else { &["test"] };
    // Doc tests have a run of their own below: nextest has none, and a filter is not for them.
    let targets: &[&str] = if nextest || !args.is_empty() {
        &[]
    } else {
        &["--lib", "--bins", "--tests", "--no-fail-fast"]
    };

    if args.is_empty() {
        step::command("tests of xtask", workspace.cargo(runner).args(["--package", "xtask"]))?;
        step::command("doc tests", &mut workspace.cargo(&["test", "--doc"]))?;
        realtime::play(workspace, &bundle)?;
    }
    let mut tests = workspace.cargo(runner);
    tests.args(targets).args(args);
    tests.env("SIDEMAN_CLAP", &bundle.clap).env("SIDEMAN_VST3", &bundle.vst3);
    step::command("tests", &mut tests)?;
    Ok(())
}
