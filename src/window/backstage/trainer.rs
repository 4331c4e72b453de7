//! Trains a model on a folder of MIDI files: `sideman-train` as a process beside the music, and its model in place when it is
//! done.
//!
//! The process lives by its standard input: where that ends - the window lets go of it, or the host falls - it stops after the
//! step that is under way, and keeps what it has learnt.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Deserialize;

use crate::infer::builtin;
use crate::model::checkpoint::{MANIFEST_FILE, WEIGHTS_FILE};
use crate::preset::file::is_folder_name;
use crate::preset::folder;
use crate::window::scene::{Training, TrainingState};

/// The program.
const PROGRAM: &str = "sideman-train";

/// Names another place of it.
const PROGRAM_VARIABLE: &str = "SIDEMAN_TRAIN";

/// Seconds that a step takes on one core, roughly: measured on two, where 0.3 s went by.
const STEP_CORE_SECONDS: f64 = 0.6;

/// The fewest and the most steps that are worth while.
const STEPS: [u64; 2] = [40, 50_000];

/// Measurements on held-out pieces in a training.
const MEASUREMENTS: u64 = 20;

/// The end of what the process complained of, in bytes.
const COMPLAINT: usize = 2_000;

/// See the module's text.
#[derive(Default)]
pub(super) struct Trainer {
    folder: PathBuf,
    training: Option<Training>,
    run: Option<Run>,
}

/// A process under way.
struct Run {
    child: Child,
    out: PathBuf,
    told: Arc<Mutex<Told>>,
    is_stopping: bool,
}

/// What the process has told so far.
#[derive(Default)]
struct Told {
    step: u64,
    steps: u64,
    /// When the first step was done, and which.
    since: Option<(Instant, u64)>,
    losses: Vec<[f32; 2]>,
    complaint: String,
}

/// A line of the process: see `sideman-train lstm --help` on `--json`.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line {
    Started { step: u64, steps: u64 },
    Step { step: u64 },
    Measured { step: u64, nats_per_note: f64 },
    Done {},
}

impl Trainer {
    /// How the training stands, or the offer.
    pub(super) fn training(&self) -> Option<&Training> {
        self.training.as_ref()
    }

    /// A folder was dropped. Nothing is offered while a training runs.
    pub(super) fn offer(&mut self, folder: PathBuf) {
        if self.run.is_some() {
            return;
        }
        self.training = Some(Training {
            name: free_name(&folder),
            doing: String::new(),
            share: None,
            left: None,
            losses: Vec::new(),
            state: TrainingState::Offered,
        });
        self.folder = folder;
    }

    /// Begins with what was offered, for about so many minutes.
    pub(super) fn start(&mut self, minutes: u32) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let steps = 60.0 * f64::from(minutes) / STEP_CORE_SECONDS * cores.min(8) as f64;
        let [least, most] = STEPS;
        self.start_steps((steps as u64).clamp(least, most));
    }

    fn start_steps(&mut self, steps: u64) {
        let Some(training) = self.training.as_mut().filter(|_| self.run.is_none()) else { return };
        match launch(&self.folder, &training.name, steps) {
            Ok(run) => {
                training.state = TrainingState::Running;
                "reading the files".clone_into(&mut training.doing);
                self.run = Some(run);
            }
            Err(why) => training.state = TrainingState::Failed(why),
        }
    }

    /// Calls the training off, or takes its outcome out of sight.
    pub(super) fn end(&mut self) {
        match &mut self.run {
            Some(run) => {
                run.is_stopping = true;
                drop(run.child.stdin.take());
                if let Some(training) = &mut self.training {
                    "keeping what was learnt".clone_into(&mut training.doing);
                }
            }
            None => self.training = None,
        }
    }

    /// Takes in what has happened. Gives the folder of a model that is to play.
    pub(super) fn listen(&mut self) -> Option<PathBuf> {
        let (training, run) = (self.training.as_mut()?, self.run.as_mut()?);
        run.show(training);
        let status = run.child.try_wait().ok()??;
        // The last lines may still be on their way.
        std::thread::sleep(Duration::from_millis(20));
        run.show(training);
        let was_stopped = run.is_stopping;
        let kept = install(&run.out, &training.name);
        let complaint = run.told.lock().complaint.trim().to_owned();
        self.run = None;
        let (state, model) = match kept {
            _ if !status.success() => (TrainingState::Failed(last_line(&complaint)), None),
            Ok(model) if was_stopped => (TrainingState::Stopped, Some(model)),
            Ok(model) => (TrainingState::Done, Some(model)),
            Err(_) if was_stopped => (TrainingState::Stopped, None),
            Err(why) => (TrainingState::Failed(why), None),
        };
        training.left = None;
        training.doing.clear();
        training.state = state;
        model
    }
}

