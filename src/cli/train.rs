//! The trainer's face: runs a verb and shows what happens.

use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
#[cfg(feature = "standalone")]
use clap::CommandFactory as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::material::{self, Data};
use crate::cli::train_args::{LstmArgs, PiecesArgs, Size, TrainCli, Verb};
use crate::cli::{
    bench, compare, composer, eval, guitars, harmonist, jsb, learning, listener, lstm_names, pages,
    tempo_following,
};
#[cfg(feature = "standalone")]
use crate::cli::{generate, manual, share};
use crate::data::roles::Piece;
use crate::data::shelf;
use crate::data::split::Split;
use crate::infer::builtin;
use crate::model::checkpoint::Source;
use crate::model::inputs::Inputs;
use crate::model::{Checkpoint, LstmConfig};
use crate::train::pace::paced;
use crate::train::resume_file::RESUME_FILE;
use crate::train::run::{CONFIG_FILE, Event, Job, LAST_FOLDER, read_config, run};
use crate::train::{TrainConfig, key_following};

/// Seconds between lines where there is no terminal to draw a bar on.
const LINE_SECONDS: u64 = 30;

/// Does what was asked. `allocations` counts those of the process so far: only a program can choose its allocator.
///
/// # Errors
/// Anything that went wrong, to be printed once by `main`.
pub fn main(cli: TrainCli, allocations: fn() -> usize) -> Result<()> {
    match cli.verb {
        Verb::Compare(args) => compare::compare(&args),
        Verb::Guitars(args) => guitars::guitars(&args),
        #[cfg(feature = "standalone")]
        Verb::Generate(args) => generate::generate(&args),
        #[cfg(feature = "standalone")]
        Verb::Share(args) => share::share(&args),
        #[cfg(feature = "standalone")]
        Verb::Completions(args) => manual::completions(&args, TrainCli::command()),
        #[cfg(feature = "standalone")]
        Verb::Man(args) => manual::man(&args, TrainCli::command()),
        Verb::Lstm(args) => lstm(&args),
        Verb::Eval(args) => {
            let threads = threads(args.threads);
            eval::eval(&args, material::read(&args.from.data, threads)?, threads)
        }
        Verb::Keys(args) => keys(&args),
        Verb::Tempo(args) => tempo(&args),
        Verb::Pages(args) => pages::pages(&args),
        Verb::Composer(args) => composer::composer(&args),
        Verb::Harmonist(args) => harmonist::harmonist(&args),
        Verb::Listener(args) => listener::listener(&args),
        Verb::Jsb(args) => jsb::jsb(&args, threads(args.threads)),
        Verb::Learning(args) => learning::learning(&args),
        Verb::Bench(args) => bench::bench(&args, threads(args.threads), allocations),
    }
}

fn lstm(args: &LstmArgs) -> Result<()> {
    if let Some(recipe) = lstm_names::recipe(args) {
        return lstm_names::train(args, recipe);
    }
    if let Some(option) = args.names.typed() {
        bail!("{option} is for the recipes jazz and rock: add --recipe");
    }
    let data = material::parse(&args.data)?;
    let base = match &args.from {
        Some(name) if name.as_os_str() == builtin::NAME && !name.exists() => {
            Some(builtin::checkpoint()?)
        }
        Some(folder) => Some(Checkpoint::load(folder).context("--from")?),
        None => None,
    };
    let config = resolve(args, &data, base.as_ref())?;
    let job = Job {
        folder: args.out.clone(),
        threads: threads(args.threads),
        resume: args.resume,
        save_every: minutes(args.minutes_per_save),
        sources: sources(args, base.as_ref())?,
        usual: base
            .as_ref()
            .or(last(args).as_ref())
            .map_or_else(Vec::new, |b| b.manifest.usual.clone()),
        start: base.map(|b| b.parameters),
    };
    let sets = material::load(&data, &config, job.threads)?;
    let stop = stop_on_ctrl_c()?;
    if args.json {
        stop_at_end_of_input(&stop)?;
    }
    let config = match args.minutes {
        Some(typed) => paced(&config, sets.clone(), &job, minutes(typed), &stop)?,
        None => config,
    };
    let mut screen = Screen::new(args.json);
    let outcome = run(&config, sets, &job, &stop, &mut |event| screen.show(&event))?;
    screen.bar.finish_and_clear();
    let folder = args.out.display();
    if args.json {
        let (stopped, nats) = (outcome.stopped, outcome.best);
        tell(&json!({"event": "done", "stopped": stopped, "nats_per_note": nats}));
    } else if outcome.stopped {
        eprintln!(
            "stopped after step {} of {}; go on with:\n  sideman-train lstm --data {} --out {folder} --resume",
            outcome.step,
            config.steps,
            args.data.join(" --data ")
        );
    } else {
        let best = outcome.best.unwrap_or(f64::NAN);
        eprintln!("done: the best model has {best:.3} nats a note and is in {folder}/best");
    }
    Ok(())
}

