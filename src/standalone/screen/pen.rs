//! Writes on one line of the screen, from the left, item by item: what does not fit whole is left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

/// A place on a line.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
}

impl<'a> Pen<'a> {
    /// At the left end of an area's first line.
    pub(super) fn on(buffer: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        let end = if area.height == 0 { area.x } else { area.right() };
        Self { buffer, x: area.x, y: area.y, end }
    }

    /// Columns that are left.
    pub(super) const fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// Leaves columns free.
    pub(super) fn skip(&mut self, columns: u16) {
        self.x = self.x.saturating_add(columns).min(self.end);
    }

    /// Writes pieces that belong together, or nothing.
    pub(super) fn put(&mut self, pieces: &[(&str, Style)]) -> bool {
        let fits = width(pieces) <= usize::from(self.room());
        if fits {
            self.squeeze(pieces);
        }
        fits
    }

    /// Writes as much as fits.
    pub(super) fn squeeze(&mut self, pieces: &[(&str, Style)]) {
        for (text, style) in pieces {
            if self.room() > 0 {
                let room = self.room().into();
                (self.x, _) = self.buffer.set_stringn(self.x, self.y, text, room, *style);
            }
        }
    }

    /// Writes at the right end, which is then gone, or nothing.
    pub(super) fn put_right(&mut self, pieces: &[(&str, Style)]) -> bool {
        let width = width(pieces);
        let fits = width <= usize::from(self.room());
        if fits {
            let (end, x) = (self.end, self.x);
            self.x = end - width as u16;
            self.squeeze(pieces);
            self.end = end - width as u16;
            self.x = x;
        }
        fits
    }
}

/// Columns that pieces take.
pub(super) fn width(pieces: &[(&str, Style)]) -> usize {
    pieces.iter().map(|(text, _)| Span::raw(*text).width()).sum()
}

/// Text in lines of so many characters, broken between words where it can be.
pub(super) fn wrapped(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
