//! Models by name or place, and `sideman models`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Serialize;

use crate::infer::builtin;
use crate::infer::model_slot::ModelChoice;
use crate::infer::net::playable;
use crate::model::Checkpoint;
use crate::model::checkpoint::{Manifest, Source};
use crate::preset::{file, folder};

/// The most model folders that are listed.
const MAX_LISTED: usize = 1_000;

/// The model of this name, or in this folder where there is one; known to be playable.
pub(crate) fn choose(wanted: &Path) -> anyhow::Result<ModelChoice> {
    let (choice, checkpoint) = if wanted.exists() {
        (ModelChoice::Folder(wanted.to_owned()), Checkpoint::load(wanted))
    } else {
        match wanted.to_str() {
            Some(name) if file::is_folder_name(name) => return named(name),
            _ => bail!("there is no model folder '{}'", wanted.display()),
        }
    };
    check(checkpoint).with_context(|| format!("the model '{}' can't be used", wanted.display()))?;
    Ok(choice)
}

/// The model of this name: the one that Sideman carries, or one in the folder of models.
pub(crate) fn named(name: &str) -> anyhow::Result<ModelChoice> {
    let (choice, checkpoint) = if name == builtin::NAME {
        (ModelChoice::Builtin, builtin::checkpoint())
    } else {
        let path = folder::models().map(|models| models.join(name)).filter(|path| path.exists());
        let Some(path) = path else {
            bail!("there is no model '{name}': `sideman models` lists them, --model takes another");
        };
        let checkpoint = Checkpoint::load(&path);
        (ModelChoice::Folder(path), checkpoint)
    };
    check(checkpoint).with_context(|| format!("the model '{name}' can't be used"))?;
    Ok(choice)
}

/// The names of a model's styles, and the number of its own.
pub(crate) fn styles(choice: &ModelChoice) -> anyhow::Result<(Vec<String>, usize)> {
    let manifest = manifest(choice)?;
    Ok((manifest.styles, manifest.home_style))
}

fn manifest(choice: &ModelChoice) -> anyhow::Result<Manifest> {
    Ok(match choice {
        ModelChoice::Builtin => builtin::checkpoint()?.manifest,
        ModelChoice::Folder(path) => Checkpoint::load(path)?.manifest,
    })
}

/// The number of a model's style, which is counted from 1.
pub(crate) fn style(choice: &ModelChoice, name: &str) -> anyhow::Result<u8> {
    let manifest = manifest(choice)?;
    let number = manifest.style(name).map_err(|why| anyhow!("style can't be '{name}': {why}"))?;
    Ok(u8::try_from(number)?)
}

fn check(checkpoint: Result<Checkpoint, crate::model::ModelError>) -> anyhow::Result<()> {
    playable(&checkpoint?)?;
    Ok(())
}

/// A model as `sideman models` lists it.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// Its folder; none for the one that Sideman carries.
    folder: Option<PathBuf>,
    recipe: String,
    parameters: usize,
    steps: u64,
    pieces: usize,
    notes: usize,
    nats_per_note: Option<f64>,
    /// The first is number 1.
    styles: Vec<String>,
    /// The number of the one that it plays in unless told another; 0 is none.
    home_style: usize,
    sources: Vec<Source>,
    hash: String,
}

/// Lists the models, and says of folders that hold none what is wrong with them.
pub(crate) fn list(json: bool) -> anyhow::Result<()> {
    let home = folder::models();
    let mut models = vec![describe(builtin::NAME, None, &builtin::checkpoint()?)];
    for path in folders(home.as_deref()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Checkpoint::load(&path) {
            Ok(checkpoint) => models.push(describe(&name, Some(path), &checkpoint)),
            Err(error) => {
                eprintln!("sideman: the model '{}' can't be used: {error}", path.display());
            }
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&models)?);
        return Ok(());
    }
    for model in models {
        print(&model);
    }
    if let Some(home) = home {
        println!("\nModel folders in {} are found by name.", home.display());
    }
    Ok(())
}

fn folders(home: Option<&Path>) -> Vec<PathBuf> {
    let entries = home.and_then(|home| fs::read_dir(home).ok()).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).take(MAX_LISTED).collect();
    folders.sort();
    folders
}

fn describe(name: &str, folder: Option<PathBuf>, checkpoint: &Checkpoint) -> Listed {
    let manifest = &checkpoint.manifest;
    Listed {
        name: name.to_owned(),
        folder,
        recipe: manifest.recipe.clone(),
        parameters: manifest.config.parameters(),
        steps: manifest.steps,
        pieces: manifest.corpus.train_pieces,
        notes: manifest.corpus.train_notes,
        nats_per_note: manifest.metrics.get("nats_per_note").copied(),
        styles: manifest.styles.clone(),
        home_style: manifest.home_style,
        sources: manifest.corpus.sources.clone(),
        hash: checkpoint.hash(),
    }
}

fn print(model: &Listed) {
    let trained = match (model.steps, model.nats_per_note) {
        (0, _) => "untrained".to_owned(),
        (steps, None) => format!("{steps} steps on {} pieces", model.pieces),
        (steps, Some(nats)) => {
            format!("{steps} steps on {} pieces, {nats:.3} nats a note", model.pieces)
        }
    };
    println!(
        "{} ({}): {} parameters, {trained}, {}",
        model.name,
        model.recipe,
        model.parameters,
        model.hash.get(..8).unwrap_or_default()
    );
    if !model.styles.is_empty() {
        let own = |n: usize| if n == model.home_style { " (its own)" } else { "" };
        let styles = (1..).zip(&model.styles).map(|(n, name)| format!("{n} {name}{}", own(n)));
        println!("    styles: {}", styles.collect::<Vec<_>>().join(", "));
    }
    for source in &model.sources {
        println!("    learnt from {} ({}) {}", source.name, source.licence, source.url);
    }
}
