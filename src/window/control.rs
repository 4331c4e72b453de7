//! A setting as a control: a dial to drag, wheel, turn by keys or type into; a list of words; or a switch.

use std::f32::consts::{PI, TAU};

use egui::text_selection::CCursorRange;
use egui::{
    Align, Align2, Button, Event, EventFilter, Id, Key, Modifiers, MouseWheelUnit, Painter, Popup,
    Pos2, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::link::settings::Settings;
use crate::preset::dial::Dial;
use crate::preset::parameter::Listed;
use crate::window::asked::Asked;
use crate::window::hand::{self, Hand};
use crate::window::palette::{CORNER, Palette, SMALL, TEXT, font};
use crate::window::setting::{self, Kind};

/// The least width of a control, and its height.
pub(super) const WIDTH: f32 = 104.0;
pub(super) const HEIGHT: f32 = 96.0;

/// Heights of a control's name and of its value.
const NAME: f32 = 32.0;
const VALUE: f32 = 20.0;
/// Half the width of a dial.
const RADIUS: f32 = 17.0;
/// Where a dial begins, clockwise from the right, and how far it goes.
const BEGIN: f32 = 0.75 * PI;
const SWEEP: f32 = 0.75 * TAU;
/// Points that a wheel without lines scrolls by for one of them.
const LINE: f32 = 40.0;
/// The most characters of a value.
const MOST_TYPED: usize = 24;

/// What all controls know.
pub(super) struct Desk<'a> {
    pub(super) palette: &'a Palette,
    pub(super) settings: &'a Settings,
    /// The styles that the model knows.
    pub(super) styles: &'a [String],
    pub(super) host_leads: bool,
    /// Whether wheels turn what they are over; else they scroll, and turn only what has the focus.
    pub(super) wheels: bool,
}

/// Draws a setting, and asks for what the hand does to it.
pub(super) fn control(
    ui: &mut Ui,
    rect: Rect,
    (listed, name): (&Listed, &str),
    desk: &Desk<'_>,
    hand: &mut Hand,
    asked: &mut Vec<Asked>,
) {
    let idle = setting::idle(listed.name, desk.settings, desk.host_leads);
    let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(rect).id_salt(listed.name));
    let ui = &mut ui;
    if idle.is_some() {
        ui.set_opacity(0.5);
    }
    let (top, rest) = rect.split_top_bottom_at_y(rect.top() + NAME);
    let (middle, bottom) = rest.split_top_bottom_at_y(rect.bottom() - VALUE);
    label(ui.painter(), top, name, desk.palette);
    let response = match Kind::of(listed, desk.styles) {
        Kind::Switch => switch(ui, [rect, middle, bottom], (listed, name), desk, asked),
        Kind::Choice(words) => choice(ui, middle, (listed, name), &words, desk, asked),
        Kind::Turn => {
            value(ui, bottom, (listed, name), desk, hand, asked);
            dial(ui, [top.union(middle), middle], (listed, name), desk, hand, asked)
        }
    };
    if response.dragged() {
        return;
    }
    response.on_hover_ui(|ui| {
        ui.set_max_width(ui.spacing().tooltip_width);
        ui.label(listed.about);
        let start = setting::shown(listed, &listed.default, desk.styles);
        let is_dial = Kind::of(listed, desk.styles) == Kind::Turn;
        let mut more =
            if is_dial { format!("Double-click: {start}.") } else { format!("At first: {start}.") };
        if let Some(idle) = idle {
            more = format!("{idle} {more}");
        }
        ui.weak(more);
    });
}

fn label(painter: &Painter, rect: Rect, name: &str, palette: &Palette) {
    let mut job = egui::text::LayoutJob::simple(
        name.to_owned(),
        font(SMALL),
        palette.muted,
        rect.width() - 4.0,
    );
    job.halign = Align::Center;
    job.wrap.max_rows = 2;
    let galley = painter.layout_job(job);
    let at = pos2(rect.center().x, rect.bottom() - galley.size().y);
    painter.galley(at, galley, palette.muted);
}

