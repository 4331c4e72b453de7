//! The harmonist's choices: which chord the machine is asked to play from which tick on, chosen from what the player has played
//! so far, and from nothing that the machine has.
//!
//! A chord begins on a beat or a half bar. It is chosen two ticks ahead, so that what is planned up to then can know it, and
//! looked at once more when what was struck there is known. A chord is worth the share of the player's coming line that it is
//! likely to hold, and how likely people would play it, which counts for more where he has a left hand; the chord that lasts has an advantage, which is less where people
//! change chords, and less the longer it has lasted.

use crate::model::harmonist::{Choice, Harmonist, IS_MINOR, Judgement, QUALITIES};
use crate::music::harmony::Harmony;
use crate::music::hearing::{AHEAD, BEHIND, Hearing, Inputs, Point, point};
use crate::music::note::Note;
use crate::music::time::{Bars, Tick};

/// What a nat of people's preference weighs, against the whole of the line, and how much more where the player's left hand
/// says what the harmony is.
const PREFERENCE: f32 = 0.2;
const PREFERENCE_TOLD: f32 = 0.5;
/// The advantage of the chord that lasts: at a bar line, at a half bar, at another beat.
const LASTING: [f32; 3] = [-0.05, 0.15, 0.5];
/// The same when what was struck there is known: to change now is to change late.
const LATE: [f32; 3] = [0.4, 0.7, 1.2];
/// How much of that goes where there is such a hand, and how much of what the line weighs.
const TOLD: f32 = 0.8;
/// What the advantage loses with each bar of 4/4 that the chord has lasted beyond two.
const TIRING: f32 = 0.1;
const TIRING_TICKS: i64 = 48;
const TIRELESS_TICKS: i64 = 96;
/// A chord is never less likely than this, in nats.
const UNLIKELY: f32 = -14.0;
/// Ticks that chords are remembered: 16 bars of 4/4.
const MEMORY: i64 = 768;
/// Ticks of the player's silence after which all is forgotten: 32 bars of 4/4.
const FORGETTING: i64 = 1_536;

/// The chooser.
#[derive(Clone, Debug)]
pub struct Chooser {
    hearing: Hearing,
    inputs: Inputs,
    chords: Vec<(Tick, Harmony)>,
    current: Option<(Tick, Choice)>,
}

impl Default for Chooser {
    fn default() -> Self {
        Self::new(Tick(0))
    }
}

impl Chooser {
    /// One that has heard nothing; the first tick that it hears is `tick`.
    pub fn new(tick: Tick) -> Self {
        Self {
            hearing: Hearing::new(tick),
            inputs: Inputs::default(),
            chords: Vec::new(),
            current: None,
        }
    }

    /// The chords asked for, in order, each until the next: those of the last bars, and what is chosen beyond the last tick
    /// closed. None before the player has struck a key. For [`crate::music::harmony::chord_at`].
    pub fn chords(&self) -> &[(Tick, Harmony)] {
        &self.chords
    }

    /// Hears all ticks up to `tick`, which is closed. `heard` are the player's notes since the last tick that was closed, in any
    /// order; what is older counts as struck on the first tick that is new. `true`: another chord is asked for from
    /// `tick` + 2 on at the latest, or from a tick up to that on where several were closed at once.
    pub fn close(&mut self, net: &Harmonist, tick: Tick, bars: Bars, heard: &[Note]) -> bool {
        let mut has_news = false;
        let first = self.hearing.now().plus(1);
        let onset = |n: &Note| n.onset.max(first);
        let earliest = heard.iter().map(onset).min();
        self.hearing.wait(earliest.map_or_else(|| tick.plus(1), |at| at.min(tick)));
        while self.hearing.now() < tick {
            let now = self.hearing.now().plus(1);
            self.hearing.hear(heard.iter().filter(|n| onset(n) == now).map(|n| n.pitch));
            has_news |= self.choose(net, now, bars);
            if self.hearing.silence().is_some_and(|ticks| ticks > FORGETTING) {
                has_news |= !self.chords.is_empty();
                *self = Self::new(now.plus(1));
                let later = heard.iter().map(onset).filter(|at| *at > now).min();
                self.hearing.wait(later.map_or_else(|| tick.plus(1), |at| at.min(tick)));
            }
        }
        has_news
    }

