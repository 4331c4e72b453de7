//! NVIDIA's compiler from its Python wheels, and what a link against a driver that is not here needs.
//!
//! Everything of one version lies in a folder of its own, builds included: the kernel builder does not notice that
//! another compiler has come, and would hand on the kernels of the last one, empty ones too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::step;
use crate::workspace::Workspace;

/// The version of all five wheels: parts of different minor versions refuse each other.
const VERSION: &str = "13.2.86";

/// The same as cudarc writes it.
const CUDARC_VERSION: &str = "13020";

const WHEELS: [&str; 5] = [
    "nvidia-cuda-nvcc",
    "nvidia-cuda-crt",
    "nvidia-nvvm",
    "nvidia-cuda-runtime",
    "nvidia-cuda-cccl",
];

/// Kernels are made for this generation of GPUs (Ampere) and, as PTX, read by later ones.
const COMPUTE_CAPABILITY: &str = "80";

/// What cudarc and candle-kernels name to the linker. cudarc loads all of them at run time here, and what of
/// candle-kernels needs the last one is left out by `COMPILER`, so that empty archives do.
const LIBRARIES: [&str; 6] = ["cuda", "nvrtc", "curand", "cublas", "cublasLt", "cudart"];

/// Stands before nvcc: kernels that are loaded at run time (`--ptx`) are compiled. Those that would be linked in are
/// for quantised and mixture-of-experts models only, most of an hour's work on a small machine, and none of ours;
/// each of their functions says so and ends the program. The names are those that candle-kernels declares in
/// `src/ffi.rs`, in whose folder its build script runs; one that is missed is an error of the linker.
const COMPILER: &str = r#"#!/bin/sh
set -eu
out=''; kind='kernel'; previous=''
for word in "$@"; do
    case "$word" in
        -c) kind='object' ;;
        --lib) kind='archive' ;;
    esac
    [ "$previous" != -o ] || out="$word"
    previous="$word"
done
case "$kind" in
    kernel) exec "$SIDEMAN_NVCC" "$@" ;;
    object) : > "$out" ;;
    archive)
        source="${out%.a}-absent.c"; object="${out%.a}-absent.o"
        {
            printf '%s\n' '#include <stdio.h>' '#include <stdlib.h>' \
                '#define ABSENT(name) void name(void) { fputs(#name ": not in this build\n", stderr); abort(); }'
            sed -n 's/^ *pub fn \([A-Za-z0-9_]*\)(.*/ABSENT(\1)/p' src/ffi.rs
        } > "$source"
        cc -c -O1 -fPIC -o "$object" "$source"
        rm -f "$out"
        ar cr "$out" "$object"
        ;;
esac
"#;

/// A compiler that is ready to be used.
pub(crate) struct CudaToolkit {
    folder: PathBuf,
    nvcc: PathBuf,
}

impl CudaToolkit {
    /// Installs what is missing, which needs the network; what is there is taken as it is.
    pub(crate) fn install(workspace: &Workspace) -> Outcome<Self> {
        let folder = workspace.target_dir().join(format!("cuda-{VERSION}"));
        let python = folder.join("toolchain");
        let nvcc = match nvcc_below(&python) {
            Some(nvcc) => nvcc,
            None => download(&python)?,
        };
        let cannot = |error: io::Error| {
            Failure::new(format!("cannot write in {}: {error}", folder.display()))
        };
        write_program(&folder.join("nvcc"), COMPILER).map_err(cannot)?;
        let libraries = folder.join("empty/lib");
        fs::create_dir_all(&libraries).map_err(cannot)?;
        for library in LIBRARIES {
            // An archive of nothing is its first line alone.
            fs::write(libraries.join(format!("lib{library}.a")), "!<arch>\n").map_err(cannot)?;
        }
        Ok(Self { folder, nvcc })
    }

    /// The folder of everything that is built with this compiler.
    pub(crate) fn target_dir(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// The Python whose `pip` has installed this.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("toolchain/bin/python")
    }

    /// Makes a call of cargo use it, for `target` and in a folder of its own.
    ///
    /// candle asks cudarc to be linked with the driver, and such a program does not start where there is none. The
    /// flag below makes cudarc's code, though not its build script, take the way of loading the driver when it is
    /// first asked for: as a feature the two exclude each other, and flags reach build scripts only without
    /// `--target`. That is cudarc's own affair and may change with its version: [`crate::bundle_cuda`] looks at
    /// what comes of it, and `Cargo.lock` holds cudarc at 0.19.10, of which it is known.
    pub(crate) fn prepare(&self, cargo: &mut Command, target: &str) {
        cargo
            .args(["--target", target])
            .arg("--target-dir")
            .arg(self.target_dir())
            .env("NVCC", self.folder.join("nvcc"))
            .env("SIDEMAN_NVCC", &self.nvcc)
            .env("CUDA_HOME", self.folder.join("empty"))
            .env("CUDARC_CUDA_VERSION", CUDARC_VERSION)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", r#"--cfg feature="dynamic-loading""#);
        // What the caller says of these two stands.
        let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
        for (name, value) in
            [("CUDA_COMPUTE_CAP", COMPUTE_CAPABILITY), ("CUDAFORGE_THREADS", &threads)]
        {
            if std::env::var_os(name).is_none() {
                cargo.env(name, value);
            }
        }
    }
}

/// Writes a script and makes it executable.
pub(crate) fn write_program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A virtual environment in `folder` with the wheels in it, 330 MB; gives nvcc.
fn download(folder: &Path) -> Outcome<PathBuf> {
    if !step::answers("python3", &["-c", "import venv, ensurepip"]) {
        return Err(Failure::new(
            "NVIDIA's compiler comes as Python wheels: install python3 with venv, `sudo apt-get install python3-venv`",
        ));
    }
    let mut venv = Command::new("python3");
    step::command("a Python for NVIDIA's compiler", venv.args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:"])
        .args(WHEELS.map(|name| format!("{name}=={VERSION}")));
    step::command("NVIDIA's compiler", &mut pip)?;
    nvcc_below(folder).ok_or_else(|| {
        Failure::new(format!("the wheels brought no nvcc into {}", folder.display()))
    })
}

/// Where the wheels put nvcc; the folder's name has Python's version in it. `None` too where an installation was cut
/// short, so a part of each wheel is looked for.
fn nvcc_below(python: &Path) -> Option<PathBuf> {
    fs::read_dir(python.join("lib")).ok()?.flatten().find_map(|entry| {
        let cuda = entry.path().join("site-packages/nvidia/cu13");
        let whole =
            ["bin/nvcc", "nvvm/bin/cicc", "include/cuda_fp16.h", "include/crt", "include/cccl"];
        whole.iter().all(|part| cuda.join(part).exists()).then(|| cuda.join("bin/nvcc"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cudarc_is_the_one_that_is_known() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let lock = fs::read_to_string(lock).unwrap();
        let is_known = lock.contains("name = \"cudarc\"\nversion = \"0.19.10\"\n");
        assert!(
            is_known,
            "see CudaToolkit::prepare, run `cargo xtask bundle --cuda`, then change this"
        );
    }

    #[test]
    fn the_versions_agree() {
        let [major, minor, _] = VERSION.split('.').collect::<Vec<_>>()[..] else {
            panic!("{VERSION}")
        };
        assert_eq!(CUDARC_VERSION, format!("{major}0{minor}0"));
    }
}
