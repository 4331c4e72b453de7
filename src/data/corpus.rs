//! All the pieces in a folder, in an order that does not depend on the file system or on the threads. They are read once
//! and packed on a [shelf](crate::data::shelf); where the shelf is kept, only files that changed are read again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use crate::data::chorales;
use crate::data::index::{self, Entry, Found, Stamp};
use crate::data::midi_file::{self, MidiFile};
use crate::data::parallel::in_parallel;
use crate::data::roles::Piece;
use crate::data::shelf::{Filler, Shelf, Stored};

/// Files that are read before their pieces are put away: what is in memory at a time.
const BATCH: usize = 512;

/// The pieces of a folder and what was left out.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// By path.
    pub pieces: Vec<Stored>,
    /// Files that gave no piece, with the reason in one line.
    pub skipped: Vec<(PathBuf, String)>,
    /// The file of each piece, by the piece's hash.
    pub files: HashMap<[u8; 32], PathBuf>,
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
    /// There is no room for the pieces.
    #[error("the pieces can't be put away: {0}")]
    Shelf(#[from] io::Error),
}

impl CorpusError {
    /// Nothing in this folder could be used.
    pub(crate) fn empty(folder: &Path, skipped: &[(PathBuf, String)]) -> Self {
        let example =
            |(path, why): &(PathBuf, String)| format!(", first {}: {why}", path.display());
        Self::Empty {
            path: folder.display().to_string(),
            skipped: skipped.len(),
            example: skipped.first().map_or_else(String::new, example),
        }
    }
}

/// How a folder is read; nothing here changes what is found.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Threads that read.
    pub threads: usize,
    /// Where the pieces are kept for the next time: a folder for this folder alone; none for a file that goes when the
    /// corpus goes.
    pub keep: Option<&'a Path>,
    /// Hears how many of how many files are read, from any thread.
    pub tell: &'a (dyn Fn(usize, usize) + Sync),
}

