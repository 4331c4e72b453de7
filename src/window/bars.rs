//! The bars around the roll: the head with what must always be in reach, the modes, the rail of pages, the foot.

use egui::{
    Align, Align2, Button, Color32, Layout, Painter, Pos2, Rect, Response, RichText, Role, Sense,
    Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::link::settings::Mode;
use crate::music::pitch::Pitch;
use crate::window::asked::Asked;
use crate::window::camera::Span;
use crate::window::hand::put;
use crate::window::health::latency;
use crate::window::hint::{Hint, device};
use crate::window::page::Page;
use crate::window::palette::{CORNER, LARGE, Palette, SMALL, TEXT, font};
use crate::window::scene::Scene;
use crate::window::setting::{capital, meaning};

/// Heights of head, foot and modes, where there is little room and where there is enough, and the width of the rail.
pub(super) const HEAD: [f32; 2] = [40.0, 48.0];
pub(super) const FOOT: [f32; 2] = [22.0, 28.0];
pub(super) const MODES: [f32; 2] = [30.0, 44.0];
pub(super) const RAIL: f32 = 68.0;

/// The head: where the music is, and what must always be in reach. Says whether the presets are asked for.
pub(super) fn head(
    ui: &mut Ui,
    rect: Rect,
    scene: &Scene<'_>,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) -> bool {
    ui.painter().rect_filled(rect, 0.0, palette.raised);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.line));
    let inner = Rect::from_center_size(rect.center(), vec2(rect.width() - 24.0, 32.0));
    let right = Layout::right_to_left(Align::Center);
    let mut buttons =
        ui.new_child(UiBuilder::new().max_rect(inner).layout(right).id_salt("always"));
    reach(&mut buttons, scene, palette, asked);
    let room = inner.with_max_x(buttons.min_rect().left() - 12.0);
    let left = Layout::left_to_right(Align::Center);
    let mut rest = ui.new_child(UiBuilder::new().max_rect(room).layout(left).id_salt("where"));
    rest.shrink_clip_rect(room.expand(2.0));
    whereabouts(&mut rest, room.width(), scene, palette)
}

/// Panic, tap, freeze and active: from the right, so that they stay when there is little room.
fn reach(ui: &mut Ui, scene: &Scene<'_>, palette: &Palette, asked: &mut Vec<Asked>) {
    let size = vec2(72.0, 32.0);
    let panic = Button::new(RichText::new("Panic").color(palette.alarm).strong())
        .stroke(Stroke::new(1.0, palette.alarm))
        .min_size(size);
    if ui.add(panic).on_hover_text("Silences everything.  [P]").clicked() {
        asked.push(Asked::Panic);
    }
    if ui
        .add(Button::new("Tap").min_size(size))
        .on_hover_text("Tap the beat to set the tempo.")
        .clicked()
    {
        asked.push(Asked::Tap);
    }
    let settings = scene.settings;
    for (name, text, is_on, about) in [
        (
            "freeze",
            "Freeze",
            settings.freeze,
            "Repeats the last two bars instead of going on.  [F]",
        ),
        (
            "active",
            "Active",
            settings.active,
            "Whether Sideman plays at all; it listens in any case.",
        ),
    ] {
        let button = Button::new(text).selected(is_on).min_size(size);
        if ui.add(button).on_hover_text(about).clicked() {
            put(name, if is_on { "off" } else { "on" }.to_owned(), asked);
        }
    }
}

fn whereabouts(ui: &mut Ui, room: f32, scene: &Scene<'_>, palette: &Palette) -> bool {
    ui.spacing_mut().item_spacing.x = 16.0;
    if room > 560.0 {
        ui.label(RichText::new("Sideman").size(LARGE).strong().color(palette.text));
    }
    let preset = scene.preset.and_then(|place| scene.presets.get(place));
    let name = preset.map_or("Presets", |preset| &preset.name);
    let button = Button::new(name).truncate().min_size(vec2(0.0, 32.0));
    let width = if room > 420.0 { 176.0 } else { 120.0 };
    let chosen = ui.add_sized(vec2(width, 32.0), button).accessible_name("Choose a preset");
    let asked = chosen.on_hover_text("Choose a preset.").clicked();
    let span = Span::of(scene);
    let (bar, beat) = span.place();
    let place = ui.label(RichText::new(format!("{bar}.{beat}")).size(LARGE).color(palette.text));
    place.on_hover_text("Bar and beat.");
    let tempo = format!("{:.1} BPM", scene.tempo.beats_per_minute());
    ui.label(RichText::new(tempo).color(palette.text));
    if room > 480.0 {
        let (text, about) = if scene.host_leads {
            ("Host leads", "Tempo and bars are those of the host's transport.")
        } else if scene.settings.follow_tempo {
            ("Follows you", "Tempo and beat are followed from your playing.")
        } else {
            ("Own tempo", "Sideman keeps the tempo that is set.")
        };
        ui.label(RichText::new(text).color(palette.muted)).on_hover_text(about);
    }
    asked
}

