//! What was found in a folder, kept beside its shelf for the next time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

use crate::data::corpus::stamp;
use crate::data::shelf::{Label, Shelf};

/// Counts the ways in which files were read: with another one nothing that was kept is true any more.
const READ_IN: &str = concat!("sideman ", env!("CARGO_PKG_VERSION"), " way 3");
/// The index's name in its folder.
const INDEX_FILE: &str = "index";
/// What the names of shelves begin with.
const SHELF_PREFIX: &str = "pieces-";
/// What the names of files end with that are being written.
const PART_SUFFIX: &str = ".part";
/// No run writes for as long as this.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// Length and time of the last change, in seconds and nanoseconds since 1970.
pub(crate) type Stamp = (u64, u64, u32);

/// What was found in a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    /// By path.
    pub(crate) entries: Vec<Entry>,
}

/// What was found in a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Seen from the folder, in the system's own spelling.
    pub(crate) path: Vec<u8>,
    pub(crate) stamp: Option<Stamp>,
    /// The hash of its bytes and its pieces, or why there are none.
    pub(crate) content: Result<([u8; 32], Vec<Label>), String>,
}

impl Found {
    /// Whether these are the files in the folder, and none has changed since.
    pub(crate) fn is_of(&self, folder: &Path, files: &[PathBuf]) -> bool {
        let same = |(entry, file): (&Entry, &PathBuf)| {
            inside(folder, file) == entry.path
                && entry.stamp.is_some()
                && entry.stamp == stamp(file)
        };
        self.entries.len() == files.len() && self.entries.iter().zip(files).all(same)
    }
}

/// A path seen from its folder.
pub(crate) fn inside<'a>(folder: &Path, file: &'a Path) -> &'a [u8] {
    file.strip_prefix(folder).unwrap_or(file).as_os_str().as_encoded_bytes()
}

/// What the index says: of which way of reading, on which shelf of what length, and what.
type Index = (String, String, u64, Found);

/// What was kept in this folder; none where there is nothing, or nothing of use.
pub(crate) fn open(keep: &Path) -> Option<(Found, Shelf)> {
    let bytes = fs::read(keep.join(INDEX_FILE)).ok()?;
    let (check, bytes) = bytes.split_first_chunk::<32>()?;
    if blake3::hash(bytes) != *check {
        return None;
    }
    let (read_in, shelf, length, found): Index = postcard::from_bytes(bytes).ok()?;
    if read_in != READ_IN || !shelf.starts_with(SHELF_PREFIX) || shelf.contains(['/', '\\']) {
        return None;
    }
    let shelf = Shelf::open(&keep.join(shelf)).ok()?;
    (shelf.length().ok()? == length).then_some((found, shelf))
}

/// A new file for a shelf, which goes again if it is not [kept](keep).
pub(crate) fn new_shelf(keep: &Path) -> io::Result<(File, TempPath)> {
    let file =
        tempfile::Builder::new().prefix(SHELF_PREFIX).suffix(PART_SUFFIX).tempfile_in(keep)?;
    Ok(file.into_parts())
}

/// Keeps what was found on a new shelf in place of what was there.
pub(crate) fn keep(keep: &Path, found: &Found, shelf: TempPath) -> io::Result<()> {
    let name = shelf.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.trim_end_matches(PART_SUFFIX).to_owned();
    let length = fs::metadata(&shelf)?.len();
    let bytes = postcard::to_stdvec(&(READ_IN, &name, length, found)).map_err(io::Error::other)?;
    let mut file = NamedTempFile::with_suffix_in(PART_SUFFIX, keep)?;
    file.write_all(blake3::hash(&bytes).as_bytes())?;
    file.write_all(&bytes)?;
    shelf.persist(keep.join(&name)).map_err(|e| e.error)?;
    if let Err(error) = file.persist(keep.join(INDEX_FILE)) {
        let _ = fs::remove_file(keep.join(&name));
        return Err(error.error);
    }
    remove_others(keep, &name);
    Ok(())
}

/// Older shelves are of no use any more, nor is what a run that was killed left half written; what can't be removed is in
/// the way of nobody.
fn remove_others(keep: &Path, shelf: &str) {
    let Ok(files) = fs::read_dir(keep) else { return };
    for file in files.flatten() {
        let name = file.file_name();
        let name = name.to_string_lossy();
        let is_forgotten = || {
            let changed = file.metadata().and_then(|about| about.modified());
            changed.is_ok_and(|t| t.elapsed().is_ok_and(|age| age > FORGOTTEN))
        };
        let useless = if name.ends_with(PART_SUFFIX) {
            is_forgotten()
        } else {
            name.starts_with(SHELF_PREFIX) && name != shelf
        };
        if useless {
            let _ = fs::remove_file(file.path());
        }
    }
}
