//! `sideman-train listener`: trains a network that names the style of what a player plays, and measures it.

mod following;
mod judging;

use anyhow::{Context, Result, bail, ensure};

use crate::cli::composer::{self, Screen};
use crate::cli::listener_args::{ListenerArgs, ListenerTrainArgs, ListenerVerb};
use crate::cli::material::{self, Data};
use crate::cli::train::{check_folder, minutes, set, stop_on_ctrl_c, threads};
use crate::model::image::checkpoint::LISTENER;
use crate::train::composer::run::{self, ComposerJob};
use crate::train::listener::{ListenerConfig, Playing, Style};
use crate::train::run::CONFIG_FILE;

/// Runs `listener`.
pub(crate) fn listener(args: &ListenerArgs) -> Result<()> {
    match &args.verb {
        ListenerVerb::Train(args) => train(args),
        ListenerVerb::Eval(args) => judging::eval(args),
    }
}

fn train(args: &ListenerTrainArgs) -> Result<()> {
    let data = named(&args.style)?;
    let config = resolve(args, &data)?;
    let threads = threads(args.threads);
    let styles = read(&data, config.valid_share, config.net.seed, threads)?;
    for Style { name, train, dev, test } in &styles {
        let [train, dev, test] = [train, dev, test].map(Vec::len);
        eprintln!("{name}: {train} pieces to learn from, {dev} to choose by, {test} held out");
    }
    let sources = composer::sources(&args.card_source, args.resume, &args.out, LISTENER)?;
    let job = ComposerJob {
        folder: args.out.clone(),
        threads,
        resume: args.resume,
        save_every: minutes(args.minutes_per_save),
        keep_all: false,
        sources,
    };
    let playing = Playing::new(&config, &styles)?;
    let stop = stop_on_ctrl_c()?;
    let mut screen = Screen::new(["image", "piece"]);
    let mut tell = |event| screen.show(&event);
    let outcome = run::run_on(&config.net, &playing, &config, &job, &stop, &mut tell)?;
    screen.bar.finish_and_clear();
    let folder = args.out.display();
    if outcome.stopped {
        eprintln!(
            "stopped after epoch {} of {}; go on with:\n  sideman-train listener train --style {} --out {folder} --resume",
            outcome.epochs,
            config.net.epochs,
            args.style.join(" --style ")
        );
    } else {
        let best = 100.0 * outcome.best.unwrap_or(f64::NAN);
        eprintln!("done: the best model names {best:.1} % of the images and is in {folder}/best");
    }
    Ok(())
}

/// Every `--style` as a name and a folder.
fn named(typed: &[String]) -> Result<Vec<Data>> {
    let data = material::parse(typed).context("--style")?;
    if let Some(nameless) = data.iter().find(|d| !d.named) {
        let folder = nameless.folder.display();
        bail!("--style {folder}: write NAME=DIR, with the name that the model gives the style");
    }
    Ok(data)
}

/// Reads the pieces of the styles and shares them out.
fn read(data: &[Data], share: f64, seed: u64, threads: usize) -> Result<Vec<Style>> {
    let style = |data: &Data| {
        let corpus = material::read(&data.folder, threads)?;
        Ok(Style::new(data.name.clone(), corpus.pieces, share, seed)?)
    };
    data.iter().map(style).collect()
}

/// The settings: the defaults, or the run's own when it is resumed, with what was typed in their place.
fn resolve(args: &ListenerTrainArgs, data: &[Data]) -> Result<ListenerConfig> {
    check_folder(&args.out, args.resume)?;
    let mut config = ListenerConfig {
        styles: data.iter().map(|d| d.name.clone()).collect(),
        ..ListenerConfig::default()
    };
    if args.resume {
        let path = args.out.join(CONFIG_FILE);
        let json = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let names = std::mem::take(&mut config.styles);
        config = serde_json::from_slice(&json).with_context(|| path.display().to_string())?;
        ensure!(
            config.styles == names,
            "--resume: the run was started with --style {}",
            config.styles.join(", ")
        );
    }
    let before = config.clone();
    let net = &mut config.net;
    set(&mut net.depth, args.depth);
    set(&mut net.channels, args.channels);
    set(&mut net.batch, args.batch);
    set(&mut net.learning_rate, args.lr);
    set(&mut net.decay, args.decay);
    set(&mut net.seed, args.seed);
    set(&mut config.images, args.images);
    set(&mut config.roles, args.roles);
    set(&mut config.valid_share, args.valid_share);
    if args.resume && config != before {
        bail!("--resume: {} was started with other settings ({CONFIG_FILE})", args.out.display());
    }
    set(&mut config.net.epochs, args.epochs);
    config.validate()?;
    Ok(config)
}
