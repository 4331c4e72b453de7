//! Which pixels of a page are ink, and what its vertical runs tell of the staves: how far apart their lines are.

use crate::data::pages::{Grey, Tone};

/// How much of the way from paper to ink a pixel has gone that counts as ink: fine staff lines are never quite black.
const INK: f32 = 0.25;
/// Lines of a staff are at least so many pixels apart, or they run into each other.
pub const LEAST_SPACE: usize = 4;
/// Columns that are enough to tell the space.
const SAMPLED: usize = 400;

/// The ink of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ink {
    /// Pixels of a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Line by line.
    pub dots: Vec<bool>,
}

impl Ink {
    /// What is darker than paper.
    pub fn of(page: &Grey, tone: Tone) -> Self {
        let limit = (f32::from(tone.paper) - f32::from(tone.contrast()) * INK) as u8;
        let dots = page.pixels.iter().map(|p| *p < limit).collect();
        Self { width: page.width, height: page.height, dots }
    }

    /// Whether there is ink.
    pub fn at(&self, x: usize, y: usize) -> bool {
        self.dots[y * self.width + x]
    }

    /// Whether there is ink at a place or up to `reach` above or below.
    pub fn near(&self, x: usize, y: usize, reach: usize) -> bool {
        let last = (y + reach).min(self.height.saturating_sub(1));
        (y.saturating_sub(reach)..=last).any(|y| self.at(x, y))
    }

    /// The most frequent distance from where a vertical run of ink begins to where the next does, if there is one:
    /// it is that of staff lines.
    pub fn space(&self) -> Option<usize> {
        let most = self.height / 12;
        let mut counts = vec![0_u32; most + 2];
        for x in (0..self.width).step_by((self.width / SAMPLED).max(1)) {
            let mut began = None;
            for y in 1..self.height {
                if !self.at(x, y) || self.at(x, y - 1) {
                    continue;
                }
                if let Some(count) = began.and_then(|b: usize| counts.get_mut(y - b)) {
                    *count += 1;
                }
                began = Some(y);
            }
        }
        // Spaces that are no whole number of pixels share out over two.
        let both = |d: &usize| counts[*d] * 2 + counts[d - 1] + counts[d + 1];
        let space = (LEAST_SPACE..=most).max_by_key(both)?;
        (counts[space] > 0).then_some(space)
    }

    /// The ink that lies in vertical runs of at most `most` pixels: staff lines, but no stems, beams and borders.
    #[must_use]
    pub fn thin(&self, most: usize) -> Self {
        let mut dots = vec![false; self.dots.len()];
        // How far the run reaches up from each column's present line.
        let mut runs = vec![0_usize; self.width];
        for y in 0..=self.height {
            for x in 0..self.width {
                if y < self.height && self.at(x, y) {
                    runs[x] += 1;
                    continue;
                }
                if (1..=most).contains(&runs[x]) {
                    for up in 1..=runs[x] {
                        dots[(y - up) * self.width + x] = true;
                    }
                }
                runs[x] = 0;
            }
        }
        Self { width: self.width, height: self.height, dots }
    }

    /// How much ink each line has.
    pub fn by_line(&self) -> Vec<u32> {
        self.dots.chunks(self.width).map(|l| l.iter().filter(|d| **d).count() as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_thin_runs_are_told() {
        let mut page = Grey::new(200, 200, 240);
        for k in 0..5 {
            page.pixels[(50 + k * 9) * 200..(51 + k * 9) * 200].fill(120);
        }
        for y in 110..160 {
            page.pixels[y * 200..y * 200 + 100].fill(10);
        }
        let ink = Ink::of(&page, Tone::of(&page));
        assert_eq!(ink.space(), Some(9));
        let lines = ink.thin(4).by_line();
        assert_eq!((lines[50], lines[59], lines[51], lines[120]), (200, 200, 0, 0));
    }

    #[test]
    fn a_page_without_ink_has_no_space() {
        let page = Grey::new(100, 100, 200);
        assert_eq!(Ink::of(&page, Tone { paper: 200, ink: 0 }).space(), None);
    }
}
