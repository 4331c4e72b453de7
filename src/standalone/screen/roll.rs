//! The piano roll: time goes from left to right through the now-line, what is planned lies pale behind it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::widgets::Widget;

use crate::music::pitch::Pitch;
use crate::standalone::Part;
use crate::standalone::roll::is_black;

use super::Look;
use super::camera::Camera;
use super::palette::{Palette, RollColours};
use super::scene::Scene;

/// Columns of the names of the octaves, and of the keys beside them.
const NAMES: u16 = 3;
const KEYS: u16 = 3;
/// The fewest columns that a roll is worth drawing in.
const LEAST: u16 = NAMES + KEYS + 4;
/// How much sooner than its column a note may begin: nobody plays on the grid.
const EARLY_COLUMNS: f64 = 0.25;

/// A piano roll of a scene, with a ruler of bars above it.
pub(super) struct Roll<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) look: Look,
    pub(super) camera: &'a Camera,
}

/// What a note leaves at one key and column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    part: Part,
    planned: bool,
    /// Whether the note begins here.
    stroke: bool,
    velocity: u8,
}

/// Which times are in sight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    columns: u16,
    /// Keys that there is room for, and to a line.
    pub(super) keys: u16,
    keys_a_line: u16,
    per_beat: f64,
    /// The first column, counted from beat 0.
    first: i64,
    /// The column of the now-line.
    now: u16,
}

impl Sight {
    pub(super) fn of(scene: &Scene<'_>, area: Rect, look: Look) -> Self {
        let columns = area.width.saturating_sub(NAMES + KEYS);
        let keys_a_line = if look == Look::Plain { 1 } else { 2 };
        // Sixteenths have a column at least; where there is room, triplets too.
        let per_beat = match columns {
            0..110 => 4.0,
            110..170 => 6.0,
            _ => 8.0,
        };
        // Plans reach a few beats ahead; the rest is for what was played.
        let now = columns - (columns / 4).min((per_beat * 4.0) as u16);
        let now = now.min(columns.saturating_sub(1));
        let first = ((scene.now_beats * per_beat).floor() as i64).saturating_sub(i64::from(now));
        let keys = area.height.saturating_sub(1).saturating_mul(keys_a_line);
        Self { columns, keys, keys_a_line, per_beat, first, now }
    }

    /// The times in sight, in quarter notes.
    pub(super) fn beats(&self) -> (f64, f64) {
        let beats = |column: i64| column as f64 / self.per_beat;
        (beats(self.first), beats(self.first.saturating_add(self.columns.into())))
    }

    /// What line of the grid is where a column begins.
    fn grid(&self, scene: &Scene<'_>, column: u16) -> Option<Grid> {
        let time = self.first.saturating_add(column.into()) as f64;
        let begins = |beats: f64| {
            let columns = beats * self.per_beat;
            let nth = (time / columns).ceil();
            ((nth * columns).round() - time).abs().lt(&0.5).then_some(nth as i64)
        };
        let bar = begins(scene.bar_beats()).map(|nth| Grid::Bar(nth.saturating_add(1)));
        bar.or_else(|| begins(scene.unit_beats()).map(|_| Grid::Beat))
    }
}

/// A line of the grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Grid {
    /// A bar begins, of this number from 1.
    Bar(i64),
    Beat,
}

impl Widget for Roll<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if area.width < LEAST || area.height < 2 {
            return;
        }
        let sight = Sight::of(self.scene, area, self.look);
        let palette = Palette::of(self.look);
        let [ruler, grid] =
            [Rect { height: 1, ..area }, Rect { y: area.y + 1, height: area.height - 1, ..area }];
        let left = area.x + NAMES + KEYS;
        self.rule(Rect { x: left, width: sight.columns, ..ruler }, buffer, &sight, &palette);
        let top = self.camera.top(sight.keys);
        let marks = self.marks(&sight, top);
        let sounding = self.sounding();
        for line in 0..grid.height {
            let y = grid.y + line;
            let upper = top - i32::from(line * sight.keys_a_line);
            let keys = [upper, upper - i32::from(sight.keys_a_line) + 1];
            let c = keys.into_iter().find(|key| key % 12 == 0 && (0..128).contains(key));
            if let Some(c) = c {
                let name = Pitch::new(c as u8).to_string();
                buffer.set_stringn(area.x, y, name, NAMES.into(), palette.faint);
            }
            self.piano(keys, &sounding, (area.x + NAMES, y), buffer, &palette.roll);
            let row = |key: i32| {
                let place = usize::try_from(top - key).unwrap_or(0) * usize::from(sight.columns);
                marks.get(place..place + usize::from(sight.columns)).unwrap_or_default()
            };
            let rows = keys.map(row);
            for column in 0..sight.columns {
                let at = |row: &[Option<Mark>]| row.get(usize::from(column)).copied().flatten();
                let (is_now, grid) = (column == sight.now, sight.grid(self.scene, column));
                let (past, future) = (&palette.roll.past, &palette.roll.future);
                let ground = if column > sight.now { future.at(grid) } else { past.at(grid) };
                let grounds = keys.map(|key| ground[usize::from(black(key))]);
                let Some(cell) = buffer.cell_mut((left + column, y)) else { continue };
                let (glyph, style) = if self.look == Look::Plain {
                    let glyph = at(rows[0]).map_or_else(|| bare(is_now, grid), Mark::glyph);
                    (glyph, Style::new())
                } else {
                    halves(rows.map(at), grounds, is_now, &palette.roll)
                };
                cell.set_char(glyph).set_style(style);
            }
        }
    }
}

