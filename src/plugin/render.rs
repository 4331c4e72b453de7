//! Whether the host renders offline, where it does not say so.
//!
//! Both formats have a way to tell it, and some hosts bounce without. Then only the clock on the wall counts: no live
//! host asks for seconds of sound in a moment.

use std::time::{Duration, Instant};

/// Sound that a live host cannot be ahead of the clock by, in seconds. Hosts that compute ahead of a live
/// device stay within about one.
const LEAD_SECONDS: f64 = 1.5;

/// The clock time in seconds over which the host's speed is judged.
const WINDOW_SECONDS: f64 = 1.0;

/// A host that is no faster than this is live again.
const LIVE_SPEED: f64 = 1.5;

/// Watches how fast a host asks for blocks.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the last block was done.
    last: Option<Instant>,
    /// Seconds of sound and of clock time in this window. Our own time does not count, so that waiting for
    /// the model does not look like a live host.
    sound: f64,
    clock: f64,
    is_render: bool,
}

impl Pace {
    /// Whether the block that begins at `now` belongs to an offline render.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn begin(&mut self, now: Instant) -> bool {
        let gap = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.clock += gap.as_secs_f64();
        if self.sound - self.clock > LEAD_SECONDS {
            self.is_render = true;
        }
        if self.clock >= WINDOW_SECONDS {
            self.is_render &= self.sound > self.clock * LIVE_SPEED;
            (self.sound, self.clock) = (0.0, 0.0);
        }
        self.is_render
    }

    /// Counts a block of `seconds` of sound that was done at `now`.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn end(&mut self, now: Instant, seconds: f64) {
        self.last = Some(now);
        self.sound += seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 10 ms that the host asks for every `gap_ms`; how often each answer was given.
    fn run(pace: &mut Pace, now: &mut Instant, gap_ms: f64, blocks: usize) -> (usize, usize) {
        let mut answers = (0, 0);
        for _ in 0..blocks {
            *now += Duration::from_secs_f64(gap_ms / 1_000.0);
            if pace.begin(*now) {
                answers.1 += 1;
            } else {
                answers.0 += 1;
            }
            pace.end(*now, 0.01);
        }
        answers
    }

    #[test]
    fn a_live_host_never_waits() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        assert_eq!(run(&mut pace, &mut now, 10.0, 10_000).1, 0);
    }

    #[test]
    fn a_host_that_computes_a_second_ahead_is_live() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(run(&mut pace, &mut now, 0.1, 100).1, 0);
            now += Duration::from_millis(990);
        }
    }

    #[test]
    fn a_render_is_known_after_a_second_and_a_half_of_sound() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let (live, render) = run(&mut pace, &mut now, 0.2, 10_000);
        assert!((150..=160).contains(&live), "{live}");
        assert_eq!(live + render, 10_000, "and stays one");
    }

    #[test]
    fn playing_on_after_a_render_is_live_within_a_second() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        run(&mut pace, &mut now, 0.2, 10_000);
        run(&mut pace, &mut now, 10.0, 200);
        assert_eq!(run(&mut pace, &mut now, 10.0, 1_000).1, 0);
    }
}
