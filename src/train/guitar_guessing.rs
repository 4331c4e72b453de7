//! How well guitars are guessed: the programs of a collection are hidden, and the guess held to them.

use std::path::Path;

use serde::Serialize;

use crate::data::guitar::{self, FEATURES, PROGRAMS, Part, WEIGHTS};
use crate::data::named::for_each_file;
use crate::data::split::place;
use crate::train::TrainError;

/// The probabilities from which a part is taken for a guitar, for which the table is made.
pub const THRESHOLDS: [f64; 5] = [0.3, 0.5, 0.7, 0.8, 0.9];

/// What was found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Guessing {
    /// Parts that the weights were fitted on (every second file, by hash); none where they are the built-in ones.
    pub fitted_on: usize,
    /// The weights.
    pub weights: [f64; FEATURES],
    /// Parts of the other files, which are measured on, and how many of them are guitars.
    pub parts: usize,
    /// See `parts`.
    pub guitars: usize,
    /// Mean squared distance of the probabilities from the truth; always saying the share of the guitars gives
    /// `brier_of_the_share`.
    pub brier: f64,
    /// See `brier`.
    pub brier_of_the_share: f64,
    /// By threshold.
    pub at: Vec<At>,
    /// By tenths of probability: what was said, what was true, parts.
    pub calibration: Vec<(f64, f64, usize)>,
}

/// What taking all parts from some probability on would give.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct At {
    /// The probability.
    pub threshold: f64,
    /// The share of guitars in what is taken; 1 where nothing is.
    pub precision: f64,
    /// The share of the guitars that is taken.
    pub recall: f64,
}

/// Measures on the files of a folder that the built-in weights were not fitted on; with `fit` fits new ones on the
/// others first.
///
/// # Errors
/// [`TrainError::Config`] when the folder has no parts of either kind.
pub fn measure(folder: &Path, fit: bool) -> Result<Guessing, TrainError> {
    let (mut seen, mut unseen): (Vec<Part>, Vec<Part>) = (Vec::new(), Vec::new());
    for_each_file(folder, &mut |_, file| {
        if let Ok((hash, file)) = file {
            let parts = guitar::parts(&file).into_iter().filter(|p| p.program.is_some());
            if place(&hash, 1) < 0.5 { seen.extend(parts) } else { unseen.extend(parts) }
        }
    })
    .map_err(|e| TrainError::Config(format!("--data: {e}")))?;
    let truth = |part: &Part| part.program.is_some_and(|p| PROGRAMS.contains(&p));
    for (half, name) in [(&seen, "fitted"), (&unseen, "measured")] {
        let guitars = half.iter().filter(|p| truth(p)).count();
        if guitars == 0 || guitars == half.len() {
            return Err(TrainError::Config(format!(
                "--data: of the {} parts to be {name} on {guitars} are guitars; both kinds are needed",
                half.len()
            )));
        }
    }
    let weights = if fit {
        let known: Vec<_> = seen.iter().map(|p| (guitar::features(p), truth(p))).collect();
        guitar::fit(&known)
    } else {
        WEIGHTS
    };
    let said: Vec<(f64, bool)> =
        unseen.iter().map(|p| (guitar::guess(p, &weights), truth(p))).collect();
    Ok(judge(&said, weights, if fit { seen.len() } else { 0 }))
}

fn judge(said: &[(f64, bool)], weights: [f64; FEATURES], fitted_on: usize) -> Guessing {
    let one = |truth: bool| f64::from(u8::from(truth));
    let guitars = said.iter().filter(|s| s.1).count();
    let share = guitars as f64 / said.len() as f64;
    let mean =
        |of: &dyn Fn(&(f64, bool)) -> f64| said.iter().map(of).sum::<f64>() / said.len() as f64;
    let at = THRESHOLDS.map(|threshold| {
        let taken = said.iter().filter(|s| s.0 >= threshold);
        let (hits, all) = (taken.clone().filter(|s| s.1).count(), taken.count());
        At {
            threshold,
            precision: if all == 0 { 1.0 } else { hits as f64 / all as f64 },
            recall: hits as f64 / guitars as f64,
        }
    });
    let calibration = (0..10).filter_map(|tenth| {
        let bin = said.iter().filter(|s| ((s.0 * 10.0) as usize).min(9) == tenth);
        let count = bin.clone().count();
        let means = bin.fold((0.0, 0.0), |sum, s| (sum.0 + s.0, sum.1 + one(s.1)));
        (count > 0).then_some((means.0 / count as f64, means.1 / count as f64, count))
    });
    Guessing {
        fitted_on,
        weights,
        parts: said.len(),
        guitars,
        brier: mean(&|s| (s.0 - one(s.1)).powi(2)),
        brier_of_the_share: share * (1.0 - share),
        at: at.to_vec(),
        calibration: calibration.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_recall() {
        let said = [(0.95, true), (0.85, false), (0.6, true), (0.1, false), (0.2, true)];
        let found = judge(&said, WEIGHTS, 0);
        assert_eq!((found.parts, found.guitars), (5, 3));
        let at = |i: usize| (found.at[i].precision, found.at[i].recall);
        assert_eq!(at(1), (2.0 / 3.0, 2.0 / 3.0));
        assert_eq!(at(4), (1.0, 1.0 / 3.0));
        assert!((found.brier_of_the_share - 0.24).abs() < 1e-9);
        assert_eq!(found.calibration.len(), 5);
    }
}
