//! Interpolated n-grams (Witten and Bell), the baseline that a model must beat on the same tokens.

use std::sync::Arc;

use crate::data::parallel::in_parallel;
use crate::data::stream::Reading;
use crate::music::token::{Token, VOCABULARY};
use crate::train::metric::{Score, Scores};

/// Bits of a token in a packed string of tokens; 0 is no token, so ids are one higher.
const BITS: u32 = 9;

/// Counts of all strings of up to `order` tokens.
#[derive(Clone, Debug)]
pub struct NGram {
    /// For each length from 1: packed strings in order, each with its count.
    counts: Vec<Vec<(u64, u32)>>,
    /// For each length from 0: the strings that went on, in order.
    contexts: Vec<Vec<Context>>,
}

/// How a string of tokens went on.
#[derive(Clone, Copy, Debug)]
struct Context {
    string: u64,
    /// How often.
    total: u32,
    /// With how many different tokens.
    types: u32,
    /// Where these stand among the strings that are longer by one.
    first: usize,
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
            let mut context: Vec<Context> = Vec::new();
            for (first, (string, count)) in counted.iter().enumerate() {
                match context.last_mut() {
                    Some(last) if last.string == string >> BITS => {
                        last.total += count;
                        last.types += 1;
                    }
                    _ => {
                        let string = string >> BITS;
                        context.push(Context { string, total: *count, types: 1, first });
                    }
                }
            }
            counts.push(counted);
            contexts.push(context);
        }
        Self { counts, contexts }
    }

    /// The longest strings that are counted.
    pub fn order(&self) -> usize {
        self.counts.len()
    }

    /// Tells `each` the probabilities of all tokens after `heard` (the last tokens, oldest first; `None` is before
    /// the beginning), by strings of up to each length, 1 to the order.
    pub fn foretell(
        &self,
        heard: impl Iterator<Item = Option<Token>>,
        mut each: impl FnMut(usize, &[f64; VOCABULARY]),
    ) {
        let string = heard.fold(0, |string, t| string << BITS | letter(t));
        let mut p = [1.0 / VOCABULARY as f64; VOCABULARY];
        for (i, (counts, contexts)) in self.counts.iter().zip(&self.contexts).enumerate() {
            let string = string & ((1 << (BITS * i as u32)) - 1);
            if let Ok(found) = contexts.binary_search_by_key(&string, |c| c.string) {
                let Context { total, types, first, .. } = contexts[found];
                let whole = f64::from(total + types);
                for p in &mut p {
                    *p *= f64::from(types) / whole;
                }
                for (longer, count) in &counts[first..first + types as usize] {
                    // The last letter of a string that was counted is a token, never the beginning.
                    let id = (longer & ((1 << BITS) - 1)) as usize - 1;
                    p[id] += f64::from(*count) / whole;
                }
            }
            each(i + 1, &p);
        }
    }

    /// How well each token of a reading was foretold, by strings of up to each length.
    fn scores(&self, tokens: &[Token]) -> Vec<Vec<Score>> {
        let mut scores = vec![Vec::with_capacity(tokens.len()); self.order()];
        for (at, token) in tokens.iter().enumerate() {
            let heard = (1..self.order()).rev().map(|back| Some(tokens[at.checked_sub(back)?]));
            let target = usize::from(token.id());
            self.foretell(heard, |length, p| {
                let rank = p.iter().filter(|x| **x > p[target]).count() as u16;
                scores[length - 1].push(Score { nats: -p[target].ln() as f32, rank });
            });
        }
        scores
    }
}

/// Trains n-grams and measures them, by order from 1. Empty without training pieces.
pub fn compare(
    train: &[Arc<Reading>],
    held_out: &[Arc<Reading>],
    order: usize,
    threads: usize,
) -> Vec<Scores> {
    if train.is_empty() {
        return Vec::new();
    }
    evaluate(&NGram::new(train, order), held_out, threads)
}

/// How well each token of readings was foretold, by order from 1.
pub fn evaluate(model: &NGram, held_out: &[Arc<Reading>], threads: usize) -> Vec<Scores> {
    let of_readings = in_parallel(held_out, threads, |r| model.scores(&r.tokens));
    let mut orders = vec![Scores::default(); model.order()];
    for of_orders in of_readings {
        for (scores, of_reading) in orders.iter_mut().zip(of_orders) {
            scores.0.push(of_reading);
        }
    }
    orders
}

fn packed(tokens: &[Token], length: usize) -> impl Iterator<Item = u64> + '_ {
    (0..tokens.len()).map(move |at| pack(tokens, at, length))
}

/// The string of `length` tokens that ends at `at`; before the beginning stands nothing.
fn pack(tokens: &[Token], at: usize, length: usize) -> u64 {
    let token = |back| at.checked_sub(back).and_then(|i| tokens.get(i)).copied();
    (0..length).rev().fold(0, |string, back| string << BITS | letter(token(back)))
}

/// A token in a packed string.
fn letter(token: Option<Token>) -> u64 {
    token.map_or(0, |t| u64::from(t.id()) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::{Piece, Role};
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

    fn reading() -> Arc<Reading> {
        let note = |i: i64| Note {
            onset: Tick(6 * i),
            pitch: Pitch::new(60 + (i % 3) as u8),
            voice: Voice::Player,
            velocity: 64,
            duration: 6,
        };
        let piece = Piece { melody: (0..200).map(note).collect(), ..Piece::default() };
        Arc::new(Reading::new(&piece, Role::Accompany, 0))
    }

    #[test]
    fn probabilities_sum_to_one() {
        let reading = reading();
        let model = NGram::new(&[Arc::clone(&reading)], 3);
        for heard in [[None, None], [None, Some(Token::Shift(6))], [Some(Token::Shift(5)); 2]] {
            let mut orders = Vec::new();
            model.foretell(heard.into_iter(), |order, p| {
                orders.push(order);
                let sum: f64 = p.iter().sum();
                assert!((sum - 1.0).abs() < 1e-9, "{order}: {sum}");
            });
            assert_eq!(orders, [1, 2, 3]);
        }
    }

    #[test]
    fn longer_strings_foretell_a_pattern() {
        let readings = [reading()];
        let metrics = compare(&readings, &readings, 5, 2);
        let nats: Vec<f64> = metrics.iter().map(|s| s.metrics(&readings).nats_per_note).collect();
        assert_eq!(nats.len(), 5);
        // A shift, one of three pitches that come in turn, a velocity: known after four tokens.
        assert!(nats[0] > 3.0 && nats[3] < 0.5 && nats[3] < nats[1], "{nats:?}");
        assert!(metrics[3].metrics(&readings).top_1["player_pitch"] > 0.95);
        assert!(compare(&[], &readings, 5, 2).is_empty());
    }

    #[test]
    fn witten_and_bell_by_hand() {
        // Ten tokens a, b, a, b ...: after a only b came, 5 times of 1 type, so
        // p(b|a) = (5 + 1 p(b)) / (5 + 1), p(b) = (5 + 2/256) / (10 + 2).
        let mut reading = Reading::clone(&reading());
        let (a, b) = (Token::Shift(1), Token::Shift(2));
        reading.tokens = [a, b].repeat(5);
        let model = NGram::new(&[Arc::new(reading)], 2);
        let single = (5.0 + 2.0 / 256.0) / 12.0;
        let want = [single, (5.0 + single) / 6.0];
        model.foretell([Some(a)].into_iter(), |order, p| {
            assert!((p[usize::from(b.id())] - want[order - 1]).abs() < 1e-12, "{order}");
        });
    }
}
