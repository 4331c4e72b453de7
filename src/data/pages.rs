//! Pages of sheet music as grey images: read with limits, cut into rows of music, and split by whole works.

pub mod anatomy;
pub mod contrast;
pub mod copies;
pub mod deskew;
mod distort;
pub mod draw;
pub mod gate;
pub mod ink;
pub mod ledger;
pub mod masks;
pub mod open;
pub mod paint;
pub mod pdf;
pub mod seam;
pub mod slicing;
pub mod split;
pub mod staves;
pub mod systems;

/// A grey image, row by row, 0 black.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grey {
    /// Pixels of a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// All lines, top first.
    pub pixels: Vec<u8>,
}

impl Grey {
    /// An image of one level.
    pub fn new(width: usize, height: usize, level: u8) -> Self {
        Self { width, height, pixels: vec![level; width * height] }
    }

    /// A line of pixels.
    pub fn line(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }
}

/// What is paper and what is ink on a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tone {
    /// The level of the paper.
    pub paper: u8,
    /// The level of the darkest ink.
    pub ink: u8,
}

impl Tone {
    /// Of a page that is mostly paper. A page that is not has no contrast.
    pub fn of(page: &Grey) -> Self {
        let mut counts = [0_usize; 256];
        for pixel in &page.pixels {
            counts[usize::from(*pixel)] += 1;
        }
        let level = |share: f64| {
            let mut left = (page.pixels.len() as f64 * share) as usize;
            let at = |count: &usize| {
                let here = *count > left;
                left = left.saturating_sub(*count);
                here
            };
            counts.iter().position(at).unwrap_or(255) as u8
        };
        Self { paper: level(0.5), ink: level(0.001) }
    }

    /// How far ink and paper are apart.
    pub const fn contrast(self) -> u8 {
        self.paper.saturating_sub(self.ink)
    }
}

/// By what rows of music are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// By their staves.
    Staves,
    /// By the contrast of pixel lines, as published.
    Article,
}

impl Rule {
    /// As it stands in `rows.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staves => "staves",
            Self::Article => "article",
        }
    }
}

/// Whether a row is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is.
    Row,
    /// Higher than a row can be: for a person to look at.
    TooHigh,
}

/// A part of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    /// Its left edge.
    pub x: usize,
    /// Its upper edge.
    pub y: usize,
    /// Its width.
    pub width: usize,
    /// Its height.
    pub height: usize,
}

/// A row of music that was found on a page.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Where.
    pub area: Area,
    /// How many staves it has; 0 where nobody counted.
    pub staves: usize,
    /// The height of a staff in pixels; 0 where nobody measured.
    pub staff: f32,
    /// Whether it is a row.
    pub verdict: Verdict,
    /// For each of the page's columns the first line and the line behind the last, where the row's edges are not straight.
    pub edges: Option<Vec<(u32, u32)>>,
    /// Lines at which it might be cut, where it is too high.
    pub cuts: Vec<usize>,
}

/// A page, upright, and its rows.
#[derive(Clone, PartialEq, Debug)]
pub struct Sliced {
    /// The page in which the rows lie.
    pub page: Grey,
    /// Its paper and ink.
    pub tone: Tone,
    /// By how many degrees it was turned to be upright.
    pub turned: f32,
    /// Top first.
    pub rows: Vec<Row>,
}

/// Contrast below which there is nothing on a page: that of the published rule.
pub const LEAST_CONTRAST: u8 = 50;
/// A page is at least as wide and high as this.
const LEAST_SIDE: usize = 32;

/// Finds the rows of a page.
///
/// # Errors
/// In one line why there are none.
pub fn slice(page: Grey, rule: Rule) -> Result<Sliced, String> {
    if page.width < LEAST_SIDE || page.height < LEAST_SIDE {
        return Err(format!("too small: {} x {} pixels", page.width, page.height));
    }
    let tone = Tone::of(&page);
    if tone.contrast() < LEAST_CONTRAST {
        return Err(if tone.paper < LEAST_CONTRAST {
            "no paper: most of the page is black".to_owned()
        } else {
            "blank: no ink on the page".to_owned()
        });
    }
    match rule {
        Rule::Article => {
            let rows = contrast::rows(&page);
            if rows.is_empty() {
                return Err("no rows: nothing is high enough".to_owned());
            }
            Ok(Sliced { page, tone, turned: 0.0, rows })
        }
        Rule::Staves => systems::slice(page, tone),
    }
}
