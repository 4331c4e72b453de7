//! MIDI files as rows of names, for the `jazz` and `rock` recipes: which parts are read, and what begins together.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::data::corpus::CorpusError;
use crate::data::guitar::{self, Guitar};
use crate::data::midi_file::{self, FileNote, MidiFile, Track};
use crate::music::name::Naming;
use crate::music::pitch::Pitch;
use crate::music::time::Tick;

/// The drums' channel.
const DRUMS: u8 = 9;

/// Which parts of a file are read.
#[derive(Clone, PartialEq, Debug)]
pub enum PartChoice {
    /// All but the drums, as one row.
    All,
    /// The first track that has pitched notes.
    First,
    /// The tracks whose names hold one of these, as one row.
    Named(Vec<String>),
    /// Every electric guitar as a row of its own: what is said to be one, and what is at least this likely one.
    ElectricGuitar(f64),
}

/// A row of names.
#[derive(Clone, PartialEq, Debug)]
pub struct NamedPart {
    /// The file's name without its ending.
    pub file: String,
    /// The track's name; empty when several tracks make the row.
    pub track: String,
    /// BLAKE3 of the file.
    pub hash: [u8; 32],
    /// What begins together, one name after the other.
    pub names: Vec<String>,
    /// How likely this is the instrument that was asked for; 1 where the file says so.
    pub confidence: f64,
}

/// The parts of a folder and what was left out.
#[derive(Clone, Debug, Default)]
pub struct NamedCorpus {
    /// By path, then by place in the file.
    pub parts: Vec<NamedPart>,
    /// Files that could be read.
    pub files: usize,
    /// Files that gave nothing, with the reason in one line.
    pub skipped: Vec<(PathBuf, String)>,
}

impl NamedCorpus {
    /// Reads every `.mid` and `.midi` file under a folder. A file whose bytes were seen before is skipped.
    ///
    /// # Errors
    /// [`CorpusError`] when the folder can't be read or holds no such part.
    pub fn load(folder: &Path, naming: Naming, choice: &PartChoice) -> Result<Self, CorpusError> {
        let mut corpus = Self::default();
        for_each_file(folder, &mut |path, file| {
            let (hash, file) = match file {
                Ok(found) => found,
                Err(reason) => {
                    corpus.skipped.push((path.to_owned(), reason));
                    return;
                }
            };
            corpus.files += 1;
            let rows = rows(&file, choice);
            if rows.is_empty() {
                corpus.skipped.push((path.to_owned(), "no such part".to_owned()));
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            corpus.parts.extend(rows.into_iter().map(|row| NamedPart {
                file: stem.clone(),
                track: row.track,
                hash,
                names: names(&file, row.notes, naming),
                confidence: row.confidence,
            }));
        })?;
        if corpus.parts.is_empty() {
            return Err(CorpusError::empty(folder, &corpus.skipped));
        }
        Ok(corpus)
    }
}

/// A file and its BLAKE3.
pub type Hashed = ([u8; 32], MidiFile);

/// Hands over every MIDI file under a folder, by name, with its BLAKE3, or why it can't be used.
///
/// # Errors
/// [`CorpusError::Folder`] when the folder can't be walked.
pub fn for_each_file(
    folder: &Path,
    take: &mut dyn FnMut(&Path, Result<Hashed, String>),
) -> Result<(), CorpusError> {
    let mut seen = HashSet::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) if e.depth() == 0 => {
                let reason = e.io_error().map_or_else(|| e.to_string(), ToString::to_string);
                return Err(CorpusError::Folder { path: folder.display().to_string(), reason });
            }
            Err(e) => {
                take(e.path().unwrap_or(folder), Err(e.to_string()));
                continue;
            }
        };
        let extension = entry.path().extension().and_then(|e| e.to_str()).unwrap_or_default();
        if entry.file_type().is_file() && ["mid", "midi"].contains(&&*extension.to_lowercase()) {
            take(entry.path(), read(entry.path(), &mut seen));
        }
    }
    Ok(())
}

