//! SoundFonts (`.sf2`): read within limits, and checked so that whatever they say, playing them can't fail.

mod structure;

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustysynth::{InstrumentRegion, LoopMode, Preset, PresetRegion, SampleHeader};

use crate::model::device::silent;
use crate::music::time::SampleRate;
use crate::standalone::synth::Program;

/// A SoundFont in memory. Copies share it.
#[derive(Clone, Debug)]
pub struct SoundFont {
    path: Arc<Path>,
    pub(in crate::standalone) font: Arc<rustysynth::SoundFont>,
    /// By program.
    voices: Arc<[Voice]>,
}

/// What a program is called, and which of its keys can be played.
#[derive(Clone, Debug)]
struct Voice {
    program: Program,
    name: String,
    /// A bit for each key.
    keys: u128,
}

/// Why a SoundFont can't be played.
#[derive(Debug, thiserror::Error)]
#[error("can't play the SoundFont {path}: {why}", path = path.display())]
pub struct SoundFontError {
    path: PathBuf,
    why: String,
}

/// Layers (a zone of a preset with a zone of its instrument) that one preset may have: all are looked through at each note.
const MAX_LAYERS: usize = 8_192;
/// Layers of all presets.
const MAX_ALL_LAYERS: usize = 200_000;
/// Samples of a recording that may pass in one sample of sound.
const MAX_SPEED: f32 = 65_536.0;

impl SoundFont {
    /// Reads a file, to be played at `rate`. Any thread but the audio thread.
    ///
    /// # Errors
    /// [`SoundFontError`] says in one line what is wrong with the file.
    pub fn load(path: &Path, rate: SampleRate) -> Result<Self, SoundFontError> {
        let failed = |why: String| SoundFontError { path: path.to_owned(), why };
        let file = File::open(path).map_err(|e| failed(e.to_string()))?;
        let len = file.metadata().map_err(|e| failed(e.to_string()))?.len();
        let mut file = BufReader::new(file);
        structure::check(&mut file, len).map_err(failed)?;
        file.rewind().map_err(|e| failed(e.to_string()))?;
        // The structure is sound; should the reader stumble over something else, it is the file's fault all the same.
        let read = || catch_unwind(AssertUnwindSafe(|| rustysynth::SoundFont::new(&mut file)));
        let font = match silent(read) {
            Ok(Ok(font)) => font,
            Ok(Err(why)) => return Err(failed(why.to_string())),
            Err(_) => return Err(failed("it is damaged".to_owned())),
        };
        let voices = voices(&font, rate).map_err(failed)?;
        Ok(Self { path: path.into(), font: Arc::new(font), voices: voices.into() })
    }

    /// An error that names the file.
    pub(in crate::standalone) fn failed(&self, why: String) -> SoundFontError {
        SoundFontError { path: self.path.to_path_buf(), why }
    }

    /// Its programs and their names, by number.
    pub fn programs(&self) -> impl Iterator<Item = (Program, &str)> {
        self.voices.iter().map(|voice| (voice.program, voice.name.as_str()))
    }

    /// Whether a key of a program can be played. Audio thread. No allocation, lock or syscall.
    pub(in crate::standalone) fn has(&self, program: Program, key: u8) -> bool {
        let found = self.voices.binary_search_by_key(&program, |voice| voice.program);
        found.is_ok_and(|at| self.voices[at].keys >> (key & 127) & 1 == 1)
    }

    /// The program that goes by a number, by `BANK:NUMBER`, or by words of its name.
    ///
    /// # Errors
    /// One line that says what there is instead.
    pub fn find(&self, wanted: &str) -> Result<Program, SoundFontError> {
        let wanted = wanted.trim();
        let number = |text: &str| text.trim().parse::<u16>().ok();
        let numbers = match wanted.split_once(':') {
            Some((bank, program)) => number(bank).zip(number(program)),
            None => number(wanted).map(|program| (0, program)),
        };
        if let Some((bank, number)) = numbers {
            let program = Program { bank, number };
            let there = self.programs().any(|(p, _)| p == program);
            let none = || self.failed(format!("it has no program {program}"));
            return there.then_some(program).ok_or_else(none);
        }
        let words = wanted.to_lowercase();
        let fits = |name: &str| name.to_lowercase().contains(&words);
        let named: Vec<_> = self.programs().filter(|(_, name)| fits(name)).collect();
        let exact = named.iter().find(|(_, name)| name.trim().eq_ignore_ascii_case(wanted));
        match (exact, named.as_slice()) {
            (Some((program, _)), _) | (None, [(program, _)]) => Ok(*program),
            (None, []) => Err(self.failed(format!("no program is called '{wanted}'"))),
            (None, several) => {
                let list: Vec<String> =
                    several.iter().take(8).map(|(p, name)| format!("{p} {name}")).collect();
                Err(self.failed(format!("'{wanted}' could be {}", list.join(", "))))
            }
        }
    }

