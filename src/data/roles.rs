//! From a MIDI file to a piece for two: which tracks are the melody and its accompaniment, on the grid, and who
//! plays which notes.

use serde::{Deserialize, Serialize};

use crate::data::midi_file::{FileNote, MidiFile, Track};
use crate::data::{chord, parts, phrases};
use crate::music::harmony::Harmony;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Meter, Tick};

/// The velocity of every note of a piece whose own velocities are made up.
const PLAIN_VELOCITY: u8 = 80;

/// A piece on the grid, in two parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
    /// The chords that the file's markers name, each until the next.
    pub chords: Vec<(Tick, Harmony)>,
    /// Nobody played its velocities: they teach nothing.
    pub flat: bool,
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
    /// The player plays the top line of both parts together, the machine all that is under it.
    Harmonise,
    /// The player begins, and the music changes hands at each end of a phrase of the melody.
    Answer {
        /// Only the melody is told.
        alone: bool,
    },
}

/// How often each role is read in training, in parts of their sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// [`Role::Accompany`].
    pub accompany: u32,
    /// [`Role::Lead`].
    pub lead: u32,
    /// [`Role::Alternate`].
    pub trade: u32,
    /// [`Role::Harmonise`]; pieces that do not move in chords are accompanied instead.
    pub harmonise: u32,
    /// [`Role::Answer`].
    pub answer: u32,
}

impl Default for Shares {
    /// Accompany is what most play with most of the time. Lead has to share the machine's voice with it, and the
    /// line is the harder part. The others differ from these two in who begins to play when, not in what is
    /// played: a small share teaches that.
    fn default() -> Self {
        Self { accompany: 40, lead: 25, trade: 15, harmonise: 8, answer: 12 }
    }
}

impl Shares {
    /// The shares with their names.
    pub const fn named(&self) -> [(&'static str, u32); 5] {
        [
            ("accompany", self.accompany),
            ("lead", self.lead),
            ("trade", self.trade),
            ("harmonise", self.harmonise),
            ("answer", self.answer),
        ]
    }

    /// The role at a place in 0..1 of all; `dice` decides what is left open.
    pub fn role(&self, place: f64, dice: u32) -> Role {
        let all: f64 = self.named().iter().map(|r| f64::from(r.1)).sum();
        let mut left = place * all;
        let found = self.named().into_iter().find(|(_, share)| {
            left -= f64::from(*share);
            left < 0.0
        });
        match found.map(|r| r.0) {
            Some("lead") => Role::Lead,
            Some("trade") => {
                Role::Alternate { bars: 1 << (dice % 3), machine_first: dice / 3 % 2 == 1 }
            }
            Some("harmonise") => Role::Harmonise,
            Some("answer") => Role::Answer { alone: dice % 2 == 1 },
            _ => Role::Accompany,
        }
    }
}

impl std::str::FromStr for Shares {
    type Err = String;

    /// Reads `accompany=50,lead=10`; a role that is not named has none.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = Self { accompany: 0, lead: 0, trade: 0, harmonise: 0, answer: 0 };
        let wrong = || {
            format!(
                "'{text}': write shares of accompany, lead, trade, harmonise and answer, like accompany=50,lead=10"
            )
        };
        for part in text.split(',') {
            let (name, share) = part.split_once('=').ok_or_else(wrong)?;
            let share = share.trim().parse().ok().filter(|s| *s <= 1_000_000).ok_or_else(wrong)?;
            let field = match name.trim() {
                "accompany" => &mut shares.accompany,
                "lead" => &mut shares.lead,
                "trade" => &mut shares.trade,
                "harmonise" => &mut shares.harmonise,
                "answer" => &mut shares.answer,
                _ => return Err(wrong()),
            };
            *field = share;
        }
        if shares.named().iter().all(|r| r.1 == 0) { Err(wrong()) } else { Ok(shares) }
    }
}

/// Why a file is no piece for two.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RoleError {
    /// There is one line, and nothing with it.
    #[error("fewer than two parts")]
    OnePart,
}

impl Piece {
    /// Finds the parts by the tracks' names, or else by how they look, and moves them to the grid. A lone track
    /// with chords, as of a piano, is parted into its top line and the rest.
    ///
    /// # Errors
    /// [`RoleError::OnePart`].
    pub fn new(name: String, hash: [u8; 32], file: &MidiFile) -> Result<Self, RoleError> {
        let file = &*parts::by_channel(file);
        let line = parts::melody(file).ok_or(RoleError::OnePart)?;
        let others = parts::accompaniment(file, line);
        let tracks: Vec<&Track> = others.iter().chain([&line]).map(|i| &file.tracks[*i]).collect();
        let length = file.meters.first().map_or(Meter::default(), |m| m.meter).bar_ticks();
        let mut melody = on_grid(file, &[line]);
        let mut accompaniment = on_grid(file, &others);
        if others.is_empty() {
            (melody, accompaniment) = by_top_line(&melody);
        }
        if melody.is_empty() || accompaniment.is_empty() {
            return Err(RoleError::OnePart);
        }
        let flat = tracks.iter().any(|t| is_flat(t));
        if flat {
            let all = melody.iter_mut().chain(&mut accompaniment);
            all.for_each(|n| n.velocity = PLAIN_VELOCITY);
        }
        let bars = Bars { origin: Tick(0), length };
        Ok(Self { name, hash, bars, melody, accompaniment, chords: chord::of_markers(file), flat })
    }

