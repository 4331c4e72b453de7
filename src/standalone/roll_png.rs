//! A take as a picture: a piano roll of the player and the machine, for a README or a wall.

use std::io::{self, Cursor};
use std::ops::Range;
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};

use crate::data::whole_file;
use crate::music::pitch::Pitch;
use crate::music::time::{Meter, TICKS_PER_BEAT};
use crate::standalone::Part;
use crate::standalone::drawing::canvas::{Canvas, Colour, Rect, mix};
use crate::standalone::drawing::lettering::{self, Anchor, Style};
use crate::standalone::roll::{RollNote, is_black};

/// What to draw.
#[derive(Clone, Debug)]
pub struct RollSpec<'a> {
    /// The first line, large.
    pub title: &'a str,
    /// The second line, small: tempo, key, model.
    pub subtitle: &'a str,
    /// The notes, in any order. What lies outside `bars` is cut off.
    pub notes: &'a [RollNote],
    /// Which bars, counted from 1; `1..17` is the first sixteen. An empty range draws its first bar.
    pub bars: Range<u32>,
    /// The time signature of every bar.
    pub meter: Meter,
    /// Bars side by side before a new row begins.
    pub bars_per_row: u32,
}

/// Why a picture could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the picture {path}: {source}", path = path.display())]
pub struct RollPngError {
    path: PathBuf,
    source: io::Error,
}

impl<'a> RollSpec<'a> {
    /// The whole of some notes in 4/4, from bar 1 to where they end, sixteen bars a row.
    pub fn new(title: &'a str, notes: &'a [RollNote]) -> Self {
        let meter = Meter::default();
        let end = notes.iter().map(RollNote::end_beats).fold(0.0, f64::max);
        let bars = (end / bar_beats(meter) - 1e-6).ceil().clamp(1.0, 1e6) as u32;
        Self { title, subtitle: "", notes, bars: 1..bars + 1, meter, bars_per_row: 16 }
    }

    /// Whether any of a note lies in the bars.
    fn is_in_sight(&self, note: &RollNote) -> bool {
        let beat = |bar: u32| (f64::from(bar) - 1.0) * bar_beats(self.meter);
        note.start_beats < beat(self.bars.end) && note.end_beats() > beat(self.bars.start)
    }
}

/// Draws the picture. A take of many bars becomes a tall one; past 60 rows the bars draw together instead.
/// Any thread but the audio thread.
pub fn draw_roll(spec: &RollSpec<'_>) -> RgbImage {
    let layout = Layout::of(spec);
    let mut canvas = Canvas::new(layout.width, layout.height, BACKGROUND);
    draw_head(&mut canvas, spec, &layout);
    for row in 0..layout.rows {
        let row = Row::of(spec, &layout, row);
        draw_keys(&mut canvas, &layout, &row);
        draw_grid(&mut canvas, spec, &layout, &row);
        draw_notes(&mut canvas, spec, &layout, &row);
    }
    canvas.into_image()
}

/// Draws the picture into a PNG file, whole or not at all. Any thread but the audio thread.
///
/// # Errors
/// [`RollPngError`] when the disk refuses.
pub fn save(spec: &RollSpec<'_>, path: &Path) -> Result<(), RollPngError> {
    let failed = |source| RollPngError { path: path.to_owned(), source };
    let mut bytes = Cursor::new(Vec::new());
    draw_roll(spec)
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| failed(io::Error::other(error)))?;
    whole_file::write(path, bytes.get_ref()).map_err(failed)
}

const BACKGROUND: Colour = [0x10, 0x12, 0x18];
const WHITE_ROW: Colour = [0x1b, 0x1e, 0x27];
const BLACK_ROW: Colour = [0x16, 0x19, 0x21];
const OCTAVE_LINE: Colour = [0x2c, 0x31, 0x3e];
const BEAT_LINE: Colour = [0x25, 0x2a, 0x35];
const BAR_LINE: Colour = [0x43, 0x4b, 0x5c];
const WHITE_KEY: Colour = [0xd6, 0xd9, 0xe0];
const BLACK_KEY: Colour = [0x23, 0x27, 0x31];
const TEXT: Colour = [0xec, 0xee, 0xf3];
const FAINT_TEXT: Colour = [0x8b, 0x93, 0xa5];
/// Amber and sky blue: told apart by every kind of colour vision, and by lightness alone.
const PLAYER: Colour = [0xff, 0xb0, 0x3b];
const MACHINE: Colour = [0x4f, 0xb4, 0xf2];

