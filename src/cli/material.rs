//! `--data` and `--weight`: the sets of pieces of a run, read with a bar that shows how far it is.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use directories::ProjectDirs;
use indicatif::{ProgressBar, ProgressStyle};

use crate::data::corpus::{Corpus, Reading};
use crate::data::split::Split;
use crate::model::checkpoint::{MAX_STYLE_NAME, is_style_name};
use crate::train::config::SetConfig;
use crate::train::{Material, TrainConfig};

/// Names another folder for pieces that were read, in place of the one that the system has for such.
const CACHE_VARIABLE: &str = "SIDEMAN_CACHE";

/// Files that were skipped and are named.
const SHOWN: usize = 5;

/// One `--data`.
pub(crate) struct Data {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// The name was typed.
    pub(crate) named: bool,
}

/// Reads every `--data`: `DIR`, which is named after its folder, or `NAME=DIR`.
pub(crate) fn parse(typed: &[String]) -> Result<Vec<Data>> {
    let mut sets: Vec<Data> = Vec::with_capacity(typed.len());
    for text in typed {
        let parted = text.split_once('=').filter(|(name, _)| is_style_name(name));
        let data = if let Some((name, folder)) = parted.filter(|_| !Path::new(text).exists()) {
            Data { name: name.to_owned(), folder: PathBuf::from(folder), named: true }
        } else {
            let folder = PathBuf::from(text);
            Data { name: name_of(&folder), folder, named: false }
        };
        if sets.iter().any(|s| s.name == data.name) {
            bail!("--data: two sets are named '{}'; give them names: --data NAME=DIR", data.name);
        }
        sets.push(data);
    }
    Ok(sets)
}

/// The name of a folder as a style may be called.
pub(crate) fn name_of(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let name = whole.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(fits).take(MAX_STYLE_NAME).collect();
    if is_style_name(&name) { name } else { "set".to_owned() }
}

/// The sets as the run's settings have them, with the weights typed as `NAME=WEIGHT`.
pub(crate) fn sets(data: &[Data], weights: &[String]) -> Result<Vec<SetConfig>> {
    let mut sets: Vec<SetConfig> =
        data.iter().map(|d| SetConfig { name: d.name.clone(), weight: None }).collect();
    for text in weights {
        let (name, weight) = text
            .split_once('=')
            .with_context(|| format!("--weight '{text}': write NAME=WEIGHT, like pop=0.5"))?;
        let weight = weight.parse().with_context(|| format!("--weight '{text}'"))?;
        let names: Vec<&str> = data.iter().map(|d| d.name.as_str()).collect();
        let Some(set) = sets.iter_mut().find(|s| s.name == name) else {
            bail!("--weight '{text}': the sets of --data are {}", names.join(", "));
        };
        set.weight = Some(weight);
    }
    let given = sets.iter().filter(|s| s.weight.is_some()).count();
    if given > 0 && given < sets.len() {
        bail!("--weight: give every set of --data one, or none");
    }
    Ok(sets)
}

/// The styles of a run: those of the model that it begins with, and the sets' names behind them. There are none
/// where a single set is learnt that nobody named.
pub(crate) fn styles(base: &[String], data: &[Data]) -> Vec<String> {
    let mut styles = base.to_vec();
    if !base.is_empty() || data.len() > 1 || data.iter().any(|d| d.named) {
        for data in data.iter().filter(|d| !base.contains(&d.name)) {
            styles.push(data.name.clone());
        }
    }
    styles
}

/// Reads and splits all sets.
pub(crate) fn load(data: &[Data], config: &TrainConfig, threads: usize) -> Result<Vec<Material>> {
    let set = |data: &Data| {
        let corpus = read(&data.folder, threads)?;
        let weight = config.sets.iter().find(|s| s.name == data.name).and_then(|s| s.weight);
        let split = Split::new(corpus.pieces, config.valid_share, config.seed)?;
        Ok(Material { name: data.name.clone(), style: config.style(&data.name), weight, split })
    };
    data.iter().map(set).collect()
}

/// Reads the pieces of a folder, shows how far it is, and names files that are no pieces.
pub(crate) fn read(folder: &Path, threads: usize) -> Result<Corpus> {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files, {per_sec}") {
        bar.set_style(style);
    }
    let keep = keep(folder);
    let tell = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let corpus = Corpus::read(folder, Reading { threads, keep: keep.as_deref(), tell: &tell });
    bar.finish_and_clear();
    let corpus = corpus.context("--data")?;
    for (path, reason) in corpus.skipped.iter().take(SHOWN) {
        eprintln!("skipped {}: {reason}", path.display());
    }
    if corpus.skipped.len() > SHOWN {
        eprintln!("skipped {} more files", corpus.skipped.len() - SHOWN);
    }
    Ok(corpus)
}

/// Where the pieces of a folder are kept for the next run; none where the system has no such place.
fn keep(folder: &Path) -> Option<PathBuf> {
    let all = match std::env::var_os(CACHE_VARIABLE) {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => ProjectDirs::from("", "", "sideman")?.cache_dir().join("corpora"),
    };
    let whole = folder.canonicalize().ok()?;
    let hash = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    Some(all.join(&hash[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(typed: &[&str]) -> Vec<(String, bool)> {
        let typed: Vec<String> = typed.iter().map(|t| (*t).to_owned()).collect();
        parse(&typed).unwrap().into_iter().map(|d| (d.name, d.named)).collect()
    }

    #[test]
    fn sets_are_named_by_hand_or_after_their_folder() {
        let named = |name: &str, by_hand| (name.to_owned(), by_hand);
        assert_eq!(names(&["jazz=a/b", "c/pop 9"]), [named("jazz", true), named("pop-9", false)]);
        assert_eq!(names(&["a b=c/d"]), [named("d", false)], "not a name but a folder");
        assert!(parse(&["a/x".to_owned(), "b/x".to_owned()]).is_err());
    }

    #[test]
    fn every_set_has_a_weight_or_none_has() {
        let data = parse(&["a=x".to_owned(), "b=y".to_owned()]).unwrap();
        let weights = |typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(|t| (*t).to_owned()).collect();
            sets(&data, &typed).map(|s| s.into_iter().map(|s| s.weight).collect::<Vec<_>>())
        };
        assert_eq!(weights(&["b=2", "a=0.5"]).unwrap(), [Some(0.5), Some(2.0)]);
        assert_eq!(weights(&[]).unwrap(), [None, None]);
        for wrong in [&["a"][..], &["a=1"], &["a=1", "c=1"], &["a=1", "b=x"]] {
            assert!(weights(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn new_styles_stand_behind_those_of_the_model() {
        let typed =
            |t: &[&str]| parse(&t.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).unwrap();
        let base = ["pop".to_owned(), "jazz".to_owned()];
        assert!(styles(&[], &typed(&["dir/mine"])).is_empty(), "one set needs no style");
        assert_eq!(styles(&[], &typed(&["mine=dir"])), ["mine"]);
        assert_eq!(styles(&[], &typed(&["d/a", "d/b"])), ["a", "b"]);
        assert_eq!(styles(&base, &typed(&["d/mine", "d/jazz"])), ["pop", "jazz", "mine"]);
    }
}
