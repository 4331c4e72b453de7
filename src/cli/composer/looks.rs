//! What the pictures of the composer's verbs have in common: colours, heat, grids of tiles, and how they are written.

use std::io::{self, Cursor};
use std::path::Path;

use image::{ImageFormat, RgbImage};

use crate::data::pages::{Grey, draw};
use crate::data::whole_file;
use crate::standalone::drawing::canvas::{Canvas, Colour, mix};
use crate::standalone::drawing::lettering::{self, Anchor, Style};

pub(super) const INK: Colour = [0x20, 0x24, 0x2c];
pub(super) const FAINT: Colour = [0x80, 0x86, 0x92];
pub(super) const GROUND: Colour = [0xf4, 0xf5, 0xf7];
/// What speaks for something, and what against it: Okabe and Ito's vermilion and blue.
const FOR: Colour = [0xd5, 0x5e, 0x00];
const AGAINST: Colour = [0x00, 0x72, 0xb2];
/// From nothing to the most, evenly lighter.
const HEAT: [Colour; 5] = [
    [0x0b, 0x07, 0x24],
    [0x56, 0x14, 0x6d],
    [0xbb, 0x37, 0x54],
    [0xf9, 0x8c, 0x0a],
    [0xfc, 0xff, 0xa4],
];
/// Pixels between tiles, and below each for its words.
const GAP: usize = 14;
const CAPTION: usize = 24;

/// The bytes of a PNG.
pub(super) fn png(picture: &RgbImage) -> io::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(io::Error::other)?;
    Ok(bytes.into_inner())
}

/// Writes a PNG, whole or not at all.
pub(super) fn save_png(path: &Path, picture: &RgbImage) -> io::Result<()> {
    whole_file::write(path, &png(picture)?)
}

/// Ground.
pub(super) fn blank(width: usize, height: usize) -> RgbImage {
    RgbImage::from_pixel(width as u32, height as u32, GROUND.into())
}

/// A grey picture at a width, and at most three times as high: no row is higher.
pub(super) fn fitted(picture: &Grey, width: usize) -> RgbImage {
    let height = (picture.height * width).div_ceil(picture.width.max(1)).clamp(1, 3 * width);
    coloured(&draw::resize(picture, width, height))
}

/// A grey picture in colours.
pub(super) fn coloured(picture: &Grey) -> RgbImage {
    let pixel = |x: u32, y: u32| [picture.line(y as usize)[x as usize]; 3].into();
    RgbImage::from_fn(picture.width as u32, picture.height as u32, pixel)
}

/// Numbers as heat, from 0 to the highest of them, enlarged place by place.
pub(super) fn heat(values: &[f32], of_width: usize, (width, height): (usize, usize)) -> RgbImage {
    let of_height = values.len() / of_width.max(1);
    let most = values.iter().copied().fold(0.0, f32::max).max(1e-12);
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (x, y) = (x as usize * of_width / width, y as usize * of_height / height);
        let at = (values[y * of_width + x] / most).clamp(0.0, 1.0) * (HEAT.len() - 1) as f32;
        let below = (at as usize).min(HEAT.len() - 2);
        mix(HEAT[below], HEAT[below + 1], at - below as f32).into()
    })
}

/// Ink as a picture, 0 white and 1 black, twice as large.
pub(super) fn ink(pixels: &[f32], width: usize) -> RgbImage {
    let height = pixels.len() / width.max(1);
    let level = |p: &f32| (255.0 * (1.0 - p.clamp(0.0, 1.0))) as u8;
    let grey = Grey { width, height, pixels: pixels.iter().map(level).collect() };
    coloured(&draw::resize(&grey, 2 * width, 2 * height))
}

/// Lays over a picture what speaks for something (vermilion) and against it (blue), `most` in full colour.
pub(super) fn overlay(picture: &mut RgbImage, values: &[f32], most: f32) {
    for (pixel, value) in picture.pixels_mut().zip(values) {
        let colour = if *value > 0.0 { FOR } else { AGAINST };
        let share = (value.abs() / most.max(1e-12)).min(1.0);
        pixel.0 = mix(pixel.0, mix(pixel.0, colour, 0.85), share * 0.8);
    }
}

/// Pictures of one size in lines of `columns`, each with words below.
pub(super) fn grid(tiles: &[(String, RgbImage)], columns: usize) -> RgbImage {
    let Some((width, height)) = tiles.first().map(|(_, tile)| tile.dimensions()) else {
        return blank(1, 1);
    };
    let (width, height) = (width as usize + GAP, height as usize + GAP + CAPTION);
    let lines = tiles.len().div_ceil(columns);
    let mut picture = blank(GAP + columns.min(tiles.len()) * width, GAP + lines * height);
    let place = |nth: usize| (GAP + nth % columns * width, GAP + nth / columns * height);
    for (nth, (_, tile)) in tiles.iter().enumerate() {
        let (x, y) = place(nth);
        image::imageops::replace(&mut picture, tile, x as i64, y as i64);
    }
    let mut canvas = Canvas::over(picture);
    for (nth, (words, _)) in tiles.iter().enumerate() {
        let (x, y) = place(nth);
        let below = (y + height - GAP - 7) as f32;
        let style = Style { height: 8.5, pen: 1.25, colour: FAINT };
        lettering::write(&mut canvas, words, x as f32, below, Anchor::Left, style);
    }
    canvas.into_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_and_overlays_are_brightest_where_most_is() {
        let tile = heat(&[0.0, 1.0, 4.0, 2.0], 2, (8, 6));
        assert_eq!((tile.get_pixel(0, 0).0, tile.get_pixel(0, 5).0), (HEAT[0], HEAT[4]));
        assert_eq!(tile.get_pixel(7, 5).0, HEAT[2]);
        let mut picture = RgbImage::from_pixel(3, 1, [255; 3].into());
        overlay(&mut picture, &[2.0, 0.0, -2.0], 2.0);
        let at = |x: u32| picture.get_pixel(x, 0).0;
        assert!(at(0)[0] > at(0)[2] && at(2)[2] > at(2)[0]);
        assert_eq!(at(1), [255; 3]);
    }

    #[test]
    fn tiles_stand_in_lines_with_words_below() {
        let tile = |level: u8| ("7".to_owned(), RgbImage::from_pixel(20, 10, [level; 3].into()));
        let picture = grid(&[tile(0), tile(1), tile(2)], 2);
        assert_eq!(picture.dimensions(), (14 + 2 * 34, 14 + 2 * 48));
        let at = |x: u32, y: u32| picture.get_pixel(x, y).0;
        assert_eq!([at(14, 14), at(48, 14), at(14, 62)], [[0; 3], [1; 3], [2; 3]]);
        assert!(
            picture
                .enumerate_pixels()
                .any(|(x, y, p)| x < 30 && (26..50).contains(&y) && p.0 != GROUND)
        );
        assert_eq!(grid(&[], 4).dimensions(), (1, 1));
    }
}
