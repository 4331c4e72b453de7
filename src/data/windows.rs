//! Rows of names as windows to learn from: so many names, and the one that comes next.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::data::named::NamedPart;
use crate::data::repeats::run_hash;

/// How rows are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Names in a window.
    pub window: usize,
    /// Places from one window to the next.
    pub hop: usize,
    /// Windows with so many distinct names or fewer are dropped.
    pub unique_factor: usize,
    /// Whether a row is first cut to a whole number of windows.
    pub whole_windows: bool,
}

/// A window.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    /// Its row.
    pub part: u32,
    /// Where in the row it begins.
    pub start: u32,
    /// What it counts.
    pub weight: f32,
}

/// The windows of some rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Windows {
    /// In the order of the rows.
    pub places: Vec<Place>,
    /// Windows with too few distinct names.
    pub dropped: usize,
    /// Windows that stand in the rows more than once, with what follows, each time counted.
    pub repeated: usize,
}

/// The sorted names of all rows, and the rows as places in it; `None` when there are more than 65,536.
pub fn encode(parts: &[NamedPart]) -> Option<(Vec<String>, Vec<Vec<u16>>)> {
    let names: BTreeSet<&str> = parts.iter().flat_map(|p| &p.names).map(String::as_str).collect();
    if names.len() > 1 << 16 {
        return None;
    }
    let codes: HashMap<&str, u16> =
        names.iter().enumerate().map(|(i, name)| (*name, i as u16)).collect();
    let rows = parts.iter().map(|p| p.names.iter().map(|name| codes[name.as_str()]).collect());
    let rows = rows.collect();
    Some((names.into_iter().map(ToOwned::to_owned).collect(), rows))
}

impl Windows {
    /// Cuts rows. With `copies`, the number of rows that are nearly the same as each, a window counts one over
    /// that number, and one over the times that it stands in its own row.
    pub fn cut(rows: &[(usize, &[u16])], cut: Cut, copies: Option<&[usize]>) -> Self {
        let mut this = Self::default();
        for (part, row) in rows {
            let length =
                if cut.whole_windows { row.len() / cut.window * cut.window } else { row.len() };
            let with_next = row[..length].windows(cut.window + 1);
            let mut times: HashMap<u64, u32> = HashMap::new();
            for run in with_next.clone() {
                *times.entry(run_hash(run)).or_default() += 1;
            }
            for (start, run) in with_next.enumerate().step_by(cut.hop) {
                let distinct = run[..cut.window].iter().collect::<HashSet<_>>().len();
                if distinct <= cut.unique_factor {
                    this.dropped += 1;
                    continue;
                }
                let times = times[&run_hash(run)];
                this.repeated += usize::from(times > 1);
                let weight = copies.map_or(1.0, |copies| {
                    1.0 / (copies.get(*part).copied().unwrap_or(1) as f32 * times as f32)
                });
                this.places.push(Place { part: *part as u32, start: start as u32, weight });
            }
        }
        this
    }

    /// Mean and deviation of the codes in all windows, each place of each window counted.
    pub fn mean_and_deviation(&self, rows: &[Vec<u16>], window: usize) -> (f64, f64) {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for place in &self.places {
            for code in &rows[place.part as usize][place.start as usize..][..window] {
                let code = f64::from(*code);
                count += 1.0;
                sum += code;
                squares += code * code;
            }
        }
        if count == 0.0 {
            return (0.0, 1.0);
        }
        let mean: f64 = sum / count;
        let variance: f64 = squares / count - mean * mean;
        (mean, if variance > 1e-12 { variance.sqrt() } else { 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: Cut = Cut { window: 4, hop: 1, unique_factor: 0, whole_windows: false };

    fn starts(row: &[u16], cut: Cut) -> (Vec<u32>, usize) {
        let windows = Windows::cut(&[(0, row)], cut, None);
        (windows.places.iter().map(|p| p.start).collect(), windows.dropped)
    }

    #[test]
    fn windows_and_what_follows() {
        let row = [0, 1, 2, 3, 4, 5, 6];
        assert_eq!(starts(&row, CUT), (vec![0, 1, 2], 0));
        assert_eq!(starts(&row, Cut { hop: 2, ..CUT }), (vec![0, 2], 0));
        assert_eq!(starts(&row[..4], CUT), (vec![], 0), "nothing follows");
        // Cut to four names, of which none is left to follow; of nine, eight are kept.
        assert_eq!(starts(&row, Cut { whole_windows: true, ..CUT }), (vec![], 0));
        let row = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(starts(&row, Cut { whole_windows: true, ..CUT }), (vec![0, 1, 2, 3], 0));
    }

    #[test]
    fn dull_windows_are_dropped() {
        let row = [1, 1, 1, 2, 3, 4, 5];
        // Distinct names: 2, 3, 4.
        assert_eq!(starts(&row, Cut { unique_factor: 2, ..CUT }), (vec![1, 2], 1));
        assert_eq!(starts(&row, Cut { unique_factor: 3, ..CUT }), (vec![2], 2));
    }

    #[test]
    fn what_stands_twice_counts_half() {
        let row = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1];
        let windows = Windows::cut(&[(1, &row)], CUT, Some(&[1, 3]));
        let weights: Vec<f32> = windows.places.iter().map(|p| p.weight).collect();
        let half = 1.0 / 6.0;
        let alone = 1.0 / 3.0;
        assert_eq!(weights, [half, half, alone, alone, alone, half, half]);
        assert_eq!(windows.repeated, 4);
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_windows() {
        let row = vec![0, 0, 0, 0, 8, 9];
        let windows = Windows::cut(&[(0, &row)], CUT, None);
        // Windows 0000 and 0008: mean 1, mean square 8.
        let (mean, deviation) = windows.mean_and_deviation(&[row], 4);
        assert!((mean - 1.0).abs() < 1e-9 && (deviation - 7.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn names_are_sorted() {
        let part = |names: &[&str]| NamedPart {
            file: String::new(),
            track: String::new(),
            hash: [0; 32],
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            confidence: 1.0,
        };
        let (names, rows) = encode(&[part(&["E4", "0.4.7"]), part(&["C4", "E4"])]).unwrap();
        assert_eq!(names, ["0.4.7", "C4", "E4"]);
        assert_eq!(rows, [[2, 0], [1, 2]]);
    }
}