/// The row of modes.
pub(super) fn modes(
    ui: &mut Ui,
    rect: Rect,
    scene: &Scene<'_>,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    let count = Mode::ALL.len() as f32;
    let gap = 8.0;
    let width = (rect.width() - gap * (count - 1.0)) / count;
    for (number, mode) in Mode::ALL.into_iter().enumerate() {
        let left = rect.left() + number as f32 * (width + gap);
        let place = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        let is_chosen = scene.settings.mode == mode;
        let name = capital(mode.name());
        let response = ui.interact(place, ui.scope_id().with(("mode", number)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &name));
        let switch = scene.settings.key_switches.then(|| Pitch::new(number as u8).to_string());
        paint_mode(ui.painter(), place, &name, switch.as_deref(), is_chosen, &response, palette);
        if response.clicked() {
            put("mode", mode.name().to_owned(), asked);
        }
        let mut about = format!("{}  [{}]", meaning(mode), number + 1);
        if let Some(key) = switch {
            about = format!("{about}\nYour key {key} chooses it too.");
        }
        response.on_hover_text(about);
    }
}

fn paint_mode(
    painter: &Painter,
    place: Rect,
    name: &str,
    switch: Option<&str>,
    is_chosen: bool,
    response: &Response,
    palette: &Palette,
) {
    let (fill, ink) = match (is_chosen, response.hovered()) {
        (true, _) => (palette.machine, palette.on_machine),
        (false, true) => (palette.button_hovered, palette.text),
        (false, false) => (palette.button, palette.text),
    };
    let edge = match (response.has_focus(), is_chosen) {
        (true, _) => Stroke::new(2.0, palette.text),
        (false, true) => Stroke::NONE,
        (false, false) => Stroke::new(1.0, palette.line),
    };
    painter.rect(place, CORNER, fill, edge, StrokeKind::Inside);
    let up = if switch.is_some() { 7.0 } else { 0.0 };
    painter.text(
        place.center() - vec2(0.0, up),
        Align2::CENTER_CENTER,
        name,
        font(TEXT + 1.0),
        ink,
    );
    if let Some(key) = switch {
        painter.text(place.center() + vec2(0.0, 9.0), Align2::CENTER_CENTER, key, font(SMALL), ink);
    }
}

/// The rail of pages. Gives the one that was pressed.
pub(super) fn rail(ui: &mut Ui, rect: Rect, open: Option<Page>, palette: &Palette) -> Option<Page> {
    ui.painter().rect_filled(rect, 0.0, palette.raised);
    ui.painter().vline(rect.right() - 0.5, rect.y_range(), Stroke::new(1.0, palette.line));
    let mut pressed = None;
    let height = (rect.height() / Page::ALL.len() as f32).min(64.0);
    for (place, page) in Page::ALL.into_iter().enumerate() {
        let corner = rect.min + vec2(4.0, 4.0 + place as f32 * height);
        let room = Rect::from_min_size(corner, vec2(rect.width() - 9.0, height - 4.0));
        let is_open = open == Some(page);
        let response = ui.interact(room, ui.scope_id().with(page.name()), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_open, page.name()));
        let lively = is_open || response.hovered();
        if lively {
            ui.painter().rect_filled(room, CORNER, palette.button);
        }
        if is_open {
            ui.painter().rect_filled(room.with_max_x(room.left() + 2.0), 0.0, palette.machine);
        }
        if response.has_focus() {
            let ring = Stroke::new(2.0, palette.text);
            ui.painter().rect_stroke(room, CORNER, ring, StrokeKind::Inside);
        }
        let ink = if lively { palette.text } else { palette.muted };
        let icon_at = pos2(room.center().x, room.center().y - 9.0);
        icon(ui.painter(), icon_at, page, ink);
        let text_at = pos2(room.center().x, room.center().y + 14.0);
        ui.painter().text(text_at, Align2::CENTER_CENTER, page.name(), font(SMALL), ink);
        if response.clicked() {
            pressed = Some(page);
        }
        response.on_hover_text(page.about());
    }
    pressed
}

