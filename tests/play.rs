//! `sideman play` from outside: the take is the same at any block size, to its last byte, however the tempo moves.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use assert_cmd::Command;
use sideman::data::midi_out::{MeterEvent, OutNote, OutTrack, Take, TempoEvent};

/// MIDI ticks to a quarter note.
const PPQ: u32 = 480;

/// A melody whose every beat has a tempo of its own, as in transcriptions of what was really played.
fn melody(beats: u32) -> Take {
    let tempo = |beat: u32| TempoEvent {
        tick: beat * PPQ,
        micros_per_quarter: 400_000 + beat * 7_919 % 90_000,
    };
    let note = |n: u32| OutNote {
        tick: n * PPQ / 2,
        duration: PPQ / 2 - 20,
        key: 60 + [0, 4, 7, 9, 11, 7, 5, 2][n as usize % 8],
        velocity: 90,
        channel: 0,
    };
    Take {
        ticks_per_quarter: PPQ as u16,
        tempos: (0..beats).map(tempo).collect(),
        meters: vec![MeterEvent { tick: 0, numerator: 4, denominator: 4 }],
        markers: Vec::new(),
        player: OutTrack { program: 0, channel: 0, notes: (0..2 * beats).map(note).collect() },
        machine: OutTrack::default(),
    }
}

#[test]
fn a_take_ends_alike_at_any_block_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    melody(29).save(&path("melody.mid")).unwrap();
    let play = |block: &str| {
        let out = path(&format!("{block}.mid"));
        let mut program = Command::cargo_bin("sideman").unwrap();
        program.arg("play").arg(path("melody.mid")).arg("--out").arg(&out);
        program.args(["--block", block]).assert().success();
        std::fs::read(out).unwrap()
    };
    let first = play("64");
    assert!(first.len() > 1_000);
    for block in ["1000", "4096", "16384"] {
        assert!(play(block) == first, "{block}");
    }
}
