//! Trains a model on a folder of MIDI files: `sideman-train` as a process beside the music, and its model in place when it is
//! done.
//!
//! The process lives by its standard input: where that ends - the window lets go of it, or the host falls - it stops after the
//! step that is under way, and keeps what it has learnt.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
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

/// The end of what the process complained of, in bytes.
const COMPLAINT: usize = 2_000;

/// Does something with the folder of a model that was trained.
pub(super) type Use = Arc<dyn Fn(&Path) + Send + Sync>;

/// See the module's text.
pub(super) struct Trainer {
    folder: PathBuf,
    training: Option<Training>,
    run: Option<Run>,
    put_in_place: Use,
}

/// A process under way. A thread waits for its end, whether or not anybody looks.
struct Run {
    /// It stops when this is dropped.
    input: Option<ChildStdin>,
    told: Arc<Mutex<Told>>,
}

/// What the process has told so far.
#[derive(Default)]
struct Told {
    step: u64,
    steps: u64,
    /// When the first step was done, and which.
    since: Option<(Instant, u64)>,
    losses: Vec<[f32; 2]>,
    /// The step of the best model so far; at 0 it is the one that it began with.
    best: u64,
    complaint: String,
    was_stopped: bool,
    ended: Option<TrainingState>,
}

/// A line of the process: see `sideman-train lstm --help` on `--json`.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line {
    Started { step: u64, steps: u64 },
    Step { step: u64 },
    Measured { step: u64, nats_per_note: f64, best: bool },
    Done {},
}

impl Trainer {
    /// One whose models are used like this, on a thread of its own.
    pub(super) fn new(put_in_place: Use) -> Self {
        Self { folder: PathBuf::new(), training: None, run: None, put_in_place }
    }

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
            name: name_of(&folder),
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
        let Some(training) = self.training.as_mut().filter(|_| self.run.is_none()) else { return };
        match launch(&self.folder, minutes, &self.put_in_place) {
            Ok((name, run)) => {
                training.name = name;
                training.state = TrainingState::Running;
                "reading the files, and trying how fast it goes".clone_into(&mut training.doing);
                self.run = Some(run);
            }
            Err(why) => training.state = TrainingState::Failed(why),
        }
    }

    /// Calls the training off, or takes its outcome out of sight.
    pub(super) fn end(&mut self) {
        match &mut self.run {
            Some(run) => {
                run.told.lock().was_stopped = true;
                drop(run.input.take());
                if let Some(training) = &mut self.training {
                    "keeping what was learnt".clone_into(&mut training.doing);
                }
            }
            None => self.training = None,
        }
    }

    /// Takes in what has happened. Says whether a training has just ended.
    pub(super) fn listen(&mut self) -> bool {
        let (Some(training), Some(run)) = (self.training.as_mut(), self.run.as_mut()) else {
            return false;
        };
        let mut told = run.told.lock();
        told.show(training);
        let Some(state) = told.ended.take() else { return false };
        drop(told);
        training.left = None;
        training.doing.clear();
        training.state = state;
        self.run = None;
        true
    }
}

impl Told {
    fn show(&self, training: &mut Training) {
        if self.losses.len() != training.losses.len() {
            training.losses.clone_from(&self.losses);
        }
        if self.steps == 0 {
            return;
        }
        training.share = Some(self.step as f32 / self.steps as f32);
        if !self.was_stopped {
            training.doing = format!("step {} of {}", self.step, self.steps);
            training.left = self.since.and_then(|(at, from)| {
                let done = self.step.checked_sub(from).filter(|done| *done > 0)?;
                let each = at.elapsed().as_secs_f64() / done as f64;
                Some(Duration::from_secs_f64(each * self.steps.saturating_sub(self.step) as f64))
            });
        }
    }

    fn hear(&mut self, line: &Line) {
        match *line {
            Line::Started { step, steps } => {
                (self.step, self.steps) = (step, steps);
                self.since = Some((Instant::now(), step));
            }
            Line::Step { step } => self.step = step,
            Line::Measured { step, nats_per_note, best } => {
                self.step = step;
                if best {
                    self.best = step;
                }
                self.losses.push([step as f32 / self.steps.max(1) as f32, nats_per_note as f32]);
            }
            Line::Done {} => {}
        }
    }
}

