//! Following a MIDI clock: tempo and song position from pulses that come unevenly.
//!
//! Two curves are laid through the last pulses by least squares: a parabola through those of one beat, which follows a tempo
//! that changes evenly without lag, and a line through those of three, which is calmer. The line counts as long as both agree
//! within the pulses' own unevenness. While a clock goes from 60 to 180 BPM in half a minute the place told is within 4 ms where
//! its pulses come up to 2 ms early or late, and within 6 ms where that is normally distributed (the conductor's tests).

use arrayvec::ArrayVec;

use crate::standalone::wire::ClockMessage;

/// Pulses to a quarter note, by the standard.
pub const PULSES: i64 = 24;

/// Pulses that the two curves go through.
const SHORT: usize = 24;
const LONG: usize = 72;

/// Silence after which the clock counts as gone, in seconds: 2.5 BPM.
const LOST_SECONDS: f64 = 1.0;

/// The least unevenness that is reckoned with, in seconds.
const EVEN_SECONDS: f64 = 0.000_3;

/// Pulses of more than this tempo are nobody's music, in quarter notes a second.
const FASTEST: f64 = 20.0;

/// Follows the pulses, start, stop and song position. Times are seconds on any clock that only rises.
///
/// Audio thread, all of it. No allocation, lock or system call; a pulse takes about a microsecond.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    /// When the last pulses came, oldest first.
    pulses: ArrayVec<f64, LONG>,
    /// Pulses since the clock was first heard.
    count: i64,
    curve: Curve,
    song: Song,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Song {
    /// Stands; the next pulse would be this one, from 0 on.
    Stopped(i64),
    /// Begins there with the next pulse.
    Armed(i64),
    /// The pulse of this number is the song's first.
    Rolling(i64),
}

impl Default for Song {
    fn default() -> Self {
        Self::Stopped(0)
    }
}

/// Pulses after the last one as `place + pace * x + bend * x * x`, `x` seconds after it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Curve {
    place: f64,
    pace: f64,
    bend: f64,
}

/// Where the clock's music is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reading {
    /// The song position in quarter notes; none while the song is stopped.
    pub beats: Option<f64>,
    /// Quarter notes a second.
    pub pace: f64,
}

impl Follower {
    /// A message came.
    pub fn hear(&mut self, at: f64, message: ClockMessage) {
        match message {
            ClockMessage::Pulse => self.pulse(at),
            ClockMessage::Start => self.song = Song::Armed(0),
            ClockMessage::Continue => {
                if let Song::Stopped(place) = self.song {
                    self.song = Song::Armed(place);
                }
            }
            ClockMessage::Stop => {
                self.song = Song::Stopped(match self.song {
                    Song::Stopped(place) | Song::Armed(place) => place,
                    Song::Rolling(first) => self.count - first + 1,
                });
            }
            ClockMessage::Position(sixteenths) => {
                let place = i64::from(sixteenths) * PULSES / 4;
                match self.song {
                    Song::Stopped(_) => self.song = Song::Stopped(place),
                    Song::Armed(_) => self.song = Song::Armed(place),
                    // The standard has it only for a song that stands; some send it in mid-song, with the pulse that follows.
                    Song::Rolling(_) => self.song = Song::Rolling(self.count + 1 - place),
                }
            }
        }
    }

    /// What the clock says of a moment; none while there is no clock.
    pub fn read(&self, at: f64) -> Option<Reading> {
        let x = at - self.pulses.last().filter(|last| at - **last < LOST_SECONDS)?;
        let Curve { place, pace, bend } = self.curve;
        if pace <= 0.0 {
            return None;
        }
        let beats = match self.song {
            Song::Rolling(first) => {
                let pulses = place + pace * x + bend * x * x + (self.count - first) as f64;
                Some(pulses / PULSES as f64)
            }
            Song::Stopped(_) | Song::Armed(_) => None,
        };
        let pace = (pace + 2.0 * bend * x).max(0.1 * pace) / PULSES as f64;
        Some(Reading { beats, pace: pace.min(FASTEST) })
    }

