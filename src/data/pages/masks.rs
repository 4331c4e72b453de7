//! What can be taken out of a row's picture, or be left alone in it, to see what a network goes by.

use serde::Serialize;

use crate::data::pages::anatomy::Anatomy;
use crate::data::pages::staves::Staff;
use crate::data::pages::{Grey, Tone, distort};

/// The share of a staff's length at its beginning that is masked: clef, key and metre.
const BEGINNING: f32 = 0.1;
/// Pixels of blur, and how many times larger or smaller staves are made.
const BLUR: f32 = 2.5;
const LARGER: f32 = 1.5;

/// What is done to a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// Nothing.
    Untouched,
    /// Brace, clef, key and metre are blank, and what lies right of the staves.
    Sides,
    /// Everything above the upper staff and under the lowest is blank.
    AboveAndBelow,
    /// Both.
    Margins,
    /// The staff lines are taken out.
    NoLines,
    /// Nothing but the staff lines is left.
    OnlyLines,
    /// Solid note heads are taken out, and the staff lines closed over them.
    NoHeads,
    /// Nothing but solid note heads is left.
    OnlyHeads,
    /// Half the resolution.
    Coarse,
    /// Staves half as large again.
    Larger,
    /// Staves smaller by as much.
    Smaller,
    /// Thicker strokes.
    Thicker,
    /// Thinner strokes.
    Thinner,
    /// Waves.
    Wavy,
    /// Blur.
    Blurred,
    /// Grey ink on uneven paper.
    Pale,
}

impl Mask {
    /// All, in the order of tables: first nothing, then what is hidden, then other scans, then other engravings.
    pub const ALL: [Self; 16] = [
        Self::Untouched,
        Self::Sides,
        Self::AboveAndBelow,
        Self::Margins,
        Self::NoLines,
        Self::OnlyLines,
        Self::NoHeads,
        Self::OnlyHeads,
        Self::Coarse,
        Self::Larger,
        Self::Smaller,
        Self::Thicker,
        Self::Thinner,
        Self::Wavy,
        Self::Blurred,
        Self::Pale,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Sides => "no brace, clef, key, end",
            Self::AboveAndBelow => "nothing above and below",
            Self::Margins => "no margins at all",
            Self::NoLines => "no staff lines",
            Self::OnlyLines => "only staff lines",
            Self::NoHeads => "no solid note heads",
            Self::OnlyHeads => "only solid note heads",
            Self::Coarse => "half the resolution",
            Self::Larger => "staves 1.5 times as large",
            Self::Smaller => "staves 1.5 times smaller",
            Self::Thicker => "thicker strokes",
            Self::Thinner => "thinner strokes",
            Self::Wavy => "wavy paper",
            Self::Blurred => "blurred",
            Self::Pale => "pale ink, uneven paper",
        }
    }

    /// Whether it has to know where the staves are.
    pub const fn needs_staves(self) -> bool {
        matches!(
            self,
            Self::Sides
                | Self::AboveAndBelow
                | Self::Margins
                | Self::NoLines
                | Self::OnlyLines
                | Self::NoHeads
                | Self::OnlyHeads
        )
    }

    /// The picture behind it; none where it needs staves and there are none.
    pub fn apply(self, picture: &Grey, anatomy: Option<&Anatomy>) -> Option<Grey> {
        if self.needs_staves() {
            let anatomy = anatomy?;
            return Some(match self {
                Self::Sides => sides(picture, anatomy),
                Self::AboveAndBelow => above_and_below(picture, anatomy),
                Self::NoLines => without_lines(picture, anatomy),
                Self::OnlyLines => only_lines(picture, anatomy),
                Self::NoHeads => without_heads(picture, anatomy),
                Self::OnlyHeads => only_heads(picture, anatomy),
                _ => above_and_below(&sides(picture, anatomy), anatomy),
            });
        }
        let tone = Tone::of(picture);
        Some(match self {
            Self::Coarse => distort::coarse(picture),
            Self::Larger => distort::scaled(picture, LARGER, tone.paper),
            Self::Smaller => distort::scaled(picture, 1.0 / LARGER, tone.paper),
            Self::Thicker => distort::thicker(picture),
            Self::Thinner => distort::thinner(picture),
            Self::Wavy => distort::wavy(picture, tone.paper),
            Self::Blurred => distort::blurred(picture, BLUR),
            Self::Pale => distort::pale(picture, tone),
            _ => picture.clone(),
        })
    }
}

fn sides(picture: &Grey, anatomy: &Anatomy) -> Grey {
    let left = anatomy.staves.iter().map(|s| s.left).min().unwrap_or(0);
    let right = anatomy.staves.iter().map(|s| s.right).max().unwrap_or(picture.width);
    let first = left + (BEGINNING * (right - left) as f32) as usize;
    let mut masked = picture.clone();
    for line in masked.pixels.chunks_exact_mut(picture.width) {
        line[..first].fill(anatomy.tone.paper);
        line[right.min(picture.width)..].fill(anatomy.tone.paper);
    }
    masked
}

fn above_and_below(picture: &Grey, anatomy: &Anatomy) -> Grey {
    let top = anatomy.staves.first().map_or(0.0, |s| s.top);
    let bottom = anatomy.staves.last().map_or(picture.height as f32, Staff::bottom);
    let air = 0.3 * anatomy.space();
    let mut masked = picture.clone();
    for (y, line) in masked.pixels.chunks_exact_mut(picture.width).enumerate() {
        if (y as f32) < top - air || y as f32 > bottom + air {
            line.fill(anatomy.tone.paper);
        }
    }
    masked
}

