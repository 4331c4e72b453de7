//! The pulse of a player who has no metronome: tempo and beat told from when keys are struck, or tapped.
//!
//! Tempo: each onset votes, with its distance to each of the last ones, for the beats of which that distance is a simple
//! multiple or part; votes fade within seconds. The tempo that was set is a hint that decides between a beat and its
//! double. Place: the last onsets are laid over the beat at every offset; where most of them fall on beats and their
//! halves, there the beat is. The clock is never set back: small errors are made up for by going a little faster or
//! slower for a beat, larger ones move the bar lines.

use arrayvec::ArrayVec;

use crate::music::time::{SampleRate, TICKS_PER_BEAT, Tempo};

/// Ticks of a beat.
const BEAT: f64 = TICKS_PER_BEAT as f64;

/// Onsets that are remembered.
const ONSETS: usize = 16;

/// Tempos that are compared: from [`SLOWEST`] on, each a fiftieth faster than the one before; the last is 196.
const CANDIDATES: usize = 75;

/// Beats a minute of the slowest.
const SLOWEST: f64 = 45.0;

/// How much faster the next candidate is.
const RATIO: f64 = 1.02;

/// Keys struck within so many seconds are one onset: a chord.
const CHORD_SECONDS: f64 = 0.05;

/// Onsets further apart than this say nothing about the beat, in seconds.
const FAR_SECONDS: f64 = 5.0;

/// How far from an exact multiple a distance may be and still have a vote, in seconds.
const UNEVEN_SECONDS: f64 = 0.05;

/// Seconds in which a vote fades to about a third.
const FADE_SECONDS: f64 = 6.0;

/// How strongly the hint holds: the width of a bell over the logarithm of the tempo; 0.35 is half an octave.
const HINT_WIDTH: f64 = 0.35;

/// How much better than the present tempo another must be.
const STICK: f32 = 1.15;

/// Distances between onsets that must have voted before the pulse is believed.
const BELIEVE_AFTER: u32 = 4;

/// The share of the error in tempo, and in place, that is made up for at each onset.
const TEMPO_GAIN: f64 = 0.4;
const PLACE_GAIN: f64 = 0.5;

/// The most ticks that the clock gains or loses within a beat.
const MOST_LEAN: f64 = 1.5;

/// How much better than the present place of the beat another must fit.
const PLACE_STICK: f32 = 1.25;

/// Taps further apart than this begin anew, in seconds: slower than 24 to the minute nobody taps.
const TAP_SECONDS: f64 = 2.5;

/// What the clock is to do.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Steer {
    /// The tempo from now on.
    pub tempo: Tempo,
    /// Ticks to gain (or, below 0, to lose) over the next beat.
    pub lean: f64,
    /// Ticks by which the bar lines come later.
    pub shift: i64,
}

/// The sense of pulse.
#[derive(Clone, Debug)]
pub struct Pulse {
    rate: SampleRate,
    /// Samples of the last onsets, oldest first.
    onsets: ArrayVec<u64, ONSETS>,
    votes: [f32; CANDIDATES],
    /// How well each candidate agrees with the hint, 0 to 1.
    hint: [f32; CANDIDATES],
    distances: u32,
    /// The tempo that was set, and what has been made of it.
    hinted: Tempo,
    tempo: f64,
    taps: ArrayVec<u64, 4>,
}

impl Pulse {
    /// A listener that has heard nothing. Audio thread.
    pub fn new(rate: SampleRate) -> Self {
        Self {
            rate,
            onsets: ArrayVec::new(),
            votes: [0.0; CANDIDATES],
            hint: [1.0; CANDIDATES],
            distances: 0,
            hinted: Tempo::default(),
            tempo: Tempo::default().beats_per_minute(),
            taps: ArrayVec::new(),
        }
    }

    /// The clock starts with a first onset, at a tempo that is only a hint. Audio thread.
    pub fn begin(&mut self, sample: u64, hint: Tempo) {
        self.onsets.clear();
        self.onsets.push(sample);
        self.votes = [0.0; CANDIDATES];
        self.distances = 0;
        self.hinted = hint;
        self.take_hint(hint.beats_per_minute());
    }

