//! All the pieces in a folder, in an order that does not depend on the file system.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::data::midi_file::{self, MidiFile};
use crate::data::roles::Piece;

/// The pieces of a folder and what was left out.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// By path.
    pub pieces: Vec<Piece>,
    /// Files that gave no piece, with the reason in one line.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Why there are no pieces.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The folder can't be walked.
    #[error("{path}: {reason}")]
    Folder {
        /// Which folder.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// Not one file could be used.
    #[error("{path}: no usable .mid file (skipped {skipped}{example})")]
    Empty {
        /// Which folder.
        path: String,
        /// Files that were tried.
        skipped: usize,
        /// The first of them and why.
        example: String,
    },
}

impl Corpus {
    /// Reads every `.mid` and `.midi` file under a folder. A file whose bytes were seen before is skipped.
    ///
    /// # Errors
    /// [`CorpusError`] when the folder can't be read or holds no piece.
    pub fn load(folder: &Path) -> Result<Self, CorpusError> {
        let path = folder.display().to_string();
        let mut corpus = Self::default();
        let mut seen = HashSet::new();
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) if e.depth() == 0 => {
                    let reason = e.io_error().map_or_else(|| e.to_string(), ToString::to_string);
                    return Err(CorpusError::Folder { path, reason });
                }
                Err(e) => {
                    let at = e.path().unwrap_or(folder).to_path_buf();
                    corpus.skipped.push((at, e.to_string()));
                    continue;
                }
            };
            if entry.file_type().is_file() && is_midi(entry.path()) {
                match read(entry.path(), &mut seen) {
                    Ok(piece) => corpus.pieces.push(piece),
                    Err(reason) => corpus.skipped.push((entry.into_path(), reason)),
                }
            }
        }
        if corpus.pieces.is_empty() {
            let example = corpus.skipped.first();
            let example = example
                .map_or_else(String::new, |(p, why)| format!(", first {}: {why}", p.display()));
            return Err(CorpusError::Empty { path, skipped: corpus.skipped.len(), example });
        }
        Ok(corpus)
    }
}

fn is_midi(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| e.eq_ignore_ascii_case("mid") || e.eq_ignore_ascii_case("midi"))
}

fn read(path: &Path, seen: &mut HashSet<[u8; 32]>) -> Result<Piece, String> {
    let bytes = midi_file::read(path).map_err(|e| e.to_string())?;
    let hash = *blake3::hash(&bytes).as_bytes();
    if !seen.insert(hash) {
        return Err("the same bytes as an earlier file".to_owned());
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = MidiFile::parse(&bytes).map_err(|e| e.to_string())?;
    Piece::new(name, hash, &file).map_err(|e| e.to_string())
}