/// The dial itself, worked by dragging, wheel and keys.
fn dial(
    ui: &mut Ui,
    [area, middle]: [Rect; 2],
    (listed, name): (&Listed, &str),
    desk: &Desk<'_>,
    hand: &mut Hand,
    asked: &mut Vec<Asked>,
) -> Response {
    let response = ui.interact(area, Id::unique(("setting", listed.name)), Sense::click_and_drag());
    let range = Dial::of(listed);
    let place = hand::place(&range, hand.value(listed));
    response.widget_info(|| {
        let number = listed.value.parse().unwrap_or(place);
        let mut info = WidgetInfo::slider(ui.is_enabled(), number, name);
        info.current_text_value = Some(setting::shown(listed, &listed.value, desk.styles));
        info
    });
    let fine = ui.input(|input| input.modifiers.shift);
    if response.drag_started() {
        hand.grab(listed, asked);
        response.request_focus();
    }
    if response.dragged() {
        let moved = response.drag_delta();
        hand.drag(listed, moved.x - moved.y, fine, desk.settings, asked);
    }
    if response.drag_stopped() {
        hand.let_go(asked);
    }
    if response.clicked() {
        response.request_focus();
    }
    let mut steps = keys(ui, &response, 10);
    if response.hovered() && (desk.wheels || response.has_focus()) {
        steps += hand.wheel(wheel(ui));
    }
    if steps != 0 {
        hand::turn(listed, steps, fine, desk.settings, asked);
    }
    let reset = response.has_focus()
        && ui.input_mut(|input| {
            input.consume_key(Modifiers::NONE, Key::Backspace)
                || input.consume_key(Modifiers::NONE, Key::Delete)
        });
    if response.double_clicked() || reset {
        hand::put(listed.name, listed.default.clone(), asked);
    }
    if response.has_focus() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter)) {
        hand.begin_typing(listed, setting::shown(listed, &listed.value, desk.styles));
    }
    let zero = match range {
        Dial::Number { low, high, .. } if low < 0.0 => (-low / (high - low)) as f32,
        _ => 0.0,
    };
    paint_dial(ui, middle.center(), [zero, place as f32], &response, desk.palette);
    response
}

fn paint_dial(ui: &Ui, at: Pos2, [from, to]: [f32; 2], response: &Response, palette: &Palette) {
    let painter = ui.painter();
    let point = |share: f32, radius: f32| {
        let angle = BEGIN + share * SWEEP;
        at + radius * vec2(angle.cos(), angle.sin())
    };
    let arc = |from: f32, to: f32| {
        let pieces = ((to - from).abs() * 32.0).ceil().max(1.0) as usize;
        let share = |piece: usize| from + (to - from) * piece as f32 / pieces as f32;
        (0..=pieces).map(|piece| point(share(piece), RADIUS)).collect::<Vec<_>>()
    };
    let lively = response.hovered() || response.dragged();
    let body = if lively { palette.button_hovered } else { palette.button };
    painter.circle_filled(at, RADIUS - 5.0, body);
    painter.line(arc(0.0, 1.0), Stroke::new(3.0, palette.strong_line));
    if (to - from).abs() > 1e-3 {
        painter.line(arc(from, to), Stroke::new(3.0, palette.machine));
    }
    painter.line_segment([point(to, 5.0), point(to, RADIUS - 6.0)], Stroke::new(2.0, palette.text));
    if response.has_focus() {
        ring(painter, Rect::from_center_size(at, vec2(2.0, 2.0) * (RADIUS + 4.0)), palette);
    }
}

/// The ring of the keyboard's focus.
fn ring(painter: &Painter, rect: Rect, palette: &Palette) {
    painter.rect_stroke(rect, CORNER, Stroke::new(2.0, palette.text), StrokeKind::Inside);
}

