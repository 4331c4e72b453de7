//! Little songs as MIDI files, made here: a melody over broken chords in some key.

use std::fs;
use std::path::{Path, PathBuf};

/// MIDI ticks of a quarter note.
const QUARTER: u32 = 120;

/// Writes `count` songs of eight bars into a folder, which it makes.
pub(crate) fn write(folder: &Path, count: u8) -> PathBuf {
    write_in(folder, count, 1)
}

/// The same, with a melody of so many notes a beat.
pub(crate) fn write_in(folder: &Path, count: u8, notes: u32) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    for song in 0..count {
        fs::write(folder.join(format!("{song}.mid")), bytes(song, notes)).unwrap();
    }
    folder.to_path_buf()
}

fn bytes(song: u8, notes: u32) -> Vec<u8> {
    let chords = [[0, 4, 7], [9, 12, 16], [5, 9, 12], [7, 11, 14]];
    let key = 48 + song * 5 % 12;
    let (mut melody, mut piano) = (Vec::new(), Vec::new());
    for beat in 0..32_u32 {
        let chord = chords[(beat / 4 + u32::from(song) % 2) as usize % 4];
        let tone = chord[(beat + u32::from(song)) as usize % 3];
        for note in 0..notes {
            let length = QUARTER / notes;
            melody.push((beat * QUARTER + note * length, length, key + 24 + tone + note as u8, 90));
        }
        for (i, tone) in chord.into_iter().enumerate() {
            piano.push((beat * QUARTER + i as u32 * 40, 40, key + tone, 60));
        }
    }
    let header = [b"MThd".as_slice(), &[0, 0, 0, 6, 0, 1, 0, 2, 0, QUARTER as u8]].concat();
    [header, track("MELODY", 0, &melody), track("PIANO", 1, &piano)].concat()
}

/// A track of (onset, duration, key, velocity) that lie one after the other.
fn track(name: &str, channel: u8, notes: &[(u32, u32, u8, u8)]) -> Vec<u8> {
    let mut body = vec![0, 0xff, 3, name.len() as u8];
    body.extend(name.bytes());
    let mut now = 0;
    for (onset, duration, key, velocity) in notes {
        body.extend(delta(onset - now));
        body.extend([0x90 | channel, *key, *velocity]);
        body.extend(delta(*duration));
        body.extend([0x80 | channel, *key, 0]);
        now = onset + duration;
    }
    body.extend([0, 0xff, 0x2f, 0]);
    [b"MTrk".as_slice(), &(body.len() as u32).to_be_bytes(), &body].concat()
}

/// A time difference below 16,384 as MIDI files write it.
pub(crate) fn delta(ticks: u32) -> Vec<u8> {
    if ticks < 128 { vec![ticks as u8] } else { vec![0x80 | (ticks >> 7) as u8, ticks as u8 & 127] }
}
