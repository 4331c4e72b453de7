//! What was played since the program began: for the eye, and for a MIDI file.

use std::path::{Path, PathBuf};

use crate::music::event::Midi;
use crate::music::time::{Beats, Meter, Tempo};
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

/// All notes of a session, by beats. A new take goes on behind the one before.
#[derive(Clone, Debug, Default)]
pub struct Session {
    notes: Vec<Played>,
    /// Where the last message was, and how far its take was moved.
    last: f64,
    shift: f64,
}

impl Session {
    /// Follows what sounds.
    pub fn hear(&mut self, heard: &Heard) {
        let at = self.at(heard.beats);
        let part = if heard.midi.channel() == PLAYER { Part::Player } else { Part::Machine };
        match heard.midi {
            Midi::NoteOn { key, velocity, .. } => {
                self.notes.push(Played { part, key, velocity, from: at, to: None });
            }
            Midi::NoteOff { key, .. } => {
                let open = |n: &&mut Played| n.part == part && n.key == key && n.to.is_none();
                if let Some(note) = self.notes.iter_mut().rev().find(open) {
                    note.to = Some(at);
                }
            }
            _ => {}
        }
    }

    /// A place of the take that is played, in beats of the session. Where it falls back, a new take has begun.
    pub fn at(&mut self, beats: Option<Beats>) -> f64 {
        let Some(Beats(beats)) = beats else { return self.last };
        // An offset within a block is interpolated: small steps back are none.
        if beats + self.shift < self.last - 1.0 {
            self.shift = self.last.ceil() - beats.floor();
        }
        self.last = (beats + self.shift).max(self.last);
        beats + self.shift
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

    /// Both parts as a MIDI file, on the beats that were heard, at one tempo.
    pub fn take(&self, tempo: Tempo, meter: Meter, machine: u8) -> Take {
        let tick = |beats: f64| (beats.max(0.0) * f64::from(PPQ)).round() as u32;
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
            tempos: vec![TempoEvent {
                tick: 0,
                micros_per_quarter: (tempo.seconds_per_beat() * 1e6).round() as u32,
            }],
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

    fn heard(beats: Option<f64>, midi: Midi) -> Heard {
        Heard { sample: 0, beats: beats.map(Beats), midi }
    }

    #[test]
    fn a_second_take_goes_on_behind_the_first() {
        let mut session = Session::default();
        let on = |channel, key| Midi::NoteOn { channel, key, velocity: 90 };
        let off = |channel, key| Midi::NoteOff { channel, key, velocity: 0 };
        let machine = Channel::new(1);
        for (beats, midi) in [
            (Some(0.0), on(PLAYER, 60)),
            (Some(1.0), off(PLAYER, 60)),
            (Some(5.5), on(machine, 48)),
            (Some(6.25), off(machine, 48)),
            (Some(0.25), on(PLAYER, 62)),
            (Some(0.2), on(machine, 50)),
            (None, off(machine, 50)),
        ] {
            session.hear(&heard(beats, midi));
        }
        let take = session.take(Tempo::new(120.0), Meter::default(), 1);
        let ticks = |t: &OutTrack| t.notes.iter().map(|n| (n.tick, n.duration)).collect::<Vec<_>>();
        assert_eq!(ticks(&take.player), [(0, 480), (7 * 480 + 120, 0)]);
        assert_eq!(ticks(&take.machine), [(5 * 480 + 240, 360), (7 * 480 + 96, 24)]);
        assert_eq!(session.count(Part::Player), 2);
        assert_eq!(session.since(6.5).len(), 2, "what ended before is out of sight");
    }

    #[test]
    fn no_session_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(free_name(dir.path(), "s"), dir.path().join("s-1.mid"));
        std::fs::write(dir.path().join("s-1.mid"), "").unwrap();
        assert_eq!(free_name(dir.path(), "s"), dir.path().join("s-2.mid"));
    }
}
