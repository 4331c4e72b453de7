//! The page on how the engine is doing, what is amiss, and how hosts route MIDI.

use std::time::Duration;

use egui::{Frame, Grid, RichText, Stroke, Ui};

use crate::window::hint::{Hint, device, is_program};
use crate::window::page::heading;
use crate::window::palette::{CORNER, Palette};
use crate::window::route::{self, ALONE, ROUTES};
use crate::window::scene::Scene;

/// Draws the page. `chosen` is the route that is shown; none for that of the host at hand.
pub(super) fn page(
    ui: &mut Ui,
    chosen: &mut Option<usize>,
    hints: &[Hint],
    scene: &Scene<'_>,
    palette: &Palette,
) {
    for hint in hints {
        show(ui, hint, palette);
    }
    if hints.is_empty() {
        ui.colored_label(palette.well, "All is well.");
    }
    ui.add_space(4.0);
    figures(ui, scene, palette);
    ui.add_space(8.0);
    heading(ui, "How to route MIDI", palette);
    let known = if is_program(scene) { Some(ALONE) } else { route::known(scene.host.name) };
    let place = chosen.or(known).unwrap_or(0).min(ROUTES.len() - 1);
    ui.horizontal_wrapped(|ui| {
        for (at, route) in ROUTES.iter().enumerate() {
            if ui.selectable_label(at == place, route.host).clicked() {
                *chosen = Some(at);
            }
        }
    });
    if known.is_none() && chosen.is_none() {
        let host = if scene.host.name.is_empty() { "This host" } else { scene.host.name };
        ui.weak(format!("{host} is not among those that are described here."));
    }
    let route = &ROUTES[place];
    route::picture(ui, route, palette);
    for (number, step) in route.steps.iter().enumerate() {
        ui.label(format!("{}. {step}", number + 1));
    }
}

fn show(ui: &mut Ui, hint: &Hint, palette: &Palette) {
    let edge = if hint.is_trouble { palette.alarm } else { palette.strong_line };
    let frame = Frame::new()
        .fill(palette.sunken)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CORNER)
        .inner_margin(10.0);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        let ink = if hint.is_trouble { palette.alarm } else { palette.text };
        ui.label(RichText::new(&hint.what).color(ink));
        ui.label(&hint.remedy);
    });
}

/// The figures, each with what it is.
fn figures(ui: &mut Ui, scene: &Scene<'_>, palette: &Palette) {
    let health = &scene.health;
    let usual = "The median, and what 99 of 100 stay within.";
    let rows = [
        (
            "Answer",
            latency(health.answer),
            format!("From your key to the first note of Sideman's that could know of it. {usual}"),
        ),
        ("Reaction", latency(health.reaction), format!("What planning takes of that. {usual}")),
        ("Model", latency(health.step), format!("One step of the model. {usual}")),
        ("Device", device(health.device), "Where the model runs.".to_owned()),
        (
            "CPU",
            health
                .cpu
                .map_or("-".to_owned(), |share| format!("{:.1} % of one core", share * 100.0)),
            "What model and audio callback take.".to_owned(),
        ),
        ("Heard", health.heard.to_string(), "Your notes that arrived.".to_owned()),
        ("Played", health.played.to_string(), "Sideman's notes that sounded.".to_owned()),
        ("Late", health.late.to_string(), "Plans and notes that came too late.".to_owned()),
        (
            "Left out",
            health.dropped.to_string(),
            "Notes of Sideman's that were left out.".to_owned(),
        ),
        ("Refused", health.refused.to_string(), "Events that the host did not take.".to_owned()),
    ];
    ui.spacing_mut().interact_size.y = 18.0;
    Grid::new("health").num_columns(2).spacing([16.0, 4.0]).min_row_height(18.0).show(ui, |ui| {
        for (name, value, about) in rows {
            ui.label(RichText::new(name).color(palette.muted)).on_hover_text(&about);
            let is_bad = matches!(name, "Late" | "Refused") && value != "0";
            let ink = if is_bad { palette.alarm } else { palette.text };
            ui.label(RichText::new(value).color(ink)).on_hover_text(about);
            ui.end_row();
        }
    });
}

/// The median and the 99th percentile.
pub(super) fn latency(times: Option<[Duration; 2]>) -> String {
    let millis = |time: Duration| {
        let millis = time.as_secs_f64() * 1000.0;
        if millis < 10.0 { format!("{millis:.1}") } else { format!("{millis:.0}") }
    };
    times.map_or("-".to_owned(), |[usual, worst]| {
        format!("{} ms, 99 % within {} ms", millis(usual), millis(worst))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_read_in_milliseconds() {
        let times = [Duration::from_micros(4_240), Duration::from_millis(31)];
        assert_eq!(latency(Some(times)), "4.2 ms, 99 % within 31 ms");
        assert_eq!(latency(None), "-");
    }
}
