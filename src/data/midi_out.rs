//! A take as a Standard MIDI File: a conductor track, the player's track and the machine's.

use std::io;
use std::path::{Path, PathBuf};

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Timing, Track, TrackEvent, TrackEventKind};

use crate::data::whole_file;

/// Everything that goes into the file. Lists may be in any order; every tick counts from the beginning.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Take {
    /// MIDI ticks in a quarter note, 1 to 32,767.
    pub ticks_per_quarter: u16,
    /// Where the tempo changes. With none at tick 0 a reader assumes 120 beats a minute until the first.
    pub tempos: Vec<TempoEvent>,
    /// Where the time signature changes.
    pub meters: Vec<MeterEvent>,
    /// Named places.
    pub markers: Vec<MarkerEvent>,
    /// What the person played.
    pub player: OutTrack,
    /// What Sideman played.
    pub machine: OutTrack,
}

/// One musician's track.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OutTrack {
    /// General MIDI program, 0 to 127, set on `channel`.
    pub program: u8,
    /// The channel that the program is set on, 0 to 15.
    pub channel: u8,
    /// The notes.
    pub notes: Vec<OutNote>,
}

/// One note.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutNote {
    /// When it begins, in MIDI ticks.
    pub tick: u32,
    /// How many MIDI ticks it lasts; 0 is written as 1.
    pub duration: u32,
    /// MIDI key number, 0 to 127.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// 0 to 15.
    pub channel: u8,
}

/// A tempo from some tick on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TempoEvent {
    /// From here on, in MIDI ticks.
    pub tick: u32,
    /// Microseconds that a quarter note lasts, 1 to 16,777,215.
    pub micros_per_quarter: u32,
}

/// A time signature from some tick on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeterEvent {
    /// From here on, in MIDI ticks.
    pub tick: u32,
    /// Beats in a bar, at least 1.
    pub numerator: u8,
    /// The beat's unit: 1, 2, 4 up to 128.
    pub denominator: u8,
}

/// A named place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarkerEvent {
    /// Where, in MIDI ticks.
    pub tick: u32,
    /// The name that a sequencer shows.
    pub text: String,
}

/// Why a take could not be written.
#[derive(Debug, thiserror::Error)]
pub enum MidiOutError {
    /// A number that the format has no room for.
    #[error("the take does not fit a MIDI file: {0}")]
    Unfit(String),
    /// The disk refused.
    #[error("cannot write the MIDI file {path}: {source}", path = path.display())]
    Disk {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The player's track is called so in every file.
pub const PLAYER_TRACK: &str = "Player";
/// The machine's track is called so in every file.
pub const MACHINE_TRACK: &str = "Sideman";

impl Take {
    /// Writes the file, whole or not at all. Any thread but the audio thread.
    ///
    /// # Errors
    /// [`MidiOutError`] when a number has no room in the format, or the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), MidiOutError> {
        let bytes = self.to_bytes()?;
        whole_file::write(path, &bytes)
            .map_err(|source| MidiOutError::Disk { path: path.to_owned(), source })
    }

    /// The file as bytes, format 1. Two notes on one key and channel never overlap in it: the earlier ends
    /// where the later begins, and of two that begin together the longer stays.
    ///
    /// # Errors
    /// [`MidiOutError::Unfit`] when a number has no room in the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MidiOutError> {
        let ppq = self.ticks_per_quarter;
        check((1..0x8000).contains(&ppq), || format!("{ppq} ticks in a quarter note"))?;
        let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(ppq)));
        let mut tracks = vec![self.conductor()?];
        // A capture is the machine's alone: a sequencer should not show an empty track.
        if !self.player.notes.is_empty() || self.machine.notes.is_empty() {
            tracks.push(self.player.events(PLAYER_TRACK)?);
        }
        tracks.push(self.machine.events(MACHINE_TRACK)?);
        let mut bytes = Vec::new();
        midly::write_std(&header, tracks.iter(), &mut bytes)
            .map_err(|error| MidiOutError::Unfit(error.to_string()))?;
        Ok(bytes)
    }

    fn conductor(&self) -> Result<Track<'_>, MidiOutError> {
        let mut events = Vec::new();
        for meter in &self.meters {
            let MeterEvent { tick, numerator, denominator } = *meter;
            check(numerator > 0 && denominator.is_power_of_two(), || {
                format!("the time signature {numerator}/{denominator}")
            })?;
            let power = denominator.trailing_zeros() as u8;
            events.push((tick, meta(MetaMessage::TimeSignature(numerator, power, 24, 8))));
        }
        for tempo in &self.tempos {
            let micros = tempo.micros_per_quarter;
            check((1..1 << 24).contains(&micros), || {
                format!("{micros} microseconds a quarter note")
            })?;
            events.push((tempo.tick, meta(MetaMessage::Tempo(u24::new(micros)))));
        }
        for marker in &self.markers {
            events.push((marker.tick, meta(MetaMessage::Marker(marker.text.as_bytes()))));
        }
        events.sort_by_key(|(tick, _)| *tick);
        into_track("Conductor", events)
    }
}

