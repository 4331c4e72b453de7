//! `listener eval`: how often the style is right after so many bars, as live playing would have it by then.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::following::{self, Followed};
use crate::cli::listener_args::{HeldSide, ListenerEvalArgs, PartName};
use crate::cli::train::threads;
use crate::data::parallel::in_parallel;
use crate::data::roles::{Piece, Role};
use crate::data::shelf;
use crate::infer::listener::{Eye, Listener, Opinion};
use crate::model::checkpoint::MANIFEST_FILE;
use crate::model::image::checkpoint::{ImageCheckpoint, LISTENER};
use crate::music::roll::{LEAST, SPAN, Struck};
use crate::music::time::{Bars, Tick};
use crate::train::chart::{Curve, svg};
use crate::train::composer::verdicts::Verdicts;
use crate::train::listener::baseline::Baseline;
use crate::train::listener::{ListenerConfig, Playing, Style, player};
use crate::train::run::{BEST_FOLDER, CONFIG_FILE};

/// Bars after which is asked.
const BARS: [i64; 6] = [1, 2, 4, 8, 16, 32];
/// Takes of each piece: from its beginning, and from a third and two thirds of the way.
const TAKES: usize = 3;
/// Excerpts that the baseline is fitted to.
const FITTED_TO: usize = 8_192;
/// Pictures that are timed.
const TIMED: usize = 201;

/// What was found.
#[derive(Serialize)]
struct Findings {
    styles: Vec<String>,
    /// Pieces of each style.
    pieces: Vec<usize>,
    /// A coin with as many sides as there are styles.
    chance: f64,
    /// What judging a picture takes on one thread, in the middle of many.
    milliseconds: f64,
    by_bars: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    followed: Vec<Followed>,
}

/// After so many bars.
#[derive(Serialize)]
struct Row {
    bars: i64,
    /// The mean over the styles of the share of takes that are named right.
    accuracy: f64,
    /// The same of the baseline.
    baseline: f64,
    /// The baseline's nats a take.
    baseline_nats: f64,
    /// Of all takes alike.
    takes: Verdicts,
}

/// A player who begins somewhere in a piece.
struct Take {
    label: u16,
    piece: u32,
    struck: Vec<Struck>,
    begin: Tick,
    bars: Bars,
}

/// Measures and prints.
pub(super) fn eval(args: &ListenerEvalArgs) -> Result<()> {
    let folder = if args.model.join(MANIFEST_FILE).exists() {
        args.model.clone()
    } else {
        args.model.join(BEST_FOLDER)
    };
    let checkpoint = ImageCheckpoint::load_as(LISTENER, &folder).context("--model")?;
    let seed = checkpoint.manifest.seed;
    let listener = Listener::new(checkpoint).context("--model")?;
    let names = listener.styles().to_vec();
    let threads = threads(args.threads);
    let mut data = super::named(&args.style)?;
    for name in &names {
        ensure!(data.iter().any(|d| d.name == *name), "--style: the model's '{name}' is missing");
    }
    ensure!(data.len() == names.len(), "--style: the model knows {}", names.join(", "));
    data.sort_by_key(|d| names.iter().position(|n| *n == d.name));
    let share = args.valid_share.or_else(|| run_share(&args.model)).unwrap_or(0.1);
    let styles = super::read(&data, share, seed, threads)?;
    let held: Vec<Vec<Piece>> = styles
        .iter()
        .map(|s| shelf::take(if args.side == HeldSide::Test { &s.test } else { &s.dev }))
        .collect::<Result<_, _>>()?;
    let baseline = fitted(&styles, &names, seed)?;
    let takes = takes(&held, args.part);
    let judged = in_parallel(&takes, threads, |take| judge(take, &listener, &baseline));
    let by_bars = (0..BARS.len()).map(|nth| row(nth, &takes, &judged, names.len())).collect();
    let mut findings = Findings {
        pieces: held.iter().map(Vec::len).collect(),
        chance: 1.0 / names.len() as f64,
        milliseconds: cost(&listener),
        styles: names,
        by_bars,
        followed: Vec::new(),
    };
    if let Some(duet) = &args.duet {
        findings.followed =
            following::measure(duet, listener, &held, &findings.styles, args.pieces, threads)?;
    }
    if let Some(path) = &args.plot {
        std::fs::write(path, plot(&findings)).with_context(|| path.display().to_string())?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print(&findings);
    }
    Ok(())
}

