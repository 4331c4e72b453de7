//! Standard MIDI files to tracks of notes with their tempo map. Files are hostile: whatever the bytes, the
//! answer is a file or an error, within bounded memory.

use std::fs;
use std::path::Path;

use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use crate::music::time::{Beats, Meter};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 16 << 20;
/// The most notes that one file may hold.
pub const MAX_NOTES: usize = 1_000_000;
/// The longest text (name, marker) that is kept, in characters.
const MAX_TEXT: usize = 128;
/// Microseconds of a quarter note where no tempo is told: 120 a minute.
const DEFAULT_MICROS: u32 = 500_000;

/// Why a MIDI file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MidiFileError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// More bytes or notes than are read.
    #[error("midi: {what}: {got}, at most {limit} are read")]
    TooLarge {
        /// Bytes or notes.
        what: &'static str,
        /// How many there are (notes: at least).
        got: u64,
        /// How many are read.
        limit: u64,
    },
    /// The file ends before what it announces.
    #[error("midi: the file is cut off")]
    CutOff,
    /// The bytes are no MIDI file.
    #[error("midi: not a MIDI file ({0})")]
    Malformed(String),
    /// Time is counted in film frames, which has no beats.
    #[error("midi: timing by SMPTE frames is not supported")]
    Smpte,
    /// There is nothing to play.
    #[error("midi: the file has no notes")]
    NoNotes,
}

/// A MIDI file, its tracks in file order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MidiFile {
    /// Ticks of a quarter note, at least 1.
    pub ticks_per_quarter: u16,
    /// Every track, also those without notes.
    pub tracks: Vec<Track>,
    /// The tempo map by tick; the first is at tick 0.
    pub tempos: Vec<TempoChange>,
    /// Time signatures by tick; may be empty.
    pub meters: Vec<MeterChange>,
    /// Markers by tick.
    pub markers: Vec<Marker>,
}

/// A track.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Track {
    /// Its name, empty when it has none.
    pub name: String,
    /// Program changes: channel 0 to 15, General MIDI program 0 to 127.
    pub programs: Vec<(u8, u8)>,
    /// Notes by onset, then key.
    pub notes: Vec<FileNote>,
}

/// A note in the file's own time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileNote {
    /// MIDI ticks since the beginning.
    pub onset: u64,
    /// MIDI ticks; a note that is never released lasts to the end of its track.
    pub duration: u64,
    /// 0 to 127.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// 0 to 15; 9 is percussion.
    pub channel: u8,
}

/// From here on the tempo is this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TempoChange {
    /// MIDI ticks since the beginning.
    pub tick: u64,
    /// Microseconds of a quarter note, at least 1.
    pub micros_per_quarter: u32,
}

/// From here on the metre is this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeterChange {
    /// MIDI ticks since the beginning.
    pub tick: u64,
    /// The time signature.
    pub meter: Meter,
}

/// A text at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Marker {
    /// MIDI ticks since the beginning.
    pub tick: u64,
    /// What it says.
    pub text: String,
}

