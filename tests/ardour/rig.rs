//! Ardour without a window on a JACK server without a sound card, and a player beside them.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use sideman::music::event::{Channel, Midi};
use tempfile::TempDir;

use crate::jack::Jack;
use crate::process::Process;
use crate::take::Take;

/// Frames in a second, and in a block of the server.
pub(crate) const RATE: u64 = 48_000;
pub(crate) const PERIOD: u64 = 512;

/// The player's channel and the machine's.
pub(crate) const PLAYER: Channel = Channel::new(0);
pub(crate) const MACHINE: Channel = Channel::new(1);

/// The program, and the version that the driver is written for.
const ARDOUR: &str = "ardour7-lua";

/// Some starts fail in JACK's client library, which Ardour calls from several threads at once.
const STARTS: u32 = 8;

/// Longest time for one answer of Ardour's.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a rig did not start.
enum Trouble {
    /// Ardour or JACK: another start may go well.
    Host(String),
    /// The plugin: another start would say the same.
    Plugin(String),
    /// This machine cannot run it.
    Machine(String),
}

/// A folder in which Ardour is at home and knows the plugin.
pub(crate) struct Studio {
    home: TempDir,
    starts: Cell<u32>,
}

impl Studio {
    /// Looks for what the rig needs, and lets Ardour look at the plugin. Without it `None`, and a line says why.
    pub(crate) fn find() -> Option<Self> {
        match Self::look() {
            Ok(studio) => Some(studio),
            Err(reason) => {
                eprintln!("skipped: {reason}");
                None
            }
        }
    }

    fn look() -> Result<Self, String> {
        let hint = "`cargo xtask test --ardour`, or apt-get install ardour jackd2";
        let Some(wrapper) = on_path(ARDOUR) else {
            return Err(format!("{ARDOUR} is not installed ({hint})"));
        };
        if on_path("jackd").is_none() || !Jack::is_here() {
            return Err(format!("JACK is not installed ({hint})"));
        }
        let bundle = bundle()?;
        let home = tempfile::tempdir().map_err(|error| format!("no folder to work in: {error}"))?;
        let place = |folder: &str| {
            let folder = home.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let plugins = place(".vst3");
        std::os::unix::fs::symlink(&bundle, plugins.join("Sideman.vst3")).unwrap();
        let script = place(".config/ardour7/scripts").join("position.lua");
        fs::write(script, include_str!("position.lua")).unwrap();
        fs::write(home.path().join("driver.lua"), include_str!("driver.lua")).unwrap();
        let studio = Self { home, starts: Cell::new(0) };
        studio.scan(&wrapper, &plugins.join("Sideman.vst3"));
        Ok(studio)
    }

    /// Ardour takes from a cache what a plugin is; its own scanner fills it.
    fn scan(&self, wrapper: &Path, plugin: &Path) {
        let wrapper = fs::read_to_string(wrapper).unwrap();
        let folder = |name: &str| {
            let line =
                wrapper.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name));
            line.and_then(|rest| rest.strip_prefix('=')).unwrap_or_default().to_owned()
        };
        let libraries = folder("ARDOUR_DLL_PATH");
        let mut scanner = self.at_home(&Path::new(&libraries).join("ardour-vst3-scanner"));
        for name in ["ARDOUR_DATA_PATH", "ARDOUR_CONFIG_PATH", "ARDOUR_DLL_PATH"] {
            scanner.env(name, folder(name));
        }
        scanner.env("LD_LIBRARY_PATH", &libraries).args(["-q", "-f"]).arg(plugin);
        let mut scan = Process::start(scanner.stdout(Stdio::null())).unwrap();
        assert!(scan.ends_within(PATIENCE), "Ardour's scanner hangs on the plugin");
        let status = scan.0.wait().unwrap();
        assert!(status.success(), "Ardour's scanner on the plugin: {status}");
    }

    /// The program in this home, with nothing of the user's.
    fn at_home(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let home = self.home.path();
        command.env("HOME", home).stdin(Stdio::null());
        for (name, folder) in
            [("CONFIG", ".config"), ("CACHE", ".cache"), ("DATA", ".local"), ("STATE", ".state")]
        {
            command.env(format!("XDG_{name}_HOME"), home.join(folder));
        }
        command
    }

    /// The file of the session.
    pub(crate) fn session_file(&self) -> PathBuf {
        self.session_folder().join("song.ardour")
    }

    fn session_folder(&self) -> PathBuf {
        self.home.path().join("song")
    }

    /// A new session with Sideman in it. `None` where Ardour or JACK cannot start; a line says why.
    pub(crate) fn create(&self) -> Option<Rig> {
        self.start(true)
    }

    /// The session that was saved, in new programs.
    pub(crate) fn reopen(&self) -> Option<Rig> {
        self.start(false)
    }

    fn start(&self, is_new: bool) -> Option<Rig> {
        let mut reasons = Vec::new();
        for _ in 0..STARTS {
            self.starts.set(self.starts.get() + 1);
            match Rig::start(self, is_new) {
                Ok(rig) => {
                    eprintln!("started at try {}", reasons.len() + 1);
                    return Some(rig);
                }
                Err(Trouble::Host(reason)) => reasons.push(reason),
                Err(Trouble::Plugin(reason)) => panic!("{reason}"),
                Err(Trouble::Machine(reason)) => {
                    eprintln!("skipped: {reason}");
                    return None;
                }
            }
        }
        eprintln!("skipped: Ardour did not start in {STARTS} tries:\n  {}", reasons.join("\n  "));
        None
    }
}

