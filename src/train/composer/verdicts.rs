//! What a network makes of rows: right or wrong by row and by piece, who is taken for whom, and how sure it is.

use serde::Serialize;

/// Bins of certainty.
pub const BINS: usize = 10;

/// Figures of one side.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Verdicts {
    /// Rows.
    pub rows: usize,
    /// Mean nats a row.
    pub nats: f64,
    /// Share of the rows whose composer was the likeliest.
    pub accuracy: f64,
    /// Works.
    pub works: usize,
    /// Share of the works that are given to their composer by the mean of their rows' log-probabilities.
    pub accuracy_by_work: f64,
    /// Rows of each composer (first index) that were given to each (second).
    pub confusion: Vec<Vec<usize>>,
    /// For each tenth of certainty: rows, the mean certainty, and the share that was right.
    pub calibration: Vec<(usize, f64, f64)>,
    /// The mean distance between certainty and share right, by rows (expected calibration error, Guo and others, 2017).
    pub calibration_error: f64,
}

impl Verdicts {
    /// Of the logits (rows, composers) on rows with these labels and works.
    pub fn of(logits: &[f32], labels: &[u16], works: &[u32], composers: usize) -> Self {
        let mut confusion = vec![vec![0; composers]; composers];
        let mut bins = vec![(0, 0.0, 0.0); BINS];
        let mut by_work: std::collections::BTreeMap<u32, (u16, Vec<f64>)> =
            std::collections::BTreeMap::new();
        let (mut nats, mut right) = (0.0, 0);
        for ((row, label), work) in logits.chunks(composers).zip(labels).zip(works) {
            let logs = log_softmax(row);
            let (best, label_at) = (likeliest(&logs), usize::from(*label));
            nats -= logs[label_at];
            right += usize::from(best == label_at);
            confusion[label_at][best] += 1;
            let certainty = logs[best].exp();
            let bin = &mut bins[((certainty * BINS as f64) as usize).min(BINS - 1)];
            bin.0 += 1;
            bin.1 += certainty;
            bin.2 += f64::from(u8::from(best == label_at));
            let sums = &mut by_work.entry(*work).or_insert((*label, vec![0.0; composers])).1;
            sums.iter_mut().zip(&logs).for_each(|(s, l)| *s += l);
        }
        let rows = labels.len();
        let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
        let calibration: Vec<(usize, f64, f64)> =
            bins.iter().map(|(n, sure, right)| (*n, mean(*sure, *n), mean(*right, *n))).collect();
        let off = calibration.iter().map(|(n, sure, right)| *n as f64 * (sure - right).abs());
        let found = by_work.values().filter(|(label, s)| likeliest(s) == usize::from(*label));
        Self {
            rows,
            nats: mean(nats, rows),
            accuracy: mean(right as f64, rows),
            works: by_work.len(),
            accuracy_by_work: mean(found.count() as f64, by_work.len()),
            confusion,
            calibration_error: mean(off.sum(), rows),
            calibration,
        }
    }
}

/// The logarithms of the probabilities.
pub fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|l| f64::from(l - highest).exp()).sum();
    logits.iter().map(|l| f64::from(l - highest) - sum.ln()).collect()
}

/// The place of the highest number.
pub fn likeliest(logs: &[f64]) -> usize {
    (0..logs.len()).max_by(|a, b| logs[*a].total_cmp(&logs[*b]).then(b.cmp(a))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_judged_by_all_their_rows() {
        // Two rows lean to the first by a little, the third to the second by much: one work, of the second.
        let logits = [0.2, 0.0, 0.2, 0.0, 0.0, 3.0, 5.0, 0.0];
        let verdicts = Verdicts::of(&logits, &[1, 1, 1, 0], &[7, 7, 7, 9], 2);
        assert_eq!((verdicts.rows, verdicts.works), (4, 2));
        assert!((verdicts.accuracy - 0.5).abs() < 1e-9);
        assert!((verdicts.accuracy_by_work - 1.0).abs() < 1e-9);
        assert_eq!(verdicts.confusion, [[1, 0], [2, 1]]);
        assert_eq!(verdicts.calibration.iter().map(|b| b.0).sum::<usize>(), 4);
        assert!((0.0..1.0).contains(&verdicts.calibration_error));
    }

    #[test]
    fn who_knows_nothing_pays_for_every_composer() {
        let verdicts = Verdicts::of(&[0.0; 12], &[0, 1, 2], &[0, 1, 2], 4);
        assert!((verdicts.nats - 4.0_f64.ln()).abs() < 1e-6);
        assert!((verdicts.calibration_error - (1.0 / 3.0 - 0.25)).abs() < 1e-6);
        assert_eq!(Verdicts::of(&[], &[], &[], 4).rows, 0);
    }
}
