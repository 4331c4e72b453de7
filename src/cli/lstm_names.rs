//! `sideman-train lstm --recipe jazz|rock`: one run, a sweep over learning rates, or one trial of it.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::compare;
use crate::cli::train::{minutes, set, source, stop_on_ctrl_c, threads};
use crate::cli::train_args::LstmArgs;
use crate::train::names::config::ROCK_RATES;
use crate::train::names::{
    NamesData, NamesEvent, NamesJob, NamesOutcome, NamesTrainConfig, Recipe, run,
};
use crate::train::resume_file::RESUME_FILE;
use crate::train::run::CONFIG_FILE;

/// Seconds between lines where there is no terminal to draw a bar on.
const LINE_SECONDS: u64 = 30;
/// The picture of a sweep.
const COMPARE_FILE: &str = "compare.svg";

/// The recipe that was asked for, or that the run to be resumed is of; `None` for `duet`, and for what the
/// duet's own trainer will refuse.
pub(super) fn recipe(args: &LstmArgs) -> Option<Recipe> {
    if let Some(name) = &args.recipe {
        return Recipe::named(name);
    }
    let rates = rates(args, Recipe::Rock);
    let folders = std::iter::once(args.out.clone())
        .chain(rates.iter().map(|rate| trial_folder(&args.out, *rate)));
    folders.filter(|_| args.resume).find_map(|folder| {
        let json = fs::read(folder.join(CONFIG_FILE)).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&json).ok()?;
        Recipe::named(json["recipe"].as_str()?)
    })
}

/// Trains what was asked for.
pub(super) fn train(args: &LstmArgs, recipe: Recipe) -> Result<()> {
    refuse_duets(args, recipe)?;
    let rates = rates(args, recipe);
    let chosen: Vec<(PathBuf, Option<f64>)> = match (&args.names.trial, args.names.sweep) {
        (Some(_), true) => bail!("--trial is one part of a --sweep: leave one of them out"),
        (Some(trial), false) => {
            let rate = rates[nth_of(trial, rates.len())?];
            vec![(trial_folder(&args.out, rate), Some(rate))]
        }
        (None, true) => rates.iter().map(|r| (trial_folder(&args.out, *r), Some(*r))).collect(),
        (None, false) => vec![(args.out.clone(), None)],
    };
    if args.lr.is_some() && chosen.iter().any(|c| c.1.is_some()) {
        bail!("--lr is for one run: a sweep takes --lrs");
    }
    // A sweep that was cut short has trials that were not begun.
    let lenient = args.names.sweep;
    let mut runs = Vec::new();
    for (folder, rate) in chosen {
        let (config, resume) = resolve(args, recipe, &folder, rate, lenient)?;
        runs.push((folder, config, resume));
    }
    let stop = stop_on_ctrl_c()?;
    for (folder, config, resume) in &runs {
        if args.names.sweep {
            eprintln!("learning rate {}", config.learning_rate);
        }
        let outcome = one(args, config, folder, *resume, &stop)?;
        if outcome.stopped {
            eprintln!(
                "stopped after epoch {} of {}; go on with the same line and --resume",
                outcome.epochs, config.epochs
            );
            return Ok(());
        }
        if outcome.out_of_patience {
            eprintln!("no better loss for {} epochs", config.patience.unwrap_or_default());
        }
        eprintln!(
            "done: the best model has a loss of {:.4} and is in {}/best",
            outcome.best.unwrap_or(f64::NAN),
            folder.display()
        );
    }
    if args.names.sweep {
        let folders: Vec<PathBuf> = runs.into_iter().map(|(folder, _, _)| folder).collect();
        let out = args.out.join(COMPARE_FILE);
        compare::draw(&folders, &out)?;
        eprintln!("the loss curves are in {}", out.display());
    }
    Ok(())
}

