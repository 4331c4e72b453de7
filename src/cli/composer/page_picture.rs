//! A page as a picture of who wrote it: its rows in the colours of their composers, and how sure each verdict is.

use std::io;
use std::path::Path;

use image::RgbImage;

use super::looks::{FAINT, GROUND, INK, blank, coloured, save_png};
use super::predict::{Judged, Named, Page};
use crate::data::pages::{Grey, Sliced, draw};
use crate::standalone::drawing::canvas::{Canvas, Colour, Rect, mix};
use crate::standalone::drawing::lettering::{self, Anchor, Style};

/// The page's width in the picture, at most.
const WIDTH: usize = 1_400;
/// Pixels beside the page where the verdicts stand, and above it.
const GUTTER: usize = 300;
const HEAD: usize = 112;
const MARGIN: f32 = 28.0;
/// Okabe and Ito's, but for the lightest: told apart by every kind of colour vision.
const COLOURS: [Colour; 7] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x50, 0x50, 0x50],
];

/// Writes the picture as a PNG.
pub(super) fn save(path: &Path, sliced: &Sliced, page: &Page) -> io::Result<()> {
    save_png(path, &picture(sliced, page))
}

/// The colour of the composer at a place in the list.
fn colour(nth: usize) -> Colour {
    COLOURS[nth % COLOURS.len()]
}

fn picture(sliced: &Sliced, page: &Page) -> RgbImage {
    let scale = (WIDTH as f32 / sliced.page.width as f32).min(1.0);
    let size = |n: usize| ((n as f32 * scale).round() as usize).max(1);
    let small = if scale < 1.0 {
        &draw::resize(&sliced.page, size(sliced.page.width), size(sliced.page.height))
    } else {
        &sliced.page
    };
    let mut canvas = Canvas::over(ground(small, MARGIN as usize));
    for row in &page.rows {
        draw_row(&mut canvas, page, row, scale, small.width);
    }
    draw_head(&mut canvas, page, (small.width + GUTTER) as f32 + MARGIN);
    canvas.into_image()
}

/// The page on its ground.
fn ground(page: &Grey, left: usize) -> RgbImage {
    let mut image = blank(left + page.width + GUTTER, HEAD + page.height + left);
    image::imageops::replace(&mut image, &coloured(page), left as i64, HEAD as i64);
    image
}

fn draw_row(canvas: &mut Canvas, page: &Page, row: &Judged, scale: f32, width: usize) {
    let [x, y, w, h] = row.area.map(|n| n as f32 * scale);
    let area = Rect { x: x + MARGIN, y: y + HEAD as f32, width: w, height: h };
    let of = place(page, &row.named);
    canvas.rounded(area, 6.0, colour(of), 0.10);
    canvas.outline(area, 6.0, 2.5, colour(of), 0.9);
    let (left, middle) = (MARGIN + width as f32 + 18.0, area.y + h / 2.0);
    let tie = Rect { x: area.x + w, y: middle - 1.0, width: left - 8.0 - area.x - w, height: 2.0 };
    canvas.rounded(tie, 0.0, colour(of), 0.5);
    let large = Style { height: 14.0, pen: 2.1, colour: mix(colour(of), INK, 0.25) };
    lettering::write(canvas, &percent(page, &row.named, of), left, middle, Anchor::Left, large);
    let mut others: Vec<usize> = (0..page.composers.len()).filter(|n| *n != of).collect();
    let likely = |n: &usize| row.named.probabilities[*n];
    others.sort_by(|a, b| likely(b).total_cmp(&likely(a)));
    let seen = others.into_iter().take(2).filter(|n| likely(n) >= 0.005);
    let rest: Vec<String> = seen.map(|n| percent(page, &row.named, n)).collect();
    let small = Style { height: 8.5, pen: 1.25, colour: FAINT };
    lettering::write(canvas, &rest.join("   "), left, middle + 20.0, Anchor::Left, small);
}

/// The page's vote, its name, and everybody's share of the vote as a bar.
fn draw_head(canvas: &mut Canvas, page: &Page, right: f32) {
    let of = place(page, &page.vote);
    let title = Style { height: 26.0, pen: 3.4, colour: mix(colour(of), INK, 0.25) };
    let text = percent(page, &page.vote, of);
    let end = MARGIN + lettering::write(canvas, &text, MARGIN, 56.0, Anchor::Left, title);
    let small = Style { height: 9.5, pen: 1.4, colour: FAINT };
    let rows = page.rows.len();
    let file = Path::new(&page.file).file_name().unwrap_or_default().to_string_lossy();
    let what = format!("{file} · {rows} row{}", if rows == 1 { "" } else { "s" });
    lettering::write(canvas, &what, MARGIN, 86.0, Anchor::Left, small);
    let columns = page.composers.len() as f32;
    let step = ((right - end - 80.0) / columns).clamp(24.0, 110.0);
    for (nth, p) in page.vote.probabilities.iter().enumerate() {
        let x = right - MARGIN - (columns - nth as f32) * step;
        let bar = Rect { x, y: 30.0, width: step - 14.0, height: 46.0 };
        canvas.rounded(bar, 3.0, mix(GROUND, colour(nth), 0.14), 1.0);
        let tall = bar.height * *p as f32;
        canvas.rounded(
            Rect { y: bar.y + bar.height - tall, height: tall, ..bar },
            3.0,
            colour(nth),
            1.0,
        );
        let name: String = page.composers[nth].chars().take((step / 7.5) as usize).collect();
        let below = Style { height: 8.5, pen: 1.25, colour: mix(colour(nth), INK, 0.35) };
        lettering::write(canvas, &name, x + bar.width, 92.0, Anchor::Right, below);
    }
}

fn place(page: &Page, named: &Named) -> usize {
    page.composers.iter().position(|c| *c == named.composer).unwrap_or_default()
}

fn percent(page: &Page, named: &Named, nth: usize) -> String {
    format!("{} {:.0} %", page.composers[nth], 100.0 * named.probabilities[nth])
}
