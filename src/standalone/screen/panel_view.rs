//! How the panel of settings and presets looks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::link::settings::Settings;
use crate::preset::dial::Dial;
use crate::preset::parameter::{self, Listed};

use super::palette::Palette;
use super::panel::{Page, Panel};
use super::pen::{Pen, wrapped};

/// Columns of a setting's name and of its value.
const NAME: usize = 15;
const VALUE: usize = 16;
/// The columns of a slider, and the fewest that tell something.
const SLIDER: u16 = 11;
const LEAST_SLIDER: u16 = 5;

/// Draws the panel.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    panel: &Panel,
    settings: &Settings,
    palette: &Palette,
) {
    buffer.set_style(area, palette.panel);
    for y in area.top()..area.bottom() {
        buffer.set_stringn(area.x, y, "▏", area.width.min(1).into(), palette.faint);
    }
    let inside = Rect {
        x: area.x.saturating_add(2).min(area.right()),
        width: area.width.saturating_sub(3),
        ..area
    };
    let line = |nth: u16| Rect { y: inside.y + nth, height: 1, ..inside };
    if inside.height == 0 || inside.width == 0 {
        return;
    }
    title(buffer, line(0), panel, palette);
    let listed = parameter::list(settings);
    let about = about(panel, &listed, inside.width, palette);
    // The list has half at least; what is said of a line has the rest.
    let below = inside.height.saturating_sub(1);
    let about_lines = (about.len() as u16 + 1).min(below / 2);
    let rows = below - about_lines;
    let count = match panel.page {
        Page::Settings => listed.len(),
        Page::Presets => panel.bank.entries.len(),
    };
    let first = (panel.chosen() + 1).saturating_sub(usize::from(rows).div_ceil(2) + 1);
    let first = first.min(count.saturating_sub(rows.into()));
    for row in 0..rows {
        let nth = first + usize::from(row);
        let area = line(1 + row);
        match panel.page {
            Page::Settings => {
                if let Some(listed) = listed.get(nth) {
                    setting(buffer, area, (panel, nth == panel.chosen()), listed, palette);
                }
            }
            Page::Presets => {
                if let Some(entry) = panel.bank.entries.get(nth) {
                    let plays = entry.preset.over(settings) == *settings;
                    preset(
                        buffer,
                        area,
                        (&entry.preset.name, nth == panel.chosen()),
                        plays,
                        palette,
                    );
                }
            }
        }
    }
    for (nth, (text, style)) in about.iter().take(about_lines.saturating_sub(1).into()).enumerate()
    {
        Pen::on(buffer, line(below - about_lines + 2 + nth as u16)).squeeze(&[(text, *style)]);
    }
}

fn title(buffer: &mut Buffer, area: Rect, panel: &Panel, palette: &Palette) {
    let mut pen = Pen::on(buffer, area);
    for (page, name) in [(Page::Settings, " settings "), (Page::Presets, " presets ")] {
        pen.put(&[(name, if page == panel.page { palette.lit } else { palette.faint })]);
    }
    pen.put_right(&[
        ("Tab", palette.strong),
        (" other ", palette.faint),
        ("Esc", palette.strong),
        (" close", palette.faint),
    ]);
}

fn marked(chosen: bool, palette: &Palette) -> (&'static str, Style) {
    if chosen { ("▸ ", palette.strong) } else { ("  ", palette.text) }
}

fn setting(
    buffer: &mut Buffer,
    area: Rect,
    (panel, chosen): (&Panel, bool),
    listed: &Listed,
    palette: &Palette,
) {
    let mut pen = Pen::on(buffer, area);
    let is_new = listed.value != listed.default;
    let name = format!("{:<NAME$}", listed.name);
    let style = if chosen { palette.strong } else { palette.text };
    pen.squeeze(&[marked(chosen, palette), (&name, style)]);
    if let Some(typed) = panel.typed.as_ref().filter(|_| chosen) {
        pen.squeeze(&[("  ", palette.text), (typed, palette.strong), ("▏", palette.strong)]);
        return;
    }
    // What differs from the default is marked.
    let mark = if is_new { ("• ", palette.player) } else { ("  ", palette.text) };
    let value = format!("{:<VALUE$}", listed.value);
    let style = match (chosen, is_new) {
        (true, _) => palette.strong,
        (_, true) => palette.text,
        _ => palette.faint,
    };
    pen.squeeze(&[mark, (&value, style)]);
    let room = pen.room().saturating_sub(1).min(SLIDER);
    let share = Dial::of(listed).share(&listed.value).filter(|_| room >= LEAST_SLIDER);
    if let Some(share) = share {
        let knob = (share * f64::from(room - 1)).round() as usize;
        let (left, right) = ("━".repeat(knob), "─".repeat(usize::from(room - 1) - knob));
        let knob = if chosen { palette.strong } else { palette.machine };
        pen.put(&[
            (" ", palette.text),
            (&left, palette.machine),
            ("●", knob),
            (&right, palette.faint),
        ]);
    }
}

fn preset(
    buffer: &mut Buffer,
    area: Rect,
    (name, chosen): (&str, bool),
    plays: bool,
    palette: &Palette,
) {
    let style = if chosen { palette.strong } else { palette.text };
    let mark = if plays { ("● ", palette.machine) } else { ("  ", palette.text) };
    Pen::on(buffer, area).squeeze(&[marked(chosen, palette), mark, (name, style)]);
}

/// What is said of the chosen line: why it could not be changed, what it does, what it takes, what the keys do.
fn about(
    panel: &Panel,
    listed: &[Listed],
    columns: u16,
    palette: &Palette,
) -> Vec<(String, Style)> {
    let mut lines = Vec::new();
    let mut say =
        |text: &str, style| lines.extend(wrapped(text, columns).into_iter().map(|l| (l, style)));
    if let Some(problem) = &panel.problem {
        say(problem, palette.alarm);
    }
    match panel.page {
        Page::Settings => {
            let Some(listed) = listed.get(panel.chosen()) else { return lines };
            say(listed.about, palette.text);
            let takes = format!("{} ({}), default {}", listed.range, listed.unit, listed.default);
            say(&takes, palette.faint);
            let hint = if panel.typed.is_some() {
                "Enter takes it, Esc does not"
            } else {
                "←→ change, with Shift faster; Enter or digits: type a value; Backspace: default"
            };
            say(hint, palette.faint);
        }
        Page::Presets => {
            let Some(entry) = panel.bank.entries.get(panel.chosen()) else { return lines };
            say(&entry.preset.about, palette.text);
            if let Some(model) = &entry.preset.model {
                say(&format!("for the model {model}"), palette.faint);
            }
            say("Enter plays with it; channels stay", palette.faint);
        }
    }
    lines
}
