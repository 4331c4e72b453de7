//! Reading a folder of made-up MIDI files, and reading it again.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use midly::num::{u4, u7, u15, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};
use serde_json::{Value, json};

use super::memory;
use crate::cli::train_args::BenchArgs;
use crate::data::corpus::{Corpus, Reading};
use crate::data::split::Split;

/// Notes of the melody, and of the accompaniment, of each file: about those of a pop song.
const NOTES: [u32; 2] = [300, 1_100];

/// Writes `args.files` files, and reads them twice.
pub(super) fn measure(args: &BenchArgs, threads: usize) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let (data, keep) = (folder.path().join("data"), folder.path().join("keep"));
    write(&data, args.files)?;
    let way = Reading { threads, keep: Some(&keep), tell: &|_, _| {} };
    let base = memory::begin();
    let start = Instant::now();
    let corpus = Corpus::read(&data, way)?;
    let first = start.elapsed().as_secs_f64();
    let found = corpus.pieces.len();
    let split = Split::new(corpus.pieces, 0.1, 1)?;
    let parted = start.elapsed().as_secs_f64() - first;
    let peak_mb = base.and_then(memory::since);
    drop(split);
    let start = Instant::now();
    Corpus::read(&data, way)?;
    let again = start.elapsed().as_secs_f64();
    let rate = found as f64 / first;
    if !args.json {
        let peak = peak_mb.map_or_else(String::new, |mb| format!(", {mb:.0} MB at most"));
        println!("\nIndex of {found} files of {} notes", NOTES.iter().sum::<u32>());
        println!("  first time {first:.2} s: {rate:.0} files/s{peak}");
        println!("  kin found and parted {parted:.2} s");
        println!("  second time {again:.3} s");
    }
    Ok(json!({
        "files": found,
        "files_per_s": rate,
        "first_s": first,
        "split_s": parted,
        "again_s": again,
        "peak_mb": peak_mb,
    }))
}

fn write(folder: &Path, files: u32) -> Result<()> {
    fs::create_dir_all(folder)?;
    for file in 0..files {
        // Five hundred to a folder, as file systems and people like it.
        let folder = folder.join((file / 500).to_string());
        fs::create_dir_all(&folder)?;
        let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(480)));
        let melody = track(b"MELODY", file * 2, 60, NOTES[0]);
        let piano = track(b"PIANO", file * 2 + 1, 36, NOTES[1]);
        Smf { header, tracks: vec![melody, piano] }.save(folder.join(format!("{file}.mid")))?;
    }
    Ok(())
}

/// A line that wanders as `seed` has it, over two octaves from `lowest` on.
fn track(name: &'static [u8], seed: u32, lowest: u8, notes: u32) -> Vec<TrackEvent<'static>> {
    let mut state = u64::from(seed) * 2 + 1;
    let mut random = |n: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33) as u32 % n
    };
    let event = |delta: u32, kind| TrackEvent { delta: u28::new(delta), kind };
    let mut track = vec![event(0, TrackEventKind::Meta(MetaMessage::TrackName(name)))];
    for _ in 0..notes {
        let key = u7::new(lowest + random(24) as u8);
        let (length, vel) = (120 * (1 + random(4)), u7::new(50 + random(50) as u8));
        let midi = |message| TrackEventKind::Midi { channel: u4::new(0), message };
        track.push(event(0, midi(MidiMessage::NoteOn { key, vel })));
        track.push(event(length, midi(MidiMessage::NoteOff { key, vel: u7::new(0) })));
    }
    track.push(event(0, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
    track
}
