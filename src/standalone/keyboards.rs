//! MIDI keyboards by the system's own MIDI (ALSA, `CoreMIDI`, Windows): all of them or chosen ones, heard together, coming
//! and going as they are plugged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use midir::{Ignore, MidiInput, MidiInputConnection, MidiOutput};
use parking_lot::Mutex;

use crate::standalone::arrivals::Door;
use crate::standalone::card_face::quiet;
use crate::standalone::held::Held;
use crate::standalone::wire::Wire;

/// What the system calls us; ports of this name are never listened to.
pub const CLIENT: &str = "Sideman";

/// The keyboards that are listened to.
pub struct Keyboards {
    door: Door,
    wanted: Vec<String>,
    open: BTreeMap<String, Keyboard>,
    /// Those that could not be heard, so that it is said once.
    refused: BTreeSet<String>,
    /// A port of ours that other programs may send to.
    _own: Option<MidiInputConnection<Ear>>,
}

struct Keyboard {
    name: String,
    held: Arc<Mutex<Held>>,
    /// Dropping it ends the listening.
    connection: MidiInputConnection<Ear>,
}

/// What a listening thread has.
struct Ear {
    door: Door,
    held: Arc<Mutex<Held>>,
}

/// Something that happened to a keyboard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plugged {
    /// It is heard from now on.
    In(String),
    /// It is gone, and what it held has ended.
    Out(String),
    /// It is there, but can't be heard: why.
    Refused(String, String),
}

/// The names of the ports that can be heard and played to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ports {
    /// Keyboards.
    pub inputs: Vec<String>,
    /// Instruments.
    pub outputs: Vec<String>,
}

/// Lists the system's MIDI ports.
///
/// # Errors
/// A line on why there is no MIDI here.
pub fn ports() -> Result<Ports, String> {
    let (input, output) = (input()?, output()?);
    let inputs = input.ports().into_iter().filter_map(|p| input.port_name(&p).ok());
    let outputs = output.ports().into_iter().filter_map(|p| output.port_name(&p).ok());
    Ok(Ports { inputs: inputs.collect(), outputs: outputs.collect() })
}

/// Names in a line.
pub fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Keyboards {
    /// Listens to nobody yet: call [`Self::refresh`] now and then. `wanted` are parts of names; all keyboards are heard
    /// where it is empty. Where the system has virtual ports, one named Sideman is opened too.
    ///
    /// # Errors
    /// A line on why there is no MIDI here.
    pub fn new(door: Door, wanted: Vec<String>) -> Result<Self, String> {
        let own = own_port(input()?, &door);
        Ok(Self { door, wanted, open: BTreeMap::new(), refused: BTreeSet::new(), _own: own })
    }

    /// Finds keyboards that came and went since the last time. Opens ports: not on the audio thread.
    pub fn refresh(&mut self) -> Vec<Plugged> {
        let Ok(scout) = input() else { return Vec::new() };
        let there: BTreeMap<String, (String, _)> = scout
            .ports()
            .into_iter()
            .filter_map(|port| Some((port.id(), (scout.port_name(&port).ok()?, port))))
            .filter(|(_, (name, _))| is_wanted(name, &self.wanted))
            .collect();
        let clients = alsa_clients();
        let is_gone = |id: &str| !there.contains_key(id) || is_deaf(&clients, id);
        let gone: Vec<String> = self.open.keys().filter(|id| is_gone(id)).cloned().collect();
        let mut changes = Vec::new();
        for id in gone {
            let Some(Keyboard { name, held, connection }) = self.open.remove(&id) else { continue };
            drop(connection);
            lift(&self.door, &held);
            changes.push(Plugged::Out(name));
        }
        self.refused.retain(|id| there.contains_key(id));
        for (id, (name, port)) in there {
            if self.open.contains_key(&id) || self.refused.contains(&id) {
                continue;
            }
            let held = Arc::default();
            let ear = Ear { door: self.door.clone(), held: Arc::clone(&held) };
            let opened = input().and_then(|input| {
                input.connect(&port, "keys", listen, ear).map_err(|e| e.to_string())
            });
            match opened {
                Ok(connection) => {
                    changes.push(Plugged::In(name.clone()));
                    self.open.insert(id, Keyboard { name, held, connection });
                }
                Err(why) => {
                    changes.push(Plugged::Refused(name, why));
                    self.refused.insert(id);
                }
            }
        }
        changes
    }
}

/// What ALSA's sequencer says of its clients; empty elsewhere.
fn alsa_clients() -> String {
    std::fs::read_to_string("/proc/asound/seq/clients").unwrap_or_default()
}

/// Whether a port (`20:0`) is there, but nothing leads from it to us any more: the keyboard was away and came back under the
/// same number before anybody looked.
fn is_deaf(clients: &str, id: &str) -> bool {
    let Some((client, port)) = id.split_once(':') else { return false };
    // The lines are `Client  20 : "Name" [...]`, `  Port   0 : "Name" (...)` and `    Connecting To: 128:0[real:0], 129:0`.
    let number = |line: &str, word: &str| {
        line.trim_start().strip_prefix(word)?.split(':').next().map(|n| n.trim().to_owned())
    };
    let ours: BTreeSet<String> = clients
        .lines()
        .filter(|line| line.contains(&format!("\"{CLIENT}\"")))
        .filter_map(|line| number(line, "Client "))
        .collect();
    let (mut at_client, mut at_port, mut found) = (false, false, false);
    for line in clients.lines() {
        if let Some(n) = number(line, "Client ") {
            (at_client, at_port) = (n == client, false);
        } else if let Some(n) = number(line, "Port ") {
            at_port = at_client && n == port;
            found |= at_port;
        } else if let Some(to) = line.trim_start().strip_prefix("Connecting To:")
            && at_port
            && to.split(',').any(|to| to.trim().split(':').next().is_some_and(|c| ours.contains(c)))
        {
            return false;
        }
    }
    found
}

