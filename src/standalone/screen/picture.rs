//! The whole screen: what lies where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use super::Look;
use super::palette::Palette;
use super::pen::{Pen, width};
use super::roll::Roll;
use super::scene::Scene;
use super::ui::{Overlay, Ui};
use super::{help, panel_view, status};

/// Columns of the panel beside the roll, and of the narrowest screen that has room for both.
const PANEL_COLUMNS: u16 = 50;
const BOTH_COLUMNS: u16 = 86;

/// Where the parts of the screen are. A part that has no room is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    head: Rect,
    pub(super) roll: Rect,
    panel: Rect,
    foot: Rect,
}

impl Parts {
    /// The parts of a screen of this size.
    pub(super) fn of(area: Rect, overlay: Option<&Overlay>) -> Self {
        let head = match area.height {
            0 => 0,
            1..6 => 1,
            _ => 2,
        };
        let foot = match area.height {
            0..8 => 0,
            8..14 => 1,
            _ => 2,
        };
        let middle = Rect { y: area.y + head, height: area.height - head - foot, ..area };
        let panel = match overlay {
            Some(Overlay::Panel(_)) if area.width >= BOTH_COLUMNS => PANEL_COLUMNS,
            Some(Overlay::Panel(_)) => area.width,
            _ => 0,
        };
        Self {
            head: Rect { height: head, ..area },
            roll: Rect { width: area.width - panel, ..middle },
            panel: Rect { x: area.right() - panel, width: panel, ..middle },
            foot: Rect { y: middle.bottom(), height: foot, ..area },
        }
    }
}

/// Draws a scene, as the screen has it in mind.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>, look: Look, ui: &Ui) {
    let palette = Palette::of(look);
    buffer.set_style(area, palette.ground);
    let parts = Parts::of(area, ui.overlay.as_ref());
    Roll { scene, look, camera: &ui.camera }.render(parts.roll, buffer);
    if scene.notes.is_empty() && !scene.running {
        welcome(buffer, parts.roll, scene, &palette);
    }
    status::head(buffer, parts.head, scene, &palette);
    status::foot(buffer, parts.foot, (scene, ui), look, &palette);
    match &ui.overlay {
        Some(Overlay::Panel(panel)) => {
            panel_view::draw(buffer, parts.panel, panel, scene.settings, &palette);
        }
        Some(Overlay::Help) => help::draw(buffer, parts.roll, scene.actions, look),
        None => {}
    }
}

/// What is said before the first note.
fn welcome(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>, palette: &Palette) {
    let words =
        if scene.model.is_empty() { " Loading the model ... " } else { " Play: Sideman listens. " };
    let line = [(words, palette.strong)];
    let columns = width(&line) as u16;
    if area.width > columns && area.height > 2 {
        let x = area.x + (area.width - columns) / 2;
        let place = Rect { x, y: area.y + area.height / 2, width: columns, height: 1 };
        buffer.set_style(place, palette.panel);
        Pen::on(buffer, place).put(&line);
    }
}
