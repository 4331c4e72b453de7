//! Where the repository and the build folder are, and cargo called in them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Message, MetadataCommand};

use crate::failure::{Failure, Outcome};

/// The checkout that this program was built from.
pub(crate) struct Workspace {
    /// The repository's root; every task runs there, wherever it was called from.
    root: PathBuf,
    /// Cargo's build folder, which `CARGO_TARGET_DIR` or a config file may have moved.
    target_dir: PathBuf,
}

impl Workspace {
    /// Finds the checkout and makes its root the current folder (nice-plug-xtask reads
    /// `bundler.toml` from there).
    pub(crate) fn find() -> Outcome<Self> {
        // What cargo says now, not when this was built: the checkout may have moved since, with its build folder.
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = xtask.parent().unwrap_or(&xtask).to_path_buf();
        std::env::set_current_dir(&root).map_err(|error| {
            Failure::new(format!("cannot enter the repository at {}: {error}", root.display()))
        })?;
        let metadata = MetadataCommand::new().no_deps().exec().map_err(|error| {
            Failure::new(format!("cannot ask cargo about the workspace: {error}"))
        })?;
        Ok(Self { root, target_dir: metadata.target_directory.into_std_path_buf() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target_dir(&self) -> &Path {
        &self.target_dir
    }

    /// A call of the cargo that started this task, in the repository's root.
    ///
    /// What cargo told *this* crate about itself is taken away again: a build script that watches
    /// such a variable would run anew each time xtask and a plain `cargo build` take turns.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(args);
        for (name, _) in std::env::vars_os() {
            let of_this_crate = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            });
            if of_this_crate {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Runs a cargo that builds, with its messages as JSON on standard output, and says where the program of `target` is.
pub(crate) fn built(cargo: &mut Command, target: &str) -> Outcome<PathBuf> {
    let failure = |error| Failure::new(format!("cannot build `{target}`: {error}"));
    let output = cargo.stderr(Stdio::inherit()).output().map_err(|e| failure(e.to_string()))?;
    Message::parse_stream(&output.stdout[..])
        .find_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) if artifact.target.name == target => {
                artifact.executable.map(Into::into)
            }
            _ => None,
        })
        .filter(|_| output.status.success())
        .ok_or_else(|| failure(format!("cargo ended with {}", output.status)))
}
