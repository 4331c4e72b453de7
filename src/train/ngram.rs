//! Interpolated n-grams (Witten and Bell), the baseline that a model must beat on the same tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::stream::Reading;
use crate::music::token::{Token, VOCABULARY};

/// Bits of a token in a packed string of tokens; 0 is no token, so ids are one higher.
const BITS: u32 = 9;

/// Counts of all strings of up to `order` tokens.
#[derive(Clone, Debug)]
pub struct NGram {
    /// For each length from 1: packed strings in order, each with its count.
    counts: Vec<Vec<(u64, u32)>>,
    /// For each length from 0: packed contexts in order, with how often and with how many different
    /// tokens they went on.
    contexts: Vec<Vec<(u64, u32, u32)>>,
}

impl NGram {
    /// Counts readings; `order` is 1 to 7.
    pub fn new(readings: &[Arc<Reading>], order: usize) -> Self {
        let order = order.clamp(1, 7);
        let (mut counts, mut contexts) = (Vec::new(), Vec::new());
        for length in 1..=order {
            let mut strings: Vec<u64> =
                readings.iter().flat_map(|r| packed(&r.tokens, length)).collect();
            strings.sort_unstable();
            let mut counted: Vec<(u64, u32)> = Vec::new();
            for string in strings {
                match counted.last_mut() {
                    Some((last, count)) if *last == string => *count += 1,
                    _ => counted.push((string, 1)),
                }
            }
            let mut context: Vec<(u64, u32, u32)> = Vec::new();
            for (string, count) in &counted {
                match context.last_mut() {
                    Some((last, total, types)) if *last == string >> BITS => {
                        *total += count;
                        *types += 1;
                    }
                    _ => context.push((string >> BITS, *count, 1)),
                }
            }
            counts.push(counted);
            contexts.push(context);
        }
        Self { counts, contexts }
    }

    /// The probability of the last token of `string` after those before it, by strings of up to each
    /// length: the first element by single tokens.
    fn probabilities(&self, tokens: &[Token], at: usize) -> Vec<f64> {
        let mut p = 1.0 / VOCABULARY as f64;
        let mut all = Vec::with_capacity(self.counts.len());
        for (i, (counts, contexts)) in self.counts.iter().zip(&self.contexts).enumerate() {
            let string = pack(tokens, at, i + 1);
            if let Ok(found) = contexts.binary_search_by_key(&(string >> BITS), |c| c.0) {
                let (_, total, types) = contexts[found];
                let count =
                    counts.binary_search_by_key(&string, |c| c.0).map_or(0, |j| counts[j].1);
                p = (f64::from(count) + f64::from(types) * p) / f64::from(total + types);
            }
            all.push(p);
        }
        all
    }

    /// Nats a note of readings, by the longest string looked at: 1 to the order.
    pub fn nats_per_note(&self, readings: &[Arc<Reading>]) -> Vec<f64> {
        let mut nats = vec![0.0; self.counts.len()];
        for reading in readings {
            for at in 0..reading.tokens.len() {
                for (sum, p) in nats.iter_mut().zip(self.probabilities(&reading.tokens, at)) {
                    *sum -= p.ln();
                }
            }
        }
        let notes: usize = readings.iter().map(|r| r.notes).sum();
        nats.iter().map(|n| n / notes.max(1) as f64).collect()
    }
}

/// Trains n-grams and measures them: nats a note by order, `"1"` to `"order"`. Empty without training pieces.
pub fn compare(
    train: &[Arc<Reading>],
    held_out: &[Arc<Reading>],
    order: usize,
) -> BTreeMap<String, f64> {
    if train.is_empty() {
        return BTreeMap::new();
    }
    let nats = NGram::new(train, order).nats_per_note(held_out);
    nats.into_iter().enumerate().map(|(i, n)| ((i + 1).to_string(), n)).collect()
}

fn packed(tokens: &[Token], length: usize) -> impl Iterator<Item = u64> + '_ {
    (0..tokens.len()).map(move |at| pack(tokens, at, length))
}

/// The string of `length` tokens that ends at `at`; before the beginning stands nothing.
fn pack(tokens: &[Token], at: usize, length: usize) -> u64 {
    let token = |i: usize| tokens.get(i).map_or(0, |t| u64::from(t.id()) + 1);
    (0..length).rev().fold(0, |string, back| string << BITS | at.checked_sub(back).map_or(0, token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::{Piece, Role};
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;
    use crate::music::time::{Bars, Tick};

    fn reading() -> Arc<Reading> {
        let note = |i: i64| Note {
            onset: Tick(6 * i),
            pitch: Pitch::new(60 + (i % 3) as u8),
            voice: Voice::Player,
            velocity: 64,
            duration: 6,
        };
        let piece = Piece {
            name: String::new(),
            hash: [0; 32],
            bars: Bars::default(),
            melody: (0..200).map(note).collect(),
            accompaniment: Vec::new(),
            chords: Vec::new(),
        };
        Arc::new(Reading::new(&piece, Role::Accompany, 0))
    }

    #[test]
    fn probabilities_sum_to_one() {
        let reading = reading();
        let model = NGram::new(&[Arc::clone(&reading)], 3);
        let mut tokens = reading.tokens[..7].to_vec();
        for order in 0..3 {
            let sum: f64 = (0..VOCABULARY as u16)
                .filter_map(Token::from_id)
                .map(|token| {
                    tokens[6] = token;
                    model.probabilities(&tokens, 6)[order]
                })
                .sum();
            assert!((sum - 1.0).abs() < 1e-9, "{order}: {sum}");
        }
    }

    #[test]
    fn longer_strings_foretell_a_pattern() {
        let nats = compare(&[reading()], &[reading()], 5);
        assert_eq!(nats.keys().collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
        // A shift, one of three pitches that come in turn, a velocity: known after four tokens.
        assert!(nats["1"] > 3.0 && nats["4"] < 0.5 && nats["4"] < nats["2"], "{nats:?}");
        assert!(compare(&[], &[reading()], 5).is_empty());
    }

    #[test]
    fn witten_and_bell_by_hand() {
        // Ten tokens a, b, a, b ...: after a only b came, 5 times of 1 type, so
        // p(b|a) = (5 + 1 p(b)) / (5 + 1), p(b) = (5 + 2/256) / (10 + 2).
        let mut reading = Reading::clone(&reading());
        reading.tokens = [Token::Shift(1), Token::Shift(2)].repeat(5);
        let model = NGram::new(&[Arc::new(reading.clone())], 2);
        let p = model.probabilities(&reading.tokens, 3);
        let single = (5.0 + 2.0 / 256.0) / 12.0;
        assert!((p[0] - single).abs() < 1e-12);
        assert!((p[1] - (5.0 + single) / 6.0).abs() < 1e-12);
    }
}
