//! What a row's picture is made of: where its staff lines run, pixel by pixel, and where its solid note heads are.

use crate::data::pages::ink::Ink;
use crate::data::pages::staves::{self, Staff};
use crate::data::pages::{Grey, Tone};

/// Staff spaces by which a line may wander from where its staff has it, and be found from one column to the next.
const WANDER: f32 = 0.45;
const STEP: f32 = 0.2;
/// Staff spaces that a staff line is thick at most.
const THICKEST: f32 = 0.45;
/// Columns at either side by which a line is drawn on where something crosses it.
const SMOOTH: usize = 40;
/// The radius of the disc that fits into a solid note head and into no beam, in staff spaces.
const HEAD: f32 = 0.36;
/// Staff spaces that a head is high at least: where beams cross staff lines or each other they hold the disc, but no more.
const LOWEST: f32 = 0.82;
/// Staff spaces that heads side by side are wide at most: beams that run into each other are longer.
const WIDEST: f32 = 3.0;
/// Staff spaces at the beginning of a staff that its clef takes.
const CLEF: f32 = 3.6;

/// A picture's parts.
#[derive(Clone, Debug)]
pub struct Anatomy {
    /// Top first.
    pub staves: Vec<Staff>,
    /// Paper and ink.
    pub tone: Tone,
    /// Five for each staff.
    pub lines: Vec<Line>,
    /// For each pixel whether it is of a solid head, or next to one.
    pub heads: Vec<bool>,
}

/// A staff line.
#[derive(Clone, Debug)]
pub struct Line {
    /// The first column of its staff.
    pub left: usize,
    /// For each column from there the first pixel of the line and the last; none where something crosses it or it is
    /// not to be seen.
    pub runs: Vec<Option<(usize, usize)>>,
    /// For each column from there the first pixel, where something crosses it too.
    pub tops: Vec<usize>,
    /// Its levels from the pixel above it to the one below: the same in all columns, so that they tell of nothing else.
    pub levels: Vec<u8>,
}

impl Line {
    fn new(picture: &Grey, left: usize, runs: Vec<Option<(usize, usize)>>) -> Option<Self> {
        let sizes: Vec<usize> = runs.iter().flatten().map(|run| run.1 - run.0 + 1).collect();
        let usual = median(sizes)?;
        let mut levels = Vec::with_capacity(usual + 2);
        for i in 0..usual + 2 {
            let level = |(x, run): (usize, &Option<(usize, usize)>)| {
                let (first, last) = (*run)?;
                let y = (first + i).checked_sub(1).filter(|y| *y < picture.height)?;
                (last - first + 1 == usual).then(|| picture.pixels[y * picture.width + left + x])
            };
            levels.push(median(runs.iter().enumerate().filter_map(level).collect())?);
        }
        let mut tops = Vec::with_capacity(runs.len());
        for x in 0..runs.len() {
            let near = &runs[x.saturating_sub(SMOOTH)..(x + SMOOTH).min(runs.len())];
            let top = median(near.iter().flatten().map(|run| run.0).collect());
            let before = tops.last().copied();
            tops.push(top.or(before).or_else(|| runs.iter().flatten().next().map(|run| run.0))?);
        }
        Some(Self { left, runs, tops, levels })
    }
}

fn median<T: Ord + Copy>(mut of: Vec<T>) -> Option<T> {
    of.sort_unstable();
    of.get(of.len() / 2).copied()
}

impl Anatomy {
    /// Of a row's picture; nothing where no staff is found.
    pub fn of(picture: &Grey) -> Option<Self> {
        let tone = Tone::of(picture);
        let ink = Ink::of(picture, tone);
        let space = ink.space()?;
        let thin = ink.thin((space / 3).max(2));
        let staves = staves::find(&ink, &thin, space);
        let space = staves.first()?.space;
        let lines: Vec<Line> =
            staves.iter().flat_map(|staff| trace(picture, &ink, staff)).collect();
        let heads = heads(&ink, &staves, space);
        Some(Self { staves, tone, lines, heads })
    }

