//! What the model foretells of held-out pieces: beside n-grams, by the minute, and after hearing only the last tokens.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Map, Value};

use super::args::Section;
use super::table::{Table, number, percent};
use super::{Findings, Subject};
use crate::data::stream::Reading;
use crate::train::chart::{Curve, svg};
use crate::train::metric::{self, ATTRIBUTES, Metrics, PARTS, Scores};
use crate::train::ngram;
use crate::train::reach::{self, DEPTHS, Primed, Reach};

/// The longest strings of the n-grams.
const LONGEST: usize = 5;

/// What needs the model's word on each token of the held-out pieces.
pub(super) fn measure(
    subject: &Subject<'_>,
    wanted: &dyn Fn(&[Section]) -> bool,
    findings: &mut Findings,
) -> Result<()> {
    let held_out = metric::readings_in(&subject.held_out, subject.style);
    let parameters = &subject.checkpoint.parameters;
    let scores = metric::scores(parameters, &held_out, subject.threads)?;
    if wanted(&[Section::Nats]) {
        nats(subject, &held_out, &scores, findings)?;
    }
    if wanted(&[Section::Minutes]) {
        minutes(&held_out, &scores, findings)?;
    }
    if wanted(&[Section::Memory]) {
        let reach = reach::measure(parameters, &held_out, &scores, &DEPTHS, subject.threads)?;
        memory(reach.as_ref(), findings)?;
    }
    Ok(())
}

fn minutes(held_out: &[Arc<Reading>], scores: &Scores, findings: &mut Findings) -> Result<()> {
    let minutes = reach::by_minute(held_out, scores);
    let title =
        "Streaming: nats a note by the minute of the piece, at 120 beats a minute".to_owned();
    let names = ["nats a note", "notes", "readings"].map(ToOwned::to_owned);
    let mut table = Table::new(title, names);
    for (i, m) in minutes.iter().enumerate() {
        let cells = [number(m.nats_per_note), m.notes.to_string(), m.readings.to_string()];
        table.row((i + 1).to_string(), cells);
    }
    findings.tables.push(table);
    findings.json.insert("by_minute".to_owned(), serde_json::to_value(&minutes)?);
    let points = (1..).zip(&minutes).map(|(i, m)| (f64::from(i), m.nats_per_note)).collect();
    let curve = Curve { name: "streamed".to_owned(), points };
    let picture = svg("Nats a note", "minute of the piece, at 120 beats a minute", &[curve]);
    findings.plots.push(("by_minute", picture));
    Ok(())
}

fn memory(reach: Option<&Reach>, findings: &mut Findings) -> Result<()> {
    findings.json.insert("memory".to_owned(), serde_json::to_value(reach)?);
    let Some(reach) = reach else { return Ok(()) };
    let title = format!(
        "Memory: nats a note in {} stretches of which only the last tokens before were heard",
        reach.stretches
    );
    let names = ["bars", "nats a note", "over streaming"].map(ToOwned::to_owned);
    let mut table = Table::new(title, names);
    for p in &reach.primed {
        let over = percent(p.nats_per_note / reach.streamed - 1.0);
        table.row(format!("{} tokens", p.tokens), [number(p.bars), number(p.nats_per_note), over]);
    }
    table.row("all".to_owned(), ["-".to_owned(), number(reach.streamed), percent(0.0)]);
    findings.tables.push(table);
    let curve = |name: &str, of: &dyn Fn(&Primed) -> f64| {
        let points = reach.primed.iter().map(|p| (p.bars, of(p))).collect();
        Curve { name: name.to_owned(), points }
    };
    let curves =
        [curve("the last bars", &|p| p.nats_per_note), curve("all of them", &|_| reach.streamed)];
    findings.plots.push(("memory", svg("Nats a note", "bars that were heard", &curves)));
    Ok(())
}

/// How well held-out pieces are foretold, by the model and by n-grams.
fn nats(
    subject: &Subject<'_>,
    held_out: &[Arc<Reading>],
    scores: &Scores,
    findings: &mut Findings,
) -> Result<()> {
    let metrics = scores.metrics(held_out);
    let ngrams = ngrams(subject, held_out);
    if let Value::Object(json) = serde_json::to_value(&metrics)? {
        findings.json.extend(json);
    }
    let order = |i: usize| (i + 1).to_string();
    let of_note: Map<String, Value> =
        ngrams.iter().enumerate().map(|(i, m)| (order(i), m.nats_per_note.into())).collect();
    findings.json.insert("ngram_nats_per_note".to_owned(), of_note.into());
    let all = ngrams.iter().enumerate().map(|(i, m)| Ok((order(i), serde_json::to_value(m)?)));
    findings.json.insert("ngrams".to_owned(), all.collect::<Result<Map<_, _>>>()?.into());
    findings.tables.push(nats_table(subject, &metrics, &ngrams));
    Ok(())
}

fn ngrams(subject: &Subject<'_>, held_out: &[Arc<Reading>]) -> Vec<Metrics> {
    let train = metric::readings(&subject.train);
    let scores = ngram::compare(&train, held_out, LONGEST, subject.threads);
    scores.iter().map(|s| s.metrics(held_out)).collect()
}

fn nats_table(subject: &Subject<'_>, metrics: &Metrics, ngrams: &[Metrics]) -> Table {
    let title = format!(
        "Foretelling: {} held-out pieces in both roles{}, {} tokens, {} notes",
        subject.held_out.len(),
        subject.in_style(),
        metrics.tokens,
        metrics.notes
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
