//! A preset: settings with a name and a word on what they are for, and its TOML file.
//!
//! ```toml
//! format = 1
//! name = "High sparkle"
//! author = "Sideman"
//! about = "Short bright notes high above what you play."
//!
//! [settings]
//! register-low = "C5"
//! note-length = 0.5
//! ```
//!
//! A setting that is not written has its default. `model`, beside `name`, asks for a model by name.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use toml::{Table, Value};

use crate::link::settings::Settings;
use crate::preset::migrate::{FORMAT, migrate};
use crate::preset::parameter::{self, ParameterError};

/// The most bytes of a file: many times what a preset with every setting and full texts takes.
pub const MAX_BYTES: u64 = 64 << 10;

/// The most characters of a name, an author or a model's name: what a menu shows in one line.
pub const MAX_NAME: usize = 60;

/// The most characters of `about`.
pub const MAX_ABOUT: usize = 240;

/// The most characters of a stranger's text that a message repeats.
const MAX_SHOWN: usize = 60;

/// A preset.
#[derive(Clone, PartialEq, Debug)]
pub struct Preset {
    /// What it is called: one line of at most [`MAX_NAME`] characters.
    pub name: String,
    /// Who made it; may be empty.
    pub author: String,
    /// A sentence that tells a musician what it does; may be empty.
    pub about: String,
    /// The model that it is made for, by the name of its folder; none leaves the choice as it is.
    pub model: Option<String>,
    /// All settings, those included that the file leaves out.
    pub settings: Settings,
}

/// What is wrong with a preset, in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PresetError {
    /// The file can't be read or written.
    #[error("{0}")]
    Io(String),
    /// The path is a folder or a device.
    #[error("it is not a file")]
    NotAFile,
    /// It has more than [`MAX_BYTES`].
    #[error("it is larger than {} KiB: a preset holds only settings", MAX_BYTES >> 10)]
    TooLarge,
    /// It is not text.
    #[error("it is not UTF-8 text: save it as UTF-8")]
    NotText,
    /// It is not TOML.
    #[error("line {line}: {reason}")]
    Toml {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// It does not say its format.
    #[error("there is no line 'format = {FORMAT}': is it a preset of Sideman?")]
    NoFormat,
    /// It is of a format that is not known here.
    #[error("it is of format {found}, and this Sideman reads 0 to {FORMAT}: update Sideman")]
    Format {
        /// What it says.
        found: i64,
    },
    /// It says something that no preset says, or leaves out its name.
    #[error("{0}")]
    Field(String),
    /// A text is empty, too long or of more than one line.
    #[error("the {field} must be one line of {least} to {most} characters")]
    Text {
        /// Which.
        field: &'static str,
        /// The fewest characters.
        least: usize,
        /// The most characters.
        most: usize,
    },
    /// The model is not named by a plain folder name.
    #[error("'{0}' is not the name of a model: `sideman models` lists them")]
    Model(String),
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] ParameterError),
    /// A setting is a list, a table or a date.
    #[error("{0} takes one value, like 0.5, \"C4\" or true")]
    NotOneValue(String),
    /// The register is upside down.
    #[error("register-low is above register-high: swap them")]
    Register,
    /// No preset has this name.
    #[error("there is no preset '{0}'; `sideman presets` lists them")]
    Unknown(String),
    /// Another preset has this name already.
    #[error("the name '{0}' is taken: choose another")]
    Taken(String),
    /// There is nowhere to keep presets.
    #[error("this system has no folder for settings: name one in SIDEMAN_PRESETS")]
    NoFolder,
}

/// The file, word for word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "format")]
    _format: i64,
    name: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    about: String,
    model: Option<String>,
    #[serde(default)]
    settings: Table,
}