/// Sets the flag when the standard input ends: whoever started this is gone, or wants it to stop.
fn stop_at_end_of_input(stop: &Arc<AtomicBool>) -> Result<()> {
    let flag = Arc::clone(stop);
    let wait = move || {
        // An input that can't be read has ended, too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        flag.store(true, Ordering::Relaxed);
    };
    std::thread::Builder::new().name("sideman-input".to_owned()).spawn(wait)?;
    Ok(())
}

/// One event as a line on the standard output. Nobody may be there to read it.
fn tell(event: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{event}").and_then(|()| out.flush());
}

/// A flag that the first Ctrl-C sets.
pub(super) fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // The second Ctrl-C does not wait for the step to end.
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// The settings: the defaults, or the run's own when it is resumed, with what was typed in their place.
fn resolve(args: &LstmArgs, data: &[Data], base: Option<&Checkpoint>) -> Result<TrainConfig> {
    check_folder(&args.out, args.resume)?;
    let mut config = if args.resume { read_config(&args.out)? } else { begin(data, base) };
    let before = config.clone();
    if let Some(recipe) = &args.recipe {
        config.recipe.clone_from(recipe);
    }
    let sets = material::sets(data, &args.weight)?;
    if !args.weight.is_empty()
        || !sets.iter().map(|s| &s.name).eq(config.sets.iter().map(|s| &s.name))
    {
        config.sets = sets;
    }
    if args.no_asks && base.is_some_and(|b| Inputs::of(b.manifest.config.features).asked) {
        bail!("--from: the model learnt to be asked: leave out --no-asks");
    }
    let model = &mut config.model;
    if let Some((layers, units)) = args.size.map(Size::layers_and_units) {
        (model.layers, model.hidden, model.embedding) = (layers, units, units);
    }
    set(&mut model.hidden, args.hidden);
    set(&mut model.layers, args.layers);
    set(&mut model.embedding, args.embedding);
    set(&mut model.dropout, args.dropout);
    set(&mut config.batch, args.batch);
    set(&mut config.window, args.window);
    set(&mut config.seed, args.seed);
    set(&mut config.valid_share, args.valid_share);
    set(&mut config.roles, args.roles);
    config.asks &= !args.no_asks;
    config.manners &= !args.no_manners;
    config.model.features = config.inputs().count();
    if args.resume && config != before {
        bail!(
            "--resume: {} was started with another model, data, roles, inputs, batch, window, seed or split ({CONFIG_FILE})",
            args.out.display()
        );
    }
    if let Some(base) = base.filter(|b| b.manifest.recipe != config.recipe) {
        bail!("--from: the model learnt '{}', not '{}'", base.manifest.recipe, config.recipe);
    }
    if let Some(base) = base.map(|b| b.parameters.config()).filter(|b| !alike(b, &config.model)) {
        bail!(
            "--from: the model has {} layers of {} units and an input of {}: leave out --size, --layers, --hidden and \
             --embedding",
            base.layers,
            base.hidden,
            base.embedding
        );
    }
    set(&mut config.steps, args.steps);
    set(&mut config.learning_rate, args.lr);
    set(&mut config.warm_up, args.warm_up);
    set(&mut config.cool_down, args.cool_down);
    set(&mut config.clip, args.clip);
    set(&mut config.valid_every, args.valid_every);
    set(&mut config.valid_pieces, args.valid_pieces);
    config.validate()?;
    Ok(config)
}

/// Whether the folder holds a run just where one is to go on.
pub(super) fn check_folder(out: &Path, resume: bool) -> Result<()> {
    let started = out.join(RESUME_FILE).exists();
    if resume && !started {
        bail!("{}: no run to resume here; leave --resume out to begin one", out.display());
    }
    if !resume && started {
        bail!("{}: holds a run already; add --resume, or choose another --out", out.display());
    }
    Ok(())
}

