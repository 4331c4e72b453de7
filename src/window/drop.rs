//! Files over the window: what a drop will do, and what was dropped.

use std::path::Path;

use egui::{Align2, Context, Id, LayerId, Order, Rect, Stroke, StrokeKind};

use crate::window::asked::Asked;
use crate::window::palette::{LARGE, Palette, TEXT, font};

/// Takes what was dropped, and says what a drop will do while something hovers.
///
/// A capture that is dragged out passes over the window, and may be let go of there: that is no drop.
pub(super) fn files(
    ctx: &Context,
    rect: Rect,
    captured: Option<&Path>,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    let is_other = |path: Option<&Path>| path.is_none() || path != captured;
    let (hovered, dropped) = ctx.input(|input| {
        let dropped = input.raw.dropped_files.iter().map(|file| file.path().to_owned());
        let hovered = input.raw.hovered_files.iter().cloned();
        let hovered = hovered.filter(|file| is_other(file.path.as_deref()));
        (
            hovered.collect::<Vec<_>>(),
            dropped.filter(|path| is_other(Some(path))).collect::<Vec<_>>(),
        )
    });
    asked.extend(dropped.into_iter().map(Asked::Open));
    let Some(first) = hovered.first() else { return };
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop")));
    painter.rect_filled(rect, 0.0, palette.ground.gamma_multiply(0.94));
    let frame = rect.shrink(24.0);
    painter.rect_stroke(frame, 8.0, Stroke::new(2.0, palette.machine), StrokeKind::Inside);
    let name = first.path.as_ref().and_then(|path| path.file_name());
    let name = name.map_or("what you hold".to_owned(), |name| name.to_string_lossy().into_owned());
    let lines = [
        (format!("Drop {name}"), LARGE, palette.text),
        ("A model's folder plays at once.".to_owned(), TEXT, palette.text),
        ("A folder of MIDI files is offered for training.".to_owned(), TEXT, palette.text),
    ];
    let mut at = frame.center() - egui::vec2(0.0, 32.0);
    for (text, size, ink) in lines {
        painter.text(at, Align2::CENTER_CENTER, text, font(size), ink);
        at.y += 28.0;
    }
}
