//! The last beats of a part as a small grey image: what a listener sees of a player.
//!
//! What tells corpora apart and not styles is not drawn: no velocity, no length of a note (a key counts as held until the
//! next one is struck), no place on the keyboard (the image is centred on its mean key), no time finer than sixteenths,
//! no tempo.

use crate::music::pitch::Pitch;
use crate::music::time::{TICKS_PER_BEAT, Tick};

/// Keys in the picture without which there is nothing to judge.
pub const LEAST: usize = 4;
/// Semitones from the lowest line to the highest.
pub const LINES: usize = 64;
/// Sixteenths from left to right.
pub const COLUMNS: usize = 64;
/// Ticks of a column.
const COLUMN: i64 = TICKS_PER_BEAT / 4;
/// Ticks of the image: 16 beats.
pub const SPAN: i64 = COLUMNS as i64 * COLUMN;
/// How an image is made, in words.
pub const PIXELS: &str = "the player's last 16 beats: semitones around the mean key, highest first, by sixteenths; 1 where a key is struck, 0.35 until the next one is, at most four beats";

/// A key that is struck.
pub type Struck = (Tick, Pitch);

const STRUCK: f32 = 1.0;
const HELD: f32 = 0.35;
/// Columns that a key counts as held, at most.
const LONGEST: usize = 16;

/// Draws what was struck in the [`SPAN`] before `end`, moved by semitones, over [`LINES`] x [`COLUMNS`] pixels.
pub fn draw(
    struck: &(impl Iterator<Item = Struck> + Clone),
    end: Tick,
    semitones: i32,
    out: &mut [f32],
) {
    out.fill(0.0);
    let start = end.plus(-SPAN);
    let seen = || struck.clone().filter(|(tick, _)| (start..end).contains(tick));
    let (count, sum) =
        seen().fold((0, 0), |(n, sum), (_, pitch)| (n + 1, sum + i32::from(pitch.number())));
    if count == 0 {
        return;
    }
    let middle = (sum + count / 2) / count;
    let column =
        |tick: Tick| (((tick.since(start) + COLUMN / 2) / COLUMN) as usize).min(COLUMNS - 1);
    let mut begins = [false; COLUMNS + 1];
    begins[COLUMNS] = true;
    for (tick, _) in seen() {
        begins[column(tick)] = true;
    }
    for (tick, pitch) in seen() {
        let line = line(i32::from(pitch.number()) - middle + semitones);
        let at = column(tick);
        let row = &mut out[line * COLUMNS..(line + 1) * COLUMNS];
        let until = (at + 1..=COLUMNS).find(|c| begins[*c]).unwrap_or(COLUMNS).min(at + LONGEST);
        row[at] = STRUCK;
        for pixel in &mut row[at + 1..until.max(at + 1)] {
            *pixel = HELD;
        }
    }
}

/// The line of a key so far above the middle; what lies outside is folded in by octaves.
fn line(above: i32) -> usize {
    let half = LINES as i32 / 2;
    let mut above = above;
    while above >= half {
        above -= 12;
    }
    while above < -half {
        above += 12;
    }
    (half - 1 - above) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(struck: &[(i64, u8)], end: i64, semitones: i32) -> Vec<f32> {
        let mut out = vec![f32::NAN; LINES * COLUMNS];
        let struck = struck.iter().map(|(tick, key)| (Tick(*tick), Pitch::new(*key)));
        draw(&struck, Tick(end), semitones, &mut out);
        out
    }

    /// (line, column) of what is struck.
    fn marks(image: &[f32]) -> Vec<(usize, usize)> {
        let struck = (0..image.len()).filter(|i| image[*i] >= STRUCK);
        struck.map(|i| (i / COLUMNS, i % COLUMNS)).collect()
    }

    #[test]
    fn the_last_beats_lie_at_the_right() {
        let seen = image(&[(0, 60), (192, 62), (192 + 189, 58)], 2 * 192, 0);
        assert_eq!(marks(&seen), [(29, 0), (33, 63)], "what is older is gone; 60 is the mean");
        assert!((seen[29 * COLUMNS + 15] - HELD).abs() < 1e-6, "held for a bar");
        assert!(seen[29 * COLUMNS + 16].abs() < 1e-6, "and no longer");
        assert!(image(&[], 0, 0).iter().all(|x| x.abs() < 1e-9));
    }

    #[test]
    fn neither_the_register_nor_small_unevenness_is_seen() {
        let tune = [(0, 60), (12, 64), (24, 67), (36, 72)];
        let plain = image(&tune, 48, 0);
        assert_eq!(plain, image(&tune.map(|(t, k)| (t, k + 24)), 48, 0));
        assert_eq!(plain, image(&[(1, 60), (11, 64), (25, 67), (35, 72)], 48, 0));
        assert_ne!(plain, image(&tune, 48, 3));
    }

    #[test]
    fn keys_far_away_are_folded_in() {
        for key in 21..=108 {
            for semitones in -20..20 {
                let image = image(&[(5, key), (5, 64), (5, 21)], 48, semitones);
                assert!(!marks(&image).is_empty());
            }
        }
    }
}
