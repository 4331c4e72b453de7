//! Turns pages upright that were scanned at a small angle, by their staff lines.

use crate::data::pages::Grey;
use crate::data::pages::ink::Ink;

/// Degrees either way that are tried; beyond them a page was not scanned askew but laid.
const MOST: f32 = 4.0;
/// Degrees between tries, first ...
const COARSE: f32 = 0.1;
/// ... and then around the best.
const FINE: f32 = 0.02;
/// Columns that are moved together: at the finest step they differ by less than a hundredth of a pixel.
const STRIP: usize = 16;
/// Degrees from which a page is turned: below, a staff line rises by a pixel at most.
pub const LEAST: f32 = 0.04;

/// By how many degrees a page's lines fall to the right. `thin` is its ink in thin runs.
pub fn angle(thin: &Ink) -> f32 {
    let strips: Vec<Vec<u16>> = (0..thin.width.div_ceil(STRIP))
        .map(|strip| {
            let columns = strip * STRIP..((strip + 1) * STRIP).min(thin.width);
            let count = |line: &[bool]| line[columns.clone()].iter().filter(|d| **d).count() as u16;
            thin.dots.chunks(thin.width).map(count).collect()
        })
        .collect();
    let best = |around: f32, reach: f32, step: f32| {
        let steps = (reach / step).round() as i32;
        let tries = (-steps..=steps).map(|i| around + i as f32 * step);
        // Of equal angles the smallest.
        let better = |(a, at): (f32, f64), (b, bt): (f32, f64)| {
            if bt > at || (bt >= at && b.abs() < a.abs()) { (b, bt) } else { (a, at) }
        };
        tries
            .map(|a| (a, sharpness(&strips, thin.height, a)))
            .reduce(better)
            .map_or(0.0, |(a, _)| a)
    };
    let coarse = best(0.0, MOST, COARSE);
    best(coarse, COARSE, FINE)
}

/// How much the ink lies in few lines when lines that fall by so many degrees are level.
fn sharpness(strips: &[Vec<u16>], height: usize, degrees: f32) -> f64 {
    let slope = degrees.to_radians().tan();
    let mut lines = vec![0_u32; height];
    for (i, strip) in strips.iter().enumerate() {
        let shift = ((i as f32 - strips.len() as f32 / 2.0) * STRIP as f32 * slope).round() as i64;
        let from = shift.max(0).min(height as i64) as usize;
        let to = (height as i64 + shift.min(0)).max(0) as usize;
        let moved = strip.get(from..).unwrap_or_default();
        let into = (from as i64 - shift).max(0) as usize;
        for (line, count) in lines.iter_mut().skip(into).zip(moved.iter().take(to)) {
            *line += u32::from(*count);
        }
    }
    lines.iter().map(|l| f64::from(*l).powi(2)).sum()
}

/// Turns a page whose lines fall by so many degrees upright, around its middle; what comes in from outside is paper.
pub fn turn(page: &Grey, degrees: f32, paper: u8) -> Grey {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (mx, my) = (page.width as f32 / 2.0, page.height as f32 / 2.0);
    let level = |x: i64, y: i64| {
        let inside = (0..page.width as i64).contains(&x) && (0..page.height as i64).contains(&y);
        f32::from(if inside { page.pixels[y as usize * page.width + x as usize] } else { paper })
    };
    let mut turned = Grey::new(page.width, page.height, paper);
    for y in 0..page.height {
        for x in 0..page.width {
            let (dx, dy) = (x as f32 - mx, y as f32 - my);
            let (fx, fy) = (mx + dx * cos - dy * sin, my + dx * sin + dy * cos);
            let (left, top) = (fx.floor(), fy.floor());
            let (across, down) = (fx - left, fy - top);
            let (left, top) = (left as i64, top as i64);
            let upper = level(left, top) * (1.0 - across) + level(left + 1, top) * across;
            let lower = level(left, top + 1) * (1.0 - across) + level(left + 1, top + 1) * across;
            turned.pixels[y * page.width + x] = (upper * (1.0 - down) + lower * down).round() as u8;
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::pages::Tone;

    fn lines() -> Grey {
        let mut page = Grey::new(600, 500, 255);
        for y in (60..440).step_by(12) {
            page.pixels[y * 600 + 30..y * 600 + 570].fill(0);
            page.pixels[(y + 1) * 600 + 30..(y + 1) * 600 + 570].fill(0);
        }
        page
    }

    #[test]
    fn a_turned_page_is_turned_back() {
        for degrees in [-3.0_f32, -0.5, 0.0, 0.3, 2.0] {
            let askew = turn(&lines(), -degrees, 255);
            let thin = Ink::of(&askew, Tone::of(&askew)).thin(6);
            let found = angle(&thin);
            assert!((found - degrees).abs() < 0.1, "{found} for {degrees}");
        }
    }

    #[test]
    fn nothing_is_level() {
        let thin = Ink { width: 40, height: 40, dots: vec![false; 1_600] };
        assert!(angle(&thin).abs() < 0.001);
    }
}