    /// Chooses, where there is something to choose after this tick.
    fn choose(&mut self, net: &Harmonist, now: Tick, bars: Bars) -> bool {
        if self.hearing.lowest().is_none() {
            return false;
        }
        let (ahead, behind) = (now.plus(AHEAD), now.plus(-BEHIND));
        let (at, point, lasting) = if let Some(point) = point(bars, ahead) {
            (ahead, point, LASTING)
        } else if let Some(point) = point(bars, behind) {
            (behind, point, LATE.map(|l| l * TOLD.mul_add(-self.hearing.left_hand(), 1.0)))
        } else {
            return false;
        };
        self.hearing.inputs(at, bars, &mut self.inputs);
        let judgement = net.judge(&self.inputs);
        let lasting = match point {
            Point::BarLine => lasting[0],
            Point::HalfBar => lasting[1],
            Point::Beat => lasting[2],
        };
        let from = self.current.map_or(0, |(since, _)| ahead.since(since) - TIRELESS_TICKS);
        let lasting = lasting - TIRING * from.max(0) as f32 / TIRING_TICKS as f32;
        let choice = self.best(&judgement, lasting);
        let is_new = self.current.is_none_or(|(_, current)| current.triad() != choice.triad());
        if is_new {
            self.current = Some((ahead, choice));
            self.chords.retain(|(at, _)| *at < ahead);
            self.chords.push((ahead, choice.harmony()));
            let forgotten = self.chords.partition_point(|(at, _)| *at < ahead.plus(-MEMORY));
            // The chord that lasts where memory begins is kept.
            self.chords.drain(..forgotten.saturating_sub(1));
        }
        is_new
    }

    /// The best chord. Of two that are alike in all that is heard, the one closer above the chord that lasts, or the lowest note.
    fn best(&self, judgement: &Judgement, lasting: f32) -> Choice {
        let (liking, line) = (logarithms(judgement), shares(judgement.line));
        let current = self.current.map(|(_, choice)| choice.triad());
        let lowest = self.hearing.lowest().unwrap_or_default();
        let told = self.hearing.left_hand();
        let preference = PREFERENCE_TOLD.mul_add(told, PREFERENCE);
        let of_line = TOLD.mul_add(-told, 1.0);
        let reference = usize::from(current.map_or(lowest, |c| c.root).number());
        let mut best = (f32::NEG_INFINITY, current.unwrap_or_default());
        for root in (0..12).map(|step| (reference + step) % 12) {
            for (quality, third) in [(0, 4), (1, 3)] {
                let choice = Choice::new(root, quality);
                let held = line[root] + line[(root + third) % 12] + line[(root + 7) % 12];
                let likely = family(&liking, root, IS_MINOR[quality]).max(UNLIKELY);
                let lasting = if current == Some(choice) { lasting } else { 0.0 };
                let worth = preference.mul_add(likely, of_line * held) + lasting;
                if worth > best.0 {
                    best = (worth, choice);
                }
            }
        }
        with_seventh(&liking, best.1)
    }
}

/// Which of a triad's chords is the likeliest.
fn with_seventh(liking: &[[f32; 12]; QUALITIES.len()], triad: Choice) -> Choice {
    let root = usize::from(triad.root.number());
    let alike = |quality: &usize| IS_MINOR[*quality] == IS_MINOR[triad.quality];
    let better = |a: usize, b: usize| if liking[b][root] > liking[a][root] { b } else { a };
    let quality = (0..QUALITIES.len()).filter(alike).fold(triad.quality, better);
    Choice { quality, ..triad }
}

/// The logarithm of the probability of a triad, with a seventh or without.
fn family(liking: &[[f32; 12]; QUALITIES.len()], root: usize, is_minor: bool) -> f32 {
    let alike = liking.iter().zip(IS_MINOR).filter(|(_, minor)| *minor == is_minor);
    alike.map(|(logarithms, _)| logarithms[root].exp()).sum::<f32>().ln()
}

/// Logarithms of probabilities, over all chords.
fn logarithms(judgement: &Judgement) -> [[f32; 12]; QUALITIES.len()] {
    let all = judgement.chords.as_flattened();
    let highest = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum = sum(all.iter().map(|x| (x - highest).exp()).collect()).ln();
    judgement.chords.map(|row| row.map(|x| x - highest - sum))
}

fn shares(logits: [f32; 12]) -> [f32; 12] {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shares = logits.map(|x| (x - highest).exp());
    let sum = sum(shares.to_vec());
    shares.map(|x| x / sum)
}

