//! `cargo xtask bundle`: the CLAP and VST3 plugins in `target/bundled`, through nice-plug-xtask.
//! With `--cuda` it is [`bundle_cuda`]'s.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle_cuda;
use crate::failure::{Failure, Outcome};
use crate::step;
use crate::system::{self, Need};
use crate::workspace::Workspace;

/// The package that is bundled; there is no other.
pub(crate) const PACKAGE: &str = "sideman";
/// The file name of the bundles, as `bundler.toml` has it.
const DISPLAY_NAME: &str = "Sideman";

/// What a universal macOS bundle is made of; the bundler joins the two.
const UNIVERSAL_TARGETS: &[&str] = &["x86_64-apple-darwin", "aarch64-apple-darwin"];

/// The files that a host loads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// The CLAP's shared library: the `.clap` file itself but on macOS, where it lies inside.
    pub(crate) clap: PathBuf,
    /// The shared library inside the `.vst3` folder.
    pub(crate) vst3: PathBuf,
}

impl Bundle {
    /// Holds that both files are there: a library without a format's entry point is skipped
    /// silently by the bundler.
    pub(crate) fn check(&self) -> Outcome {
        for path in [&self.clap, &self.vst3] {
            if !path.exists() {
                return Err(Failure::new(format!(
                    "bundle the plugin: {} was not written, so the library does not export this format",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    /// Where nice-plug-xtask puts the files for the system `os` and processor `arch`.
    fn paths(bundled: &Path, os: &str, arch: &str) -> Self {
        let clap = bundled.join(format!("{DISPLAY_NAME}.clap"));
        let contents = bundled.join(format!("{DISPLAY_NAME}.vst3")).join("Contents");
        match os {
            "macos" => Self {
                clap: clap.join("Contents/MacOS").join(DISPLAY_NAME),
                vst3: contents.join("MacOS").join(DISPLAY_NAME),
            },
            "windows" => {
                let arch = if arch == "aarch64" { "arm_64" } else { arch };
                let vst3 =
                    contents.join(format!("{arch}-win")).join(format!("{DISPLAY_NAME}.vst3"));
                Self { clap, vst3 }
            }
            _ => {
                let arch = if arch == "x86" { "i386" } else { arch };
                let vst3 =
                    contents.join(format!("{arch}-linux")).join(format!("{DISPLAY_NAME}.so"));
                Self { clap, vst3 }
            }
        }
    }
}

/// The task, by its arguments.
pub(crate) fn task(workspace: &Workspace, universal: bool, args: &[String]) -> Outcome {
    match args {
        [only] if only == "--cuda" && !universal => bundle_cuda::run(workspace),
        _ if args.iter().any(|arg| arg == "--cuda") => Err(Failure::usage(
            "`bundle --cuda` stands alone: it is always a release build for this machine",
        )),
        _ => run(workspace, universal, args).map(|_| ()),
    }
}

/// Builds and bundles the plugin and says where it lies (for this machine's own system).
///
/// The plugin is built alone, so that it needs no audio library and loads wherever a host runs.
/// Its folder is emptied first: what lies there afterwards is of this build.
pub(crate) fn run(workspace: &Workspace, universal: bool, args: &[String]) -> Outcome<Bundle> {
    let args = build_args(args)?;
    system::ensure(&[Need::Compiler])?;
    let targets = if universal { UNIVERSAL_TARGETS } else { &[] };
    let build = |target: &[&str]| {
        let mut command = workspace.cargo(&["build", "--package", PACKAGE]);
        step::command("build the plugin", command.args(&args).args(target))
    };
    if targets.is_empty() {
        build(&[])?;
    }
    for target in targets {
        build(&["--target", target])?;
    }

    step::step("bundle the plugin", || {
        write(workspace.target_dir(), &args, universal)?;
        let bundle = paths_here(&workspace.target_dir().join("bundled"));
        let is_own_system =
            !args.iter().any(|arg| arg == "--target" || arg.starts_with("--target="));
        if is_own_system {
            bundle.check()?;
        }
        Ok(bundle)
    })
}

/// Where the bundles for this machine's own system lie below `bundled`.
pub(crate) fn paths_here(bundled: &Path) -> Bundle {
    Bundle::paths(bundled, std::env::consts::OS, std::env::consts::ARCH)
}

/// Makes the folder `bundled` below `target_dir` anew, of the library that a build with `args` has left there.
pub(crate) fn write(target_dir: &Path, args: &[String], universal: bool) -> Outcome {
    let bundled = target_dir.join("bundled");
    remove(&bundled)?;
    nice_plug_xtask::bundle(target_dir, PACKAGE, args, universal)
        .map_err(|error| Failure::new(format!("bundle the plugin: {error:#}")))?;
    // A program that an earlier build left beside the library is bundled with it: not ours.
    let program = format!("{DISPLAY_NAME}{}", std::env::consts::EXE_SUFFIX);
    for program in [bundled.join(program), bundled.join(format!("{DISPLAY_NAME}.app"))] {
        if program.exists() {
            remove(&program)?;
            eprintln!("    removed {} again: no part of the plugin", program.display());
        }
    }
    Ok(())
}

/// The arguments for `cargo build`: ours, then the caller's.
fn build_args(args: &[String]) -> Outcome<Vec<String>> {
    // The package may be named, as in nice-plug's own documentation.
    let args = match args {
        [package, rest @ ..] if package == PACKAGE => rest,
        [flag, package, rest @ ..] if flag == "-p" && package == PACKAGE => rest,
        [other, ..] if !other.starts_with('-') => {
            return Err(Failure::usage(format!("cannot bundle `{other}`, only `{PACKAGE}`")));
        }
        _ => args,
    };
    let has = |names: &[&str]| args.iter().any(|arg| names.contains(&arg.as_str()));
    let has_profile = has(&["--release", "--debug", "--profile"])
        || args.iter().any(|arg| arg.starts_with("--profile="));

    let mut words = Vec::new();
    if !has_profile {
        words.push("--release".to_owned());
    }
    if !has(&["--all-features"]) {
        if !has(&["--no-default-features"]) {
            words.push("--no-default-features".to_owned());
        }
        words.extend(["--features".to_owned(), "plugin".to_owned()]);
    }
    // `--debug` is ours: cargo's word for it is to say nothing.
    words.extend(args.iter().filter(|arg| *arg != "--debug").cloned());
    Ok(words)
}

/// Removes a file or a folder; that it is not there is well.
pub(crate) fn remove(path: &Path) -> Outcome {
    let outcome = match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    outcome.map_err(|error| Failure::new(format!("cannot remove {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let typed: Vec<String> = typed.split_whitespace().map(String::from).collect();
        assert_eq!(build_args(&typed).unwrap().join(" "), expected);
    }

    #[test]
    fn the_plugin_is_built_alone_and_in_release() {
        check("", "--release --no-default-features --features plugin");
        check("sideman --release", "--no-default-features --features plugin --release");
        check("-p sideman", "--release --no-default-features --features plugin");
        check("--debug", "--no-default-features --features plugin");
        check("--profile=small", "--no-default-features --features plugin --profile=small");
        check(
            "--no-default-features --features cuda",
            "--release --features plugin --no-default-features --features cuda",
        );
        check("--all-features", "--release --all-features");
    }

    #[test]
    fn cuda_stands_alone() {
        let workspace = Workspace::find().unwrap();
        for (universal, typed) in
            [(true, "--cuda"), (false, "--cuda --debug"), (false, "sideman --cuda")]
        {
            let typed: Vec<String> = typed.split_whitespace().map(String::from).collect();
            assert_eq!(task(&workspace, universal, &typed).unwrap_err().code(), 2, "{typed:?}");
        }
    }

    #[test]
    fn another_package_is_refused() {
        assert_eq!(build_args(&["xtask".to_owned()]).unwrap_err().code(), 2);
    }

    #[test]
    fn the_file_name_is_that_of_bundler_toml() {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../bundler.toml");
        let config = fs::read_to_string(config).unwrap();
        assert!(config.contains(&format!("[{PACKAGE}]\nname = \"{DISPLAY_NAME}\"")), "{config}");
    }

    #[test]
    fn paths_are_those_of_each_system() {
        let at = |os, arch| {
            let bundle = Bundle::paths(Path::new("b"), os, arch);
            [bundle.clap, bundle.vst3].map(|path| path.to_str().unwrap().replace('\\', "/"))
        };
        let linux = "b/Sideman.vst3/Contents/x86_64-linux/Sideman.so";
        assert_eq!(at("linux", "x86_64"), ["b/Sideman.clap", linux]);
        let windows = "b/Sideman.vst3/Contents/arm_64-win/Sideman.vst3";
        assert_eq!(at("windows", "aarch64"), ["b/Sideman.clap", windows]);
        assert_eq!(
            at("macos", "aarch64"),
            ["b/Sideman.clap/Contents/MacOS/Sideman", "b/Sideman.vst3/Contents/MacOS/Sideman",]
        );
    }
}