impl MidiFile {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`Self::parse`], or [`MidiFileError::Io`].
    pub fn load(path: &Path) -> Result<Self, MidiFileError> {
        Self::parse(&read(path)?)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// What is wrong with it, see [`MidiFileError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MidiFileError> {
        if bytes.len() as u64 > MAX_BYTES {
            let (got, limit) = (bytes.len() as u64, MAX_BYTES);
            return Err(MidiFileError::TooLarge { what: "bytes", got, limit });
        }
        check_chunks(bytes)?;
        // midly 0.5.3 overflows on some frame rates; what is not in quarters is not for us anyhow.
        if bytes.get(12).is_some_and(|division| division & 0x80 != 0) {
            return Err(MidiFileError::Smpte);
        }
        let file = Smf::parse(bytes).map_err(|e| MidiFileError::Malformed(e.to_string()))?;
        let ticks_per_quarter = match file.header.timing {
            Timing::Metrical(ticks) if ticks.as_int() > 0 => ticks.as_int(),
            Timing::Metrical(_) => {
                return Err(MidiFileError::Malformed("0 ticks a quarter".to_owned()));
            }
            Timing::Timecode(..) => return Err(MidiFileError::Smpte),
        };
        let mut this = Self {
            ticks_per_quarter,
            tracks: Vec::with_capacity(file.tracks.len()),
            tempos: Vec::new(),
            meters: Vec::new(),
            markers: Vec::new(),
        };
        let mut notes = 0;
        for events in &file.tracks {
            this.read_track(events, &mut notes)?;
        }
        if notes == 0 {
            return Err(MidiFileError::NoNotes);
        }
        this.tempos.sort_by_key(|t| t.tick);
        if this.tempos.first().is_none_or(|t| t.tick > 0) {
            let first = TempoChange { tick: 0, micros_per_quarter: DEFAULT_MICROS };
            this.tempos.insert(0, first);
        }
        this.meters.sort_by_key(|m| m.tick);
        this.markers.sort_by_key(|m| m.tick);
        Ok(this)
    }

    /// Seconds from the beginning to a MIDI tick.
    pub fn seconds(&self, tick: u64) -> f64 {
        let mut seconds = 0.0;
        for (i, tempo) in self.tempos.iter().enumerate() {
            if tempo.tick >= tick {
                break;
            }
            let end = self.tempos.get(i + 1).map_or(tick, |next| next.tick.min(tick));
            seconds += (end - tempo.tick) as f64 * f64::from(tempo.micros_per_quarter)
                / 1e6
                / f64::from(self.ticks_per_quarter);
        }
        seconds
    }

    /// Quarter notes from the beginning to a MIDI tick.
    pub fn beats(&self, tick: u64) -> Beats {
        Beats(tick as f64 / f64::from(self.ticks_per_quarter))
    }

    /// The MIDI tick at which the last note ends.
    pub fn end(&self) -> u64 {
        let ends = self.tracks.iter().flat_map(|t| &t.notes).map(|n| n.onset + n.duration);
        ends.max().unwrap_or(0)
    }

    fn read_track(
        &mut self,
        events: &[midly::TrackEvent<'_>],
        notes: &mut usize,
    ) -> Result<(), MidiFileError> {
        let mut track = Track::default();
        let mut now = 0_u64;
        // Where the sounding note of each (channel, key) stands in the track.
        let mut sounding = vec![None::<usize>; 16 * 128];
        for event in events {
            now += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Midi { channel, message } => {
                    let channel = channel.as_int();
                    let slot = |key: u8| usize::from(channel) * 128 + usize::from(key);
                    match message {
                        MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => {
                            let key = key.as_int();
                            end_note(&mut track, &mut sounding[slot(key)], now);
                            *notes += 1;
                            if *notes > MAX_NOTES {
                                let (got, limit) = (*notes as u64, MAX_NOTES as u64);
                                return Err(MidiFileError::TooLarge { what: "notes", got, limit });
                            }
                            sounding[slot(key)] = Some(track.notes.len());
                            let velocity = vel.as_int();
                            track.notes.push(FileNote {
                                onset: now,
                                duration: 0,
                                key,
                                velocity,
                                channel,
                            });
                        }
                        MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => {
                            end_note(&mut track, &mut sounding[slot(key.as_int())], now);
                        }
                        MidiMessage::ProgramChange { program } => {
                            track.programs.push((channel, program.as_int()));
                        }
                        _ => {}
                    }
                }
                TrackEventKind::Meta(message) => self.read_meta(message, now, &mut track),
                _ => {}
            }
        }
        for open in &mut sounding {
            end_note(&mut track, open, now);
        }
        track.notes.sort_by_key(|n| (n.onset, n.key));
        self.tracks.push(track);
        Ok(())
    }

    fn read_meta(&mut self, message: MetaMessage<'_>, tick: u64, track: &mut Track) {
        match message {
            MetaMessage::TrackName(name) if track.name.is_empty() => track.name = text(name),
            MetaMessage::Tempo(micros) => {
                let micros_per_quarter = micros.as_int().max(1);
                self.tempos.push(TempoChange { tick, micros_per_quarter });
            }
            MetaMessage::TimeSignature(numerator, power, _, _) => {
                let denominator = 1_u8.checked_shl(u32::from(power)).unwrap_or(0);
                if numerator > 0 && denominator > 0 {
                    self.meters.push(MeterChange { tick, meter: Meter { numerator, denominator } });
                }
            }
            MetaMessage::Marker(name) => self.markers.push(Marker { tick, text: text(name) }),
            _ => {}
        }
    }
}

/// The bytes of a file that is not too large.
///
/// # Errors
/// [`MidiFileError::Io`] or [`MidiFileError::TooLarge`].
pub fn read(path: &Path) -> Result<Vec<u8>, MidiFileError> {
    let io = |source| MidiFileError::Io { path: path.display().to_string(), source };
    let got = fs::metadata(path).map_err(io)?.len();
    if got > MAX_BYTES {
        return Err(MidiFileError::TooLarge { what: "bytes", got, limit: MAX_BYTES });
    }
    fs::read(path).map_err(io)
}

fn end_note(track: &mut Track, sounding: &mut Option<usize>, now: u64) {
    if let Some(note) = sounding.take().and_then(|i| track.notes.get_mut(i)) {
        note.duration = now - note.onset;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

/// The parser takes a file that ends early for a shorter one; here it is an error.
fn check_chunks(bytes: &[u8]) -> Result<(), MidiFileError> {
    if bytes.is_empty() {
        return Err(MidiFileError::Malformed("the file is empty".to_owned()));
    }
    if !bytes.starts_with(b"MThd") && !bytes.starts_with(b"RIFF") {
        return Err(MidiFileError::Malformed("no MThd at the beginning".to_owned()));
    }
    if bytes.starts_with(b"RIFF") {
        return Ok(());
    }
    let announced = bytes.get(10..12).ok_or(MidiFileError::CutOff)?;
    let announced = usize::from(announced[0]) << 8 | usize::from(announced[1]);
    let (mut rest, mut tracks) = (bytes, 0);
    while !rest.is_empty() && tracks < announced {
        let (head, body) = rest.split_first_chunk::<8>().ok_or(MidiFileError::CutOff)?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        rest = body.get(length..).ok_or(MidiFileError::CutOff)?;
        tracks += usize::from(head.starts_with(b"MTrk"));
    }
    if tracks < announced { Err(MidiFileError::CutOff) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
