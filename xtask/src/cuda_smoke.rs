//! The CUDA build where it has no GPU: without a driver, and with one that finds no device, it plays on the CPU the
//! notes that the CPU plays, and says why.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::bundle;
use crate::cuda_toolkit::CudaToolkit;
use crate::failure::{Failure, Outcome};
use crate::step;

/// A driver without a GPU: what `libcuda.so.1` says where the module is not loaded. Its names are NVIDIA's.
const DRIVER: &str = r#"
int cuInit(unsigned flags) { (void)flags; return 100; }
int cuGetErrorName(int error, const char **text) { (void)error; *text = "CUDA_ERROR_NO_DEVICE"; return 0; }
int cuGetErrorString(int error, const char **text) { (void)error; *text = "no CUDA-capable device is detected"; return 0; }
"#;

/// What the program says of a driver that is not there, and of the one above.
const ABSENT: &str = r#"plays on the cpu: the device cuda fails: Unable to dynamically load the "cuda" shared library"#;
const NO_DEVICE: &str = "plays on the cpu: the device cuda fails: DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")";

/// Lets the program play, as on a machine without a GPU.
pub(crate) fn play(toolkit: &CudaToolkit, bundled: &Path) -> Outcome {
    let folder = toolkit.target_dir().join("smoke");
    let cannot = |error| Failure::new(format!("cannot write in {}: {error}", folder.display()));
    let drivers = folder.join("driver");
    fs::create_dir_all(&drivers).map_err(cannot)?;
    let player = Player { program: bundled.join("sideman"), tune: folder.join("tune.mid"), folder };
    fs::write(&player.tune, tune())
        .map_err(|error| Failure::new(format!("cannot write the tune: {error}")))?;
    let (_, reference) = player.play("cpu", None)?;

    let absent: &[(&str, Option<&Path>, &str)] = &[("cuda", None, ABSENT), ("auto", None, ABSENT)];
    if has_driver(toolkit) {
        eprintln!("==> play, no driver: skipped, this machine has one");
    } else {
        step::step("play, no driver", || player.falls_back(absent, &reference))?;
    }

    build_driver(&player.folder, &drivers)?;
    let no_device = [("cuda", Some(&*drivers), NO_DEVICE), ("auto", Some(&*drivers), NO_DEVICE)];
    step::step("play, a driver and no device", || player.falls_back(&no_device, &reference))
}

/// Loads the plugin's files with every symbol of theirs bound, and looks for their entry points.
pub(crate) fn load(toolkit: &CudaToolkit, bundled: &Path) -> Outcome {
    let plugin = bundle::paths_here(bundled);
    let load = |file: &Path, entry: &str| {
        let script = "import ctypes, os, sys; getattr(ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW), sys.argv[2])";
        let mut python = Command::new(toolkit.python());
        let output = output(python.args(["-c", script]).arg(file).arg(entry))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let problem = text.lines().last().unwrap_or_default();
        Err(Failure::new(format!("{} can't be loaded: {problem}", file.display())))
    };
    step::step("load the plugin", || {
        load(&plugin.clap, "clap_entry")?;
        load(&plugin.vst3, "GetPluginFactory")
    })
}

fn has_driver(toolkit: &CudaToolkit) -> bool {
    let mut python = Command::new(toolkit.python());
    let script = "import ctypes; ctypes.CDLL('libcuda.so.1')";
    output(python.args(["-c", script])).is_ok_and(|output| output.status.success())
}

fn build_driver(folder: &Path, drivers: &Path) -> Outcome {
    let source = folder.join("driver.c");
    fs::write(&source, DRIVER)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", source.display())))?;
    // Under both names, since cudarc tries the one without a number first, and a machine may have that.
    ["libcuda.so", "libcuda.so.1"].iter().try_for_each(|name| {
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(drivers.join(name)).arg(&source);
        step::command(&format!("a driver without a GPU, {name}"), &mut cc)
    })
}

struct Player {
    program: PathBuf,
    tune: PathBuf,
    folder: PathBuf,
}

impl Player {
    /// Holds that each device, with the drivers beside it, plays `reference` and says the words beside it.
    fn falls_back(&self, cases: &[(&str, Option<&Path>, &str)], reference: &[u8]) -> Outcome {
        for (device, drivers, words) in cases {
            let (said, notes) = self.play(device, *drivers)?;
            eprintln!("    --device {device}: {}", said.trim());
            if !said.contains(words) {
                return Err(Failure::new(format!(
                    "--device {device} says `{said}` and not `{words}`"
                )));
            }
            if said.contains("panicked") {
                return Err(Failure::new(format!("--device {device} shows a panic: `{said}`")));
            }
            if notes != reference {
                return Err(Failure::new(format!(
                    "--device {device} plays other notes than the CPU"
                )));
            }
        }
        Ok(())
    }

    /// What the program says on standard error, and the MIDI file that it writes.
    fn play(&self, device: &str, drivers: Option<&Path>) -> Outcome<(String, Vec<u8>)> {
        let out = self.folder.join("out.mid");
        if out.exists() {
            bundle::remove(&out)?;
        }
        let mut command = Command::new(&self.program);
        command
            .args(["play", "--seed", "1", "--device", device, "--out"])
            .arg(&out)
            .arg(&self.tune);
        command.env("LD_LIBRARY_PATH", drivers.map_or(OsStr::new(""), Path::as_os_str));
        let output = output(&mut command)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            let status = output.status;
            return Err(Failure::new(format!(
                "play --device {device} ended with {status}: {said}"
            )));
        }
        let notes = fs::read(&out).map_err(|error| {
            Failure::new(format!("play --device {device} wrote no {}: {error}", out.display()))
        })?;
        Ok((said, notes))
    }
}

fn output(command: &mut Command) -> Outcome<Output> {
    let program = command.get_program().to_owned();
    command
        .output()
        .map_err(|error| Failure::new(format!("cannot run {}: {error}", program.display())))
}

/// Four bars of a scale, as a MIDI file: 480 ticks a quarter note, one track, 120 to the minute.
fn tune() -> Vec<u8> {
    let mut track = Vec::new();
    for key in [60, 62, 64, 65, 67, 69, 71, 72, 72, 71, 69, 67, 65, 64, 62, 60] {
        // A note for 400 ticks, then 80 of rest; of the two bytes of such a time the first carries the higher bits.
        track.extend([0x00, 0x90, key, 90, 0x83, 0x10, 0x80, key, 0]);
        track.extend([0x50, 0xb0, 0x7b, 0]);
    }
    track.extend([0x00, 0xff, 0x2f, 0x00]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend(u32::try_from(track.len()).unwrap_or_default().to_be_bytes());
    file.extend(track);
    file
}
