//! How well a model foretells held-out pieces: streamed whole, in both roles, in their own key.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::data::parallel::in_parallel;
use crate::data::roles::{Piece, Role};
use crate::data::stream::{Cursor, Reading, empty_window};
use crate::model::network::{Prepared, Workspace};
use crate::model::window::LaneStates;
use crate::model::{ModelError, Parameters};
use crate::music::token::{Kind, Token};

/// Readings that are measured side by side.
const LANES: usize = 16;
/// Tokens a lane in one go.
const STEPS: usize = 256;

/// What a token is about, finer than its kind.
pub const ATTRIBUTES: [&str; 6] = [
    "shift",
    "player_pitch",
    "machine_pitch",
    "player_velocity",
    "machine_velocity",
    "machine_duration",
];

/// The index in [`ATTRIBUTES`] of a token that follows `before`.
pub fn attribute(before: Option<Token>, token: Token) -> usize {
    match token.kind() {
        Kind::Shift => 0,
        Kind::PlayerPitch => 1,
        Kind::MachinePitch => 2,
        Kind::Velocity => match before.map(Token::kind) {
            Some(Kind::MachinePitch) => 4,
            _ => 3,
        },
        Kind::Duration => 5,
    }
}

/// The attributes that a note has in whichever voice, and which of [`ATTRIBUTES`] belong to each.
pub const PARTS: [(&str, &[usize]); 4] =
    [("shift", &[0]), ("pitch", &[1, 2]), ("velocity", &[3, 4]), ("duration", &[5])];

/// How well a token was foretold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Score {
    /// Minus the logarithm of its probability.
    pub nats: f32,
    /// How many other tokens were held likelier.
    pub rank: u16,
}

/// How well each token of each of some readings was foretold.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scores(pub Vec<Vec<Score>>);

impl Scores {
    /// The means. `readings` are those that were measured.
    pub fn metrics(&self, readings: &[Arc<Reading>]) -> Metrics {
        let mut tally = Tally::default();
        for (reading, scores) in readings.iter().zip(&self.0) {
            let mut before = None;
            for (i, (token, score)) in reading.tokens.iter().zip(scores).enumerate() {
                if reading.counts(i) {
                    tally.token(attribute(before, *token), *score);
                }
                before = Some(*token);
            }
        }
        tally.metrics()
    }
}

/// Sums over tokens.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Tally {
    nats: [f64; 6],
    tokens: [u64; 6],
    /// Tokens that were held the likeliest, and among the five likeliest.
    top: [[u64; 6]; 2],
}

impl Tally {
    fn token(&mut self, attribute: usize, score: Score) {
        self.nats[attribute] += f64::from(score.nats);
        self.tokens[attribute] += 1;
        for (top, below) in self.top.iter_mut().zip([1, 5]) {
            top[attribute] += u64::from(score.rank < below);
        }
    }

    fn metrics(&self) -> Metrics {
        let nats: f64 = self.nats.iter().sum();
        let tokens: u64 = self.tokens.iter().sum();
        let notes = self.tokens[1] + self.tokens[2];
        let mean = |sum: f64, count: u64| sum / count.max(1) as f64;
        let nats_per_token = mean(nats, tokens);
        let by_attribute = |of: &dyn Fn(usize) -> f64| {
            (0..ATTRIBUTES.len()).map(|i| (ATTRIBUTES[i], mean(of(i), self.tokens[i]))).collect()
        };
        let part = |of: &[usize]| mean(of.iter().map(|i| self.nats[*i]).sum(), notes);
        Metrics {
            nats_per_note: mean(nats, notes),
            nats_per_token,
            perplexity: nats_per_token.exp(),
            tokens,
            notes,
            per_note: PARTS.iter().map(|(name, of)| (*name, part(of))).collect(),
            by_attribute: by_attribute(&|i| self.nats[i]),
            top_1: by_attribute(&|i| self.top[0][i] as f64),
            top_5: by_attribute(&|i| self.top[1][i] as f64),
        }
    }
}

/// Means over held-out pieces, in nats; lower is better.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Metrics {
    /// All nats over all notes of both voices.
    pub nats_per_note: f64,
    /// All nats over all tokens.
    pub nats_per_token: f64,
    /// e to the nats per token.
    pub perplexity: f64,
    /// Tokens foretold.
    pub tokens: u64,
    /// Notes foretold.
    pub notes: u64,
    /// What each of [`PARTS`] has of the nats a note.
    pub per_note: BTreeMap<&'static str, f64>,
    /// Nats a token of each of [`ATTRIBUTES`].
    pub by_attribute: BTreeMap<&'static str, f64>,
    /// The share of the tokens that were held the likeliest, for each of [`ATTRIBUTES`].
    pub top_1: BTreeMap<&'static str, f64>,
    /// The share of the tokens that were among the five likeliest.
    pub top_5: BTreeMap<&'static str, f64>,
}

