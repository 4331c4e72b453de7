//! The leak test: what a network still knows of rows from which something was taken out, or in which little was left.
//! It was not trained on such rows: what it loses it may only have missed, but what it keeps it does not owe to what is
//! hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::run::judge;
use super::verdicts::{Verdicts, likeliest, log_softmax};
use crate::data::pages::anatomy::Anatomy;
use crate::data::pages::gate::Gate;
use crate::data::pages::masks::Mask;
use crate::data::pages::open;
use crate::data::parallel::in_parallel;
use crate::data::rows::{Entry, Rows, ink};
use crate::model::image::ResNet;

/// Rows that are in memory behind all their masks at a time.
const CHUNK: usize = 32;

/// What is left behind a mask.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Leak {
    /// Which.
    pub mask: Mask,
    /// In words.
    pub name: &'static str,
    /// How well the rows are told apart.
    #[serde(flatten)]
    pub verdicts: Verdicts,
    /// The share of the rows that are given to the same composer as without the mask.
    pub same: f64,
    /// Rows in which no staff was found where the mask needs one; they are judged as they are.
    pub unmasked: usize,
}

/// What somebody has right who looks at no row.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Chance {
    /// Who names any composer.
    pub even: f64,
    /// The share of the rows that are right for who always names the composer of most rows.
    pub rows: f64,
    /// The share of the works that are right for who always names the composer of most works.
    pub works: f64,
}

impl Chance {
    /// On these rows.
    pub fn of(entries: &[Entry], composers: usize) -> Self {
        let most = |names: &mut dyn Iterator<Item = &String>| {
            let (mut counts, mut all) = (BTreeMap::<&String, usize>::new(), 0);
            for name in names {
                *counts.entry(name).or_default() += 1;
                all += 1;
            }
            counts.into_values().max().unwrap_or(0) as f64 / f64::from(all.max(1))
        };
        let works: BTreeSet<_> = entries.iter().map(|e| (&e.composer, &e.work)).collect();
        Self {
            even: 1.0 / composers.max(1) as f64,
            rows: most(&mut entries.iter().map(|e| &e.composer)),
            works: most(&mut works.into_iter().map(|(composer, _)| composer)),
        }
    }
}

/// A row behind every mask at the network's size, and whether its staves were found.
type Masked = (Vec<Vec<u8>>, bool);

/// Judges these rows behind every mask, in the order of [`Mask::ALL`]; `tell` hears how many rows more are done.
///
/// # Errors
/// In one line the first row that can't be read.
pub fn measure(
    net: &ResNet,
    composers: &[String],
    size: (usize, usize),
    (folder, entries): (&Path, &[Entry]),
    threads: usize,
    tell: &dyn Fn(usize),
) -> Result<Vec<Leak>, String> {
    let gate = Gate::new(open::MEMORY);
    let works: BTreeSet<_> = entries.iter().map(|e| (&e.composer, &e.work)).collect();
    let works: Vec<_> = works.into_iter().collect();
    let place = |e: &Entry| works.binary_search(&(&e.composer, &e.work)).unwrap_or_default() as u32;
    let label = |e: &Entry| composers.binary_search(&e.composer).unwrap_or_default() as u16;
    let mut logits = vec![Vec::new(); Mask::ALL.len()];
    let mut lost = 0;
    for chunk in entries.chunks(CHUNK) {
        let masked = in_parallel(chunk, threads, |entry| {
            let masked = open::with_page(&folder.join(&entry.row), &gate, |picture| {
                let anatomy = Anatomy::of(&picture);
                let behind = |mask: Mask| match mask.apply(&picture, anatomy.as_ref()) {
                    Some(masked) => ink(&masked, size),
                    None => ink(&picture, size),
                };
                Ok((Mask::ALL.map(behind).into(), anatomy.is_some()))
            });
            masked.map_err(|e| format!("{}: {e}", entry.row))
        });
        let masked: Vec<Masked> = masked.into_iter().collect::<Result<_, String>>()?;
        lost += masked.iter().filter(|(_, found)| !found).count();
        for (nth, logits) in logits.iter_mut().enumerate() {
            let rows = Rows {
                ink: masked.iter().flat_map(|(images, _)| &images[nth]).copied().collect(),
                labels: chunk.iter().map(label).collect(),
                ..Rows::default()
            };
            let judged = judge(net, &rows, size, CHUNK, threads);
            logits.extend(judged.map_err(|e| e.to_string())?);
        }
        tell(chunk.len());
    }
    let (labels, works): (Vec<u16>, Vec<u32>) =
        entries.iter().map(|e| (label(e), place(e))).unzip();
    let n = composers.len();
    let names = |logits: &[f32]| -> Vec<usize> {
        logits.chunks(n).map(|row| likeliest(&log_softmax(row))).collect()
    };
    let before = names(&logits[0]);
    let leak = |(mask, logits): (Mask, &Vec<f32>)| {
        let same = names(logits).iter().zip(&before).filter(|(a, b)| a == b).count();
        Leak {
            mask,
            name: mask.name(),
            verdicts: Verdicts::of(logits, &labels, &works, n),
            same: same as f64 / before.len().max(1) as f64,
            unmasked: if mask.needs_staves() { lost } else { 0 },
        }
    };
    Ok(Mask::ALL.into_iter().zip(&logits).map(leak).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::pages::split::Side;

    #[test]
    fn chance_is_what_the_most_frequent_composer_gives() {
        let entry = |composer: &str, work: &str| Entry {
            row: String::new(),
            page: String::new(),
            composer: composer.to_owned(),
            work: work.to_owned(),
            side: Side::Test,
        };
        let rows =
            [entry("A", "1"), entry("A", "1"), entry("A", "1"), entry("B", "1"), entry("B", "2")];
        let chance = Chance::of(&rows, 4);
        assert!((chance.even - 0.25).abs() < 1e-9 && (chance.rows - 0.6).abs() < 1e-9);
        assert!((chance.works - 2.0 / 3.0).abs() < 1e-9);
        assert!(Chance::of(&[], 2).rows.abs() < 1e-9);
    }
}