/// Starts a training of this folder. Gives the name of the model to be.
fn launch(folder: &Path, minutes: u32, put_in_place: &Use) -> Result<(String, Run), String> {
    let program = program().ok_or(format!(
        "the trainer `{PROGRAM}` is not installed: `cargo install sideman`, or name it in {PROGRAM_VARIABLE}"
    ))?;
    let (name, out) = reserve(folder)?;
    let mut command = behind_the_music(&program);
    command
        .args(["lstm", "--json", "--from", builtin::NAME, "--data"])
        .arg(folder)
        .arg("--out")
        .arg(&out)
        .args(["--minutes", &minutes.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("`{PROGRAM}` can't be started: {e}"))?;
    let told = Arc::<Mutex<Told>>::default();
    let run = Run { input: child.stdin.take(), told: Arc::clone(&told) };
    let (model, put_in_place) = (name.clone(), Arc::clone(put_in_place));
    let follow = move || {
        let ended = attend(child, &told, &out, &model, &*put_in_place);
        told.lock().ended = Some(ended);
    };
    let thread = std::thread::Builder::new().name("sideman-training".to_owned());
    thread.spawn(follow).map_err(|e| format!("no thread to follow the training: {e}"))?;
    Ok((name, run))
}

/// Follows a process to its end, and puts its model in place.
fn attend(
    mut child: Child,
    told: &Arc<Mutex<Told>>,
    out: &Path,
    name: &str,
    put_in_place: &(dyn Fn(&Path) + Send + Sync),
) -> TrainingState {
    let (lines, complaints) = (child.stdout.take(), child.stderr.take());
    let heard = Arc::clone(told);
    let complains = std::thread::Builder::new().name("sideman-complaints".to_owned());
    let complains = complains.spawn(move || complaints.map(|read| complain(read, &heard)));
    for line in lines.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok)
    {
        if let Ok(line) = serde_json::from_str(&line) {
            told.lock().hear(&line);
        }
    }
    let status = child.wait();
    if let Ok(thread) = complains {
        // Nothing in it can fall, and if it did, there would be nothing to read.
        let _ = thread.join();
    }
    let (has_learnt, was_stopped, complaint) = {
        let told = told.lock();
        (told.best > 0, told.was_stopped, last_line(told.complaint.trim()))
    };
    if !status.is_ok_and(|status| status.success()) {
        return TrainingState::Failed(complaint);
    }
    if !has_learnt {
        let why = "it learnt nothing from this that is better than the model that it began with";
        return if was_stopped {
            TrainingState::Stopped
        } else {
            TrainingState::Failed(why.to_owned())
        };
    }
    match install(out, name) {
        Ok(model) => {
            put_in_place(&model);
            if was_stopped { TrainingState::Stopped } else { TrainingState::Done }
        }
        Err(why) => TrainingState::Failed(why),
    }
}

/// Keeps the end of what a process complains of.
fn complain(mut complaints: impl Read, told: &Mutex<Told>) {
    let mut bytes = [0; 512];
    while let Ok(read @ 1..) = complaints.read(&mut bytes) {
        let mut told = told.lock();
        told.complaint.push_str(&String::from_utf8_lossy(&bytes[..read]));
        let excess = told.complaint.len().saturating_sub(COMPLAINT);
        let end = told.complaint.len();
        let cut = (excess..=end).find(|at| told.complaint.is_char_boundary(*at));
        told.complaint.drain(..cut.unwrap_or(0));
    }
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

/// A name after the folder's.
fn name_of(folder: &Path) -> String {
    let of_folder = folder.file_name().unwrap_or_default().to_string_lossy();
    let kept: String =
        of_folder.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
    let kept = kept.trim_matches('-').to_lowercase();
    let free = is_folder_name(&kept) && kept != builtin::NAME;
    if free { kept } else { "my-music".to_owned() }
}

/// A name that no model has, and a new folder for its run: nobody else gets the same.
fn reserve(folder: &Path) -> Result<(String, PathBuf), String> {
    let runs = runs().ok_or("this system names no folder for data")?;
    fs::create_dir_all(&runs).map_err(|e| format!("{} can't be made: {e}", runs.display()))?;
    let base = name_of(folder);
    let numbered = (2..10_000).map(|n| format!("{base}-{n}"));
    for name in std::iter::once(base.clone()).chain(numbered) {
        let is_taken = folder::models().is_some_and(|models| models.join(&name).exists());
        if !is_taken && fs::create_dir(runs.join(&name)).is_ok() {
            let out = runs.join(&name);
            return Ok((name, out));
        }
    }
    Err(format!("{} is full, or can't be written to", runs.display()))
}

fn last_line(complaint: &str) -> String {
    let line = complaint.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| "it ended without a word".to_owned(), |line| line.trim().to_owned())
}