fn read(path: &Path, seen: &mut HashSet<[u8; 32]>) -> Result<Hashed, String> {
    let bytes = midi_file::read(path).map_err(|e| e.to_string())?;
    let hash = *blake3::hash(&bytes).as_bytes();
    if !seen.insert(hash) {
        return Err("the same bytes as an earlier file".to_owned());
    }
    Ok((hash, MidiFile::parse(&bytes).map_err(|e| e.to_string())?))
}

/// Notes that make a row of names.
struct Row {
    track: String,
    notes: Vec<FileNote>,
    confidence: f64,
}

fn rows(file: &MidiFile, choice: &PartChoice) -> Vec<Row> {
    let pitched = |track: &Track| -> Vec<FileNote> {
        track.notes.iter().filter(|n| n.channel != DRUMS).copied().collect()
    };
    let together = |wanted: &dyn Fn(&Track) -> bool| {
        let notes = file.tracks.iter().filter(|t| wanted(t)).flat_map(pitched).collect();
        Row { track: String::new(), notes, confidence: 1.0 }
    };
    let rows = match choice {
        PartChoice::All => vec![together(&|_| true)],
        PartChoice::Named(names) => vec![together(&|track| {
            let track = track.name.to_uppercase();
            names.iter().any(|name| track.contains(&name.to_uppercase()))
        })],
        PartChoice::First => {
            let first = file.tracks.iter().find(|t| !pitched(t).is_empty());
            let row = |t: &Track| Row { track: t.name.clone(), notes: pitched(t), confidence: 1.0 };
            first.map(row).into_iter().collect()
        }
        PartChoice::ElectricGuitar(least) => guitar::parts(file)
            .into_iter()
            .filter_map(|part| {
                let confidence = match guitar::judge(&part) {
                    Guitar::Said => 1.0,
                    Guitar::Guessed(p) => p,
                };
                let guitar::Part { track, notes, .. } = part;
                (confidence >= *least).then_some(Row { track, notes, confidence })
            })
            .collect(),
    };
    rows.into_iter().filter(|row| !row.notes.is_empty()).collect()
}

/// The names of what begins on the same twelfth of a beat, which is what a rolled chord or a hurried hand takes.
fn names(file: &MidiFile, notes: Vec<FileNote>, naming: Naming) -> Vec<String> {
    let mut onsets: BTreeMap<Tick, Vec<Pitch>> = BTreeMap::new();
    for note in notes {
        onsets.entry(Tick::nearest(file.beats(note.onset))).or_default().push(Pitch::new(note.key));
    }
    onsets.values().filter_map(|pitches| naming.name(pitches)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(onset: u64, key: u8, channel: u8) -> FileNote {
        FileNote { onset, duration: 100, key, velocity: 80, channel }
    }

    fn file() -> MidiFile {
        let solo = vec![note(0, 64, 0), note(480, 65, 0), note(490, 67, 0)];
        let chords = vec![note(0, 60, 1), note(0, 36, DRUMS), note(960, 55, 1)];
        MidiFile {
            ticks_per_quarter: 480,
            tracks: vec![
                Track { name: "conductor".to_owned(), ..Track::default() },
                Track { name: "Solo".to_owned(), notes: solo, ..Track::default() },
                Track { name: "Chords".to_owned(), notes: chords, ..Track::default() },
            ],
            tempos: Vec::new(),
            meters: Vec::new(),
            markers: Vec::new(),
        }
    }

    fn check(choice: &PartChoice, naming: Naming, expected: &[&str]) {
        let file = file();
        let rows = rows(&file, choice);
        let found: Vec<String> =
            rows.into_iter().flat_map(|row| names(&file, row.notes, naming)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_begins_together_is_one_name() {
        // 10 of 480 ticks apart is together; drums are no pitches.
        check(&PartChoice::All, Naming::NormalOrder, &["0.4", "5.7", "G3"]);
        check(&PartChoice::All, Naming::Pitches, &["C4 E4", "F4 G4", "G3"]);
        check(&PartChoice::First, Naming::NormalOrder, &["E4", "5.7"]);
        let named = PartChoice::Named(vec!["chord".to_owned()]);
        check(&named, Naming::NormalOrder, &["C4", "G3"]);
        let nobody = PartChoice::Named(vec!["flute".to_owned()]);
        check(&nobody, Naming::NormalOrder, &[]);
    }
}
