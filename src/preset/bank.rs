//! All presets: those that come with Sideman, and the user's own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::preset::file::{MAX_NAME, Preset, PresetError};
use crate::preset::folder;

/// The ending of a preset file's name.
pub const EXTENSION: &str = "toml";

/// The most files of the user's folder that are read: more than a menu can show.
const MAX_FILES: usize = 1_000;

/// Names that Windows keeps for devices, whatever their ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

macro_rules! factory {
    ($($id:literal),* $(,)?) => {
        /// The presets that come with Sideman as id and file, in the order shown to users. An id never changes.
        pub const FACTORY: &[(&str, &str)] =
            &[$(($id, include_str!(concat!("../../presets/", $id, ".toml")))),*];
    };
}

factory![
    "pop-piano-under-a-melody",
    "sparse-late-night-comping",
    "swung-eighths",
    "walking-low-register",
    "high-sparkle",
    "slow-pads",
    "arpeggio-on-held-chords",
    "strict-key-follower",
    "dorian-vamp-in-d",
    "wild-card",
    "echoing-answers",
    "blues-call-and-response-in-a",
    "phrygian-answers-in-e",
    "whole-tone-dream",
    "four-bar-trades",
    "two-bar-trades-machine-first",
    "second-voice",
    "block-chord-choir",
    "solo-over-your-window",
    "music-box-in-g",
];

/// Where a preset comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It comes with Sideman.
    Factory,
    /// It is this file of the user's.
    User(PathBuf),
}

/// A preset in the bank.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// What it is called for good: the file's name without its ending.
    pub id: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The preset.
    pub preset: Preset,
}

/// Presets with unique ids and names, and what could not be read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Bank {
    /// First those that come with Sideman, then the user's by file name.
    pub entries: Vec<Entry>,
    /// Files that are no presets, or whose name is taken, and why.
    pub problems: Vec<(PathBuf, PresetError)>,
}

impl Bank {
    /// The presets that come with Sideman.
    pub fn factory() -> Self {
        let mut bank = Self::default();
        for (id, text) in FACTORY {
            let file = PathBuf::from(id).with_extension(EXTENSION);
            bank.add(id, Origin::Factory, file, Preset::from_bytes(text.as_bytes()));
        }
        bank
    }

    /// The presets that come with Sideman and those in the user's folder.
    pub fn open() -> Self {
        folder::presets().map_or_else(Self::factory, |folder| Self::with_folder(&folder))
    }

    /// The presets that come with Sideman and those in `folder`, which need not exist.
    pub fn with_folder(folder: &Path) -> Self {
        let mut bank = Self::factory();
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_preset = |path: &PathBuf| {
            path.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION))
                && !path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'))
        };
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(is_preset).take(MAX_FILES).collect();
        paths.sort();
        for path in paths {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let read = Preset::load(&path);
            bank.add(&id, Origin::User(path.clone()), path, read);
        }
        bank
    }

    fn add(&mut self, id: &str, origin: Origin, file: PathBuf, read: Result<Preset, PresetError>) {
        let taken = |preset: Preset| match self.get(&preset.name).or_else(|| self.get(id)) {
            Some(_) => Err(PresetError::Taken(preset.name)),
            None => Ok(preset),
        };
        match read.and_then(taken) {
            Ok(preset) => self.entries.push(Entry { id: id.to_owned(), origin, preset }),
            Err(problem) => self.problems.push((file, problem)),
        }
    }

    /// The preset of this id or name; capitals don't matter.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        let wanted = name.trim().to_lowercase();
        self.entries
            .iter()
            .find(|e| e.id.to_lowercase() == wanted || e.preset.name.to_lowercase() == wanted)
    }

    /// The preset of this id or name, or why there is none.
    ///
    /// # Errors
    /// [`PresetError::Unknown`], or what is wrong with the user's file of that name.
    pub fn find(&self, name: &str) -> Result<&Entry, PresetError> {
        let broken = || {
            let of_that_name = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == name);
            self.problems.iter().find(|(path, _)| of_that_name(path)).map(|(_, e)| e.clone())
        };
        let unknown = || PresetError::Unknown(name.chars().take(MAX_NAME).collect());
        self.get(name).ok_or_else(|| broken().unwrap_or_else(unknown))
    }
}

