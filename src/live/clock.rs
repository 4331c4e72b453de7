//! From samples to ticks of the take: the host's song position where there is one, else a clock of our own.
//!
//! The ticks of a take only ever rise. When the host jumps, its position is shifted by whole ticks so that the
//! take goes on from where it was; the bar lines move instead.

use crate::link::display::Now;
use crate::live::block::{Block, Transport};
use crate::live::pulse::Steer;
use crate::music::time::{Bars, Beats, Meter, SampleRate, TICKS_PER_BEAT, Tempo, Tick};

/// The host's position may differ from what tempo and sample count foretold by this much (in ticks) before it
/// counts as a jump. Hosts round: Ardour to 1/1920 of a beat.
const JUMP_TICKS: f64 = 0.25;

/// Slack in samples when a boundary is put on the first sample that is not before it, so that rounding in a
/// host's position cannot move it by a sample.
const SLACK_SAMPLES: f64 = 1e-4;

/// What has changed since the last block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Time goes on.
    None,
    /// The host's transport has started: a new take.
    Take,
    /// The host has moved elsewhere and rolls on.
    Jump,
    /// The bar lines have moved.
    Bars,
    /// The host's transport has stopped.
    Stop,
}

/// A point at which the engine has something to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Boundary {
    /// A tick begins: its notes sound.
    Tick(Tick),
    /// A tick is closed: half a tick after it.
    Close(Tick),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Source {
    /// No transport rolls and nobody has played: no time passes.
    Idle,
    /// Our own clock, from an anchor so that rounding does not pile up.
    Free { ticks: f64, sample: f64 },
    /// The host's position plus whole ticks.
    Host { shift: i64 },
}

#[derive(Clone, Debug)]
pub(crate) struct Clock {
    rate: SampleRate,
    source: Source,
    /// Samples since the engine was made, at the start of the block.
    sample: u64,
    /// Take position at the start of the block, in ticks.
    start: f64,
    ticks_per_sample: f64,
    bars: Bars,
    next_tick: Tick,
    next_close: Tick,
    /// The tempo that our own clock was set to; what it has been steered to since is another.
    set: Tempo,
    /// The last time signature that a host told; our own bars have it too.
    meter: Meter,
    /// From this tick on our own clock goes at so many ticks a sample again, after a beat that made up for an error.
    even: Option<(Tick, f64)>,
}

impl Clock {
    pub(crate) fn new(rate: SampleRate) -> Self {
        Self {
            rate,
            source: Source::Idle,
            sample: 0,
            start: 0.0,
            ticks_per_sample: 1.0 / Tempo::default().samples_per_tick(rate),
            bars: Bars::default(),
            next_tick: Tick(0),
            next_close: Tick(0),
            set: Tempo::default(),
            meter: Meter::default(),
            even: None,
        }
    }

    /// Moves to a block. `tempo` counts where the host tells none.
    pub(crate) fn begin(&mut self, block: &Block<'_>, tempo: Tempo) -> Change {
        let transport = block.transport;
        let tempo = transport.and_then(|t| t.tempo).unwrap_or(tempo);
        let expected = self.start;
        let set_anew = tempo != self.set;
        self.set = tempo;
        self.meter = transport.map_or(self.meter, |t| t.meter);
        let ticks_per_sample = 1.0 / tempo.samples_per_tick(self.rate);
        let rolling = transport.filter(|t| t.playing);
        match (rolling, rolling.and_then(|t| t.position)) {
            (Some(transport), Some(position)) => {
                self.ticks_per_sample = ticks_per_sample;
                self.follow(&transport, position.0 * TICKS_PER_BEAT as f64, expected)
            }
            _ if matches!(self.source, Source::Host { .. }) => {
                self.source = Source::Idle;
                Change::Stop
            }
            _ => {
                match self.source {
                    Source::Free { .. } if set_anew => self.go_on(0, ticks_per_sample),
                    Source::Free { .. } => self.start = self.position(0),
                    Source::Idle | Source::Host { .. } => {}
                }
                Change::None
            }
        }
    }