/// What a run held out; none where the folder is a model's.
fn run_share(run: &Path) -> Option<f64> {
    let json = std::fs::read(run.join(CONFIG_FILE)).ok()?;
    serde_json::from_slice::<ListenerConfig>(&json).ok().map(|config| config.valid_share)
}

/// Logistic regression on what the network learnt from.
fn fitted(styles: &[Style], names: &[String], seed: u64) -> Result<Baseline> {
    let mut config = ListenerConfig { styles: names.to_vec(), ..ListenerConfig::default() };
    config.net.seed = seed;
    let excerpts = Playing::new(&config, styles)?.excerpts(FITTED_TO)?;
    Ok(Baseline::fit(&excerpts, names.len()))
}

/// Milliseconds for a picture.
fn cost(listener: &Listener) -> f64 {
    let mut eye = Eye::default();
    let judge = |_| {
        let start = Instant::now();
        eye.judge(listener);
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..TIMED).map(judge).collect();
    times.sort();
    times[TIMED / 2].as_secs_f64() * 1e3
}

fn takes(held: &[Vec<Piece>], part: PartName) -> Vec<Take> {
    let mut takes = Vec::new();
    let mut number = 0;
    for (label, pieces) in (0..).zip(held) {
        for piece in pieces {
            number += 1;
            let mut struck = match part {
                PartName::Melody => player(piece, Role::Accompany),
                PartName::Accompaniment => player(piece, Role::Lead),
                PartName::Both => {
                    [player(piece, Role::Accompany), player(piece, Role::Lead)].concat()
                }
            };
            struck.sort_unstable();
            struck.dedup();
            let (Some(first), Some(last)) = (struck.first(), struck.last()) else { continue };
            let length = last.0.since(first.0);
            for nth in 0..TAKES as i64 {
                let from = first.0.plus(length * nth / TAKES as i64);
                let at = struck.partition_point(|(tick, _)| *tick < from);
                let Some((tick, _)) = struck.get(at) else { continue };
                let begin = tick.plus(-piece.bars.ticks_into_bar(*tick));
                let struck = struck[at..].to_vec();
                takes.push(Take { label, piece: number, struck, begin, bars: piece.bars });
            }
        }
    }
    takes
}

/// What listener and baseline think of a take after each number of bars, as logarithms of shares.
fn judge(take: &Take, listener: &Listener, baseline: &Baseline) -> [Vec<Vec<f32>>; 2] {
    let (mut eye, mut opinions) = (Eye::default(), [Opinion::default(), Opinion::default()]);
    let mut judged = [Vec::new(), Vec::new()];
    let within = |from: Tick, to: Tick| {
        let place = |at: Tick| take.struck.partition_point(|(tick, _)| *tick < at);
        &take.struck[place(from)..place(to)]
    };
    for bar in 1..=BARS[BARS.len() - 1] {
        let end = take.begin.plus(bar * take.bars.length);
        let seen = within(end.plus(-SPAN), end);
        if seen.len() >= LEAST && !within(end.plus(-take.bars.length), end).is_empty() {
            eye.take(&seen.iter().copied(), end);
            opinions[0].hear(eye.judge(listener));
            opinions[1].hear(&baseline.logits(seen));
        }
        if BARS.contains(&bar) {
            for (judged, opinion) in judged.iter_mut().zip(&opinions) {
                let mut shares = opinion.shares();
                shares.resize(listener.styles().len(), 1.0);
                judged.push(shares.into_iter().map(|s| s.max(1e-9).ln()).collect());
            }
        }
    }
    judged
}