/// The settings of a new run before anything was typed.
fn begin(data: &[Data], base: Option<&Checkpoint>) -> TrainConfig {
    let mut config = TrainConfig::default();
    if let Some(base) = base {
        // What is there already is to be bent, not to be melted down.
        (config.steps, config.learning_rate) = (2_000, 5e-4);
        config.model = *base.parameters.config();
        config.from = Some(base.hash());
    }
    let old = base.map_or(&[][..], |b| &b.manifest.styles);
    config.styles = material::styles(old, data);
    config.model.features = config.inputs().count();
    config
}

/// Whether two networks differ in nothing but what can be trained on with.
fn alike(a: &LstmConfig, b: &LstmConfig) -> bool {
    LstmConfig { features: b.features, dropout: b.dropout, ..*a } == *b
}

/// The newest model of a run that is resumed.
fn last(args: &LstmArgs) -> Option<Checkpoint> {
    args.resume.then(|| Checkpoint::load(&args.out.join(LAST_FOLDER)).ok()).flatten()
}

/// Where the pieces come from: what was typed and what the model came with that the run begins with; or what the
/// run's own model says.
fn sources(args: &LstmArgs, base: Option<&Checkpoint>) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> =
        args.card_source.iter().map(|s| source(s)).collect::<Result<_>>()?;
    let own = last(args).filter(|_| sources.is_empty());
    for source in base.or(own.as_ref()).map_or(&[][..], |b| &b.manifest.corpus.sources) {
        if sources.iter().all(|s| s.name != source.name) {
            sources.push(source.clone());
        }
    }
    Ok(sources)
}

pub(super) fn set<T: Copy>(field: &mut T, typed: Option<T>) {
    if let Some(value) = typed {
        *field = value;
    }
}

/// Minutes as they were typed; what is no number is none.
pub(super) fn minutes(typed: f64) -> Duration {
    let minutes = if typed.is_nan() { 0.0 } else { typed.clamp(0.0, 1e6) };
    Duration::from_secs_f64(minutes * 60.0)
}

pub(super) fn threads(typed: Option<usize>) -> usize {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    typed.unwrap_or(all).clamp(1, 1_024)
}

pub(super) fn source(text: &str) -> Result<Source> {
    let trimmed = |(a, b): (&str, &str)| (a.trim().to_owned(), b.trim().to_owned());
    if let Some((name, rest)) = text.split_once(';').map(trimmed) {
        // A licence may hold a semicolon itself; an address does not.
        let (licence, url) = match rest.rsplit_once(';').map(trimmed) {
            Some((licence, url)) if url.contains("://") => (licence, url),
            _ => (rest, String::new()),
        };
        if !name.is_empty() && !licence.is_empty() {
            return Ok(Source { name, licence, url });
        }
    }
    bail!("--card-source '{text}': write 'NAME;LICENCE' or 'NAME;LICENCE;URL'")
}

/// Where the run is shown: a bar on a terminal, else a line now and then.
struct Screen {
    bar: ProgressBar,
    lines: bool,
    /// Events are told to a program instead.
    json: bool,
    /// When the last line was written, and tokens and nats since then.
    last: Instant,
    tokens: f64,
    nats: f64,
    steps: u64,
}