    /// The tempo was set anew while the clock runs: what was heard so far counts no more. Audio thread.
    pub fn hint(&mut self, tempo: Tempo) {
        if tempo != self.hinted {
            self.hinted = tempo;
            self.onsets.clear();
            self.votes = [0.0; CANDIDATES];
            self.distances = 0;
            self.take_hint(tempo.beats_per_minute());
        }
    }

    fn take_hint(&mut self, tempo: f64) {
        self.tempo = tempo;
        self.hint = std::array::from_fn(|i| {
            (-0.5 * ((candidate(i) / tempo).ln() / HINT_WIDTH).powi(2)).exp() as f32
        });
    }

    /// A key was struck. `place`: ticks from a bar line to it, by the clock. Says how the clock is to go on, once
    /// there is enough to go by.
    ///
    /// Audio thread. No allocation, lock or system call; some microseconds.
    pub fn onset(&mut self, sample: u64, place: f64) -> Option<Steer> {
        let Some(last) = self.onsets.last() else {
            self.onsets.push(sample);
            return None;
        };
        let since = self.seconds(*last, sample);
        if since < CHORD_SECONDS {
            return None;
        }
        let fade = (-since / FADE_SECONDS).exp() as f32;
        self.votes.iter_mut().for_each(|v| *v *= fade);
        for onset in &self.onsets {
            let distance = self.seconds(*onset, sample);
            if distance < FAR_SECONDS {
                self.distances = self.distances.saturating_add(1);
                for (index, vote) in self.votes.iter_mut().enumerate() {
                    *vote += agreement(distance * candidate(index) / 60.0, 60.0 / candidate(index));
                }
            }
        }
        if self.onsets.is_full() {
            self.onsets.remove(0);
        }
        self.onsets.push(sample);
        if self.distances < BELIEVE_AFTER {
            return None;
        }
        self.choose_tempo();
        self.refine_tempo();
        let (shift, error) = self.find_beat(place);
        let lean = (error * PLACE_GAIN).clamp(-MOST_LEAN, MOST_LEAN);
        Some(Steer { tempo: Tempo::new(self.tempo), lean, shift })
    }

