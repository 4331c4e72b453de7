//! `cargo xtask bundle --cuda`: plugin and programs with the model on an NVIDIA GPU, built where there is none.
//!
//! What comes of it must start on any machine, with a driver or without; that is looked at here, since nothing else
//! builds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bundle::{self, PACKAGE};
use crate::cuda_smoke;
use crate::cuda_toolkit::CudaToolkit;
use crate::failure::{Failure, Outcome};
use crate::step;
use crate::system::{self, Need};
use crate::workspace::Workspace;

const PROGRAMS: [&str; 2] = ["sideman", "sideman-train"];

/// Builds, looks at what was built, bundles it beside the programs and runs it without a GPU.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(Failure::new(
            "bundle --cuda needs Linux: elsewhere NVIDIA's own installer has nvcc",
        ));
    }
    system::ensure(&Need::ALL)?;
    let toolkit = CudaToolkit::install(workspace)?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let bundled = toolkit.target_dir().join("bundled");
    let release = toolkit.target_dir().join(&target).join("release");
    let build = |heading: &str, what: &str, features: &str| {
        let mut cargo = workspace.cargo(&["build", "--release", "--package", PACKAGE, what]);
        cargo.args(["--no-default-features", "--features", features]);
        toolkit.prepare(&mut cargo, &target);
        step::command(heading, &mut cargo)?;
        step::step("kernels", || kernels(&release.join("build")))
    };

    // Apart from each other, though candle is then compiled twice: the plugin must not need the programs' audio
    // library. It is bundled at once, since the programs' build writes the library again, with what they need.
    build("build the plugin, cuda", "--lib", "plugin,cuda")?;
    step::step("bundle the plugin, cuda", || bundle_plugin(&toolkit, &target))?;
    let plugin = bundle::paths_here(&bundled);
    step::step("libraries that the plugin needs", || needs_no_cuda(&[plugin.clap, plugin.vst3]))?;
    cuda_smoke::load(&toolkit, &bundled)?;

    build("build the programs, cuda", "--bins", "standalone,train,cuda")?;
    for program in PROGRAMS {
        fs::copy(release.join(program), bundled.join(program))
            .map_err(|error| Failure::new(format!("cannot copy {program}: {error}")))?;
    }
    let programs = PROGRAMS.map(|program| bundled.join(program));
    step::step("libraries that the programs need", || needs_no_cuda(&programs))?;
    cuda_smoke::play(&toolkit, &bundled)?;
    eprintln!("    it lies in {}", bundled.display());
    Ok(())
}

fn bundle_plugin(toolkit: &CudaToolkit, target: &str) -> Outcome {
    let args = ["--release", "--target", target].map(str::to_owned);
    bundle::write(&toolkit.target_dir(), &args, false)?;
    bundle::paths_here(&toolkit.target_dir().join("bundled")).check()
}

/// Holds that the kernels are real: an interrupted or a stand-in compiler leaves empty files, with which everything
/// links and nothing runs.
fn kernels(builds: &Path) -> Outcome {
    let files = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let mut kernels = 0;
    for out in files(builds).iter().map(|folder| folder.join("out")) {
        for file in files(&out).iter().filter(|file| file.extension().is_some_and(|e| e == "ptx")) {
            let text = fs::read_to_string(file).unwrap_or_default();
            let here = text.matches(".visible .entry").count();
            if here == 0 {
                return Err(Failure::new(format!(
                    "{} has no kernel in it: remove the folder {} and try again",
                    file.display(),
                    builds.display()
                )));
            }
            kernels += here;
        }
    }
    if kernels == 0 {
        return Err(Failure::new(format!("no kernels were made in {}", builds.display())));
    }
    eprintln!("    {kernels} kernels");
    Ok(())
}

/// Holds that the system can load each of `files` without any library of CUDA.
fn needs_no_cuda(files: &[PathBuf]) -> Outcome {
    files.iter().try_for_each(|file| file_needs_no_cuda(file))
}

fn file_needs_no_cuda(file: &Path) -> Outcome {
    let output = Command::new("readelf")
        .arg("--dynamic")
        .arg("--wide")
        .arg(file)
        .env("LC_ALL", "C")
        .output();
    let output = output.map_err(|error| Failure::new(format!("cannot run readelf: {error}")))?;
    let needed = needed(&String::from_utf8_lossy(&output.stdout));
    eprintln!("    {}: {}", file.display(), needed.join(" "));
    if needed.is_empty() {
        return Err(Failure::new(format!("readelf finds no library in {}", file.display())));
    }
    match needed.iter().find(|name| is_of_cuda(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::new(format!(
            "{} starts only where {name} is: cudarc is linked with it and not loading it; see CudaToolkit::prepare",
            file.display()
        ))),
    }
}

/// The libraries that `readelf --dynamic` lists.
fn needed(listing: &str) -> Vec<String> {
    let lines = listing.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())).collect()
}

fn is_of_cuda(library: &str) -> bool {
    ["libcu", "libnv"].iter().any(|prefix| library.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_cuda_is_found() {
        let listing = "
Dynamic section at offset 0x1 contains 3 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libcuda.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000e (SONAME)             Library soname: [libnvrtc.so]
";
        assert_eq!(needed(listing), ["libcuda.so.1", "libc.so.6"]);
        let found = [
            "libcuda.so.1",
            "libcublas.so.13",
            "libcurand.so.10",
            "libcudart.so.13",
            "libnvrtc.so.13",
        ];
        assert!(found.into_iter().all(is_of_cuda));
        assert!(!["libc.so.6", "libgcc_s.so.1", "libasound.so.2"].into_iter().any(is_of_cuda));
    }

    #[test]
    fn an_empty_kernel_is_found() {
        let folder =
            std::env::temp_dir().join(format!("sideman-xtask-kernels-{}", std::process::id()));
        let out = folder.join("candle-kernels-1/out");
        fs::create_dir_all(&out).unwrap();
        assert!(kernels(&folder).unwrap_err().message().unwrap().starts_with("no kernels"));
        fs::write(out.join("unary.ptx"), ".version 9.2\n.visible .entry urelu_f32(\n").unwrap();
        assert!(kernels(&folder).is_ok());
        fs::write(out.join("affine.ptx"), "").unwrap();
        assert!(
            kernels(&folder).unwrap_err().message().unwrap().contains("affine.ptx has no kernel")
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