fn without_lines(picture: &Grey, anatomy: &Anatomy) -> Grey {
    let mut masked = picture.clone();
    for line in &anatomy.lines {
        for (x, run) in (line.left..).zip(&line.runs) {
            let Some((first, last)) = run else { continue };
            // The pixel at either side is the edge of the line's own grey.
            for y in first.saturating_sub(1)..(last + 2).min(picture.height) {
                masked.pixels[y * picture.width + x] = anatomy.tone.paper;
            }
        }
    }
    masked
}

fn only_lines(picture: &Grey, anatomy: &Anatomy) -> Grey {
    let mut masked = Grey::new(picture.width, picture.height, anatomy.tone.paper);
    lay_lines(&mut masked, anatomy, |_| true);
    masked
}

/// Draws the pixels of staff lines that are wanted.
fn lay_lines(to: &mut Grey, anatomy: &Anatomy, wanted: impl Fn(usize) -> bool) {
    for line in &anatomy.lines {
        for (x, top) in (line.left..).zip(&line.tops) {
            for (y, level) in (top.saturating_sub(1)..to.height).zip(&line.levels) {
                let at = y * to.width + x;
                if wanted(at) {
                    to.pixels[at] = *level;
                }
            }
        }
    }
}

fn without_heads(picture: &Grey, anatomy: &Anatomy) -> Grey {
    let mut masked = picture.clone();
    masked
        .pixels
        .iter_mut()
        .zip(&anatomy.heads)
        .filter(|(_, head)| **head)
        .for_each(|(p, _)| *p = anatomy.tone.paper);
    lay_lines(&mut masked, anatomy, |at| anatomy.heads[at]);
    masked
}

fn only_heads(picture: &Grey, anatomy: &Anatomy) -> Grey {
    let mut masked = Grey::new(picture.width, picture.height, anatomy.tone.paper);
    let pixels = masked.pixels.iter_mut().zip(&picture.pixels).zip(&anatomy.heads);
    pixels.filter(|(_, head)| **head).for_each(|((to, from), _)| *to = *from);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 600;

    /// A staff of 10 pixels a space with a solid head on its middle line, a stem, a beam, a brace and words above.
    fn drawn() -> Grey {
        let mut picture = Grey::new(WIDTH, 160, 240);
        let mut fill = |x: usize, y: usize, width: usize, height: usize| {
            for y in y..y + height {
                picture.pixels[y * WIDTH + x..y * WIDTH + x + width].fill(10);
            }
        };
        (0..5).for_each(|line| fill(20, 60 + 10 * line, 560, 1));
        fill(300, 75, 12, 10);
        fill(311, 40, 1, 40);
        fill(330, 40, 60, 5);
        fill(5, 60, 3, 41);
        fill(400, 20, 50, 3);
        picture
    }

    fn behind(mask: Mask) -> impl Fn(usize, usize) -> u8 {
        let picture = drawn();
        let masked = mask.apply(&picture, Anatomy::of(&picture).as_ref()).unwrap();
        move |x, y| masked.pixels[y * masked.width + x]
    }

    #[test]
    fn each_mask_hides_what_it_says_and_nothing_else() {
        // Brace, staff line at the beginning, bare line, line under the head, head, stem, beam, words.
        let places =
            [(6, 80), (40, 80), (200, 80), (305, 80), (305, 76), (311, 50), (350, 42), (420, 21)];
        for (mask, left) in [
            (Mask::Untouched, [true; 8]),
            (Mask::Sides, [false, false, true, true, true, true, true, true]),
            (Mask::AboveAndBelow, [true, true, true, true, true, false, false, false]),
            (Mask::Margins, [false, false, true, true, true, false, false, false]),
            (Mask::NoLines, [true, false, false, true, true, true, true, true]),
            (Mask::OnlyLines, [false, true, true, true, false, false, false, false]),
            (Mask::NoHeads, [true, true, true, true, false, true, true, true]),
            (Mask::OnlyHeads, [false, false, false, true, true, false, false, false]),
        ] {
            let at = behind(mask);
            assert_eq!(places.map(|(x, y)| at(x, y) < 100), left, "{}", mask.name());
            assert_eq!(at(500, 130), 240, "{}", mask.name());
        }
    }

    #[test]
    fn what_needs_no_staves_works_on_anything() {
        let noise: Vec<u8> = (0..40 * 30).map(|i| (i * 7_919 % 251) as u8).collect();
        for picture in [Grey { width: 40, height: 30, pixels: noise }, Grey::new(1, 1, 9)] {
            for mask in Mask::ALL {
                let masked = mask.apply(&picture, Anatomy::of(&picture).as_ref());
                assert!(masked.is_some() || mask.needs_staves());
                let size = masked.map(|m| (m.width, m.height * m.width == m.pixels.len()));
                assert!(size.is_none_or(|s| s == (picture.width, true)), "{}", mask.name());
            }
        }
    }

    #[test]
    fn strokes_and_sizes_change_as_they_say() {
        let picture = drawn();
        let ink = |mask: Mask| {
            let masked = mask.apply(&picture, None).unwrap();
            masked.pixels.iter().map(|p| 240.0 - f64::from(*p)).sum::<f64>()
        };
        let plain = ink(Mask::Untouched);
        assert!(ink(Mask::Thicker) > 1.2 * plain && ink(Mask::Thinner) < 0.9 * plain);
        assert!((ink(Mask::Blurred) / plain - 1.0).abs() < 0.02);
        assert!((ink(Mask::Wavy) / plain - 1.0).abs() < 0.05);
        let height = |mask: Mask| mask.apply(&picture, None).unwrap().height;
        assert_eq!((height(Mask::Larger), height(Mask::Smaller)), (240, 107));
    }
}
