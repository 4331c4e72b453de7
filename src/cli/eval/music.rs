//! What the engine plays to held-out melodies at its best: without intro, each onset on the grid. Beside it what people played
//! there, what an n-gram plays in the engine, and the accompaniment of another song.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};

use super::table::{Table, maybe};
use super::{Findings, Subject};
use crate::cli::eval::ngram_net::NGramNet;
use crate::cli::eval::playing::accompany;
use crate::data::parallel::in_parallel;
use crate::data::roles::Piece;
use crate::infer::net::{self, Net};
use crate::link::settings::{MAX_STYLE, Settings};
use crate::music::note::Note;
use crate::preset::parameter;
use crate::standalone::performance::PLAYER;
use crate::train::chart::{Curve, svg};
use crate::train::metric;
use crate::train::musicality::{
    FIGURES, HISTOGRAMS, Mean, Portrait, Stretch, Summary, portrait, total_variation,
};
use crate::train::ngram::NGram;

/// The longest strings of the n-gram that plays: the order that foretells best.
pub(super) const ORDER: usize = 4;

/// Who plays.
const PEOPLE: &str = "people";
const MODEL: &str = "model";
const NGRAM: &str = "ngram";
const ANOTHER: &str = "another_song";

/// A melody to play to.
pub(super) struct Take<'a> {
    piece: &'a Piece,
    stretch: Stretch,
}

impl<'a> Take<'a> {
    /// So many bars of a piece.
    pub(super) const fn new(piece: &'a Piece, stretch: Stretch) -> Self {
        Self { piece, stretch }
    }
}

/// One who played to all the melodies.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// The notes of each stretch.
    pub(super) parts: Vec<Vec<Note>>,
    portraits: Vec<Portrait>,
}

/// Who played, people first.
pub(super) fn play(subject: &Subject<'_>) -> Result<Vec<Column>> {
    let settings = settings(subject)?;
    let takes: Vec<Take<'_>> = takes(subject);
    ensure!(!takes.is_empty(), "--data: no held-out piece has a melody and an accompaniment");
    let net = net::playable(subject.checkpoint)?;
    let mut columns = vec![
        column(PEOPLE, &takes, |t| Ok(t.piece.accompaniment.clone()), subject.threads)?,
        played(MODEL, &takes, &net, &settings, subject.threads)?,
    ];
    if !subject.train.is_empty() {
        let ngram = NGram::new(&metric::readings(&subject.train), ORDER);
        let net: Arc<dyn Net> = Arc::new(NGramNet::new(ngram));
        columns.push(played(NGRAM, &takes, &net, &settings, subject.threads)?);
    }
    let another = |take: &Take<'_>| Ok(another_song(subject, take));
    columns.push(column(ANOTHER, &takes, another, subject.threads)?);
    Ok(columns)
}

/// The settings that were asked for.
pub(super) fn settings(subject: &Subject<'_>) -> Result<Settings> {
    // One beyond those that the model knows is no style.
    let none = subject.checkpoint.manifest.styles.len() + 1;
    let style = if subject.style == 0 { none } else { subject.style };
    let style = u8::try_from(style).unwrap_or(MAX_STYLE);
    let mut settings = Settings { seed: subject.args.seed, style, ..Settings::default() };
    for assignment in &subject.args.sets {
        parameter::set(&mut settings, assignment).context("--set")?;
    }
    if settings.output == PLAYER {
        bail!("--set: channel 1 is the player's here: set output-channel to another");
    }
    Ok(settings.sane())
}

/// The first held-out pieces that have both parts.
fn takes<'a>(subject: &'a Subject<'_>) -> Vec<Take<'a>> {
    let bars = usize::from(subject.args.bars);
    let takes = subject.held_out.iter().filter_map(|piece| {
        let stretch = Stretch::of_melody(piece, bars)?;
        (!stretch.notes(&piece.accompaniment).is_empty()).then_some(Take::new(piece, stretch))
    });
    takes.take(subject.args.pieces).collect()
}

