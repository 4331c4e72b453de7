//! `sideman-train composer`: trains a network that names the composer of a row of sheet music; its other verbs measure
//! it, ask it, and look into it.

mod eval;
mod explain;
mod explain_page;
mod leaks;
mod looks;
mod page_picture;
mod predict;

use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::composer_args::{ComposerArgs, ComposerTrainArgs, ComposerVerb};
use crate::cli::train::{check_folder, minutes, set, source, stop_on_ctrl_c, threads};
use crate::data::rows::Gallery;
use crate::model::checkpoint::{MANIFEST_FILE, Source};
use crate::model::image::checkpoint::{ImageCheckpoint, ImageManifest, RECIPE};
use crate::train::composer::ComposerConfig;
use crate::train::composer::run::{self, ComposerEvent, ComposerJob, Line};
use crate::train::run::{BEST_FOLDER, CONFIG_FILE, LAST_FOLDER};

/// Images that are judged at a time.
const BATCH: usize = 32;
/// Seconds between lines where there is no terminal to draw a bar on.
const LINE_SECONDS: u64 = 30;

/// Runs `composer`.
pub(crate) fn composer(args: &ComposerArgs) -> Result<()> {
    match &args.verb {
        ComposerVerb::Train(args) => train(args),
        ComposerVerb::Eval(args) => eval::eval(args),
        ComposerVerb::Predict(args) => predict::predict(args),
        ComposerVerb::Explain(args) => explain::explain(args),
        ComposerVerb::Leaks(args) => leaks::leaks(args),
    }
}

fn train(args: &ComposerTrainArgs) -> Result<()> {
    let config = resolve(args)?;
    let threads = threads(args.threads);
    let gallery = load(&args.rows, &config, threads)?;
    let sources = sources(&args.card_source, args.resume, &args.out, RECIPE)?;
    let job = ComposerJob {
        folder: args.out.clone(),
        threads,
        resume: args.resume,
        save_every: minutes(args.minutes_per_save),
        keep_all: args.keep_all,
        sources,
    };
    let [train, dev, test] = gallery.sides.each_ref().map(|s| s.labels.len());
    eprintln!(
        "{} composers; rows: {train} to learn from, {dev} to choose by, {test} held out",
        gallery.composers.len()
    );
    let stop = stop_on_ctrl_c()?;
    let mut screen = Screen::new(["row", "work"]);
    let outcome = run::run(&config, &gallery, &job, &stop, &mut |event| screen.show(&event))?;
    screen.bar.finish_and_clear();
    let folder = args.out.display();
    if outcome.stopped {
        eprintln!(
            "stopped after epoch {} of {}; go on with:\n  sideman-train composer train --rows {} --out {folder} --resume",
            outcome.epochs,
            config.epochs,
            args.rows.display()
        );
    } else {
        let best = 100.0 * outcome.best.unwrap_or(f64::NAN);
        eprintln!("done: the best model names {best:.1} % of the rows and is in {folder}/best");
    }
    Ok(())
}

/// Where the pictures come from: what was typed, or else what the run's own model says when it is resumed.
pub(super) fn sources(
    typed: &[String],
    resume: bool,
    out: &Path,
    recipe: &str,
) -> Result<Vec<Source>> {
    let sources: Vec<Source> = typed.iter().map(|s| source(s)).collect::<Result<_>>()?;
    if sources.is_empty() && resume {
        let own = ImageCheckpoint::load_as(recipe, &out.join(LAST_FOLDER));
        return Ok(own.map(|m| m.manifest.corpus.sources).unwrap_or_default());
    }
    Ok(sources)
}

