//! What both parts sound like, as it is typed.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use clap::Args;

use crate::music::time::SampleRate;
use crate::standalone::Part;
use crate::standalone::sound::Sound;
use crate::standalone::sound_font::SoundFont;
use crate::standalone::synth::{LOUDEST_DB, PartSound, Patch, QUIETEST_DB, Sounds, Synth};

/// What both parts sound like.
#[derive(Args, Debug)]
#[command(next_help_heading = "What it sounds like")]
pub(crate) struct SoundArgs {
    /// Your sound: electric-piano, felt-piano, pad, bass or lead; with --soundfont also a program of it, as NUMBER,
    /// BANK:NUMBER or words of its name
    #[arg(long, value_name = "SOUND")]
    your_sound: Option<String>,
    /// Sideman's sound, chosen in the same way
    #[arg(long, value_name = "SOUND")]
    sideman_sound: Option<String>,
    /// Play programs of a SoundFont: 4 (electric piano) for you, 0 (piano) for Sideman, where nothing else is chosen;
    /// `sideman sounds --soundfont FILE.sf2` lists them
    #[arg(long, value_name = "FILE.sf2")]
    soundfont: Option<PathBuf>,
    /// How much louder or softer you are, -60 to 12
    #[arg(long, value_name = "DB", default_value_t = 0.0, allow_negative_numbers = true, value_parser = volume)]
    your_volume: f32,
    /// How much louder or softer Sideman is, -60 to 12
    #[arg(long, value_name = "DB", default_value_t = 0.0, allow_negative_numbers = true, value_parser = volume)]
    sideman_volume: f32,
}

fn volume(text: &str) -> Result<f32, String> {
    let db: f32 = text.parse().map_err(|_| "a number of decibels, like -6".to_owned())?;
    if (QUIETEST_DB..=LOUDEST_DB).contains(&db) {
        Ok(db)
    } else {
        Err(format!("{QUIETEST_DB} to {LOUDEST_DB} decibels"))
    }
}

impl SoundArgs {
    /// Whether anything was chosen.
    pub(crate) fn is_asked(&self) -> bool {
        let chosen = self.your_sound.is_some() || self.sideman_sound.is_some();
        let louder = self.your_volume.abs() + self.sideman_volume.abs() > 0.0;
        chosen || louder || self.soundfont.is_some()
    }

    /// The sound that was asked for.
    pub(crate) fn sound(&self, rate: SampleRate) -> anyhow::Result<Sound> {
        let font = self.soundfont.as_deref().map(|path| SoundFont::load(path, rate)).transpose()?;
        let mut sounds = Sounds::default();
        for part in [Part::Player, Part::Machine] {
            *sounds.of_mut(part) = self.part_sound(part, font.as_ref())?;
        }
        let mut synth = match &font {
            Some(font) => Synth::with_font(rate, font)?,
            None => Synth::new(rate),
        };
        synth.set_sounds(sounds);
        Ok(Sound::of(synth))
    }

    fn part_sound(&self, part: Part, font: Option<&SoundFont>) -> anyhow::Result<PartSound> {
        let (option, wanted, volume_db) = match part {
            Part::Player => ("--your-sound", &self.your_sound, self.your_volume),
            Part::Machine => ("--sideman-sound", &self.sideman_sound, self.sideman_volume),
        };
        let own = Sounds::default().of(part).patch;
        let patch = match (wanted, font) {
            (None, None) => own,
            (None, Some(font)) => {
                let first = font.program_or_first(own.general_midi().into());
                first.map_or(own, Patch::Font)
            }
            (Some(name), font) => match (Patch::built_in(name), font) {
                (Some(patch), _) => patch,
                (None, Some(font)) => Patch::Font(font.find(name)?),
                (None, None) => bail!(
                    "{option}: there is no sound '{name}'; there are {}, and with --soundfont its programs",
                    Patch::BUILT_IN.map(Patch::name).join(", ")
                ),
            },
        };
        Ok(PartSound { patch, volume_db })
    }
}

/// Lists the sounds, or those of a SoundFont.
pub(crate) fn list(font: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = font else {
        for patch in Patch::BUILT_IN {
            println!("{:<15} {}", patch.name(), patch.about());
        }
        println!("With --soundfont FILE.sf2: its programs.");
        return Ok(());
    };
    let font = SoundFont::load(path, SampleRate::new(48_000.0))?;
    ensure!(font.programs().next().is_some(), "{} has no programs", path.display());
    for (program, name) in font.programs() {
        println!("{:<8} {name}", program.to_string());
    }
    Ok(())
}
