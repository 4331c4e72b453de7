//! The view: lays the parts out, takes keys, and gathers what is asked for.

use std::time::Duration;

use egui::{
    Context, Key, Modifiers, Rect, ScrollArea, Sense, Stroke, Theme, Ui, UiBuilder, Vec2, vec2,
};

use crate::link::settings::Mode;
use crate::window::appearance;
use crate::window::asked::Asked;
use crate::window::bars::{self, FOOT, HEAD, MODES, RAIL};
use crate::window::camera::{Camera, Span};
use crate::window::capture::{self, Capture};
use crate::window::control::{self, Desk};
use crate::window::drop;
use crate::window::hand::{Hand, put};
use crate::window::health;
use crate::window::hint::{self, Hint};
use crate::window::look::{Ground, LEAST_SIZE, Look, ZOOM};
use crate::window::models::{self, Models};
use crate::window::page::{self, Page};
use crate::window::palette::{self, Palette};
use crate::window::presets;
use crate::window::roll;
use crate::window::scene::{Scene, TrainingState};
use crate::window::strip;
use crate::window::why::{self, Bars};

/// Width of a page, and of a window that has room for one beside the roll.
const PAGE: f32 = 368.0;
const WIDE: f32 = 900.0;
/// Room between parts.
const GAP: f32 = 8.0;
/// The least height of the roll.
const LEAST_ROLL: f32 = 80.0;
/// A height that leaves room to spare.
const ROOMY: f32 = 500.0;
/// How often an idle window is drawn, for what changes by itself.
const IDLE: Duration = Duration::from_millis(100);
/// A new size is kept when it has been still for so long, in seconds.
const SETTLED: f64 = 0.5;

/// What the window knows besides the scene: what is open, what the hand does, what moves.
#[derive(Debug, Default)]
pub struct View {
    look: Look,
    page: Option<Page>,
    group: usize,
    camera: Camera,
    bars: Bars,
    hand: Hand,
    models: Models,
    capture: Capture,
    search: String,
    route: Option<usize>,
    /// Whether the offer of a training was already brought up.
    is_offered: bool,
    /// Whether a text field had the focus when the frame before ended: then keys are letters.
    is_writing: bool,
    /// When the window was opened and when it was drawn last, by the clock of egui, which begins anew with each window.
    opened_at: f64,
    drawn_at: f64,
    /// A size that is not kept yet, and since when it is so.
    resized: Option<(Vec2, f64)>,
}

impl View {
    /// A view that is drawn like this.
    pub fn new(look: Look) -> Self {
        let [least, most] = ZOOM;
        let zoom = if look.zoom.is_finite() { look.zoom.clamp(least, most) } else { 1.0 };
        Self { look: Look { zoom, ..look }, ..Self::default() }
    }

    /// Gives egui fonts and style. Once, before the first frame.
    pub fn prepare(ctx: &Context) {
        palette::prepare(ctx);
    }

    /// How it is drawn at present.
    pub const fn look(&self) -> Look {
        self.look
    }

    /// Opens a page.
    pub const fn open_page(&mut self, page: Page) {
        self.page = Some(page);
    }

    /// Draws one frame into the whole window, and gives what is asked for.
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Vec<Asked> {
        let ctx = ui.ctx().clone();
        let mut asked = Vec::new();
        self.dress(&ctx);
        self.keys(&ctx, scene, &mut asked);
        let palette = Palette::of(self.look.ground);
        let rect = ctx.content_rect();
        let seconds = ctx.input(|input| input.stable_dt).min(0.1);
        let mut moves = self.camera.follow(scene.notes, &Span::of(scene), seconds);
        moves |= self.bars.follow(scene, seconds);
        let now = ctx.input(|input| input.time);
        let open_for = self.tell_time(now);
        let hints = hint::hints(scene, Duration::from_secs_f64(open_for));
        self.bring_up(scene);
        let mut whole = ui.new_child(UiBuilder::new().max_rect(rect).id_salt("window"));
        whole.set_clip_rect(rect);
        whole.set_style(ctx.global_style());
        whole.painter().rect_filled(rect, 0.0, palette.ground);
        let [least_width, least_height] = LEAST_SIZE;
        if rect.width() < least_width - 1.0 || rect.height() < least_height - 1.0 {
            // A host may refuse a size, or a window be zoomed and not grow: all stays within reach.
            let size = rect.size().max(LEAST_SIZE.into());
            ScrollArea::both().id_salt("all").auto_shrink(false).show(&mut whole, |ui| {
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                self.parts(ui, rect, &hints, scene, &palette, &mut asked);
            });
        } else {
            self.parts(&mut whole, rect, &hints, scene, &palette, &mut asked);
        }
        drop::files(&ctx, rect, scene.captured, &palette, &mut asked);
        self.keep_size(&ctx, rect.size(), now, &mut asked);
        // A dial that went out of sight, or a window that was closed, while it was held.
        if !ctx.input(|input| input.pointer.any_down()) {
            self.hand.let_go(&mut asked);
        }
        self.is_writing = ctx.text_edit_focused();
        if scene.running
            || moves
            || !asked.is_empty()
            || self.hand.typed.as_ref().is_some_and(|t| t.is_new)
        {
            ctx.request_repaint();
        } else {
            ctx.request_repaint_after(IDLE);
        }
        asked
    }

