//! Saved states of older versions, brought up to the present one step at a time; and of newer ones, as far as
//! they are known here.

use std::collections::BTreeSet;

use nice_plug::plugin::{ParamValue, PluginState};
use serde_json::{Map, Value};

/// The version that is saved.
///
/// 1: the parameters, model, content hash, what was last played. 2: the preset's name beside them, and the
/// device among the parameters. 3: what was picked up from the player, and how far it counts. 4: whether the style that
/// is heard is followed. 5: whether the player's energy is.
pub(crate) const VERSION: u32 = 5;

/// Where our own part is in a saved state.
pub(crate) const FIELD: &str = "sideman";

/// What leads from each version to the next: the first from 1 to 2. Steps that are here stay as they are.
const STEPS: [Step; VERSION as usize - 1] = [from_1, from_2, from_3, from_4];

/// Changes the parameters and our own part of a state.
type Step = fn(&mut PluginState, &mut Map<String, Value>);

/// Makes a state of any version one of today. What this version does not know is taken out and named in the
/// field `strange`, for whoever loads the state to tell of.
///
/// Main thread. Allocates.
pub(crate) fn migrate(state: &mut PluginState, known: &BTreeSet<String>) {
    let field = state.fields.get(FIELD).and_then(|text| serde_json::from_str(text).ok());
    let Some(Value::Object(mut saved)) = field else { return };
    // A state that does not tell its version is of the first that there was.
    let version = saved.get("version").and_then(Value::as_u64).unwrap_or(1).max(1);
    for step in STEPS.get(usize::try_from(version - 1).unwrap_or(usize::MAX)..).unwrap_or_default()
    {
        step(state, &mut saved);
    }
    let strange: Vec<String> =
        state.params.keys().filter(|id| !known.contains(*id)).cloned().collect();
    state.params.retain(|id, _| known.contains(id));
    saved.insert("version".to_owned(), version.into());
    saved.insert("strange".to_owned(), strange.into());
    if let Ok(text) = serde_json::to_string(&saved) {
        state.fields.insert(FIELD.to_owned(), text);
    }
}

/// Version 1 chose its device by itself.
fn from_1(state: &mut PluginState, saved: &mut Map<String, Value>) {
    let auto = || ParamValue::String("auto".to_owned());
    state.params.entry("device".to_owned()).or_insert_with(auto);
    saved.entry("preset").or_insert_with(|| Value::String(String::new()));
}

/// Version 2 knew no styles and did not learn, and may be from before a tempo was followed. What a song does not tell
/// would stay as the instance has it.
fn from_2(state: &mut PluginState, _: &mut Map<String, Value>) {
    state.params.entry("learning".to_owned()).or_insert(ParamValue::F32(0.0));
    state.params.entry("style".to_owned()).or_insert(ParamValue::I32(0));
    state.params.entry("follow-tempo".to_owned()).or_insert(ParamValue::Bool(false));
}

/// Version 4 was not carried along by the player's energy.
fn from_4(state: &mut PluginState, _: &mut Map<String, Value>) {
    state.params.entry("follow-energy".to_owned()).or_insert(ParamValue::F32(0.0));
}

/// Version 3 did not listen for the style.
fn from_3(state: &mut PluginState, _: &mut Map<String, Value>) {
    state.params.entry("follow-style".to_owned()).or_insert(ParamValue::Bool(false));
}
