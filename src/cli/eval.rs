//! `sideman-train eval`: the figures by which models are judged.

mod args;
mod music;
mod ngram_net;
mod playing;
mod table;

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

pub use args::EvalArgs;

use crate::cli::eval::args::Section;
use crate::cli::eval::table::{Table, number, percent};
use crate::data::corpus::Corpus;
use crate::data::roles::Piece;
use crate::data::split::Split;
use crate::data::stream::Reading;
use crate::model::Checkpoint;
use crate::train::metric::{self, ATTRIBUTES, Metrics, PARTS};
use crate::train::ngram;

/// The longest strings of the n-grams that foretell.
const LONGEST: usize = 5;

/// What is measured, and on what.
struct Subject<'a> {
    args: &'a EvalArgs,
    checkpoint: &'a Checkpoint,
    /// What the model was trained on; empty with `--all`.
    train: Vec<Piece>,
    held_out: Vec<Piece>,
    threads: usize,
}

/// What was measured: for programs by key, and for people.
#[derive(Default)]
struct Findings {
    json: Map<String, Value>,
    tables: Vec<Table>,
}

/// Measures and prints.
pub(super) fn eval(args: &EvalArgs, corpus: Corpus, threads: usize) -> Result<()> {
    let checkpoint = Checkpoint::load(&args.model).context("--model")?;
    let (train, held_out) = if args.all {
        (Vec::new(), corpus.pieces)
    } else {
        let split = Split::new(corpus.pieces, args.valid_share, checkpoint.manifest.seed);
        (split.train, split.valid)
    };
    let subject = Subject { args, checkpoint: &checkpoint, train, held_out, threads };
    let wanted = |section| args.only.is_empty() || args.only.contains(&section);
    let mut findings = Findings::default();
    findings.json.insert("model".to_owned(), checkpoint.hash().into());
    findings.json.insert("pieces".to_owned(), subject.held_out.len().into());
    if wanted(Section::Nats) {
        nats(&subject, &mut findings)?;
    }
    if wanted(Section::Music) {
        music::measure(&subject, &mut findings)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings.json)?);
    } else {
        for table in &findings.tables {
            println!("{table}");
        }
    }
    Ok(())
}

/// How well held-out pieces are foretold, by the model and by n-grams.
fn nats(subject: &Subject<'_>, findings: &mut Findings) -> Result<()> {
    let held_out = metric::readings(&subject.held_out);
    let scores = metric::scores(&subject.checkpoint.parameters, &held_out, subject.threads)?;
    let metrics = scores.metrics(&held_out);
    let ngrams = ngrams(subject, &held_out);
    if let Value::Object(json) = serde_json::to_value(&metrics)? {
        findings.json.extend(json);
    }
    let order = |i: usize| (i + 1).to_string();
    let of_note: Map<String, Value> =
        ngrams.iter().enumerate().map(|(i, m)| (order(i), m.nats_per_note.into())).collect();
    findings.json.insert("ngram_nats_per_note".to_owned(), of_note.into());
    let all = ngrams.iter().enumerate().map(|(i, m)| Ok((order(i), serde_json::to_value(m)?)));
    findings.json.insert("ngrams".to_owned(), all.collect::<Result<Map<_, _>>>()?.into());
    findings.tables.push(nats_table(subject.held_out.len(), &metrics, &ngrams));
    Ok(())
}

fn ngrams(subject: &Subject<'_>, held_out: &[Arc<Reading>]) -> Vec<Metrics> {
    let train = metric::readings(&subject.train);
    let scores = ngram::compare(&train, held_out, LONGEST, subject.threads);
    scores.iter().map(|s| s.metrics(held_out)).collect()
}

fn nats_table(pieces: usize, metrics: &Metrics, ngrams: &[Metrics]) -> Table {
    let title = format!(
        "Foretelling: {pieces} held-out pieces in both roles, {} tokens, {} notes",
        metrics.tokens, metrics.notes
    );
    let names = (1..=ngrams.len()).map(|order| format!("{order}-gram"));
    let mut table = Table::new(title, std::iter::once("model".to_owned()).chain(names));
    let columns: Vec<&Metrics> = std::iter::once(metrics).chain(ngrams).collect();
    let mut row = |name: String, of: &dyn Fn(&Metrics) -> String| {
        table.row(name, columns.iter().map(|m| of(m)));
    };
    row("nats a note".to_owned(), &|m| number(m.nats_per_note));
    for (part, _) in PARTS {
        row(format!("of these {part}"), &|m| number(m.per_note[part]));
    }
    row("nats a token".to_owned(), &|m| number(m.nats_per_token));
    row("perplexity".to_owned(), &|m| number(m.perplexity));
    for name in ATTRIBUTES {
        row(format!("nats, {}", name.replace('_', " ")), &|m| number(m.by_attribute[name]));
    }
    for name in ATTRIBUTES {
        row(format!("likeliest / of five, {}", name.replace('_', " ")), &|m| {
            format!("{} / {}", percent(m.top_1[name]), percent(m.top_5[name]))
        });
    }
    table
}

/// A number, or what stands where there is none.
fn optional(x: Option<f64>) -> Value {
    json!(x)
}
