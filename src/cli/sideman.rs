//! The command line of `sideman`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::cli::{jam, play};
use crate::infer::builtin;
use crate::infer::model_slot::{ModelChoice, ModelSlot};
use crate::infer::net::playable;
use crate::link::settings::Settings;
use crate::model::Checkpoint;
use crate::model::device::DeviceChoice;
use crate::preset::parameter;

/// An improvising accompanist.
#[derive(Parser, Debug)]
#[command(name = "sideman", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  sideman jam                                  hear Sideman play along to the built-in tune
  sideman play melody.mid --out duet.mid       accompany the melody of a MIDI file
  sideman play melody.mid --out a.mid --mode answer --set temperature=0.8 --png a.png
  sideman params                               all settings, their ranges and defaults";

#[derive(Subcommand, Debug)]
enum Command {
    /// Play along to a tune in real time, with a piano roll in the terminal
    Jam(jam::JamArgs),
    /// Improvise to the player's part of a MIDI file, as fast as the machine allows
    Play(play::PlayArgs),
    /// List all settings with units, ranges and defaults
    Params {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What every way of playing takes.
#[derive(Args, Debug)]
pub(crate) struct Playing {
    /// How Sideman takes part: accompany or answer
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// A model folder, or the name of the model that Sideman carries
    #[arg(long, value_name = "DIR|NAME", default_value = builtin::NAME)]
    model: PathBuf,
    /// Where the model runs: auto (the fastest here), cpu, cpu-f16 (half precision), cuda, metal, or
    /// candle-cpu to compare
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: DeviceChoice,
    /// The same input, seed, settings and model give the same notes
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Make any setting; `sideman params` lists them. May be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
}

impl Playing {
    /// The settings that were asked for.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        for assignment in &self.sets {
            parameter::set(&mut settings, assignment)?;
        }
        if let Some(mode) = &self.mode {
            parameter::set(&mut settings, &format!("mode={mode}"))?;
        }
        if let Some(seed) = self.seed {
            parameter::set(&mut settings, &format!("seed={seed}"))?;
        }
        Ok(settings.sane())
    }

    /// The model that was asked for, known to be playable.
    pub(crate) fn models(&self) -> anyhow::Result<Arc<ModelSlot>> {
        let builtin = self.model.as_os_str() == builtin::NAME && !self.model.exists();
        let (choice, checkpoint) = if builtin {
            (ModelChoice::Builtin, builtin::checkpoint())
        } else {
            (ModelChoice::Folder(self.model.clone()), Checkpoint::load(&self.model))
        };
        checkpoint
            .and_then(|c| playable(&c).map(|_| ()))
            .with_context(|| format!("the model '{}' can't be used", self.model.display()))?;
        Ok(Arc::new(ModelSlot::on(choice, self.device)))
    }
}

/// Says why the model does not run where it was asked to.
pub(crate) fn warn_of_device(models: &ModelSlot) {
    let device = models.status().device;
    if let Some(problem) = device.problem {
        eprintln!("sideman: the model plays on the {}: {problem}", device.device);
    }
}

/// Runs the program; errors are printed here, once, in one line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sideman: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Jam(args) => jam::run(&args),
        Command::Play(args) => play::run(&args),
        Command::Params { json } => params(json),
    }
}

fn params(json: bool) -> anyhow::Result<()> {
    let listed = parameter::list(&Settings::default());
    if json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    for p in listed {
        println!("{} = {}    {} ({})\n    {}", p.name, p.value, p.range, p.unit, p.about);
    }
    Ok(())
}