/// A page's sign.
fn icon(painter: &Painter, at: Pos2, page: Page, ink: Color32) {
    let pen = Stroke::new(1.5, ink);
    let line = |from: [f32; 2], to: [f32; 2]| {
        painter.line_segment([at + vec2(from[0], from[1]), at + vec2(to[0], to[1])], pen);
    };
    match page {
        Page::Models => {
            // Neurons: three, joined.
            for [x, y] in [[-7.0, 5.0], [7.0, 5.0], [0.0, -6.0]] {
                painter.circle_stroke(at + vec2(x, y), 3.0, pen);
            }
            line([-5.5, 2.5], [-1.5, -3.5]);
            line([5.5, 2.5], [1.5, -3.5]);
            line([-4.0, 5.0], [4.0, 5.0]);
        }
        Page::Presets => {
            for y in [-5.0, 0.0, 5.0] {
                line([-8.0, y], [-6.0, y]);
                line([-3.0, y], [8.0, y]);
            }
        }
        Page::Capture => {
            painter.circle_stroke(at, 8.0, pen);
            painter.circle_filled(at, 4.0, ink);
        }
        Page::Health => {
            let pulse =
                [[-9.0, 1.0], [-4.0, 1.0], [-1.5, -6.0], [2.0, 6.0], [4.5, 1.0], [9.0, 1.0]];
            painter.line(pulse.iter().map(|[x, y]| at + vec2(*x, *y)).collect(), pen);
        }
        Page::Look => {
            painter.circle_stroke(at, 8.0, pen);
            let half = (0..=12).map(|step| {
                let angle = (step as f32 / 12.0 - 0.5) * std::f32::consts::PI;
                at + 8.0 * vec2(angle.cos(), angle.sin())
            });
            painter.add(egui::Shape::convex_polygon(half.collect(), ink, Stroke::NONE));
        }
    }
}

/// The foot: the worst that is amiss, or what happened last; and how fast it answers. Says whether it was pressed.
pub(super) fn foot(
    ui: &mut Ui,
    rect: Rect,
    hints: &[Hint],
    scene: &Scene<'_>,
    palette: &Palette,
) -> bool {
    ui.painter().rect_filled(rect, 0.0, palette.raised);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, palette.line));
    let inner = rect.shrink2(vec2(12.0, 0.0));
    let (text, ink) = match hints.first() {
        Some(hint) if hint.is_trouble => (format!("{} {}", hint.what, hint.remedy), palette.alarm),
        _ if !scene.notice.is_empty() => (scene.notice.to_owned(), palette.text),
        Some(hint) => (format!("{} {}", hint.what, hint.remedy), palette.muted),
        None => (String::new(), palette.muted),
    };
    let figures = figures(scene);
    let painter = ui.painter();
    let galley = painter.layout_no_wrap(figures.clone(), font(SMALL), palette.muted);
    let width = galley.size().x;
    painter.galley(
        pos2(inner.right() - width, inner.center().y - galley.size().y / 2.0),
        galley,
        palette.muted,
    );
    let left = inner.with_max_x(inner.right() - width - 16.0);
    let response = ui.interact(rect, ui.scope_id().with("foot"), Sense::click());
    let said = if text.is_empty() { figures } else { text.clone() };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Status: {said}")));
    if response.has_focus() || response.hovered() {
        let ring = if response.has_focus() { palette.text } else { palette.strong_line };
        ui.painter().rect_stroke(rect, 0.0, Stroke::new(1.0, ring), StrokeKind::Inside);
    }
    let mut job = egui::text::LayoutJob::simple_singleline(text.clone(), font(SMALL), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(left.width().max(0.0));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(left.left(), left.center().y - galley.size().y / 2.0), galley, ink);
    let pressed = response.clicked();
    if !text.is_empty() {
        response.on_hover_text(text);
    }
    pressed
}

/// How fast it answers and what it takes, in a line.
fn figures(scene: &Scene<'_>) -> String {
    let health = &scene.health;
    let mut figures = Vec::new();
    if let Some(model) = scene.model.and_then(|place| scene.models.get(place)) {
        figures.push(format!("{} on {}", capital(&model.name), device(health.device)));
    }
    if health.answer.is_some() {
        figures.push(format!("Answers in {}", latency(health.answer)));
    }
    if let Some(cpu) = health.cpu {
        figures.push(format!("CPU {:.1} %", cpu * 100.0));
    }
    figures.join("   ")
}