impl Metrics {
    /// As names and numbers.
    pub fn named(&self) -> BTreeMap<String, f64> {
        let mut named: BTreeMap<String, f64> =
            self.by_attribute.iter().map(|(k, v)| (format!("nats_{k}"), *v)).collect();
        named.insert("nats_per_note".to_owned(), self.nats_per_note);
        named.insert("nats_per_token".to_owned(), self.nats_per_token);
        named.insert("perplexity".to_owned(), self.perplexity);
        named
    }
}

/// Both roles of every piece, in its own key and in no style.
pub fn readings(pieces: &[Piece]) -> Vec<Arc<Reading>> {
    readings_in(pieces, 0)
}

/// The same in a style, counted from 1; 0 is none.
pub fn readings_in(pieces: &[Piece], style: usize) -> Vec<Arc<Reading>> {
    let read = |piece, role| Arc::new(Reading::new(piece, role, 0).in_style(style));
    pieces.iter().flat_map(|p| [read(p, Role::Accompany), read(p, Role::Lead)]).collect()
}

/// The means of [`scores`].
///
/// # Errors
/// As [`scores`].
pub fn evaluate(
    parameters: &Parameters,
    readings: &[Arc<Reading>],
    threads: usize,
) -> Result<Metrics, ModelError> {
    Ok(scores(parameters, readings, threads)?.metrics(readings))
}

/// Streams every reading through the model, states carried from its first token to its last.
///
/// # Errors
/// [`ModelError::Input`] when the model is not for these tokens.
pub fn scores(
    parameters: &Parameters,
    readings: &[Arc<Reading>],
    threads: usize,
) -> Result<Scores, ModelError> {
    let passages: Vec<Passage> = readings
        .iter()
        .map(|r| Passage { reading: Arc::clone(r), from: 0, to: r.tokens.len() })
        .collect();
    foretell(parameters, &passages, threads)
}

/// Tokens of a reading, heard by a model that knows nothing of what came before them.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The whole.
    pub reading: Arc<Reading>,
    /// The first token that is heard.
    pub from: usize,
    /// The first that no longer is.
    pub to: usize,
}

/// How well each token of passages was foretold. The same on any number of threads.
///
/// # Errors
/// As [`scores`].
pub fn foretell(
    parameters: &Parameters,
    passages: &[Passage],
    threads: usize,
) -> Result<Scores, ModelError> {
    let prepared = Prepared::new(parameters);
    // Passages of like length run side by side.
    let mut order: Vec<usize> = (0..passages.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(passages[*i].to - passages[*i].from));
    let groups: Vec<&[usize]> = order.chunks(LANES).collect();
    let results = in_parallel(&groups, threads, |group| {
        let of_group: Vec<&Passage> = group.iter().map(|i| &passages[*i]).collect();
        side_by_side(&prepared, parameters, &of_group)
    });
    let mut scores = vec![Vec::new(); passages.len()];
    for (group, result) in groups.iter().zip(results) {
        for (index, of_passage) in group.iter().zip(result?) {
            scores[*index] = of_passage;
        }
    }
    Ok(Scores(scores))
}

fn side_by_side(
    prepared: &Prepared<'_>,
    parameters: &Parameters,
    passages: &[&Passage],
) -> Result<Vec<Vec<Score>>, ModelError> {
    let lanes = passages.len();
    let mut workspace = Workspace::default();
    let longest = passages.iter().map(|p| p.to - p.from).max().unwrap_or(0);
    let features = parameters.config().features;
    let mut window = empty_window(STEPS.min(longest.max(1)), lanes, features);
    let mut states = LaneStates::zeros(parameters.config(), lanes);
    let mut cursors: Vec<Cursor> =
        passages.iter().map(|p| Cursor::fresh(Arc::clone(&p.reading), p.from)).collect();
    let mut scores: Vec<Vec<Score>> =
        passages.iter().map(|p| Vec::with_capacity(p.to - p.from)).collect();
    while scores.iter().zip(passages).any(|(s, p)| s.len() < p.to - p.from) {
        for (lane, cursor) in cursors.iter_mut().enumerate() {
            cursor.fill(&mut window, lane);
        }
        workspace.run(prepared, &window, &mut states, None)?;
        let told = workspace.nats.iter().zip(&workspace.ranks);
        for (at, (nats, rank)) in told.enumerate() {
            let (scores, passage) = (&mut scores[at % lanes], passages[at % lanes]);
            if scores.len() < passage.to - passage.from {
                scores.push(Score { nats: *nats, rank: *rank });
            }
        }
    }
    Ok(scores)
}

#[cfg(test)]
mod tests;
