//! What the session asks the network for, when that changes, and where the music begins for it.

use std::sync::Arc;

use crate::infer::asking::{self, Asking};
use crate::infer::memory;
use crate::infer::song_chords::Chords;
use crate::link::message::ToAudio;
use crate::link::settings::{Mode, Settings};
use crate::music::note::{Note, Voice};
use crate::music::time::{TICKS_PER_BEAT, Tick};

use super::{FEW_NOTES, Session};

/// The most notes that the network hears again when the player comes in after a silence: what it takes has to be done within
/// a tick.
const HEARD_AGAIN: usize = 64;

impl Session {
    /// Knows these chords of the song from now on, by its own ticks, each until the next.
    pub fn set_chords(&mut self, chords: Chords, out: &mut Vec<ToAudio>) {
        self.chords = chords;
        self.set_shift(self.shift);
        self.trail.keep_until(self.floor);
        self.replan(out);
    }

    /// The take's ticks are so many more than the song's.
    pub(super) fn set_shift(&mut self, shift: i64) {
        self.shift = shift;
        self.ask_for_chords();
    }

    /// Asks for the chords of the song, or, where it names none and the machine accompanies, for those that are chosen for what
    /// the player plays.
    pub(super) fn ask_for_chords(&mut self) {
        let chooses = matches!(self.settings.mode, Mode::Accompany | Mode::Harmonise);
        let song = self.chords.iter().map(|(tick, chord)| (tick.plus(self.shift), *chord));
        self.asking.chords = if !self.chords.is_empty() {
            song.collect()
        } else if chooses {
            self.harmonist.chords().into()
        } else {
            Arc::new([])
        };
        self.trail.set_asking(&self.asking);
    }

    /// Chooses the chords from what was heard. `true`: the machine is asked for others than before.
    pub(super) fn choose_chords(&mut self, tick: Tick, heard: &[Note]) -> bool {
        if !self.net.is_asked() || !self.harmonist.close(tick, self.bars, heard) {
            return false;
        }
        let before = Arc::clone(&self.asking.chords);
        self.ask_for_chords();
        before != self.asking.chords
    }

    /// Asks the network for what settings and the player ask for now. `true`: it is something else than before.
    pub(super) fn ask(&mut self) -> bool {
        let swell = self.energy.swell(self.settings.follow_energy);
        let velocity = self.expression.velocity();
        let even = asking::even(&*self.net, &self.styles(), &self.settings, swell, velocity);
        let asking =
            Asking { even, insistence: self.governor.factor(), chords: self.asking.chords.clone() };
        let is_new = asking != self.asking;
        self.asking = asking;
        if is_new {
            self.trail.set_asking(&self.asking);
        }
        is_new && self.net.is_asked()
    }

    /// The settings by which planned notes are shaped: of a network that is asked to be as loud as the player, nothing more.
    pub(super) fn shaping(&self) -> Settings {
        let is_asked = self.net.is_asked() && self.asking.even.loudness.is_some();
        let velocity_follow = if is_asked { 0.0 } else { self.settings.velocity_follow };
        Settings { velocity_follow, ..self.settings }
    }

    /// The player comes in after both were silent for a bar or more, as when a transport rolls and nobody plays yet. Silence would
    /// go on as it began; so for the network the music begins at this bar line, or goes on there as if nothing had come
    /// between.
    pub(super) fn enter(&mut self, played: &[Note]) {
        let Some(entry) = played.first().map(|n| n.onset) else { return };
        let is_settled = |n: &Note| n.voice == Voice::Machine && n.onset <= self.floor;
        let points = self.trail.points().filter(|p| p.real || is_settled(&p.note));
        let ends = points.map(|p| p.note.end()).chain(self.window.back().map(Note::end));
        let quiet_since = ends.max().map_or(self.began, |end| end.max(self.began));
        if entry.since(quiet_since) < self.bars.length || self.settings.mode == Mode::Solo {
            return;
        }
        let mut before: Vec<Note> = self.window().collect();
        let mut again = before.split_off(before.len().saturating_sub(HEARD_AGAIN));
        let machines = again.iter().filter(|n| n.voice == Voice::Machine).count();
        if machines < FEW_NOTES {
            before.append(&mut again);
        }
        self.window = before.into();
        let line = entry.plus(-self.bars.ticks_into_bar(entry));
        let from_origin = |n: &Note| Note { onset: Tick(n.onset.since(self.bars.origin)), ..*n };
        let again: Vec<Note> = again.iter().map(from_origin).collect();
        self.begin_at(line, memory::lead_in(&again, line, self.bars));
    }

    /// At a bar line, judges whether as many notes came as were wanted. `true`: it has judged.
    pub(super) fn govern(&mut self, tick: Tick) -> bool {
        let is_line = self.bars.ticks_into_bar(tick) == 0;
        let was_open = self.open_ticks >= self.bars.length;
        if is_line {
            self.open_ticks = 0;
        }
        let may_play = self.rules.as_ref().is_some_and(|r| r.gate.contains(&tick));
        self.open_ticks += i64::from(may_play);
        let Some(wanted) = self.asking.even.density.filter(|_| is_line && was_open) else {
            return false;
        };
        let bar = tick.plus(-self.bars.length)..tick;
        let is_its = |n: &Note| n.voice == Voice::Machine && bar.contains(&n.onset);
        let came = self.window().filter(is_its).count() as f32;
        let beats = self.bars.length as f32 / TICKS_PER_BEAT as f32;
        self.governor.end_bar(came / beats, wanted);
        true
    }
}
