//! `cargo xtask peers`: the model's step beside the engines of others, in turns.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::failure::{Failure, Outcome};
use crate::step;
use crate::system::{self, Need};
use crate::workspace::{Workspace, built};

const SHAPES: [(&str, &str); 3] = [
    ("S", "2 layers of 128, 300 tokens"),
    ("M", "2 layers of 256, 1,000 tokens"),
    ("L", "3 layers of 512, 1,000 tokens"),
];

/// Steps after which the logits are compared.
const COMPARED: usize = 100;

/// Unmeasured and measured steps of a warm turn: the ones before bring the weights back into the caches.
const WARM_TURN: &str = "warm 5 20";

/// Measured steps of a cold turn.
const COLD_TURN: &str = "cold 2";

/// How the task was asked to run.
#[derive(Debug, Default)]
struct Options {
    is_quick: bool,
    python: Option<PathBuf>,
}

/// Builds everything, checks the logits, measures, prints.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let options = parse(args)?;
    system::ensure(&Need::ALL)?;
    let folder = workspace.target_dir().join("peers");
    let python = match options.python {
        Some(python) => python,
        None => python(workspace.root(), &folder)?,
    };
    let ours = step::step("build our engines", || {
        let args = ["bench", "--bench", "step", "--no-run"];
        built(workspace.cargo(&args).args(["--message-format", "json-render-diagnostics"]), "step")
    })?;
    let tract = step::step("build tract", || {
        let args = ["build", "--release", "--message-format", "json-render-diagnostics"];
        let mut cargo = workspace.cargo(&args);
        cargo.arg("--manifest-path").arg(workspace.root().join("xtask/peers/Cargo.toml"));
        built(cargo.arg("--target-dir").arg(folder.join("tract")), "sideman-peers")
    })?;
    let models = folder.join("models");
    step::command("write the weights", Command::new(&ours).arg("--export").arg(&models))?;
    let script = workspace.root().join("xtask/peers/peer.py");
    for (shape, _) in SHAPES {
        let mut command = Command::new(&python);
        command.arg(&script).arg("onnx").arg(models.join(shape));
        step::command(&format!("write the graph of {shape}"), &mut command)?;
    }
    let turns = if options.is_quick { (4, 2) } else { (40, 20) };
    for (shape, words) in SHAPES {
        let our = |engine| {
            let mut command = Command::new(&ours);
            command.args(["--serve", engine, shape]);
            (engine, command)
        };
        let pythons = |engine, task| {
            let mut command = Command::new(&python);
            command.arg(&script).arg(task).arg(models.join(shape)).env("OMP_NUM_THREADS", "1");
            (engine, command)
        };
        let mut their = Command::new(&tract);
        their.arg(models.join(shape));
        let commands = [
            our("packed f32"),
            our("packed f16"),
            our("candle, 1 thread"),
            our("candle, default threads"),
            ("tract", their),
            pythons("ONNX Runtime", "onnxruntime"),
            pythons("torch", "torch"),
            pythons("torch, mkldnn", "torch-mkldnn"),
        ];
        let mut peers = Vec::new();
        for (name, command) in commands {
            peers.push(Peer::start(name, command)?);
        }
        let distances = compare(&mut peers)?;
        let warm = take_turns(&mut peers, turns.0, WARM_TURN)?;
        let cold = take_turns(&mut peers, turns.1, COLD_TURN)?;
        println!("\n{shape}: {words}; microseconds a step");
        print!("{}", table(&peers, &distances, &warm, &cold));
    }
    println!("\nRTNeural is left out: no package registry carries it.");
    Ok(())
}

fn parse(args: &[String]) -> Outcome<Options> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => options.is_quick = true,
            "--python" => match args.next() {
                Some(python) => options.python = Some(python.into()),
                None => return Err(Failure::usage("`--python` wants a program")),
            },
            _ => return Err(Failure::usage(format!("`peers` knows no argument `{arg}`"))),
        }
    }
    Ok(options)
}