/// Pixels around everything.
const MARGIN: f32 = 36.0;
/// Pixels of the title lines above the first row.
const HEAD: f32 = 84.0;
/// Pixels of the bar numbers above each row, and of the air below it.
const RULER: f32 = 24.0;
const ROW_GAP: f32 = 22.0;
/// Pixels of the octave names and of the keys, left of the grid.
const NAMES: f32 = 30.0;
const KEYS: f32 = 38.0;
/// Pixels that the grid has at most in width, as long as a beat can have its least.
const GRID_WIDTH: f64 = 1_664.0;
/// The narrowest picture has room for its title.
const LEAST_GRID_WIDTH: f64 = 560.0;
const MOST_ROWS: u32 = 60;

/// Where things are, the same for every row.
struct Layout {
    width: u32,
    height: u32,
    rows: u32,
    bars_per_row: u32,
    /// Quarter notes in a bar.
    bar_beats: f64,
    /// Pixels of a quarter note.
    beat_px: f64,
    /// Pixels of a key.
    key_px: f32,
    lowest: u8,
    highest: u8,
}

/// One row of bars.
struct Row {
    /// The grid's top left corner and its size.
    area: Rect,
    /// The bars in it, counted from 1.
    bars: Range<u32>,
    /// The beat at its left edge.
    start_beats: f64,
}

impl Layout {
    fn of(spec: &RollSpec<'_>) -> Self {
        let bars = spec.bars.end.saturating_sub(spec.bars.start).max(1);
        let bars_per_row = spec.bars_per_row.max(1).max(bars.div_ceil(MOST_ROWS)).min(bars);
        let rows = bars.div_ceil(bars_per_row);
        let bar_beats = bar_beats(spec.meter);
        let row_beats = f64::from(bars_per_row) * bar_beats;
        let beat_px = (GRID_WIDTH / row_beats).clamp(1.0, 60.0).max(LEAST_GRID_WIDTH / row_beats);

        let keys = || spec.notes.iter().map(|note| note.key.min(127));
        let (low, high) = (keys().min().unwrap_or(60), keys().max().unwrap_or(72));
        // Two keys of air, and never less than two octaves.
        let lack = 24_u8.saturating_sub(high - low + 4).div_ceil(2);
        let lowest = low.saturating_sub(2 + lack);
        let highest = (high + 2 + lack).min(127);
        let span = f32::from(highest - lowest + 1);
        let key_px = (if rows == 1 { 460.0 } else { 300.0 } / span).clamp(6.0, 14.0).floor();

        let grid_width = (row_beats * beat_px) as f32;
        let row_height = RULER + span * key_px + ROW_GAP;
        Self {
            width: (2.0 * MARGIN + NAMES + KEYS + grid_width).ceil() as u32,
            height: (MARGIN + HEAD + rows as f32 * row_height - ROW_GAP + MARGIN).ceil() as u32,
            rows,
            bars_per_row,
            bar_beats,
            beat_px,
            key_px,
            lowest,
            highest,
        }
    }

    fn span_px(&self) -> f32 {
        f32::from(self.highest - self.lowest + 1) * self.key_px
    }
}

impl Row {
    fn of(spec: &RollSpec<'_>, layout: &Layout, index: u32) -> Self {
        let first = spec.bars.start + index * layout.bars_per_row;
        let bars = first..(first + layout.bars_per_row).min(spec.bars.end.max(spec.bars.start + 1));
        let beats = f64::from(bars.end - bars.start) * layout.bar_beats;
        let height = layout.span_px();
        let y = MARGIN + HEAD + RULER + index as f32 * (RULER + height + ROW_GAP);
        let x = MARGIN + NAMES + KEYS;
        Self {
            area: Rect { x, y, width: (beats * layout.beat_px) as f32, height },
            start_beats: (f64::from(first) - 1.0) * layout.bar_beats,
            bars,
        }
    }

