//! What is written of a page: its rows, each on paper of one width, and for a person an overlay of where it was cut.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::data::pages::{Area, Grey, Row, Sliced, Verdict};

/// The width of a row's picture.
pub const WIDTH: usize = 2_000;
/// The height of a staff in it where staves were measured, so that rows of any resolution look alike.
const STAFF: f32 = 40.0;

const GREEN: [u8; 3] = [0, 150, 0];
const RED: [u8; 3] = [220, 0, 0];
const BLUE: [u8; 3] = [0, 60, 255];

/// The picture of a row: what lies between its edges, padded with paper. What is too wide is made smaller.
pub fn row(sliced: &Sliced, row: &Row) -> Grey {
    let cut = cut(sliced, row);
    let staff = if row.staff > 0.0 { STAFF / row.staff } else { 1.0 };
    let scale = staff.min(WIDTH as f32 / cut.width as f32);
    let width = ((cut.width as f32 * scale).round() as usize).clamp(1, WIDTH);
    let height = ((cut.height as f32 * scale).round() as usize).max(1);
    let cut =
        if (width, height) == (cut.width, cut.height) { cut } else { resize(&cut, width, height) };
    let mut padded = Grey::new(WIDTH, height, sliced.tone.paper);
    for y in 0..height {
        padded.pixels[y * WIDTH..y * WIDTH + width].copy_from_slice(cut.line(y));
    }
    padded
}

fn cut(sliced: &Sliced, row: &Row) -> Grey {
    let Area { x, y, width, height } = row.area;
    let mut cut = Grey::new(width, height, sliced.tone.paper);
    for line in 0..height {
        let from = &sliced.page.line(y + line)[x..x + width];
        let to = &mut cut.pixels[line * width..(line + 1) * width];
        match &row.edges {
            None => to.copy_from_slice(from),
            Some(edges) => {
                for ((to, from), (top, bottom)) in to.iter_mut().zip(from).zip(&edges[x..x + width])
                {
                    if (*top..*bottom).contains(&((y + line) as u32)) {
                        *to = *from;
                    }
                }
            }
        }
    }
    cut
}

/// A picture at another size: each pixel the mean of those that it covers, or between its neighbours where it is made
/// larger.
pub fn resize(from: &Grey, width: usize, height: usize) -> Grey {
    let across = weights(from.width, width);
    let down = weights(from.height, height);
    let mut narrow = vec![0.0_f32; width * from.height];
    for y in 0..from.height {
        let line = from.line(y);
        for (x, (first, parts)) in across.iter().enumerate() {
            narrow[y * width + x] =
                parts.iter().zip(&line[*first..]).map(|(w, p)| w * f32::from(*p)).sum();
        }
    }
    let mut to = Grey::new(width, height, 0);
    let mut sums = vec![0.0_f32; width];
    for (y, (first, parts)) in down.iter().enumerate() {
        sums.fill(0.0);
        for (i, weight) in parts.iter().enumerate() {
            let line = &narrow[(first + i) * width..][..width];
            sums.iter_mut().zip(line).for_each(|(s, p)| *s += weight * p);
        }
        let line = &mut to.pixels[y * width..(y + 1) * width];
        line.iter_mut().zip(&sums).for_each(|(p, s)| *p = s.round() as u8);
    }
    to
}

/// For each new place the first old one that it takes from, and how much of it and of those behind it.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f32 / to as f32;
    // A tent as wide as a new pixel, but never narrower than an old one.
    let reach = scale.max(1.0);
    let place = |i: usize| {
        let middle = (i as f32 + 0.5) * scale - 0.5;
        let first = ((middle - reach).ceil().max(0.0) as usize).min(from - 1);
        let last = ((middle + reach).floor().max(0.0) as usize).clamp(first, from - 1);
        let weight = |j: usize| (1.0 - (j as f32 - middle).abs() / reach).max(1e-6);
        let parts: Vec<f32> = (first..=last).map(weight).collect();
        let sum: f32 = parts.iter().sum();
        (first, parts.into_iter().map(|w| w / sum).collect())
    };
    (0..to).map(place).collect()
}

