//! Where one row ends and the next begins though their notes reach past each other: the path from left to right through
//! the lightest pixels between them.

use crate::data::pages::{Grey, Tone};

/// The lines between two systems.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The first.
    pub top: usize,
    /// The line behind the last.
    pub bottom: usize,
}

/// Pixels by which the path may rise or fall from one column to the next: it can pass between two stems.
const STEEPEST: usize = 3;
/// The cost of full ink, where a path at the gap's edge costs 1 more than one in its middle.
const INK_COST: f32 = 60.0;
/// The cost of a pixel up or down.
const STEP_COST: f32 = 0.02;

/// For each column the line at which the lower row begins.
pub fn lightest(page: &Grey, tone: Tone, gap: Gap) -> Vec<u32> {
    let bottom = gap.bottom.min(page.height);
    let top = gap.top.min(bottom.saturating_sub(1));
    let height = (bottom - top).max(1);
    let contrast = f32::from(tone.contrast().max(1));
    let cost = |x: usize, i: usize| {
        let level = page.pixels[(top + i) * page.width + x];
        let ink = f32::from(tone.paper.saturating_sub(level)) / contrast;
        let off = (i as f32 + 0.5) / height as f32 * 2.0 - 1.0;
        ink * INK_COST + off * off
    };
    let mut here: Vec<f32> = (0..height).map(|i| cost(0, i)).collect();
    let mut before = here.clone();
    // How far each place lies under the one that its path comes from, column by column.
    let mut falls = vec![0_i8; height * page.width];
    for x in 1..page.width {
        std::mem::swap(&mut here, &mut before);
        for (i, sum) in here.iter_mut().enumerate() {
            let from = i.saturating_sub(STEEPEST)..=(i + STEEPEST).min(height - 1);
            let way = |j: usize| (before[j] + i.abs_diff(j) as f32 * STEP_COST, j);
            let best = from.map(way).fold((f32::INFINITY, i), |a, b| if b.0 < a.0 { b } else { a });
            *sum = best.0 + cost(x, i);
            falls[x * height + i] = (i as i64 - best.1 as i64) as i8;
        }
    }
    let mut i = (0..height).min_by(|a, b| here[*a].total_cmp(&here[*b])).unwrap_or(0);
    let mut path = vec![0; page.width];
    for x in (0..page.width).rev() {
        path[x] = (top + i) as u32;
        i = (i as i64 - i64::from(falls[x * height + i])).clamp(0, height as i64 - 1) as usize;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_around_notes_of_both_rows() {
        let mut page = Grey::new(300, 60, 255);
        // A note of the upper row reaches far down, one of the lower row far up: no straight cut parts them.
        for y in 0..45 {
            page.pixels[y * 300 + 80..y * 300 + 90].fill(0);
        }
        for y in 15..60 {
            page.pixels[y * 300 + 200..y * 300 + 210].fill(0);
        }
        let path = lightest(&page, Tone { paper: 255, ink: 0 }, Gap { top: 0, bottom: 60 });
        for (x, y) in path.iter().enumerate() {
            assert_eq!(page.line(*y as usize)[x], 255, "column {x}");
        }
        assert!(path[85] >= 45 && path[205] < 15);
        assert!(path[0].abs_diff(30) < 8);
    }

    #[test]
    fn a_gap_of_one_line_is_a_straight_path() {
        let page = Grey::new(50, 40, 255);
        let tone = Tone { paper: 255, ink: 0 };
        assert!(lightest(&page, tone, Gap { top: 20, bottom: 21 }).iter().all(|y| *y == 20));
        assert!(lightest(&page, tone, Gap { top: 90, bottom: 91 }).iter().all(|y| *y == 39));
    }
}
