//! Every setting by name: what it does, its unit, range and default, how it is written and read.
//!
//! The one list behind `--set name=value`, `sideman params` and preset files.

use serde::Serialize;

use crate::link::settings::{Grid, MAX_STYLE, Mode, Settings};
use crate::music::event::Channel;
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::Scale;
use crate::music::time::Tempo;

/// One setting.
pub struct Parameter {
    /// As users type it.
    pub name: &'static str,
    /// A sentence on what it does.
    pub about: &'static str,
    /// The unit of its value, or what kind of word it takes.
    pub unit: &'static str,
    /// What may be written: `low..high` or the words.
    pub range: &'static str,
    read: fn(&str, &mut Settings) -> Option<()>,
    write: fn(&Settings) -> String,
}

impl Parameter {
    /// Its value, as it is written.
    pub fn value(&self, settings: &Settings) -> String {
        (self.write)(settings)
    }
}

/// All of them, in the order shown to users.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "mode",
        about: "How Sideman takes part: under you, in answer to your phrases, in turns of bars, in harmony with \
                each note, or by itself.",
        unit: "mode",
        range: "accompany, answer, trade, harmonise, solo",
        read: |text, s| Mode::ALL.into_iter().find(|m| m.name() == text).map(|m| s.mode = m),
        write: |s| s.mode.name().to_owned(),
    },
    Parameter {
        name: "style",
        about: "The style to play in, of those that the model learnt apart: `sideman models` lists them. `own` is the model's.",
        unit: "number of the style",
        range: "own, 1..64",
        read: |text, s| {
            let style = if text == "own" { Some(0) } else { whole(text, 1, MAX_STYLE.into()) };
            style.map(|n| s.style = n)
        },
        write: |s| if s.style == 0 { "own".to_owned() } else { s.style.to_string() },
    },
    Parameter {
        name: "follow-style",
        about: "Play in the style that is heard in your playing, judged bar by bar, instead of style.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.follow_style = on),
        write: |s| on_off(s.follow_style),
    },
    Parameter {
        name: "active",
        about: "Whether Sideman plays at all; it listens in any case.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.active = on),
        write: |s| on_off(s.active),
    },
    Parameter {
        name: "temperature",
        about: "How freely it chooses: 1 is the model's own taste, lower is safer, higher is wilder.",
        unit: "factor",
        range: "0.05..2",
        read: |text, s| number(text, 0.05, 2.0).map(|x| s.temperature = x),
        write: |s| s.temperature.to_string(),
    },
    Parameter {
        name: "top-p",
        about: "Only the likeliest choices that together hold this share of the probability are considered.",
        unit: "share",
        range: "0.05..1",
        read: |text, s| number(text, 0.05, 1.0).map(|x| s.top_p = x),
        write: |s| s.top_p.to_string(),
    },
    Parameter {
        name: "density",
        about: "Fewer or more notes than the model would play.",
        unit: "share",
        range: "-1..1",
        read: |text, s| number(text, -1.0, 1.0).map(|x| s.density = x),
        write: |s| s.density.to_string(),
    },
    Parameter {
        name: "register-low",
        about: "The lowest key that Sideman plays.",
        unit: "key",
        range: "A0..C8",
        read: |text, s| key(text).map(|p| s.register_low = p),
        write: |s| s.register_low.to_string(),
    },
    Parameter {
        name: "register-high",
        about: "The highest key that Sideman plays.",
        unit: "key",
        range: "A0..C8",
        read: |text, s| key(text).map(|p| s.register_high = p),
        write: |s| s.register_high.to_string(),
    },
    Parameter {
        name: "polyphony",
        about: "How many of its notes may sound at once.",
        unit: "notes",
        range: "1..16",
        read: |text, s| whole(text, 1, 16).map(|n| s.polyphony = n),
        write: |s| s.polyphony.to_string(),
    },
    Parameter {
        name: "key",
        about: "The tonic of the scale that Sideman keeps to.",
        unit: "note name",
        range: "C..B",
        read: |text, s| text.parse::<PitchClass>().ok().map(|k| s.key = k),
        write: |s| s.key.to_string(),
    },
    Parameter {
        name: "scale",
        about: "Sideman plays no note outside this scale; chromatic lets all through.",
        unit: "scale",
        range: "chromatic, major, minor, harmonic-minor, melodic-minor, dorian, phrygian, lydian, mixolydian, \
                major-pentatonic, minor-pentatonic, blues, whole-tone, diminished",
        read: |text, s| Scale::ALL.into_iter().find(|x| x.name() == text).map(|x| s.scale = x),
        write: |s| s.scale.name().to_owned(),
    },
    Parameter {
        name: "seed",
        about: "The same input, seed, settings and model give the same notes.",
        unit: "number",
        range: "0..65535",
        read: |text, s| whole(text, 0, u32::from(u16::MAX)).map(|n| s.seed = n),
        write: |s| s.seed.to_string(),
    },
    Parameter {
        name: "reaction",
        about: "Time between what you play and the first note that takes it into account.",
        unit: "twelfths of a beat",
        range: "0..12",
        read: |text, s| whole(text, 0, 12).map(|n| s.reaction = n),
        write: |s| s.reaction.to_string(),
    },
    Parameter {
        name: "phrase-gap",
        about: "Silence after which your phrase counts as ended, and the answer begins.",
        unit: "twelfths of a beat",
        range: "3..96",
        read: |text, s| whole(text, 3, 96).map(|n| s.phrase_gap = n),
        write: |s| s.phrase_gap.to_string(),
    },
    Parameter {
        name: "tempo",
        about: "The tempo where no host or file tells one.",
        unit: "quarter notes a minute",
        range: "20..400",
        read: |text, s| number(text, 20.0, 400.0).map(|x| s.tempo = Tempo::new(f64::from(x))),
        write: |s| s.tempo.beats_per_minute().to_string(),
    },
    Parameter {
        name: "follow-tempo",
        about: "Where no transport rolls, tempo and beat are followed from your playing; tempo is where they begin.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.follow_tempo = on),
        write: |s| on_off(s.follow_tempo),
    },
    Parameter {
        name: "input-channel",
        about: "The MIDI channel that Sideman listens to.",
        unit: "MIDI channel",
        range: "all, 1..16",
        read: |text, s| {
            s.input = if text == "all" { None } else { Some(channel(text)?) };
            Some(())
        },
        write: |s| s.input.map_or("all".to_owned(), |c| (c.index() + 1).to_string()),
    },
    Parameter {
        name: "output-channel",
        about: "The MIDI channel that Sideman plays on.",
        unit: "MIDI channel",
        range: "1..16",
        read: |text, s| channel(text).map(|c| s.output = c),
        write: |s| (s.output.index() + 1).to_string(),
    },
    Parameter {
        name: "thru",
        about: "Whether what you play is passed on beside what Sideman plays.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.thru = on),
        write: |s| on_off(s.thru),
    },
    Parameter {
        name: "trade-bars",
        about: "Bars of one turn when you trade.",
        unit: "bars",
        range: "1..16",
        read: |text, s| whole(text, 1, 16).map(|n| s.trade_bars = n),
        write: |s| s.trade_bars.to_string(),
    },
    Parameter {
        name: "machine-first",
        about: "Whether Sideman has the first turn when you trade.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.machine_first = on),
        write: |s| on_off(s.machine_first),
    },
    Parameter {
        name: "voices",
        about: "How many notes join each of yours in harmony.",
        unit: "notes",
        range: "1..4",
        read: |text, s| whole(text, 1, 4).map(|n| s.voices = n),
        write: |s| s.voices.to_string(),
    },
    Parameter {
        name: "follow-key",
        about: "Keep to the key that is heard in the last bars, instead of key and scale.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.follow_key = on),
        write: |s| on_off(s.follow_key),
    },
    Parameter {
        name: "chord-lock",
        about: "While you hold three pitch classes or more, play only those.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.chord_lock = on),
        write: |s| on_off(s.chord_lock),
    },
    Parameter {
        name: "repeat-guard",
        about: "How strongly a key that was just played is avoided.",
        unit: "share",
        range: "0..1",
        read: |text, s| number(text, 0.0, 1.0).map(|x| s.repeat_guard = x),
        write: |s| s.repeat_guard.to_string(),
    },
    Parameter {
        name: "learning",
        about: "How far it takes over what it picks up from you: your figures, in any key.",
        unit: "share",
        range: "0..1",
        read: |text, s| number(text, 0.0, 1.0).map(|x| s.learning = x),
        write: |s| s.learning.to_string(),
    },
    Parameter {
        name: "grid",
        about: "Where notes may begin: anywhere, on sixteenths, on eighth triplets or on eighths.",
        unit: "grid",
        range: "free, straight, triplet, eighth",
        read: |text, s| Grid::ALL.into_iter().find(|g| g.name() == text).map(|g| s.grid = g),
        write: |s| s.grid.name().to_owned(),
    },
    Parameter {
        name: "swing",
        about: "How late off-beat eighths and sixteenths come: 1 makes triplets of them.",
        unit: "share",
        range: "0..1",
        read: |text, s| number(text, 0.0, 1.0).map(|x| s.swing = x),
        write: |s| s.swing.to_string(),
    },
    Parameter {
        name: "humanise",
        about: "How unevenly notes begin and sound: 1 is up to 20 ms late and 12 steps of velocity.",
        unit: "share",
        range: "0..1",
        read: |text, s| number(text, 0.0, 1.0).map(|x| s.humanise = x),
        write: |s| s.humanise.to_string(),
    },
    Parameter {
        name: "velocity-follow",
        about: "How far Sideman's dynamics follow yours.",
        unit: "share",
        range: "0..1",
        read: |text, s| number(text, 0.0, 1.0).map(|x| s.velocity_follow = x),
        write: |s| s.velocity_follow.to_string(),
    },
    Parameter {
        name: "follow-energy",
        about: "How far Sideman is carried along when you play more, or louder, than you did: more notes, louder ones.",
        unit: "share",
        range: "0..1",
        read: |text, s| number(text, 0.0, 1.0).map(|x| s.follow_energy = x),
        write: |s| s.follow_energy.to_string(),
    },
    Parameter {
        name: "note-length",
        about: "Makes notes shorter or longer than the model would play them.",
        unit: "factor",
        range: "0.1..2",
        read: |text, s| number(text, 0.1, 2.0).map(|x| s.note_length = x),
        write: |s| s.note_length.to_string(),
    },
    Parameter {
        name: "freeze",
        about: "Repeat the last two bars instead of going on.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.freeze = on),
        write: |s| on_off(s.freeze),
    },
    Parameter {
        name: "hold",
        about: "Let what sounds go on sounding, and begin nothing new.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.hold = on),
        write: |s| on_off(s.hold),
    },
    Parameter {
        name: "key-switches",
        about: "Your keys C-1 to E-1 choose the mode, F-1 taps a beat, and they are not heard.",
        unit: "switch",
        range: "on, off",
        read: |text, s| switch(text).map(|on| s.key_switches = on),
        write: |s| on_off(s.key_switches),
    },
];