    /// The top of a key's lane.
    fn key_y(&self, layout: &Layout, key: u8) -> f32 {
        self.area.y + f32::from(layout.highest - key) * layout.key_px
    }

    /// The place of a beat, before cutting.
    fn beat_x(&self, layout: &Layout, beats: f64) -> f32 {
        self.area.x + ((beats - self.start_beats) * layout.beat_px) as f32
    }
}

/// Title, subtitle and legend.
fn draw_head(canvas: &mut Canvas, spec: &RollSpec<'_>, layout: &Layout) {
    let title = Style { height: 21.0, pen: 2.5, colour: TEXT };
    let small = Style { height: 9.5, pen: 1.35, colour: FAINT_TEXT };
    let baseline = MARGIN + title.height;
    lettering::write(canvas, spec.title, MARGIN, baseline, Anchor::Left, title);
    lettering::write(canvas, spec.subtitle, MARGIN, baseline + 28.0, Anchor::Left, small);

    let mut x = layout.width as f32 - MARGIN;
    for (part, name) in [(Part::Machine, "Sideman"), (Part::Player, "Player")] {
        let seen = |note: &&RollNote| note.part == part && spec.is_in_sight(note);
        let count = spec.notes.iter().filter(seen).count();
        if count == 0 {
            continue;
        }
        let text = format!("{name} · {count} notes");
        let label = Style { colour: TEXT, ..small };
        x -= lettering::write(canvas, &text, x, baseline + 28.0, Anchor::Right, label) + 10.0;
        let swatch = Rect { x: x - 22.0, y: baseline + 28.0 - 9.5, width: 22.0, height: 9.5 };
        canvas.rounded(swatch, 3.0, colour_of(part), 1.0);
        x -= 22.0 + 28.0;
    }
}

/// The keyboard strip and the octave names.
fn draw_keys(canvas: &mut Canvas, layout: &Layout, row: &Row) {
    let strip = Rect { x: row.area.x - KEYS, width: KEYS - 4.0, ..row.area };
    canvas.rounded(strip, 3.0, WHITE_KEY, 1.0);
    let name = Style { height: 8.0, pen: 1.25, colour: FAINT_TEXT };
    for key in layout.lowest..=layout.highest {
        let y = row.key_y(layout, key);
        let middle = y + layout.key_px / 2.0;
        if is_black(key) {
            // Two white keys meet behind the middle of a black one.
            let seam = Rect { y: middle - 0.5, height: 1.0, ..strip };
            canvas.fill(seam, mix(WHITE_KEY, BLACK_KEY, 0.35));
            let short =
                Rect { y: y + 0.5, height: layout.key_px - 1.0, width: strip.width * 0.6, ..strip };
            canvas.rounded(short, 2.0, BLACK_KEY, 1.0);
        } else if matches!(key % 12, 0 | 5) && key > layout.lowest {
            let seam = Rect { y: y + layout.key_px - 0.5, height: 1.0, ..strip };
            canvas.fill(seam, mix(WHITE_KEY, BLACK_KEY, 0.35));
        }
        if key % 12 == 0 {
            let text = Pitch::new(key).to_string();
            lettering::write(canvas, &text, strip.x - 8.0, middle + 4.0, Anchor::Right, name);
        }
    }
}

