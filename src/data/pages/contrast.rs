//! The published rule: a pixel line with contrast is music, and a run of such lines is a row if it is neither too low
//! nor too high. All its numbers are pixels, whatever the page's resolution.

use crate::data::pages::{Area, Grey, LEAST_CONTRAST, Row, Verdict};

/// A run of lines that is lower than this is a title or a page number.
const LEAST_HEIGHT: usize = 150;
/// A row's height, at most ...
const HEIGHT: usize = 350;
/// ... times this.
const TOLERANCE: f32 = 1.25;

/// The rows of a page, with its whole width.
pub fn rows(page: &Grey) -> Vec<Row> {
    let busy: Vec<bool> =
        (0..page.height).map(|y| contrast(page.line(y)) > LEAST_CONTRAST).collect();
    let mut rows = Vec::new();
    let mut y = 0;
    while y < page.height {
        let height = busy[y..].iter().take_while(|b| **b).count();
        if height >= LEAST_HEIGHT {
            let fits = height as f32 <= HEIGHT as f32 * TOLERANCE;
            let (verdict, cuts) = if fits {
                (Verdict::Row, Vec::new())
            } else {
                (Verdict::TooHigh, least_ink(page, y, height))
            };
            let area = Area { x: 0, y, width: page.width, height };
            rows.push(Row { area, staves: 0, staff: 0.0, verdict, edges: None, cuts });
        }
        y += height.max(1);
    }
    rows
}

fn contrast(line: &[u8]) -> u8 {
    let (low, high) =
        line.iter().fold((255, 0), |(low, high): (u8, u8), p| (low.min(*p), high.max(*p)));
    high.saturating_sub(low)
}

/// Where a block that is too high might be cut: near its equal parts, the lines with the least ink.
fn least_ink(page: &Grey, y: usize, height: usize) -> Vec<usize> {
    let parts = (height + HEIGHT / 2) / HEIGHT;
    let parts = parts.max(2);
    let ink = |y: &usize| -> u64 { page.line(*y).iter().map(|p| u64::from(255 - *p)).sum() };
    let near = height / parts / 3;
    let cut = |part: usize| {
        let middle = y + height * part / parts;
        let lines = middle - near..middle + near;
        lines.min_by_key(|y| (ink(y), y.abs_diff(middle))).unwrap_or(middle)
    };
    (1..parts).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with black blocks at these lines.
    fn page(blocks: &[(usize, usize)]) -> Grey {
        let mut page = Grey::new(400, 1_400, 255);
        for (y, height) in blocks {
            page.pixels[y * 400 + 100..(y + height) * 400].fill(255);
            for y in *y..y + height {
                page.pixels[y * 400 + 100..y * 400 + 200].fill(0);
            }
        }
        page
    }

    #[test]
    fn a_row_is_neither_too_low_nor_too_high() {
        let found = |height| {
            rows(&page(&[(20, height)])).first().map(|r| (r.area.y, r.area.height, r.verdict))
        };
        assert_eq!(found(149), None);
        assert_eq!(found(150), Some((20, 150, Verdict::Row)));
        assert_eq!(found(437), Some((20, 437, Verdict::Row)));
        assert_eq!(found(438), Some((20, 438, Verdict::TooHigh)));
    }

    #[test]
    fn a_line_is_music_by_its_contrast() {
        let mut page = page(&[]);
        for y in 0..200 {
            page.pixels[y * 400..y * 400 + 9].fill(255 - 50);
            page.pixels[(y + 300) * 400..(y + 300) * 400 + 9].fill(255 - 51);
        }
        let found: Vec<usize> = rows(&page).iter().map(|r| r.area.y).collect();
        assert_eq!(found, [300]);
    }

    #[test]
    fn a_block_to_its_page_end_is_cut_where_there_is_least_ink() {
        let mut page = page(&[(800, 600)]);
        page.pixels[1_111 * 400 + 101..1_111 * 400 + 200].fill(255);
        let rows = rows(&page);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].cuts, [1_111]);
    }
}