/// The bundle's folder: around the library that `SIDEMAN_VST3` names, else where `cargo xtask bundle` puts it.
fn bundle() -> Result<PathBuf, String> {
    let bundle = match std::env::var_os("SIDEMAN_VST3") {
        Some(library) => PathBuf::from(library).ancestors().nth(3).map(Path::to_path_buf),
        None => std::env::current_exe().ok().and_then(|test| {
            let target = test.ancestors().nth(3)?;
            Some(target.join("bundled/Sideman.vst3"))
        }),
    };
    let bundle = bundle.filter(|bundle| bundle.join("Contents").is_dir());
    bundle.ok_or_else(|| "the plugin is not built (`cargo xtask bundle`)".to_owned())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A session that is open in Ardour, and a player. What it is made of ends in this order.
pub(crate) struct Rig {
    ardour: Ardour,
    jack: Jack,
    _server: Process,
    /// All that passed.
    pub(crate) take: Take,
}

impl Rig {
    fn start(studio: &Studio, is_new: bool) -> Result<Self, Trouble> {
        let name = format!("sideman-{}-{}", std::process::id(), studio.starts.get());
        let (server, log) = start_server(studio, &name)?;
        let jack = Jack::join(&name).map_err(|reason| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            Trouble::Host(format!("{reason}; jackd said: {}", tail(&log)))
        })?;
        if !jack.is_realtime() {
            return Err(Trouble::Machine("JACK has no real-time priority".to_owned()));
        }
        let mut ardour = Ardour::start(studio, &name).map_err(Trouble::Host)?;
        let folder = studio.session_folder().display().to_string();
        if is_new {
            let _ = fs::remove_dir_all(studio.session_folder());
            ardour.ask(&format!("create([[{folder}]])")).map_err(Refusal::of_host)?;
            ardour.ask("add_tracks()").map_err(Refusal::of_plugin)?;
        } else {
            ardour.ask(&format!("reopen([[{folder}]])")).map_err(Refusal::of_host)?;
        }
        let mut rig = Self { ardour, jack, _server: server, take: Take::default() };
        for (from, to) in [
            ("player:play", "ardour:Sideman/midi_in 1"),
            ("ardour:Sideman/midi_out 1", "player:notes"),
            ("ardour:Position/midi_out 1", "player:places"),
        ] {
            rig.jack.connect(from, to).map_err(Trouble::Host)?;
        }
        // It has started when it tells where the song is, and goes on doing so.
        let begin = Instant::now();
        let mut first = None;
        while begin.elapsed() < Duration::from_secs(5) && !rig.jack.is_over() {
            rig.listen();
            let place = rig.take.last_place().map(|place| place.frame());
            let since = first.or(place);
            if place.zip(since).is_some_and(|(now, since)| now > since + RATE / 2) {
                return Ok(rig);
            }
            first = since;
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Trouble::Host("Ardour's audio thread stands still".to_owned()))
    }

    /// Calls a function of the driver.
    #[track_caller]
    pub(crate) fn tell(&mut self, call: &str) -> String {
        match self.ardour.ask(call) {
            Ok(answer) => answer,
            Err(Refusal::Said(reason) | Refusal::Gone(reason)) => panic!("{call}: {reason}"),
        }
    }

    /// Sets a parameter, in its own unit; it counts from the next block on.
    #[track_caller]
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        assert_eq!(self.tell(&format!("set({name:?}, {value})")), "true", "{name}");
    }

    /// A parameter's value, in its own unit.
    #[track_caller]
    pub(crate) fn get(&mut self, name: &str) -> f64 {
        self.tell(&format!("get({name:?})")).parse().unwrap()
    }

    /// The first frame on which something can still be played.
    pub(crate) fn soon(&self) -> u64 {
        self.jack.now() + 20 * PERIOD
    }

    /// Plays notes: frame, key, frames that it is held. Their ends are sorted in.
    pub(crate) fn play(&mut self, notes: &[(u64, u8, u64)]) {
        let channel = PLAYER;
        let mut score: Vec<(u64, bool, Midi)> = notes
            .iter()
            .flat_map(|&(frame, key, length)| {
                let on = Midi::NoteOn { channel, key, velocity: 90 };
                let off = Midi::NoteOff { channel, key, velocity: 64 };
                [(frame, true, on), (frame + length, false, off)]
            })
            .collect();
        score.sort_by_key(|(frame, is_on, _)| (*frame, *is_on));
        for (frame, _, midi) in score {
            let (bytes, len) = midi.to_bytes();
            self.jack.play(frame, &bytes[..len]);
        }
    }

    /// Lets time pass.
    #[track_caller]
    pub(crate) fn wait(&mut self, frames: u64) {
        self.wait_until(self.jack.now() + frames);
    }

    /// Lets time pass up to a frame, and listens.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, frame: u64) {
        let begin = Instant::now();
        let seconds = frame.saturating_sub(self.jack.now()) / RATE;
        let patience = Duration::from_secs(seconds) + PATIENCE;
        while self.jack.now() < frame {
            assert!(begin.elapsed() < patience, "the JACK server stands still");
            std::thread::sleep(Duration::from_millis(20));
            self.listen();
            let told = self.take.last_place().map_or(0, |place| place.frame());
            let lives = !self.jack.is_over() && self.jack.now() < told + RATE;
            assert!(lives, "Ardour ended: {}", tail(&self.ardour.log()));
        }
        self.listen();
    }

    /// Waits until the transport rolls or stands; gives the first frame of the block in which it was seen to.
    #[track_caller]
    pub(crate) fn wait_for_transport(&mut self, rolling: bool) -> u64 {
        for _ in 0..100 {
            let place = self.take.last_place().unwrap();
            if place.is_rolling() == rolling {
                return place.frame();
            }
            self.wait(PERIOD);
        }
        panic!("the transport does not {}", if rolling { "roll" } else { "stop" });
    }

    /// Blocks that were late, as JACK counts them.
    pub(crate) fn xruns(&self) -> u32 {
        self.jack.xruns()
    }

    fn listen(&mut self) {
        while let Some(event) = self.jack.recorded() {
            self.take.add(&event);
        }
    }
}

