//! `sideman --jack` on a server without a sound card: what a client plays comes back as improvisation, each note on its
//! very frame, and nothing is left sounding when it is told to end.
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

use std::collections::BTreeSet;
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
