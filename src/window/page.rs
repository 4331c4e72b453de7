//! The pages beside the roll, and what they have in common: a title, headings, buttons.

use egui::{Button, Response, RichText, Ui, vec2};

use crate::window::palette::{LARGE, Palette, TEXT};

/// A page that lies beside the roll.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    /// The models, and training.
    Models,
    /// The presets.
    Presets,
    /// Keeping what was played.
    Capture,
    /// How the engine is doing, what is amiss, and how hosts route MIDI.
    Health,
    /// Size and colours.
    Look,
}

impl Page {
    /// All of them, in the order of the rail.
    pub const ALL: [Self; 5] =
        [Self::Models, Self::Presets, Self::Capture, Self::Health, Self::Look];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Models => "Models",
            Self::Presets => "Presets",
            Self::Capture => "Capture",
            Self::Health => "Health",
            Self::Look => "Look",
        }
    }

    /// What it is for, in a line.
    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Models => "Choose a model, or train one on your own music.  [M]",
            Self::Presets => "Begin with a preset, or keep your settings as one.",
            Self::Capture => "Keep what Sideman has just played as a MIDI file.",
            Self::Health => "Latency, what is amiss, and how to route MIDI.  [H]",
            Self::Look => "The window's size and colours.",
        }
    }
}

/// The head of a page; says whether it is to be closed.
pub(super) fn title(ui: &mut Ui, page: Page) -> bool {
    ui.horizontal(|ui| {
        ui.label(RichText::new(page.name()).size(LARGE).strong());
        let layout = egui::Layout::right_to_left(egui::Align::Center);
        let close = |ui: &mut Ui| ui.button("Close").accessible_name("Close the page").clicked();
        ui.with_layout(layout, close).inner
    })
    .inner
}

/// A heading on a page.
pub(super) fn heading(ui: &mut Ui, text: &str, palette: &Palette) {
    ui.label(RichText::new(text).size(TEXT).strong().color(palette.text));
}

/// The button that one most likely came for.
pub(super) fn strong_button(ui: &mut Ui, text: &str, palette: &Palette) -> Response {
    let text = RichText::new(text).color(palette.on_machine);
    ui.add_sized(vec2(96.0, 32.0), Button::new(text).fill(palette.machine))
}

/// A button as wide as the page.
pub(super) fn wide_button(ui: &mut Ui, text: &str) -> Response {
    ui.add_sized(vec2(ui.available_width(), 32.0), Button::new(text))
}
