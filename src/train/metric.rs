//! How well a model foretells held-out pieces: streamed whole, in both roles, in their own key.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

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

/// Sums of nats, foldable.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Tally {
    nats: [f64; 6],
    tokens: [u64; 6],
    /// Notes of both voices.
    notes: u64,
}

impl Tally {
    /// Counts the nats of one token.
    pub fn token(&mut self, attribute: usize, nats: f64) {
        self.nats[attribute] += nats;
        self.tokens[attribute] += 1;
        self.notes += u64::from(matches!(attribute, 1 | 2));
    }

    /// Takes in another tally.
    pub fn add(&mut self, other: &Self) {
        for i in 0..ATTRIBUTES.len() {
            self.nats[i] += other.nats[i];
            self.tokens[i] += other.tokens[i];
        }
        self.notes += other.notes;
    }

    /// The means.
    pub fn metrics(&self) -> Metrics {
        let nats: f64 = self.nats.iter().sum();
        let tokens: u64 = self.tokens.iter().sum();
        let mean = |nats: f64, count: u64| nats / count.max(1) as f64;
        let nats_per_token = mean(nats, tokens);
        Metrics {
            nats_per_note: mean(nats, self.notes),
            nats_per_token,
            perplexity: nats_per_token.exp(),
            tokens,
            notes: self.notes,
            by_attribute: (0..ATTRIBUTES.len())
                .map(|i| (ATTRIBUTES[i], mean(self.nats[i], self.tokens[i])))
                .collect(),
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
    /// Nats a token of each of [`ATTRIBUTES`].
    pub by_attribute: BTreeMap<&'static str, f64>,
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

/// Both roles of every piece, in its own key.
pub fn readings(pieces: &[Piece]) -> Vec<Arc<Reading>> {
    let read = |piece, role| Arc::new(Reading::new(piece, role, 0));
    pieces.iter().flat_map(|p| [read(p, Role::Accompany), read(p, Role::Lead)]).collect()
}

/// Streams every reading through the model, states carried from its first token to its last. The sums are
/// taken in one order, whatever the threads.
///
/// # Errors
/// [`ModelError::Input`] when the model is not for these tokens.
pub fn evaluate(
    parameters: &Parameters,
    readings: &[Arc<Reading>],
    threads: usize,
) -> Result<Metrics, ModelError> {
    let prepared = Prepared::new(parameters);
    // Readings of like length run side by side.
    let mut sorted: Vec<&Arc<Reading>> = readings.iter().collect();
    sorted.sort_by_key(|r| std::cmp::Reverse(r.tokens.len()));
    let groups: Vec<&[&Arc<Reading>]> = sorted.chunks(LANES).collect();
    let threads = threads.clamp(1, groups.len().max(1));
    let tallies = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let (groups, prepared) = (&groups, &prepared);
                scope.spawn(move || {
                    let mut workspace = Workspace::default();
                    let mine = groups.iter().enumerate().skip(worker).step_by(threads);
                    mine.map(|(i, g)| Ok((i, measure(prepared, parameters, g, &mut workspace)?)))
                        .collect::<Result<Vec<_>, ModelError>>()
                })
            })
            .collect();
        let mut tallies = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(result) => tallies.extend(result?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<_, ModelError>(tallies)
    });
    let mut tallies = tallies?;
    tallies.sort_by_key(|(i, _)| *i);
    let mut sum = Tally::default();
    for (_, tally) in &tallies {
        sum.add(tally);
    }
    Ok(sum.metrics())
}

fn measure(
    prepared: &Prepared<'_>,
    parameters: &Parameters,
    readings: &[&Arc<Reading>],
    workspace: &mut Workspace,
) -> Result<Tally, ModelError> {
    let mut tally = Tally::default();
    let mut window = empty_window(STEPS, readings.len());
    let mut states = LaneStates::zeros(parameters.config(), readings.len());
    let mut cursors: Vec<Cursor> = readings.iter().map(|r| Cursor::new(Arc::clone(r))).collect();
    while cursors.iter().any(|c| !c.done()) {
        for (lane, cursor) in cursors.iter_mut().enumerate() {
            cursor.fill(&mut window, lane);
        }
        workspace.run(prepared, &window, &mut states, None)?;
        for (at, nats) in
            workspace.nats.iter().enumerate().filter(|(i, _)| window.weights[*i] > 0.0)
        {
            let target = Token::from_id(window.targets[at]);
            if let Some(target) = target {
                tally.token(attribute(Token::from_id(window.tokens[at]), target), f64::from(*nats));
            }
        }
    }
    Ok(tally)
}
