//! Chorales in the JSON form of the "JSB chorales" benchmarks: an object whose `train` is a list of pieces, each
//! a list of sixteenths, each four keys from soprano to bass, -1 for a rest. `valid` and `test` are left unread, so
//! that they stay unheard. A key that goes on into the next sixteenth is taken as held.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::data::roles::Piece;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// The most pieces that are read from a file.
const MAX_PIECES: usize = 100_000;
/// Ticks of a sixteenth.
const STEP: i64 = TICKS_PER_BEAT / 4;
/// What a rest is written as.
const REST: i16 = -1;
/// The velocity of notes that were written down without one.
const VELOCITY: u8 = 80;

/// The keys of the four voices in one sixteenth.
type Step = [i16; 4];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    train: Vec<Vec<Step>>,
    #[serde(default, rename = "valid")]
    _valid: IgnoredAny,
    #[serde(default, rename = "test")]
    _test: IgnoredAny,
}

/// The pieces of the `train` list that have notes: the soprano is the melody, the other voices accompany.
///
/// # Errors
/// One line on what is wrong with the file.
pub fn parse(name: &str, json: &[u8]) -> Result<Vec<Piece>, String> {
    let wrong = |e: &dyn fmt::Display| format!("no chorales of four voices: {e}");
    let file: File = serde_json::from_slice(json).map_err(|e| wrong(&e))?;
    if file.train.len() > MAX_PIECES {
        return Err(wrong(&format!("more than {MAX_PIECES} pieces")));
    }
    let mut pieces = Vec::with_capacity(file.train.len());
    for (i, steps) in file.train.iter().enumerate() {
        if let Some(key) = steps.iter().flatten().find(|k| !(REST..=127).contains(*k)) {
            return Err(wrong(&format!("piece {}: {key} is no key", i + 1)));
        }
        let piece = piece(format!("{name}:{}", i + 1), steps);
        if !piece.melody.is_empty() && !piece.accompaniment.is_empty() {
            pieces.push(piece);
        }
    }
    if pieces.is_empty() { Err(wrong(&"there are no notes")) } else { Ok(pieces) }
}

fn piece(name: String, steps: &[Step]) -> Piece {
    let mut hasher = blake3::Hasher::new();
    for key in steps.iter().flatten() {
        hasher.update(&key.to_le_bytes());
    }
    let voice = |v: usize| held(steps.iter().map(move |s| s[v]));
    let mut accompaniment: Vec<Note> = (1..4).flat_map(voice).collect();
    into_order(&mut accompaniment);
    Piece {
        name,
        hash: *hasher.finalize().as_bytes(),
        bars: Bars::default(),
        melody: voice(0),
        accompaniment,
        chords: Vec::new(),
        flat: true,
    }
}

/// The notes of one voice.
fn held(keys: impl Iterator<Item = i16>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let mut before = REST;
    for (step, key) in (0..).zip(keys) {
        match (u8::try_from(key), notes.last_mut()) {
            (Ok(_), Some(note)) if key == before => note.duration += STEP,
            (Ok(number), _) => notes.push(Note {
                onset: Tick(step * STEP),
                pitch: Pitch::new(number).on_piano(),
                voice: Voice::Player,
                velocity: VELOCITY,
                duration: STEP,
            }),
            (Err(_), _) => {}
        }
        before = key;
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_voices_become_a_melody_and_what_is_under_it() {
        let json = br#"{"train": [[[72,67,64,48],[72,67,64,48],[74,67,-1,50],[74,67,64,50]]], "test": [[1]]}"#;
        let pieces = parse("bach", json).unwrap();
        let notes = |notes: &[Note]| -> Vec<_> {
            notes.iter().map(|n| (n.onset.0, n.pitch.number(), n.duration)).collect()
        };
        assert_eq!(pieces.len(), 1);
        assert_eq!(notes(&pieces[0].melody), [(0, 72, 6), (6, 74, 6)]);
        assert_eq!(
            notes(&pieces[0].accompaniment),
            [(0, 48, 6), (0, 64, 6), (0, 67, 12), (6, 50, 6), (9, 64, 3)]
        );
        assert!(pieces[0].flat && pieces[0].name == "bach:1");
    }

    #[test]
    fn whatever_is_no_chorale_is_an_error_of_one_line() {
        let deep = format!("{{\"train\": {}", "[".repeat(100_000));
        let many = format!("{{\"train\": [{}[]]}}", "[],".repeat(MAX_PIECES));
        for hostile in [
            "",
            "\0\u{1}",
            "[]",
            "{}",
            r#"{"train": []}"#,
            r#"{"train": [[]]}"#,
            r#"{"train": [[[-1,-1,-1,-1]]]}"#,
            r#"{"train": [[[60,60,60]]]}"#,
            r#"{"train": [[[60,60,60,60,60]]]}"#,
            r#"{"train": [[[60,60,60,128]]]}"#,
            r#"{"train": [[[60,60,60,-2]]]}"#,
            r#"{"train": [[[60,60,60,1e999]]]}"#,
            r#"{"train": [[[60,60,60,6.5]]]}"#,
            r#"{"train": [[["C","E","G","B"]]]}"#,
            r#"{"train": 3, "valid": []}"#,
            r#"{"train": [[[60,60,60,60]]], "more": 1}"#,
            r#"{"train": [[[60,60,60,60]]]"#,
            &deep,
            &many,
        ] {
            let error = parse("x", hostile.as_bytes()).unwrap_err();
            assert!(error.starts_with("no chorales of four voices: "), "{error}");
            assert!(!error.contains('\n') && error.len() < 200, "{error}");
        }
    }
}
