//! The models and presets that can be chosen, read on a thread of their own: a disk may be slow, the window is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use crate::infer::builtin;
use crate::infer::model_slot::ModelChoice;
use crate::infer::net::playable;
use crate::model::checkpoint::MANIFEST_FILE;
use crate::model::{Checkpoint, ModelError};
use crate::preset::bank::{Bank, Entry, Origin};
use crate::preset::file::Preset;
use crate::preset::folder;
use crate::window::scene::{ModelCard, PresetCard};

/// The most model folders that are listed.
const MAX_MODELS: usize = 200;

/// The most files that are looked at to see whether a folder holds music.
const MAX_FILES: usize = 20_000;

/// How deep folders are searched.
const MAX_DEPTH: usize = 8;

/// See the module's text.
#[derive(Default)]
pub(super) struct Library {
    models: Vec<ModelCard>,
    presets: Vec<Entry>,
    cards: Vec<PresetCard>,
    /// The name of the preset that was taken last.
    taken: Option<String>,
    /// Folders elsewhere whose models were opened.
    added: Vec<PathBuf>,
    reading: Option<Receiver<(Vec<ModelCard>, Vec<Entry>)>>,
    was_read: bool,
}

impl Library {
    /// Reads all anew, in a while.
    pub(super) fn refresh(&mut self) {
        let added = self.added.clone();
        let (done, reading) = channel();
        let read = move || {
            // A window that was closed meanwhile has no use for it.
            let _ = done.send((models(&added), Bank::open().entries));
        };
        let spawned = std::thread::Builder::new().name("sideman-library".to_owned()).spawn(read);
        self.reading = spawned.is_ok().then_some(reading);
        self.was_read = true;
    }

    /// Takes in what was read. Reads once by itself.
    pub(super) fn listen(&mut self) {
        if !self.was_read {
            self.refresh();
        }
        let Some((models, presets)) = self.reading.as_ref().and_then(|r| r.try_recv().ok()) else {
            return;
        };
        self.reading = None;
        self.models = models;
        self.cards = presets.iter().map(card).collect();
        self.presets = presets;
    }

    /// A model in another place joins the list.
    pub(super) fn add(&mut self, folder: &Path) {
        if !self.added.iter().any(|known| known == folder) {
            self.added.push(folder.to_owned());
        }
        self.refresh();
    }

    pub(super) fn models(&self) -> &[ModelCard] {
        &self.models
    }

    pub(super) fn cards(&self) -> &[PresetCard] {
        &self.cards
    }

    /// The place of the preset that was taken last.
    pub(super) fn chosen(&self) -> Option<usize> {
        let taken = self.taken.as_deref()?;
        self.cards.iter().position(|card| card.name == taken)
    }

    /// The place of a model in the list.
    pub(super) fn place_of(&self, choice: &ModelChoice) -> Option<usize> {
        self.models.iter().position(|card| choice_of(card) == *choice)
    }

    /// The model at a place; none where it can't be used.
    pub(super) fn model(&self, place: usize) -> Option<ModelChoice> {
        self.models.get(place).filter(|card| card.problem.is_none()).map(choice_of)
    }

    /// The preset at a place, which now is the one that was taken last.
    pub(super) fn take(&mut self, place: usize) -> Option<Preset> {
        let preset = self.presets.get(place)?.preset.clone();
        self.taken = Some(preset.name.clone());
        Some(preset)
    }
}

fn choice_of(card: &ModelCard) -> ModelChoice {
    card.folder.clone().map_or(ModelChoice::Builtin, ModelChoice::Folder)
}

fn card(entry: &Entry) -> PresetCard {
    let preset = &entry.preset;
    PresetCard {
        name: preset.name.clone(),
        about: preset.about.clone(),
        mode: preset.settings.mode.name(),
        own: matches!(entry.origin, Origin::User(_)),
    }
}