impl Preset {
    /// These settings with the preset's in place. Where Sideman listens and plays, and in whose time, is the song's
    /// business: it stays, unless the preset says something of it.
    pub fn over(&self, settings: &Settings) -> Settings {
        let (start, s) = (Settings::default(), self.settings);
        Settings {
            active: if s.active == start.active { settings.active } else { s.active },
            tempo: if s.tempo == start.tempo { settings.tempo } else { s.tempo },
            follow_tempo: if s.follow_tempo == start.follow_tempo {
                settings.follow_tempo
            } else {
                s.follow_tempo
            },
            key_switches: settings.key_switches || s.key_switches,
            input: settings.input,
            output: settings.output,
            thru: settings.thru,
            ..s
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Whatever is wrong with it, in one line. No file makes it panic or read more than [`MAX_BYTES`].
    pub fn load(path: &Path) -> Result<Self, PresetError> {
        // Asked before it is opened: opening a pipe would wait for its writer.
        if !fs::metadata(path).map_err(io)?.is_file() {
            return Err(PresetError::NotAFile);
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
        Self::from_bytes(&bytes)
    }

    /// Reads the contents of a file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PresetError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(PresetError::TooLarge);
        }
        let text = str::from_utf8(bytes).map_err(|_| PresetError::NotText)?;
        let mut table: Table = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            PresetError::Toml { line, reason: shown(error.message(), 2 * MAX_SHOWN) }
        })?;
        migrate(&mut table)?;
        let written: Written = table.try_into().map_err(field)?;
        let mut settings = Settings::default();
        for (name, value) in &written.settings {
            let name = shown(name, MAX_SHOWN);
            let value = match value {
                Value::String(text) => shown(text, MAX_SHOWN),
                Value::Integer(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                Value::Boolean(on) => on.to_string(),
                Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                    return Err(PresetError::NotOneValue(name));
                }
            };
            parameter::set_one(&mut settings, &name, &value)?;
        }
        let Written { name, author, about, model, .. } = written;
        let preset = Self { name, author, about, model, settings };
        preset.check()?;
        Ok(preset)
    }

    /// The contents of a file: the settings that differ from their defaults, in the order of
    /// [`parameter::PARAMETERS`].
    ///
    /// # Errors
    /// When a text or a setting is one that no file may hold.
    pub fn to_toml(&self) -> Result<String, PresetError> {
        self.check()?;
        toml::to_string(self).map_err(field)
    }

    /// Writes a file, by way of one beside it that is renamed when it is complete. Folders are made as needed.
    ///
    /// # Errors
    /// As [`Self::to_toml`], or [`PresetError::Io`]; what was there before then stays.
    pub fn save(&self, path: &Path) -> Result<(), PresetError> {
        let text = self.to_toml()?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(io)?;
        let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        beside.write_all(text.as_bytes()).map_err(io)?;
        beside.as_file().sync_all().map_err(io)?;
        beside.persist(path).map_err(|error| io(error.error))?;
        Ok(())
    }

    /// The settings that differ from `others`, as name and value.
    pub fn differences(&self, others: &Settings) -> Vec<(&'static str, String)> {
        let others = parameter::list(others);
        let own = parameter::list(&self.settings);
        own.into_iter()
            .zip(others)
            .filter(|(own, other)| own.value != other.value)
            .map(|(own, _)| (own.name, own.value))
            .collect()
    }

    fn check(&self) -> Result<(), PresetError> {
        for (field, text, least, most) in [
            ("name", self.name.as_str(), 1, MAX_NAME),
            ("author", &self.author, 0, MAX_NAME),
            ("about", &self.about, 0, MAX_ABOUT),
        ] {
            let long_enough = (least..=most).contains(&text.chars().count());
            if !long_enough || text.trim() != text || text.chars().any(char::is_control) {
                return Err(PresetError::Text { field, least, most });
            }
        }
        if let Some(model) = self.model.as_deref().filter(|model| !is_folder_name(model)) {
            return Err(PresetError::Model(shown(model, MAX_SHOWN)));
        }
        if self.settings.register_low > self.settings.register_high {
            return Err(PresetError::Register);
        }
        Ok(())
    }
}

impl Serialize for Preset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Differing<'a>(&'a Preset);
        impl Serialize for Differing<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let differing = self.0.differences(&Settings::default());
                serializer
                    .collect_map(differing.into_iter().map(|(name, text)| (name, value(text))))
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format", &FORMAT)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("author", &self.author)?;
        map.serialize_entry("about", &self.about)?;
        if let Some(model) = &self.model {
            map.serialize_entry("model", model)?;
        }
        map.serialize_entry("settings", &Differing(self))?;
        map.end()
    }
}

/// Whether a text can be the name of a folder inside another, on every system.
pub fn is_folder_name(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " ._-+".contains(c);
    (1..=MAX_NAME).contains(&text.chars().count())
        && text.chars().all(plain)
        && !text.starts_with(['.', ' '])
        && !text.ends_with(['.', ' '])
}

/// A setting's text as the kind of value that a person would write in TOML.
fn value(text: String) -> Value {
    match text.as_str() {
        "on" => Value::Boolean(true),
        "off" => Value::Boolean(false),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::Integer(number),
            (_, Ok(number)) if number.is_finite() => Value::Float(number),
            _ => Value::String(text),
        },
    }
}

/// A stranger's text fit for a message: one line, not too long. Where it had to be changed it ends in `…`,
/// which no value does, so that what is refused whole is not taken in part.
fn shown(text: &str, most: usize) -> String {
    let changed = text.chars().count() > most || text.chars().any(char::is_control);
    let mut line: String =
        text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if changed {
        line.push('…');
    }
    line
}

/// What serde says, which may span lines: what is wrong, and in which field.
fn field(error: impl std::fmt::Display) -> PresetError {
    let words: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
    PresetError::Field(shown(&words.join(" "), 3 * MAX_SHOWN))
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn io(error: std::io::Error) -> PresetError {
    PresetError::Io(error.to_string())
}
