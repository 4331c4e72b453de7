//! A screenful of piano roll as characters and colours: a pure function of the state and the size.

use std::fmt::Write;

use crate::music::pitch::Pitch;
use crate::standalone::Part;

use super::{Look, RollState};

/// A screenful.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    columns: usize,
    cells: Vec<Cell>,
}

/// One character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cell {
    glyph: char,
    /// Of the terminal's 256 colours.
    front: u8,
    back: u8,
}

/// Draws a state on `columns` by `rows` characters: a status line, bar numbers, the roll, and the hint. The
/// past lies left of the now-line, what is planned lies pale to its right.
pub fn frame(state: &RollState<'_>, columns: u16, rows: u16, look: Look) -> Frame {
    let (columns, rows) = (usize::from(columns), usize::from(rows));
    let blank = Cell { glyph: ' ', front: TEXT, back: GROUND };
    let mut frame = Frame { columns, cells: vec![blank; columns * rows] };
    frame.status(state);
    let hint_rows = usize::from(!state.hint.is_empty());
    if rows > 2 + hint_rows && columns > NAMES {
        let view = View::of(state, columns, rows - 2 - hint_rows, look);
        frame.roll(state, &view);
    }
    if hint_rows > 0 && rows > 1 {
        let row = rows - 1;
        frame.text(row, 0, &format!(" {}", state.hint), FAINT_TEXT, GROUND);
    }
    frame
}

impl Frame {
    /// How many lines it has.
    pub fn rows(&self) -> usize {
        self.cells.len().checked_div(self.columns).unwrap_or(0)
    }

    /// One line, counted from 0, with escape codes where it is to be in colour.
    pub fn line(&self, row: usize, colour: bool) -> String {
        let cells =
            self.cells.get(row * self.columns..(row + 1) * self.columns).unwrap_or_default();
        let mut line = String::with_capacity(self.columns * 2);
        let mut last = None;
        for cell in cells {
            if colour && last != Some((cell.front, cell.back)) {
                last = Some((cell.front, cell.back));
                // Writing to a string does not fail.
                let _ = write!(line, "\x1b[38;5;{};48;5;{}m", cell.front, cell.back);
            }
            line.push(cell.glyph);
        }
        if colour {
            line.push_str("\x1b[0m");
        }
        line
    }
}

const GROUND: u8 = 234;
/// The ground of what has not happened yet.
const FUTURE: u8 = 233;
/// The ground of the line of every C.
const GUIDE: u8 = 235;
const STATUS: u8 = 237;
const TEXT: u8 = 252;
const FAINT_TEXT: u8 = 244;
const BAR_LINE: u8 = 239;
const NOW_LINE: u8 = 250;
const ALARM: u8 = 203;
/// Amber for the player, sky blue for the machine: the stroke brighter, what is planned paler.
const PLAYER: Shades = Shades { stroke: 222, held: 214, planned: 94 };
const MACHINE: Shades = Shades { stroke: 153, held: 75, planned: 24 };

/// Characters of the pitch names left of the roll.
const NAMES: usize = 5;
/// Columns to a quarter note.
const COLUMNS_PER_BEAT: f64 = 4.0;

struct Shades {
    stroke: u8,
    held: u8,
    planned: u8,
}

/// What a note leaves at one pitch and column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    part: Part,
    planned: bool,
    /// Whether the note begins here.
    stroke: bool,
}

/// Which pitches and times are in sight.
struct View {
    /// One pitch a line instead of two.
    single: bool,
    /// Columns and lines of the roll itself.
    columns: usize,
    lines: usize,
    /// The pitch at the top, and how many there are from it down.
    top: i32,
    pitches: usize,
    /// The time of the first column, in columns since beat 0.
    first: i64,
    /// The column of the now-line.
    now: usize,
}

impl View {
    fn of(state: &RollState<'_>, columns: usize, lines: usize, look: Look) -> Self {
        let single = look != Look::Colour;
        let pitches = if single { lines } else { lines * 2 };
        let columns = columns - NAMES;
        let now = columns * 4 / 5;
        let first = (state.now_beats * COLUMNS_PER_BEAT).floor() as i64 - now as i64;
        let keys = || state.notes.iter().map(|note| i32::from(note.key.min(127)));
        let middle = i32::midpoint(keys().min().unwrap_or(60), keys().max().unwrap_or(60));
        let reach = pitches as i32;
        let top = (middle + reach / 2).clamp((reach - 1).min(127), 127);
        Self { single, columns, lines, top, pitches, first, now }
    }

    /// Every pitch and column with what sounds there, the player over the machine, what is played over what
    /// is planned.
    fn marks(&self, state: &RollState<'_>) -> Vec<Option<Mark>> {
        let mut marks: Vec<Option<Mark>> = vec![None; self.columns * self.pitches];
        for note in state.notes {
            let column = |beats: f64| (beats * COLUMNS_PER_BEAT).round() as i64;
            let begin = column(note.start_beats).saturating_sub(self.first);
            let end =
                column(note.end_beats()).saturating_sub(self.first).max(begin.saturating_add(1));
            // A pitch out of sight shows on the edge.
            let below = (self.top - i32::from(note.key)).clamp(0, self.pitches as i32 - 1) as usize;
            for at in begin.max(0)..end.min(self.columns as i64) {
                let (part, planned) = (note.part, note.planned);
                let mark = Mark { part, planned, stroke: at == begin };
                let place = &mut marks[below * self.columns + at as usize];
                let rank = |m: &Mark| (!m.planned, m.part == Part::Player, m.stroke);
                if place.is_none_or(|there| rank(&mark) >= rank(&there)) {
                    *place = Some(mark);
                }
            }
        }
        marks
    }

