//! Rows as a scanner of another day would have given them: shifted, turned, blurred, noisier, paler or darker.

use rand_chacha::ChaCha8Rng;

use crate::model::parameters::{normal, unit};

/// Lines and columns by which a row is shifted, at most.
const SHIFT: (f32, f32) = (4.0, 16.0);
/// Degrees by which it is turned, at most.
const TURN: f32 = 1.0;
/// The share of rows that are blurred.
const BLURRED: f32 = 0.3;
/// The deviation of the noise, at most.
const NOISE: f32 = 0.06;
/// By what its ink is paler or darker, at most.
const CONTRAST: f32 = 0.3;

/// Writes ink as numbers, 0 for paper and 1 for black.
pub(super) fn plain(ink: &[u8], out: &mut [f32]) {
    out.iter_mut().zip(ink).for_each(|(x, p)| *x = f32::from(*p) / 255.0);
}

/// Writes the row as another scan of it.
pub(super) fn varied(ink: &[u8], width: usize, rng: &mut ChaCha8Rng, out: &mut [f32]) {
    let height = ink.len() / width.max(1);
    let mut within = |most: f32| (2.0 * unit(rng) - 1.0) * most;
    let (down, across, turn) = (within(SHIFT.0), within(SHIFT.1), within(TURN.to_radians()));
    let contrast = 1.0 + within(CONTRAST);
    let (noise, blurred) = (unit(rng) * NOISE, unit(rng) < BLURRED);
    let (sin, cos) = turn.sin_cos();
    let (middle_x, middle_y) = (width as f32 / 2.0, height as f32 / 2.0);
    let at = |x: i64, y: i64| {
        let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
        if inside { f32::from(ink[y as usize * width + x as usize]) / 255.0 } else { 0.0 }
    };
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 - middle_x, y as f32 - middle_y);
            let from_x = middle_x + cos * dx - sin * dy + across;
            let from_y = middle_y + sin * dx + cos * dy + down;
            let (left, top) = (from_x.floor(), from_y.floor());
            let (right, low) = (from_x - left, from_y - top);
            let (left, top) = (left as i64, top as i64);
            let upper = at(left, top) * (1.0 - right) + at(left + 1, top) * right;
            let lower = at(left, top + 1) * (1.0 - right) + at(left + 1, top + 1) * right;
            out[y * width + x] = upper * (1.0 - low) + lower * low;
        }
    }
    if blurred {
        blur(out, width);
    }
    for x in out {
        *x = (*x * contrast + noise * normal(rng)).clamp(0.0, 1.0);
    }
}

/// Each pixel half itself and a quarter of each neighbour in its line.
fn blur(image: &mut [f32], width: usize) {
    for line in image.chunks_exact_mut(width) {
        let mut before = line.first().copied().unwrap_or_default();
        for x in 0..line.len() {
            let here = line[x];
            let after = line.get(x + 1).copied().unwrap_or(here);
            line[x] = 0.25 * before + 0.5 * here + 0.25 * after;
            before = here;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_varied_row_is_the_same_music_a_little_apart() {
        let (width, height) = (120, 40);
        let mut ink = vec![0; width * height];
        ink[10 * width + 20..10 * width + 100].fill(255);
        ink[20 * width..21 * width].fill(255);
        let mut straight = vec![0.0; ink.len()];
        plain(&ink, &mut straight);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut seen = Vec::new();
        for _ in 0..40 {
            let mut out = vec![f32::NAN; ink.len()];
            varied(&ink, width, &mut rng, &mut out);
            assert!(out.iter().all(|x| (0.0..=1.0).contains(x)));
            let (sum, whole) = (out.iter().sum::<f32>(), straight.iter().sum::<f32>());
            assert!((0.4..2.5).contains(&(sum / whole)), "{sum} of {whole}");
            assert_ne!(out, straight);
            seen.push(out);
        }
        let bits = |x: &Vec<f32>| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let all: std::collections::BTreeSet<_> = seen.iter().map(bits).collect();
        assert_eq!(all.len(), 40);
    }
}
