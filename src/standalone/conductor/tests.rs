//! A clock that jitters and hurries is followed, and time goes on without a gap whoever beats it.

use super::*;

const RATE: f64 = 48_000.0;

/// Beats of a clock that holds `slow`, hurries evenly to `fast` and holds that, ten seconds each; tempos in quarter notes
/// a second.
struct Ramp {
    slow: f64,
    fast: f64,
    hold: f64,
    rise: f64,
}

impl Ramp {
    fn beats(&self, t: f64) -> f64 {
        let into = (t - self.hold).clamp(0.0, self.rise);
        let rise = (self.fast - self.slow) / self.rise;
        let after = (t - self.hold - self.rise).max(0.0);
        self.slow * (t - after) + 0.5 * rise * into * into + self.fast * after
    }

    fn pace(&self, t: f64) -> f64 {
        let into = (t - self.hold).clamp(0.0, self.rise);
        self.slow + (self.fast - self.slow) * into / self.rise
    }

    /// When a place is reached.
    fn time(&self, beats: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1e3);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.beats(middle) < beats { low = middle } else { high = middle }
        }
        low
    }
}

/// Numbers of a normal distribution, by sums of twelve from a xorshift.
struct Jitter(u64);

impl Jitter {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// How far the place told is off while a clock goes by a ramp, in seconds: the most and on average (root mean square). And
/// the same of the tempo told while it stands, in BPM.
fn errors(ramp: &Ramp, frames: usize, mut jitter: impl FnMut() -> f64) -> (f64, f64, f64) {
    let mut conductor = Conductor::new(SampleRate::new(RATE));
    conductor.hand_over(TimeKeeper::MidiClock);
    let end = 2.0 * ramp.hold + ramp.rise;
    let mut pulses = (0..).map(|n| ramp.time(n as f64 / 24.0) + jitter().max(-0.02)).peekable();
    conductor.hear(0.0, ClockMessage::Start);
    let (mut most, mut squares, mut n) = (0.0_f64, 0.0, 0);
    let (mut shaking, mut still) = (0.0, 0);
    let mut block = 0;
    loop {
        let at = (block * frames) as f64 / RATE;
        if at > end {
            break;
        }
        while let Some(pulse) = pulses.next_if(|p| *p <= at) {
            conductor.hear(pulse, ClockMessage::Pulse);
        }
        let (transport, count) = conductor.block(at, frames, Tempo::default());
        if let (Some(count), true) = (count, at > 4.0) {
            let off = (count.from - ramp.beats(at)) / ramp.pace(at);
            most = most.max(off.abs());
            squares += off * off;
            n += 1;
            if at < ramp.hold {
                let tempo = transport.tempo.unwrap().beats_per_minute();
                shaking += (tempo - 60.0 * ramp.slow).powi(2);
                still += 1;
            }
        }
        block += 1;
    }
    assert!(n > 1_000, "it has hardly run");
    (most, (squares / f64::from(n)).sqrt(), (shaking / f64::from(still)).sqrt())
}

#[test]
fn a_clock_that_jitters_and_hurries_is_followed_within_five_milliseconds() {
    let ramp = Ramp { slow: 1.0, fast: 3.0, hold: 10.0, rise: 30.0 };
    for frames in [64, 256] {
        let mut dice = Jitter(0x9e37_79b9_7f4a_7c15);
        let (most, average, shaking) =
            errors(&ramp, frames, || 0.002 * (2.0 * dice.uniform() - 1.0));
        assert!(most < 0.004 && average < 0.001, "uniform: {most} {average}");
        assert!(shaking < 0.5, "{shaking} BPM");
        let (most, average, shaking) = errors(&ramp, frames, || 0.002 * dice.normal());
        assert!(most < 0.006 && average < 0.002, "normal: {most} {average}");
        assert!(shaking < 1.0, "{shaking} BPM");
        let (most, ..) = errors(&ramp, frames, || 0.0);
        assert!(most < 0.003, "without jitter: {most}");
    }
    let steep = Ramp { rise: 4.0, ..ramp };
    let (most, ..) = errors(&steep, 256, || 0.0);
    assert!(most > 0.005, "the measure finds nothing: {most}");
}

#[test]
fn what_beats_time_goes_on_without_a_gap() {
    let mut conductor = Conductor::new(SampleRate::new(RATE));
    conductor.set_meter(Meter { numerator: 3, denominator: 4 });
    conductor.hand_over(TimeKeeper::Metronome { count_in: 1 });
    let (mut place, mut began) = (-3.0, None);
    for block in 0..800_usize {
        let tempo = Tempo::new(if block < 500 { 120.0 } else { 90.0 });
        let (transport, count) = conductor.block(0.0, 256, tempo);
        let count = count.unwrap();
        assert!((count.from - place).abs() < 1e-9, "{} {place}", count.from);
        place = count.to;
        if transport.playing && began.is_none() {
            began = Some((block * 256, count.from));
        }
        assert_eq!(transport.playing, count.to > 0.0);
    }
    // Three beats at 120 are 72,000 samples; the block that holds them begins 192 earlier.
    assert_eq!(began.unwrap().0, 71_936);
    conductor.hand_over(TimeKeeper::Player);
    let (transport, count) = conductor.block(0.0, 256, Tempo::default());
    assert!(!transport.playing && count.is_none());
    assert_eq!(transport.meter.numerator, 3, "bars are the same without a metronome");
}

#[test]
fn a_lead_plays_ahead_of_the_clock_by_as_much() {
    let place = |lead: f64| {
        let mut conductor = Conductor::new(SampleRate::new(RATE));
        conductor.hand_over(TimeKeeper::MidiClock);
        conductor.set_lead(lead);
        conductor.hear(0.0, ClockMessage::Start);
        for n in 0..=96 {
            conductor.hear(f64::from(n) / 48.0, ClockMessage::Pulse);
        }
        conductor.block(2.0, 256, Tempo::default()).1.unwrap().from
    };
    assert!((place(0.0) - 4.0).abs() < 1e-6, "{}", place(0.0));
    assert!((place(0.03) - 4.06).abs() < 1e-6);
    assert!((place(f64::NAN) - 4.0).abs() < 1e-6);
}
