//! Why the machine plays what it plays: the probability of each key for its next note, which one was chosen, and what bars the
//! others.

use egui::{
    Align2, Color32, Mesh, Painter, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::link::forecast::{Barred, Choice, KEYS};
use crate::link::settings::Mode;
use crate::music::pitch::Pitch;
use crate::window::palette::{Palette, SMALL, TEXT, font};
use crate::window::roll::{blend, is_black};
use crate::window::scene::Scene;

/// The keys of a piano, which are those of the models.
const LOW: i32 = 21;
const HIGH: i32 = 108;
const WHITE_KEYS: f32 = 52.0;
/// In which time a bar goes most of its way to a new probability, in seconds.
const SMOOTH: f32 = 0.1;
/// A bar that is so near to where it goes has arrived.
const STILL: f32 = 0.002;
/// Heights of the line of words, and of the keyboard where there is little room and where there is enough.
const WORDS: f32 = 22.0;
const PIANO: [f32; 2] = [14.0, 24.0];
/// A height that leaves room to spare.
const ROOMY: f32 = 90.0;

/// The reasons that bar keys, each with its name and what it is.
const REASONS: [(Barred, &str, &str); 4] = [
    (Barred::REGISTER, "register", "outside the register"),
    (Barred::SCALE, "scale", "outside the scale"),
    (Barred::CHORD, "chord", "not in the chord that you hold"),
    (
        Barred::ORDER,
        "order",
        "below a note of the same moment: chords are chosen from the lowest note up",
    ),
];

/// The bars, moving.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Bars([f32; KEYS]);

impl Default for Bars {
    fn default() -> Self {
        Self([0.0; KEYS])
    }
}

impl Bars {
    /// Moves towards the probabilities as the settings make them; says whether it still moves.
    pub(super) fn follow(&mut self, scene: &Scene<'_>, seconds: f32) -> bool {
        let to = scene.choice.map_or([0.0; KEYS], |choice| shares(choice, scene));
        let share = 1.0 - (-3.0 * seconds.max(0.0) / SMOOTH).exp();
        let mut moves = false;
        for (bar, to) in self.0.iter_mut().zip(to) {
            let way = to - *bar;
            let arrived = way.abs() < STILL;
            *bar = if arrived { to } else { *bar + way * share };
            moves |= !arrived;
        }
        moves
    }
}

fn shares(choice: &Choice, scene: &Scene<'_>) -> [f32; KEYS] {
    choice.shares(scene.settings.temperature, scene.settings.top_p)
}

/// Draws the keyboard with its bars into its place.
pub(super) fn why(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, bars: &Bars, palette: &Palette) {
    let (top, rest) = rect.split_top_bottom_at_y(rect.top() + WORDS);
    let piano = PIANO[usize::from(rect.height() > ROOMY)];
    let place = rest.shrink2(vec2(12.0, 0.0)).with_max_y(rest.bottom() - piano / 3.0);
    let keyboard = Keyboard { rect: place, piano };
    let response = ui.interact(rect, ui.scope_id().with("why"), Sense::hover());
    let words = next(scene);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 0.0, palette.raised);
    let legend_left = legend(&painter, top, scene.choice, palette);
    let line = top.with_max_x(legend_left - 12.0);
    let at = pos2(top.left() + 12.0, top.center().y + 2.0);
    let ink = if scene.choice.is_some() { palette.text } else { palette.muted };
    painter.with_clip_rect(line).text(at, Align2::LEFT_CENTER, &words, font(TEXT), ink);
    keyboard.paint(&painter, scene, bars, palette);
    let Some(choice) = scene.choice else { return };
    let Some(key) = response.hover_pos().and_then(|at| keyboard.key_at(at)) else { return };
    let share = shares(choice, scene).get(key).copied().unwrap_or(0.0);
    response.on_hover_text_at_pointer(about(key, share, choice));
}

