//! The rule by staves: staves that are joined at the left or by bar lines are a system, and a system is a row.

use std::ops::Range;

use crate::data::pages::ink::{Ink, LEAST_SPACE};
use crate::data::pages::seam::{self, Gap};
use crate::data::pages::staves::{self, Staff};
use crate::data::pages::{Area, Grey, Row, Sliced, Tone, Verdict, deskew};

/// Staff lines are at most this share of the page high; it is a loose bound, for pages of which nothing is known yet.
const THICKEST: usize = 300;
/// Spaces left of the staves in which a brace lies, and right of where they begin.
const BRACE: (f32, f32) = (3.0, 0.5);
/// The share of the lines between two staves that have ink there when they are braced.
const BRACED: f32 = 0.95;
/// Bar lines that join two staves where nothing does at the left: one alone may be a long stem.
const BAR_LINES: usize = 2;
/// Staff heights above the first staff of a page, and under the last, that belong to its row at most.
const OUTER: f32 = 6.0;
/// Staff heights without ink behind which nothing belongs to a row: a title, a page number.
const BLANK: f32 = 1.0;
/// Staff heights of paper left around a row.
const MARGIN: f32 = 0.25;
/// Staff heights for each staff of a row, at most: more has lost a staff in between, or is none.
const HIGHEST: f32 = 5.0;

/// Finds the systems of a page.
pub(super) fn slice(page: Grey, tone: Tone) -> Result<Sliced, String> {
    let none = || "no staves: no five lines at equal distances".to_owned();
    let ink = Ink::of(&page, tone);
    let space = ink.space().ok_or_else(none)?;
    let thick = (page.height / THICKEST).clamp(2, (space / 2).max(2));
    let thin = ink.thin(thick);
    let turned = deskew::angle(&thin);
    let (page, ink, thin) = if turned.abs() < deskew::LEAST {
        (page, ink, thin)
    } else {
        let page = deskew::turn(&page, turned, tone.paper);
        let ink = Ink::of(&page, tone);
        let thin = ink.thin(thick);
        (page, ink, thin)
    };
    let staves = staves::find(&ink, &thin, space);
    if staves.is_empty() {
        return Err(if space <= LEAST_SPACE {
            format!("{}, or fewer than {LEAST_SPACE} pixels apart", none())
        } else {
            none()
        });
    }
    let systems = systems(&ink, &staves);
    let rows = rows(&page, &ink, tone, &staves, &systems);
    Ok(Sliced { page, tone, turned, rows })
}

/// Which staves belong together.
fn systems(ink: &Ink, staves: &[Staff]) -> Vec<Range<usize>> {
    let mut systems = Vec::new();
    let mut first = 0;
    for next in 1..=staves.len() {
        if next == staves.len() || !joined(ink, &staves[next - 1], &staves[next]) {
            systems.push(first..next);
            first = next;
        }
    }
    systems
}

fn joined(ink: &Ink, upper: &Staff, lower: &Staff) -> bool {
    let lines =
        (upper.bottom().round() as usize + 2)..(lower.top.round() as usize).saturating_sub(1);
    if lines.len() < 2 || upper.right.min(lower.right) <= upper.left.max(lower.left) {
        return false;
    }
    let left = upper.left.min(lower.left);
    let from = left.saturating_sub((BRACE.0 * upper.space) as usize);
    let to = (left + (BRACE.1 * upper.space) as usize).min(ink.width);
    let braced = lines.clone().filter(|y| (from..to).any(|x| ink.at(x, *y))).count();
    if braced as f32 >= BRACED * lines.len() as f32 {
        return true;
    }
    let shared = upper.left.max(lower.left)..upper.right.min(lower.right);
    let through = |x: &usize| lines.clone().all(|y| ink.at(*x, y));
    let bars: Vec<usize> = shared.filter(through).collect();
    // Columns that touch are one bar line.
    let count = bars.iter().enumerate().filter(|(i, x)| *i == 0 || bars[i - 1] + 1 < **x).count();
    count >= BAR_LINES
}

