//! A range of a session as a MIDI file: notes, the tempo that the samples tell, bar lines and chords.

use super::{EARLY, Played, Range, Session};
use crate::data::midi_out::{MarkerEvent, MeterEvent, OutNote, OutTrack, Take, TempoEvent};
use crate::music::time::{Meter, TICKS_PER_BEAT};
use crate::standalone::Part;
use crate::standalone::performance::PLAYER;

/// MIDI ticks to a quarter note.
const PPQ: u16 = 480;
/// Seconds by which the file's tempo may run ahead of the sound, or behind it.
const DRIFT: f64 = 0.002;
/// How much better its halves must be named than a bar, to be named apart.
const APART: f32 = 0.08;
/// Electric piano for the player, piano for the machine: General MIDI programs.
const PROGRAMS: [u8; 2] = [4, 0];

impl Session {
    /// Both parts as a MIDI file, on the beats and in the tempos that were heard, with bar lines and the chords' names. Bars of
    /// the length of `meter` are written as such.
    pub fn take(&self, range: Range, meter: Meter, machine: u8) -> Take {
        let track = |part: Part, channel| {
            let last = self.way.place(None);
            let note = |n: &Played| {
                let (from, to) = (n.from.max(range.from), n.to.unwrap_or(last).min(range.to));
                let (tick, end) = (tick(from - range.from), tick(to - range.from));
                let duration = end.saturating_sub(tick);
                OutNote { tick, duration, key: n.key, velocity: n.velocity, channel }
            };
            // What began before is cut; of what had all but ended nothing is left.
            let is_in = |n: &&Played| {
                n.part == part
                    && n.from < range.to.max(range.from + EARLY)
                    && (n.from >= range.from || n.to.is_none_or(|to| to > range.from + EARLY))
            };
            let notes = self.sounding(range.from).filter(is_in).map(note).collect();
            OutTrack { program: PROGRAMS[part as usize], channel, notes }
        };
        Take {
            ticks_per_quarter: PPQ,
            tempos: self.tempos(range),
            meters: self.meters(range, meter),
            markers: self.chords(range),
            player: track(Part::Player, PLAYER.index()),
            machine: track(Part::Machine, machine),
        }
    }

    /// The tempo beat by beat, where it differs: a file beside the sound stays beside it.
    fn tempos(&self, range: Range) -> Vec<TempoEvent> {
        let mut tempos: Vec<TempoEvent> = Vec::new();
        let (mut written, mut heard, mut beat) = (0.0, 0.0, 0.0);
        let mut stretches = self.way.stretches(range.from, range.to).into_iter().peekable();
        while stretches.peek().is_some() {
            // The time of a beat, or of what is left.
            let mut length = 0.0;
            while let Some(stretch) = stretches.peek_mut() {
                let wanted = range.from + beat + 1.0 - stretch.from;
                let has = stretch.to - stretch.from;
                if wanted < has {
                    let share = (wanted / has).max(0.0);
                    length += wanted;
                    heard += stretch.seconds * share;
                    stretch.seconds *= 1.0 - share;
                    stretch.from += wanted;
                    break;
                }
                length += has;
                heard += stretch.seconds;
                stretches.next();
            }
            if length < EARLY {
                break;
            }
            let micros = tempos.last().map_or(0.0, |t| f64::from(t.micros_per_quarter));
            let drift = (written + length * micros / 1e6 - heard).abs();
            if drift > DRIFT || tempos.is_empty() {
                let micros = (heard - written) / length * 1e6;
                let micros_per_quarter = micros.round().clamp(60_000.0, 6_000_000.0) as u32;
                tempos.push(TempoEvent { tick: tick(beat), micros_per_quarter });
            }
            let micros = tempos.last().map_or(0.0, |t| f64::from(t.micros_per_quarter));
            written += length * micros / 1e6;
            beat += 1.0;
        }
        if tempos.is_empty() {
            let micros_per_quarter = (60e6 / self.way.tempo()).round() as u32;
            tempos.push(TempoEvent { tick: 0, micros_per_quarter });
        }
        tempos
    }

    /// Time signatures: one where bars begin to have another length, and one for each odd bar between.
    fn meters(&self, range: Range, meter: Meter) -> Vec<MeterEvent> {
        let mut meters: Vec<MeterEvent> = Vec::new();
        let mut put = |at: f64, beats: f64| {
            let (numerator, denominator) = signature(beats, meter);
            let same = |m: &MeterEvent| (m.numerator, m.denominator) == (numerator, denominator);
            if !meters.last().is_some_and(same) {
                meters.push(MeterEvent { tick: tick(at - range.from), numerator, denominator });
            }
        };
        put(range.from, self.way.next_bar(range.from) - self.way.bar_at(range.from));
        for line in self.way.lines().iter().filter(|l| l.beats < range.to) {
            let odd = self.way.bar_at(line.beats - EARLY);
            if odd >= range.from && odd < line.beats {
                put(odd, line.beats - odd);
            }
            if line.beats > range.from {
                put(line.beats, line.bar);
            }
        }
        meters
    }

    /// The name of the chord of each bar, or of its halves where these differ; said where it changes.
    fn chords(&self, range: Range) -> Vec<MarkerEvent> {
        let mut markers: Vec<MarkerEvent> = Vec::new();
        let mut put = |at: f64, text: String| {
            if markers.last().is_none_or(|m| m.text != text) {
                markers.push(MarkerEvent { tick: tick(at - range.from), text });
            }
        };
        let mut from = range.from;
        while from < range.to - EARLY {
            let to = self.way.next_bar(from);
            let half = from.midpoint(to);
            let halves = [Range { from, to: half }, Range { from: half, to }];
            let named = halves.map(|half| (half.from, self.chord(half)));
            let whole = self.chord(Range { from, to });
            let score = |chord: &Option<_>| chord.map_or(0.0, |(_, score): (_, f32)| score);
            let mean = named.iter().map(|(_, chord)| score(chord)).sum::<f32>() / 2.0;
            if whole.is_some() && mean < score(&whole) + APART {
                put(from, whole.map_or_else(String::new, |(chord, _)| chord.to_string()));
            } else {
                for (at, chord) in named {
                    if let Some((chord, _)) = chord {
                        put(at, chord.to_string());
                    }
                }
            }
            from = to;
        }
        markers
    }
}

/// A place in the file.
fn tick(beats: f64) -> u32 {
    (beats.max(0.0) * f64::from(PPQ)).round() as u32
}

/// A bar of so many beats as a time signature: the one that is known, or to the nearest sixteenth.
fn signature(beats: f64, meter: Meter) -> (u8, u8) {
    let ticks = (beats * TICKS_PER_BEAT as f64).round() as i64;
    if ticks == meter.bar_ticks() {
        return (meter.numerator, meter.denominator);
    }
    let sixteenths = ((ticks + 1) / 3).clamp(1, 255);
    match sixteenths {
        n if n % 4 == 0 => ((n / 4) as u8, 4),
        n if n % 2 == 0 => ((n / 2) as u8, 8),
        n => (n as u8, 16),
    }
}
