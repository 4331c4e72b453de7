//! The page of presets: a search, the list, and how to keep one's own.

use egui::{Frame, Sense, Stroke, TextEdit, Ui, UiBuilder, WidgetInfo};

use crate::window::asked::Asked;
use crate::window::page::wide_button;
use crate::window::palette::{CORNER, Palette};
use crate::window::scene::{PresetCard, Scene};
use crate::window::setting::capital;

/// Draws the page.
pub(super) fn page(
    ui: &mut Ui,
    search: &mut String,
    scene: &Scene<'_>,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    let room = ui.available_width();
    let field = TextEdit::singleline(search)
        .desired_width(room)
        .hint_text("Search")
        .align(egui::Align2::LEFT_CENTER);
    ui.add(field).accessible_name("Search presets");
    if wide_button(ui, "Keep settings as preset")
        .on_hover_text("Saves what is set now in your folder of presets.")
        .clicked()
    {
        asked.push(Asked::SavePreset);
    }
    let mut found = false;
    for (place, card) in scene.presets.iter().enumerate().filter(|(_, card)| fits(card, search)) {
        found = true;
        if show(ui, place, card, scene.preset == Some(place), palette) {
            asked.push(Asked::TakePreset(place));
        }
    }
    if !found {
        ui.weak(if search.trim().is_empty() {
            "There are no presets.".to_owned()
        } else {
            format!("No preset has '{}' in it.", search.trim())
        });
    }
}

/// One preset; all of it is a button.
fn show(ui: &mut Ui, place: usize, card: &PresetCard, is_current: bool, palette: &Palette) -> bool {
    let builder = UiBuilder::new().id_salt(("preset", place)).sense(Sense::click());
    let response = ui
        .scope_builder(builder, |ui| {
            let response = ui.response();
            let (fill, edge) = match (is_current, response.hovered()) {
                (true, _) => (palette.sunken, Stroke::new(2.0, palette.machine)),
                (false, true) => (palette.button_hovered, Stroke::new(1.0, palette.strong_line)),
                (false, false) => (palette.sunken, Stroke::new(1.0, palette.line)),
            };
            let edge = if response.has_focus() { Stroke::new(2.0, palette.text) } else { edge };
            let frame =
                Frame::new().fill(fill).stroke(edge).corner_radius(CORNER).inner_margin(10.0);
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 4.0;
                ui.horizontal(|ui| {
                    ui.strong(&card.name);
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        ui.weak(capital(card.mode));
                        if card.own {
                            ui.colored_label(palette.player_text, "Yours");
                        }
                    });
                });
                if !card.about.is_empty() {
                    ui.label(&card.about);
                }
            });
        })
        .response;
    response.widget_info(|| {
        WidgetInfo::selected(egui::Role::Button, true, is_current, format!("Preset {}", card.name))
    });
    response.clicked()
}

/// Whether every word of a search is in a preset.
fn fits(card: &PresetCard, search: &str) -> bool {
    let own = if card.own { "yours" } else { "" };
    let all = format!("{} {} {} {own}", card.name, card.about, card.mode).to_lowercase();
    search.to_lowercase().split_whitespace().all(|word| all.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_search_must_be_there() {
        let card = PresetCard {
            name: "Blues answers".to_owned(),
            about: "Four bars in the blues scale.".to_owned(),
            mode: "answer",
            own: true,
        };
        for (search, found) in
            [("", true), ("blues", true), ("BLUES four", true), ("yours", true), ("pads", false)]
        {
            assert_eq!(fits(&card, search), found, "{search}");
        }
    }
}
