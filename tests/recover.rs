//! A session that is killed loses at most a blink: the real program plays, is killed, and what its log gives back is what the
//! same session would have kept.
#![cfg(all(unix, feature = "standalone"))]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sideman::data::midi_file::MidiFile;
use sideman::data::midi_out::{MeterEvent, OutNote, OutTrack, Take, TempoEvent};

/// MIDI ticks to a quarter note.
const PPQ: u32 = 480;
/// Milliseconds of a quarter note in the melody.
const BEAT: u64 = 400;

/// A melody in quavers, without an end for this test.
fn melody() -> Take {
    let note = |n: u32| OutNote {
        tick: n * PPQ / 2,
        duration: PPQ / 2 - 30,
        key: 60 + [0, 4, 7, 9, 11, 7, 5, 2][n as usize % 8],
        velocity: 90,
        channel: 0,
    };
    Take {
        ticks_per_quarter: PPQ as u16,
        tempos: vec![TempoEvent { tick: 0, micros_per_quarter: BEAT as u32 * 1_000 }],
        meters: vec![MeterEvent { tick: 0, numerator: 4, denominator: 4 }],
        markers: Vec::new(),
        player: OutTrack { program: 0, channel: 0, notes: (0..300).map(note).collect() },
        machine: OutTrack::default(),
    }
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sideman"));
    command.current_dir(dir).env("SIDEMAN_STATE", dir.join("state")).env("NO_COLOR", "1");
    command
}

/// The program, playing the melody to itself.
fn play(dir: &Path, more: &[&str]) -> Child {
    let mut command = command(dir);
    command.args(["--headless", "--silent", "--play-in", "melody.mid", "--set", "tempo=150"]);
    command.args(["--set", "follow-tempo=off"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What `sideman` says.
fn says(dir: &Path, args: &[&str]) -> (bool, String) {
    let output = command(dir).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_killed_session_comes_back_up_to_the_last_blink() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    melody().save(&dir.join("melody.mid")).unwrap();
    assert!(says(dir, &["recover"]).1.contains("nothing to recover"));
    let mut program = play(dir, &[]);
    let logs = || std::fs::read_dir(dir.join("state/sessions")).into_iter().flatten().count();
    let begin = Instant::now();
    while logs() == 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let begin = Instant::now();
    std::thread::sleep(Duration::from_secs(6));
    assert!(says(dir, &["recover", "--list"]).1.contains("nothing to recover"), "it runs");
    let played = begin.elapsed();
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(says(dir, &["recover", "--list"]).1.contains("notes"));
    let (done, text) = says(dir, &["recover", "--out", "back.mid"]);
    assert!(done, "{text}");
    assert_eq!(logs(), 0, "what is recovered is not offered again");
    let back = MidiFile::load(&dir.join("back.mid")).unwrap();
    let track = |name: &str| back.tracks.iter().find(|t| t.name == name).unwrap().clone();
    let player = track("Player").notes;
    // The log is there from the first note on.
    let quaver = u64::from(PPQ) / 2;
    let least = (played.as_millis() as u64 - 500) / (BEAT / 2);
    assert!(player.len() as u64 >= least, "{} of {least} notes", player.len());
    for (n, note) in (0..).zip(&player) {
        assert_eq!(note.key, melody().player.notes[n as usize].key);
        // A thread of the day plays, and this machine may be busy.
        let off = note.onset.abs_diff(n * quaver);
        assert!(off < quaver, "note {n} at tick {}", note.onset);
    }
    assert!(!track("Sideman").notes.is_empty());
    assert!(!back.markers.is_empty(), "chords have names");
}

#[test]
fn a_session_that_is_kept_leaves_no_log_and_both_tell_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    melody().save(&dir.join("melody.mid")).unwrap();
    let program = play(dir, &["--seconds", "4"]).wait_with_output().unwrap();
    let text = String::from_utf8(program.stdout).unwrap();
    assert!(text.contains("sideman-1.mid"), "{text}");
    assert!(MidiFile::load(&dir.join("sideman-1.mid")).unwrap().tracks.len() >= 3);
    assert_eq!(std::fs::read_dir(dir.join("state/sessions")).unwrap().count(), 0);
}

#[test]
fn what_is_no_log_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("a.sidelog"), "garbage").unwrap();
    let (done, text) = says(dir, &["recover", "a.sidelog"]);
    assert!(!done && text.contains("no log of a session"), "{text}");
    let (done, text) = says(dir, &["recover", "missing.sidelog"]);
    assert!(!done && text.contains("missing.sidelog"), "{text}");
    assert_eq!(text.lines().count(), 1);
}