    /// A beat was tapped. `place` as for [`Self::onset`]. From the second tap on it says how the clock is to go on.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn tap(&mut self, sample: u64, place: f64) -> Option<Steer> {
        if self.taps.last().is_some_and(|last| self.seconds(*last, sample) > TAP_SECONDS) {
            self.taps.clear();
        }
        if self.taps.is_full() {
            self.taps.remove(0);
        }
        self.taps.push(sample);
        let (first, beats) = (*self.taps.first()?, self.taps.len() - 1);
        if beats == 0 {
            return None;
        }
        self.take_hint(60.0 * beats as f64 / self.seconds(first, sample).max(0.1));
        // From the nearest beat: a tap a little early must not make the next beat the bar's first.
        let off = (place + BEAT / 2.0).rem_euclid(BEAT) - BEAT / 2.0;
        let shift = off.round();
        Some(Steer { tempo: Tempo::new(self.tempo), lean: shift - off, shift: shift as i64 })
    }

    fn seconds(&self, from: u64, to: u64) -> f64 {
        to.saturating_sub(from) as f64 / self.rate.hertz()
    }

    fn choose_tempo(&mut self) {
        let value = |i: usize| self.votes[i] * self.hint[i];
        let here =
            ((self.tempo / SLOWEST).ln() / RATIO.ln()).round().clamp(0.0, CANDIDATES as f64 - 1.0);
        let near = (here as usize).saturating_sub(2)..(here as usize + 3).min(CANDIDATES);
        let present = near.clone().map(value).fold(0.0, f32::max);
        let best = (0..CANDIDATES).max_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(0);
        if !near.contains(&best) && value(best) > STICK * present {
            self.tempo = candidate(best);
        }
    }

    /// Brings the tempo nearer to what makes the last distances whole numbers of sixteenths. A long distance tells it
    /// more exactly than a short one.
    fn refine_tempo(&mut self) {
        let Some((last, earlier)) = self.onsets.split_last() else { return };
        let (mut sum, mut weights) = (0.0, 0.0);
        for onset in earlier {
            let distance = self.seconds(*onset, *last);
            let beats = distance * self.tempo / 60.0;
            let whole = (beats * 4.0).round() / 4.0;
            let error = (beats - whole) * 60.0 / self.tempo;
            if whole > 0.0 && distance < FAR_SECONDS && error.abs() < UNEVEN_SECONDS {
                let weight = whole * (1.0 - (error / UNEVEN_SECONDS).powi(2));
                sum += weight * whole * 60.0 / distance;
                weights += weight;
            }
        }
        if weights > 0.0 {
            self.tempo += TEMPO_GAIN * (sum / weights - self.tempo);
            self.tempo = Tempo::new(self.tempo).beats_per_minute();
        }
    }

    /// Where the beat is: whole sixteenths by which the bar lines must move, and the error that is left, both in
    /// ticks.
    fn find_beat(&self, place: f64) -> (i64, f64) {
        let Some(last) = self.onsets.last() else { return (0, 0.0) };
        let ticks_per_second = self.tempo / 60.0 * BEAT;
        let fit = |offset: f64| -> f32 {
            let places = self.onsets.iter().map(|o| {
                (place - offset - self.seconds(*o, *last) * ticks_per_second).rem_euclid(BEAT)
            });
            places.map(on_beat).sum()
        };
        let steps = (0..2 * TICKS_PER_BEAT).map(|i| i as f64 / 2.0 - BEAT / 2.0 + 0.5);
        let present = [-1.0, -0.5, 0.0, 0.5, 1.0].map(|o| (o, fit(o)));
        let best = |a: (f64, f32), b: (f64, f32)| if b.1 > a.1 { b } else { a };
        let here = present.into_iter().fold((0.0, 0.0), best);
        let there = steps.map(|o| (o, fit(o))).fold((0.0, 0.0), best);
        let offset = if there.1 > PLACE_STICK * here.1 { there.0 } else { here.0 };
        let shift = (offset / 3.0).round() * 3.0;
        // What no sixteenth makes up for, the clock gains or loses.
        (shift as i64, shift - offset)
    }
}

/// Beats a minute of a candidate.
fn candidate(index: usize) -> f64 {
    SLOWEST * RATIO.powi(index as i32)
}

/// How well a distance in beats agrees with the beat: whole beats best, then halves, then quarters and thirds.
fn agreement(beats: f64, beat_seconds: f64) -> f32 {
    let quarters = (beats * 4.0).round();
    let weight = match quarters as i64 {
        0 => 0.0,
        q if q % 4 == 0 => 1.0,
        q if q % 2 == 0 => 0.6,
        _ => 0.35,
    };
    let error = (beats - quarters / 4.0) * beat_seconds / UNEVEN_SECONDS;
    weight * (1.0 - error * error).max(0.0) as f32
}

