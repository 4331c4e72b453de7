//! `sideman --jack` on a server without a sound card: what a client plays comes back as improvisation, each note on its
//! very frame, and nothing is left sounding when it is told to end, however densely it was played to.
//! `SIDEMAN_SOAK_SECONDS=1800` plays densely for half an hour and prints figures.
//!
//! Skipped where JACK is not installed, and where nothing gets real-time priority.
#![cfg(all(target_os = "linux", feature = "standalone"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]
#![allow(clippy::print_stderr, reason = "why there are no figures is for whoever runs it")]

#[expect(dead_code, reason = "of the client this test needs no song position")]
#[path = "ardour/jack.rs"]
mod jack;
#[path = "ardour/process.rs"]
mod process;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jack::{Jack, Way};
use process::Process;
use sideman::music::event::{Channel, Midi};

/// Frames in a second and in a period of the server; a tick at 120 quarter notes a minute, and a quaver.
const RATE: u64 = 48_000;
const PERIOD: u64 = 256;
const TICK: u64 = 2_000;
const QUAVER: u64 = 6 * TICK;
const PLAYER: Channel = Channel::new(0);
/// Quavers that are played.
const QUAVERS: u64 = 48;
/// Times that it is tried where periods are lost.
const TRIES: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// Tries until it is true.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < PATIENCE, "{what} takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The server, and a client on it.
fn server(name: &str) -> Option<(Process, Jack)> {
    let skip = |reason: &str| eprintln!("skipped: {reason}");
    if !Jack::is_here() {
        skip("JACK is not installed (apt-get install jackd2)");
        return None;
    }
    let mut jackd = Command::new("jackd");
    let options = ["-R", "-P", "60", "-t", "10000", "-d", "dummy", "-r", "48000", "-p", "256"];
    jackd.args(["-n", name]).args(options).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut server) = Process::start(&mut jackd) else {
        skip("jackd is not installed (apt-get install jackd2)");
        return None;
    };
    let begin = Instant::now();
    loop {
        if let Ok(client) = Jack::join(name) {
            if client.is_realtime() {
                return Some((server, client));
            }
            skip("jackd gets no real-time priority (run as root, or allow it with `ulimit -r 95`)");
            return None;
        }
        if server.ends_within(Duration::ZERO) || begin.elapsed() > PATIENCE {
            skip("jackd does not start here");
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Keeps a program from the options and the session logs of whoever runs the test.
fn by_itself(program: &mut Command, folder: &Path) {
    program.env("SIDEMAN_CONFIG", folder.join("none.toml")).env("SIDEMAN_STATE", folder);
}

/// What a client heard of the program.
struct Heard {
    begin: u64,
    onsets: Vec<u64>,
    held: BTreeSet<u8>,
    /// Periods that were lost meanwhile: the machine was too busy, and frames have jumped.
    xruns: u32,
}

/// Plays quavers to the program, ends it, and tells what came back.
fn session(server: &str, jack: &mut Jack, out: &Path) -> Heard {
    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("sideman"));
    program.env("JACK_DEFAULT_SERVER", server).env("NO_COLOR", "1").stdout(Stdio::null());
    by_itself(&mut program, out.parent().unwrap());
    program.args(["--jack", "--loose", "--headless", "--set", "follow-tempo=off", "--out"]);
    let mut program = Process::start(program.arg(out)).unwrap();
    until("the program", || jack.connect("player:play", "Sideman:keys").is_ok());
    jack.connect("Sideman:notes", "player:notes").unwrap();
    // The model is read from the disk.
    std::thread::sleep(Duration::from_secs(2));
    let (begin, before) = (jack.now() + RATE / 2, jack.xruns());
    for n in 0..QUAVERS {
        let (at, key) = (begin + n * QUAVER, [60, 64, 67, 65, 62, 69, 67, 72][n as usize % 8]);
        jack.play(at, &[0x93, key, 96]);
        jack.play(at + QUAVER - 900, &[0x83, key, 0]);
    }
    while jack.now() < begin + QUAVERS * QUAVER {
        std::thread::sleep(Duration::from_millis(50));
    }
    let xruns = jack.xruns() - before;
    program.end();
    until("its end", || program.ends_within(Duration::ZERO));
    let mut heard = Heard { begin, onsets: Vec::new(), held: BTreeSet::new(), xruns };
    while let Some(event) = jack.recorded() {
        match Midi::from_bytes(event.bytes()) {
            Some(Midi::NoteOn { channel, key, .. }) if event.way == Way::Heard => {
                assert_ne!(channel, PLAYER, "the player's notes are not passed on unasked");
                heard.onsets.push(event.frame);
                heard.held.insert(key);
            }
            Some(Midi::NoteOff { key, .. }) if event.way == Way::Heard => {
                heard.held.remove(&key);
            }
            _ => {}
        }
    }
    heard
}

#[test]
fn a_client_is_answered_on_exact_frames_and_nothing_hangs() {
    let name = format!("sideman-test-{}", std::process::id());
    let Some((_server, mut jack)) = server(&name) else { return };
    let dir = tempfile::tempdir().unwrap();
    for n in 0..TRIES {
        let out = dir.path().join(format!("session-{n}.mid"));
        let Heard { begin, onsets, held, xruns } = session(&name, &mut jack, &out);
        assert!(onsets.len() > 10, "{} notes", onsets.len());
        assert_eq!(held, BTreeSet::new(), "left sounding");
        let kept = std::fs::read(&out).unwrap();
        assert!(kept.len() > 4 * (onsets.len() + QUAVERS as usize), "{} bytes", kept.len());
        if xruns > 0 {
            eprintln!("{xruns} periods were lost: once more");
            continue;
        }
        // We hear what we cause, so JACK delays one of the two ways by a period.
        let late = (onsets[0] - begin) % TICK;
        assert!([0, PERIOD].contains(&late), "{late}");
        for onset in &onsets {
            assert_eq!((onset - begin) % TICK, late, "a tick begins every {TICK} frames");
        }
        return;
    }
    eprintln!("skipped: this machine is too busy to keep JACK's periods");
}

/// Numbers by lot: a xorshift.
struct Dice(u64);

impl Dice {
    /// From 0 on, less than `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// Random playing of about 14 notes a second, by rising frames: keys of a piano's middle five octaves, held for 20 to 800 ms,
/// some pedal, now and then a second of nothing.
struct Dense {
    dice: Dice,
    next: u64,
    pending: BinaryHeap<Reverse<(u64, [u8; 3])>>,
    held: BTreeSet<u8>,
    notes: u64,
}

impl Dense {
    fn begin(frame: u64) -> Self {
        let (pending, held) = (BinaryHeap::new(), BTreeSet::new());
        Self { dice: Dice(0x9e37_79b9_7f4a_7c15), next: frame, pending, held, notes: 0 }
    }

    /// Writes onsets until a frame.
    fn compose(&mut self, until: u64) {
        while self.next < until {
            for _ in 0..=self.dice.below(3) {
                let key = 36 + self.dice.below(60) as u8;
                self.pending
                    .push(Reverse((self.next, [0x90, key, 20 + self.dice.below(107) as u8])));
                let length = RATE / 50 + self.dice.below(RATE * 39 / 50);
                self.pending.push(Reverse((self.next + length, [0x80, key, 0])));
                self.notes += 1;
            }
            if self.dice.below(20) == 0 {
                let down = if self.dice.below(2) == 0 { 127 } else { 0 };
                self.pending.push(Reverse((self.next, [0xb0, 64, down])));
            }
            let pause = if self.dice.below(80) == 0 { RATE } else { 0 };
            self.next += pause + 1 + self.dice.below(RATE * 2 / 7);
        }
    }

    /// Plays what is due until a frame. A key that is down is not struck again before it is up: hosts need not order that.
    fn play(&mut self, jack: &mut Jack, until: u64) {
        while let Some(Reverse((frame, bytes))) =
            self.pending.peek().copied().filter(|e| e.0.0 < until)
        {
            self.pending.pop();
            let new = bytes[0] != 0x90 || self.held.insert(bytes[1]);
            if bytes[0] == 0x80 {
                self.held.remove(&bytes[1]);
            }
            if new {
                jack.play(frame, &bytes);
            }
        }
    }
}

/// Kilobytes that a process has in memory.
fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn dense_random_playing_leaves_nothing_hanging() {
    let name = format!("sideman-soak-{}", std::process::id());
    let Some((_server, mut jack)) = server(&name) else { return };
    let seconds = std::env::var("SIDEMAN_SOAK_SECONDS").ok().and_then(|s| s.parse().ok());
    let seconds: u64 = seconds.unwrap_or(8);
    let dir = tempfile::tempdir().unwrap();
    let said = dir.path().join("said.txt");
    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("sideman"));
    program.env("JACK_DEFAULT_SERVER", &name).env("NO_COLOR", "1");
    by_itself(&mut program, dir.path());
    program.stdout(std::fs::File::create(&said).unwrap());
    program.args(["--jack", "--loose", "--headless", "--out"]).arg(dir.path().join("soak.mid"));
    let mut program = Process::start(&mut program).unwrap();
    until("the program", || jack.connect("player:play", "Sideman:keys").is_ok());
    jack.connect("Sideman:notes", "player:notes").unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let begin = jack.now() + RATE;
    let end = begin + seconds * RATE;
    let mut dense = Dense::begin(begin);
    let (mut held, mut answered, mut struck_twice) = (BTreeSet::new(), 0_u64, 0_u64);
    let (before, lost) = (resident(&program), jack.xruns());
    let mut hear = |jack: &mut Jack, held: &mut BTreeSet<(u8, u8)>| {
        while let Some(event) = jack.recorded() {
            match Midi::from_bytes(event.bytes()) {
                Some(Midi::NoteOn { channel, key, .. }) if event.way == Way::Heard => {
                    answered += 1;
                    struck_twice += u64::from(!held.insert((channel.index(), key)));
                }
                Some(Midi::NoteOff { channel, key, .. }) if event.way == Way::Heard => {
                    held.remove(&(channel.index(), key));
                }
                _ => {}
            }
        }
    };
    while jack.now() < end + 2 * RATE {
        let horizon = jack.now() + RATE / 2;
        dense.compose(horizon.min(end));
        dense.play(&mut jack, horizon);
        hear(&mut jack, &mut held);
        std::thread::sleep(Duration::from_millis(50));
    }
    let after = resident(&program);
    program.end();
    until("its end", || program.ends_within(Duration::ZERO));
    std::thread::sleep(Duration::from_millis(100));
    hear(&mut jack, &mut held);
    let lost = jack.xruns() - lost;
    let said = std::fs::read_to_string(&said).unwrap();
    let told = said.lines().rev().find(|line| line.contains("notes of yours")).unwrap();
    eprintln!(
        "{seconds} s: {} notes played, {answered} back, {} held, {struck_twice} struck twice, {lost} periods lost, {before} kB before and {after} after\n{told}",
        dense.notes,
        held.len(),
    );
    assert!(answered > seconds, "{answered} notes of the machine");
    if lost == 0 {
        assert_eq!(held, BTreeSet::new(), "left sounding");
        assert_eq!(struck_twice, 0, "a key that sounds is struck again");
    }
    // A note of a session takes a hundred bytes or so; the tape is there from the beginning.
    assert!(after < before + 15_000 + dense.notes / 5, "{before} kB have become {after}");
}