impl Run {
    fn show(&self, training: &mut Training) {
        let told = self.told.lock();
        if told.losses.len() != training.losses.len() {
            training.losses.clone_from(&told.losses);
        }
        if told.steps == 0 {
            return;
        }
        training.share = Some(told.step as f32 / told.steps as f32);
        if !self.is_stopping {
            training.doing = format!("step {} of {}", told.step, told.steps);
            training.left = told.since.and_then(|(at, from)| {
                let done = told.step.checked_sub(from).filter(|done| *done > 0)?;
                let each = at.elapsed().as_secs_f64() / done as f64;
                Some(Duration::from_secs_f64(each * told.steps.saturating_sub(told.step) as f64))
            });
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It stops by itself and keeps what it has; nobody waits for that here.
        drop(self.child.stdin.take());
        let _ = self.child.try_wait();
    }
}

fn launch(folder: &Path, name: &str, steps: u64) -> Result<Run, String> {
    let program = program().ok_or(format!(
        "the trainer `{PROGRAM}` is not installed: `cargo install sideman`, or name it in {PROGRAM_VARIABLE}"
    ))?;
    let runs = runs().ok_or("this system names no folder for data")?;
    fs::create_dir_all(&runs).map_err(|e| format!("{} can't be made: {e}", runs.display()))?;
    let out = runs.join(name);
    let mut command = behind_the_music(&program);
    command
        .args(["lstm", "--json", "--from", builtin::NAME, "--data"])
        .arg(folder)
        .arg("--out")
        .arg(&out)
        .args(["--steps", &steps.to_string()])
        .args(["--valid-every", &(steps / MEASUREMENTS).max(1).to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("`{PROGRAM}` can't be started: {e}"))?;
    let told = Arc::<Mutex<Told>>::default();
    let (lines, complaints) = (child.stdout.take(), child.stderr.take());
    let seen = Arc::clone(&told);
    let follow = move || {
        for line in
            lines.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok)
        {
            if let Ok(line) = serde_json::from_str(&line) {
                seen.lock().hear(&line);
            }
        }
    };
    let heard = Arc::clone(&told);
    let complain = move || {
        let Some(mut complaints) = complaints else { return };
        let mut bytes = [0; 512];
        while let Ok(read @ 1..) = complaints.read(&mut bytes) {
            let mut told = heard.lock();
            told.complaint.push_str(&String::from_utf8_lossy(&bytes[..read]));
            let excess = told.complaint.len().saturating_sub(COMPLAINT);
            let cut =
                (excess..=told.complaint.len()).find(|at| told.complaint.is_char_boundary(*at));
            told.complaint.drain(..cut.unwrap_or(0));
        }
    };
    for (name, work) in [
        ("sideman-follow", Box::new(follow) as Box<dyn FnOnce() + Send>),
        ("sideman-complain", Box::new(complain)),
    ] {
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        spawned.map_err(|e| format!("no thread to follow the training: {e}"))?;
    }
    Ok(Run { child, out, told, is_stopping: false })
}

/// Starts the program so that all else goes before it: it is to take what the music leaves.
#[cfg(unix)]
fn behind_the_music(program: &Path) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "15"]).arg(program);
    nice
}

/// See above.
#[cfg(windows)]
fn behind_the_music(program: &Path) -> Command {
    use std::os::windows::process::CommandExt as _;
    /// `IDLE_PRIORITY_CLASS` of the Windows API.
    const IDLE: u32 = 0x40;
    let mut command = Command::new(program);
    command.creation_flags(IDLE);
    command
}

impl Told {
    fn hear(&mut self, line: &Line) {
        match *line {
            Line::Started { step, steps } => {
                (self.step, self.steps) = (step, steps);
                self.since = Some((Instant::now(), step));
            }
            Line::Step { step } => self.step = step,
            Line::Measured { step, nats_per_note } => {
                self.step = step;
                self.losses.push([step as f32 / self.steps.max(1) as f32, nats_per_note as f32]);
            }
            Line::Done {} => {}
        }
    }
}

/// Copies the best model of a run to where models are found by name.
fn install(out: &Path, name: &str) -> Result<PathBuf, String> {
    let best = out.join("best");
    if !best.join(MANIFEST_FILE).is_file() {
        return Err("it ended before there was a model".to_owned());
    }
    let models = folder::models().ok_or("this system names no folder for models")?;
    let model = models.join(name);
    // Whole or not at all: it gets its name when all is in it.
    let beside = models.join(format!(".{name}.part"));
    let copied = fs::create_dir_all(&beside)
        .and_then(|()| {
            for file in [WEIGHTS_FILE, MANIFEST_FILE] {
                fs::copy(best.join(file), beside.join(file))?;
            }
            fs::rename(&beside, &model)
        })
        .map(|()| model);
    copied.map_err(|error| format!("the model can't be kept in {}: {error}", models.display()))
}

/// The trainer: where it is said to be, beside this program, on the path, or where cargo installs.
fn program() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(PROGRAM_VARIABLE).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let file = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".cargo").join("bin"));
    let folders = beside.into_iter().chain(std::env::split_paths(&path)).chain(home);
    folders.map(|folder| folder.join(&file)).find(|program| program.is_file())
}

fn runs() -> Option<PathBuf> {
    Some(folder::models()?.parent()?.join("training"))
}

/// A name after the folder's, that no model and no run has.
fn free_name(folder: &Path) -> String {
    let of_folder = folder.file_name().unwrap_or_default().to_string_lossy();
    let kept: String =
        of_folder.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
    let kept = kept.trim_matches('-').to_lowercase();
    let base = if is_folder_name(&kept) { kept } else { "my-music".to_owned() };
    let is_free = |name: &String| {
        let taken = |home: Option<PathBuf>| home.is_some_and(|home| home.join(name).exists());
        *name != builtin::NAME && !taken(folder::models()) && !taken(runs())
    };
    let numbered = (2..10_000).map(|n| format!("{base}-{n}"));
    std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or(base)
}

fn last_line(complaint: &str) -> String {
    let line = complaint.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| "it ended without a word".to_owned(), |line| line.trim().to_owned())
}
