//! How much of what was played is copied from the pieces that were trained on.

use serde_json::{Value, json};

use super::music::Column;
use super::table::{Table, maybe, number, percent};
use super::{Findings, Subject};
use crate::data::parallel::in_parallel;
use crate::data::roles::Piece;
use crate::train::copying::{Copying, LONG, Library};
use crate::train::musicality::Mean;

/// Looks for runs of each part among the accompaniments that were trained on.
pub(super) fn measure(subject: &Subject<'_>, columns: &[Column], findings: &mut Findings) {
    let library = Library::new(subject.train.iter().map(|p| p.accompaniment.as_slice()));
    let title = format!(
        "Copying: runs of notes shared with {} accompaniments that were trained on, in any key",
        subject.train.len()
    );
    let names = columns.iter().map(|c| c.name.replace('_', " "));
    let mut table = Table::new(title, names);
    let found: Vec<Found> = columns
        .iter()
        .map(|c| Found(in_parallel(&c.parts, subject.threads, |part| library.copying(part, LONG))))
        .collect();
    let mut row = |name: &str, of: &dyn Fn(&Found) -> String| {
        table.row(name.to_owned(), found.iter().map(of));
    };
    row("longest run of a piece, notes, mean", &|f| maybe(f.mean(|c| c.longest.notes as f64)));
    row("beats of it, mean", &|f| maybe(f.mean(|c| c.beats)));
    row("longest run of all, notes", &|f| f.longest().longest.notes.to_string());
    row("beats of it", &|f| number(f.longest().beats));
    row(&format!("notes in runs of {LONG} or more"), &|f| percent(f.share()));
    findings.tables.push(table);
    let of_column = |(c, f): (&Column, &Found)| (c.name.to_owned(), f.json(&subject.train));
    findings.json.insert("copying".to_owned(), columns.iter().zip(&found).map(of_column).collect());
}

/// What was found in the parts of a column.
struct Found(Vec<Copying>);

impl Found {
    fn mean(&self, of: impl Fn(&Copying) -> f64) -> Option<f64> {
        Mean::of(self.0.iter().map(|c| Some(of(c)))).mean
    }

    fn longest(&self) -> Copying {
        let notes = |c: &&Copying| c.longest.notes;
        self.0.iter().max_by_key(notes).copied().unwrap_or_default()
    }

    /// The share of all notes that lie in long runs.
    fn share(&self) -> f64 {
        let sum = |of: fn(&Copying) -> usize| self.0.iter().map(of).sum::<usize>() as f64;
        sum(|c| c.in_runs) / sum(|c| c.notes).max(1.0)
    }

    fn json(&self, train: &[Piece]) -> Value {
        let longest = self.longest();
        json!({
            "longest_run_mean": self.mean(|c| c.longest.notes as f64),
            "longest_run_beats_mean": self.mean(|c| c.beats),
            "longest_run": longest.longest.notes,
            "longest_run_beats": longest.beats,
            "longest_run_of": train.get(longest.longest.part).map(|p| &p.name),
            "in_runs_of": LONG,
            "in_runs": self.share(),
        })
    }
}
