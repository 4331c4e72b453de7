//! The command line of `sideman`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::OnceLock;

use anyhow::bail;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::cli::manual::{self, CompletionsArgs, ManArgs};
use crate::cli::{
    align, jam, live, live_config, models, play, ports, presets, recover, sound_args,
};
use crate::infer::model_slot::{ModelChoice, ModelSlot};
use crate::link::settings::Settings;
use crate::model::checkpoint::is_style_name;
use crate::model::device::DeviceChoice;
use crate::preset::file::Preset;
use crate::preset::{folder, host, parameter};
use crate::standalone::learnt::Learnt;
use crate::standalone::performance::Performance;

/// An improvising accompanist.
///
/// Without a command it is an instrument: plug a keyboard in and play.
#[derive(Parser, Debug)]
#[command(
    name = "sideman",
    version,
    args_conflicts_with_subcommands = true,
    args_override_self = true
)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    live: live::LiveArgs,
}

const EXAMPLES: &str = "Examples:
  sideman                                      play with Sideman: any MIDI keyboard, the default sound card
  sideman --from nord --to volca --mode trade  one keyboard, and an instrument of yours that plays the machine's part
  sideman --jack                               the same as a client of JACK
  sideman ports                                keyboards, MIDI outputs and sound cards that are here
  sideman jam                                  hear Sideman play along to the built-in tune
  sideman play melody.mid --out duet.mid       accompany the melody of a MIDI file
  sideman play melody.mid --out a.mid --mode answer --set temperature=0.8 --png a.png
  sideman play melody.mid --out b.mid --preset four-bar-trades --set trade-bars=2
  sideman presets                              all presets: what to play with before you know the settings
  sideman --soundfont gm.sf2 --sideman-sound 32  Sideman plays program 32 of a SoundFont; `sideman sounds` lists sounds
  sideman params                               all settings, their ranges and defaults";

#[derive(Subcommand, Debug)]
enum Command {
    /// Play along to a tune in real time, with a piano roll in the terminal
    Jam(jam::JamArgs),
    /// Improvise to the player's part of a MIDI file, as fast as the machine allows
    Play(play::PlayArgs),
    /// Make MIDI of what a session left that was cut off by a crash
    Recover(recover::RecoverArgs),
    /// Print the file of options, sideman.toml: where it lies, what it holds and what it may hold
    Config,
    /// List keyboards, MIDI outputs and sound cards
    Ports,
    /// Measure by how much an instrument outside is later than the built-in sound
    Align(align::AlignArgs),
    /// List the sounds that both parts can have
    Sounds {
        /// List the programs of a SoundFont instead
        #[arg(long, value_name = "FILE.sf2")]
        soundfont: Option<PathBuf>,
    },
    /// List the presets, those that come with Sideman and yours
    Presets {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the models, with what they learnt from
    Models {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what makes a shell complete these arguments
    Completions(CompletionsArgs),
    /// Print the page for man, or write one for every command
    Man(ManArgs),
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
    /// Begin with the settings of a preset, by its name or from a file; `sideman presets` lists them
    #[arg(long, value_name = "NAME|FILE.toml")]
    preset: Option<String>,
    /// How Sideman takes part: accompany, answer, trade, harmonise or solo
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// A model folder, or the name of a model; `sideman models` lists them. Default: the preset's, else duet
    #[arg(long, value_name = "DIR|NAME")]
    model: Option<PathBuf>,
    /// Where the model runs: auto (the fastest here), cpu, cpu-f32 (full precision), cuda, metal, or
    /// candle-cpu to compare
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: DeviceChoice,
    /// The same input, seed, settings and model give the same notes
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Play in the style that is heard in the player's part, judged bar by bar
    #[arg(long)]
    follow_style: bool,
    /// Make any setting, after the preset's; `sideman params` lists them, and style takes a name too. May be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
    /// Keep the settings as a preset of yours
    #[arg(long, value_name = "NAME")]
    save_preset: Option<String>,
    /// The preset, once it was read.
    #[arg(skip)]
    read: OnceLock<Preset>,
}

impl Playing {
    /// The settings that were asked for.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = self.preset()?.map_or(Settings::default(), |preset| preset.settings);
        for assignment in &self.sets {
            match assignment.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("style", name)) if is_style_name(name) => {
                    settings.style = models::style(&self.choice()?, name)?;
                }
                _ => parameter::set(&mut settings, assignment)?,
            }
        }
        settings.follow_style |= self.follow_style;
        if let Some(mode) = &self.mode {
            parameter::set(&mut settings, &format!("mode={mode}"))?;
        }
        if let Some(seed) = self.seed {
            parameter::set(&mut settings, &format!("seed={seed}"))?;
        }
        Ok(settings.sane())
    }

    /// The model that was asked for, known to be playable. If a preset was to be kept, it is kept now that all
    /// of it is known to be sound.
    pub(crate) fn models(&self) -> anyhow::Result<Arc<ModelSlot>> {
        let (preset, choice) = (self.preset()?, self.choice()?);
        if let Some(name) = &self.save_preset {
            presets::keep(name, preset, self.model_to_keep(&choice)?, &self.settings()?)?;
        }
        Ok(Arc::new(ModelSlot::on(choice, self.device)))
    }

    /// The model that was asked for.
    fn choice(&self) -> anyhow::Result<ModelChoice> {
        match (&self.model, self.preset()?.and_then(|p| p.model.as_deref())) {
            (Some(wanted), _) => models::choose(wanted),
            (None, Some(name)) => models::named(name),
            (None, None) => Ok(ModelChoice::Builtin),
        }
    }

    /// The preset that was asked for; its file is read once.
    fn preset(&self) -> anyhow::Result<Option<&Preset>> {
        if let (None, Some(wanted)) = (self.read.get(), &self.preset) {
            let _ = self.read.set(presets::choose(wanted)?);
        }
        Ok(self.read.get())
    }

    /// The model that a kept preset asks for: none where none was chosen.
    fn model_to_keep(&self, choice: &ModelChoice) -> anyhow::Result<Option<String>> {
        let name = folder::name_of(choice);
        match &self.model {
            Some(path) if name.is_none() => bail!(
                "a preset can ask only for a model in the folder that `sideman models` names: put '{}' there",
                path.display()
            ),
            None if *choice == ModelChoice::Builtin => Ok(None),
            _ => Ok(name),
        }
    }
}