    /// From line to line.
    pub fn space(&self) -> f32 {
        self.staves.first().map_or(0.0, |staff| staff.space)
    }
}

/// Follows a staff's five lines from left to right.
fn trace(picture: &Grey, ink: &Ink, staff: &Staff) -> Vec<Line> {
    let thickest = (THICKEST * staff.space).round().max(2.0) as usize;
    let follow = |k: u8, thickest: usize| {
        let home = staff.top + f32::from(k) * staff.space;
        let mut y = home;
        let runs = (staff.left..staff.right.min(ink.width)).map(|x| {
            let run = nearest(ink, x, y, (STEP * staff.space).max(1.5))?;
            let middle = (run.0 + run.1) as f32 / 2.0;
            if run.1 - run.0 >= thickest || (middle - home).abs() > WANDER * staff.space {
                return None;
            }
            y += 0.2 * (middle - y);
            Some(run)
        });
        runs.collect::<Vec<_>>()
    };
    let line = |k: u8| {
        let loose = follow(k, thickest);
        let usual = median(loose.iter().flatten().map(|run| run.1 - run.0 + 1).collect())?;
        // What is much thicker than usual is crossed flatly: by a beam, a tie, a ledger line of its own.
        Line::new(picture, staff.left, follow(k, (usual + 1 + usual / 3).min(thickest)))
    };
    (0..5).filter_map(line).collect()
}

/// The vertical run of ink that is nearest to a place of a column, and no further than `reach` from it.
fn nearest(ink: &Ink, x: usize, y: f32, reach: f32) -> Option<(usize, usize)> {
    let middle = y.round().max(0.0) as usize;
    let found = (0..=reach.round() as usize).find_map(|d| {
        let above = middle.checked_sub(d).filter(|y| *y < ink.height && ink.at(x, *y));
        above.or_else(|| Some(middle + d).filter(|y| *y < ink.height && ink.at(x, *y)))
    })?;
    let first = (0..found).rev().take_while(|y| ink.at(x, *y)).last().unwrap_or(found);
    let last = (found + 1..ink.height).take_while(|y| ink.at(x, *y)).last().unwrap_or(found);
    Some((first, last))
}

/// Where a disc fits into the ink that hardly fits into anything but a head, and the pixels around.
fn heads(ink: &Ink, staves: &[Staff], space: f32) -> Vec<bool> {
    let radius = (HEAD * space).max(1.0);
    let within = |x: usize, y: usize, disc: &[(isize, isize)]| {
        disc.iter().all(|(dx, dy)| {
            let (x, y) = (x as isize + dx, y as isize + dy);
            let inside =
                (0..ink.width as isize).contains(&x) && (0..ink.height as isize).contains(&y);
            inside && ink.at(x as usize, y as usize)
        })
    };
    let tight = disc(radius);
    let mut middles = vec![false; ink.dots.len()];
    for y in 0..ink.height {
        for x in 0..ink.width {
            middles[y * ink.width + x] = ink.at(x, y) && within(x, y, &tight);
        }
    }
    let opened = stamped(&middles, ink.width, &tight);
    let mut kept = vec![false; ink.dots.len()];
    let mut seen = vec![false; ink.dots.len()];
    for start in 0..opened.len() {
        if !opened[start] || seen[start] {
            continue;
        }
        let blob = blob(&opened, &mut seen, ink.width, start);
        let columns = || blob.iter().map(|at| at % ink.width);
        let (left, right) = (columns().min().unwrap_or(0), columns().max().unwrap_or(0));
        let clef = staves.iter().all(|staff| (right as f32) < staff.left as f32 + CLEF * space);
        let lines = || blob.iter().map(|at| at / ink.width);
        let high = lines().max().unwrap_or(0) - lines().min().unwrap_or(0) + 1;
        let fits = (right - left) as f32 <= WIDEST * space && high as f32 >= LOWEST * space;
        if !clef && fits {
            for at in blob {
                kept[at] = true;
            }
        }
    }
    stamped(&kept, ink.width, &disc((0.22 * space).max(1.5)))
}

