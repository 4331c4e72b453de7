//! What was played since the program began: for the eye, and for a MIDI file.

use std::path::{Path, PathBuf};

use crate::live::clock::Now;
use crate::music::event::Midi;
use crate::music::time::{Beats, Meter, TICKS_PER_BEAT};
use crate::standalone::Part;
use crate::standalone::midi_out::{MeterEvent, OutNote, OutTrack, Take, TempoEvent};
use crate::standalone::performance::PLAYER;
use crate::standalone::roll::RollNote;
use crate::standalone::stage::Heard;

/// MIDI ticks to a quarter note.
const PPQ: u16 = 480;

/// A note that was played.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Played {
    part: Part,
    key: u8,
    velocity: u8,
    from: f64,
    to: Option<f64>,
}

/// All notes of a session, on the beats that were heard.
#[derive(Clone, Debug, Default)]
pub struct Session {
    notes: Vec<Played>,
    /// Where the tempo changed, and to how many beats a minute.
    tempos: Vec<(f64, f64)>,
    /// Where the music last was, and where its last bar line lies within a bar.
    last: f64,
    bar_line: f64,
}

/// Beats a minute by which a tempo differs from the one before at least to be kept.
const TEMPO_STEP: f64 = 0.5;

impl Session {
    /// Follows what sounds.
    pub fn hear(&mut self, heard: &Heard) {
        let at = self.at(heard.now);
        let part = if heard.midi.channel() == PLAYER { Part::Player } else { Part::Machine };
        match heard.midi {
            Midi::NoteOn { key, velocity, .. } => {
                self.notes.push(Played { part, key, velocity, from: at, to: None });
            }
            Midi::NoteOff { key, .. } => {
                let open = |n: &&mut Played| n.part == part && n.key == key && n.to.is_none();
                if let Some(note) = self.notes.iter_mut().rev().find(open) {
                    note.to = Some(at.max(note.from));
                }
            }
            _ => {}
        }
    }

    /// Where the music is, in beats; while no time passes, where it last was.
    pub fn at(&mut self, now: Option<Now>) -> f64 {
        let Some(Now { beats: Beats(beats), bars, tempo }) = now else { return self.last };
        let bar = bars.length as f64 / TICKS_PER_BEAT as f64;
        self.bar_line = bars.origin.beats().0.rem_euclid(bar);
        let tempo = tempo.beats_per_minute();
        if self.tempos.last().is_none_or(|(_, t)| (t - tempo).abs() >= TEMPO_STEP) {
            self.tempos.push((beats, tempo));
        }
        self.last = beats.max(self.last);
        beats
    }

    /// Beats from 0 to a bar line.
    pub const fn bar_line(&self) -> f64 {
        self.bar_line
    }

    /// The notes that end behind a place, or still sound.
    pub fn since(&self, from: f64) -> Vec<RollNote> {
        let seen = |n: &&Played| n.to.is_none_or(|to| to >= from);
        let roll = |n: &Played| RollNote {
            part: n.part,
            start_beats: n.from,
            len_beats: n.to.unwrap_or(self.last) - n.from,
            key: n.key,
            velocity: n.velocity,
            planned: false,
        };
        self.notes.iter().filter(seen).map(roll).collect()
    }

    /// How many notes of a part there are.
    pub fn count(&self, part: Part) -> usize {
        self.notes.iter().filter(|n| n.part == part).count()
    }

    /// Both parts as a MIDI file, on the beats and in the tempos that were heard, with its bar lines where the last ones
    /// were.
    pub fn take(&self, meter: Meter, machine: u8) -> Take {
        let bar = 4.0 * f64::from(meter.numerator) / f64::from(meter.denominator.max(1));
        let early = if self.bar_line > 0.0 { bar - self.bar_line } else { 0.0 };
        let tick = |beats: f64| ((beats + early).max(0.0) * f64::from(PPQ)).round() as u32;
        let tempo = |(nth, (beats, tempo)): (usize, &(f64, f64))| TempoEvent {
            tick: if nth == 0 { 0 } else { tick(*beats) },
            micros_per_quarter: (60e6 / tempo.max(1.0)).round() as u32,
        };
        let track = |part, program, channel: u8| OutTrack {
            program,
            channel,
            notes: self
                .notes
                .iter()
                .filter(|n| n.part == part)
                .map(|n| {
                    let (from, to) = (tick(n.from), tick(n.to.unwrap_or(self.last)));
                    let duration = to.saturating_sub(from);
                    OutNote { tick: from, duration, key: n.key, velocity: n.velocity, channel }
                })
                .collect(),
        };
        Take {
            ticks_per_quarter: PPQ,
            tempos: self.tempos.iter().enumerate().map(tempo).collect(),
            meters: vec![MeterEvent {
                tick: 0,
                numerator: meter.numerator,
                denominator: meter.denominator,
            }],
            markers: Vec::new(),
            player: track(Part::Player, 4, PLAYER.index()),
            machine: track(Part::Machine, 0, machine),
        }
    }
}

/// The first of `NAME-1.mid`, `NAME-2.mid` and so on that is not there: no session is written over another.
pub fn free_name(folder: &Path, name: &str) -> PathBuf {
    let path = |n: u32| folder.join(format!("{name}-{n}.mid"));
    (1..u32::MAX).map(path).find(|p| !p.exists()).unwrap_or_else(|| path(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::event::Channel;
    use crate::music::time::{Bars, Tempo, Tick};

    fn heard(beats: Option<f64>, tempo: f64, midi: Midi) -> Heard {
        let bars = Bars { origin: Tick(12), length: 48 };
        let at = |beats| Now { beats: Beats(beats), bars, tempo: Tempo::new(tempo) };
        Heard { now: beats.map(at), midi }
    }

    #[test]
    fn a_session_keeps_notes_tempos_and_bar_lines() {
        let mut session = Session::default();
        let on = |channel, key| Midi::NoteOn { channel, key, velocity: 90 };
        let off = |channel, key| Midi::NoteOff { channel, key, velocity: 0 };
        let machine = Channel::new(1);
        for (beats, tempo, midi) in [
            (Some(1.0), 80.0, on(PLAYER, 60)),
            (Some(2.0), 80.2, off(PLAYER, 60)),
            (Some(5.5), 92.0, on(machine, 48)),
            (Some(6.25), 92.0, off(machine, 48)),
            (Some(7.0), 92.0, on(machine, 50)),
            (None, 92.0, off(machine, 50)),
        ] {
            session.hear(&heard(beats, tempo, midi));
        }
        assert!((session.bar_line() - 1.0).abs() < 1e-9);
        let take = session.take(Meter::default(), 1);
        let ticks = |t: &OutTrack| t.notes.iter().map(|n| (n.tick, n.duration)).collect::<Vec<_>>();
        assert_eq!(ticks(&take.player), [(4 * 480, 480)], "the first note is on a bar line");
        assert_eq!(ticks(&take.machine), [(8 * 480 + 240, 360), (10 * 480, 0)]);
        let tempos: Vec<_> = take.tempos.iter().map(|t| (t.tick, t.micros_per_quarter)).collect();
        assert_eq!(tempos, [(0, 750_000), (8 * 480 + 240, 652_174)]);
        assert_eq!(session.count(Part::Machine), 2);
        assert_eq!(session.since(6.5).len(), 1, "what ended before is out of sight");
    }

    #[test]
    fn no_session_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(free_name(dir.path(), "s"), dir.path().join("s-1.mid"));
        std::fs::write(dir.path().join("s-1.mid"), "").unwrap();
        assert_eq!(free_name(dir.path(), "s"), dir.path().join("s-2.mid"));
    }
}
