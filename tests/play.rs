//! `sideman play` from outside: the take is the same at any block size, to its last byte, however the tempo moves.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use assert_cmd::Command;
use sideman::data::midi_file::{FileNote, MidiFile};
use sideman::data::midi_out::{MarkerEvent, MeterEvent, OutNote, OutTrack, Take, TempoEvent};

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

/// The share of the machine's notes in the chords that change every two bars, by pitch classes.
fn in_chords(path: &std::path::Path, chords: &[[u8; 3]]) -> f64 {
    let file = MidiFile::load(path).unwrap();
    let machine = file.tracks.iter().find(|t| t.name == "Sideman").unwrap();
    let holds = |n: &&FileNote| {
        let chord = chords[(n.onset / u64::from(8 * PPQ)) as usize % chords.len()];
        chord.contains(&(n.key % 12))
    };
    let notes: Vec<&FileNote> = machine.notes.iter().collect();
    assert!(notes.len() > 100, "{}", notes.len());
    notes.iter().filter(|n| holds(n)).count() as f64 / notes.len() as f64
}

#[test]
fn chords_that_markers_name_are_played_over() {
    // Of which the melody tells nothing.
    const NAMES: [(&str, [u8; 3]); 4] =
        [("F#m", [6, 9, 1]), ("Bb", [10, 2, 5]), ("Ebm/Gb", [3, 6, 10]), ("A:maj", [9, 1, 4])];
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut take = melody(64);
    take.save(&path("plain.mid")).unwrap();
    let marker =
        |i: u32| MarkerEvent { tick: i * 8 * PPQ, text: NAMES[i as usize % 4].0.to_owned() };
    take.markers = (0..8).map(marker).collect();
    take.save(&path("chords.mid")).unwrap();
    let play = |input: &str, options: &[&str]| {
        let mut program = Command::cargo_bin("sideman").unwrap();
        program.arg("play").arg(path(input)).arg("--out").arg(path("out.mid")).args(options);
        program.assert()
    };
    let chords = NAMES.map(|n| n.1);
    play("chords.mid", &["--chords", "markers"]).success();
    let over = in_chords(&path("out.mid"), &chords);
    play("chords.mid", &[]).success();
    let without = in_chords(&path("out.mid"), &chords);
    assert!(over > 0.75 && over > without + 0.3, "{over} {without}");
    let error = play("plain.mid", &["--chords", "markers"]).failure();
    let text = String::from_utf8_lossy(&error.get_output().stderr).into_owned();
    assert!(text.contains("no marker of") && text.contains("names a chord"), "{text}");
}