/// The settings: as published, or the run's own when it is resumed, with what was typed in their place.
fn resolve(args: &ComposerTrainArgs) -> Result<ComposerConfig> {
    check_folder(&args.out, args.resume)?;
    let mut config = ComposerConfig::default();
    if args.resume {
        let path = args.out.join(CONFIG_FILE);
        let json = std::fs::read(&path).with_context(|| path.display().to_string())?;
        config = serde_json::from_slice(&json).with_context(|| path.display().to_string())?;
    }
    let before = config.clone();
    set(&mut config.depth, args.depth);
    set(&mut config.height, args.height);
    set(&mut config.width, args.width);
    set(&mut config.batch, args.batch);
    set(&mut config.optimiser, args.optimiser.map(Into::into));
    set(&mut config.learning_rate, args.lr);
    set(&mut config.decay, args.decay);
    set(&mut config.seed, args.seed);
    config.augment |= args.augment;
    if args.resume && config != before {
        bail!("--resume: {} was started with other settings ({CONFIG_FILE})", args.out.display());
    }
    set(&mut config.epochs, args.epochs);
    config.validate()?;
    Ok(config)
}

fn load(rows: &Path, config: &ComposerConfig, threads: usize) -> Result<Gallery> {
    let bar = bar("{wide_bar} {pos}/{len} rows, {per_sec}");
    let tell = |more: usize, all: usize| {
        bar.set_length(all as u64);
        bar.inc(more as u64);
    };
    let gallery = Gallery::load(rows, (config.height, config.width), threads, &tell);
    bar.finish_and_clear();
    gallery.map_err(|e| anyhow!("--rows: {e}"))
}

fn bar(template: &str) -> ProgressBar {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Shows what happens: a bar, or a line now and then.
pub(super) struct Screen {
    pub(super) bar: ProgressBar,
    /// What images are called, and what they come from.
    nouns: [&'static str; 2],
    last: Instant,
    /// Images and seconds since the run began.
    images: usize,
    start: Instant,
}

impl Screen {
    pub(super) fn new(nouns: [&'static str; 2]) -> Self {
        let bar = bar("{wide_bar} {pos}/{len} steps, {msg}, {eta} left");
        Self { bar, nouns, last: Instant::now(), images: 0, start: Instant::now() }
    }

    pub(super) fn show(&mut self, event: &ComposerEvent) {
        match event {
            ComposerEvent::Started { epoch, steps_per_epoch, parameters } => {
                self.bar.set_length(*steps_per_epoch);
                self.say(&format!(
                    "after epoch {epoch}: {parameters} parameters, {steps_per_epoch} steps an epoch"
                ));
            }
            ComposerEvent::Step { epoch, step_of_epoch, so_far: (nats, right), images } => {
                self.images += images;
                let rate = self.images as f64 / self.start.elapsed().as_secs_f64();
                let text = format!(
                    "epoch {}: loss {nats:.3}, {:.1} % right, {rate:.1} images/s",
                    epoch + 1,
                    100.0 * right
                );
                self.bar.set_position(*step_of_epoch);
                self.bar.set_message(text.clone());
                if self.bar.is_hidden() && self.last.elapsed().as_secs() >= LINE_SECONDS {
                    eprintln!("step {step_of_epoch} of {text}");
                    self.last = Instant::now();
                }
            }
            ComposerEvent::Epoch { line, best } => {
                let Line { epoch, train, dev, images_per_second, .. } = line;
                let dev = dev.map_or_else(String::new, |(nats, right, by_work)| {
                    let ([image, work], right, by_work) =
                        (self.nouns, 100.0 * right, 100.0 * by_work);
                    format!(
                        "; to choose by: {nats:.3}, {right:.1} % of {image}s, {by_work:.1} % of {work}s"
                    )
                });
                self.say(&format!(
                    "epoch {epoch}: loss {:.3}, {:.1} % right{dev}, {images_per_second:.1} images/s{}",
                    train.0,
                    100.0 * train.1,
                    if *best { ", the best so far" } else { "" }
                ));
            }
        }
    }

    fn say(&self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }
}

/// A model: that of a folder, or the best of a run.
fn open(path: &Path) -> Result<ImageCheckpoint> {
    let own = path.join(MANIFEST_FILE).exists();
    let folder = if own { path.to_path_buf() } else { path.join(BEST_FOLDER) };
    ImageCheckpoint::load(&folder).context("--model")
}

/// Rows must be of those whom the model knows.
fn same_composers(manifest: &ImageManifest, composers: &[String]) -> Result<()> {
    ensure!(
        *composers == manifest.classes,
        "--rows: the model knows {}, the rows are of {}",
        manifest.classes.join(", "),
        composers.join(", ")
    );
    Ok(())
}