/// A sum that does not depend on the order of the numbers, and so not on the key.
fn sum(mut numbers: Vec<f32>) -> f32 {
    numbers.sort_unstable_by(f32::total_cmp);
    numbers.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::harmonist::HarmonistConfig;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;

    const FOUR: Bars = Bars { origin: Tick(0), length: 48 };

    fn net() -> Harmonist {
        Harmonist::random(
            HarmonistConfig { hidden: 12, second: 8, ..HarmonistConfig::default() },
            5,
        )
        .unwrap()
    }

    fn note(onset: i64, pitch: u8) -> Note {
        let (onset, pitch) = (Tick(onset), Pitch::new(pitch));
        Note { onset, pitch, voice: Voice::Player, velocity: 80, duration: 1 }
    }

    fn tune(seed: u32, from: u8, to: u8, ticks: i64) -> Vec<Note> {
        let mut dice = seed;
        let mut roll = |n: u32| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (dice >> 16) % n
        };
        let mut notes = Vec::new();
        for tick in 0..ticks {
            while roll(6) == 0 {
                notes.push(note(tick, from + roll(u32::from(to - from)) as u8));
            }
        }
        notes
    }

    /// Closes `step` ticks at a time, and gives all chords that were ever asked for where they stand.
    fn asked(
        net: &Harmonist,
        notes: &[Note],
        ticks: i64,
        step: i64,
        bars: Bars,
    ) -> Vec<(Tick, Harmony)> {
        let mut chooser = Chooser::new(Tick(0));
        let mut last = -1;
        while last < ticks - 1 {
            let tick = (last + step).min(ticks - 1);
            let heard = notes.iter().filter(|n| n.onset.0 > last && n.onset.0 <= tick);
            let heard: Vec<Note> = heard.copied().collect();
            let before = chooser.chords.clone();
            let has_news = chooser.close(net, Tick(tick), bars, &heard);
            if !has_news {
                assert_eq!(before, chooser.chords);
            }
            last = tick;
        }
        chooser.chords().to_vec()
    }

    #[test]
    fn the_same_however_ticks_are_batched() {
        let (net, notes) = (net(), tune(1, 55, 90, 700));
        let single = asked(&net, &notes, 700, 1, FOUR);
        assert!(single.len() > 3, "{single:?}");
        for step in [2, 7, 48, 700] {
            assert_eq!(asked(&net, &notes, 700, step, FOUR), single);
        }
    }

    #[test]
    fn a_melody_that_is_transposed_has_its_chords_transposed() {
        let net = net();
        for seed in 1..20 {
            let notes = tune(seed, 60, 90, 500);
            let plain = asked(&net, &notes, 500, 1, FOUR);
            for by in 1..13_u8 {
                let pitch = |n: &Note| Pitch::new(n.pitch.number() + by);
                let moved: Vec<Note> =
                    notes.iter().map(|n| Note { pitch: pitch(n), ..*n }).collect();
                let other = asked(&net, &moved, 500, 1, FOUR);
                let expected: Vec<_> =
                    plain.iter().map(|(t, h)| (*t, h.transposed(i32::from(by)))).collect();
                assert_eq!(other, expected, "{by} semitones");
            }
        }
    }

    #[test]
    fn nothing_is_asked_before_a_note_and_any_music_is_borne() {
        let net = net();
        assert!(asked(&net, &[], 400, 1, FOUR).is_empty());
        for (seed, length) in [(1, 1), (2, 5), (3, 36), (4, 42), (5, 60), (6, 999), (7, i64::MAX)] {
            let bars = Bars { origin: Tick(7), length };
            let notes = tune(seed, 0, 127, 2_500);
            let chords = asked(&net, &notes, 2_500, 1, bars);
            assert!(chords.windows(2).all(|w| w[0].0 < w[1].0));
            assert!(chords.len() < 70, "{}: bounded memory", chords.len());
            assert!(chords.iter().all(|(_, h)| h.is_chord()));
        }
    }

    #[test]
    fn a_long_silence_is_forgotten_at_once() {
        let net = net();
        let mut chooser = Chooser::new(Tick(0));
        chooser.close(&net, Tick(60), FOUR, &[note(3, 60), note(30, 64)]);
        assert!(!chooser.chords().is_empty());
        let mut slow = chooser.clone();
        assert!(chooser.close(&net, Tick(1 << 40), FOUR, &[]));
        assert!(chooser.chords().is_empty());
        (61..2_000).for_each(|tick| {
            slow.close(&net, Tick(tick), FOUR, &[]);
        });
        assert!(slow.chords().is_empty());
        let far = Tick((1 << 40) + 100);
        chooser.close(&net, far, FOUR, &[note(far.0 - 60, 60)]);
        assert!(chooser.chords().iter().all(|(at, _)| *at > far.plus(-60)));
        assert!(!chooser.chords().is_empty());
    }
}
