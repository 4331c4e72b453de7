//! Whole files as they come: intro, tempo map and onsets as the file has them, beside what people played there.

use std::sync::Arc;

use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};

use super::stage::{Chosen, Take};
use super::table::{Table, maybe};
use super::{Findings, Subject};
use crate::data::parallel::in_parallel;
use crate::data::timed::TimedNote;
use crate::infer::net::Net;
use crate::link::settings::Settings;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Beats, Tick};
use crate::train::musicality::{FIGURES, Mean, Portrait, Stretch, Summary, portrait};

/// The figures that are shown, of those of [`FIGURES`].
const SHOWN: [&str; 7] = [
    "notes_per_beat",
    "shared_rhythm",
    "empty_bars",
    "mean_pitch",
    "in_key",
    "in_chord",
    "entry_bar",
];

/// Plays all of each piece, and measures from the bar in which the melody begins to that of its last note.
pub(super) fn measure(
    subject: &Subject<'_>,
    pieces: &[Chosen<'_>],
    (net, settings): (&Arc<dyn Net>, &Settings),
    findings: &mut Findings,
) -> Result<()> {
    let bar = ProgressBar::new(pieces.len() as u64).with_message("files");
    let played = in_parallel(pieces, subject.threads, |chosen| {
        let take = Take { end: chosen.end, ..Take::of(&chosen.whole, chosen.whole.melody.clone()) };
        let part = take.play(net, settings);
        bar.inc(1);
        part.map(|part| on_grid(&part, chosen.piece.bars.origin))
    });
    bar.finish_and_clear();
    let (mut people, mut model) = (Vec::new(), Vec::new());
    for (chosen, part) in pieces.iter().zip(played) {
        let part = part?;
        if let Some(stretch) = Stretch::of_melody(chosen.piece, usize::MAX) {
            people.push(portrait(chosen.piece, stretch, &chosen.piece.accompaniment));
            model.push(portrait(chosen.piece, stretch, &part));
        }
    }
    tell(subject, &[("people", people), ("model", model)], findings);
    Ok(())
}

fn tell(subject: &Subject<'_>, columns: &[(&str, Vec<Portrait>)], findings: &mut Findings) {
    let pieces = columns.first().map_or(0, |c| c.1.len());
    let title = format!(
        "Whole files as they come: {pieces} held-out pieces, seed {}{}{}; means over the pieces",
        subject.args.seed,
        subject.in_style(),
        subject.with_settings()
    );
    let mut table = Table::new(title, columns.iter().map(|c| c.0.to_owned()));
    let summaries: Vec<Summary> = columns.iter().map(|c| Summary::of(&c.1)).collect();
    let figure = |summary: &Summary, name: &str| {
        let index = FIGURES.iter().position(|f| *f == name);
        index.map_or(Mean::default(), |i| summary.figures[i])
    };
    for name in SHOWN {
        let cell = |s: &Summary| {
            let Mean { mean, error } = figure(s, name);
            format!("{} ±{}", maybe(mean), maybe(error))
        };
        table.row(name.replace('_', " "), summaries.iter().map(cell));
    }
    findings.tables.push(table);
    let column = |summary: &Summary| -> Value {
        let mean = |name: &&str| ((*name).to_owned(), json!(figure(summary, name).mean));
        let mut column: Map<String, Value> = FIGURES.iter().map(mean).collect();
        let error = |name: &&str| ((*name).to_owned(), json!(figure(summary, name).error));
        let errors: Map<String, Value> = FIGURES.iter().map(error).collect();
        column.insert("standard_error".to_owned(), errors.into());
        column.into()
    };
    let mut json: Map<String, Value> = columns
        .iter()
        .zip(&summaries)
        .map(|((name, _), summary)| ((*name).to_owned(), column(summary)))
        .collect();
    json.insert("pieces".to_owned(), pieces.into());
    json.insert("seed".to_owned(), subject.args.seed.into());
    json.insert("settings".to_owned(), json!(subject.args.sets));
    findings.json.insert("files".to_owned(), json.into());
}

/// Notes that are counted like those of a piece on the grid.
fn on_grid(part: &[TimedNote], origin: Tick) -> Vec<Note> {
    let tick = |beats: f64| Tick::nearest(Beats(beats)).plus(origin.0);
    let note = |n: &TimedNote| {
        let onset = tick(n.from);
        Note {
            onset,
            pitch: Pitch::new(n.key),
            voice: Voice::Machine,
            velocity: n.velocity,
            duration: tick(n.to).since(onset).max(1),
        }
    };
    let mut notes: Vec<Note> = part.iter().map(note).collect();
    into_order(&mut notes);
    notes
}
