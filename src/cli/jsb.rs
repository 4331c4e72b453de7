//! `sideman-train jsb`: the network on chorales, in the measures that polyphonic models are compared by.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::train_args::JsbArgs;
use crate::data::frames::Chorales;
use crate::model::LstmConfig;
use crate::train::chorale::training::{ChoraleConfig, train};
use crate::train::chorale::{Keyboard, Teller, Tossing, measure};

/// Trains, chooses by the valid pieces, measures the test pieces, prints.
pub(super) fn jsb(args: &JsbArgs, threads: usize) -> Result<()> {
    let chorales = Chorales::load(&args.data).context("--data")?;
    let config = ChoraleConfig {
        model: LstmConfig {
            hidden: args.hidden,
            embedding: args.embedding,
            layers: args.layers,
            dropout: args.dropout,
            ..LstmConfig::default()
        },
        keyboard: Keyboard::default(),
        epochs: args.epochs,
        patience: args.patience,
        batch: args.batch,
        learning_rate: args.lr,
        seed: args.seed,
    };
    config.validate()?;
    let bar = ProgressBar::new(config.epochs as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {msg}, {eta} left") {
        bar.set_style(style);
    }
    let mut epochs = 0;
    let parameters = train(&config, &chorales, threads, &mut |epoch| {
        epochs = epoch.number;
        let text = format!(
            "round {}: {:.3} nats a time step in training, {:.3} held out{}",
            epoch.number,
            epoch.train,
            epoch.valid.joint,
            if epoch.best { ", the best so far" } else { "" }
        );
        if bar.is_hidden() && args.log {
            eprintln!("{text}");
        }
        bar.set_message(text);
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    let teller = Teller::new(config.keyboard, &parameters);
    let valid = measure(&teller, &chorales.valid, None, threads)?;
    let tossing =
        (args.samples > 0).then(|| Tossing::new(args.samples, config.keyboard, &chorales.train));
    let test = measure(&teller, &chorales.test, tossing.as_ref(), threads)?;
    if args.json {
        let json = json!({
            "rounds": epochs,
            "parameters": parameters.values().len(),
            "valid": valid,
            "test": test,
        });
        println!("{}", serde_json::to_string_pretty(&json)?);
        return Ok(());
    }
    println!(
        "{} rounds over {} pieces, {} parameters",
        epochs,
        chorales.train.len(),
        parameters.values().len()
    );
    println!("nats a time step, {} time steps of {} test pieces", test.frames, chorales.test.len());
    println!("{:>36} {:.3} (valid {:.3})", "all keys together", test.joint, valid.joint);
    if let Some(keys) = test.keys {
        println!("{:>36} {keys:.3}", "each key a coin toss given the past");
    }
    Ok(())
}