    /// Ticks of the take less those of the host's song position; 0 where no host tells one.
    pub(crate) const fn shift(&self) -> i64 {
        match self.source {
            Source::Host { shift } => shift,
            Source::Idle | Source::Free { .. } => 0,
        }
    }

    /// The position at a sample of the block, in ticks of the take.
    fn position(&self, offset: u32) -> f64 {
        match self.source {
            Source::Free { ticks, sample } => {
                ticks + (self.sample(offset) as f64 - sample) * self.ticks_per_sample
            }
            Source::Idle | Source::Host { .. } => {
                self.start + f64::from(offset) * self.ticks_per_sample
            }
        }
    }

    /// Where the music is at the start of the block; `None` while no time passes.
    pub(crate) fn now(&self) -> Option<Now> {
        self.runs().then(|| Now { beats: self.beats(0), bars: self.bars, tempo: self.tempo() })
    }

    /// Where the music is at a sample of the block, also while no time passes.
    pub(crate) fn beats(&self, offset: u32) -> Beats {
        Beats(self.position(offset) / TICKS_PER_BEAT as f64)
    }

    /// Our own clock goes on from a sample of the block at another pace.
    fn go_on(&mut self, offset: u32, ticks_per_sample: f64) {
        let ticks = self.position(offset);
        self.source = Source::Free { ticks, sample: self.sample(offset) as f64 };
        self.start = ticks - f64::from(offset) * ticks_per_sample;
        self.ticks_per_sample = ticks_per_sample;
        self.even = None;
    }

    /// Steers our own clock from a sample of the block on. Says whether bar lines have moved.
    pub(crate) fn steer(&mut self, offset: u32, steer: Steer) -> bool {
        if !self.is_free() {
            return false;
        }
        let even = 1.0 / steer.tempo.samples_per_tick(self.rate);
        let beat = TICKS_PER_BEAT as f64;
        let until = Tick((self.position(offset) + beat).ceil() as i64);
        self.go_on(offset, even * (1.0 + steer.lean / beat));
        self.even = (steer.lean != 0.0).then_some((until, even));
        self.bars.origin = self.bars.origin.plus(steer.shift);
        steer.shift != 0
    }

    /// The tempo at which our own clock starts.
    pub(crate) fn tempo(&self) -> Tempo {
        self.set
    }