    /// The bar line at or before the first note: where a reading of the whole piece begins.
    pub fn start(&self) -> Tick {
        let first = self.melody.iter().chain(&self.accompaniment).map(|n| n.onset).min();
        let first = first.unwrap_or(Tick(0));
        first.plus(-self.bars.ticks_into_bar(first))
    }

    /// The tick of the last onset.
    pub fn last_onset(&self) -> Tick {
        let last = self.melody.iter().chain(&self.accompaniment).map(|n| n.onset).max();
        last.unwrap_or(Tick(0))
    }

    /// The notes of the whole piece in the order of the model, moved by semitones and shared out.
    pub fn notes(&self, role: Role, semitones: i32) -> Vec<Note> {
        self.notes_from(self.start(), role, semitones)
    }

    /// The notes that begin at the tick `start`, which is a bar line, or later.
    pub fn notes_from(&self, start: Tick, role: Role, semitones: i32) -> Vec<Note> {
        let after = |notes: &[Note], voice: Voice| -> Vec<Note> {
            let moved = |n: &Note| n.pitch.transposed(semitones).unwrap_or(n.pitch).on_piano();
            let notes = notes.iter().filter(|n| n.onset >= start);
            notes.map(|n| Note { pitch: moved(n), voice, ..*n }).collect()
        };
        let in_turns = |mut notes: Vec<Note>, is_machine: &dyn Fn(Tick) -> bool| {
            for note in &mut notes {
                note.voice = if is_machine(note.onset) { Voice::Machine } else { Voice::Player };
            }
            notes
        };
        let both = |a: Voice, b: Voice| -> Vec<Note> {
            let mut notes = after(&self.melody, a);
            notes.extend(after(&self.accompaniment, b));
            notes
        };
        let mut notes = match role {
            Role::Accompany => both(Voice::Player, Voice::Machine),
            Role::Lead => both(Voice::Machine, Voice::Player),
            Role::Alternate { bars, machine_first } => {
                let turn = i64::from(bars.max(1)) * self.bars.length;
                in_turns(both(Voice::Player, Voice::Player), &|tick| {
                    (tick.since(start).div_euclid(turn).rem_euclid(2) == 0) == machine_first
                })
            }
            Role::Harmonise => {
                let mut notes = both(Voice::Player, Voice::Player);
                into_order(&mut notes);
                let top = phrases::top_line(&notes);
                if !phrases::in_chords(&notes, &top) {
                    return self.notes_from(start, Role::Accompany, semitones);
                }
                for (note, _) in notes.iter_mut().zip(top).filter(|(_, top)| !top) {
                    note.voice = Voice::Machine;
                }
                notes
            }
            Role::Answer { alone } => {
                let line = after(&self.melody, Voice::Player);
                let turns = phrases::turns(&line, self.bars);
                let notes = if alone { line } else { both(Voice::Player, Voice::Player) };
                in_turns(notes, &|tick| turns.partition_point(|t| *t <= tick) % 2 == 1)
            }
        };
        into_order(&mut notes);
        notes
    }
}

/// The top line of a texture, and the rest.
fn by_top_line(notes: &[Note]) -> (Vec<Note>, Vec<Note>) {
    let top = phrases::top_line(notes);
    let of = |is_top: bool| {
        let notes = notes.iter().zip(&top).filter(move |(_, top)| **top == is_top);
        notes.map(|(n, _)| *n).collect()
    };
    (of(true), of(false))
}

/// Whether half of a track's notes or more have one velocity: those are set, not played.
fn is_flat(track: &Track) -> bool {
    let mut counts = [0_usize; 128];
    let mut all = 0;
    for FileNote { velocity, .. } in parts::pitched(track) {
        counts[usize::from(*velocity & 127)] += 1;
        all += 1;
    }
    2 * counts.iter().copied().max().unwrap_or(0) >= all
}

fn on_grid(file: &MidiFile, tracks: &[usize]) -> Vec<Note> {
    let notes = tracks.iter().flat_map(|i| parts::pitched(&file.tracks[*i]));
    let mut out: Vec<Note> = notes
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

#[cfg(test)]
mod tests;
