//! `cargo xtask check-cuda`: the code behind the feature `cuda`, type-checked and linted on a machine with no CUDA.
//!
//! A script stands in for NVIDIA's compiler and leaves empty kernels, so the build folder is one of its own: in a
//! shared one a later real build would take them for its own and fail when it runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cuda_toolkit::write_program;
use crate::failure::{Failure, Outcome};
use crate::step;
use crate::workspace::Workspace;

/// The version that the stand-in claims, as cudarc writes it; `STAND_IN` says the same in nvcc's words.
const CUDA_VERSION: &str = "13020";

/// Kernels are made for this generation of GPUs; any will do where none are made.
const COMPUTE_CAPABILITY: &str = "80";

/// Answers `--version`, and writes an empty file wherever a kernel or an archive is asked for.
const STAND_IN: &str = r#"#!/bin/sh
out=''; dir='.'; kind=''; sources=''
while [ $# -gt 0 ]; do
    case "$1" in
        --version) echo 'Cuda compilation tools, release 13.2, V13.2.86'; exit 0 ;;
        --ptx) kind=ptx ;;
        --lib) kind=lib ;;
        -o) out="$2"; shift ;;
        --output-directory) dir="$2"; shift ;;
        --output-directory=*) dir="${1#*=}" ;;
        *.cu) sources="$sources $1" ;;
    esac
    shift
done
if [ "$kind" = ptx ] && [ -z "$out" ]; then
    for source in $sources; do : > "$dir/$(basename "$source" .cu).ptx"; done
elif [ "$kind" = lib ] && [ -n "$out" ]; then
    rm -f "$out"; ar cr "$out"
elif [ -n "$out" ]; then
    : > "$out"
fi
"#;

/// Checks the library alone: the faces hold nothing that is only there with the feature.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    if !cfg!(unix) {
        return Err(Failure::new("check-cuda needs a Unix shell"));
    }
    let folder = workspace.target_dir().join("check-cuda");
    let nvcc = write_stand_in(&folder)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", folder.display())))?;
    // Of the build only build scripts and macros are made to run, and once: optimising them costs minutes.
    let args =
        ["clippy", "--profile", "xtask", "--lib", "--no-default-features", "--features", "cuda"];
    let mut clippy = workspace.cargo(&args);
    clippy
        .arg("--target-dir")
        .arg(&folder)
        .args(["--", "-D", "warnings"])
        .env("NVCC", nvcc)
        .env("CUDARC_CUDA_VERSION", CUDA_VERSION)
        .env("CUDA_COMPUTE_CAP", COMPUTE_CAPABILITY);
    step::command("clippy, cuda", &mut clippy)
}

fn write_stand_in(folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join("nvcc");
    write_program(&path, STAND_IN)?;
    Ok(path)
}