/// Starts the server and waits until it can be joined. Gives the file of what it says, too.
fn start_server(studio: &Studio, name: &str) -> Result<(Process, PathBuf), Trouble> {
    let log = studio.home.path().join("jackd.log");
    let file = File::create(&log).unwrap();
    let mut jackd = studio.at_home(Path::new("jackd"));
    let options = ["-R", "-P", "60", "-t", "10000", "-d", "dummy", "-r", "48000", "-p", "512"];
    jackd.args(["-n", name]).args(options).stdout(file.try_clone().unwrap()).stderr(file);
    let mut server = Process::start(&mut jackd)
        .map_err(|error| Trouble::Machine(format!("jackd does not start: {error}")))?;
    let begin = Instant::now();
    loop {
        let said = fs::read_to_string(&log).unwrap_or_default();
        if said.contains("Cannot use real-time scheduling") {
            let hint = "run as root, or allow it with `ulimit -r 95`";
            return Err(Trouble::Machine(format!("jackd gets no real-time priority ({hint})")));
        }
        if server.ends_within(Duration::ZERO) {
            return Err(Trouble::Host(format!("jackd ended: {}", tail(&said))));
        }
        if said.contains("realtime mode") && begin.elapsed() > Duration::from_millis(500) {
            return Ok((server, log));
        }
        if begin.elapsed() > PATIENCE {
            return Err(Trouble::Host(format!("jackd says only: {}", tail(&said))));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Why Ardour did not do as it was told.
enum Refusal {
    /// It answered.
    Said(String),
    /// It did not.
    Gone(String),
}

impl Refusal {
    fn of_host(self) -> Trouble {
        let (Self::Said(reason) | Self::Gone(reason)) = self;
        Trouble::Host(reason)
    }

    fn of_plugin(self) -> Trouble {
        match self {
            Self::Said(reason) => Trouble::Plugin(reason),
            Self::Gone(reason) => Trouble::Host(reason),
        }
    }
}

/// Ardour, and the line to its driver.
struct Ardour {
    process: Process,
    answers: Receiver<String>,
    log: PathBuf,
}

impl Ardour {
    fn start(studio: &Studio, server: &str) -> Result<Self, String> {
        let log = studio.home.path().join("ardour.log");
        let file = File::create(&log).unwrap();
        let mut noise = file.try_clone().unwrap();
        let mut command = studio.at_home(Path::new(ARDOUR));
        command.arg(studio.home.path().join("driver.lua"));
        command.env("JACK_DEFAULT_SERVER", server).env("JACK_NO_START_SERVER", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut process = Process::start(&mut command).map_err(|error| error.to_string())?;
        let stdout = process.0.stdout.take().unwrap();
        let (sender, answers) = channel();
        // Ends when Ardour closes its end.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match line.strip_prefix("@ ") {
                    Some(answer) => drop(sender.send(answer.to_owned())),
                    None => drop(writeln!(noise, "{line}")),
                }
            }
        });
        let ardour = Self { process, answers, log };
        match ardour.answers.recv_timeout(PATIENCE) {
            Ok(_) => Ok(ardour),
            Err(_) => Err(format!("Ardour does not come up: {}", tail(&ardour.log()))),
        }
    }

    /// Calls a function of the driver and waits for what it gives.
    fn ask(&mut self, call: &str) -> Result<String, Refusal> {
        let sent = self.process.0.stdin.as_mut().map(|stdin| writeln!(stdin, "{call}"));
        if !matches!(sent, Some(Ok(()))) {
            return Err(Refusal::Gone(format!("Ardour ended: {}", tail(&self.log()))));
        }
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => match answer.split_once('\t') {
                Some(("done", value)) => Ok(value.to_owned()),
                _ => Err(Refusal::Said(answer)),
            },
            Err(_) => Err(Refusal::Gone(format!("no answer to {call}: {}", tail(&self.log())))),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Ardour {
    fn drop(&mut self) {
        // Without orders it closes the session and ends; what does not is killed.
        drop(self.process.0.stdin.take());
        self.process.ends_within(Duration::from_secs(5));
    }
}

/// The last lines of a log, in one.
fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" / ")
}