    /// Whether time is told by our own clock.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self.source, Source::Free { .. })
    }

    /// Ticks from a bar line to a sample of the block.
    pub(crate) fn place(&self, offset: u32) -> f64 {
        self.position(offset) - self.bars.origin.0 as f64
    }

    fn follow(&mut self, transport: &Transport, host_ticks: f64, expected: f64) -> Change {
        // A position from a broken host must not overflow the ticks.
        let host_ticks = if host_ticks.is_finite() { host_ticks.clamp(-1e12, 1e12) } else { 0.0 };
        let mut change = Change::None;
        let shift = match self.source {
            Source::Host { shift }
                if (host_ticks + shift as f64 - expected).abs() <= JUMP_TICKS =>
            {
                shift
            }
            Source::Host { .. } => {
                change = Change::Jump;
                (expected - host_ticks - 1e-6).ceil() as i64
            }
            Source::Idle | Source::Free { .. } => {
                change = Change::Take;
                0
            }
        };
        self.source = Source::Host { shift };
        self.start = host_ticks + shift as f64;
        let origin = transport.bar_start.map_or(0.0, |b| b.0 * TICKS_PER_BEAT as f64);
        let origin = if origin.is_finite() { origin.clamp(-1e12, 1e12) } else { 0.0 };
        let bars = Bars {
            origin: Tick((origin + 0.5).floor() as i64 + shift),
            length: transport.meter.bar_ticks(),
        };
        let moved = bars.length != self.bars.length || self.bars.ticks_into_bar(bars.origin) != 0;
        if moved && change == Change::None {
            change = Change::Bars;
        }
        if moved || change != Change::None {
            self.bars = bars;
        }
        if change == Change::Take || change == Change::Jump {
            let tick = Tick((self.start - 1e-6).ceil() as i64);
            let close = Tick((self.start + 0.5 + 1e-6).floor() as i64);
            let fresh = change == Change::Take;
            self.next_tick = if fresh { tick } else { tick.max(self.next_tick) };
            self.next_close = if fresh { close } else { close.max(self.next_close) };
        }
        change
    }

    /// Starts our own clock at a sample of the block, on a bar line, if no time passes. Says whether it did.
    pub(crate) fn wake(&mut self, offset: u32) -> bool {
        if self.source != Source::Idle {
            return false;
        }
        let tick = self.next_close.max(self.next_tick);
        self.ticks_per_sample = 1.0 / self.set.samples_per_tick(self.rate);
        self.even = None;
        self.source = Source::Free { ticks: tick.0 as f64, sample: self.sample(offset) as f64 };
        self.start = tick.0 as f64 - f64::from(offset) * self.ticks_per_sample;
        self.bars = Bars { origin: tick, length: self.meter.bar_ticks() };
        self.next_tick = tick;
        self.next_close = tick;
        true
    }

    /// Stops our own clock until somebody plays.
    pub(crate) fn sleep(&mut self) {
        if matches!(self.source, Source::Free { .. }) {
            self.source = Source::Idle;
        }
    }

    /// Whether time passes.
    pub(crate) fn runs(&self) -> bool {
        self.source != Source::Idle
    }

    /// The next boundary and the sample of the block on which it falls (perhaps past the block's end).
    pub(crate) fn next(&self) -> Option<(u32, Boundary)> {
        if !self.runs() {
            return None;
        }
        let (at, boundary) = if self.next_close < self.next_tick {
            (self.next_close.0 as f64 + 0.5, Boundary::Close(self.next_close))
        } else {
            (self.next_tick.0 as f64, Boundary::Tick(self.next_tick))
        };
        let samples = (at - self.start) / self.ticks_per_sample - SLACK_SAMPLES;
        Some((samples.ceil().clamp(0.0, f64::from(u32::MAX)) as u32, boundary))
    }

    /// Marks a boundary as passed.
    pub(crate) fn pass(&mut self, boundary: Boundary) {
        match boundary {
            Boundary::Tick(tick) => {
                self.next_tick = tick.plus(1);
                if let (Some((at, pace)), Source::Free { ticks, sample }) = (self.even, self.source)
                    && tick >= at
                {
                    let sample = sample + (tick.0 as f64 - ticks) / self.ticks_per_sample;
                    self.source = Source::Free { ticks: tick.0 as f64, sample };
                    self.start = tick.0 as f64 - (sample - self.sample as f64) * pace;
                    self.ticks_per_sample = pace;
                    self.even = None;
                }
            }
            Boundary::Close(tick) => self.next_close = tick.plus(1),
        }
    }

    /// The tick that a key struck at this sample counts to: the nearest that is still open.
    pub(crate) fn nearest(&self, offset: u32) -> Tick {
        let at = self.start + f64::from(offset) * self.ticks_per_sample;
        Tick((at + 0.5 + 1e-9).floor() as i64).max(self.next_close)
    }

    /// Samples since the engine was made, at a sample of the block.
    pub(crate) fn sample(&self, offset: u32) -> u64 {
        self.sample + u64::from(offset)
    }

    /// The sample of the block on which an absolute sample falls; the past falls on the first.
    pub(crate) fn offset(&self, sample: u64) -> u32 {
        u32::try_from(sample.saturating_sub(self.sample)).unwrap_or(u32::MAX)
    }

    /// Samples that some ticks and milliseconds last.
    pub(crate) fn samples(&self, ticks: f32, millis: f32) -> u64 {
        let samples = f64::from(ticks) / self.ticks_per_sample
            + f64::from(millis) * self.rate.hertz() / 1_000.0;
        samples.clamp(0.0, 1e9).round() as u64
    }

    /// The first tick that is still open.
    pub(crate) fn open(&self) -> Tick {
        self.next_close
    }

    /// The next tick to sound.
    pub(crate) fn upcoming(&self) -> Tick {
        self.next_tick
    }

    pub(crate) fn bars(&self) -> Bars {
        self.bars
    }

    /// Moves past the block.
    pub(crate) fn end(&mut self, frames: u32) {
        self.sample += u64::from(frames);
        if self.runs() {
            self.start += f64::from(frames) * self.ticks_per_sample;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::time::{Beats, Meter};

    fn block(frames: u32, beats: Option<f64>) -> Block<'static> {
        Block {
            frames,
            transport: beats.map(|b| Transport {
                playing: true,
                tempo: Some(Tempo::new(120.0)),
                position: Some(Beats(b)),
                bar_start: None,
                meter: Meter::default(),
            }),
            offline: false,
            events: &[],
        }
    }

    fn boundaries(clock: &mut Clock, frames: u32) -> Vec<(u32, Boundary)> {
        let mut seen = Vec::new();
        while let Some((offset, boundary)) = clock.next().filter(|b| b.0 < frames) {
            seen.push((offset, boundary));
            clock.pass(boundary);
        }
        seen
    }

    /// At 120 to the minute and 48 kHz a tick is 2,000 samples.
    #[test]
    fn ticks_fall_on_their_samples_at_any_block_size() {
        for frames in [1_u32, 32, 333, 1_000, 4_096] {
            let mut clock = Clock::new(SampleRate::new(48_000.0));
            let mut sample = 0_u32;
            let mut seen = Vec::new();
            while sample < 20_000 {
                clock.begin(&block(frames, Some(f64::from(sample) / 24_000.0)), Tempo::default());
                seen.extend(boundaries(&mut clock, frames).iter().map(|(o, b)| (o + sample, *b)));
                clock.end(frames);
                sample += frames;
            }
            for (at, boundary) in seen.iter().filter(|s| s.0 < 20_000) {
                let expected = match boundary {
                    Boundary::Tick(t) => t.0 * 2_000,
                    Boundary::Close(t) => t.0 * 2_000 + 1_000,
                };
                assert_eq!(i64::from(*at), expected, "{frames}");
            }
            assert!(seen.len() >= 20);
        }
    }

    #[test]
    fn a_jump_keeps_the_ticks_rising_and_moves_the_bars() {
        let mut clock = Clock::new(SampleRate::new(48_000.0));
        assert_eq!(clock.begin(&block(24_000, Some(8.0)), Tempo::default()), Change::Take);
        let before = boundaries(&mut clock, 24_000);
        clock.end(24_000);
        assert_eq!(clock.begin(&block(24_000, Some(0.0)), Tempo::default()), Change::Jump);
        let after = boundaries(&mut clock, 24_000);
        assert_eq!(before[0], (0, Boundary::Tick(Tick(96))));
        assert_eq!(after[0], (0, Boundary::Tick(Tick(108))));
        assert_eq!(clock.bars().place(Tick(108)), 0, "beat 0 of the song is a bar line");
    }

    #[test]
    fn a_rounding_host_does_not_jump() {
        let mut clock = Clock::new(SampleRate::new(48_000.0));
        for i in 0..1_000_u32 {
            let beats = (f64::from(i * 512) / 24_000.0 * 1_920.0).round() / 1_920.0;
            let change = clock.begin(&block(512, Some(beats)), Tempo::default());
            assert_eq!(change == Change::None, i > 0);
            let _ = boundaries(&mut clock, 512);
            clock.end(512);
        }
    }

    #[test]
    fn our_own_clock_waits_for_the_player_and_begins_on_the_bar() {
        let mut clock = Clock::new(SampleRate::new(48_000.0));
        assert_eq!(clock.begin(&block(512, None), Tempo::default()), Change::None);
        assert_eq!(clock.next(), None);
        assert!(clock.wake(100));
        assert_eq!(clock.next(), Some((100, Boundary::Tick(Tick(0)))));
        assert_eq!(clock.bars().place(clock.nearest(100)), 0);
    }

    #[test]
    fn a_host_that_talks_nonsense_breaks_nothing() {
        let mut clock = Clock::new(SampleRate::new(48_000.0));
        for beats in [f64::NAN, f64::INFINITY, -1e300, 1e300, 0.0, -4.0, 1e9] {
            clock.begin(&block(64, Some(beats)), Tempo::default());
            let _ = boundaries(&mut clock, 64);
            clock.end(64);
        }
    }
}
