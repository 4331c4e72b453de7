//! The instrument outside that plays the machine's part: opened by name, and taken up again when it was away.

use midir::MidiOutputConnection;

use crate::standalone::keyboards::{fits, listed, output};
use crate::standalone::sender::Switch;

/// An instrument that was chosen by name. Look after it now and then.
pub struct Instrument {
    words: String,
    switch: Switch,
    /// Whether it was there when we looked last.
    there: bool,
    /// What was said when it could not be opened, so that it is said once.
    refused: bool,
}

impl Instrument {
    /// One that is there, and plays by the sender with this switch.
    pub const fn new(words: String, switch: Switch) -> Self {
        Self { words, switch, there: true, refused: false }
    }

    /// Finds whether it went or came back since the last time, and plays on it if it did: a line on what happened. Opens
    /// ports: not on the audio thread.
    pub fn refresh(&mut self) -> Option<String> {
        let scout = output().ok()?;
        let ports = scout.ports().into_iter().filter_map(|port| scout.port_name(&port).ok());
        let there = ports.into_iter().any(|name| fits(&name, &self.words));
        if there == self.there {
            return None;
        }
        if !there {
            (self.there, self.refused) = (false, false);
            return Some(format!("the instrument '{}' is gone", self.words));
        }
        match open(&self.words) {
            Ok(port) => {
                self.there = true;
                self.switch.go_on_to(port);
                Some(format!("plays to '{}' again", self.words))
            }
            Err(_) if self.refused => None,
            Err(why) => {
                self.refused = true;
                Some(why)
            }
        }
    }
}

/// Opens the output whose name holds these words, in whatever case.
///
/// # Errors
/// A line that names the ports there are.
pub fn open(words: &str) -> Result<MidiOutputConnection, String> {
    let output = output()?;
    let ports = output.ports();
    let names: Vec<String> =
        ports.iter().map(|p| output.port_name(p).unwrap_or_default()).collect();
    let Some(at) = names.iter().position(|name| fits(name, words)) else {
        return Err(format!("no MIDI output is called '{words}'; there are: {}", listed(&names)));
    };
    output.connect(&ports[at], "notes").map_err(|e| format!("{}: {e}", names[at]))
}

/// A port of ours that other programs may listen to, where the system has such.
///
/// # Errors
/// A line on why there is none.
#[cfg(unix)]
pub fn own() -> Result<MidiOutputConnection, String> {
    use midir::os::unix::VirtualOutput as _;
    output()?.create_virtual("notes").map_err(|e| e.to_string())
}

/// A port of ours that other programs may listen to, where the system has such.
///
/// # Errors
/// A line on why there is none.
#[cfg(not(unix))]
pub fn own() -> Result<MidiOutputConnection, String> {
    Err("this system has no virtual MIDI ports: choose an output with --to".to_owned())
}