/// Keeps a preset in the user's `folder`, where it replaces the user's preset of the same name. Gives the file.
///
/// # Errors
/// [`PresetError::Taken`] when a preset that comes with Sideman has that name, or its file is another's.
pub fn keep(preset: &Preset, folder: &Path) -> Result<PathBuf, PresetError> {
    let bank = Bank::with_folder(folder);
    let taken = || PresetError::Taken(preset.name.clone());
    let path = match bank.get(&preset.name).map(|entry| &entry.origin) {
        Some(Origin::User(path)) => path.clone(),
        Some(Origin::Factory) => return Err(taken()),
        None => {
            let id = id_of(&preset.name);
            let path = folder.join(&id).with_extension(EXTENSION);
            if bank.get(&id).is_some() || path.exists() {
                return Err(taken());
            }
            path
        }
    };
    preset.save(&path)?;
    Ok(path)
}

/// The id of a name: its letters and digits in small letters, with `-` for all else.
fn id_of(name: &str) -> String {
    let words: Vec<String> = name
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    match words.join("-") {
        id if id.is_empty() || DEVICES.contains(&id.as_str()) => format!("preset-{id}"),
        id => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::settings::Settings;

    fn preset(name: &str, seed: u32) -> Preset {
        Preset {
            name: name.to_owned(),
            author: String::new(),
            about: String::new(),
            model: None,
            settings: Settings { seed, ..Settings::default() },
        }
    }

    #[test]
    fn names_become_file_names() {
        for (name, id) in [
            ("Two-bar trades, machine first", "two-bar-trades-machine-first"),
            ("Für Élise", "für-élise"),
            ("CON", "preset-con"),
            ("../../etc/passwd", "etc-passwd"),
            ("!!!", "preset-"),
        ] {
            assert_eq!(id_of(name), id);
        }
    }

    #[test]
    fn what_is_kept_is_found_again_and_replaced_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("not/there/yet");
        let path = keep(&preset("My Thing", 2), &folder).unwrap();
        assert!(path.ends_with("my-thing.toml"));
        assert_eq!(keep(&preset("My Thing", 3), &folder).unwrap(), path);
        let bank = Bank::with_folder(&folder);
        assert_eq!(bank.problems, []);
        assert_eq!(bank.find("my thing").unwrap().preset, preset("My Thing", 3));
        assert_eq!(bank.find("my-thing").unwrap().origin, Origin::User(path));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn nothing_of_anyone_else_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let taken = |name: &str| {
            let error = keep(&preset(name, 2), dir.path()).unwrap_err();
            assert_eq!(error, PresetError::Taken(name.to_owned()));
        };
        taken("Wild card");
        taken("wild-CARD");
        keep(&preset("A b", 2), dir.path()).unwrap();
        taken("a/b");
        fs::write(dir.path().join("notes.toml"), "not a preset").unwrap();
        taken("Notes");
    }

    #[test]
    fn a_broken_file_is_a_problem_and_the_rest_is_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("broken.toml"), "format = 1\n").unwrap();
        fs::write(dir.path().join("double.toml"), FACTORY[0].1).unwrap();
        fs::write(dir.path().join("readme.txt"), "hello").unwrap();
        preset("Mine", 4).save(&dir.path().join("zz.toml")).unwrap();
        let bank = Bank::with_folder(dir.path());
        assert_eq!(bank.entries.len(), FACTORY.len() + 1);
        assert_eq!(bank.problems.len(), 2, "{:?}", bank.problems);
        assert!(bank.find("broken").unwrap_err().to_string().contains("name"));
        assert!(matches!(bank.find("nobody"), Err(PresetError::Unknown(_))));
    }
}