/// The next machine note in words, or why there is none.
pub(super) fn next(scene: &Scene<'_>) -> String {
    let settings = scene.settings;
    let Some(choice) = scene.choice else {
        let reason = match settings.mode {
            _ if !settings.active => "Sideman is switched off: it only listens.",
            Mode::Harmonise => {
                "Each of your notes is joined as it comes: nothing is planned ahead."
            }
            _ if settings.freeze => "The last two bars are repeated: nothing new is chosen.",
            Mode::Answer => "Waiting for your phrase to end.",
            _ => "Nothing is planned yet.",
        };
        return reason.to_owned();
    };
    if choice.barred.iter().all(|barred| !barred.is_free()) {
        return "Every key is barred.".to_owned();
    }
    let share = shares(choice, scene)[usize::from(choice.chosen.number())];
    let beats = choice.onset.beats().0 - scene.now_beats;
    let when = if beats < 0.05 { "now".to_owned() } else { format!("in {beats:.1} beats") };
    format!("Next: {}, {}, {when}", choice.chosen, percent(share))
}

/// A key in words.
fn about(key: usize, share: f32, choice: &Choice) -> String {
    let pitch = Pitch::new(key as u8);
    let barred = choice.barred[key];
    if barred.is_free() {
        let chosen = if choice.chosen == pitch { ": chosen" } else { "" };
        return format!("{pitch}: {}{chosen}", percent(share));
    }
    let reasons =
        REASONS.iter().filter(|(reason, ..)| barred.has(*reason)).map(|(.., about)| *about);
    format!("{pitch} is barred: {}.", reasons.collect::<Vec<_>>().join("; "))
}