/// Says why the model does not run where it was asked to.
pub(crate) fn warn_of_device(models: &ModelSlot) {
    let device = models.status().device;
    if let Some(problem) = device.problem {
        eprintln!("sideman: the model plays on the {}: {problem}", device.device);
    }
}

/// Says what was heard of the player's style, where that was to be followed.
pub(crate) fn tell_heard(performance: &Performance) {
    if performance.settings().follow_style {
        println!("heard: {}", performance.models().heard());
    }
}

/// Runs the program; errors are printed here, once, in one line.
pub fn main() -> ExitCode {
    match with_options() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sideman: {}", crate::cli::one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// Keeps a learnt control in the file of options, or in another one.
pub(crate) fn keep_learnt(one: &Learnt, file: Option<&Path>) -> anyhow::Result<PathBuf> {
    let file = file.map(|path| [OsStr::new("--config"), path.as_os_str()]);
    let mut typed: Vec<OsString> = vec!["sideman".into(), format!("--learn={one}").into()];
    typed.extend(file.into_iter().flatten().map(OsStr::to_owned));
    live_config::save(&Cli::command(), &typed)
}

/// Runs with the options of the file and those that were typed.
fn with_options() -> anyhow::Result<()> {
    let command = Cli::command();
    let typed: Vec<OsString> = std::env::args_os().collect();
    let cli = Cli::parse_from(live_config::with_config(&command, typed.clone())?);
    if cli.live.save_config {
        println!("Kept in {}.", live_config::save(&command, &typed)?.display());
    }
    match cli.command {
        Some(command) => run(command),
        None => live::run(&cli.live),
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Config => live_config::print(&Cli::command()),
        Command::Jam(args) => jam::run(&args),
        Command::Play(args) => play::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Ports => {
            ports::list();
            Ok(())
        }
        Command::Align(args) => align::run(&args),
        Command::Sounds { soundfont } => sound_args::list(soundfont.as_deref()),
        Command::Presets { json } => presets::list(json),
        Command::Models { json } => models::list(json),
        Command::Completions(args) => manual::completions(&args, Cli::command()),
        Command::Man(args) => manual::man(&args, Cli::command()),
        Command::Params { json } => params(json),
    }
}

fn params(json: bool) -> anyhow::Result<()> {
    let listed = host::list();
    if json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    for p in listed {
        println!("{} = {}    {} ({})\n    {}", p.name, p.default, p.range, p.unit, p.about);
    }
    Ok(())
}
