//! From a MIDI file to a piece for two: which track is the melody and which accompanies, on the grid.

use crate::data::midi_file::{FileNote, MidiFile, Track};
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
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
        let pitched: Vec<(&Track, Vec<FileNote>)> = file
            .tracks
            .iter()
            .map(|t| (t, t.notes.iter().filter(|n| n.channel != 9).copied().collect()))
            .filter(|(_, notes): &(_, Vec<FileNote>)| !notes.is_empty())
            .collect();
        if pitched.len() < 2 {
            return Err(RoleError::OnePart);
        }
        let named = |names: &[&str]| {
            pitched.iter().position(|(track, _)| {
                let name = track.name.to_ascii_uppercase();
                names.iter().any(|n| name.contains(n))
            })
        };
        let others = |not: usize| (0..pitched.len()).filter(move |i| *i != not);
        let melody = named(&["MELODY", "SOLO", "LEAD", "VOCAL"]).unwrap_or_else(|| {
            let accompaniment = named(&["PIANO", "CHORD", "COMP"]).unwrap_or(usize::MAX);
            others(accompaniment).max_by_key(|i| melodiousness(&pitched[*i].1)).unwrap_or(0)
        });
        let accompaniment = named(&["PIANO", "CHORD", "COMP"]).filter(|i| *i != melody);
        let accompaniment = accompaniment
            .unwrap_or_else(|| others(melody).max_by_key(|i| pitched[*i].1.len()).unwrap_or(0));
        let length = file.meters.first().map_or(Meter::default(), |m| m.meter).bar_ticks();
        Ok(Self {
            name,
            hash,
            bars: Bars { origin: Tick(0), length },
            melody: on_grid(file, &pitched[melody].1),
            accompaniment: on_grid(file, &pitched[accompaniment].1),
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

/// High and one note at a time: the more, the more likely a melody.
fn melodiousness(notes: &[FileNote]) -> i64 {
    let count = notes.len() as i64;
    let height = notes.iter().map(|n| i64::from(n.key)).sum::<i64>() / count.max(1);
    let together = notes.windows(2).filter(|w| w[0].onset == w[1].onset).count() as i64;
    height - 100 * together / count.max(1)
}

fn on_grid(file: &MidiFile, notes: &[FileNote]) -> Vec<Note> {
    let mut out: Vec<Note> = notes
        .iter()
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
