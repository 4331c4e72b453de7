//! `sideman-train harmonist`: trains a network that chooses the chords under what a player plays, and measures it.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::harmonist_args::{
    HarmonistArgs, HarmonistEvalArgs, HarmonistTrainArgs, HarmonistVerb, PlayedPart, TakenSide,
};
use crate::cli::material::{self, Data};
use crate::cli::train::{set, source, stop_on_ctrl_c, threads};
use crate::data::parallel::in_parallel;
use crate::data::shelf::{self, Stored};
use crate::infer::builtin;
use crate::model::checkpoint::MANIFEST_FILE;
use crate::model::harmonist::Harmonist;
use crate::model::harmonist::checkpoint::HarmonistCheckpoint;
use crate::music::harmony::Harmony;
use crate::music::hearing::{Hearing, Inputs};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};
use crate::train::harmonist::measure::{Figures, Part, Take};
use crate::train::harmonist::{HarmonistEvent, HarmonistJob, HarmonistTrainConfig, run};
use crate::train::listener::Style;
use crate::train::run::{BEST_FOLDER, CONFIG_FILE};

/// Choices that are timed.
const TIMED: usize = 501;

/// Runs `harmonist`.
pub(crate) fn harmonist(args: &HarmonistArgs) -> Result<()> {
    match &args.verb {
        HarmonistVerb::Train(args) => train(args),
        HarmonistVerb::Eval(args) => eval(args),
    }
}

fn train(args: &HarmonistTrainArgs) -> Result<()> {
    if args.out.join(CONFIG_FILE).exists() {
        bail!("{}: holds a run already; choose another --out", args.out.display());
    }
    let data = material::parse(&args.data)?;
    let mut config = HarmonistTrainConfig {
        sets: material::sets(&data, &args.weight)?,
        ..HarmonistTrainConfig::default()
    };
    set(&mut config.net.hidden, args.hidden);
    set(&mut config.batch, args.batch);
    set(&mut config.epochs, args.epochs);
    set(&mut config.learning_rate, args.lr);
    set(&mut config.decay, args.decay);
    set(&mut config.valid_share, args.valid_share);
    set(&mut config.seed, args.seed);
    config.validate()?;
    let threads = threads(args.threads);
    let sets = read(&data, config.valid_share, config.seed, threads)?;
    for Style { name, train, dev, test } in &sets {
        let [train, dev, test] = [train, dev, test].map(Vec::len);
        eprintln!("{name}: {train} pieces to learn from, {dev} to choose by, {test} held out");
    }
    let sources = args.card_source.iter().map(|s| source(s)).collect::<Result<_>>()?;
    let job = HarmonistJob { folder: args.out.clone(), threads, sources };
    let stop = stop_on_ctrl_c()?;
    let bar = bar();
    let outcome = run(&config, &sets, &job, &stop, &mut |event| show(&bar, &event))?;
    bar.finish_and_clear();
    let best = 100.0 * outcome.best.unwrap_or(f64::NAN);
    let folder = args.out.display();
    if outcome.stopped {
        eprintln!("stopped after epoch {} of {}", outcome.epochs, config.epochs);
    }
    eprintln!(
        "the best model has {best:.1} % of the line's time in its chords and is in {folder}/best"
    );
    Ok(())
}

/// Reads the sets and shares their pieces out.
fn read(data: &[Data], share: f64, seed: u64, threads: usize) -> Result<Vec<Style>> {
    let read = |data: &Data| {
        let corpus = material::read(&data.folder, threads)?;
        Ok(Style::new(data.name.clone(), corpus.pieces, share, seed)?)
    };
    data.iter().map(read).collect()
}

fn bar() -> ProgressBar {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} pieces, {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, event: &HarmonistEvent) {
    match event {
        HarmonistEvent::Pieces { epoch, done, all, score } => {
            let (chords, line) = score.means();
            bar.set_length(*all as u64);
            bar.set_position(*done as u64);
            bar.set_message(format!(
                "epoch {}: {chords:.3} nats a chord, {line:.3} a line",
                epoch + 1
            ));
        }
        HarmonistEvent::Epoch { line, best } => {
            let (chords, of_line) = line.score.means();
            let set = |(name, f): &(String, Figures)| {
                format!("{name} {:.3} in chord, {:.3} as people", f.note_in_chord, f.agreement)
            };
            let sets: Vec<String> = line.sets.iter().map(set).collect();
            let text = format!(
                "epoch {}: {chords:.3} nats a chord, {of_line:.3} a line; {}{}",
                line.epoch,
                sets.join("; "),
                if *best { ", the best so far" } else { "" }
            );
            if bar.is_hidden() {
                eprintln!("{text}");
            } else {
                bar.println(text);
            }
        }
    }
}

/// What was found.
#[derive(Serialize)]
struct Findings {
    /// Numbers in the network.
    parameters: usize,
    /// What choosing a chord takes on one thread, in the middle of many.
    microseconds: f64,
    sets: Vec<Found>,
}

