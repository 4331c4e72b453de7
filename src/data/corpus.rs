//! All the pieces in a folder, in an order that does not depend on the file system or on the threads.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use walkdir::WalkDir;

use crate::data::chorales;
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

/// What a file holds: the hash of its bytes, and its pieces or why there are none.
type Content = ([u8; 32], Result<Vec<Piece>, String>);

impl Corpus {
    /// Reads every `.mid` and `.midi` file under a folder, and every `.json` file of [`chorales`], on all
    /// threads. A file whose bytes were seen before is skipped.
    ///
    /// # Errors
    /// [`CorpusError`] when the folder can't be read or holds no piece.
    pub fn load(folder: &Path) -> Result<Self, CorpusError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self::load_on(folder, threads, &|_, _| {})
    }

    /// The same on so many threads, which changes nothing in the result. `tell` hears how many of how many files
    /// are read, from any thread.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_on(
        folder: &Path,
        threads: usize,
        tell: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, CorpusError> {
        let path = folder.display().to_string();
        let mut corpus = Self::default();
        let files = corpus.find(folder)?;
        let mut seen = HashSet::new();
        for (file, content) in files.iter().zip(read_all(&files, threads, tell)) {
            let result = content.and_then(|(hash, pieces)| {
                if seen.insert(hash) {
                    pieces
                } else {
                    Err("the same bytes as an earlier file".to_owned())
                }
            });
            match result {
                Ok(pieces) => corpus.pieces.extend(pieces),
                Err(reason) => corpus.skipped.push((file.clone(), reason)),
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

    /// The files to read, by path.
    fn find(&mut self, folder: &Path) -> Result<Vec<PathBuf>, CorpusError> {
        let mut files = Vec::new();
        for entry in WalkDir::new(folder).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    if is(entry.path(), &["mid", "midi", "json"]) {
                        files.push(entry.into_path());
                    }
                }
                Ok(_) => {}
                Err(e) if e.depth() == 0 => {
                    let reason = e.io_error().map_or_else(|| e.to_string(), ToString::to_string);
                    return Err(CorpusError::Folder { path: folder.display().to_string(), reason });
                }
                Err(e) => {
                    let at = e.path().unwrap_or(folder).to_path_buf();
                    self.skipped.push((at, e.to_string()));
                }
            }
        }
        Ok(files)
    }
}

/// What the files hold, in their order.
fn read_all(
    files: &[PathBuf],
    threads: usize,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Vec<Result<Content, String>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut contents = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(i) else { return contents };
            contents.push((i, read(file)));
            tell(i + 1, files.len());
        }
    };
    let threads = threads.clamp(1, files.len().max(1));
    let mut contents = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut contents = work();
        for worker in workers {
            match worker.join() {
                Ok(more) => contents.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        contents
    });
    contents.sort_by_key(|(i, _)| *i);
    contents.into_iter().map(|(_, content)| content).collect()
}

fn is(path: &Path, extensions: &[&str]) -> bool {
    let own = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    extensions.iter().any(|e| own.eq_ignore_ascii_case(e))
}

fn read(path: &Path) -> Result<Content, String> {
    let bytes = midi_file::read(path).map_err(|e| e.to_string())?;
    let hash = *blake3::hash(&bytes).as_bytes();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if is(path, &["json"]) {
        return Ok((hash, chorales::parse(&name, &bytes)));
    }
    let piece = MidiFile::parse(&bytes)
        .map_err(|e| e.to_string())
        .and_then(|file| Piece::new(name, hash, &file).map_err(|e| e.to_string()));
    Ok((hash, piece.map(|p| vec![p])))
}