/// The page in colours: rows green, what is too high red, and blue where it might be cut.
pub fn overlay(sliced: &Sliced) -> Vec<u8> {
    let page = &sliced.page;
    let mut colours: Vec<u8> = page.pixels.iter().flat_map(|p| [*p; 3]).collect();
    let mut dot = |x: usize, y: usize, colour: [u8; 3]| {
        if x < page.width && y < page.height {
            colours[(y * page.width + x) * 3..][..3].copy_from_slice(&colour);
        }
    };
    for row in &sliced.rows {
        let colour = if row.verdict == Verdict::Row { GREEN } else { RED };
        let Area { x, y, width, height } = row.area;
        for thick in 0..3 {
            for x in x..x + width {
                dot(x, y + thick, colour);
                dot(x, (y + height).saturating_sub(thick + 1), colour);
            }
            for y in y..y + height {
                dot(x + thick, y, colour);
                dot((x + width).saturating_sub(thick + 1), y, colour);
            }
            for cut in &row.cuts {
                (x..x + width).for_each(|x| dot(x, cut + thick, BLUE));
            }
        }
    }
    colours
}

/// Writes a grey PNG that appears whole or not at all.
///
/// # Errors
/// Where it can't be written.
pub fn save(path: &Path, picture: &Grey) -> io::Result<()> {
    save_as(path, &picture.pixels, picture.width, picture.height, ExtendedColorType::L8)
}

/// Writes an [overlay] the same way.
///
/// # Errors
/// Where it can't be written.
pub fn save_overlay(path: &Path, sliced: &Sliced) -> io::Result<()> {
    let (width, height) = (sliced.page.width, sliced.page.height);
    save_as(path, &overlay(sliced), width, height, ExtendedColorType::Rgb8)
}

fn save_as(
    path: &Path,
    pixels: &[u8],
    width: usize,
    height: usize,
    kind: ExtendedColorType,
) -> io::Result<()> {
    let part = path.with_extension("part");
    let written = File::create(&part).and_then(|file| {
        let file = BufWriter::new(file);
        let encoder =
            PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Adaptive);
        encoder.write_image(pixels, width as u32, height as u32, kind).map_err(io::Error::other)?;
        fs::rename(&part, path)
    });
    if written.is_err() {
        // The error that matters is the first; the leftover may not even exist.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::pages::Tone;

    fn sliced(width: usize, paper: u8) -> Sliced {
        let page = Grey::new(width, 300, paper);
        Sliced { page, tone: Tone { paper, ink: 0 }, turned: 0.0, rows: Vec::new() }
    }

    fn whole(width: usize, staff: f32) -> Row {
        let area = Area { x: 0, y: 50, width, height: 200 };
        Row { area, staves: 1, staff, verdict: Verdict::Row, edges: None, cuts: Vec::new() }
    }

    #[test]
    fn a_row_is_padded_with_its_own_paper() {
        let picture = row(&sliced(1_000, 231), &whole(1_000, 0.0));
        assert_eq!((picture.width, picture.height), (2_000, 200));
        assert!(picture.pixels.iter().all(|p| *p == 231));
    }

    #[test]
    fn a_row_has_staves_of_one_height_and_fits() {
        let size = |width, staff| {
            let picture = row(&sliced(width, 255), &whole(width, staff));
            (picture.width, picture.height)
        };
        assert_eq!(size(800, 20.0), (2_000, 400));
        assert_eq!(size(1_600, 20.0), (2_000, 250), "as wide as fits");
        assert_eq!(size(4_000, 0.0), (2_000, 100));
    }

    #[test]
    fn what_lies_outside_a_rows_edges_is_paper() {
        let mut sliced = sliced(400, 250);
        sliced.page.pixels.fill(7);
        let edges = (0..400).map(|x| if x < 200 { (100, 150) } else { (120, 170) }).collect();
        let row = Row { edges: Some(edges), ..whole(400, 0.0) };
        let cut = cut(&sliced, &row);
        let at = |x: usize, y: usize| cut.line(y - 50)[x];
        assert_eq!([at(10, 99), at(10, 100), at(10, 149), at(10, 150)], [250, 7, 7, 250]);
        assert_eq!([at(300, 119), at(300, 120), at(300, 169), at(300, 170)], [250, 7, 7, 250]);
    }

    #[test]
    fn resizing_keeps_the_mean() {
        let mut page = Grey::new(90, 60, 255);
        for y in 0..30 {
            page.pixels[y * 90..y * 90 + 90].fill(0);
        }
        for (width, height) in [(45, 20), (180, 120), (90, 60), (1, 1)] {
            let small = resize(&page, width, height);
            let mean =
                small.pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / small.pixels.len() as f64;
            assert!((mean - 127.5).abs() < 3.0, "{width} x {height}: {mean}");
        }
    }
}