/// A Python with the packages, made anew when what is asked for has changed.
fn python(root: &Path, folder: &Path) -> Outcome<PathBuf> {
    let asked = root.join("xtask/peers/requirements.txt");
    let venv = folder.join("venv");
    let (python, stamp) = (venv.join("bin/python"), venv.join("requirements.txt"));
    let wanted = fs::read(&asked)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", asked.display())))?;
    if fs::read(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    step::command("make a Python", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&asked);
    step::command("install torch, ONNX and ONNX Runtime", &mut pip)?;
    fs::write(&stamp, wanted)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", stamp.display())))?;
    Ok(python)
}

/// A process with one engine, as `benches/step/peer.rs` tells it.
struct Peer {
    name: &'static str,
    version: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(name: &'static str, mut command: Command) -> Outcome<Self> {
        let failure = |error| Failure::new(format!("cannot start {name}: {error}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failure(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failure("no pipes".to_owned()));
        };
        let output = BufReader::new(output);
        let mut peer = Self { name, version: String::new(), child, input, output };
        let line = peer.hear()?;
        let Some(version) = line.strip_prefix("ready ") else {
            return Err(failure(format!("it said `{line}`")));
        };
        version.clone_into(&mut peer.version);
        Ok(peer)
    }

    /// Says a line and reads the numbers of the answer.
    fn ask(&mut self, line: &str) -> Outcome<Vec<f64>> {
        writeln!(self.input, "{line}").map_err(|error| self.failed(&error.to_string()))?;
        let answer = self.hear()?;
        let numbers: Result<Vec<f64>, _> = answer.split(' ').map(str::parse).collect();
        numbers.map_err(|_| self.failed(&format!("it answered `{answer}` to `{line}`")))
    }

    fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err(self.failed("it ended")),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    fn failed(&self, problem: &str) -> Failure {
        Failure::new(format!("{}: {problem}", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It holds nothing that could be lost; both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How far each peer's logits are from the first one's; an error where that is too far.
fn compare(peers: &mut [Peer]) -> Outcome<Vec<f64>> {
    let mut all = Vec::new();
    for peer in &mut *peers {
        all.push(peer.ask(&format!("logits {COMPARED}"))?);
    }
    let mut distances = Vec::new();
    for (peer, logits) in peers.iter().zip(&all) {
        if logits.len() != all[0].len() {
            return Err(peer.failed(&format!("{} logits, not {}", logits.len(), all[0].len())));
        }
        let distance = furthest(logits, &all[0]);
        let most = if peer.name.ends_with("f16") { 5e-4 } else { 1e-5 };
        if distance.is_nan() || distance > most {
            return Err(peer.failed(&format!("a logit is off by {distance:e}, at most {most:e}")));
        }
        distances.push(distance);
    }
    Ok(distances)
}

/// The largest difference; NaN where there is one.
fn furthest(a: &[f64], b: &[f64]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most, x| if most.is_nan() || x <= most { most } else { x })
}

/// The microseconds of each peer's steps. Another one begins each round.
fn take_turns(peers: &mut [Peer], rounds: usize, line: &str) -> Outcome<Vec<Vec<f64>>> {
    let mut times = vec![Vec::new(); peers.len()];
    for round in 0..rounds {
        for turn in 0..peers.len() {
            let at = (round + turn) % peers.len();
            times[at].extend(peers[at].ask(line)?.iter().map(|nanoseconds| nanoseconds / 1e3));
        }
    }
    Ok(times)
}

fn table(peers: &[Peer], distances: &[f64], warm: &[Vec<f64>], cold: &[Vec<f64>]) -> String {
    let mut lines = format!(
        "{:<36}{:>9}{:>9}{:>8}{:>9}{:>8}{:>16}\n",
        "engine", "p50", "min", "ratio", "cold p50", "ratio", "furthest logit"
    );
    let (unit, cold_unit) = (median(&warm[0]), median(&cold[0]));
    for (n, peer) in peers.iter().enumerate() {
        let (p50, min, cold) = (
            median(&warm[n]),
            warm[n].iter().copied().fold(f64::INFINITY, f64::min),
            median(&cold[n]),
        );
        let name = format!("{} ({})", peer.name, peer.version);
        let (ratio, cold_ratio, distance) = (p50 / unit, cold / cold_unit, distances[n]);
        // A `String` takes everything.
        let _ = writeln!(
            lines,
            "{name:<36}{p50:>9.1}{min:>9.1}{ratio:>8.2}{cold:>9.1}{cold_ratio:>8.2}{distance:>16.1e}"
        );
    }
    lines
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
        let options = parse(&words("--quick --python py")).unwrap();
        assert!(options.is_quick && options.python == Some("py".into()));
        assert!(parse(&words("--python")).is_err() && parse(&words("-q")).is_err());
    }

    #[test]
    fn a_nan_is_far() {
        assert!(furthest(&[1.0, f64::NAN, 2.0], &[1.0, 1.0, 1.0]).is_nan());
        assert!((furthest(&[1.0, 3.0, 2.0], &[1.0, 1.0, 1.0]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn medians() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!(median(&[]).is_nan());
    }
}
