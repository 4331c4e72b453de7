//! `sideman-train eval`: the figures by which models are judged.

mod args;
mod copies;
mod files;
mod foretelling;
mod harmony;
mod music;
mod ngram_net;
mod playing;
mod situations;
mod stage;
mod table;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value};

pub use args::EvalArgs;

use crate::cli::eval::args::Section;
use crate::cli::eval::table::Table;
use crate::cli::material;
use crate::data::corpus::Corpus;
use crate::data::roles::Piece;
use crate::data::shelf;
use crate::data::split::Split;
use crate::infer::net;
use crate::model::{Checkpoint, Manifest};

/// What is measured, and on what.
struct Subject<'a> {
    args: &'a EvalArgs,
    checkpoint: &'a Checkpoint,
    /// What the model was trained on; empty with `--all`.
    train: Vec<Piece>,
    held_out: Vec<Piece>,
    threads: usize,
    /// The style that pieces are told in, counted from 1; 0 is none.
    style: usize,
}

impl Subject<'_> {
    /// What the style is called.
    fn style_name(&self) -> Option<&str> {
        self.checkpoint.manifest.styles.get(self.style.checked_sub(1)?).map(String::as_str)
    }

    /// The same for a title.
    fn in_style(&self) -> String {
        self.style_name().map_or_else(String::new, |name| format!(", in the style {name}"))
    }

    /// What was set, for a title.
    fn with_settings(&self) -> String {
        self.args.sets.iter().fold(String::new(), |title, set| title + ", " + set)
    }
}

/// What was measured: for programs by key, and for people.
#[derive(Default)]
struct Findings {
    json: Map<String, Value>,
    tables: Vec<Table>,
    /// Pictures in SVG, by the names of their files.
    plots: Vec<(&'static str, String)>,
}

/// Measures and prints.
pub(super) fn eval(args: &EvalArgs, corpus: Corpus, threads: usize) -> Result<()> {
    let checkpoint = Checkpoint::load(&args.model).context("--model")?;
    let files = corpus.files;
    let (train, held_out) = if args.from.all {
        (Vec::new(), shelf::take(&corpus.pieces)?)
    } else {
        let split = Split::new(corpus.pieces, args.from.valid_share, checkpoint.manifest.seed)?;
        (shelf::take(&split.train)?, shelf::take(&split.valid)?)
    };
    let style = style(args, &checkpoint.manifest)?;
    let subject = Subject { args, checkpoint: &checkpoint, train, held_out, threads, style };
    let wanted = |sections: &[Section]| {
        args.only.is_empty() || args.only.iter().any(|only| sections.contains(only))
    };
    let mut findings = Findings::default();
    findings.json.insert("model".to_owned(), checkpoint.hash().into());
    findings.json.insert("pieces".to_owned(), subject.held_out.len().into());
    findings.json.insert("style".to_owned(), subject.style_name().into());
    if wanted(&[Section::Nats, Section::Minutes, Section::Memory]) {
        foretelling::measure(&subject, &wanted, &mut findings)?;
    }
    walk(&subject, &files, &wanted, &mut findings)?;
    if wanted(&[Section::Idealised, Section::Copying]) {
        let columns = music::play(&subject)?;
        if wanted(&[Section::Idealised]) {
            music::measure(&subject, &columns, &mut findings);
        }
        if wanted(&[Section::Copying]) && !subject.train.is_empty() {
            copies::measure(&subject, &columns, &mut findings);
        }
    }
    print(args, &findings)
}

/// What is played by the path of `sideman play`.
fn walk(
    subject: &Subject<'_>,
    files: &HashMap<[u8; 32], PathBuf>,
    wanted: &dyn Fn(&[Section]) -> bool,
    findings: &mut Findings,
) -> Result<()> {
    if !wanted(&[Section::Situations, Section::Harmony, Section::Files]) {
        return Ok(());
    }
    let settings = music::settings(subject)?;
    let pieces = stage::chosen(subject, files)?;
    let names = pieces.iter().map(|p| p.piece.name.as_str());
    findings.json.insert("played".to_owned(), names.collect());
    let net = net::playable(subject.checkpoint)?;
    let engine = (&net, &settings);
    if wanted(&[Section::Situations]) {
        situations::measure(subject, &pieces, engine, findings)?;
    }
    if wanted(&[Section::Harmony]) {
        harmony::measure(subject, &pieces, engine, findings)?;
    }
    if wanted(&[Section::Files]) {
        files::measure(subject, &pieces, engine, findings)?;
    }
    Ok(())
}

/// The style that was asked for, or that the pieces are in by their folder's name, or the model's own.
fn style(args: &EvalArgs, manifest: &Manifest) -> Result<usize> {
    match args.style.as_deref() {
        None => {
            let folder = material::name_of(&args.from.data);
            Ok(manifest.style(&folder).unwrap_or(manifest.home_style))
        }
        Some(name) if name.eq_ignore_ascii_case("none") => Ok(0),
        Some(name) => manifest.style(name).map_err(|why| anyhow!("--style {name}: {why}")),
    }
}

fn print(args: &EvalArgs, findings: &Findings) -> Result<()> {
    if let Some(folder) = &args.plots {
        fs::create_dir_all(folder).with_context(|| format!("--plots {}", folder.display()))?;
        for (name, plot) in &findings.plots {
            let path = folder.join(format!("{name}.svg"));
            fs::write(&path, plot).with_context(|| path.display().to_string())?;
        }
    }
    if args.from.json {
        println!("{}", serde_json::to_string_pretty(&findings.json)?);
    } else {
        for table in &findings.tables {
            println!("{table}");
        }
    }
    Ok(())
}