impl Roll<'_> {
    /// The numbers of the bars, and where now is.
    fn rule(&self, area: Rect, buffer: &mut Buffer, sight: &Sight, palette: &Palette) {
        for column in 0..sight.columns {
            if let Some(Grid::Bar(bar @ 1..)) = sight.grid(self.scene, column) {
                let room = usize::from(area.width - column);
                let here = bar == self.scene.bar().saturating_add(1);
                let style = if here { palette.text } else { palette.faint };
                buffer.set_stringn(area.x + column, area.y, bar.to_string(), room, style);
            }
        }
        buffer.set_stringn(area.x + sight.now, area.y, "▼", 1, palette.text);
    }

    /// Every key and column with what sounds there, the player over the machine, what is played over what is planned.
    fn marks(&self, sight: &Sight, top: i32) -> Vec<Option<Mark>> {
        let columns = usize::from(sight.columns);
        let mut marks: Vec<Option<Mark>> = vec![None; columns * usize::from(sight.keys)];
        for note in self.scene.notes {
            let (planned, per_beat) = (note.planned, sight.per_beat);
            let begin = (note.start_beats * per_beat + EARLY_COLUMNS).floor() as i64;
            let begin = begin.saturating_sub(sight.first);
            let end = ((note.end_beats() * per_beat).round() as i64).saturating_sub(sight.first);
            let end = end.max(begin.saturating_add(1));
            // A key out of sight shows on the edge.
            let below = (top - i32::from(note.key.min(127))).clamp(0, i32::from(sight.keys) - 1);
            for at in begin.max(0)..end.min(columns as i64) {
                let (part, velocity, stroke) = (note.part, note.velocity, at == begin);
                let mark = Mark { part, planned, stroke, velocity };
                let place = &mut marks[below as usize * columns + at as usize];
                let rank = |m: &Mark| (!m.planned, m.part == Part::Player, m.stroke);
                if place.is_none_or(|there| rank(&mark) >= rank(&there)) {
                    *place = Some(mark);
                }
            }
        }
        marks
    }

    /// Who sounds each key now, and how loudly.
    fn sounding(&self) -> [Option<(Part, u8)>; 128] {
        let mut sounding = [None; 128];
        let now = self.scene.now_beats;
        let sounds = |start: f64, end: f64| self.scene.running && start <= now && end >= now;
        for note in self.scene.notes.iter().filter(|n| !n.planned) {
            let place = &mut sounding[usize::from(note.key.min(127))];
            let over = place.is_none() || note.part == Part::Player;
            if over && sounds(note.start_beats, note.end_beats()) {
                *place = Some((note.part, note.velocity));
            }
        }
        sounding
    }

    /// A line of the keyboard: its black keys are short, and what sounds is lit.
    fn piano(
        &self,
        keys: [i32; 2],
        sounding: &[Option<(Part, u8)>; 128],
        (x, y): (u16, u16),
        buffer: &mut Buffer,
        colours: &RollColours,
    ) {
        let who = |key: i32| usize::try_from(key).ok().and_then(|k| *sounding.get(k)?);
        for column in 0..KEYS {
            let colour = |key: i32| match who(key) {
                _ if !(0..128).contains(&key) => colours.past.plain[1],
                Some((part, velocity)) if column + 1 < KEYS || !black(key) => {
                    colours.note(part, false, false, velocity)
                }
                _ => colours.keys[usize::from(black(key) && column + 1 < KEYS)],
            };
            let Some(cell) = buffer.cell_mut((x + column, y)) else { continue };
            if self.look == Look::Plain {
                let glyph = match (who(keys[0]), column) {
                    (_, 2) => '│',
                    (Some((Part::Player, _)), 0) => '◆',
                    (Some((Part::Machine, _)), 0) => '○',
                    _ if black(keys[0]) => '▒',
                    _ => ' ',
                };
                cell.set_char(glyph);
            } else {
                let [upper, lower] = keys.map(colour);
                cell.set_char('▀').set_style(Style::new().fg(upper).bg(lower));
            }
        }
    }
}

fn black(key: i32) -> bool {
    u8::try_from(key).is_ok_and(is_black)
}

/// Two keys in one character.
fn halves(
    marks: [Option<Mark>; 2],
    grounds: [Color; 2],
    is_now: bool,
    colours: &RollColours,
) -> (char, Style) {
    let ink = |m: Mark| colours.note(m.part, m.planned, m.stroke, m.velocity);
    let style = Style::new();
    match marks.map(|mark| mark.map(ink)) {
        [Some(upper), Some(lower)] => ('▀', style.fg(upper).bg(lower)),
        [Some(upper), None] => ('▀', style.fg(upper).bg(grounds[1])),
        [None, Some(lower)] => ('▄', style.fg(lower).bg(grounds[0])),
        _ if is_now => ('│', style.fg(colours.now_line).bg(grounds[1])),
        _ if grounds[0] == grounds[1] => (' ', style.bg(grounds[0])),
        _ => ('▀', style.fg(grounds[0]).bg(grounds[1])),
    }
}

/// What is seen without colour where no note is.
const fn bare(is_now: bool, grid: Option<Grid>) -> char {
    match (is_now, grid) {
        (true, _) => '┃',
        (_, Some(Grid::Bar(_))) => '│',
        _ => ' ',
    }
}

impl Mark {
    /// Without colour a thick line is the player, a thin one the machine, dots are plans.
    const fn glyph(self) -> char {
        match (self.part, self.planned, self.stroke) {
            (_, true, true) => '◦',
            (_, true, false) => '·',
            (Part::Player, _, true) => '◆',
            (Part::Player, _, false) => '━',
            (Part::Machine, _, true) => '○',
            (Part::Machine, _, false) => '─',
        }
    }
}