fn rows(
    page: &Grey,
    ink: &Ink,
    tone: Tone,
    staves: &[Staff],
    systems: &[Range<usize>],
) -> Vec<Row> {
    let mut above: Option<Vec<u32>> = None;
    let mut rows = Vec::with_capacity(systems.len());
    for (i, system) in systems.iter().enumerate() {
        let (first, last) = (&staves[system.start], &staves[system.end - 1]);
        let outer = (first.height() * OUTER) as usize;
        let upper = above
            .take()
            .unwrap_or_else(|| vec![(first.top as usize).saturating_sub(outer) as u32; page.width]);
        let lower = match systems.get(i + 1).map(|next| &staves[next.start]) {
            Some(next) => {
                let top = last.bottom().round() as usize + 1;
                seam::lightest(
                    page,
                    tone,
                    Gap { top, bottom: (next.top.round() as usize).max(top + 1) },
                )
            }
            None => vec![(last.bottom() as usize + outer).min(page.height) as u32; page.width],
        };
        rows.push(row(
            ink,
            &staves[system.clone()],
            upper.iter().copied().zip(lower.iter().copied()).collect(),
        ));
        above = Some(lower);
    }
    rows
}

/// The row of a system between these edges.
fn row(ink: &Ink, staves: &[Staff], edges: Vec<(u32, u32)>) -> Row {
    let (first, last) = (&staves[0], &staves[staves.len() - 1]);
    let margin = (first.height() * MARGIN).ceil() as usize;
    let (left, right) = columns(ink, staves);
    let top = first.top.max(0.0) as usize;
    let bottom = (last.bottom().ceil() as usize + 1).min(ink.height);
    let inked = |y: usize| {
        let inside = |x: &usize| (edges[*x].0 as usize..edges[*x].1 as usize).contains(&y);
        (left..right).filter(inside).any(|x| ink.at(x, y))
    };
    let blank = (first.height() * BLANK) as usize;
    let highest = edges.iter().map(|e| e.0 as usize).min().unwrap_or(0);
    let lowest = edges.iter().map(|e| e.1 as usize).max().unwrap_or(ink.height);
    let above = reach((highest..top).rev(), blank, inked).unwrap_or(top);
    let below = reach(bottom..lowest.max(bottom), blank, inked).map_or(bottom, |y| y + 1);
    let y = above.saturating_sub(margin);
    let height = (below + margin).min(ink.height) - y;
    let x = left.saturating_sub(margin);
    let width = (right + margin).min(ink.width) - x;
    let span = last.bottom() - first.top;
    let fits = span <= staves.len() as f32 * first.height() * HIGHEST;
    Row {
        area: Area { x, y, width, height },
        staves: staves.len(),
        staff: first.height(),
        verdict: if fits { Verdict::Row } else { Verdict::TooHigh },
        edges: Some(edges),
        cuts: Vec::new(),
    }
}

/// The last line with ink, before `blank` lines without.
fn reach(
    lines: impl Iterator<Item = usize>,
    blank: usize,
    inked: impl Fn(usize) -> bool,
) -> Option<usize> {
    let mut last = None;
    let mut without = 0;
    for y in lines {
        if inked(y) {
            last = Some(y);
            without = 0;
        } else {
            without += 1;
            if without >= blank {
                break;
            }
        }
    }
    last
}

/// From a system's brace to the end of its staves.
fn columns(ink: &Ink, staves: &[Staff]) -> (usize, usize) {
    let left = staves.iter().map(|s| s.left).min().unwrap_or(0);
    let right = staves.iter().map(|s| s.right).max().unwrap_or(ink.width);
    let (first, last) = (&staves[0], &staves[staves.len() - 1]);
    let lines = first.top.max(0.0) as usize..(last.bottom() as usize).min(ink.height);
    let from = left.saturating_sub((BRACE.0 * first.space) as usize);
    let brace = (from..left).find(|x| lines.clone().any(|y| ink.at(*x, y)));
    (brace.unwrap_or(left), right.max(left + 1))
}
