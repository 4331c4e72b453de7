//! From a MIDI file to a piece for two: which track is the melody and which accompanies, on the grid.

use crate::data::midi_file::{MidiFile, Track};
use crate::data::{chord, parts};
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::scale::PitchSet;
use crate::music::time::{Bars, Meter, Tick};

/// A piece on the grid, in two parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// What to call it in reports.
    pub name: String,
    /// BLAKE3 of the file it came from.
    pub hash: [u8; 32],
    /// The bar lines.
    pub bars: Bars,
    /// The line; the voices of the notes mean nothing here.
    pub melody: Vec<Note>,
    /// What accompanies it.
    pub accompaniment: Vec<Note>,
    /// The chords that the file's markers name, each until the next; an empty set is none.
    pub chords: Vec<(Tick, PitchSet)>,
}

/// Who plays which part of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The machine accompanies the player's melody.
    Accompany,
    /// The machine plays the line over the player's accompaniment.
    Lead,
    /// Both parts together change hands every so many bars.
    Alternate {
        /// Bars that one plays before it is the other's turn, at least 1.
        bars: u8,
        /// Whether the machine begins.
        machine_first: bool,
    },
}

/// Why a file is no piece for two.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RoleError {
    /// Fewer than two tracks have pitched notes.
    #[error("fewer than two parts")]
    OnePart,
}

impl Piece {
    /// Finds the parts by the tracks' names, or else by how they look, and moves them to the grid.
    ///
    /// # Errors
    /// [`RoleError::OnePart`].
    pub fn new(name: String, hash: [u8; 32], file: &MidiFile) -> Result<Self, RoleError> {
        let melody = parts::melody(file).ok_or(RoleError::OnePart)?;
        let accompaniment = parts::accompaniment(file, melody).ok_or(RoleError::OnePart)?;
        let length = file.meters.first().map_or(Meter::default(), |m| m.meter).bar_ticks();
        Ok(Self {
            name,
            hash,
            bars: Bars { origin: Tick(0), length },
            melody: on_grid(file, &file.tracks[melody]),
            accompaniment: on_grid(file, &file.tracks[accompaniment]),
            chords: chords(file),
        })
    }

    /// The bar line at or before the first note: where a reading of the piece begins.
    pub fn start(&self) -> Tick {
        let first = self.melody.iter().chain(&self.accompaniment).map(|n| n.onset).min();
        let first = first.unwrap_or(Tick(0));
        first.plus(-self.bars.ticks_into_bar(first))
    }

    /// The notes in the order of the model, moved by semitones and shared out.
    pub fn notes(&self, role: Role, semitones: i32) -> Vec<Note> {
        let (of_melody, of_accompaniment) = match role {
            Role::Accompany => (Voice::Player, Voice::Machine),
            Role::Lead | Role::Alternate { .. } => (Voice::Machine, Voice::Player),
        };
        let melody = self.melody.iter().map(|n| (n, of_melody));
        let parts = melody.chain(self.accompaniment.iter().map(|n| (n, of_accompaniment)));
        let start = self.start();
        let mut notes: Vec<Note> = parts
            .map(|(note, voice)| Note {
                pitch: note.pitch.transposed(semitones).unwrap_or(note.pitch).on_piano(),
                voice: match role {
                    Role::Alternate { bars, machine_first } => {
                        let bar = note.onset.since(start).div_euclid(self.bars.length);
                        let turn = bar.div_euclid(i64::from(bars.max(1)));
                        let machine = (turn.rem_euclid(2) == 0) == machine_first;
                        if machine { Voice::Machine } else { Voice::Player }
                    }
                    Role::Accompany | Role::Lead => voice,
                },
                ..*note
            })
            .collect();
        into_order(&mut notes);
        notes
    }
}

fn on_grid(file: &MidiFile, track: &Track) -> Vec<Note> {
    let mut out: Vec<Note> = parts::pitched(track)
        .map(|n| {
            let onset = Tick::nearest(file.beats(n.onset));
            let end = Tick::nearest(file.beats(n.onset + n.duration));
            Note {
                onset,
                pitch: Pitch::new(n.key).on_piano(),
                voice: Voice::Player,
                velocity: n.velocity.max(1),
                duration: end.since(onset).max(1),
            }
        })
        .collect();
    into_order(&mut out);
    out
}

fn chords(file: &MidiFile) -> Vec<(Tick, PitchSet)> {
    let symbol = |text: &str| chord::parse(text).or((text == "N").then_some(PitchSet(0)));
    let chords = file
        .markers
        .iter()
        .filter_map(|m| symbol(&m.text).map(|set| (Tick::nearest(file.beats(m.tick)), set)));
    let mut chords: Vec<_> = chords.collect();
    chords.sort_by_key(|c| c.0);
    chords
}
