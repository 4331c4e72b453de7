//! The overlay that says what all keys do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget as _};

use crate::standalone::action::Action;

use super::Look;
use super::palette::Palette;
use super::pen::Pen;
use super::status::{key_name, legend};

/// Columns of the box.
const COLUMNS: u16 = 46;
/// Columns of the keys' names.
const KEY: usize = 8;

/// Keys that are no actions.
const OTHERS: [(&str, &str); 6] = [
    LEARN,
    ("Tab", "settings and presets"),
    ("Esc", "closes what is open"),
    ("?", "this page"),
    ("q, ^C", "the end; both parts are kept"),
    ("^P", "panic, even while you type"),
];

/// Where there are controls to learn.
const LEARN: (&str, &str) = ("l", "learns a pedal, knob or pad");

/// Draws the overlay in the middle.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, actions: &[Action], look: Look) {
    let palette = Palette::of(look);
    let lines = (actions.len() + OTHERS.len() + 5) as u16;
    let (width, height) = (COLUMNS.min(area.width), lines.min(area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(place, buffer);
    buffer.set_style(place, palette.panel);
    let mut y = place.y;
    let mut line = |pieces: &[(&str, Style)]| {
        if y < place.bottom() {
            let mut pen = Pen::on(buffer, Rect { y, height: 1, ..place });
            pen.skip(2);
            pen.squeeze(pieces);
        }
        y += 1;
    };
    line(&[(" keys ", palette.lit)]);
    line(&[]);
    for action in actions {
        let key = format!("{:<KEY$}", key_name(*action));
        line(&[(&key, palette.strong), (action.about(), palette.text)]);
    }
    let learns = actions.contains(&Action::Capture);
    for (key, about) in OTHERS.into_iter().filter(|other| learns || *other != LEARN) {
        let key = format!("{key:<KEY$}");
        line(&[(&key, palette.strong), (about, palette.text)]);
    }
    line(&[]);
    let [you, machine, planned] = legend(look);
    let gap = ("   ", palette.text);
    line(&[(you, palette.player), gap, (machine, palette.machine), gap, (planned, palette.faint)]);
}
