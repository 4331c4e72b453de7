//! What a host keeps for us in its songs beside the parameters, and the guard at the door when it comes back.

use std::sync::Arc;

use nice_plug::params::Params as _;
use nice_plug::params::enums::Enum;
use nice_plug::params::persist::PersistentField;
use nice_plug::params::range::{FloatRange, IntRange};
use nice_plug::plugin::{ParamValue, PluginState};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::infer::memory::Remembered;
use crate::infer::model_slot::{ModelChoice, ModelSlot};
use crate::link::settings::{Grid, Mode};
use crate::model::device::DeviceChoice;
use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::scale::Scale;
use crate::music::time::Tick;

use crate::plugin::migrate::{VERSION, migrate};
use crate::plugin::params::SidemanParams;

/// What is saved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SavedState {
    /// See [`VERSION`].
    pub(crate) version: u32,
    /// The model that was chosen.
    #[serde(default)]
    pub(crate) model: ModelChoice,
    /// The content hash of the model that played, in hexadecimal, for a person to find it again; empty for
    /// our own.
    #[serde(default)]
    pub(crate) model_hash: String,
    /// What was last played by both: with it in the ear the loaded song goes on.
    #[serde(default)]
    pub(crate) memory: Vec<Note>,
    /// What was picked up from the player: tick and MIDI key of each note, plus 128 where the machine played it.
    #[serde(default)]
    pub(crate) learned: Vec<(i64, u8)>,
    /// The name of the preset that was chosen last; empty where none was.
    #[serde(default)]
    pub(crate) preset: String,
    /// Ids of parameters that the state had and this version does not know.
    #[serde(default, skip_serializing)]
    pub(crate) strange: Vec<String>,
}

/// The place where the framework lays down what was saved. It may do so at any time, without a word to the
/// plugin: whoever must know is told from here.
///
/// Any thread but the audio thread.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    models: Arc<ModelSlot>,
    /// The hash of the chosen model as it was saved; it counts until that model is loaded.
    loaded_hash: Mutex<String>,
    preset: Mutex<String>,
    /// What a musician should know of the state that was loaded last.
    note: Mutex<Option<String>>,
}

impl Saved {
    /// Saves which model this slot holds, and puts the saved one back there.
    pub(crate) fn new(models: Arc<ModelSlot>) -> Self {
        Self { models, ..Self::default() }
    }

    /// The name of the preset that was chosen last; empty where none was.
    pub(crate) fn preset(&self) -> String {
        self.preset.lock().clone()
    }

    /// Remembers the preset that was chosen.
    pub(crate) fn set_preset(&self, name: &str) {
        name.clone_into(&mut self.preset.lock());
    }

    /// Another model was chosen: the saved song's hash means nothing any more.
    pub(crate) fn forget_hash(&self) {
        self.loaded_hash.lock().clear();
    }

    /// Takes what is to be said of the state that was loaded last.
    pub(crate) fn take_note(&self) -> Option<String> {
        self.note.lock().take()
    }

    /// What is wrong where the chosen model plays, but is not the one that the song was saved with.
    pub(crate) fn mismatch(&self) -> Option<String> {
        let ModelChoice::Folder(path) = self.models.choice() else { return None };
        let status = self.models.status();
        let saved = self.loaded_hash.lock();
        let is_loaded = status.problem.is_none()
            && path.file_name().is_some_and(|name| name.to_string_lossy() == status.name);
        (is_loaded && !saved.is_empty() && *saved != status.hash)
            .then(|| format!("The model '{}' has changed since this song was saved", status.name))
    }
}

impl PersistentField<'_, SavedState> for Saved {
    fn set(&self, state: SavedState) {
        // The worker looks at the slot; the same choice again would only load it again.
        if state.model != self.models.choice() {
            self.models.choose(state.model);
        }
        let learned = state.learned.into_iter().map(learned_note).collect();
        self.models.memory().restore(Remembered { window: state.memory, learned });
        *self.loaded_hash.lock() = state.model_hash;
        *self.preset.lock() = state.preset;
        let note = match (state.version, state.strange.as_slice()) {
            (version, _) if version > VERSION => Some(format!(
                "This song is from a newer Sideman (state {version}): what this one knows of it is loaded"
            )),
            (_, []) => None,
            (_, strange) => {
                Some(format!("Settings that are not known here: {}", strange.join(", ")))
            }
        };
        *self.note.lock() = note;
    }

    fn map<F, R>(&self, look: F) -> R
    where
        F: Fn(&SavedState) -> R,
    {
        let model = self.models.choice();
        let status = self.models.status();
        let model_hash = match model {
            // Our own model needs no telling apart: it is that of the Sideman that saved.
            ModelChoice::Builtin => String::new(),
            // Not loaded yet, or not found: what was saved still names the right one.
            ModelChoice::Folder(_) if status.hash.is_empty() || status.problem.is_some() => {
                self.loaded_hash.lock().clone()
            }
            ModelChoice::Folder(_) => status.hash,
        };
        let Remembered { window, learned } = self.models.memory().remembered();
        look(&SavedState {
            version: VERSION,
            model,
            model_hash,
            memory: window,
            learned: learned.iter().map(written).collect(),
            preset: self.preset(),
            strange: Vec::new(),
        })
    }
}

/// Added to the key of a note that the machine played.
const MACHINE: u8 = 128;

fn written(note: &Note) -> (i64, u8) {
    let voice = if note.voice == Voice::Machine { MACHINE } else { 0 };
    (note.onset.0, note.pitch.number() | voice)
}

