//! The page of models: a card for each, a field for a folder, and the training of new ones.

use std::path::PathBuf;

use egui::{Button, Frame, RichText, Stroke, TextEdit, Ui};

use crate::window::asked::Asked;
use crate::window::page::heading;
use crate::window::palette::{CORNER, Palette, SMALL};
use crate::window::scene::{ModelCard, Scene};
use crate::window::setting::capital;
use crate::window::training::{self, Offer};

/// What is typed on the page.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Models {
    path: String,
    pub(super) offer: Offer,
}

/// Draws the page.
pub(super) fn page(
    ui: &mut Ui,
    models: &mut Models,
    scene: &Scene<'_>,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    if let Some(training) = scene.training {
        training::panel(ui, &mut models.offer, training, palette, asked);
        ui.add_space(8.0);
    }
    if let Some(problem) = scene.model_problem {
        ui.colored_label(palette.alarm, problem);
    }
    for (place, card) in scene.models.iter().enumerate() {
        show(ui, place, card, scene.model == Some(place), palette, asked);
    }
    if scene.models.is_empty() {
        ui.weak("No models were found.");
    }
    ui.add_space(4.0);
    heading(ui, "Open a folder", palette);
    ui.weak("A model's folder plays at once. A folder of MIDI files can be learnt from. Drop it on the window, or type or paste its path:");
    ui.horizontal(|ui| {
        let room = ui.available_width() - 80.0;
        let field = TextEdit::singleline(&mut models.path)
            .desired_width(room)
            .hint_text("Folder")
            .align(egui::Align2::LEFT_CENTER);
        let response = ui.add(field).accessible_name("Path of a folder");
        let entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let path = models.path.trim();
        let opened = ui.add_enabled(!path.is_empty(), Button::new("Open")).clicked();
        if (entered || opened) && !path.is_empty() {
            asked.push(Asked::Open(PathBuf::from(path)));
            models.path.clear();
        }
    });
    if ui.button("Look again").on_hover_text("Reads the list of models and presets anew.").clicked()
    {
        asked.push(Asked::Refresh);
    }
}

/// One model.
fn show(
    ui: &mut Ui,
    place: usize,
    card: &ModelCard,
    is_current: bool,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    let edge = if is_current { palette.machine } else { palette.line };
    let frame = Frame::new()
        .fill(palette.sunken)
        .stroke(Stroke::new(if is_current { 2.0 } else { 1.0 }, edge))
        .corner_radius(CORNER)
        .inner_margin(12.0);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.horizontal(|ui| {
            ui.strong(&card.name);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if is_current {
                    ui.colored_label(palette.machine_text, "Playing");
                } else if card.problem.is_none() {
                    let button =
                        ui.button("Play").accessible_name(format!("Play model {}", card.name));
                    if button.clicked() {
                        asked.push(Asked::ChooseModel(place));
                    }
                }
            });
        });
        if let Some(problem) = &card.problem {
            ui.colored_label(palette.alarm, format!("Can't be used: {problem}"));
        }
        let facts = facts(card);
        if !facts.is_empty() {
            ui.label(facts);
        }
        if let Some(nats) = card.nats_per_note {
            ui.label(format!("Foretells unheard music at {nats:.2} nats a note")).on_hover_text(
                "How well it foretells music that it never saw: lower is better. \
                 exp(nats) is among how many equally likely notes it is left guessing.",
            );
        }
        if !card.styles.is_empty() {
            let styles: Vec<_> = card.styles.iter().map(|style| capital(style)).collect();
            ui.label(format!("Styles: {}", styles.join(", ")));
        }
        for (name, licence) in &card.sources {
            ui.label(RichText::new(format!("{name} ({licence})")).size(SMALL).color(palette.muted));
        }
        if let Some(folder) = &card.folder {
            let path = folder.display().to_string();
            let text = RichText::new(&path).size(SMALL).color(palette.muted);
            ui.add(egui::Label::new(text).truncate()).on_hover_text(path);
        }
    });
}

/// What it is and what it was trained on, in a line.
fn facts(card: &ModelCard) -> String {
    let mut facts = Vec::new();
    if !card.recipe.is_empty() {
        facts.push(capital(&card.recipe));
    }
    if card.parameters > 0 {
        facts.push(format!("{} weights", grouped(card.parameters)));
    }
    if card.pieces > 0 {
        facts.push(format!("{} pieces", grouped(card.pieces)));
    }
    if card.notes > 0 {
        facts.push(format!("{} notes", grouped(card.notes)));
    }
    facts.join(", ")
}

/// A number as people read large ones.
fn grouped(number: usize) -> String {
    match number {
        0..=99_999 => {
            let (thousands, rest) = (number / 1000, number % 1000);
            if thousands == 0 { rest.to_string() } else { format!("{thousands},{rest:03}") }
        }
        _ => format!("{:.1} million", number as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!(
            [999, 1000, 12_345, 1_250_000].map(grouped),
            ["999", "1,000", "12,345", "1.2 million"]
        );
    }
}
