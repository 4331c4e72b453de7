//! Pieces packed in one file and taken off it one at a time, so that a corpus of any size needs little memory.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::data::roles::Piece;
use crate::music::harmony::Harmony;
use crate::music::note::{Note, Voice};
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::PitchSet;
use crate::music::time::{Bars, Tick};

/// Why a piece can't be had any more.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}; delete it and start again")]
pub struct ShelfError {
    path: String,
    reason: String,
}

/// A piece that lies on a shelf.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What to call it in reports.
    pub name: String,
    /// BLAKE3 of what it came from.
    pub hash: [u8; 32],
    /// Notes of both parts.
    pub notes: usize,
    shelf: Arc<Shelf>,
    slot: Slot,
}

/// Where a piece lies on its shelf.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Slot {
    at: u64,
    bytes: u32,
    /// The beginning of the BLAKE3 of the bytes.
    check: u64,
}

/// What an index keeps of a piece.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Label {
    name: String,
    hash: [u8; 32],
    notes: usize,
    pub(crate) slot: Slot,
}

impl Stored {
    /// The piece. Any thread; reads from the disk.
    ///
    /// # Errors
    /// [`ShelfError`] when the file of the shelf can't be read or was changed.
    pub fn piece(&self) -> Result<Piece, ShelfError> {
        let packed: Packed = postcard::from_bytes(&self.shelf.bytes(self.slot)?)
            .map_err(|e| self.shelf.error(&format!("no piece: {e}")))?;
        Ok(packed.unpack(self))
    }
}

/// Notes of some pieces.
pub fn notes(stored: &[Stored]) -> usize {
    stored.iter().map(|s| s.notes).sum()
}

/// All of some pieces at once.
///
/// # Errors
/// As [`Stored::piece`].
pub fn take<'a>(stored: impl IntoIterator<Item = &'a Stored>) -> Result<Vec<Piece>, ShelfError> {
    stored.into_iter().map(Stored::piece).collect()
}

/// The file.
#[derive(Debug)]
pub(crate) struct Shelf {
    path: PathBuf,
    file: Mutex<File>,
}

impl Shelf {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_path_buf(), file: Mutex::new(File::open(path)?) })
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.lock().metadata()?.len())
    }

    /// The packed bytes of a piece.
    pub(crate) fn bytes(&self, slot: Slot) -> Result<Vec<u8>, ShelfError> {
        let mut bytes = vec![0; slot.bytes as usize];
        let mut file = self.file.lock();
        file.seek(SeekFrom::Start(slot.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| self.error(&e))?;
        if check(&bytes) != slot.check {
            return Err(self.error(&"was changed or damaged"));
        }
        Ok(bytes)
    }

    /// The piece that a label is of.
    pub(crate) fn stored(self: &Arc<Self>, label: Label) -> Stored {
        let Label { name, hash, notes, slot } = label;
        Stored { name, hash, notes, shelf: Arc::clone(self), slot }
    }

    fn error(&self, reason: &dyn std::fmt::Display) -> ShelfError {
        ShelfError { path: self.path.display().to_string(), reason: reason.to_string() }
    }
}

/// Fills a shelf from left to right.
#[derive(Debug)]
pub(crate) struct Filler {
    path: PathBuf,
    file: BufWriter<File>,
    at: u64,
}

impl Filler {
    /// Fills this file, which is open for reading and writing, and empty.
    pub(crate) fn new(path: &Path, file: File) -> Self {
        Self { path: path.to_path_buf(), file: BufWriter::new(file), at: 0 }
    }

    /// Puts a piece on.
    pub(crate) fn put(&mut self, piece: &Piece) -> io::Result<Label> {
        let packed = postcard::to_stdvec(&Packed::of(piece)).map_err(io::Error::other)?;
        let notes = piece.melody.len() + piece.accompaniment.len();
        Ok(Label {
            name: piece.name.clone(),
            hash: piece.hash,
            notes,
            slot: self.put_bytes(&packed)?,
        })
    }

    /// Puts on what was packed before.
    pub(crate) fn put_bytes(&mut self, packed: &[u8]) -> io::Result<Slot> {
        let bytes = u32::try_from(packed.len()).map_err(io::Error::other)?;
        self.file.write_all(packed)?;
        let slot = Slot { at: self.at, bytes, check: check(packed) };
        self.at += u64::from(bytes);
        Ok(slot)
    }

    /// The shelf.
    pub(crate) fn finish(self) -> io::Result<Shelf> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Shelf { path: self.path, file: Mutex::new(file) })
    }
}

