//! The page on the window's own looks: its size and its colours.

use egui::{Context, Ui};

use crate::window::look::{Ground, Look, ZOOM};
use crate::window::page::heading;
use crate::window::palette::Palette;

/// The sizes that one steps through.
const SIZES: [f32; 10] = [0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0];

/// Draws the page; says whether something was changed.
pub(super) fn page(ui: &mut Ui, look: &mut Look, palette: &Palette) -> bool {
    let before = *look;
    heading(ui, "Size", palette);
    ui.horizontal_wrapped(|ui| {
        for size in SIZES {
            let text = format!("{:.0} %", size * 100.0);
            if ui.selectable_label((look.zoom - size).abs() < 0.01, text).clicked() {
                look.zoom = size;
            }
        }
    });
    ui.weak("Also Ctrl and plus, minus or 0, where the host leaves these keys to the window.");
    ui.add_space(8.0);
    heading(ui, "Colours", palette);
    ui.horizontal(|ui| {
        for (ground, name) in [(Ground::Dark, "Dark"), (Ground::Light, "Light")] {
            if ui.selectable_label(look.ground == ground, name).clicked() {
                look.ground = ground;
            }
        }
    });
    *look != before
}

/// Zooms by the keys that do so everywhere; says whether it did.
pub(super) fn zoom_by_keys(ctx: &Context, look: &mut Look) -> bool {
    use egui::{Key, Modifiers};
    let before = look.zoom;
    ctx.input_mut(|input| {
        for (key, step) in [(Key::Plus, 1), (Key::Equals, 1), (Key::Minus, -1)] {
            if input.consume_key(Modifiers::COMMAND, key) {
                look.zoom = stepped(look.zoom, step);
            }
        }
        if input.consume_key(Modifiers::COMMAND, Key::Num0) {
            look.zoom = 1.0;
        }
    });
    (look.zoom - before).abs() > f32::EPSILON
}

/// The next size, or the one before.
fn stepped(zoom: f32, step: i32) -> f32 {
    const NEAR: f32 = 0.01;
    let next = if step > 0 {
        SIZES.into_iter().find(|size| *size > zoom + NEAR)
    } else {
        SIZES.into_iter().rev().find(|size| *size < zoom - NEAR)
    };
    next.unwrap_or(zoom).clamp(ZOOM[0], ZOOM[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoom_steps_from_end_to_end_and_no_further() {
        let mut zoom = ZOOM[0];
        for _ in 0..SIZES.len() {
            zoom = stepped(zoom, 1);
        }
        assert!((zoom - ZOOM[1]).abs() < 1e-6);
        assert!((stepped(1.0, -1) - 0.9).abs() < 1e-6);
        assert!((stepped(0.8, 1) - 0.9).abs() < 1e-6);
        assert!((stepped(ZOOM[0], -1) - ZOOM[0]).abs() < 1e-6);
    }
}