/// The value under a dial: a click, and it is typed.
fn value(
    ui: &mut Ui,
    rect: Rect,
    (listed, name): (&Listed, &str),
    desk: &Desk<'_>,
    hand: &mut Hand,
    asked: &mut Vec<Asked>,
) {
    if hand.typed.as_ref().is_some_and(|typed| typed.name == listed.name) {
        typing(ui, rect, (listed, name), desk, hand, asked);
        return;
    }
    let text = setting::shown(listed, hand.value(listed), desk.styles);
    // No stop for Tab: Enter on the dial does the same.
    let area = rect.shrink2(vec2(8.0, 0.0));
    let response = ui.interact(area, Id::unique(("value", listed.name)), Sense::CLICK);
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, ui.is_enabled(), format!("{name}: {text}"))
    });
    if response.hovered() {
        ui.painter().rect_filled(area, CORNER, desk.palette.button);
    }
    let at = rect.center();
    ui.painter().text(at, Align2::CENTER_CENTER, &text, font(TEXT), desk.palette.text);
    if response.clicked() {
        hand.begin_typing(listed, text);
    }
    response.on_hover_text("Click to type a value.");
}

fn typing(
    ui: &mut Ui,
    rect: Rect,
    (listed, name): (&Listed, &str),
    desk: &Desk<'_>,
    hand: &mut Hand,
    asked: &mut Vec<Asked>,
) {
    let Some(typed) = &mut hand.typed else { return };
    let id = Id::unique(("typed", listed.name));
    let edit = TextEdit::singleline(&mut typed.text)
        .id(id)
        .font(font(TEXT))
        .char_limit(MOST_TYPED)
        .align(Align2::CENTER_CENTER)
        .margin(vec2(4.0, 1.0))
        .min_size(vec2(0.0, VALUE));
    let field = rect.shrink2(vec2(4.0, 0.0));
    ui.spacing_mut().interact_size.y = VALUE;
    let response = ui.put(field, edit).accessible_name(format!("Value of {name}"));
    if typed.is_new {
        typed.is_new = false;
        response.request_focus();
        if let Some(mut state) = TextEdit::load_state(ui.ctx(), id) {
            state.cursor.set_char_range(Some(CCursorRange::select_all_str(&typed.text)));
            state.store(ui.ctx(), id);
        }
    }
    if let Some(problem) = &typed.problem {
        let alarm = Stroke::new(2.0, desk.palette.alarm);
        ui.painter().rect_stroke(field, CORNER, alarm, StrokeKind::Outside);
        response.show_tooltip_text(problem);
    }
    if response.changed() {
        typed.problem = None;
    }
    if response.lost_focus() {
        let (entered, called_off) =
            ui.input(|input| (input.key_pressed(Key::Enter), input.key_pressed(Key::Escape)));
        if called_off {
            hand.typed = None;
            return;
        }
        hand.end_typing(listed, desk.settings, asked);
        match &hand.typed {
            // What is refused stays under the hand; whoever went elsewhere has let go of it.
            Some(_) if entered => response.request_focus(),
            Some(_) => hand.typed = None,
            None => {}
        }
    }
}

/// One of a few words.
fn choice(
    ui: &mut Ui,
    middle: Rect,
    (listed, name): (&Listed, &str),
    words: &[String],
    desk: &Desk<'_>,
    asked: &mut Vec<Asked>,
) -> Response {
    let rect =
        Rect::from_center_size(middle.center(), vec2((middle.width() - 8.0).min(140.0), 28.0));
    let now = setting::shown(listed, &listed.value, desk.styles);
    ui.spacing_mut().button_padding.x = 6.0;
    let button = Button::new(&now).truncate().min_size(rect.size());
    let response = ui.put(rect, button).accessible_name(format!("{name}: {now}"));
    arrow_down(ui.painter(), pos2(rect.center().x, rect.bottom() + 7.0), desk.palette);
    let steps = keys(ui, &response, 1);
    if steps != 0 {
        let at = words.iter().position(|word| *word == listed.value).unwrap_or(0) as i64;
        let to = (at - i64::from(steps)).clamp(0, words.len() as i64 - 1) as usize;
        if let Some(word) = words.get(to).filter(|word| **word != listed.value) {
            hand::put(listed.name, word.clone(), asked);
        }
    }
    let room = 0.85 * ui.ctx().content_rect().height();
    Popup::menu(&response).width(170.0).show(|ui| {
        ui.set_min_width(160.0);
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().max_height(room).show(ui, |ui| {
            for word in words {
                let text = setting::shown(listed, word, desk.styles);
                if ui.selectable_label(*word == listed.value, text).clicked() {
                    hand::put(listed.name, word.clone(), asked);
                }
            }
        });
    });
    response
}

