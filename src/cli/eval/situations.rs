//! Whether the machine still accompanies when the player behaves as players do.

use std::sync::Arc;

use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::stage::{Chosen, Take};
use super::table::{Table, maybe};
use super::{Findings, Subject};
use crate::data::parallel::in_parallel;
use crate::infer::net::Net;
use crate::link::settings::Settings;
use crate::train::chart::{Bar, bars};
use crate::train::musicality::Mean;
use crate::train::presence::{Presence, key_of, presence};
use crate::train::situation::{PLAIN, Situation, situations};

/// Bends alike in all runs: the seed of the machine is another matter.
const BEND: u64 = 1;

/// A piece with less than this share of the plain situation's notes is nearly silent.
const NEARLY_SILENT: f64 = 1.0 / 3.0;

/// A situation over all pieces that have it: what each measures, beside the same piece's plain situation.
struct Row {
    name: &'static str,
    pieces: Vec<(Presence, Presence)>,
}

impl Row {
    fn mean(&self, of: impl Fn(&Presence) -> Option<f64>) -> Mean {
        Mean::of(self.pieces.iter().map(|p| of(&p.0)))
    }

    /// Notes a beat against the same pieces' plain ones.
    fn ratio(&self) -> Option<f64> {
        let sum =
            |of: &dyn Fn(&(Presence, Presence)) -> f64| self.pieces.iter().map(of).sum::<f64>();
        let plain = sum(&|p| p.1.per_beat);
        (plain > 0.0).then(|| sum(&|p| p.0.per_beat) / plain)
    }

    fn nearly_silent(&self) -> usize {
        let is_silent = |p: &&(Presence, Presence)| p.0.per_beat < NEARLY_SILENT * p.1.per_beat;
        self.pieces.iter().filter(is_silent).count()
    }

    fn json(&self) -> Value {
        let per_beat = self.mean(|p| Some(p.per_beat));
        let empty = self.mean(|p| Some(p.empty_bars));
        json!({
            "situation": self.name,
            "pieces": self.pieces.len(),
            "notes_per_beat": per_beat.mean,
            "ratio_to_plain": self.ratio(),
            "empty_bars": empty.mean,
            "entry_bars": self.mean(|p| Some(p.entry)).mean,
            "in_chord": self.mean(|p| p.in_chord).mean,
            "in_key": self.mean(|p| p.in_key).mean,
            "nearly_silent": self.nearly_silent(),
            "standard_error": { "notes_per_beat": per_beat.error, "empty_bars": empty.error },
        })
    }
}

/// Plays all situations of the pieces and measures.
pub(super) fn measure(
    subject: &Subject<'_>,
    pieces: &[Chosen<'_>],
    (net, settings): (&Arc<dyn Net>, &Settings),
    findings: &mut Findings,
) -> Result<()> {
    let bent: Vec<Vec<Situation>> = pieces.iter().map(|p| situations(&p.cut, BEND)).collect();
    let jobs: Vec<(&Chosen<'_>, &Situation)> =
        pieces.iter().zip(&bent).flat_map(|(p, all)| all.iter().map(move |s| (p, s))).collect();
    let bar = ProgressBar::new(jobs.len() as u64).with_message("situations");
    let measured = in_parallel(&jobs, subject.threads, |(chosen, situation)| {
        let found = measured(chosen, situation, net, settings);
        bar.inc(1);
        found
    });
    bar.finish_and_clear();
    let measured: Vec<Presence> = measured.into_iter().collect::<Result<_>>()?;
    let mut rows: Vec<Row> = Vec::new();
    let mut plain = Presence::default();
    for ((_, situation), found) in jobs.iter().zip(measured) {
        if situation.name == PLAIN {
            plain = found;
        }
        match rows.iter_mut().find(|row| row.name == situation.name) {
            Some(row) => row.pieces.push((found, plain)),
            None => rows.push(Row { name: situation.name, pieces: vec![(found, plain)] }),
        }
    }
    tell(subject, pieces.len(), &rows, findings);
    Ok(())
}

fn measured(
    chosen: &Chosen<'_>,
    situation: &Situation,
    net: &Arc<dyn Net>,
    settings: &Settings,
) -> Result<Presence> {
    let piece = &chosen.cut;
    let part = Take::in_situation(piece, situation).play(net, settings)?;
    let span = (situation.begin, situation.end());
    let key = key_of(&chosen.whole.accompaniment);
    let chord = |at: f64| situation.chord(piece, at);
    Ok(presence(&part, span, situation.bar(piece), key, &chord))
}

fn tell(subject: &Subject<'_>, pieces: usize, rows: &[Row], findings: &mut Findings) {
    let args = subject.args;
    let title = format!(
        "Situations: {pieces} held-out melodies, up to {} bars of each, through the path of `sideman play`, seed {}{}{}",
        args.bars,
        args.seed,
        subject.in_style(),
        subject.with_settings()
    );
    let names = [
        "notes/beat",
        "of plain",
        "empty bars",
        "entry, bars",
        "in chord",
        "in key",
        "nearly silent",
    ];
    let mut table = Table::new(title, names.map(ToOwned::to_owned));
    for row in rows {
        let cells = [
            maybe(row.mean(|p| Some(p.per_beat)).mean),
            maybe(row.ratio()),
            maybe(row.mean(|p| Some(p.empty_bars)).mean),
            maybe(row.mean(|p| Some(p.entry)).mean),
            maybe(row.mean(|p| p.in_chord).mean),
            maybe(row.mean(|p| p.in_key).mean),
            format!("{} of {}", row.nearly_silent(), row.pieces.len()),
        ];
        table.row(row.name.to_owned(), cells);
    }
    findings.tables.push(table);
    findings.json.insert(
        "situations".to_owned(),
        json!({
            "pieces": pieces,
            "bars": args.bars,
            "seed": args.seed,
            "settings": args.sets,
            "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
        }),
    );
    let plot = |of: &dyn Fn(&Row) -> Option<f64>| {
        let bar = |row: &Row| Bar { name: row.name.to_owned(), value: of(row) };
        rows.iter().map(bar).collect::<Vec<_>>()
    };
    let ratio = bars("Notes a beat, of those in the plain situation", &plot(&Row::ratio));
    findings.plots.push(("situations", ratio));
    let empty = plot(&|row| row.mean(|p| Some(p.empty_bars)).mean);
    findings.plots.push(("situations_empty", bars("Share of empty bars", &empty)));
}