fn learned_note((tick, key): (i64, u8)) -> Note {
    Note {
        onset: Tick(tick),
        pitch: Pitch::new(key & !MACHINE),
        voice: if key & MACHINE == 0 { Voice::Player } else { Voice::Machine },
        velocity: 1,
        duration: 1,
    }
}

/// Makes a saved state usable before the framework takes it over as it is: numbers come into their ranges,
/// choices that this version does not know are left out, and nothing that is saved sets off a panic.
///
/// Main thread. Allocates.
pub(crate) fn sanitise(state: &mut PluginState) {
    let params = SidemanParams::new(Saved::default(), &Arc::default());
    let known = params.param_map().into_iter().map(|(id, _, _)| id).collect();
    migrate(state, &known);
    // What acts at the moment when it is set is not part of a song; the preset comes back by its name.
    for momentary in ["panic", "preset", "save-preset", "forget", "tap"] {
        state.params.remove(momentary);
    }
    for (id, param) in params.ints() {
        if let (Some(ParamValue::I32(value)), IntRange::Linear { min, max }) =
            (state.params.get_mut(id), param.range())
        {
            *value = (*value).clamp(min, max);
        }
    }
    for (id, param) in params.floats() {
        if let (Some(ParamValue::F32(value)), FloatRange::Linear { min, max }) =
            (state.params.get_mut(id), param.range())
        {
            *value = if value.is_nan() { param.value() } else { value.clamp(min, max) };
        }
    }
    let choices = [
        ("mode", Mode::variants().len()),
        ("scale", Scale::variants().len()),
        ("grid", Grid::variants().len()),
        ("device", DeviceChoice::variants().len()),
    ];
    for (id, count) in choices {
        let is_foreign = |value: &ParamValue| matches!(value, ParamValue::I32(place) if usize::try_from(*place).map_or(true, |p| p >= count));
        if state.params.get(id).is_some_and(is_foreign) {
            state.params.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::builtin;

    fn state(params: &[(&str, ParamValue)]) -> PluginState {
        PluginState {
            version: String::new(),
            params: params.iter().map(|(id, v)| ((*id).to_owned(), v.clone())).collect(),
            fields: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn hostile_numbers_come_into_range() {
        let mut hostile = state(&[
            ("register-low", ParamValue::I32(i32::MIN)),
            ("seed", ParamValue::I32(i32::MAX)),
            ("temperature", ParamValue::F32(f32::NAN)),
            ("tempo", ParamValue::F32(f32::INFINITY)),
            ("mode", ParamValue::I32(77)),
            ("scale", ParamValue::I32(-1)),
            ("panic", ParamValue::Bool(true)),
        ]);
        sanitise(&mut hostile);
        let left: Vec<String> =
            hostile.params.iter().map(|(id, value)| format!("{id} {value:?}")).collect();
        let expected =
            ["register-low I32(21)", "seed I32(65535)", "temperature F32(0.9)", "tempo F32(400.0)"];
        assert_eq!(left, expected);
    }

    #[test]
    fn good_values_pass_untouched() {
        let mut good = state(&[
            ("register-low", ParamValue::I32(40)),
            ("mode", ParamValue::String("answer".to_owned())),
            ("scale", ParamValue::I32(3)),
            ("thru", ParamValue::Bool(false)),
        ]);
        let before = format!("{good:?}");
        sanitise(&mut good);
        assert_eq!(format!("{good:?}"), before);
    }

    #[test]
    fn a_later_version_loads_as_far_as_it_is_known() {
        let saved = Saved::default();
        let later = r#"{"version":9,"model":{"folder":"/m"},"mood":[1,2,3]}"#;
        saved.set(serde_json::from_str(later).unwrap());
        let model = ModelChoice::Folder("/m".into());
        assert_eq!(saved.models.choice(), model);
        saved.map(|state| {
            assert_eq!((state.version, &state.model, state.memory.len()), (VERSION, &model, 0));
        });
    }

    #[test]
    fn the_memory_of_a_song_comes_back_with_it() {
        let (before, after) = (Saved::default(), Saved::default());
        let note = |onset| Note {
            onset: Tick(onset),
            pitch: Pitch::new(60),
            voice: Voice::Machine,
            velocity: 80,
            duration: 12,
        };
        let learned = |onset, voice| Note { voice, velocity: 1, duration: 1, ..note(onset) };
        let remembered = Remembered {
            window: vec![note(3), note(9)],
            learned: vec![learned(-4, Voice::Player), learned(2, Voice::Machine)],
        };
        before.models.memory().restore(remembered.clone());
        let text = before.map(|state| serde_json::to_string(state).unwrap());
        after.set(serde_json::from_str(&text).unwrap());
        assert_eq!(after.models.memory().remembered(), remembered);
    }

    #[test]
    fn a_model_that_has_changed_since_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trio");
        builtin::checkpoint().unwrap().save(&path).unwrap();
        let saved = Saved::default();
        let load = |hash: &str| {
            let state = SavedState {
                version: VERSION,
                model: ModelChoice::Folder(path.clone()),
                model_hash: hash.to_owned(),
                memory: Vec::new(),
                learned: Vec::new(),
                preset: String::new(),
                strange: Vec::new(),
            };
            saved.set(state);
        };
        load("0123");
        assert_eq!(saved.mismatch(), None, "not loaded yet");
        assert!(saved.models.load().is_some());
        assert_eq!(
            saved.mismatch().unwrap(),
            "The model 'trio' has changed since this song was saved"
        );
        load(&saved.models.status().hash);
        assert_eq!(saved.mismatch(), None);
        load("0123");
        saved.forget_hash();
        assert_eq!(saved.mismatch(), None, "another model was chosen since");
    }
}
