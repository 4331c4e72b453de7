//! Staves: five lines at equal distances, found as a comb in the ink of each pixel line.

use crate::data::pages::ink::Ink;

/// The least share of a page's width that a staff is long.
const LEAST_LENGTH: f32 = 0.12;
/// How much of the best staff on its page another one has at least.
const LEAST_OF_BEST: f32 = 0.3;
/// How far the true space of lines is from the most frequent whole number of pixels, at most, and in steps of what.
const SPACES: (f32, f32) = (1.2, 0.1);
/// Spaces from a staff's first line within which no other one begins.
const APART: f32 = 5.0;
/// Spaces of a window in which a staff's ends are sought, and the share of its columns that show four lines of five.
const END: (f32, f32) = (4.0, 0.75);

/// Spaces for which a staff's lines run on without a break, at least, and what is no break.
const RUN: (f32, f32) = (8.0, 0.3);

/// A staff on an upright page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Staff {
    /// The first line.
    pub top: f32,
    /// From line to line.
    pub space: f32,
    /// The first column.
    pub left: usize,
    /// The column behind the last.
    pub right: usize,
}

impl Staff {
    /// Its last line.
    pub fn bottom(&self) -> f32 {
        self.top + 4.0 * self.space
    }

    /// From its first line to its last.
    pub fn height(&self) -> f32 {
        4.0 * self.space
    }
}

/// The staves of a page, top first. `thin` is its ink in thin runs, `space` the most frequent space.
pub fn find(ink: &Ink, thin: &Ink, space: usize) -> Vec<Staff> {
    let lines: Vec<f32> = thin.by_line().into_iter().map(|n| n as f32).collect();
    // A line that lies between two of pixels, or is not quite straight, counts as one.
    let lines: Vec<f32> = (0..lines.len())
        .map(|y| {
            lines[y.saturating_sub(1)..(y + 2).min(lines.len())]
                .iter()
                .sum::<f32>()
                .min(ink.width as f32)
        })
        .collect();
    let steps = (SPACES.0 / SPACES.1).round() as i32;
    let combs = (-steps..=steps).map(|i| {
        let space = space as f32 + i as f32 * SPACES.1;
        let comb = comb(&lines, space);
        let clear: f64 = comb.iter().map(|c| f64::from(*c).powi(2)).sum();
        (space, comb, clear)
    });
    let Some((space, comb, _)) = combs.max_by(|a, b| a.2.total_cmp(&b.2)) else {
        return Vec::new();
    };
    let least = ink.width as f32 * LEAST_LENGTH;
    let grid = Grid { ink, space, reach: (space / 6.0).round().max(1.0) as usize };
    // Notes can hide most of a line, but hardly of all five: the rest is for the columns to tell.
    let mut places: Vec<(usize, f32)> = (0..lines.len())
        .filter(|y| mean(&lines, *y, space) >= least)
        .map(|y| (y, grid.columns(y as f32) as f32, comb[y]))
        .filter(|(_, columns, _)| *columns >= least)
        .map(|(y, columns, comb)| (y, columns + comb))
        .collect();
    places.sort_by(|a, b| b.1.total_cmp(&a.1));
    let best = places.first().map_or(0.0, |p| p.1);
    let mut tops: Vec<usize> = Vec::new();
    for (y, score) in places {
        let apart = tops.iter().all(|t| t.abs_diff(y) as f32 >= APART * space);
        if apart && score >= best * LEAST_OF_BEST {
            tops.push(y);
        }
    }
    tops.sort_unstable();
    tops.into_iter().filter_map(|top| grid.ends(top as f32)).collect()
}

/// The ink of five lines that begin at one, on average.
fn mean(lines: &[f32], top: usize, space: f32) -> f32 {
    let at = |k: u8| lines.get((top as f32 + f32::from(k) * space).round() as usize);
    (0..5).map(|k| at(k).copied().unwrap_or(0.0)).sum::<f32>() / 5.0
}

/// For each line how much of a staff begins there: the ink of the weakest of its five lines over that of its spaces.
fn comb(lines: &[f32], space: f32) -> Vec<f32> {
    let at = |y: f32| lines.get(y.round() as usize).copied().unwrap_or(0.0);
    let strength = |y: usize| {
        let line = |k: u8| at(y as f32 + f32::from(k) * space);
        let between = |k: u8| at(y as f32 + (f32::from(k) + 0.5) * space);
        let weakest = (0..5).map(line).fold(f32::INFINITY, f32::min);
        let spaces = (0..4).map(between).sum::<f32>() / 4.0;
        let all = (0..5).map(line).sum::<f32>();
        // Of places that differ by a pixel the one with more ink.
        (weakest - spaces + all * 0.001).max(0.0)
    };
    (0..lines.len()).map(strength).collect()
}

/// Lines at one distance over a page's ink.
#[derive(Clone, Copy)]
struct Grid<'a> {
    ink: &'a Ink,
    space: f32,
    /// Pixels by which a line may be off.
    reach: usize,
}

impl Grid<'_> {
    /// How many of the five lines from `top` on are there in a column.
    fn lines(&self, top: f32, x: usize) -> usize {
        let there = |k: &u8| {
            let y = (top + f32::from(*k) * self.space).round() as usize;
            y < self.ink.height && self.ink.near(x, y, self.reach)
        };
        (0..5).filter(there).count()
    }

    /// The columns with all five lines, and paper between them: what is black all over is no staff. They count only
    /// where the lines run on for a while: ledger lines are as regular, but short.
    fn columns(&self, top: f32) -> usize {
        let paper = |k: &u8, x: usize| {
            let y = (top + (f32::from(*k) + 0.5) * self.space).round() as usize;
            y < self.ink.height && !self.ink.at(x, y)
        };
        let (shortest, gap) = ((RUN.0 * self.space) as usize, (RUN.1 * self.space) as usize);
        let (mut counted, mut run, mut in_run, mut without) = (0, 0, 0, 0);
        for x in 0..=self.ink.width {
            let lines = if x < self.ink.width { self.lines(top, x) } else { 0 };
            without = if lines >= 4 { 0 } else { without + 1 };
            if without > gap || x == self.ink.width {
                counted += if run >= shortest { in_run } else { 0 };
                (run, in_run) = (0, 0);
                continue;
            }
            run += 1;
            in_run += usize::from(lines == 5 && (0..4).filter(|k| paper(k, x)).count() >= 2);
        }
        counted
    }

    /// The staff whose first line is `top`, if its lines run side by side somewhere.
    fn ends(&self, top: f32) -> Option<Staff> {
        let columns: Vec<bool> = (0..self.ink.width).map(|x| self.lines(top, x) >= 4).collect();
        let window = ((END.0 * self.space) as usize).clamp(1, self.ink.width);
        let enough = |w: &[bool]| w.iter().filter(|c| **c).count() as f32 >= END.1 * window as f32;
        let left = columns.windows(window).position(|w| w[0] && enough(w))?;
        let right = columns.windows(window).rposition(|w| w[window - 1] && enough(w))? + window;
        Some(Staff { top, space: self.space, left, right })
    }
}