/// Of a set.
#[derive(Serialize)]
struct Found {
    name: String,
    people: Figures,
    harmonist: Figures,
    /// The tonic of the key that is heard.
    tonic: Figures,
    /// People's chords of another piece.
    another: Figures,
}

fn eval(args: &HarmonistEvalArgs) -> Result<()> {
    let (net, seed) = open(args.model.as_deref())?;
    let threads = threads(args.threads);
    let part = match args.part {
        PlayedPart::Melody => Part::Melody,
        PlayedPart::Both => Part::Both,
        PlayedPart::Accompaniment => Part::Accompaniment,
    };
    let mut sets = Vec::new();
    for data in material::parse(&args.data)? {
        let pieces = pieces(&data, args, seed, threads)?;
        let thinned = pieces.iter().step_by(pieces.len().div_ceil(args.pieces.max(1)).max(1));
        let takes: Vec<Take> =
            shelf::take(thinned)?.iter().filter_map(|piece| Take::new(piece, part)).collect();
        if takes.is_empty() {
            bail!("--data {}: no piece with a melody and chords", data.folder.display());
        }
        sets.push(found(data.name, &takes, &net, threads));
    }
    let findings = Findings { parameters: net.values().len(), microseconds: cost(&net), sets };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print(&findings);
    }
    Ok(())
}

/// The network, and the seed of its training.
fn open(model: Option<&Path>) -> Result<(Arc<Harmonist>, u64)> {
    let Some(path) = model else {
        let net = builtin::harmonist().context("the harmonist that Sideman carries is damaged")?;
        return Ok((net, HarmonistTrainConfig::default().seed));
    };
    let is_model = path.join(MANIFEST_FILE).exists();
    let folder = if is_model { path.to_path_buf() } else { path.join(BEST_FOLDER) };
    let checkpoint = HarmonistCheckpoint::load(&folder).context("--model")?;
    Ok((Arc::new(checkpoint.net), checkpoint.manifest.seed))
}

/// The pieces of the side that was asked for.
fn pieces(data: &Data, args: &HarmonistEvalArgs, seed: u64, threads: usize) -> Result<Vec<Stored>> {
    let corpus = material::read(&data.folder, threads)?;
    if args.side == TakenSide::All {
        return Ok(corpus.pieces);
    }
    let style = Style::new(data.name.clone(), corpus.pieces, args.valid_share, seed)?;
    Ok(if args.side == TakenSide::Test { style.test } else { style.dev })
}

fn found(name: String, takes: &[Take], net: &Harmonist, threads: usize) -> Found {
    let figures = |chords: Vec<Vec<(Tick, Harmony)>>| Figures::of(takes, &chords);
    let others = takes.iter().cycle().skip(1);
    Found {
        name,
        people: figures(takes.iter().map(|t| t.people().to_vec()).collect()),
        harmonist: figures(in_parallel(takes, threads, |take| take.chords(net))),
        tonic: figures(takes.iter().map(Take::tonic).collect()),
        another: figures(takes.iter().zip(others).map(|(t, other)| t.borrowed(other)).collect()),
    }
}

/// Microseconds for a choice, after some bars of music.
fn cost(net: &Harmonist) -> f64 {
    let mut hearing = Hearing::new(Tick(0));
    for tick in 0_i64..958 {
        let key = (tick % 6 == 0).then(|| Pitch::new(60 + (tick / 6 * 5 % 13) as u8));
        hearing.hear(key.into_iter());
    }
    let mut inputs = Inputs::default();
    let mut choose = |_| {
        let start = Instant::now();
        hearing.inputs(Tick(960), Bars::default(), &mut inputs);
        std::hint::black_box(net.judge(&inputs));
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..TIMED).map(&mut choose).collect();
    times.sort();
    times[TIMED / 2].as_secs_f64() * 1e6
}

fn print(findings: &Findings) {
    let Findings { parameters, microseconds, sets } = findings;
    println!("{parameters} numbers, {microseconds:.0} us a choice");
    for Found { name, people, harmonist, tonic, another } in sets {
        println!("\n{name}: {} pieces", harmonist.pieces);
        println!(
            "{:<13} {:>8} {:>8} {:>8} {:>7} {:>8} {:>9} {:>8} {:>7} {:>9}",
            "",
            "in chord",
            "by beat",
            "people's",
            "in key",
            "changes",
            "off line",
            "variety",
            "long",
            "sevenths"
        );
        for (who, f) in [
            ("people", people),
            ("harmonist", harmonist),
            ("tonic", tonic),
            ("another piece", another),
        ] {
            println!(
                "{who:<13} {:>8.3} {:>8.3} {:>8.3} {:>7.3} {:>8.2} {:>9.3} {:>8.2} {:>7.3} {:>9.3}",
                f.note_in_chord,
                f.by_beat,
                f.agreement,
                f.in_key,
                f.changes,
                f.off_line,
                f.variety,
                f.long,
                f.sevenths
            );
        }
    }
}