fn check(bytes: &[u8]) -> u64 {
    blake3::hash(bytes).as_bytes().first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

/// A piece as it lies in the file; name and hash stand in the index.
#[derive(Serialize, Deserialize)]
struct Packed {
    /// Origin and length of the bars.
    bars: (i64, i64),
    flat: bool,
    /// Ticks since the chord before, root, bass and classes.
    chords: Vec<(i64, u8, u8, u16)>,
    melody: Vec<PackedNote>,
    accompaniment: Vec<PackedNote>,
}

/// Ticks since the onset before, key, velocity, duration in ticks: mostly four bytes.
type PackedNote = (i64, u8, u8, i64);

impl Packed {
    fn of(piece: &Piece) -> Self {
        let mut last = 0;
        let mut since = |tick: Tick| tick.0.wrapping_sub(std::mem::replace(&mut last, tick.0));
        let chord = |(tick, h): &(Tick, Harmony)| {
            (since(*tick), h.root.number(), h.bass.number(), h.classes.0)
        };
        let chords = piece.chords.iter().map(chord).collect();
        let bars = (piece.bars.origin.0, piece.bars.length);
        let (melody, accompaniment) = (pack(&piece.melody), pack(&piece.accompaniment));
        Self { bars, flat: piece.flat, chords, melody, accompaniment }
    }

    fn unpack(self, stored: &Stored) -> Piece {
        let mut at = 0_i64;
        let mut after = |ticks: i64| {
            at = at.wrapping_add(ticks);
            Tick(at)
        };
        let chord = |(since, root, bass, classes): &(i64, u8, u8, u16)| {
            let (root, bass) = (PitchClass::new(*root), PitchClass::new(*bass));
            (after(*since), Harmony { root, bass, classes: PitchSet(*classes) })
        };
        Piece {
            name: stored.name.clone(),
            hash: stored.hash,
            bars: Bars { origin: Tick(self.bars.0), length: self.bars.1.max(1) },
            melody: unpack(&self.melody),
            accompaniment: unpack(&self.accompaniment),
            chords: self.chords.iter().map(chord).collect(),
            flat: self.flat,
        }
    }
}

fn pack(notes: &[Note]) -> Vec<PackedNote> {
    let mut last = 0;
    let packed = notes.iter().map(|n| {
        let since = n.onset.0.wrapping_sub(std::mem::replace(&mut last, n.onset.0));
        (since, n.pitch.number(), n.velocity, n.duration)
    });
    packed.collect()
}

fn unpack(notes: &[PackedNote]) -> Vec<Note> {
    let mut at = 0_i64;
    let unpacked = notes.iter().map(|(since, key, velocity, duration)| {
        at = at.wrapping_add(*since);
        let (pitch, voice) = (Pitch::new(*key), Voice::Player);
        Note { onset: Tick(at), pitch, voice, velocity: *velocity, duration: *duration }
    });
    unpacked.collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::data::chord::parse;

    /// Puts pieces on a shelf of their own.
    pub(crate) fn shelved(pieces: impl IntoIterator<Item = Piece>) -> Vec<Stored> {
        let mut filler = Filler::new(Path::new("a test's"), tempfile::tempfile().unwrap());
        let labels: Vec<Label> = pieces.into_iter().map(|p| filler.put(&p).unwrap()).collect();
        let shelf = Arc::new(filler.finish().unwrap());
        labels.into_iter().map(|l| shelf.stored(l)).collect()
    }

    fn piece() -> Piece {
        let note = |onset, key| Note {
            onset: Tick(onset),
            pitch: Pitch::new(key),
            voice: Voice::Player,
            velocity: 70,
            duration: 300,
        };
        Piece {
            name: "Ann - Oleo".to_owned(),
            hash: [7; 32],
            bars: Bars { origin: Tick(-3), length: 36 },
            melody: vec![note(-2, 60), note(5, 64), note(5, 67)],
            accompaniment: vec![note(0, 40)],
            chords: vec![(Tick(0), parse("Am/C").unwrap()), (Tick(48), Harmony::NONE)],
            flat: true,
        }
    }

    #[test]
    fn what_was_put_on_is_taken_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pieces");
        let mut filler = Filler::new(&path, File::create_new(&path).unwrap());
        let empty = filler.put(&Piece::default()).unwrap();
        let label = filler.put(&piece()).unwrap();
        filler.finish().unwrap();
        let shelf = Arc::new(Shelf::open(&path).unwrap());
        for (label, piece) in [(label, piece()), (empty, Piece::default())] {
            let stored = shelf.stored(label);
            assert_eq!(stored.piece().unwrap(), piece);
            assert_eq!(stored.notes, piece.melody.len() + piece.accompaniment.len());
        }
    }

    #[test]
    fn a_changed_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pieces");
        let mut filler = Filler::new(&path, File::create_new(&path).unwrap());
        let label = filler.put(&piece()).unwrap();
        filler.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for damaged in [bytes[..bytes.len() - 1].to_vec(), vec![255; bytes.len()]] {
            std::fs::write(&path, damaged).unwrap();
            let shelf = Arc::new(Shelf::open(&path).unwrap());
            let error = shelf.stored(label.clone()).piece().unwrap_err();
            assert!(error.to_string().contains("delete it"), "{error}");
        }
    }
}