fn row(nth: usize, takes: &[Take], judged: &[[Vec<Vec<f32>>; 2]], styles: usize) -> Row {
    let labels: Vec<u16> = takes.iter().map(|t| t.label).collect();
    let pieces: Vec<u32> = takes.iter().map(|t| t.piece).collect();
    let verdicts = |who: usize| {
        let logits: Vec<f32> = judged.iter().flat_map(|j| j[who][nth].iter().copied()).collect();
        Verdicts::of(&logits, &labels, &pieces, styles)
    };
    let (takes, baseline) = (verdicts(0), verdicts(1));
    Row {
        bars: BARS[nth],
        accuracy: even(&takes),
        baseline: even(&baseline),
        baseline_nats: baseline.nats,
        takes,
    }
}

/// The mean over the classes of the share that is right.
fn even(verdicts: &Verdicts) -> f64 {
    let shares = verdicts.confusion.iter().enumerate().filter_map(|(class, counts)| {
        let all: usize = counts.iter().sum();
        (all > 0).then(|| counts[class] as f64 / all as f64)
    });
    let shares: Vec<f64> = shares.collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}

fn plot(findings: &Findings) -> String {
    // Bars double from point to point.
    let curve = |name: &str, of: &dyn Fn(&Row) -> f64| {
        let points = findings.by_bars.iter().map(|r| ((r.bars as f64).log2(), 100.0 * of(r)));
        Curve { name: name.to_owned(), points: points.collect() }
    };
    let mut curves = vec![
        curve("listener", &|r| r.accuracy),
        curve("logistic regression", &|r| r.baseline),
        curve("chance", &|_| findings.chance),
    ];
    for (class, style) in findings.styles.iter().enumerate().take(4) {
        let right = |r: &Row| {
            let counts = &r.takes.confusion[class];
            counts[class] as f64 / counts.iter().sum::<usize>().max(1) as f64
        };
        curves.push(curve(style, &right));
    }
    svg("Styles named right, %", "bars heard: 2 to the power of", &curves)
}

fn print(findings: &Findings) {
    let percent = |x: f64| format!("{:.0} %", 100.0 * x);
    println!(
        "{} pieces that were held out, {} takes; chance {}; {:.2} ms a picture",
        findings.pieces.iter().sum::<usize>(),
        findings.by_bars.first().map_or(0, |r| r.takes.rows),
        percent(findings.chance),
        findings.milliseconds
    );
    println!("\nbars heard  right  regression  nats  regression  calibration error");
    for r in &findings.by_bars {
        println!(
            "{:>10}  {:>5}  {:>10}  {:.2}  {:>10.2}  {:>17.3}",
            r.bars,
            percent(r.accuracy),
            percent(r.baseline),
            r.takes.nats,
            r.baseline_nats,
            r.takes.calibration_error
        );
    }
    for r in findings.by_bars.iter().filter(|r| [4, 32].contains(&r.bars)) {
        println!("\nafter {} bars: takes of (down) that were named (across)", r.bars);
        let width = findings.styles.iter().map(String::len).max().unwrap_or(0).max(5);
        print!("{:width$}", "");
        for style in &findings.styles {
            print!("  {style:>width$}");
        }
        println!();
        for (style, counts) in findings.styles.iter().zip(&r.takes.confusion) {
            print!("{style:width$}");
            for count in counts {
                print!("  {count:>width$}");
            }
            println!();
        }
    }
    if !findings.followed.is_empty() {
        println!("\nnats a note of the duet model on held-out pieces, told");
        println!("{:>10}  pieces    none     own   heard    true", "");
        for f in &findings.followed {
            println!(
                "{:>10}  {:>6}  {:>6.3}  {:>6.3}  {:>6.3}  {:>6.3}",
                f.style, f.pieces, f.none, f.own, f.heard, f.true_style
            );
        }
    }
}
