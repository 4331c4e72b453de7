//! Who beats time on stage: the player himself, the metronome, or a MIDI clock from outside.
//!
//! The engine knows one thing only, a host's transport; what beats time here is told to it as one.

use crate::live::block::Transport;
use crate::music::time::{Beats, Meter, SampleRate, TICKS_PER_BEAT, Tempo};
use crate::standalone::midi_clock::Follower;
use crate::standalone::wire::ClockMessage;

/// In how many seconds an error of place is made up for, but for a third: short enough for 60 to 180 BPM in half a minute,
/// long enough that the tempo told does not shake with each pulse.
const MAKE_UP_SECONDS: f64 = 0.1;

/// An error of more than this is a jump, in quarter notes.
const JUMP_BEATS: f64 = 0.5;

/// The most that the pace is bent to make up for an error.
const MOST_BENT: f64 = 2.0;

/// Who beats time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimeKeeper {
    /// The player: time begins with the first key, and tempo is set, tapped or followed.
    #[default]
    Player,
    /// The metronome: so many bars are counted in, then time goes on evenly at the tempo that is set.
    Metronome {
        /// Bars that are counted in.
        count_in: u8,
    },
    /// A MIDI clock, by its start, stop and song position. Before it starts its tempo counts.
    MidiClock,
}

/// Where the beat is within a block, as far as the conductor knows it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Count {
    /// Quarter notes from the first bar line at the block's first sample; below 0 while it is counted in.
    pub from: f64,
    /// The same after its last sample.
    pub to: f64,
}

/// Tells the time block by block.
///
/// Audio thread, all of it. No allocation, lock or system call.
#[derive(Clone, Debug)]
pub struct Conductor {
    rate: SampleRate,
    keeper: TimeKeeper,
    meter: Meter,
    /// Seconds by which a MIDI clock is played ahead of, since sound takes as long to be heard.
    lead: f64,
    clock: Follower,
    /// Quarter notes at the next block's first sample, while somebody else than the player beats time.
    place: Option<f64>,
}

impl Conductor {
    /// One who leaves time to the player.
    pub fn new(rate: SampleRate) -> Self {
        Self {
            rate,
            keeper: TimeKeeper::Player,
            meter: Meter::default(),
            lead: 0.0,
            clock: Follower::default(),
            place: None,
        }
    }

    /// Who beats time from the next block on; a metronome begins anew.
    pub fn hand_over(&mut self, keeper: TimeKeeper) {
        self.keeper = keeper;
        self.place = match keeper {
            TimeKeeper::Metronome { count_in } => Some(-f64::from(count_in) * self.bar()),
            TimeKeeper::Player | TimeKeeper::MidiClock => None,
        };
    }

    /// Who beats time.
    pub const fn keeper(&self) -> TimeKeeper {
        self.keeper
    }

    /// The time signature, for all bars from the next block on.
    pub const fn set_meter(&mut self, meter: Meter) {
        self.meter = meter;
    }

    /// The time signature.
    pub const fn meter(&self) -> Meter {
        self.meter
    }

    /// Plays so many seconds ahead of a MIDI clock; what is not a number is none.
    pub const fn set_lead(&mut self, seconds: f64) {
        self.lead = if seconds.is_finite() { seconds } else { 0.0 };
    }

    /// The MIDI clock spoke at a moment, in seconds on the clock that [`Self::block`] is asked by.
    pub fn hear(&mut self, at: f64, message: ClockMessage) {
        self.clock.hear(at, message);
    }

    /// The transport of the block that begins at a moment, and the count while time is beaten by somebody else than the
    /// player. `tempo` is the one that is set.
    pub fn block(&mut self, at: f64, frames: usize, tempo: Tempo) -> (Transport, Option<Count>) {
        let seconds = frames as f64 / self.rate.hertz();
        match self.keeper {
            TimeKeeper::Player => (self.stopped(None), None),
            TimeKeeper::Metronome { .. } => self.steady(seconds, tempo),
            TimeKeeper::MidiClock => self.follow(at, seconds),
        }
    }

    fn steady(&mut self, seconds: f64, tempo: Tempo) -> (Transport, Option<Count>) {
        let from = self.place.unwrap_or(0.0);
        let to = from + tempo.beats_per_minute() / 60.0 * seconds;
        self.place = Some(to);
        // The first beat may fall into the block: the engine then finds it at its very sample.
        let told = if to > 0.0 { self.rolling(from, tempo) } else { self.stopped(Some(tempo)) };
        (told, Some(Count { from, to }))
    }

    fn follow(&mut self, at: f64, seconds: f64) -> (Transport, Option<Count>) {
        let Some(reading) = self.clock.read(at + self.lead) else {
            self.place = None;
            return (self.stopped(None), None);
        };
        let Some(target) = reading.beats else {
            self.place = None;
            return (self.stopped(Some(Tempo::new(60.0 * reading.pace))), None);
        };
        let from = match self.place {
            Some(place) if (target - place).abs() <= JUMP_BEATS => place,
            _ => target,
        };
        let bent = reading.pace + (target - from) / MAKE_UP_SECONDS;
        let pace = bent.clamp(reading.pace / MOST_BENT, reading.pace * MOST_BENT);
        let tempo = Tempo::new(60.0 * pace);
        let to = from + tempo.beats_per_minute() / 60.0 * seconds;
        self.place = Some(to);
        (self.rolling(from, tempo), Some(Count { from, to }))
    }

    fn rolling(&self, from: f64, tempo: Tempo) -> Transport {
        let (meter, position) = (self.meter, Some(Beats(from)));
        let bar_start = Some(Beats(0.0));
        Transport { playing: true, tempo: Some(tempo), position, bar_start, meter }
    }

    const fn stopped(&self, tempo: Option<Tempo>) -> Transport {
        let (playing, position, bar_start) = (false, None, None);
        Transport { playing, tempo, position, bar_start, meter: self.meter }
    }

    /// Quarter notes in a bar.
    fn bar(&self) -> f64 {
        self.meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64
    }
}

#[cfg(test)]
mod tests;