/// The sign of a list.
fn arrow_down(painter: &Painter, at: Pos2, palette: &Palette) {
    let corners = vec![at - vec2(4.0, 2.0), at + vec2(4.0, -2.0), at + vec2(0.0, 3.0)];
    painter.add(egui::Shape::convex_polygon(corners, palette.muted, Stroke::NONE));
}

/// On or off.
fn switch(
    ui: &mut Ui,
    [area, middle, bottom]: [Rect; 3],
    (listed, name): (&Listed, &str),
    desk: &Desk<'_>,
    asked: &mut Vec<Asked>,
) -> Response {
    let palette = desk.palette;
    let is_on = listed.value == "on";
    let response = ui.interact(area, Id::unique(("setting", listed.name)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), is_on, name));
    if response.clicked() {
        hand::put(listed.name, if is_on { "off" } else { "on" }.to_owned(), asked);
    }
    let track = Rect::from_center_size(middle.center(), vec2(36.0, 20.0));
    paint_switch(ui.painter(), track, is_on, response.hovered(), palette);
    if response.has_focus() {
        ring(ui.painter(), track.expand(5.0), palette);
    }
    let text = if is_on { "On" } else { "Off" };
    ui.painter().text(
        bottom.center(),
        Align2::CENTER_CENTER,
        text,
        font(TEXT),
        if is_on { palette.text } else { palette.muted },
    );
    response
}

/// A switch: told by the place of its knob, and by colour too.
fn paint_switch(painter: &Painter, track: Rect, is_on: bool, lively: bool, palette: &Palette) {
    let fill = match (is_on, lively) {
        (true, _) => palette.machine,
        (false, true) => palette.button_hovered,
        (false, false) => palette.button,
    };
    let edge = if is_on { palette.machine } else { palette.strong_line };
    let round = (track.height() / 2.0) as u8;
    painter.rect(track, round, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
    let x = if is_on { track.right() - 10.0 } else { track.left() + 10.0 };
    let knob = if is_on { palette.on_machine } else { palette.muted };
    painter.circle_filled(pos2(x, track.center().y), 6.0, knob);
}

/// Steps that the keys turn what has the focus by: arrows one, pages more.
fn keys(ui: &Ui, response: &Response, page: i32) -> i32 {
    // What reads the screen to somebody turns without the focus.
    let mut steps = 0;
    for (action, step) in
        [(egui::accesskit::Action::Increment, 1), (egui::accesskit::Action::Decrement, -1)]
    {
        let presses = ui.input(|input| input.num_accesskit_action_requests(response.id, action));
        steps += step * i32::try_from(presses).unwrap_or(0);
    }
    if !response.has_focus() {
        return steps;
    }
    let arrows =
        EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    ui.input_mut(|input| {
        for (key, step) in [
            (Key::ArrowUp, 1),
            (Key::ArrowRight, 1),
            (Key::ArrowDown, -1),
            (Key::ArrowLeft, -1),
            (Key::PageUp, page),
            (Key::PageDown, -page),
        ] {
            let presses = input.count_and_consume_key(Modifiers::NONE, key)
                + input.count_and_consume_key(Modifiers::SHIFT, key);
            steps += step * i32::try_from(presses).unwrap_or(0);
        }
        steps
    })
}

/// Lines that a wheel turned over a control: they scroll nothing besides.
fn wheel(ui: &Ui) -> f32 {
    ui.input_mut(|input| {
        input.smooth_scroll_delta = vec2(0.0, 0.0);
        let turned = |event: &Event| match event {
            Event::MouseWheel { unit: MouseWheelUnit::Point, delta, .. } => delta.y / LINE,
            Event::MouseWheel { delta, .. } => delta.y,
            _ => 0.0,
        };
        input.events.iter().map(turned).sum()
    })
}
