//! A pad of the player's keeps the last bars, as notes and as sound of the same length, and is not heard as music.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use assert_cmd::Command;
use sideman::data::midi_file::MidiFile;
use sideman::data::midi_out::{MeterEvent, OutNote, OutTrack, Take, TempoEvent};

/// MIDI ticks to a quarter note, and microseconds.
const PPQ: u32 = 480;
const MICROS: u32 = 300_000;
/// The pad, and the quaver in which it is struck.
const PAD: u8 = 96;
const STRUCK: u32 = 22;

#[test]
fn a_pad_captures_the_last_bars_and_is_not_heard() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let note = |n: u32| OutNote {
        tick: n * PPQ / 2,
        duration: PPQ / 2 - 30,
        key: if n == STRUCK { PAD } else { 60 + [0, 4, 7, 9][n as usize % 4] },
        velocity: 90,
        channel: 0,
    };
    let melody = Take {
        ticks_per_quarter: PPQ as u16,
        tempos: vec![TempoEvent { tick: 0, micros_per_quarter: MICROS }],
        meters: vec![MeterEvent { tick: 0, numerator: 4, denominator: 4 }],
        markers: Vec::new(),
        player: OutTrack { program: 0, channel: 0, notes: (0..36).map(note).collect() },
        machine: OutTrack::default(),
    };
    melody.save(&path("melody.mid")).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sideman"));
    command.current_dir(dir.path()).env("NO_COLOR", "1");
    command.env("SIDEMAN_STATE", path("state")).env("SIDEMAN_CONFIG", path("none.toml"));
    command.args(["--headless", "--silent", "--seconds", "7", "--play-in", "melody.mid"]);
    command.args(["--set", "tempo=200", "--set", "follow-tempo=off", "--capture-bars", "2"]);
    let output = command.args(["--learn", &format!("key{PAD}=capture")]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("kept ./sideman-1.mid and sideman-1.wav"), "{said}");
    let file = MidiFile::load(&path("sideman-1.mid")).unwrap();
    // The pad is struck in the third bar: it and the one before are kept, as far as they had come.
    let beats = f64::from(STRUCK) / 2.0 - 4.0;
    let wav = hound::WavReader::open(path("sideman-1.wav")).unwrap();
    let seconds = f64::from(wav.duration()) / f64::from(wav.spec().sample_rate);
    let expected = beats * f64::from(MICROS) / 1e6;
    // A thread of the day plays, and this machine may be busy.
    assert!((seconds - expected).abs() < 0.3, "{seconds} of {expected} s");
    let micros = file.tempos.iter().map(|t| f64::from(t.micros_per_quarter));
    assert!(micros.clone().all(|m| (m / f64::from(MICROS) - 1.0).abs() < 0.02));
    let loudest = wav.into_samples::<i16>().map(|s| s.unwrap().unsigned_abs()).max();
    assert!(loudest > Some(300), "{loudest:?}");
    for name in ["sideman-1.mid", "sideman-2.mid"] {
        let file = MidiFile::load(&path(name)).unwrap();
        let player = file.tracks.iter().find(|t| t.name == "Player").unwrap();
        assert!(player.notes.len() >= 12);
        assert!(player.notes.iter().all(|n| n.key != PAD), "{name}");
    }
}
