//! What a run learns from and is measured by: sets of pieces, each with its style, its share and its held-out side.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::mix::{Mix, Set};
use crate::data::shelf::{self, ShelfError};
use crate::data::split::Split;
use crate::data::stream::Reading;
use crate::model::checkpoint::{Corpus, Source};
use crate::model::{ModelError, Parameters};
use crate::train::metric::{self, ATTRIBUTES, Metrics, PARTS};

/// A set of pieces in a run.
#[derive(Clone, Debug)]
pub struct Material {
    /// What to call it in reports.
    pub name: String,
    /// The style that the model is told, counted from 1; 0 is none.
    pub style: usize,
    /// The share of all notes heard, relative to the other sets'; none for the square root of its notes.
    pub weight: Option<f64>,
    /// Its pieces.
    pub split: Split,
}

impl Material {
    /// A lone set.
    pub const fn alone(split: Split) -> Self {
        Self { name: String::new(), style: 0, weight: None, split }
    }
}

/// Describes the sets for the model card.
pub(crate) fn describe(sets: &[Material], sources: &[Source]) -> Corpus {
    let mut hasher = blake3::Hasher::new();
    let mut corpus = Corpus { sources: sources.to_vec(), ..Corpus::default() };
    for set in sets {
        for piece in &set.split.train {
            hasher.update(&piece.hash);
        }
        corpus.train_pieces += set.split.train.len();
        corpus.valid_pieces += set.split.valid.len();
        corpus.train_notes += shelf::notes(&set.split.train);
    }
    corpus.hash = hasher.finalize().to_hex().to_string();
    corpus
}

/// The held-out sides of all sets, at most `most` pieces of each, told in their styles.
#[derive(Clone, Debug)]
pub(crate) struct HeldOut(Vec<(String, f64, Vec<Arc<Reading>>)>);

/// Parts what is trained on from what is held out.
///
/// # Errors
/// [`ShelfError`] when a piece can't be read.
pub(crate) fn part(sets: Vec<Material>, most: usize) -> Result<(Mix, HeldOut), ShelfError> {
    let (mut heard, mut held) = (Vec::new(), Vec::new());
    for Material { name, style, weight, split } in sets {
        let valid = shelf::take(split.valid.iter().take(most))?;
        held.push((name, 0.0, metric::readings_in(&valid, style)));
        heard.push(Set { pieces: split.train, style, weight });
    }
    let mix = Mix::new(heard);
    for (held, share) in held.iter_mut().zip(mix.shares()) {
        held.1 = *share;
    }
    Ok((mix, HeldOut(held)))
}

/// What was measured on held-out pieces.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The means over the sets, each counted by its share in training.
    pub metrics: Metrics,
    /// Nats a note of each set, where there are several.
    pub by_set: Vec<(String, f64)>,
}

impl Measured {
    /// As names and numbers.
    pub(crate) fn named(&self) -> BTreeMap<String, f64> {
        let sets = self.by_set.iter().map(|(name, nats)| (format!("nats_per_note_{name}"), *nats));
        self.metrics.named().into_iter().chain(sets).collect()
    }
}

impl HeldOut {
    /// Measures a model.
    pub(crate) fn measure(
        &self,
        parameters: &Parameters,
        threads: usize,
    ) -> Result<Measured, ModelError> {
        let mut each = Vec::with_capacity(self.0.len());
        for (name, share, readings) in &self.0 {
            each.push((name, *share, metric::evaluate(parameters, readings, threads)?));
        }
        // A set that has no tokens of a kind, as of velocity, stays out of its mean.
        let mean = |value: &dyn Fn(&Metrics) -> f64| -> f64 {
            let counted = each.iter().filter(|(_, _, m)| value(m) > 0.0);
            let (sum, shares) = counted.fold((0.0, 0.0), |(sum, shares), (_, share, m)| {
                (sum + share * value(m), shares + share)
            });
            sum / shares.max(f64::MIN_POSITIVE)
        };
        let nats_per_token = mean(&|m| m.nats_per_token);
        let metrics = Metrics {
            nats_per_note: mean(&|m| m.nats_per_note),
            nats_per_token,
            perplexity: nats_per_token.exp(),
            tokens: each.iter().map(|(_, _, m)| m.tokens).sum(),
            notes: each.iter().map(|(_, _, m)| m.notes).sum(),
            per_note: PARTS.map(|(p, _)| (p, mean(&|m| m.per_note[p]))).into(),
            by_attribute: ATTRIBUTES.map(|a| (a, mean(&|m| m.by_attribute[a]))).into(),
            top_1: ATTRIBUTES.map(|a| (a, mean(&|m| m.top_1[a]))).into(),
            top_5: ATTRIBUTES.map(|a| (a, mean(&|m| m.top_5[a]))).into(),
        };
        let by_set = match each.len() {
            0 | 1 => Vec::new(),
            _ => each.iter().map(|(name, _, m)| ((*name).clone(), m.nats_per_note)).collect(),
        };
        Ok(Measured { metrics, by_set })
    }
}
