//! A row as another engraver, printer or scanner would have given it.

use crate::data::pages::{Grey, Tone, draw};

/// Every stroke a pixel thicker.
pub(super) fn thicker(from: &Grey) -> Grey {
    by_square(from, u8::min)
}

/// Strokes eroded by a pixel, mixed half and half with what they were: lines of one pixel pale but do not vanish.
pub(super) fn thinner(from: &Grey) -> Grey {
    let mut to = by_square(from, u8::max);
    to.pixels.iter_mut().zip(&from.pixels).for_each(|(to, from)| *to = u8::midpoint(*to, *from));
    to
}

/// Each pixel with its neighbours at the right and below.
fn by_square(from: &Grey, pick: fn(u8, u8) -> u8) -> Grey {
    let mut to = from.clone();
    for y in 0..from.height {
        let (line, below) = (from.line(y), from.line((y + 1).min(from.height - 1)));
        for x in 0..from.width {
            let right = (x + 1).min(from.width - 1);
            let upper = pick(line[x], line[right]);
            to.pixels[y * from.width + x] = pick(upper, pick(below[x], below[right]));
        }
    }
    to
}

/// On paper that was not quite flat: every line waves by up to three pixels.
pub(super) fn wavy(from: &Grey, paper: u8) -> Grey {
    let mut to = Grey::new(from.width, from.height, paper);
    for y in 0..from.height {
        let across = 1.5 * (y as f32 / 23.0).sin();
        for x in 0..from.width {
            let down = 2.0 * (x as f32 / 61.0).sin() + 1.2 * (x as f32 / 27.0 + 1.0).sin();
            to.pixels[y * from.width + x] =
                between(from, x as f32 + across, y as f32 + down, paper);
        }
    }
    to
}

/// The level between four pixels.
fn between(from: &Grey, x: f32, y: f32, paper: u8) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let level = |x: f32, y: f32| {
        let inside = x >= 0.0 && y >= 0.0 && x < from.width as f32 && y < from.height as f32;
        f32::from(if inside { from.pixels[y as usize * from.width + x as usize] } else { paper })
    };
    let upper = level(left, top) * (1.0 - across) + level(left + 1.0, top) * across;
    let lower = level(left, top + 1.0) * (1.0 - across) + level(left + 1.0, top + 1.0) * across;
    (upper * (1.0 - down) + lower * down).round() as u8
}

/// Out of focus, by this deviation in pixels.
pub(super) fn blurred(from: &Grey, deviation: f32) -> Grey {
    let reach = (3.0 * deviation).ceil() as isize;
    let weight = |d: isize| (-0.5 * (d as f32 / deviation).powi(2)).exp();
    let sum: f32 = (-reach..=reach).map(weight).sum();
    let weights: Vec<(isize, f32)> = (-reach..=reach).map(|d| (d, weight(d) / sum)).collect();
    let inside = |at: isize, end: usize| at.clamp(0, end as isize - 1) as usize;
    let mut across = vec![0.0_f32; from.pixels.len()];
    for y in 0..from.height {
        let line = from.line(y);
        for x in 0..from.width {
            let near = weights
                .iter()
                .map(|(d, w)| w * f32::from(line[inside(x as isize + d, from.width)]));
            across[y * from.width + x] = near.sum();
        }
    }
    let mut to = from.clone();
    for y in 0..from.height {
        for x in 0..from.width {
            let near = weights
                .iter()
                .map(|(d, w)| w * across[inside(y as isize + d, from.height) * from.width + x]);
            to.pixels[y * from.width + x] = near.sum::<f32>().round() as u8;
        }
    }
    to
}

/// Grey ink on paper that darkens to the right.
pub(super) fn pale(from: &Grey, tone: Tone) -> Grey {
    let mut to = from.clone();
    let paper = f32::from(tone.paper);
    for line in to.pixels.chunks_exact_mut(from.width) {
        for (x, pixel) in line.iter_mut().enumerate() {
            let light = 1.0 - 0.18 * x as f32 / from.width as f32;
            let depth = (paper - f32::from(*pixel)).max(0.0);
            *pixel = ((paper - 0.55 * depth) * light).round() as u8;
        }
    }
    to
}

/// Scanned at half the resolution, and enlarged again.
pub(super) fn coarse(from: &Grey) -> Grey {
    let half = draw::resize(from, (from.width / 2).max(1), (from.height / 2).max(1));
    draw::resize(&half, from.width, from.height)
}

/// With staves so many times as high, on paper as wide as before: what is too wide is cut off at the right.
pub(super) fn scaled(from: &Grey, factor: f32, paper: u8) -> Grey {
    let size = |n: usize| ((n as f32 * factor).round() as usize).max(1);
    let other = draw::resize(from, size(from.width), size(from.height));
    let mut to = Grey::new(from.width, other.height, paper);
    let shared = from.width.min(other.width);
    for y in 0..other.height {
        to.pixels[y * from.width..y * from.width + shared]
            .copy_from_slice(&other.line(y)[..shared]);
    }
    to
}