impl Screen {
    fn new(json: bool) -> Self {
        let lines = json || !std::io::stderr().is_terminal();
        let bar = if lines { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let style = "{wide_bar} {pos}/{len} steps, {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { bar, lines, json, last: Instant::now(), tokens: 0.0, nats: 0.0, steps: 0 }
    }

    fn say(&self, text: &str) {
        if self.json {
            return;
        }
        if self.lines {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    /// Tells a program of it, steps four times a second.
    fn tell(&mut self, event: &Event) {
        match event {
            Event::Started { step, steps, train_pieces, valid_pieces, .. } => {
                let pieces = train_pieces + valid_pieces;
                tell(&json!({"event": "started", "step": step, "steps": steps, "pieces": pieces}));
            }
            Event::Step { step, nats_per_token, .. } => {
                if self.last.elapsed() >= Duration::from_millis(250) {
                    self.last = Instant::now();
                    tell(&json!({"event": "step", "step": step, "nats_per_token": nats_per_token}));
                }
            }
            Event::Measured { step, measured, best } => {
                let nats = measured.metrics.nats_per_note;
                tell(
                    &json!({"event": "measured", "step": step, "nats_per_note": nats, "best": best}),
                );
            }
            Event::Saved { step } => tell(&json!({"event": "saved", "step": step})),
        }
    }

    fn show(&mut self, event: &Event) {
        if self.json {
            return self.tell(event);
        }
        match event {
            Event::Started { step, steps, parameters, train_pieces, valid_pieces } => {
                self.steps = *steps;
                self.bar.set_length(*steps);
                self.bar.set_position(*step);
                self.bar.reset_eta();
                self.last = Instant::now();
                self.say(&format!(
                    "step {step} of {steps}: {parameters} parameters, {train_pieces} pieces to train \
                     on, {valid_pieces} held out"
                ));
            }
            Event::Step { step, nats_per_token, tokens } => {
                self.tokens += *tokens as f64;
                self.nats += nats_per_token * *tokens as f64;
                self.bar.set_position(*step);
                let seconds = self.last.elapsed().as_secs_f64();
                if seconds >= if self.lines { LINE_SECONDS as f64 } else { 1.0 } {
                    let message = format!(
                        "{:.3} nats/token, {:.0} tokens/s",
                        self.nats / self.tokens.max(1.0),
                        self.tokens / seconds
                    );
                    if self.lines {
                        eprintln!("step {step} of {}: {message}", self.steps);
                    }
                    self.bar.set_message(message);
                    (self.last, self.tokens, self.nats) = (Instant::now(), 0.0, 0.0);
                }
            }
            Event::Measured { step, measured, best } => {
                let sets = measured.by_set.iter().map(|(name, nats)| format!(", {name} {nats:.3}"));
                self.say(&format!(
                    "step {step}: held out {:.3} nats/note, {:.3} nats/token{}{}",
                    measured.metrics.nats_per_note,
                    measured.metrics.nats_per_token,
                    sets.collect::<String>(),
                    if *best { ", the best so far" } else { "" }
                ));
            }
            Event::Saved { .. } => {}
        }
    }
}

/// The pieces to measure on.
pub(super) fn pieces(args: &PiecesArgs) -> Result<Vec<Piece>> {
    let corpus = material::read(&args.data, threads(None))?;
    if args.all {
        return Ok(shelf::take(&corpus.pieces)?);
    }
    let split = Split::new(corpus.pieces, args.valid_share, TrainConfig::default().seed)?;
    Ok(shelf::take(&split.valid)?)
}

fn tempo(args: &PiecesArgs) -> Result<()> {
    let pieces = pieces(args)?;
    let hints =
        [("told 10 % too slow", Some(0.9)), ("told 10 % too fast", Some(1.1)), ("told 120", None)];
    let found = hints.map(|(name, hint)| (name, tempo_following::measure(&pieces, hint)));
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    println!("{} melodies at 70 to 150, from the 17th beat on; shares of the onsets", pieces.len());
    for (name, f) in found {
        let percent = |n: usize| 100.0 * n as f64 / f.onsets.max(1) as f64;
        println!(
            "{name:>20}: right tempo {:.1} %, twice or half {:.1} %, on the half beats {:.1} %, on the beats {:.1} %",
            percent(f.right_tempo),
            percent(f.double_or_half),
            percent(f.on_half_beats),
            percent(f.on_beats)
        );
    }
    Ok(())
}

fn keys(args: &PiecesArgs) -> Result<()> {
    let found = key_following::measure(&pieces(args)?);
    if found.bars == 0 {
        bail!(
            "{}: no piece has chord symbols as markers and a melody over them",
            args.data.display()
        );
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    println!("{} pieces, {} bars from the fifth of the melody on", found.pieces, found.bars);
    println!("{:>36} {:.1} %", "bars with the right key", 100.0 * found.share());
    println!(
        "{:>36} {:.1} %",
        "chord tones in the followed key",
        percent(found.in_key_ticks, found.chord_ticks)
    );
    println!(
        "{:>36} {:.1} %",
        "chord tones in the reference key",
        percent(found.in_reference_ticks, found.chord_ticks)
    );
    Ok(())
}
