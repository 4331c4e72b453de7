//! Whether the player's notes lie in the machine's chords, beside people, an n-gram and the part of another song; and how soon
//! that is so: after a cold start, with eight beats of people's accompaniment in the ear, and where the melody jumps to
//! another key.

use std::sync::Arc;

use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};

use super::music::{self, ORDER};
use super::ngram_net::NGramNet;
use super::stage::{Chosen, Take};
use super::table::{Table, maybe};
use super::{Findings, Subject};
use crate::data::parallel::in_parallel;
use crate::data::timed::TimedNote;
use crate::data::timed_piece::TimedPiece;
use crate::infer::net::Net;
use crate::link::settings::Settings;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Beats, TICKS_PER_BEAT, Tick};
use crate::train::chart::{Curve, svg};
use crate::train::harmony::{Agreement, BEATS, FIGURES, Hits, Summary, harmony};
use crate::train::metric;
use crate::train::musicality::{Mean, Stretch};
use crate::train::ngram::NGram;
use crate::train::situation::transposed;

/// Beats of people's accompaniment that a primed take has in the ear, at least: whole bars.
const PRIMED_BEATS: f64 = 8.0;
/// The beat, from 0, at which a melody jumps, and how far.
const JUMP_BEAT: f64 = 16.0;
const JUMP_SEMITONES: i16 = 6;
/// Beats that are one row of the table.
const TABLED: usize = 8;

/// Who played to all the melodies.
struct Column {
    name: &'static str,
    summary: Summary,
}

/// A curve of note-in-chord by the beat.
struct ByBeat {
    name: String,
    /// Of the take; none before it begins.
    beats: [Hits; BEATS],
}

/// Plays and measures.
pub(super) fn measure(
    subject: &Subject<'_>,
    pieces: &[Chosen<'_>],
    (net, settings): (&Arc<dyn Net>, &Settings),
    findings: &mut Findings,
) -> Result<()> {
    let mut parts: Vec<(&'static str, Vec<Vec<TimedNote>>)> = vec![
        ("people", pieces.iter().map(|p| p.cut.accompaniment.clone()).collect()),
        ("model", played("model", subject, pieces, &|p| plain(p).play(net, settings))?),
        ("another_song", pieces.iter().map(|p| another_song(subject, p)).collect()),
    ];
    if !subject.train.is_empty() {
        let ngram = NGram::new(&metric::readings(&subject.train), ORDER);
        let ngram: Arc<dyn Net> = Arc::new(NGramNet::new(ngram));
        parts.push((
            "ngram",
            played("ngram", subject, pieces, &|p| plain(p).play(&ngram, settings))?,
        ));
    }
    let column = |(name, parts): (&'static str, Vec<Vec<TimedNote>>)| {
        let each = pieces.iter().zip(&parts);
        let measured: Vec<Agreement> =
            each.map(|(p, part)| harmony(&p.cut, &p.cut.melody, part)).collect();
        Column { name, summary: Summary::of(&measured) }
    };
    let columns: Vec<Column> = parts.into_iter().map(column).collect();
    let mut curves: Vec<ByBeat> = columns
        .iter()
        .map(|c| ByBeat { name: format!("{}, cold", c.name), beats: c.summary.by_beat })
        .collect();
    let primed = played("primed", subject, pieces, &|p| match primed(&p.cut) {
        Some((take, begin)) => {
            Ok(take.play(net, settings)?.into_iter().map(|n| n.later(begin)).collect())
        }
        None => Ok(Vec::new()),
    })?;
    let after = |p: &Chosen<'_>| {
        let begin = primed_beats(&p.cut);
        p.cut.melody.iter().filter(|n| n.from >= begin).copied().collect()
    };
    curves.push(by_beat("model, primed", pieces, &primed, &after));
    let jumped = played("jump", subject, pieces, &|p| {
        let melody = jumping(&p.cut.melody);
        Take::of(&p.cut, melody).play(net, settings)
    })?;
    curves.push(by_beat("model, jump at 17", pieces, &jumped, &|p| jumping(&p.cut.melody)));
    tell(subject, pieces.len(), &columns, &curves, findings);
    Ok(())
}