/// On the system's thread for this keyboard.
fn listen(_: u64, bytes: &[u8], ear: &mut Ear) {
    let at = Instant::now();
    match Wire::from_bytes(bytes) {
        Some(Wire::Midi(midi)) => {
            let mut held = ear.held.lock();
            if ear.door.enter(at, Wire::Midi(midi)) {
                held.follow(midi);
            }
        }
        Some(clock) => {
            ear.door.enter(at, clock);
        }
        None => {}
    }
}

/// Lifts what a keyboard held when it went.
fn lift(door: &Door, held: &Mutex<Held>) {
    let mut held = held.lock();
    let at = Instant::now();
    while let Some(midi) = held.lift() {
        door.enter(at, Wire::Midi(midi));
    }
}

fn is_wanted(name: &str, wanted: &[String]) -> bool {
    // What the kernel sends through is nobody's playing, and would be heard twice.
    let through = fits(name, "midi through");
    let chosen = wanted.iter().any(|words| fits(name, words));
    !fits(name, CLIENT) && (chosen || wanted.is_empty() && !through)
}

pub(super) fn fits(name: &str, words: &str) -> bool {
    name.to_lowercase().contains(&words.to_lowercase())
}

fn input() -> Result<MidiInput, String> {
    let _quiet = quiet();
    let mut input = MidiInput::new(CLIENT).map_err(|e| format!("no MIDI here: {e}"))?;
    input.ignore(Ignore::SysexAndActiveSense);
    Ok(input)
}

pub(super) fn output() -> Result<MidiOutput, String> {
    let _quiet = quiet();
    MidiOutput::new(CLIENT).map_err(|e| format!("no MIDI here: {e}"))
}

#[cfg(unix)]
fn own_port(input: MidiInput, door: &Door) -> Option<MidiInputConnection<Ear>> {
    use midir::os::unix::VirtualInput as _;
    let ear = Ear { door: door.clone(), held: Arc::default() };
    input.create_virtual("keys", listen, ear).ok()
}

#[cfg(not(unix))]
fn own_port(_: MidiInput, _: &Door) -> Option<MidiInputConnection<Ear>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::event::{Channel, Midi, TimedMidi};
    use crate::music::time::SampleRate;
    use crate::standalone::arrivals::arrivals;
    use crate::standalone::wire::ClockMessage;

    #[test]
    fn all_keyboards_are_wanted_or_the_chosen_ones() {
        let chosen = ["nord".to_owned()];
        for (name, wanted, answer) in [
            ("Nord Stage 3:0", &[][..], true),
            ("Nord Stage 3:0", &chosen, true),
            ("Keystation", &chosen, false),
            ("Midi Through Port-0", &[], false),
            ("Midi Through Port-0", &["through".to_owned()], true),
            ("Sideman:notes", &[], false),
        ] {
            assert_eq!(is_wanted(name, wanted), answer, "{name}");
        }
    }

    #[test]
    fn a_keyboard_that_was_away_between_two_looks_is_found_out() {
        let clients = |leads: &str| {
            format!(
                "Client info\n  cur  clients : 4\n\nClient   0 : \"System\" [Kernel Legacy]\n  Port   0 : \
                 \"Timer\" (Rwe-)\nClient  20 : \"Nord\" [Kernel Legacy]\n  Port   0 : \"Nord 1\" (RWeX)\n{leads}  \
                 Port   1 : \"Nord 2\" (RWeX)\n    Connecting To: 129:0\nClient 128 : \"Sideman\" [User Legacy]\n  \
                 Port   0 : \"keys\" (-We-)\nClient 129 : \"other\" [User Legacy]\n  Port   0 : \"in\" (-We-)\n"
            )
        };
        for (leads, id, deaf) in [
            ("    Connecting To: 128:0[real:0]\n    Connected From: 129:0\n", "20:0", false),
            ("    Connecting To: 129:0, 128:0[real:0]\n", "20:0", false),
            ("    Connecting To: 129:0\n", "20:0", true),
            ("    Connected From: 128:0\n", "20:0", true),
            ("", "20:0", true),
            ("", "20:1", true),
            ("", "24:0", false),
            ("", "nonsense", false),
        ] {
            assert_eq!(is_deaf(&clients(leads), id), deaf, "{leads} {id}");
        }
        assert!(!is_deaf("", "20:0"), "where there is no ALSA nobody is deaf");
    }

    #[test]
    fn a_lost_keyboard_lifts_its_keys_and_nobody_elses() {
        let (door, mut ring) = arrivals(SampleRate::new(48_000.0));
        let ear = |held: &Arc<Mutex<Held>>| Ear { door: door.clone(), held: Arc::clone(held) };
        let (one, other) = (Arc::default(), Arc::default());
        let (mut first, mut second) = (ear(&one), ear(&other));
        listen(0, &[0x90, 60, 100], &mut first);
        listen(0, &[0x91, 64, 100], &mut second);
        listen(0, &[0xf8], &mut second);
        lift(&door, &one);
        let (now, mut pulses) = (Instant::now(), Vec::new());
        let heard: Vec<Midi> = ring
            .block(now, 64, 64, |_, m| pulses.push(m))
            .iter()
            .map(|e: &TimedMidi| e.midi)
            .collect();
        let channel = Channel::new(0);
        assert_eq!(
            heard,
            [
                Midi::NoteOn { channel, key: 60, velocity: 100 },
                Midi::NoteOn { channel, key: 64, velocity: 100 },
                Midi::NoteOff { channel, key: 60, velocity: 64 },
            ]
        );
        assert_eq!(pulses, [ClockMessage::Pulse]);
    }
}