fn percent(share: f32) -> String {
    let percent = share * 100.0;
    match percent {
        p if p > 0.0 && p < 1.0 => "under 1 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// The reasons that bar a key of this choice, with how they are drawn. Gives where it begins.
fn legend(painter: &Painter, line: Rect, choice: Option<&Choice>, palette: &Palette) -> f32 {
    let mut right = line.right() - 12.0;
    let Some(choice) = choice else { return right };
    let keys = LOW as usize..=HIGH as usize;
    let y = line.center().y + 2.0;
    for (reason, name, _) in REASONS.into_iter().rev() {
        if !choice.barred[keys.clone()].iter().any(|barred| barred.has(reason)) {
            continue;
        }
        let text = painter.layout_no_wrap(name.to_owned(), font(SMALL), palette.muted);
        let left = right - text.size().x;
        painter.galley(pos2(left, y - text.size().y / 2.0), text, palette.muted);
        let swatch = Rect::from_center_size(pos2(left - 12.0, y), vec2(14.0, 12.0));
        let mut mesh = Mesh::default();
        hatch(&mut mesh, swatch, reason, palette);
        painter.add(mesh);
        painter.rect_stroke(swatch, 0.0, Stroke::new(1.0, palette.strong_line), StrokeKind::Inside);
        right = left - 32.0;
    }
    if right < line.right() - 12.0 {
        let text = painter.layout_no_wrap("Barred by".to_owned(), font(SMALL), palette.muted);
        right -= text.size().x - 8.0;
        painter.galley(pos2(right, y - text.size().y / 2.0), text, palette.muted);
    }
    right
}

/// Where the keys lie.
struct Keyboard {
    rect: Rect,
    /// The height of the keys.
    piano: f32,
}

impl Keyboard {
    /// The width of a white key.
    fn white(&self) -> f32 {
        self.rect.width() / WHITE_KEYS
    }

    /// Where a key lies from left to right.
    fn span(&self, key: i32) -> (f32, f32) {
        // White keys below, from A0.
        let below = |key: i32| (LOW..key).filter(|key| !is_black(*key)).count() as f32;
        let white = self.white();
        let left = self.rect.left() + below(key) * white;
        if is_black(key) {
            (left - 0.32 * white, left + 0.32 * white)
        } else {
            (left, left + white)
        }
    }

    fn bars(&self) -> Rect {
        self.rect.with_max_y(self.rect.bottom() - self.piano)
    }

    fn piano(&self) -> Rect {
        self.rect.with_min_y(self.rect.bottom() - self.piano)
    }

    fn key_at(&self, at: Pos2) -> Option<usize> {
        let over = |key: &i32| {
            let (left, right) = self.span(*key);
            (left..right).contains(&at.x) && self.rect.y_range().contains(at.y)
        };
        let is_low = at.y > self.piano().top() + 0.6 * self.piano;
        let black = (LOW..=HIGH).filter(|key| is_black(*key) && !is_low).find(over);
        let key = black.or_else(|| (LOW..=HIGH).filter(|key| !is_black(*key)).find(over));
        key.and_then(|key| usize::try_from(key).ok())
    }

    fn paint(&self, painter: &Painter, scene: &Scene<'_>, bars: &Bars, palette: &Palette) {
        let (field, piano) = (self.bars(), self.piano());
        let chosen = scene.choice.map(|choice| i32::from(choice.chosen.number()));
        let barred = |key: i32| scene.choice.map_or(Barred::default(), |c| c.barred[key as usize]);
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(field, palette.sunken);
        for share in [0.1, 0.5] {
            let y = painter.round_to_pixel_center(field.bottom() - height(share) * field.height());
            let line = Rect::from_x_y_ranges(field.x_range(), y - 0.5..=y + 0.5);
            mesh.add_colored_rect(line, palette.line);
        }
        for black in [false, true] {
            for key in (LOW..=HIGH).filter(|key| is_black(*key) == black) {
                let (left, right) = self.span(key);
                let bottom = if black { piano.top() + 0.6 * self.piano } else { piano.bottom() };
                let place =
                    Rect::from_min_max(pos2(left + 0.5, piano.top()), pos2(right - 0.5, bottom));
                let own = if black { palette.black_key } else { palette.white_key };
                let is_free = barred(key).is_free();
                let colour = match chosen {
                    Some(chosen) if chosen == key => palette.machine,
                    _ if is_free => own,
                    _ => blend(palette.raised, own, 0.35),
                };
                mesh.add_colored_rect(place, colour);
                if !is_free {
                    hatched(&mut mesh, place, barred(key), palette);
                }
                self.bar(&mut mesh, key, bars.0[key as usize], chosen == Some(key), palette);
            }
        }
        painter.add(mesh);
        self.lettering(painter, chosen, palette);
    }

    /// The bar above a key.
    fn bar(&self, mesh: &mut Mesh, key: i32, share: f32, is_chosen: bool, palette: &Palette) {
        if share < STILL {
            return;
        }
        let (left, right) = self.span(key);
        let field = self.bars();
        let half = (0.3 * self.white()).max(1.5);
        let middle = f32::midpoint(left, right);
        let top = field.bottom() - (height(share) * field.height()).max(1.0);
        let bar = Rect::from_x_y_ranges(middle - half..=middle + half, top..=field.bottom());
        let colour =
            if is_chosen { palette.machine } else { blend(palette.sunken, palette.machine, 0.55) };
        mesh.add_colored_rect(bar, colour);
    }

    fn lettering(&self, painter: &Painter, chosen: Option<i32>, palette: &Palette) {
        let field = self.bars();
        for (share, text) in [(0.1, "10 %"), (0.5, "50 %")] {
            let at =
                pos2(field.left() + 4.0, field.bottom() - height(share) * field.height() - 1.0);
            if field.height() > 44.0 {
                painter.text(at, Align2::LEFT_BOTTOM, text, font(SMALL), palette.muted);
            }
        }
        for key in
            (LOW..=HIGH).filter(|key| key % 12 == 0 && self.white() > 15.0 && self.piano > 20.0)
        {
            let (left, right) = self.span(key);
            let at = pos2(f32::midpoint(left, right), self.piano().bottom() - 1.0);
            let name = format!("C{}", key / 12 - 1);
            let ink = Color32::from_rgb(27, 30, 35);
            if chosen != Some(key) {
                painter.text(at, Align2::CENTER_BOTTOM, name, font(SMALL), ink);
            }
        }
        if let Some(key) = chosen.filter(|key| (LOW..=HIGH).contains(key)) {
            let (left, right) = self.span(key);
            // A mark that does without colour.
            let tip = pos2(f32::midpoint(left, right), self.piano().top() + 1.0);
            let corners = vec![tip + vec2(-5.0, 7.0), tip, tip + vec2(5.0, 7.0)];
            painter.add(egui::Shape::convex_polygon(corners, palette.text, Stroke::NONE));
        }
    }
}

/// How high a bar is: the square root, so that unlikely keys are seen beside likely ones.
fn height(share: f32) -> f32 {
    share.clamp(0.0, 1.0).sqrt()
}

/// Hatches a key by the first of its reasons.
fn hatched(mesh: &mut Mesh, place: Rect, barred: Barred, palette: &Palette) {
    if let Some((reason, ..)) = REASONS.iter().find(|(reason, ..)| barred.has(*reason)) {
        hatch(mesh, place, *reason, palette);
    }
}

/// The pattern of a reason: plain for the register, and lines that fall, rise or lie.
fn hatch(mesh: &mut Mesh, place: Rect, reason: Barred, palette: &Palette) {
    let colour = palette.muted;
    let tilt = match reason {
        Barred::REGISTER => {
            mesh.add_colored_rect(place, blend(palette.raised, palette.muted, 0.25));
            return;
        }
        Barred::SCALE => 1.0,
        Barred::CHORD => -1.0,
        _ => 0.0,
    };
    // Where a line from the left edge to the right one lies within the place.
    let rise = place.width() * tilt;
    let mut y = place.top() + 1.0 - rise.min(0.0).abs();
    while y < place.bottom() + rise.max(0.0) {
        let inside =
            |share: f32| (place.top()..=place.bottom() - 1.0).contains(&(y - share * rise));
        let at = |share: f32| pos2(place.left() + share * place.width(), y - share * rise);
        let (mut from, mut to) = (0.0, 1.0);
        if tilt != 0.0 {
            let [a, b] = [place.top(), place.bottom() - 1.0].map(|edge| (y - edge) / rise);
            (from, to) = (a.min(b).max(0.0), a.max(b).min(1.0));
        }
        if from < to && inside(0.5 * (from + to)) {
            quad(mesh, at(from), at(to), colour);
        }
        y += 4.0;
    }
}

/// A line one point thick.
fn quad(mesh: &mut Mesh, from: Pos2, to: Pos2, colour: Color32) {
    let first = mesh.vertices.len() as u32;
    for at in [from, to, to + vec2(0.0, 1.0), from + vec2(0.0, 1.0)] {
        mesh.colored_vertex(at, colour);
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first, first + 2, first + 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_where_it_is_drawn() {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(520.0, 60.0));
        let keyboard = Keyboard { rect, piano: 24.0 };
        for key in LOW..=HIGH {
            let (left, right) = keyboard.span(key);
            let y = keyboard.piano().top() + 7.0;
            let at = if is_black(key) {
                f32::midpoint(left, right)
            } else {
                left + 0.5 * (right - left)
            };
            let found = keyboard.key_at(pos2(at, y)).unwrap();
            // In the middle of a white key between black ones no black one lies.
            assert_eq!(found, key as usize, "{left} {right}");
        }
        assert!((keyboard.span(HIGH).1 - 520.0).abs() < 1e-3);
    }

    #[test]
    fn shares_read_as_percent() {
        assert_eq!(percent(0.382), "38 %");
        assert_eq!(percent(0.004), "under 1 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn a_barred_key_says_why() {
        let mut choice = Choice {
            onset: crate::music::time::Tick(6),
            chosen: Pitch::new(60),
            logits: [0.0; KEYS],
            barred: [Barred::default(); KEYS],
        };
        choice.barred[61] = Barred::SCALE.and(Barred::CHORD);
        assert_eq!(
            about(61, 0.0, &choice),
            "C#4 is barred: outside the scale; not in the chord that you hold."
        );
        assert_eq!(about(60, 0.25, &choice), "C4: 25 %: chosen");
    }
}