fn plain<'a>(chosen: &'a Chosen<'_>) -> Take<'a> {
    Take::of(&chosen.cut, chosen.cut.melody.clone())
}

fn played(
    name: &'static str,
    subject: &Subject<'_>,
    pieces: &[Chosen<'_>],
    play: &(dyn Fn(&Chosen<'_>) -> Result<Vec<TimedNote>> + Sync),
) -> Result<Vec<Vec<TimedNote>>> {
    let bar = ProgressBar::new(pieces.len() as u64).with_message(name);
    let played = in_parallel(pieces, subject.threads, |chosen| {
        let part = play(chosen);
        bar.inc(1);
        part
    });
    bar.finish_and_clear();
    played.into_iter().collect()
}

fn by_beat(
    name: &str,
    pieces: &[Chosen<'_>],
    parts: &[Vec<TimedNote>],
    melody: &dyn Fn(&Chosen<'_>) -> Vec<TimedNote>,
) -> ByBeat {
    let each = pieces.iter().zip(parts);
    let measured: Vec<Agreement> =
        each.map(|(p, part)| harmony(&p.cut, &melody(p), part)).collect();
    ByBeat { name: name.to_owned(), beats: Summary::of(&measured).by_beat }
}

/// The accompaniment of another song under this melody, as in the idealised section.
fn another_song(subject: &Subject<'_>, chosen: &Chosen<'_>) -> Vec<TimedNote> {
    let bars = usize::from(subject.args.bars);
    let Some(stretch) = Stretch::of_melody(chosen.piece, bars) else { return Vec::new() };
    let beats = |tick: Tick| tick.since(stretch.start) as f64 / TICKS_PER_BEAT as f64;
    let notes = music::another_song(subject, &music::Take::new(chosen.piece, stretch));
    let timed = |n: &Note| TimedNote {
        from: beats(n.onset),
        to: beats(n.end()),
        key: n.pitch.number(),
        velocity: n.velocity,
    };
    notes.iter().map(timed).collect()
}

/// As many whole bars as hold eight beats.
fn primed_beats(piece: &TimedPiece) -> f64 {
    (PRIMED_BEATS / piece.bar).ceil() * piece.bar
}

/// A take from the end of those bars on, with all that people played before in the ear; and where it begins. None where the
/// melody ends before.
fn primed(piece: &TimedPiece) -> Option<(Take<'_>, f64)> {
    let begin = primed_beats(piece);
    let end = BEATS as f64;
    let melody = piece.melody.iter().filter(|n| n.from >= begin && n.from < end);
    let melody: Vec<TimedNote> = melody.map(|n| n.later(-begin)).collect();
    if melody.is_empty() {
        return None;
    }
    let of = |notes: &[TimedNote], voice: Voice| -> Vec<Note> {
        let before = notes.iter().filter(|n| n.from < begin);
        let note = |n: &TimedNote| {
            let onset = Tick::nearest(Beats(n.from));
            let duration = Tick::nearest(Beats(n.to)).since(onset).max(1);
            Note { onset, pitch: Pitch::new(n.key), voice, velocity: n.velocity, duration }
        };
        before.map(note).collect()
    };
    let mut ear = of(&piece.melody, Voice::Player);
    ear.extend(of(&piece.accompaniment, Voice::Machine));
    into_order(&mut ear);
    let tempos = [(Beats(0.0), piece.tempo_at(begin))].into_iter();
    let later = piece.tempos.iter().filter(|t| t.0 > begin).map(|t| (Beats(t.0 - begin), t.1));
    Some((Take { tempos: tempos.chain(later).collect(), ear, ..Take::of(piece, melody) }, begin))
}

/// The melody's first beats, a tritone higher from beat 17 on.
fn jumping(melody: &[TimedNote]) -> Vec<TimedNote> {
    let inside: Vec<_> = melody.iter().filter(|n| n.from < BEATS as f64).copied().collect();
    let at = inside.partition_point(|n| n.from < JUMP_BEAT);
    [&inside[..at], &transposed(&inside[at..], JUMP_SEMITONES)].concat()
}

fn tell(
    subject: &Subject<'_>,
    pieces: usize,
    columns: &[Column],
    curves: &[ByBeat],
    findings: &mut Findings,
) {
    let args = subject.args;
    let title = format!(
        "Harmony: note-in-chord under {pieces} held-out melodies, up to {} bars of each, seed {}{}{}; means over the pieces",
        args.bars,
        args.seed,
        subject.in_style(),
        subject.with_settings()
    );
    let mut table = Table::new(title, columns.iter().map(|c| c.name.replace('_', " ")));
    for (i, name) in FIGURES.iter().enumerate() {
        let cell = |c: &Column| {
            let Mean { mean, error } = c.summary.figures[i];
            format!("{} ±{}", maybe(mean), maybe(error))
        };
        table.row(name.replace('_', " "), columns.iter().map(cell));
    }
    let people = &columns[0].summary;
    let synchronisation = |c: &Column| maybe(c.summary.synchronisation(people));
    table
        .row("synchronisation, x 1000 from people".to_owned(), columns.iter().map(synchronisation));
    table.row("variety, nats".to_owned(), columns.iter().map(|c| maybe(c.summary.variety)));
    findings.tables.push(table);
    let title = "Note-in-chord by the beat, over all pieces".to_owned();
    let mut table = Table::new(title, curves.iter().map(|c| c.name.replace('_', " ")));
    for first in (0..BEATS).step_by(TABLED) {
        let cell = |c: &ByBeat| maybe(pooled(&c.beats[first..first + TABLED]).share());
        table.row(format!("beats {} to {}", first + 1, first + TABLED), curves.iter().map(cell));
    }
    findings.tables.push(table);
    let column = |c: &Column| {
        let mut column = Map::new();
        let mut errors = Map::new();
        for (name, figure) in FIGURES.iter().zip(&c.summary.figures) {
            column.insert((*name).to_owned(), json!(figure.mean));
            errors.insert((*name).to_owned(), json!(figure.error));
        }
        column.insert("synchronisation".to_owned(), json!(c.summary.synchronisation(people)));
        column.insert("variety".to_owned(), json!(c.summary.variety));
        column.insert("standard_error".to_owned(), errors.into());
        (c.name.to_owned(), Value::from(column))
    };
    let mut json: Map<String, Value> = columns.iter().map(column).collect();
    let shares = |c: &ByBeat| -> Value { c.beats.iter().map(|h| h.share()).collect() };
    let by_beat = curves.iter().map(|c| (c.name.clone(), shares(c)));
    json.insert("by_beat".to_owned(), by_beat.collect::<Map<_, _>>().into());
    json.insert("pieces".to_owned(), pieces.into());
    json.insert("bars".to_owned(), args.bars.into());
    json.insert("seed".to_owned(), args.seed.into());
    json.insert("settings".to_owned(), json!(args.sets));
    findings.json.insert("harmony".to_owned(), json.into());
    let curve = |c: &ByBeat| Curve {
        name: c.name.replace('_', " "),
        points: (1..)
            .map(f64::from)
            .zip(c.beats.iter().map(|h| h.share().unwrap_or(f64::NAN)))
            .collect(),
    };
    let curves: Vec<Curve> = curves.iter().map(curve).collect();
    findings.plots.push(("note_in_chord", svg("Note-in-chord", "beat", &curves)));
}

fn pooled(beats: &[Hits]) -> Hits {
    beats
        .iter()
        .fold(Hits::default(), |a, b| Hits { hits: a.hits + b.hits, frames: a.frames + b.frames })
}