/// The lanes, the beats, the bars and their numbers.
fn draw_grid(canvas: &mut Canvas, spec: &RollSpec<'_>, layout: &Layout, row: &Row) {
    canvas.fill(row.area, WHITE_ROW);
    for key in layout.lowest..=layout.highest {
        let y = row.key_y(layout, key);
        if is_black(key) {
            canvas.fill(Rect { y, height: layout.key_px, ..row.area }, BLACK_ROW);
        }
        if key % 12 == 0 && key > layout.lowest {
            canvas.fill(Rect { y: y + layout.key_px - 0.5, height: 1.0, ..row.area }, OCTAVE_LINE);
        }
    }

    let line = |x: f32, width: f32| Rect { x: (x - width / 2.0).round(), width, ..row.area };
    let unit = 4.0 / f64::from(spec.meter.denominator.max(1));
    let bar_px = layout.bar_beats * layout.beat_px;
    let every =
        [1, 2, 4, 8, 16, 32].into_iter().find(|n| f64::from(*n) * bar_px >= 34.0).unwrap_or(64);
    let number = Style { height: 8.0, pen: 1.25, colour: FAINT_TEXT };
    for bar in row.bars.clone() {
        let start = (f64::from(bar) - 1.0) * layout.bar_beats;
        let x = row.beat_x(layout, start);
        if unit * layout.beat_px >= 7.0 {
            for beat in 1..spec.meter.numerator {
                canvas
                    .fill(line(row.beat_x(layout, start + f64::from(beat) * unit), 1.0), BEAT_LINE);
            }
        }
        let counted = (bar - row.bars.start).is_multiple_of(every);
        if bar > row.bars.start && (counted || bar_px >= 7.0) {
            canvas.fill(line(x, if counted { 2.0 } else { 1.0 }), BAR_LINE);
        }
        if counted {
            lettering::write(
                canvas,
                &bar.to_string(),
                x + 3.0,
                row.area.y - 8.0,
                Anchor::Left,
                number,
            );
        }
    }
}

/// The machine's notes, then the player's over them.
fn draw_notes(canvas: &mut Canvas, spec: &RollSpec<'_>, layout: &Layout, row: &Row) {
    for part in [Part::Machine, Part::Player] {
        for note in spec.notes.iter().filter(|note| note.part == part) {
            let left = row.beat_x(layout, note.start_beats);
            let right = row.beat_x(layout, note.end_beats());
            let from = left.max(row.area.x);
            let to = right.min(row.area.x + row.area.width);
            // Shorter than this a note could not be seen.
            let width = (to - from - 1.0).max(2.5);
            if to <= from && !(row.area.x..row.area.x + row.area.width).contains(&left) {
                continue;
            }
            let y = row.key_y(layout, note.key.min(127));
            let rect = Rect { x: from + 0.5, y: y + 0.5, width, height: layout.key_px - 1.0 };
            draw_note(canvas, rect, note, left >= row.area.x);
        }
    }
}

/// One note: its colour pales into the dark as it gets softer, and its stroke is its brightest part.
fn draw_note(canvas: &mut Canvas, rect: Rect, note: &RollNote, begins: bool) {
    const RADIUS: f32 = 3.0;
    let colour = colour_of(note.part);
    if note.planned {
        canvas.outline(rect, RADIUS, 1.2, colour, 0.6);
        return;
    }
    let force = f32::from(note.velocity.clamp(1, 127)) / 127.0;
    let body = mix(WHITE_ROW, colour, 0.46 + 0.54 * force.powf(0.8));
    // A rim in the colour of the ground keeps neighbours and overlaps apart.
    let rim = Rect {
        x: rect.x - 1.0,
        y: rect.y - 0.5,
        width: rect.width + 2.0,
        height: rect.height + 1.0,
    };
    canvas.rounded(rim, RADIUS + 1.0, BACKGROUND, 0.55);
    canvas.rounded(rect, RADIUS, body, 0.94);
    if begins && rect.width > 5.0 {
        let stroke = Rect { width: 3.0, ..rect };
        canvas.rounded(stroke, 1.5, mix(body, [255; 3], 0.25 + 0.35 * force), 1.0);
    }
}

fn colour_of(part: Part) -> Colour {
    match part {
        Part::Player => PLAYER,
        Part::Machine => MACHINE,
    }
}

/// Quarter notes in a bar.
fn bar_beats(meter: Meter) -> f64 {
    meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64
}

#[cfg(test)]
mod tests;
