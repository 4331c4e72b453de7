//! What was played since the program began: for the eye, and for a MIDI file. Hours of it stay quick to look at.

mod take;
mod way;

use std::path::{Path, PathBuf};

use crate::link::display::Now;
use crate::music::chord::{Chord, Sounding};
use crate::music::event::Midi;
use crate::music::pitch::Pitch;
use crate::music::time::SampleRate;
use crate::standalone::Part;
use crate::standalone::performance::PLAYER;
use crate::standalone::roll::RollNote;
use crate::standalone::stage::Heard;
use crate::standalone::tape::Strip;
use way::Way;

/// Notes of which it is known together when the last ends.
const SHEET: usize = 128;
/// What begins this many beats before a range is taken for its first note.
const EARLY: f64 = 0.125;

/// A note that was played.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Played {
    part: Part,
    key: u8,
    velocity: u8,
    from: f64,
    to: Option<f64>,
}

/// All notes of a session, on beats of its own, which only rise.
#[derive(Clone, Debug)]
pub struct Session {
    notes: Vec<Played>,
    /// Where the last note of each sheet ends; nowhere while one sounds.
    ends: Vec<f64>,
    /// Notes that sound.
    open: Vec<usize>,
    counts: [usize; 2],
    way: Way,
    rate: SampleRate,
}

/// A range of beats.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Range {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

impl Session {
    /// Nothing yet, heard at so many samples a second.
    pub fn new(rate: SampleRate) -> Self {
        let (notes, ends, open) = (Vec::new(), Vec::new(), Vec::new());
        Self { notes, ends, open, counts: [0; 2], way: Way::new(rate), rate }
    }

    /// Follows what sounds.
    pub fn hear(&mut self, heard: &Heard) {
        let at = self.way.go(heard.sample, heard.now);
        let Some(midi) = heard.midi else { return };
        let part = if midi.channel() == PLAYER { Part::Player } else { Part::Machine };
        match midi {
            Midi::NoteOn { key, velocity, .. } => {
                if self.notes.len().is_multiple_of(SHEET) {
                    self.ends.push(f64::INFINITY);
                }
                self.open.push(self.notes.len());
                self.notes.push(Played { part, key, velocity, from: at, to: None });
                self.counts[part as usize] += 1;
                if let Some(end) = self.ends.last_mut() {
                    *end = f64::INFINITY;
                }
            }
            Midi::NoteOff { key, .. } => {
                let is = |n: &usize| self.notes[*n].part == part && self.notes[*n].key == key;
                let Some(place) = self.open.iter().rposition(is) else { return };
                let index = self.open.remove(place);
                let note = &mut self.notes[index];
                note.to = Some(at.max(note.from));
                let sheet = index / SHEET;
                let notes = self.notes[sheet * SHEET..].iter().take(SHEET);
                self.ends[sheet] = notes.map(|n| n.to.unwrap_or(f64::INFINITY)).fold(0.0, f64::max);
            }
            _ => {}
        }
    }

    /// Where the music is, in beats; while no time passes, where it last was.
    pub fn at(&self, now: Option<Now>) -> f64 {
        self.way.place(now)
    }

    /// Beats from 0 to a bar line.
    pub fn bar_line(&self) -> f64 {
        self.way.bar_line()
    }

    /// The notes that end behind a place, or still sound.
    pub fn since(&self, from: f64) -> Vec<RollNote> {
        let last = self.way.place(None);
        let roll = |n: &Played| RollNote {
            part: n.part,
            start_beats: n.from,
            len_beats: n.to.unwrap_or(last) - n.from,
            key: n.key,
            velocity: n.velocity,
            planned: false,
        };
        self.sounding(from).map(roll).collect()
    }

    /// How many notes of a part there are.
    pub const fn count(&self, part: Part) -> usize {
        self.counts[part as usize]
    }

    /// All of it.
    pub fn whole(&self) -> Range {
        Range { from: 0.0, to: self.way.place(None) }
    }

    /// The last so many bars, with the one under way; while nobody plays, the last in which somebody did.
    pub fn last_bars(&self, bars: u32) -> Range {
        let last = self.way.place(None);
        let to = if self.way.goes() || !self.open.is_empty() {
            last
        } else {
            // The last sheets hold what ends last, or nearly.
            let tail = self.notes.len().saturating_sub(SHEET);
            let end = self.notes[tail..].iter().filter_map(|n| n.to).fold(0.0, f64::max);
            self.way.next_bar(end - EARLY).min(last)
        };
        Range { from: self.way.bars_back((to - EARLY).max(0.0), bars.saturating_sub(1)), to }
    }

    /// The bar that a place lies in.
    pub fn bar(&self, place: f64) -> Range {
        Range { from: self.way.bar_at(place), to: self.way.next_bar(place) }
    }

    /// The chord of both parts' notes in a range, and how well it fits.
    pub fn chord(&self, range: Range) -> Option<(Chord, f32)> {
        let length = range.to - range.from;
        let last = self.way.place(None);
        let sounding: Vec<Sounding> = self
            .sounding(range.from)
            .take_while(|n| n.from < range.to)
            .map(|n| {
                let to = n.to.unwrap_or(last).min(range.to);
                let share = (to - n.from.max(range.from)) / length;
                Sounding { pitch: Pitch::new(n.key), share: share as f32 }
            })
            .collect();
        Chord::of(&sounding)
    }

    /// The samples of a range, as they lie on a tape; a pause that was filled up to a bar line is silent.
    pub fn strips(&self, range: Range) -> Vec<Strip> {
        let mut strips: Vec<Strip> = Vec::new();
        for stretch in self.way.stretches(range.from, range.to) {
            match (stretch.samples, strips.last_mut()) {
                (Some((from, to)), Some(Strip { samples: Some(samples), frames }))
                    if samples.end == from =>
                {
                    samples.end = to;
                    *frames += to - from;
                }
                (Some((from, to)), _) => {
                    strips.push(Strip { samples: Some(from..to), frames: to - from });
                }
                (None, _) => {
                    let frames = (stretch.seconds * self.rate.hertz()).round() as u64;
                    strips.push(Strip { samples: None, frames });
                }
            }
        }
        strips
    }

    /// The notes that end behind a place, or still sound, by their beginnings.
    fn sounding(&self, from: f64) -> impl Iterator<Item = &Played> {
        let sheets = self.ends.iter().zip(self.notes.chunks(SHEET));
        sheets
            .filter(move |(end, _)| **end >= from)
            .flat_map(|(_, sheet)| sheet)
            .filter(move |n| n.to.is_none_or(|to| to >= from))
    }
}

/// Takes the first of `NAME-1.mid`, `NAME-2.mid` and so on that is free, with `NAME-1.wav`: no session is written over
/// another. The file is there, empty, when this returns.
///
/// # Errors
/// When the folder can't be written to.
pub fn take_name(folder: &Path, name: &str) -> std::io::Result<PathBuf> {
    for n in 1..u32::MAX {
        let path = folder.join(format!("{name}-{n}.mid"));
        if path.with_extension("wav").exists() {
            continue;
        }
        match std::fs::File::create_new(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            taken => return taken.map(|_| path),
        }
    }
    Err(std::io::Error::other("no name is free"))
}

#[cfg(test)]
mod tests;