fn one(
    args: &LstmArgs,
    config: &NamesTrainConfig,
    folder: &Path,
    resume: bool,
    stop: &AtomicBool,
) -> Result<NamesOutcome> {
    let sources = args.card_source.iter().map(|s| source(s)).collect::<Result<Vec<_>>>()?;
    let [data] = &args.data[..] else {
        bail!("--data: {} learns one folder", config.recipe.name())
    };
    let data = NamesData::load(Path::new(data), config, &sources)?;
    let report = &data.report;
    eprintln!(
        "{} files, {} parts ({} guessed), {} names of {} kinds; {} windows to train on, {} held out, {} too dull",
        report.files,
        report.parts,
        report.guessed.len(),
        report.names,
        report.vocabulary,
        report.train_windows,
        report.valid_windows,
        report.dropped_windows
    );
    eprintln!(
        "{} groups of near-duplicates with {} parts, {} windows more than once in a part{}",
        report.near_duplicate_groups,
        report.near_duplicate_parts,
        report.repeated_windows,
        if config.dedupe { ", weighted down" } else { "; --dedupe weights them down" }
    );
    let job = NamesJob {
        folder: folder.to_owned(),
        threads: threads(args.threads),
        resume,
        save_every: minutes(args.minutes_per_save),
    };
    let mut screen = Screen::new(config.epochs);
    let outcome = run(config, &data, &job, stop, &mut |event| screen.show(&event));
    screen.bar.finish_and_clear();
    Ok(outcome?)
}

/// What only the duet knows.
fn refuse_duets(args: &LstmArgs, recipe: Recipe) -> Result<()> {
    for (typed, name, instead) in [
        (args.steps.is_some(), "--steps", "--epochs"),
        (args.minutes.is_some(), "--minutes", "--epochs"),
        (args.size.is_some(), "--size", "--hidden"),
        (args.roles.is_some(), "--roles", "--parts"),
        (!args.weight.is_empty(), "--weight", "--dedupe"),
        (args.from.is_some(), "--from", "--resume"),
        (args.embedding.is_some(), "--embedding", "--hidden"),
        (args.warm_up.is_some(), "--warm-up", "--decay"),
        (args.cool_down.is_some(), "--cool-down", "--decay"),
        (args.valid_every.is_some(), "--valid-every", "--valid-share"),
        (args.valid_pieces.is_some(), "--valid-pieces", "--valid-share"),
    ] {
        if typed {
            bail!("{name} is for the duet recipe; {} has {instead}", recipe.name());
        }
    }
    Ok(())
}

fn rates(args: &LstmArgs, recipe: Recipe) -> Vec<f64> {
    match (&args.names.lrs[..], recipe) {
        ([], Recipe::Rock) => ROCK_RATES.to_vec(),
        ([], Recipe::Jazz) => vec![NamesTrainConfig::published(recipe).learning_rate],
        (rates, _) => rates.to_vec(),
    }
}

fn trial_folder(out: &Path, rate: f64) -> PathBuf {
    out.join(format!("lr-{rate}"))
}

/// The place in a list of `count` that `2/3` means, counted from 0.
fn nth_of(trial: &str, count: usize) -> Result<usize> {
    let numbers = trial.split_once('/').map(|(i, n)| (i.trim().parse(), n.trim().parse()));
    match numbers {
        Some((Ok(i), Ok(n))) if n == count && (1..=n).contains(&i) => Ok(i - 1),
        Some((Ok::<usize, _>(_), Ok(n))) if n != count => {
            bail!("--trial {trial}: the sweep has {count} learning rates (--lrs)")
        }
        _ => bail!("--trial {trial}: write the number of the trial and of all, as 1/{count}"),
    }
}

