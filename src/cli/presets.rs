//! Presets by name or file, keeping one, and `sideman presets`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::link::settings::Settings;
use crate::preset::bank::{self, Bank, EXTENSION, Origin};
use crate::preset::file::{MAX_ABOUT, Preset, PresetError};
use crate::preset::folder;

/// The preset that was asked for by name or by file.
pub(crate) fn choose(wanted: &str) -> anyhow::Result<Preset> {
    let path = Path::new(wanted);
    let is_file = path.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION));
    let preset = if is_file {
        Preset::load(path)
    } else {
        Bank::open().find(wanted).map(|entry| entry.preset.clone())
    };
    match preset {
        Err(error @ PresetError::Unknown(_)) => Err(error.into()),
        other => other.with_context(|| format!("the preset '{wanted}' can't be used")),
    }
}

/// Keeps `settings` as a preset of the user's and says where.
pub(crate) fn keep(
    name: &str,
    based_on: Option<&Preset>,
    model: Option<String>,
    settings: &Settings,
) -> anyhow::Result<()> {
    let preset = Preset {
        name: name.trim().to_owned(),
        author: String::new(),
        about: String::new(),
        model,
        settings: *settings,
    };
    let about = about(&preset, based_on);
    let preset = Preset { about, ..preset };
    let kept = folder::presets()
        .ok_or(PresetError::NoFolder)
        .and_then(|folder| bank::keep(&preset, &folder))
        .with_context(|| format!("the preset '{name}' can't be kept"))?;
    println!("Kept as {}", kept.display());
    Ok(())
}

/// A sentence on what a kept preset does: what it is like and what is different.
fn about(preset: &Preset, based_on: Option<&Preset>) -> String {
    let base = based_on.map_or(Settings::default(), |base| base.settings);
    let differing: Vec<String> = preset
        .differences(&base)
        .into_iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let like = based_on.map_or("The plain settings", |base| &base.name);
    let sentence = match differing.as_slice() {
        [] => format!("{like}, unchanged."),
        _ => format!("{like}, with {}.", differing.join(", ")),
    };
    if sentence.chars().count() <= MAX_ABOUT {
        return sentence;
    }
    sentence.chars().take(MAX_ABOUT - 1).chain(['…']).collect::<String>()
}

/// A preset as `sideman presets --json` lists it.
#[derive(Serialize)]
struct Listed {
    id: String,
    name: String,
    author: String,
    about: String,
    mode: &'static str,
    model: Option<String>,
    origin: &'static str,
    /// The settings that differ from their defaults.
    settings: BTreeMap<&'static str, String>,
}

/// Lists the presets, and says of files that are none what is wrong with them.
pub(crate) fn list(json: bool) -> anyhow::Result<()> {
    let bank = Bank::open();
    for (path, problem) in &bank.problems {
        eprintln!("sideman: the preset '{}' can't be used: {problem}", path.display());
    }
    if json {
        let listed: Vec<Listed> = bank.entries.into_iter().map(describe).collect();
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    let wide = |text: &str| text.chars().count();
    let width = bank.entries.iter().map(|e| wide(&e.preset.name)).max().unwrap_or_default();
    for entry in &bank.entries {
        let Preset { name, about, settings, .. } = &entry.preset;
        println!("{name:width$}  {:9}  {about}", settings.mode.name());
    }
    if let Some(folder) = folder::presets() {
        println!("\nYours are in {}; --save-preset NAME keeps one there.", folder.display());
    }
    Ok(())
}

fn describe(entry: bank::Entry) -> Listed {
    let settings = entry.preset.differences(&Settings::default()).into_iter().collect();
    let Preset { name, author, about, model, settings: all } = entry.preset;
    let origin = match entry.origin {
        Origin::Factory => "factory",
        Origin::User(_) => "user",
    };
    Listed { id: entry.id, name, author, about, mode: all.mode.name(), model, origin, settings }
}