/// How well an onset at this place of the beat, in ticks, speaks for the beat.
fn on_beat(place: f64) -> f32 {
    let near = |at: f64| (1.0 - ((place - at) / 1.0).powi(2)).max(0.0) as f32;
    near(0.0).max(near(12.0)) + 0.5 * near(6.0) + 0.2 * (near(3.0) + near(9.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    /// A clock that does as it is told, at the first onset on a bar line.
    struct Follower {
        pulse: Pulse,
        sample: f64,
        place: f64,
        tempo: f64,
        lean: f64,
    }

    impl Follower {
        fn new(hint: f64) -> Self {
            let mut pulse = Pulse::new(SampleRate::new(RATE));
            pulse.begin(0, Tempo::new(hint));
            Self { pulse, sample: 0.0, place: 0.0, tempo: hint, lean: 0.0 }
        }

        fn hear(&mut self, seconds: f64) {
            let ticks = (seconds * RATE - self.sample) / RATE * self.tempo / 60.0 * 12.0;
            self.place += ticks + self.lean * (ticks / 12.0).min(1.0);
            self.sample = seconds * RATE;
            if let Some(steer) = self.pulse.onset(self.sample as u64, self.place) {
                self.tempo = steer.tempo.beats_per_minute();
                self.lean = steer.lean;
                self.place -= steer.shift as f64;
            }
        }
    }

    /// Onsets in beats, over and over: a syncopated bar.
    const BAR: [f64; 7] = [0.0, 1.0, 1.5, 2.0, 2.75, 3.0, 3.5];

    fn follow(hint: f64, bars: i32, seconds_at: impl Fn(f64) -> f64) -> Follower {
        let mut follower = Follower::new(hint);
        for bar in 0..bars {
            for beat in BAR.iter().filter(|b| bar > 0 || **b > 0.0) {
                follower.hear(seconds_at(f64::from(bar) * 4.0 + beat));
            }
        }
        follower
    }

    #[test]
    fn a_steady_player_is_found_from_a_wrong_hint() {
        for (tempo, hint) in [(100.0, 120.0), (138.0, 120.0), (84.0, 100.0), (120.0, 120.0)] {
            let follower = follow(hint, 8, |beats| beats * 60.0 / tempo);
            assert!((follower.tempo / tempo - 1.0).abs() < 0.01, "{tempo}: {}", follower.tempo);
            // The last onset is half a beat after the fourth beat.
            let off = (follower.place - 42.0).rem_euclid(12.0);
            assert!(off.min(12.0 - off) < 0.8, "{tempo}: at {}", follower.place);
        }
    }

    #[test]
    fn a_player_who_hurries_and_one_who_is_uneven_are_followed() {
        // From 100 to 125 within 32 bars.
        let hurry = follow(100.0, 32, |beats| beats * 0.6 - 0.12 * beats * beats / 256.0);
        let tempo = 60.0 / (0.6 - 0.24 * 127.5 / 256.0);
        assert!((hurry.tempo / tempo - 1.0).abs() < 0.03, "{} for {tempo}", hurry.tempo);
        let uneven = follow(120.0, 16, |beats| beats * 0.55 + 0.012 * (beats * 7.3).sin());
        assert!((uneven.tempo * 0.55 / 60.0 - 1.0).abs() < 0.03, "{}", uneven.tempo);
    }

    #[test]
    fn a_player_who_began_off_the_beat_gets_his_bar_lines_moved() {
        // The first key is a half beat early, which the clock took for the beat.
        let mut follower = Follower::new(110.0);
        for beat in 0..24 {
            follower.hear((f64::from(beat) + 0.5) * 60.0 / 110.0);
        }
        let off = follower.place.rem_euclid(12.0);
        assert!(off.min(12.0 - off) < 0.8, "the beats fall on {}", follower.place);
    }

    #[test]
    fn taps_set_tempo_and_beat() {
        let mut pulse = Pulse::new(SampleRate::new(RATE));
        assert_eq!(pulse.tap(48_000, 5.2), None);
        let steer = pulse.tap(48_000 + 24_000, 17.2).unwrap();
        assert!((steer.tempo.beats_per_minute() - 120.0).abs() < 1e-6);
        assert_eq!(steer.shift, 5);
        assert!((steer.lean + 0.2).abs() < 1e-6);
        // A little before the beat, at any beat of the bar: the bar lines stay and the clock gains.
        let steer = pulse.tap(48_000 + 48_000, 35.8).unwrap();
        assert_eq!(steer.shift, 0);
        assert!((steer.lean - 0.2).abs() < 1e-6);
        assert_eq!(pulse.tap(480_000, 0.0), None, "after a pause it begins anew");
    }

    #[test]
    fn a_flood_and_a_clock_that_stands_still_break_nothing() {
        let mut pulse = Pulse::new(SampleRate::new(RATE));
        assert_eq!(pulse.onset(5, 0.0), None, "nothing to go by");
        pulse.begin(0, Tempo::new(120.0));
        for i in 0..10_000_u64 {
            if let Some(steer) = pulse.onset(i * i % 1_000_000, f64::from(i as u32)) {
                assert!(steer.tempo.beats_per_minute().is_finite() && steer.lean.is_finite());
            }
        }
    }
}