    fn pulse(&mut self, at: f64) {
        let gone = self.pulses.last().is_some_and(|last| at - last >= LOST_SECONDS);
        if gone {
            self.pulses.clear();
            self.curve = Curve::default();
            // What is missing can't be counted: a song that went on unheard is taken up when it starts anew.
            if matches!(self.song, Song::Rolling(_)) {
                self.hear(at, ClockMessage::Stop);
            }
        }
        self.count += 1;
        if let Song::Armed(place) = self.song {
            self.song = Song::Rolling(self.count - place);
        }
        if self.pulses.is_full() {
            self.pulses.remove(0);
        }
        // Two threads of a system may tell the time differently.
        let at = self.pulses.last().map_or(at, |last| at.max(*last));
        self.pulses.push(at);
        self.curve = self.fit();
    }

    fn fit(&self) -> Curve {
        let Some((&last, before)) = self.pulses.split_last() else { return Curve::default() };
        match before {
            [] => return Curve::default(),
            [.., one] if before.len() == 1 => {
                let pace = 1.0 / (last - one).max(1e-3);
                return Curve { place: 0.0, pace, bend: 0.0 };
            }
            _ => {}
        }
        let recent = &self.pulses[self.pulses.len().saturating_sub(SHORT)..];
        let line = line(&self.pulses, last);
        if recent.len() < SHORT || line.pace <= 0.0 {
            return line;
        }
        let parabola = parabola(recent, last);
        let uneven = unevenness(recent, last, parabola).max(EVEN_SECONDS * line.pace);
        let apart = (parabola.place - line.place) / uneven;
        let calm = 1.0 / (1.0 + apart.powi(4));
        let mix = |a: f64, b: f64| calm * a + (1.0 - calm) * b;
        Curve {
            place: mix(line.place, parabola.place),
            pace: mix(line.pace, parabola.pace),
            bend: mix(0.0, parabola.bend),
        }
    }
}

/// The pulses as (seconds after the last one, pulses after the last one), both at most 0.
fn points(pulses: &[f64], last: f64) -> impl Iterator<Item = (f64, f64)> {
    let n = pulses.len() as f64 - 1.0;
    pulses.iter().enumerate().map(move |(i, at)| (at - last, i as f64 - n))
}

/// The straight line through pulses.
fn line(pulses: &[f64], last: f64) -> Curve {
    let n = pulses.len() as f64;
    let (x, y) = points(pulses, last).fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (mx, my) = (x / n, y / n);
    let (xx, xy) = points(pulses, last)
        .fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + (x - mx) * (x - mx), xy + (x - mx) * (y - my)));
    let pace = if xx > 0.0 { xy / xx } else { 0.0 };
    Curve { place: my - pace * mx, pace, bend: 0.0 }
}

/// The parabola through pulses; the line, where they came so unevenly that there is none that rises.
fn parabola(pulses: &[f64], last: f64) -> Curve {
    // In units of the time that they span, the sums are of one size.
    let span = last - pulses[0];
    let (mut s, mut t) = ([0.0; 5], [0.0; 3]);
    for (x, y) in points(pulses, last) {
        let mut power = 1.0;
        for (i, sum) in s.iter_mut().enumerate() {
            *sum += power;
            if i < 3 {
                t[i] += power * y;
            }
            power *= x / span;
        }
    }
    let det = |a: [f64; 3], b: [f64; 3], c: [f64; 3]| {
        a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1])
            + c[0] * (a[1] * b[2] - a[2] * b[1])
    };
    let (a, b, c) = ([s[0], s[1], s[2]], [s[1], s[2], s[3]], [s[2], s[3], s[4]]);
    let whole = det(a, b, c);
    let curve = Curve {
        place: det(t, b, c) / whole,
        pace: det(a, t, c) / whole / span,
        bend: det(a, b, t) / whole / (span * span),
    };
    let sound = curve.place.is_finite() && curve.bend.is_finite() && curve.pace > 0.0;
    if sound { curve } else { line(pulses, last) }
}

/// How far pulses lie from a curve on average, in pulses.
fn unevenness(pulses: &[f64], last: f64, curve: Curve) -> f64 {
    let off = |(x, y): (f64, f64)| y - (curve.place + curve.pace * x + curve.bend * x * x);
    let sum: f64 = points(pulses, last).map(|p| off(p).powi(2)).sum();
    (sum / pulses.len() as f64).sqrt()
}

#[cfg(test)]
mod tests;