    /// Factor on everything, as it is by now.
    pub fn zoom(&self) -> f32 {
        self.look.zoom
    }

    /// The window is closed: asks for what is held to be let go of.
    pub fn close(&mut self) -> Vec<Asked> {
        let mut asked = Vec::new();
        self.hand.let_go(&mut asked);
        asked
    }

    /// How long the window has been open. One that is opened again finds nothing under the hand.
    fn tell_time(&mut self, now: f64) -> f64 {
        if now < self.drawn_at {
            (self.hand, self.is_writing, self.resized) = (Hand::default(), false, None);
            self.opened_at = now;
        }
        self.drawn_at = now;
        (now - self.opened_at).max(0.0)
    }

    /// Gives egui the ground and the zoom of the look.
    fn dress(&self, ctx: &Context) {
        let theme = match self.look.ground {
            Ground::Dark => Theme::Dark,
            Ground::Light => Theme::Light,
        };
        if ctx.theme() != theme {
            ctx.set_theme(theme);
        }
        if (ctx.zoom_factor() - self.look.zoom).abs() > 1e-3 {
            ctx.set_zoom_factor(self.look.zoom);
        }
    }

    /// The keys that work anywhere but in a text field. All they do can be done by pointer too: hosts may keep keys to themselves.
    fn keys(&mut self, ctx: &Context, scene: &Scene<'_>, asked: &mut Vec<Asked>) {
        if appearance::zoom_by_keys(ctx, &mut self.look) {
            asked.push(Asked::Keep(self.look));
        }
        if self.is_writing {
            return;
        }
        let pressed = |key: Key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let numbers = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
        for (key, mode) in numbers.into_iter().zip(Mode::ALL) {
            if pressed(key) {
                put("mode", mode.name().to_owned(), asked);
            }
        }
        if pressed(Key::P) {
            asked.push(Asked::Panic);
        }
        if pressed(Key::F) {
            put("freeze", if scene.settings.freeze { "off" } else { "on" }.to_owned(), asked);
        }
        for (key, page) in [(Key::M, Page::Models), (Key::H, Page::Health)] {
            if pressed(key) {
                self.toggle(page);
            }
        }
        if self.page.is_some() && pressed(Key::Escape) {
            self.page = None;
        }
    }

    fn toggle(&mut self, page: Page) {
        self.page = if self.page == Some(page) { None } else { Some(page) };
    }

    /// A training that is newly offered is brought up.
    fn bring_up(&mut self, scene: &Scene<'_>) {
        let offered = scene.training.is_some_and(|t| t.state == TrainingState::Offered);
        if offered && !self.is_offered {
            self.page = Some(Page::Models);
            self.models.offer.is_new = true;
        }
        self.is_offered = offered;
    }

