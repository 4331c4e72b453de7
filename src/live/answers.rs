//! How long the player waits for an answer: from a key to the first machine note that could know of it.

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::link::histogram::Histogram;
use crate::music::time::{SampleRate, Tick};

/// Keys that may wait for an answer; of more only the latest count.
const KEYS: usize = 16;

/// Ticks after which a key is answered by a rest: two beats. A rest is music and no delay.
const REST: i64 = 24;

/// The keys that no machine note has taken into account yet.
#[derive(Debug)]
pub(crate) struct Answers {
    /// The tick and the sample of each, in the order of their striking.
    open: ArrayVec<(Tick, u64), KEYS>,
    rate: SampleRate,
}

impl Answers {
    pub(crate) fn new(rate: SampleRate) -> Self {
        Self { open: ArrayVec::new(), rate }
    }

    /// The player struck a key.
    pub(crate) fn ask(&mut self, tick: Tick, sample: u64) {
        if self.open.is_full() {
            self.open.remove(0);
        }
        self.open.push((tick, sample));
    }

    /// A machine note begins at `sample` that was chosen in the knowledge of all keys up to `known`; the next
    /// tick is `now`.
    pub(crate) fn answer(&mut self, sample: u64, known: Tick, now: Tick, times: &Histogram) {
        let hertz = self.rate.hertz();
        self.open.retain(|(tick, struck)| {
            let is_answered = *tick <= known;
            let is_music = now.since(*tick) > REST;
            if is_answered && !is_music {
                let seconds = sample.saturating_sub(*struck) as f64 / hertz;
                times.record(Duration::from_secs_f64(seconds.min(60.0)));
            }
            !is_answered && !is_music
        });
    }

    /// Nothing that was asked can be answered any more.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_once_by_the_first_note_that_knows_of_it() {
        let (mut answers, times) = (Answers::new(SampleRate::new(1_000.0)), Histogram::default());
        answers.ask(Tick(10), 100);
        answers.answer(140, Tick(9), Tick(12), &times);
        assert_eq!(times.count(), 0, "it could not know");
        answers.ask(Tick(12), 150);
        answers.answer(180, Tick(10), Tick(13), &times);
        assert_eq!((times.count(), times.longest()), (1, Duration::from_millis(80)));
        answers.answer(200, Tick(12), Tick(15), &times);
        answers.answer(220, Tick(13), Tick(16), &times);
        assert_eq!((times.count(), times.longest()), (2, Duration::from_millis(80)));
    }

    #[test]
    fn a_rest_is_no_answer() {
        let (mut answers, times) = (Answers::new(SampleRate::new(1_000.0)), Histogram::default());
        answers.ask(Tick(10), 100);
        answers.answer(9_000, Tick(99), Tick(10 + REST + 1), &times);
        for tick in 0..100 {
            answers.ask(Tick(200), 10_000 + tick);
        }
        answers.clear();
        answers.answer(10_100, Tick(200), Tick(201), &times);
        assert_eq!(times.count(), 0);
    }
}