/// A setting that could not be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// There is no `=`.
    #[error("'{0}' is not of the form name=value")]
    Form(String),
    /// No setting has this name.
    #[error("there is no setting '{0}'; `sideman params` lists them")]
    Unknown(String),
    /// The register is upside down.
    #[error("register-low is above register-high")]
    Crossed,
    /// The value is not one that the setting takes.
    #[error("{name} can't be '{value}': it takes {range} ({unit})")]
    Value {
        /// The setting.
        name: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        range: &'static str,
        /// Its unit.
        unit: &'static str,
    },
}

/// Where a line of `sideman params` is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the programs, in preset files and in the plugin.
    Everywhere,
    /// In the plugin only.
    Plugin,
    /// In the plugin, which writes it; hosts only show it.
    Reading,
}

/// A setting as `sideman params --json` lists it.
#[derive(Serialize, Debug)]
pub struct Listed {
    /// As users type it.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The unit of its value.
    pub unit: &'static str,
    /// What may be written.
    pub range: &'static str,
    /// Its value where nobody sets it.
    pub default: String,
    /// Its value in the settings that were listed.
    pub value: String,
    /// Where it is found.
    pub place: Place,
}

/// Makes one setting from `name=value`.
///
/// # Errors
/// [`ParameterError`] says in one line what may be written instead.
pub fn set(settings: &mut Settings, assignment: &str) -> Result<(), ParameterError> {
    let (name, value) =
        assignment.split_once('=').ok_or_else(|| ParameterError::Form(assignment.to_owned()))?;
    set_one(settings, name.trim(), value.trim())
}