    fn parts(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        hints: &[Hint],
        scene: &Scene<'_>,
        palette: &Palette,
        asked: &mut Vec<Asked>,
    ) {
        let room = usize::from(rect.height() > ROOMY);
        let (head, rest) = rect.split_top_bottom_at_y(rect.top() + HEAD[room]);
        let (rest, foot) = rest.split_top_bottom_at_y(rest.bottom() - FOOT[room]);
        let (rail, mut rest) = rest.split_left_right_at_x(rest.left() + RAIL);
        if bars::head(ui, head, scene, palette, asked) {
            self.toggle(Page::Presets);
        }
        if let Some(page) = bars::rail(ui, rail, self.page, palette) {
            self.toggle(page);
        }
        if let Some(page) = self.page {
            let is_wide = rect.width() >= WIDE;
            let width = if is_wide { PAGE } else { rest.width() };
            let (left, right) = rest.split_left_right_at_x(rest.left() + width);
            self.page(ui, left, page, hints, scene, palette, asked);
            rest = right;
        }
        if rest.width() > 1.0 {
            self.play(ui, rest.shrink(GAP), room, scene, palette, asked);
        }
        if bars::foot(ui, foot, hints, scene, palette) {
            self.toggle(Page::Health);
        }
    }

    /// Modes, roll, why, and settings.
    fn play(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        room: usize,
        scene: &Scene<'_>,
        palette: &Palette,
        asked: &mut Vec<Asked>,
    ) {
        let (modes, rest) = rect.split_top_bottom_at_y(rect.top() + MODES[room]);
        bars::modes(ui, modes, scene, palette, asked);
        let rest = rest.with_min_y(rest.top() + GAP);
        let strip = strip::TABS + control::HEIGHT + 2.0;
        let why = (0.2 * rest.height()).clamp(60.0, 150.0);
        let roll = (rest.height() - strip - why - 2.0 * GAP).max(LEAST_ROLL);
        let (roll, rest) = rest.split_top_bottom_at_y(rest.top() + roll);
        roll::roll(ui, roll, scene, &self.camera, palette);
        let rest = rest.with_min_y(rest.top() + GAP);
        let (why, rest) = rest.split_top_bottom_at_y(rest.top() + why);
        why::why(ui, why, scene, &self.bars, palette);
        let strip = rest.with_min_y(rest.top() + GAP);
        let styles = scene.model.and_then(|place| scene.models.get(place));
        let desk = Desk {
            palette,
            settings: scene.settings,
            styles: styles.map_or(&[], |model| &model.styles),
            host_leads: scene.host_leads,
            wheels: true,
        };
        strip::strip(ui, strip, &mut self.group, &mut self.hand, &desk, asked);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a page, its place, and what all parts are drawn from"
    )]
    fn page(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        page: Page,
        hints: &[Hint],
        scene: &Scene<'_>,
        palette: &Palette,
        asked: &mut Vec<Asked>,
    ) {
        ui.painter().rect_filled(rect, 0.0, palette.raised);
        ui.painter().vline(rect.right() - 0.5, rect.y_range(), Stroke::new(1.0, palette.line));
        let inner = rect.shrink2(vec2(16.0, 12.0));
        let mut ui = ui.new_child(UiBuilder::new().max_rect(inner).id_salt(page.name()));
        ui.shrink_clip_rect(rect);
        if page::title(&mut ui, page) {
            self.page = None;
        }
        ui.add_space(4.0);
        let scroll = ScrollArea::vertical().id_salt(page.name()).auto_shrink(false);
        scroll.show(&mut ui, |ui| match page {
            Page::Models => models::page(ui, &mut self.models, scene, palette, asked),
            Page::Presets => presets::page(ui, &mut self.search, scene, palette, asked),
            Page::Capture => capture::page(ui, &mut self.capture, scene, palette, asked),
            Page::Health => health::page(ui, &mut self.route, hints, scene, palette),
            Page::Look => {
                if appearance::page(ui, &mut self.look, palette) {
                    asked.push(Asked::Keep(self.look));
                }
            }
        });
    }

    /// Keeps a new size of the window when it has settled.
    fn keep_size(&mut self, ctx: &Context, size: Vec2, now: f64, asked: &mut Vec<Asked>) {
        let [width, height] = self.look.size;
        if (size - vec2(width, height)).abs().max_elem() < 1.0 {
            self.resized = None;
            return;
        }
        match self.resized {
            Some((seen, since)) if (seen - size).length() < 1.0 => {
                if now - since >= SETTLED {
                    self.resized = None;
                    self.look.size = size.into();
                    asked.push(Asked::Keep(self.look));
                }
            }
            _ => {
                self.resized = Some((size, now));
                ctx.request_repaint_after(Duration::from_secs_f64(SETTLED));
            }
        }
    }
}
