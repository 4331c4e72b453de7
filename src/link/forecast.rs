//! What the next machine note is chosen from: the model's logits for every key, and what the rules make of them.
//!
//! The worker tells of each note that it plans. A reader sees the one that is due next, whole, and computes the
//! probabilities for itself, so that a temperature that is just being turned shows at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::music::pitch::Pitch;
use crate::music::time::Tick;

/// Keys of MIDI.
pub const KEYS: usize = 128;

/// The most choices that are kept: more than a plan reaches ahead.
const KEPT: usize = 64;

/// Why a key may not be played. Bits, since several reasons may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Barred(pub u8);

impl Barred {
    /// Outside the register.
    pub const REGISTER: Self = Self(1);
    /// Outside the scale, set or followed.
    pub const SCALE: Self = Self(2);
    /// Not in the chord that the player holds.
    pub const CHORD: Self = Self(4);
    /// Below a note that begins on the same tick: chords are chosen from the lowest note up.
    pub const ORDER: Self = Self(8);

    /// Whether nothing bars the key.
    pub const fn is_free(self) -> bool {
        self.0 == 0
    }

    /// Whether this reason is one of them.
    pub const fn has(self, reason: Self) -> bool {
        self.0 & reason.0 != 0
    }

    /// These reasons and others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What one machine note was chosen from.
#[derive(Clone, PartialEq, Debug)]
pub struct Choice {
    /// When it begins on the grid.
    pub onset: Tick,
    /// The key that was chosen.
    pub chosen: Pitch,
    /// The logit of each key, with what density, urge and guards add to it; before temperature.
    pub logits: [f32; KEYS],
    /// Why a key may not be played.
    pub barred: [Barred; KEYS],
}

impl Choice {
    /// The probability of each key, given that the machine plays a note now: the softmax over the keys that are not barred,
    /// cut to the likeliest that together hold `top_p`. All 0 where no key is free.
    pub fn shares(&self, temperature: f32, top_p: f32) -> [f32; KEYS] {
        let free = |key: &usize| self.barred[*key].is_free() && self.logits[*key].is_finite();
        let highest = (0..KEYS).filter(free).map(|key| self.logits[key]).fold(f32::MIN, f32::max);
        let mut shares = [0.0_f32; KEYS];
        for key in (0..KEYS).filter(free) {
            shares[key] = ((self.logits[key] - highest) / temperature.max(0.01)).exp();
        }
        let total: f32 = shares.iter().sum();
        if total <= 0.0 {
            return shares;
        }
        let mut order: [usize; KEYS] = std::array::from_fn(|key| key);
        order.sort_unstable_by(|a, b| shares[*b].total_cmp(&shares[*a]).then(a.cmp(b)));
        let (mut mass, mut kept) = (0.0, 0);
        while kept < KEYS && mass < top_p * total {
            mass += shares[order[kept]];
            kept += 1;
        }
        for key in &order[kept..] {
            shares[*key] = 0.0;
        }
        for share in &mut shares {
            *share /= mass;
        }
        shares
    }
}

/// Choices that are told after somebody looked last: a window looks 60 times a second, or 10 when idle.
const CREDIT: usize = 256;

/// The choices that the plan was made by. Written by the worker, read by faces; never touched by the audio thread.
#[derive(Debug, Default)]
pub struct Forecast {
    choices: Mutex<Vec<Choice>>,
    /// Choices that will be told yet, though nobody looks.
    credit: AtomicUsize,
}

impl Forecast {
    /// Somebody looks. A window that is closed need not say so: what is told ends by itself.
    pub fn watch(&self) {
        if self.credit.swap(CREDIT, Ordering::Relaxed) == 0 {
            // What was told to somebody long ago is of another plan.
            self.choices.lock().clear();
        }
    }

    /// Whether anybody looks: else nothing need be told.
    pub fn is_watched(&self) -> bool {
        self.credit.load(Ordering::Relaxed) > 0
    }

    /// The plan from `from` on is void.
    pub fn withdraw(&self, from: Tick) {
        self.choices.lock().retain(|choice| choice.onset < from);
    }

    /// A note was chosen.
    pub fn add(&self, choice: Choice) {
        let less = |credit: usize| credit.checked_sub(1);
        let _ = self.credit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        let mut choices = self.choices.lock();
        if choices.len() >= KEPT {
            choices.remove(0);
        }
        choices.push(choice);
    }

    /// What the first note from `now` on was chosen from.
    pub fn next(&self, now: Tick) -> Option<Choice> {
        let mut choices = self.choices.lock();
        choices.retain(|choice| choice.onset >= now);
        choices.iter().min_by_key(|choice| choice.onset).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(onset: i64) -> Choice {
        let mut choice = Choice {
            onset: Tick(onset),
            chosen: Pitch::new(60),
            logits: [0.0; KEYS],
            barred: [Barred::REGISTER; KEYS],
        };
        for (key, logit) in [(60, 2.0), (64, 1.0), (67, 0.0)] {
            choice.barred[key] = Barred::default();
            choice.logits[key] = logit;
        }
        choice
    }

    #[test]
    fn shares_are_the_softmax_of_the_free_keys() {
        let shares = choice(0).shares(1.0, 1.0);
        let total = 2.0_f32.exp() + 1.0_f32.exp() + 1.0;
        assert!((shares[60] - 2.0_f32.exp() / total).abs() < 1e-6);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(shares.iter().filter(|s| **s > 0.0).count() == 3);
        let cold = choice(0).shares(0.1, 1.0);
        assert!(cold[60] > 0.99, "{}", cold[60]);
        let nucleus = choice(0).shares(1.0, 0.6);
        assert!((nucleus[60] - 1.0).abs() < 1e-6, "the likeliest holds two thirds alone");
        let mut none = choice(0);
        none.barred = [Barred::SCALE; KEYS];
        assert!(none.shares(1.0, 1.0).iter().all(|s| *s == 0.0));
    }

    #[test]
    fn what_nobody_looks_at_is_not_told_for_long() {
        let forecast = Forecast::default();
        assert!(!forecast.is_watched());
        forecast.watch();
        let told = (0..10_000).take_while(|onset| {
            forecast.add(choice(*onset));
            forecast.is_watched()
        });
        assert_eq!(told.count(), CREDIT - 1);
        forecast.watch();
        assert!(forecast.is_watched() && forecast.next(Tick(0)).is_none(), "old choices are gone");
    }

    #[test]
    fn the_next_choice_is_the_first_from_now_on() {
        let forecast = Forecast::default();
        for onset in [3, 9, 12] {
            forecast.add(choice(onset));
        }
        assert_eq!(forecast.next(Tick(4)).map(|c| c.onset), Some(Tick(9)));
        forecast.withdraw(Tick(9));
        assert_eq!(forecast.next(Tick(4)), None);
        for onset in 0..1_000 {
            forecast.add(choice(onset));
        }
        assert_eq!(forecast.next(Tick(0)).map(|c| c.onset), Some(Tick(1_000 - KEPT as i64)));
    }
}