/// The settings of the run in a folder, and whether it goes on: as published, or the run's own when it is
/// resumed, with what was typed in their place.
fn resolve(
    args: &LstmArgs,
    recipe: Recipe,
    folder: &Path,
    rate: Option<f64>,
    lenient: bool,
) -> Result<(NamesTrainConfig, bool)> {
    let started = folder.join(RESUME_FILE).exists();
    if args.resume && !started && !lenient {
        bail!("{}: no run to resume here; leave --resume out to begin one", folder.display());
    }
    if !args.resume && started {
        bail!("{}: holds a run already; add --resume, or choose another --out", folder.display());
    }
    let resume = args.resume && started;
    let mut config = NamesTrainConfig::published(recipe);
    if resume {
        let path = folder.join(CONFIG_FILE);
        let json = fs::read(&path).with_context(|| path.display().to_string())?;
        config = serde_json::from_slice(&json).with_context(|| path.display().to_string())?;
    }
    let before = config.clone();
    let names = &args.names;
    config.recipe = recipe;
    set(&mut config.hidden, args.hidden);
    set(&mut config.layers, args.layers);
    set(&mut config.dropout, args.dropout);
    set(&mut config.batch, args.batch);
    set(&mut config.window, args.window);
    set(&mut config.seed, args.seed);
    set(&mut config.valid_share, args.valid_share);
    set(&mut config.learning_rate, rate.or(args.lr));
    set(&mut config.hop, names.hop);
    set(&mut config.unique_factor, names.unique_factor);
    set(&mut config.min_confidence, names.min_confidence);
    set(&mut config.dense, names.dense);
    set(&mut config.decay, names.decay);
    set(&mut config.watch, names.watch.map(Into::into));
    config.dedupe |= names.dedupe;
    config.clip = args.clip.or(config.clip);
    if let Some(parts) = &names.parts {
        config.parts.clone_from(parts);
    }
    if resume && config != before {
        bail!(
            "--resume: {} was started with other settings ({CONFIG_FILE}); only --epochs and --patience may be moved",
            folder.display()
        );
    }
    set(&mut config.epochs, names.epochs);
    config.patience = names.patience.or(config.patience);
    config.validate()?;
    Ok((config, resume))
}

/// Where the run is shown: a bar on a terminal, else a line now and then.
struct Screen {
    bar: ProgressBar,
    lines: bool,
    epochs: u64,
    steps_per_epoch: u64,
    /// When the rate was last taken, and windows since then.
    last: Instant,
    windows: usize,
}

impl Screen {
    fn new(epochs: u64) -> Self {
        let lines = !std::io::stderr().is_terminal();
        let bar = if lines { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, lines, epochs, steps_per_epoch: 1, last: Instant::now(), windows: 0 }
    }

    fn say(&self, text: &str) {
        if self.lines {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    fn show(&mut self, event: &NamesEvent) {
        match event {
            NamesEvent::Started { epoch, step_of_epoch, steps_per_epoch, parameters } => {
                self.steps_per_epoch = *steps_per_epoch;
                self.bar.set_length(self.epochs * steps_per_epoch);
                self.bar.set_position(epoch * steps_per_epoch + step_of_epoch);
                self.bar.reset_eta();
                self.last = Instant::now();
                self.say(&format!(
                    "epoch {epoch} of {}: {parameters} parameters, {steps_per_epoch} steps an epoch",
                    self.epochs
                ));
            }
            NamesEvent::Step { epoch, step_of_epoch, windows, score } => {
                self.windows += windows;
                self.bar.set_position(epoch * self.steps_per_epoch + step_of_epoch);
                let seconds = self.last.elapsed().as_secs_f64();
                if seconds >= if self.lines { LINE_SECONDS as f64 } else { 1.0 } {
                    let message = format!(
                        "epoch {}/{}, step {step_of_epoch}/{}: loss {:.4}, accuracy {:.1} %, {:.0} windows/s",
                        epoch + 1,
                        self.epochs,
                        self.steps_per_epoch,
                        score.nats / score.windows,
                        100.0 * score.right / score.windows,
                        self.windows as f64 / seconds
                    );
                    if self.lines {
                        eprintln!("{message}");
                    }
                    self.bar.set_message(message);
                    (self.last, self.windows) = (Instant::now(), 0);
                }
            }
            NamesEvent::Epoch { line, best } => {
                let valid = line.valid.map_or_else(String::new, |(loss, accuracy)| {
                    format!(", held out {loss:.4} and {:.1} %", 100.0 * accuracy)
                });
                self.say(&format!(
                    "epoch {}/{}: loss {:.4}, accuracy {:.1} %{valid}, {:.0} windows/s{}",
                    line.epoch,
                    self.epochs,
                    line.loss,
                    100.0 * line.accuracy,
                    line.windows_per_second,
                    if *best { ", the best so far" } else { "" }
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_counted_from_one() {
        assert_eq!(nth_of("1/3", 3).unwrap(), 0);
        assert_eq!(nth_of("3/3", 3).unwrap(), 2);
        for wrong in ["0/3", "4/3", "2/2", "2", "a/3", "-1/3", "/"] {
            assert!(nth_of(wrong, 3).is_err(), "{wrong}");
        }
    }
}
