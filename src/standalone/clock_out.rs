//! The MIDI clock that Sideman sends: pulses for drum machines and arpeggiators, start, stop and song position.

use arrayvec::ArrayVec;

use crate::link::display::Now;
use crate::music::time::{SampleRate, TICKS_PER_BEAT, Tempo};
use crate::standalone::midi_clock::PULSES;
use crate::standalone::wire::ClockMessage;

/// Messages of a block, at most: 256 samples have one at any tempo, 4,096 at 1,000 BPM have 35.
const MESSAGES: usize = 64;

/// Place that is passed over without pulses, in quarter notes: a jump.
const JUMP_BEATS: f64 = 0.5;

/// A message and the sample of the block on which it falls.
pub type TimedClock = (u32, ClockMessage);

/// Sends pulses always, so that others know the tempo before the music starts.
///
/// Audio thread, all of it. No allocation, lock or system call.
#[derive(Clone, Debug)]
pub struct ClockOut {
    rate: SampleRate,
    song: Option<Song>,
    /// Pulses since the last one, while no song plays: 0 to 1.
    idle: f64,
    out: ArrayVec<TimedClock, MESSAGES>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Song {
    /// The next pulse, counted in the take's quarter notes from 0.
    next: i64,
    /// A bar line, in ticks of the take, and a bar's length.
    bars: (i64, i64),
    /// Whether start or continue was sent.
    told: bool,
}

impl ClockOut {
    /// A clock that has not begun.
    pub fn new(rate: SampleRate) -> Self {
        Self { rate, song: None, idle: 1.0, out: ArrayVec::new() }
    }

    /// The messages of a block, by rising offset, when the music was at `from` before it and is at `to` after it. `tempo`
    /// counts while nothing plays.
    pub fn block(
        &mut self,
        frames: usize,
        from: Option<Now>,
        to: Option<Now>,
        tempo: Tempo,
    ) -> &[TimedClock] {
        self.out.clear();
        if let Some(to) = to {
            self.play(frames, from, to);
        } else {
            if self.song.take().is_some_and(|song| song.told) {
                self.put(0, ClockMessage::Stop);
            }
            self.wait(frames, tempo);
        }
        &self.out
    }

    /// The messages of the last block.
    pub fn sent(&self) -> &[TimedClock] {
        &self.out
    }

    fn play(&mut self, frames: usize, from: Option<Now>, to: Now) {
        let seconds = frames as f64 / self.rate.hertz();
        let end = to.beats.0;
        let begin = from.map_or(end - to.tempo.beats_per_minute() / 60.0 * seconds, |f| f.beats.0);
        let bars = (to.bars.origin.0, to.bars.length.max(1));
        let line = bars.0 as f64 / TICKS_PER_BEAT as f64;
        let moved =
            |song: &Song| song.bars.1 != bars.1 || (song.bars.0 - bars.0).rem_euclid(bars.1) != 0;
        let far = |song: &Song| (song.next as f64 / PULSES as f64 - begin).abs() > JUMP_BEATS;
        let mut song = match self.song {
            Some(song) if !moved(&song) && !far(&song) => song,
            old => {
                if old.is_some_and(|song| song.told) {
                    self.put(0, ClockMessage::Stop);
                }
                // A song position is in sixteenths: it goes on with the next one, from the bar line if that is to come.
                let sixteenths = ((begin - line) * 4.0 - 1e-6).ceil().max(0.0);
                let next = ((line + sixteenths / 4.0) * PULSES as f64).round() as i64;
                Song { next, bars, told: false }
            }
        };
        while (song.next as f64) < end * PULSES as f64 - 1e-9 {
            let place = song.next as f64 / PULSES as f64;
            let share = if end > begin { (place - begin) / (end - begin) } else { 0.0 };
            let at = (share * frames as f64 - 1e-4).ceil();
            let at = at.clamp(0.0, frames.max(1) as f64 - 1.0) as u32;
            if !song.told {
                let sixteenths = ((place - line) * 4.0).round() as i64;
                if sixteenths == 0 {
                    self.put(at, ClockMessage::Start);
                } else {
                    // The counter has 14 bits: after 1,024 bars of 4/4 it begins anew.
                    self.put(at, ClockMessage::Position((sixteenths % 16_384) as u16));
                    self.put(at, ClockMessage::Continue);
                }
                song.told = true;
            }
            self.put(at, ClockMessage::Pulse);
            song.next += 1;
        }
        self.song = Some(song);
    }

    fn wait(&mut self, frames: usize, tempo: Tempo) {
        let step = tempo.beats_per_minute() / 60.0 * PULSES as f64 / self.rate.hertz();
        let end = self.idle + step * frames as f64;
        let mut next = 1.0;
        while next <= end {
            let at = ((next - self.idle) / step).max(0.0) as u32;
            self.put(at.min(frames.saturating_sub(1) as u32), ClockMessage::Pulse);
            next += 1.0;
        }
        self.idle = end - (next - 1.0);
    }

    fn put(&mut self, at: u32, message: ClockMessage) {
        // A block that is too long for its pulses loses the last ones.
        let _ = self.out.try_push((at, message));
    }
}

#[cfg(test)]
mod tests;
