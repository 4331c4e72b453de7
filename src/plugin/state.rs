//! What a host keeps for us in its songs beside the parameters, and the guard at the door when it comes back.

use std::sync::Arc;

use nice_plug::params::enums::Enum;
use nice_plug::params::persist::PersistentField;
use nice_plug::params::range::{FloatRange, IntRange};
use nice_plug::plugin::{ParamValue, PluginState};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::infer::model_slot::{ModelChoice, ModelSlot};
use crate::link::settings::{Grid, Mode};
use crate::music::note::Note;
use crate::music::scale::Scale;

use crate::plugin::params::SidemanParams;

/// The version of what is saved. A later version may add fields; an older Sideman leaves them out.
const VERSION: u32 = 1;

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
}

impl Saved {
    /// Saves which model this slot holds, and puts the saved one back there.
    pub(crate) fn new(models: Arc<ModelSlot>) -> Self {
        Self { models, loaded_hash: Mutex::default() }
    }
}

impl PersistentField<'_, SavedState> for Saved {
    fn set(&self, state: SavedState) {
        // The worker looks at the slot; the same choice again would only load it again.
        if state.model != self.models.choice() {
            self.models.choose(state.model);
        }
        self.models.memory().restore(state.memory);
        *self.loaded_hash.lock() = state.model_hash;
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
        look(&SavedState {
            version: VERSION,
            model,
            model_hash,
            memory: self.models.memory().notes(),
        })
    }
}

/// Makes a saved state usable before the framework takes it over as it is: numbers come into their ranges,
/// choices that this version does not know are left out, and nothing that is saved sets off a panic.
///
/// Main thread. Allocates.
pub(crate) fn sanitise(state: &mut PluginState) {
    let params = SidemanParams::new(Saved::default());
    state.params.remove("panic");
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
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

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
            ["register-low I32(21)", "seed I32(65535)", "temperature F32(1.0)", "tempo F32(400.0)"];
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
        before.models.memory().restore(vec![note(3), note(9)]);
        let text = before.map(|state| serde_json::to_string(state).unwrap());
        after.set(serde_json::from_str(&text).unwrap());
        assert_eq!(after.models.memory().notes(), [note(3), note(9)]);
    }
}