impl Corpus {
    /// Reads every `.mid` and `.midi` file under a folder, and every `.json` file of [`chorales`], on all
    /// threads. A file whose bytes were seen before is skipped.
    ///
    /// # Errors
    /// [`CorpusError`] when the folder can't be read or holds no piece.
    pub fn load(folder: &Path) -> Result<Self, CorpusError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self::read(folder, Reading { threads, keep: None, tell: &|_, _| {} })
    }

    /// The same, in a chosen way.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn read(folder: &Path, way: Reading<'_>) -> Result<Self, CorpusError> {
        let mut corpus = Self::default();
        let files = corpus.find(folder)?;
        let old = way.keep.and_then(index::open);
        let (found, shelf) = match old {
            Some((found, shelf)) if found.is_of(folder, &files) => {
                (way.tell)(files.len(), files.len());
                (found, shelf)
            }
            old => match put_away(folder, &files, old.as_ref(), way) {
                // A place that can't be written to costs the next run time, and this one nothing more than this.
                Err(_) if way.keep.is_some() => {
                    put_away(folder, &files, old.as_ref(), Reading { keep: None, ..way })?
                }
                result => result?,
            },
        };
        corpus.take(files, found, &Arc::new(shelf));
        if corpus.pieces.is_empty() {
            return Err(CorpusError::empty(folder, &corpus.skipped));
        }
        Ok(corpus)
    }

    /// Takes in what was found in the files.
    fn take(&mut self, files: Vec<PathBuf>, found: Found, shelf: &Arc<Shelf>) {
        let mut seen = HashSet::new();
        for (file, entry) in files.into_iter().zip(found.entries) {
            match entry.content {
                Ok((hash, labels)) if seen.insert(hash) => {
                    let first = self.pieces.len();
                    self.pieces.extend(labels.into_iter().map(|l| shelf.stored(l)));
                    let pieces = self.pieces[first..].iter();
                    self.files.extend(pieces.map(|p| (p.hash, file.clone())));
                }
                Ok(_) => self.skipped.push((file, "the same bytes as an earlier file".to_owned())),
                Err(reason) => self.skipped.push((file, reason)),
            }
        }
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

/// Reads the files and puts their pieces on a new shelf; those that have not changed are taken from the old one.
fn put_away(
    folder: &Path,
    files: &[PathBuf],
    old: Option<&(Found, Shelf)>,
    way: Reading<'_>,
) -> Result<(Found, Shelf), CorpusError> {
    let old: Option<(HashMap<&[u8], &Entry>, &Shelf)> =
        old.map(|(found, shelf)| (found.entries.iter().map(|e| (&*e.path, e)).collect(), shelf));
    let same = |path: &[u8], stamp: Option<Stamp>| {
        let (entries, shelf) = old.as_ref()?;
        let entry = entries.get(path).filter(|e| stamp.is_some() && e.stamp == stamp)?;
        Some((*entry, *shelf))
    };
    let (mut filler, file): (Filler, Option<tempfile::TempPath>) = match way.keep {
        Some(keep) => {
            fs::create_dir_all(keep)?;
            let (file, path) = index::new_shelf(keep)?;
            (Filler::new(&path, file), Some(path))
        }
        None => (Filler::new(Path::new("a temporary file"), tempfile::tempfile()?), None),
    };
    let mut found = Found::default();
    let done = AtomicUsize::new(0);
    for batch in files.chunks(BATCH) {
        let read = |file: &PathBuf| {
            let path = index::inside(folder, file).to_vec();
            // Before the bytes, so that a change in between is seen the next time.
            let stamp = stamp(file);
            let content = match same(&path, stamp) {
                Some((entry, shelf)) => again(entry, shelf).unwrap_or_else(|| read(file)),
                None => read(file),
            };
            (way.tell)(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
            (path, stamp, content)
        };
        for (path, mut stamp, content) in in_parallel(batch, way.threads, read) {
            let content = match content {
                Content::New(Ok((hash, pieces))) => {
                    let labels = pieces.iter().map(|p| filler.put(p));
                    Ok((hash, labels.collect::<io::Result<_>>()?))
                }
                Content::New(Err(reason)) => Err(reason),
                Content::Unread(reason) => {
                    // The next time it may be open, or the disk be well.
                    stamp = None;
                    Err(reason)
                }
                Content::Old(entry, packed) => {
                    let mut content = entry.content.clone();
                    for (label, bytes) in content.iter_mut().flat_map(|c| &mut c.1).zip(packed) {
                        label.slot = filler.put_bytes(&bytes)?;
                    }
                    content
                }
            };
            found.entries.push(Entry { path, stamp, content });
        }
    }
    let shelf = filler.finish()?;
    if let (Some(keep), Some(path)) = (way.keep, file) {
        // Without an index the shelf serves this run only.
        let _ = index::keep(keep, &found, path);
    }
    Ok((found, shelf))
}

/// What a file holds.
enum Content<'a> {
    /// The hash of its bytes, and its pieces or why there are none.
    New(Result<([u8; 32], Vec<Piece>), String>),
    /// Its bytes could not be read.
    Unread(String),
    /// What it held before, with the packed pieces.
    Old(&'a Entry, Vec<Vec<u8>>),
}

/// What was found in a file before; none where the shelf is damaged.
fn again<'a>(entry: &'a Entry, shelf: &Shelf) -> Option<Content<'a>> {
    let labels = entry.content.iter().flat_map(|c| &c.1);
    let packed = labels.map(|l| shelf.bytes(l.slot)).collect::<Result<_, _>>();
    Some(Content::Old(entry, packed.ok()?))
}

fn read<'a>(path: &Path) -> Content<'a> {
    let bytes = match midi_file::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Content::Unread(error.to_string()),
    };
    let read = || {
        let hash = *blake3::hash(&bytes).as_bytes();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is(path, &["json"]) {
            return Ok((hash, chorales::parse(&name, &bytes)?));
        }
        let file = MidiFile::parse(&bytes).map_err(|e| e.to_string())?;
        let piece = Piece::new(name, hash, &file).map_err(|e| e.to_string())?;
        Ok((hash, vec![piece]))
    };
    Content::New(read())
}

/// What tells whether a file has changed; none where the system does not say.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    let since = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((about.len(), since.as_secs(), since.subsec_nanos()))
}

fn is(path: &Path, extensions: &[&str]) -> bool {
    let own = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    extensions.iter().any(|e| own.eq_ignore_ascii_case(e))
}
