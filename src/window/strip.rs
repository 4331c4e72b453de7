//! The settings below the roll: a tab for each group, and its controls side by side.

use egui::{Align2, Button, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};

use crate::preset::parameter::{self, Listed};
use crate::window::asked::Asked;
use crate::window::control::{self, Desk, HEIGHT, WIDTH};
use crate::window::hand::Hand;
use crate::window::palette::{Palette, SMALL, font};
use crate::window::setting::{GROUPS, Group};

/// Height of the tabs.
pub(super) const TABS: f32 = 34.0;
/// Wider, a control is lost in its place.
const WIDEST: f32 = 136.0;

/// Draws tabs and controls; `group` is the one that is open.
pub(super) fn strip(
    ui: &mut Ui,
    rect: Rect,
    group: &mut usize,
    hand: &mut Hand,
    desk: &Desk<'_>,
    asked: &mut Vec<Asked>,
) {
    ui.painter().rect_filled(rect, 0.0, desk.palette.raised);
    let (top, rest) = rect.split_top_bottom_at_y(rect.top() + TABS);
    tabs(ui, top, group, desk.palette);
    let Some(open) = GROUPS.get(*group) else { return };
    let mut inner =
        ui.new_child(UiBuilder::new().max_rect(rest.shrink2(vec2(8.0, 0.0))).id_salt(open.name));
    inner.shrink_clip_rect(rest);
    let scroll = ScrollArea::vertical().id_salt(open.name).auto_shrink(false);
    let room = rest.height();
    scroll.show(&mut inner, |ui| controls(ui, open, room, hand, desk, asked));
}

fn tabs(ui: &mut Ui, rect: Rect, group: &mut usize, palette: &Palette) {
    let mut ui = ui.new_child(
        UiBuilder::new()
            .max_rect(rect.shrink2(vec2(8.0, 3.0)))
            .id_salt("tabs")
            .layout(egui::Layout::left_to_right(egui::Align::Center)),
    );
    ui.spacing_mut().item_spacing.x = 4.0;
    for (place, each) in GROUPS.iter().enumerate() {
        let is_open = place == *group;
        let ink = if is_open { palette.text } else { palette.muted };
        let fill = if is_open { palette.button } else { palette.raised };
        let button =
            Button::new(RichText::new(each.name).color(ink)).fill(fill).stroke(egui::Stroke::NONE);
        let response = ui.add(button);
        response
            .widget_info(|| egui::WidgetInfo::selected(egui::Role::Tab, true, is_open, each.name));
        if is_open {
            let line = response.rect.with_min_y(response.rect.bottom() - 2.0);
            ui.painter().rect_filled(line, 0.0, palette.machine);
        }
        if response.clicked() {
            *group = place;
        }
    }
}

fn controls(
    ui: &mut Ui,
    group: &Group,
    room: f32,
    hand: &mut Hand,
    desk: &Desk<'_>,
    asked: &mut Vec<Asked>,
) {
    let listed = parameter::list(desk.settings);
    let find = |name: &str| listed.iter().find(|listed: &&Listed| listed.name == name);
    let settings: Vec<_> = group
        .settings
        .iter()
        .filter_map(|(name, title)| find(name).map(|listed| (listed, *title)))
        .collect();
    let learns = group.settings.iter().any(|(name, _)| *name == "learning");
    let count = settings.len() + usize::from(learns);
    let width = ui.available_width();
    let columns = ((width / WIDTH) as usize).clamp(1, count.max(1));
    let cell = vec2((width / columns as f32).min(WIDEST), HEIGHT);
    let rows = count.div_ceil(columns);
    let height = rows as f32 * HEIGHT;
    let (all, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let place = |at: usize| {
        let (column, row) = (at % columns, at / columns);
        let corner = all.min + vec2(column as f32 * cell.x, row as f32 * cell.y);
        Rect::from_min_size(corner, cell).shrink2(vec2(2.0, 2.0))
    };
    let desk = Desk { wheels: height <= room, ..*desk };
    for (at, setting) in settings.into_iter().enumerate() {
        control::control(ui, place(at), setting, &desk, hand, asked);
    }
    if learns {
        forget(ui, place(count - 1), desk.palette, asked);
    }
}

/// Takes back what was learnt from the player.
fn forget(ui: &mut Ui, rect: Rect, palette: &Palette, asked: &mut Vec<Asked>) {
    let at = pos2(rect.center().x, rect.top() + 32.0);
    ui.painter().text(at, Align2::CENTER_BOTTOM, "What it learnt", font(SMALL), palette.muted);
    let middle = Rect::from_center_size(pos2(rect.center().x, rect.top() + 52.0), vec2(80.0, 28.0));
    let response = ui.put(middle, Button::new("Forget").min_size(middle.size()));
    if response.clicked() {
        asked.push(Asked::Forget);
    }
    response.on_hover_text("Forgets the figures that it picked up from your playing.");
}