/// Makes one setting from its name and its value.
///
/// # Errors
/// As [`set`].
pub fn set_one(settings: &mut Settings, name: &str, value: &str) -> Result<(), ParameterError> {
    let parameter = PARAMETERS
        .iter()
        .find(|p| p.name == name)
        .ok_or_else(|| ParameterError::Unknown(name.to_owned()))?;
    (parameter.read)(value, settings).ok_or_else(|| ParameterError::Value {
        name: parameter.name,
        value: value.to_owned(),
        range: parameter.range,
        unit: parameter.unit,
    })
}

/// All settings with their values.
pub fn list(settings: &Settings) -> Vec<Listed> {
    PARAMETERS
        .iter()
        .map(|p| Listed {
            name: p.name,
            about: p.about,
            unit: p.unit,
            range: p.range,
            default: (p.write)(&Settings::default()),
            value: (p.write)(settings),
            place: Place::Everywhere,
        })
        .collect()
}

fn number(text: &str, low: f32, high: f32) -> Option<f32> {
    text.parse().ok().filter(|x| (low..=high).contains(x))
}

fn whole<N: TryFrom<u32>>(text: &str, low: u32, high: u32) -> Option<N> {
    let n = text.parse().ok().filter(|n| (low..=high).contains(n))?;
    N::try_from(n).ok()
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn key(text: &str) -> Option<Pitch> {
    text.parse().ok().filter(|p| (Pitch::PIANO_LOW..=Pitch::PIANO_HIGH).contains(p))
}

fn channel(text: &str) -> Option<Channel> {
    whole::<u8>(text, 1, 16).map(|n| Channel::new(n - 1))
}

#[cfg(test)]
mod tests;