impl OutTrack {
    fn events(&self, name: &'static str) -> Result<Track<'static>, MidiOutError> {
        let Self { program, channel, .. } = *self;
        check(program < 128, || format!("program {program}"))?;
        check(channel < 16, || format!("channel {channel}"))?;
        let program = MidiMessage::ProgramChange { program: u7::new(program) };
        let mut events = vec![(0, on_channel(channel, program))];
        let mut strokes = Vec::new();
        for note in disjoint(&self.notes)? {
            let key = u7::new(note.key);
            let vel = u7::new(note.velocity);
            let off = MidiMessage::NoteOff { key, vel: u7::new(64) };
            strokes.push((
                note.tick,
                1,
                on_channel(note.channel, MidiMessage::NoteOn { key, vel }),
            ));
            strokes.push((
                note.tick.saturating_add(note.duration),
                0,
                on_channel(note.channel, off),
            ));
        }
        // What ends makes room for what begins on the same tick.
        strokes.sort_by_key(|(tick, begins, _)| (*tick, *begins));
        events.extend(strokes.into_iter().map(|(tick, _, kind)| (tick, kind)));
        into_track(name, events)
    }
}

/// The notes without overlaps on any one key and channel.
fn disjoint(notes: &[OutNote]) -> Result<Vec<OutNote>, MidiOutError> {
    let mut notes = notes.to_vec();
    for note in &mut notes {
        let OutNote { tick, key, velocity, channel, .. } = *note;
        let fits = key < 128 && (1..128).contains(&velocity) && channel < 16;
        check(fits, || {
            format!("key {key}, velocity {velocity}, channel {channel} at tick {tick}")
        })?;
        note.duration = note.duration.clamp(1, u32::MAX - tick.min(u32::MAX - 1));
    }
    notes.sort_by_key(|n| (n.channel, n.key, n.tick, n.duration));
    let together = |a: &OutNote, b: &OutNote| (a.channel, a.key) == (b.channel, b.key);
    for i in 1..notes.len() {
        let next = notes[i];
        let note = &mut notes[i - 1];
        if together(note, &next) {
            note.duration = note.duration.min(next.tick - note.tick);
        }
    }
    notes.retain(|n| n.duration > 0);
    Ok(notes)
}

/// A track with its name first and its end last, from events in order of absolute time.
fn into_track<'a>(
    name: &'a str,
    events: Vec<(u32, TrackEventKind<'a>)>,
) -> Result<Track<'a>, MidiOutError> {
    let event = |delta, kind| TrackEvent { delta, kind };
    let mut track = vec![event(u28::new(0), meta(MetaMessage::TrackName(name.as_bytes())))];
    let mut now = 0;
    for (tick, kind) in events {
        let delta = u28::try_from(tick - now)
            .ok_or_else(|| MidiOutError::Unfit(format!("a pause of {} ticks", tick - now)))?;
        track.push(event(delta, kind));
        now = tick;
    }
    track.push(event(u28::new(0), meta(MetaMessage::EndOfTrack)));
    Ok(track)
}

fn meta(message: MetaMessage<'_>) -> TrackEventKind<'_> {
    TrackEventKind::Meta(message)
}

fn on_channel(channel: u8, message: MidiMessage) -> TrackEventKind<'static> {
    TrackEventKind::Midi { channel: u4::new(channel), message }
}

fn check(fits: bool, what: impl FnOnce() -> String) -> Result<(), MidiOutError> {
    if fits { Ok(()) } else { Err(MidiOutError::Unfit(what())) }
}

#[cfg(test)]
mod tests;