fn played(
    name: &'static str,
    takes: &[Take<'_>],
    net: &Arc<dyn Net>,
    settings: &Settings,
    threads: usize,
) -> Result<Column> {
    column(name, takes, |t| accompany(t.piece, t.stretch, net, settings), threads)
}

fn column(
    name: &'static str,
    takes: &[Take<'_>],
    play: impl Fn(&Take<'_>) -> Result<Vec<Note>> + Sync,
    threads: usize,
) -> Result<Column> {
    let bar = ProgressBar::new(takes.len() as u64).with_message(name);
    let played = in_parallel(takes, threads, |take| {
        let notes = play(take)?;
        bar.inc(1);
        let notes = take.stretch.notes(&notes).to_vec();
        Ok((portrait(take.piece, take.stretch, &notes), notes))
    });
    bar.finish_and_clear();
    let played: Vec<(Portrait, Vec<Note>)> = played.into_iter().collect::<Result<_>>()?;
    let (portraits, parts) = played.into_iter().unzip();
    Ok(Column { name, parts, portraits })
}

/// The accompaniment of a song that piece and seed choose, laid under this melody bar by bar. It is one that was trained
/// on, where there are any, and as long as this one, where there is one.
pub(super) fn another_song(subject: &Subject<'_>, take: &Take<'_>) -> Vec<Note> {
    let songs = if subject.train.is_empty() { &subject.held_out } else { &subject.train };
    let stretches = songs.iter().filter(|s| s.hash != take.piece.hash).filter_map(|song| {
        let stretch = Stretch::of_melody(song, take.stretch.bars)?;
        (stretch.bar == take.stretch.bar).then_some((song, stretch))
    });
    let stretches: Vec<(&Piece, Stretch)> = stretches.collect();
    let longest = stretches.iter().map(|(_, s)| s.bars).max().unwrap_or(0);
    let long: Vec<_> = stretches.iter().filter(|(_, s)| s.bars == longest).collect();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&subject.args.seed.to_le_bytes()).update(&take.piece.hash);
    let number = hasher.finalize().as_bytes().first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    let Some(index) = (number as usize).checked_rem(long.len()) else { return Vec::new() };
    let (song, stretch) = long[index];
    let shift = take.stretch.start.since(stretch.start);
    let notes = stretch.notes(&song.accompaniment).iter();
    notes.map(|n| Note { onset: n.onset.plus(shift), ..*n }).collect()
}

/// Measures what was played.
pub(super) fn measure(subject: &Subject<'_>, columns: &[Column], findings: &mut Findings) {
    let args = subject.args;
    let summaries: Vec<Summary> = columns.iter().map(|c| Summary::of(&c.portraits)).collect();
    let pieces = columns.first().map_or(0, |c| c.parts.len());
    let title = format!(
        "Idealised (no intro, on the grid): {pieces} held-out melodies, up to {} bars of each, seed {}{}{}; means over the pieces",
        args.bars,
        args.seed,
        subject.in_style(),
        subject.with_settings()
    );
    let names = columns.iter().map(|c| c.name.replace('_', " "));
    let mut table = Table::new(title, names);
    for (i, figure) in FIGURES.iter().enumerate() {
        let cell = |s: &Summary| {
            let Mean { mean, error } = s.figures[i];
            format!("{} ±{}", maybe(mean), maybe(error))
        };
        table.row(figure.replace('_', " "), summaries.iter().map(cell));
    }
    let distance =
        |s: &Summary, i: usize| total_variation(&s.histograms[i], &summaries[0].histograms[i]);
    for (i, histogram) in HISTOGRAMS.iter().enumerate() {
        let cells = summaries.iter().map(|s| maybe(distance(s, i)));
        table.row(format!("distance, {}", histogram.replace('_', " ")), cells);
    }
    findings.tables.push(table);
    let column = |summary: &Summary| {
        let mut column = Map::new();
        let mut errors = Map::new();
        for (name, figure) in FIGURES.iter().zip(&summary.figures) {
            column.insert((*name).to_owned(), json!(figure.mean));
            errors.insert((*name).to_owned(), json!(figure.error));
        }
        for (i, name) in HISTOGRAMS.iter().enumerate() {
            column.insert(format!("distance_{name}"), json!(distance(summary, i)));
        }
        column.insert("standard_error".to_owned(), errors.into());
        Value::from(column)
    };
    let mut music: Map<String, Value> = columns
        .iter()
        .zip(&summaries)
        .map(|(c, summary)| (c.name.to_owned(), column(summary)))
        .collect();
    music.insert("pieces".to_owned(), pieces.into());
    music.insert("bars".to_owned(), args.bars.into());
    music.insert("seed".to_owned(), args.seed.into());
    music.insert("settings".to_owned(), json!(args.sets));
    findings.json.insert("idealised".to_owned(), music.into());
    for (i, name) in HISTOGRAMS.iter().enumerate() {
        let (first, label) = AXES[i];
        let curve = |(column, summary): (&Column, &Summary)| Curve {
            name: column.name.replace('_', " "),
            points: (first..).map(f64::from).zip(shares(&summary.histograms[i])).collect(),
        };
        let curves: Vec<Curve> = columns.iter().zip(&summaries).map(curve).collect();
        findings.plots.push((*name, svg("Share of the notes", label, &curves)));
    }
}

/// For each histogram, what its first class is, and what its classes are.
const AXES: [(i32, &str); HISTOGRAMS.len()] = [
    (1, "sixteenth of the bar"),
    (-24, "semitones from the lowest note of the onset before"),
    (0, "semitones over the lowest note of the onset"),
    (1, "length, by its place in the alphabet: a 48th of a bar to two bars"),
];

fn shares(counts: &[f64]) -> Vec<f64> {
    let all: f64 = counts.iter().sum();
    counts.iter().map(|c| c / all.max(1.0)).collect()
}
