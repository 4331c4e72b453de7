//! The page that keeps what Sideman has just played.

use egui::{CursorIcon, RichText, Sense, Ui};

use crate::window::asked::Asked;
use crate::window::page::{heading, strong_button};
use crate::window::palette::{Palette, SMALL};
use crate::window::scene::Scene;

/// How many bars can be captured; 0 is all.
const BARS: [u32; 4] = [4, 8, 16, 0];

/// What is chosen on the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Capture {
    bars: u32,
}

impl Default for Capture {
    fn default() -> Self {
        Self { bars: BARS[1] }
    }
}

/// Draws the page.
pub(super) fn page(
    ui: &mut Ui,
    capture: &mut Capture,
    scene: &Scene<'_>,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    ui.label("Nothing that was played is gone: keep Sideman's last bars as a MIDI file.");
    ui.horizontal_wrapped(|ui| {
        for bars in BARS {
            let text = if bars == 0 { "All".to_owned() } else { format!("{bars} bars") };
            if ui.selectable_label(capture.bars == bars, text).clicked() {
                capture.bars = bars;
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        if strong_button(ui, "Capture", palette).clicked() {
            asked.push(Asked::Capture(capture.bars));
        }
        if scene.host.drags_out {
            let handle =
                ui.add(egui::Button::new("Drag to a track").sense(Sense::click_and_drag()));
            let handle = handle.on_hover_and_drag_cursor(CursorIcon::Grab);
            let hint = "Press here, drag the file to a track or a folder and let go of it there.";
            if handle.on_hover_text(hint).drag_started() {
                asked.push(Asked::DragOut(capture.bars));
            }
        }
    });
    let Some(path) = scene.captured else { return };
    ui.add_space(8.0);
    heading(ui, "Captured", palette);
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    ui.label(RichText::new(name).color(palette.machine_text));
    let full = path.display().to_string();
    let folder = RichText::new(&full).size(SMALL).color(palette.muted);
    ui.add(egui::Label::new(folder).wrap());
    ui.horizontal_wrapped(|ui| {
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(full);
        }
        if ui.button("Reveal").on_hover_text("Shows the file in your file browser.").clicked() {
            asked.push(Asked::Reveal);
        }
    });
}