/// The model that Sideman carries, those in the user's folder, and those that were opened elsewhere.
fn models(added: &[PathBuf]) -> Vec<ModelCard> {
    let carried = describe(builtin::NAME.to_owned(), None, builtin::checkpoint());
    let home = folder::models().and_then(|home| fs::read_dir(home).ok());
    let mut folders: Vec<PathBuf> = home
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join(MANIFEST_FILE).is_file())
        .take(MAX_MODELS)
        .collect();
    folders.sort();
    let elsewhere = added.iter().filter(|path| !folders.contains(path)).cloned();
    let folders: Vec<PathBuf> = folders.iter().cloned().chain(elsewhere).collect();
    let read = folders.into_iter().map(|path| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let loaded = Checkpoint::load(&path);
        describe(name, Some(path), loaded)
    });
    std::iter::once(carried).chain(read).collect()
}

fn describe(
    name: String,
    folder: Option<PathBuf>,
    loaded: Result<Checkpoint, ModelError>,
) -> ModelCard {
    let checkpoint = match loaded {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            let problem = Some(error.to_string());
            return ModelCard { name, folder, problem, ..ModelCard::default() };
        }
    };
    let problem = playable(&checkpoint).err().map(|error| error.to_string());
    let manifest = checkpoint.manifest;
    ModelCard {
        name,
        folder,
        recipe: manifest.recipe,
        parameters: manifest.config.parameters(),
        pieces: manifest.corpus.train_pieces,
        notes: manifest.corpus.train_notes,
        nats_per_note: manifest.metrics.get("nats_per_note").copied(),
        styles: manifest.styles,
        sources: manifest.corpus.sources.into_iter().map(|s| (s.name, s.licence)).collect(),
        problem,
    }
}

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// A model folder.
    Model,
    /// A folder with so many MIDI files.
    Midi(usize),
    /// Nothing of use, and why.
    Neither(String),
}

/// Looks what a path leads to.
pub(super) fn what_is(path: &Path) -> Found {
    let shown = path.display();
    if !path.exists() {
        return Found::Neither(format!("there is no {shown}"));
    }
    if !path.is_dir() {
        return Found::Neither(format!(
            "{shown} is a file: drop the folder of a model, or a folder of MIDI files to learn from"
        ));
    }
    if path.join(MANIFEST_FILE).is_file() {
        return Found::Model;
    }
    let mut left = MAX_FILES;
    match midi_files(path, MAX_DEPTH, &mut left) {
        0 => Found::Neither(format!(
            "{shown} holds neither a model ({MANIFEST_FILE}) nor MIDI files (.mid)"
        )),
        files => Found::Midi(files),
    }
}

fn midi_files(folder: &Path, depth: usize, left: &mut usize) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let path = entry.path();
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        // Links are not followed: they may lead in a circle.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            files += midi_files(&path, depth - 1, left);
        } else if ending == "mid" || ending == "midi" {
            files += 1;
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_for_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["model", "music/deep", "other"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in ["model/model.json", "music/a.mid", "music/deep/b.MIDI", "other/readme.txt"] {
            fs::write(at(name), "x").unwrap();
        }
        assert_eq!(what_is(&at("model")), Found::Model);
        assert_eq!(what_is(&at("music")), Found::Midi(2));
        for name in ["other", "other/readme.txt", "nowhere"] {
            assert!(matches!(what_is(&at(name)), Found::Neither(_)), "{name}");
        }
    }

    #[test]
    fn the_carried_model_comes_first_and_a_broken_one_says_why() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MANIFEST_FILE), "{").unwrap();
        let mut library = Library::default();
        library.added.push(folder.path().to_owned());
        library.listen();
        let begun = std::time::Instant::now();
        while library.models().is_empty() && begun.elapsed().as_secs() < 20 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            library.listen();
        }
        let models = library.models();
        assert_eq!((models[0].name.as_str(), models[0].folder.as_ref()), (builtin::NAME, None));
        assert!(models[0].parameters > 100_000 && models[0].problem.is_none());
        let broken = ModelChoice::Folder(folder.path().to_owned());
        let place = library.place_of(&broken).unwrap();
        assert!(models[place].problem.is_some());
        assert_eq!(library.model(place), None, "what can't be used can't be chosen");
        assert_eq!(library.place_of(&ModelChoice::Builtin), Some(0));
        assert!(library.cards().len() >= 20);
        let preset = library.take(3).unwrap();
        assert_eq!((library.chosen(), &preset.name), (Some(3), &library.cards()[3].name));
    }
}