    /// A program of bank 0, or the first there is.
    pub fn program_or_first(&self, number: u16) -> Option<Program> {
        let wanted = Program { bank: 0, number };
        let has = self.programs().any(|(program, _)| program == wanted);
        if has { Some(wanted) } else { self.voices.first().map(|voice| voice.program) }
    }
}

/// The programs, by number. Where two have the same the later counts, as it does for the synthesizer.
fn voices(font: &rustysynth::SoundFont, rate: SampleRate) -> Result<Vec<Voice>, String> {
    let mut voices: Vec<Voice> = Vec::new();
    let mut all_layers = 0;
    for preset in font.get_presets().iter().rev() {
        let layers: usize = pairs(font, preset).count();
        all_layers += layers;
        if layers > MAX_LAYERS || all_layers > MAX_ALL_LAYERS {
            return Err(format!("'{}' has too many layers to be played live", preset.get_name()));
        }
        let number = |n: i32| u16::try_from(n).unwrap_or(u16::MAX);
        let program = Program {
            bank: number(preset.get_bank_number()),
            number: number(preset.get_patch_number()),
        };
        if let Err(at) = voices.binary_search_by_key(&program, |voice| voice.program) {
            let name = preset.get_name().trim().to_owned();
            let keys = (0..128).filter(|key| is_playable(font, preset, *key, rate));
            let keys = keys.fold(0, |keys, key| keys | 1 << key);
            voices.insert(at, Voice { program, name, keys });
        }
    }
    Ok(voices)
}

/// Every zone of a preset with every zone of its instrument.
fn pairs<'a>(
    font: &'a rustysynth::SoundFont,
    preset: &'a Preset,
) -> impl Iterator<Item = (&'a PresetRegion, &'a InstrumentRegion)> {
    preset.get_regions().iter().flat_map(|zone| {
        let instrument = font.get_instruments().get(zone.get_instrument_id());
        let regions = instrument.map_or(&[][..], |instrument| instrument.get_regions());
        regions.iter().map(move |region| (zone, region))
    })
}

/// Whether no recording is read faster than its loop is long. The synthesizer would run off the end of the loop; and
/// what repeats within one sample is far above hearing.
fn is_playable(font: &rustysynth::SoundFont, preset: &Preset, key: i32, rate: SampleRate) -> bool {
    pairs(font, preset)
        .filter(|(zone, region)| {
            (zone.get_key_range_start()..=zone.get_key_range_end()).contains(&key)
                && (region.get_key_range_start()..=region.get_key_range_end()).contains(&key)
        })
        .all(|(zone, region)| {
            let looped = region.get_sample_end_loop() - region.get_sample_start_loop();
            let loops = !matches!(region.get_sample_modes(), LoopMode::NoLoop) && looped > 0;
            let most = if loops { 0.95 * looped as f32 } else { MAX_SPEED };
            let speed = fastest(font, (zone, region), key, rate);
            speed > 0.0 && speed < most.min(MAX_SPEED)
        })
}

/// Samples of the recording that pass in a sample of sound, at the highest point of vibrato and envelope.
fn fastest(
    font: &rustysynth::SoundFont,
    (zone, region): (&PresetRegion, &InstrumentRegion),
    key: i32,
    rate: SampleRate,
) -> f32 {
    let sum = |a: i32, b: i32| a as f32 + b as f32;
    let swing = [
        sum(zone.get_vibrato_lfo_to_pitch(), region.get_vibrato_lfo_to_pitch()),
        sum(zone.get_modulation_lfo_to_pitch(), region.get_modulation_lfo_to_pitch()),
        sum(zone.get_modulation_envelope_to_pitch(), region.get_modulation_envelope_to_pitch()),
    ];
    let swing = swing.iter().map(|cents| cents.abs()).sum::<f32>() / 100.0;
    let cents_a_key = sum(zone.get_scale_tuning(), region.get_scale_tuning());
    let above_root = (key - region.get_root_key()) as f32;
    let cents = cents_a_key * above_root
        + cents_a_key.abs() * swing
        + 100.0 * sum(zone.get_coarse_tune(), region.get_coarse_tune())
        + sum(zone.get_fine_tune(), region.get_fine_tune());
    let recorded = font.get_sample_headers().get(region.get_sample_id());
    let recorded = recorded.map_or(0, SampleHeader::get_sample_rate);
    recorded as f32 / rate.hertz() as f32 * (cents / 1_200.0).exp2()
}
