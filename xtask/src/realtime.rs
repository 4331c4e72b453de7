//! `cargo xtask realtime`: the built plugin under LLVM's real-time sanitizer, whose runtime comes with Rust.

use std::path::PathBuf;
use std::process::Command;

use crate::bundle::{self, Bundle};
use crate::failure::Outcome;
use crate::step;
use crate::system::{self, Need};
use crate::workspace::{Workspace, built};

/// The test that is a host.
const TEST: &str = "realtime";

/// The sanitizer's runtime among the libraries of a Rust target.
const RUNTIME: &str = "librustc-stable_rt.rtsan.a";

/// Bundles the plugin and plays it.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    system::ensure(&Need::ALL)?;
    let bundle = bundle::run(workspace, false, &[])?;
    play(workspace, &bundle)
}

/// Plays a bundle that is there; where there is no sanitizer, says so.
pub(crate) fn play(workspace: &Workspace, bundle: &Bundle) -> Outcome {
    let heading = "real-time sanitizer";
    let Some(runtime) = runtime() else {
        eprintln!("==> {heading}\n    {heading}: skipped, this Rust has no {RUNTIME} for Linux");
        return Ok(());
    };
    // Of all that is built only the test itself is linked with it. The runtime stands in for `malloc` and its
    // like in the whole process, and so in the plugins that are loaded into it.
    let program = step::step("build the host", || build(workspace, &runtime))?;
    let mut host = Command::new(program);
    host.current_dir(workspace.root());
    host.env("SIDEMAN_CLAP", &bundle.clap).env("SIDEMAN_VST3", &bundle.vst3);
    step::command(heading, host.arg("--nocapture"))
}

/// The runtime, where this system and the installed Rust have it.
fn runtime() -> Option<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir"]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    let path = PathBuf::from(folder.trim()).join(RUNTIME);
    (cfg!(target_os = "linux") && path.exists()).then_some(path)
}

/// Builds the host and says where it is.
fn build(workspace: &Workspace, runtime: &std::path::Path) -> Outcome<PathBuf> {
    let args = ["rustc", "--test", TEST, "--message-format", "json-render-diagnostics", "--"];
    let mut cargo = workspace.cargo(&args);
    cargo.args(["--cfg", "rtsan", "-C"]).arg(format!("link-arg={}", runtime.display()));
    built(&mut cargo, TEST)
}