    /// The bar that begins at a column, counted from 1.
    fn bar_at(&self, state: &RollState<'_>, column: usize) -> Option<i64> {
        let bar_columns = state.bar_beats() * COLUMNS_PER_BEAT;
        let time = self.first.saturating_add(column as i64) as f64;
        let bar = (time / bar_columns).ceil();
        ((bar * bar_columns).round() - time).abs().lt(&0.5).then_some(bar as i64 + 1)
    }

    /// The pitches of a line: one, or an upper and a lower.
    fn pitches_of(&self, line: usize) -> std::ops::RangeInclusive<i32> {
        if self.single {
            let pitch = self.top - line as i32;
            pitch..=pitch
        } else {
            let upper = self.top - 2 * line as i32;
            upper - 1..=upper
        }
    }
}

impl Frame {
    /// Puts text on a line, as far as there is room.
    fn text(&mut self, row: usize, column: usize, text: &str, front: u8, back: u8) {
        let line = &mut self.cells[row * self.columns..(row + 1) * self.columns];
        for (cell, glyph) in line.iter_mut().skip(column).zip(text.chars()) {
            *cell = Cell { glyph: if glyph.is_control() { ' ' } else { glyph }, front, back };
        }
    }

    /// Place, tempo, mode, model and counts.
    fn status(&mut self, state: &RollState<'_>) {
        if self.rows() == 0 {
            return;
        }
        self.text(0, 0, &" ".repeat(self.columns), TEXT, STATUS);
        let unit = 4.0 / f64::from(state.meter.denominator.max(1));
        let into_bar = state.now_beats.rem_euclid(state.bar_beats());
        let beat = (into_bar / unit).floor() as i64 + 1;
        let tempo = state.tempo.beats_per_minute();
        let late = if state.late > 0 { ALARM } else { FAINT_TEXT };
        let parts = [
            (format!("{:>4}.{beat}", state.bar().saturating_add(1)), TEXT),
            (format!("{tempo:.0} bpm"), FAINT_TEXT),
            (state.mode.to_owned(), TEXT),
            (state.model.to_owned(), FAINT_TEXT),
            ("█ you".to_owned(), PLAYER.held),
            (format!("█ sideman {}", state.played), MACHINE.held),
            (format!("late {}", state.late), late),
        ];
        let mut column = 0;
        for (text, front) in parts {
            self.text(0, column, &text, front, STATUS);
            column += text.chars().count() + 3;
        }
    }

    fn roll(&mut self, state: &RollState<'_>, view: &View) {
        for column in 0..view.columns {
            if let Some(bar) = view.bar_at(state, column).filter(|bar| *bar > 0) {
                self.text(1, NAMES + column, &bar.to_string(), FAINT_TEXT, GROUND);
            }
        }
        self.text(1, NAMES + view.now, "▼", NOW_LINE, GROUND);
        let marks = view.marks(state);
        for line in 0..view.lines {
            let octave = view.pitches_of(line).find(|p| p % 12 == 0 && (0..128).contains(p));
            if let Some(pitch) = octave {
                let name = format!("{:>4}", Pitch::new(pitch as u8).to_string());
                self.text(line + 2, 0, &name, FAINT_TEXT, GROUND);
            }
            for column in 0..view.columns {
                let at = |pitch: usize| marks.get(pitch * view.columns + column).copied().flatten();
                let ground = match octave {
                    _ if column > view.now => FUTURE,
                    Some(_) => GUIDE,
                    None => GROUND,
                };
                let empty = if column == view.now {
                    Cell { glyph: '│', front: NOW_LINE, back: ground }
                } else if view.bar_at(state, column).is_some() {
                    Cell { glyph: '│', front: BAR_LINE, back: ground }
                } else {
                    Cell { glyph: ' ', front: TEXT, back: ground }
                };
                let cell = if view.single {
                    at(line).map_or(empty, |mark| Cell { glyph: mark.glyph(), ..empty })
                } else {
                    halves(at(2 * line), at(2 * line + 1), empty)
                };
                self.cells[(line + 2) * self.columns + NAMES + column] = cell;
            }
        }
    }
}

/// Two pitches in one character.
fn halves(upper: Option<Mark>, lower: Option<Mark>, empty: Cell) -> Cell {
    match (upper.map(Mark::colour), lower.map(Mark::colour)) {
        (None, None) => empty,
        (Some(front), None) => Cell { glyph: '▀', front, ..empty },
        (None, Some(front)) => Cell { glyph: '▄', front, ..empty },
        (Some(front), Some(back)) => Cell { glyph: '▀', front, back },
    }
}

impl Mark {
    fn colour(self) -> u8 {
        let shades = match self.part {
            Part::Player => PLAYER,
            Part::Machine => MACHINE,
        };
        match self {
            Self { planned: true, .. } => shades.planned,
            Self { stroke: true, .. } => shades.stroke,
            _ => shades.held,
        }
    }

    /// Without colour a thick line is the player, a thin one the machine, dots are plans.
    fn glyph(self) -> char {
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
