//! Musical and sample time, and the only place that converts between them.

/// Ticks in a quarter note: fine enough for sixteenths (3) and eighth triplets (4).
pub const TICKS_PER_BEAT: i64 = 12;

/// A point on the musical grid, in twelfths of a quarter note since the take began.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Tick(pub i64);

impl Tick {
    /// The nearest grid point to a place in beats.
    pub fn nearest(beats: Beats) -> Self {
        Self((beats.0 * TICKS_PER_BEAT as f64 + 0.5).floor() as i64)
    }

    /// This grid point in beats.
    pub fn beats(self) -> Beats {
        Beats(self.0 as f64 / TICKS_PER_BEAT as f64)
    }

    /// Later by `ticks`.
    #[must_use]
    pub const fn plus(self, ticks: i64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// Ticks from `earlier` to here; negative when it lies ahead.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A length or a place in quarter notes.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Beats(pub f64);

/// Quarter notes a minute, held between 10 and 1,000.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Tempo(f64);

impl Tempo {
    /// A tempo; what is not a number or out of range becomes the nearest usable one.
    pub fn new(beats_per_minute: f64) -> Self {
        if beats_per_minute.is_nan() {
            return Self::default();
        }
        Self(beats_per_minute.clamp(10.0, 1_000.0))
    }

    /// Quarter notes a minute.
    pub const fn beats_per_minute(self) -> f64 {
        self.0
    }

    /// Samples that one tick lasts.
    pub fn samples_per_tick(self, rate: SampleRate) -> f64 {
        rate.hertz() * 60.0 / (self.0 * TICKS_PER_BEAT as f64)
    }

    /// Seconds that one beat lasts.
    pub fn seconds_per_beat(self) -> f64 {
        60.0 / self.0
    }
}

impl Default for Tempo {
    fn default() -> Self {
        Self(120.0)
    }
}

/// Samples a second, held between 1 kHz and 1 MHz.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct SampleRate(f64);

impl SampleRate {
    /// A sample rate; what is not a number becomes 48 kHz.
    pub fn new(hertz: f64) -> Self {
        Self(if hertz.is_nan() { 48_000.0 } else { hertz.clamp(1_000.0, 1_000_000.0) })
    }

    /// Samples a second.
    pub const fn hertz(self) -> f64 {
        self.0
    }
}

/// Beats in a bar, told by a time signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meter {
    /// Beats of the time signature's own unit.
    pub numerator: u8,
    /// The unit: 4 is a quarter note, 8 an eighth.
    pub denominator: u8,
}

impl Default for Meter {
    fn default() -> Self {
        Self { numerator: 4, denominator: 4 }
    }
}

impl Meter {
    /// Ticks in a bar, at least 1.
    pub fn bar_ticks(self) -> i64 {
        let denominator = i64::from(self.denominator.max(1));
        (i64::from(self.numerator) * 4 * TICKS_PER_BEAT / denominator).max(1)
    }
}

/// Where the bar lines lie from some tick on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bars {
    /// Any bar line.
    pub origin: Tick,
    /// Ticks from one bar line to the next, at least 1.
    pub length: i64,
}

impl Default for Bars {
    fn default() -> Self {
        Self { origin: Tick(0), length: Meter::default().bar_ticks() }
    }
}

impl Bars {
    /// Places in a bar that the model tells apart: one bar of 4/4.
    pub const PLACES: usize = 48;

    /// Ticks since the last bar line.
    pub const fn ticks_into_bar(self, tick: Tick) -> i64 {
        tick.since(self.origin).rem_euclid(self.length)
    }

    /// The place in the bar as the model is told it, `0..PLACES`. Longer bars wrap.
    pub const fn place(self, tick: Tick) -> u8 {
        (self.ticks_into_bar(tick) % Self::PLACES as i64) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_a_twelfth_of_a_beat() {
        assert_eq!(Tick::nearest(Beats(1.04)), Tick(12));
        assert_eq!(Tick::nearest(Beats(-0.5)), Tick(-6));
        assert!(
            (Tempo::new(120.0).samples_per_tick(SampleRate::new(48_000.0)) - 2_000.0).abs() < 1e-9
        );
    }

    #[test]
    fn bars_follow_the_meter() {
        assert_eq!(Meter { numerator: 3, denominator: 4 }.bar_ticks(), 36);
        assert_eq!(Meter { numerator: 6, denominator: 8 }.bar_ticks(), 36);
        assert_eq!(Meter { numerator: 0, denominator: 0 }.bar_ticks(), 1);
        let bars = Bars { origin: Tick(5), length: 48 };
        assert_eq!(bars.place(Tick(5)), 0);
        assert_eq!(bars.place(Tick(4)), 47);
    }

    #[test]
    fn absurd_tempos_are_held_in_range() {
        assert!(Tempo::new(f64::NAN).samples_per_tick(SampleRate::new(f64::INFINITY)).is_finite());
        assert!(Tempo::new(0.0).samples_per_tick(SampleRate::new(44_100.0)).is_finite());
    }
}