/// The places of a disc.
fn disc(radius: f32) -> Vec<(isize, isize)> {
    let reach = radius.ceil() as isize;
    let all = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
    all.filter(|(x, y)| (*x as f32).hypot(*y as f32) <= radius + 0.2).collect()
}

/// A disc around every dot.
fn stamped(dots: &[bool], width: usize, disc: &[(isize, isize)]) -> Vec<bool> {
    let height = dots.len() / width.max(1);
    let mut out = vec![false; dots.len()];
    for at in (0..dots.len()).filter(|at| dots[*at]) {
        for (dx, dy) in disc {
            let (x, y) = ((at % width) as isize + dx, (at / width) as isize + dy);
            if (0..width as isize).contains(&x) && (0..height as isize).contains(&y) {
                out[y as usize * width + x as usize] = true;
            }
        }
    }
    out
}

/// The dots that hang together with one.
fn blob(dots: &[bool], seen: &mut [bool], width: usize, start: usize) -> Vec<usize> {
    let (mut blob, mut next) = (Vec::new(), vec![start]);
    seen[start] = true;
    while let Some(at) = next.pop() {
        blob.push(at);
        let x = at % width;
        let beside = [
            at.checked_sub(width),
            Some(at + width).filter(|at| *at < dots.len()),
            (x > 0).then(|| at - 1),
            (x + 1 < width).then_some(at + 1),
        ];
        for at in beside.into_iter().flatten() {
            if dots[at] && !seen[at] {
                seen[at] = true;
                next.push(at);
            }
        }
    }
    blob
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two staves of 10 pixels a space, with a head on a line, one between lines, and a beam.
    fn drawn() -> Grey {
        let mut picture = Grey::new(600, 200, 240);
        for (top, line) in [30, 120].into_iter().flat_map(|top| (0..5).map(move |k| (top, k))) {
            let y = top + line * 10;
            picture.pixels[y * 600 + 20..y * 600 + 580].fill(10);
        }
        for (x, y) in [(150, 50), (300, 135)] {
            for at in disc(4.6) {
                let (x, y) = ((x + at.0) as usize, (y + at.1) as usize);
                picture.pixels[y * 600 + x] = 5;
            }
        }
        for y in 72..76 {
            picture.pixels[y * 600 + 200..y * 600 + 260].fill(5);
        }
        picture
    }

    #[test]
    fn lines_are_followed_and_heads_are_found() {
        let anatomy = Anatomy::of(&drawn()).unwrap();
        assert_eq!((anatomy.staves.len(), anatomy.lines.len()), (2, 10));
        assert!((anatomy.space() - 10.0).abs() < 0.2);
        let third = &anatomy.lines[2];
        let run = |x: usize| third.runs[x - third.left];
        assert_eq!((run(100), run(400)), (Some((50, 50)), Some((50, 50))));
        assert_eq!(run(150), None, "a head lies on it");
        assert!(third.tops.iter().all(|top| *top == 50), "{:?}", third.tops);
        assert_eq!(third.levels, [240, 10, 240]);
        let head = |x: usize, y: usize| anatomy.heads[y * 600 + x];
        assert!(head(150, 50) && head(300, 135) && head(154, 51));
        assert!(!head(230, 74) && !head(400, 50) && !head(100, 50));
    }

    #[test]
    fn a_picture_without_staves_has_no_parts() {
        assert!(Anatomy::of(&Grey::new(300, 200, 250)).is_none());
        assert!(Anatomy::of(&Grey::new(1, 1, 0)).is_none());
    }
}
