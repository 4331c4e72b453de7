//! The piano roll: eight bars past, two to come, around a line that is now. The player's notes are square and amber, the machine's
//! round and blue; what is planned is an outline, what is settled is solid but dim, what sounds or has sounded is full.

use egui::epaint::RectShape;
use egui::{
    Align2, Color32, Mesh, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use crate::music::note::Voice;
use crate::music::scale::Scale;
use crate::window::camera::{Camera, Span};
use crate::window::palette::{LARGE, Palette, SMALL, TEXT, font};
use crate::window::scene::{Scene, SeenNote, Stage};

/// Width of the piano's keys at the left.
const PIANO: f32 = 44.0;
/// Heights of the bar numbers and of the chords above.
const RULER: f32 = 20.0;
const CHORDS: f32 = 24.0;
/// A roll lower than this does without bar numbers.
const LOW: f32 = 150.0;
/// The least room between two bar numbers, and for a chord's name to be worth writing.
const NUMBER_ROOM: f32 = 34.0;
const CHORD_ROOM: f32 = 14.0;
/// A note is at least so wide, to be seen at all.
const LEAST_NOTE: f32 = 3.0;
/// How much paler notes are that are not sounding yet.
const COMMITTED: f32 = 0.5;
const PLANNED: f32 = 0.12;

/// Whether a key of this number is black.
pub(super) const fn is_black(key: i32) -> bool {
    matches!(key.rem_euclid(12), 1 | 3 | 6 | 8 | 10)
}

/// Draws the roll into its place.
pub(super) fn roll(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, camera: &Camera, palette: &Palette) {
    let response = ui.interact(rect, ui.scope_id().with("roll"), Sense::hover());
    let span = Span::of(scene);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words(scene, &span)));
    let painter = ui.painter_at(rect);
    let ruler = if rect.height() < LOW { 0.0 } else { RULER };
    let (head, body) = rect.split_top_bottom_at_y(rect.top() + ruler + CHORDS);
    let (piano, sheet) = body.split_left_right_at_x(body.left() + PIANO);
    let place = Place { sheet, span, camera };
    painter.rect_filled(rect, 0.0, palette.sunken);
    grid(&painter, &place, palette);
    let sheet_painter = ui.painter_at(sheet);
    notes(&sheet_painter, &place, scene, palette);
    keys(&painter, piano, &place, scene, palette);
    above(ui, head.with_min_x(sheet.left()), &place, scene, palette);
    now_line(&painter, &place, palette);
    let is_empty = !scene.notes.iter().any(|note| span.holds(note));
    if is_empty {
        invitation(&sheet_painter, sheet, scene, palette);
    }
    legend(&painter, &response, head, palette);
}

/// Where things lie on the sheet.
struct Place<'a> {
    sheet: Rect,
    span: Span,
    camera: &'a Camera,
}

impl Place<'_> {
    fn x(&self, beats: f64) -> f32 {
        self.sheet.left() + self.span.share(beats) * self.sheet.width()
    }

    /// The lower edge of a key.
    fn y(&self, key: f32) -> f32 {
        self.sheet.bottom() - self.camera.share(key) * self.sheet.height()
    }

    /// The keys in view.
    fn keys(&self) -> std::ops::RangeInclusive<i32> {
        let [low, high] = self.camera.keys;
        (low.floor() as i32).max(0)..=(high.ceil() as i32).min(127)
    }

    fn row(&self, key: i32) -> Rect {
        let x = self.sheet.x_range();
        Rect::from_x_y_ranges(x, self.y(key as f32 + 1.0)..=self.y(key as f32))
    }
}

/// Rows, beat lines and bar lines: one mesh.
fn grid(painter: &Painter, place: &Place<'_>, palette: &Palette) {
    let mut mesh = Mesh::default();
    let sheet = place.sheet;
    for key in place.keys() {
        let row = place.row(key).intersect(sheet);
        if is_black(key) {
            mesh.add_colored_rect(row, palette.row);
        }
        if key.rem_euclid(12) == 0 {
            mesh.add_colored_rect(row.with_min_y(row.bottom() - 1.0), palette.line);
        }
    }
    let pixel = |x: f32| painter.round_to_pixel_center(x);
    let mut line = |x: f32, width: f32, colour: Color32| {
        let x = pixel(x);
        let line = Rect::from_x_y_ranges(x - width / 2.0..=x + width / 2.0, sheet.y_range());
        mesh.add_colored_rect(line.intersect(sheet), colour);
    };
    let beats = place.span.bar.floor() as i32;
    for (bar, _) in place.span.bars() {
        for beat in (1..beats).map(f64::from) {
            line(place.x(bar + beat), 1.0, palette.line);
        }
        line(place.x(bar), 1.0, palette.strong_line);
    }
    painter.add(mesh);
}

/// All notes. The machine's lie on top: they are what one looks for.
fn notes(painter: &Painter, place: &Place<'_>, scene: &Scene<'_>, palette: &Palette) {
    for voice in [Voice::Player, Voice::Machine] {
        let shapes = scene.notes.iter().filter(|note| note.voice == voice);
        let shapes = shapes.filter(|note| place.span.holds(note) && note.start_beats.is_finite());
        painter.extend(shapes.map(|note| Shape::Rect(shape(note, place, palette))));
    }
}

fn shape(note: &SeenNote, place: &Place<'_>, palette: &Palette) -> RectShape {
    let key = f32::from(note.key.min(127));
    let (left, right) = (place.x(note.start_beats), place.x(note.start_beats + note.len_beats));
    let (top, bottom) = (place.y(key + 1.0), place.y(key));
    let gap = if bottom - top > 4.0 { 0.5 } else { 0.0 };
    let rect =
        Rect::from_min_max(pos2(left, top + gap), pos2(right.max(left + LEAST_NOTE), bottom - gap));
    let (hue, corner) = match note.voice {
        Voice::Player => (palette.player, 0.0),
        Voice::Machine => (palette.machine, (rect.height() / 2.0).min(5.0)),
    };
    let loud = 0.45 + 0.55 * f32::from(note.velocity.min(127)) / 127.0;
    let (fill, edge) = match note.stage {
        Stage::Played => (blend(palette.sunken, hue, loud), hue),
        Stage::Committed => (blend(palette.sunken, hue, loud * COMMITTED), hue),
        Stage::Planned => (blend(palette.sunken, hue, PLANNED), blend(palette.sunken, hue, 0.75)),
    };
    let edge = match (note.voice, note.stage) {
        (Voice::Player, Stage::Played) => Stroke::NONE,
        _ => Stroke::new(1.0, edge),
    };
    RectShape::new(rect, corner, fill, edge, StrokeKind::Inside)
}

/// So much of a colour on a ground; opaque, so that what lies under it costs nothing and shows not.
pub(super) fn blend(ground: Color32, colour: Color32, share: f32) -> Color32 {
    ground.lerp_to_gamma(colour, share.clamp(0.0, 1.0))
}

/// The piano at the left; keys that sound are lit.
fn keys(painter: &Painter, piano: Rect, place: &Place<'_>, scene: &Scene<'_>, palette: &Palette) {
    let painter = painter.with_clip_rect(piano);
    let now = place.span.now;
    let sounding = |key: i32, voice: Voice| {
        scene.notes.iter().any(|note| {
            note.voice == voice
                && i32::from(note.key) == key
                && note.stage == Stage::Played
                && note.start_beats <= now
                && note.start_beats + note.len_beats >= now
        })
    };
    let mut mesh = Mesh::default();
    mesh.add_colored_rect(piano, palette.white_key);
    let line = blend(palette.white_key, palette.black_key, 0.35);
    for key in place.keys() {
        let row = place.row(key);
        let (top, bottom) = (row.top(), row.bottom());
        let whole = Rect::from_x_y_ranges(piano.x_range(), top..=bottom);
        let black = whole.with_max_x(piano.left() + 0.6 * piano.width());
        let lit = [(Voice::Machine, palette.machine), (Voice::Player, palette.player)];
        let lit = lit.into_iter().find(|(voice, _)| sounding(key, *voice)).map(|(_, hue)| hue);
        match (is_black(key), lit) {
            (true, lit) => {
                mesh.add_colored_rect(black, lit.unwrap_or(palette.black_key));
                let middle = f32::midpoint(top, bottom);
                let edge =
                    Rect::from_x_y_ranges(black.right()..=piano.right(), middle..=middle + 1.0);
                mesh.add_colored_rect(edge, line);
            }
            (false, Some(hue)) => mesh.add_colored_rect(whole, hue),
            (false, None) => {}
        }
        if matches!(key.rem_euclid(12), 0 | 5) {
            mesh.add_colored_rect(whole.with_min_y(bottom - 1.0), line);
        }
    }
    painter.add(mesh);
    let is_roomy = 12.0 * place.row(0).height() > SMALL + 2.0;
    for key in place.keys().filter(|key| is_roomy && key.rem_euclid(12) == 0) {
        let at = pos2(piano.right() - 4.0, place.row(key).center().y);
        if at.y < piano.bottom() - 5.0 && at.y > piano.top() + 5.0 {
            let name = format!("C{}", key / 12 - 1);
            painter.text(
                at,
                Align2::RIGHT_CENTER,
                name,
                font(SMALL),
                Color32::from_rgb(27, 30, 35),
            );
        }
    }
}

/// Bar numbers and chords, and at the right the key.
fn above(ui: &Ui, head: Rect, place: &Place<'_>, scene: &Scene<'_>, palette: &Palette) {
    let painter = ui.painter_at(head);
    let (ruler, chords) = head.split_top_bottom_at_y(head.bottom() - CHORDS);
    let bar_width = place.x(place.span.bar) - place.x(0.0);
    let every = (NUMBER_ROOM / bar_width.max(1.0)).ceil().max(1.0) as i64;
    let is_told = |number: i64| number > 0 && number.rem_euclid(every) == 0 && ruler.height() > 0.0;
    for (beats, number) in place.span.bars().filter(|(_, number)| is_told(*number)) {
        let at = pos2(place.x(beats) + 4.0, ruler.center().y);
        painter.text(at, Align2::LEFT_CENTER, number.to_string(), font(SMALL), palette.muted);
    }
    let mut chord_end = head.right();
    if let Some(key) = scene.key {
        let scale = if key.scale == Scale::Minor { "minor" } else { "major" };
        let text = format!("Key: {} {scale}", key.tonic);
        let at = pos2(head.right() - 8.0, chords.center().y);
        let right = painter.text(at, Align2::RIGHT_CENTER, text, font(TEXT), palette.text);
        chord_end = right.left() - 8.0;
    }
    let ends = scene.chords.iter().skip(1).map(|chord| chord.start_beats);
    for (chord, end) in scene.chords.iter().zip(ends.chain([f64::MAX])) {
        let left = place.x(chord.start_beats);
        let right = place.x(end.min(place.span.to)).min(chord_end);
        // A chord that began before the view is named at its left edge.
        let at = left.max(head.left());
        if chord.name.is_empty() || right - at < CHORD_ROOM || at > chord_end {
            continue;
        }
        if left >= head.left() {
            painter.vline(left, chords.y_range(), Stroke::new(1.0, palette.strong_line));
        }
        let names = [chord.name.as_str(), triad(&chord.name)].into_iter();
        let mut galleys =
            names.map(|name| painter.layout_no_wrap(name.to_owned(), font(TEXT), palette.text));
        if let Some(galley) = galleys.find(|galley| at + 4.0 + galley.size().x <= right) {
            let corner = pos2(at + 4.0, chords.center().y - galley.size().y / 2.0);
            painter.galley(corner, galley, palette.text);
        }
    }
}

/// A chord's root, and whether it is minor: what is left of its name where there is no room for more.
fn triad(name: &str) -> &str {
    let is_accidental = |c: char| matches!(c, '#' | 'b');
    let root = 1 + usize::from(name.chars().nth(1).is_some_and(is_accidental));
    let rest = name.get(root..).unwrap_or_default();
    let is_minor = rest.starts_with('m') && !rest.starts_with("maj");
    name.get(..root + usize::from(is_minor)).unwrap_or(name)
}

fn now_line(painter: &Painter, place: &Place<'_>, palette: &Palette) {
    let x = painter.round_to_pixel_center(place.x(place.span.now));
    painter.vline(x, place.sheet.y_range(), Stroke::new(1.5, palette.text));
    let top = pos2(x, place.sheet.top());
    let flag = vec![top + vec2(-5.0, -6.0), top + vec2(5.0, -6.0), top];
    painter.add(Shape::convex_polygon(flag, palette.text, Stroke::NONE));
}

/// What the forms and colours mean, where the bar numbers leave room: above what is to come.
fn legend(painter: &Painter, response: &Response, head: Rect, palette: &Palette) {
    if response.rect.width() < 480.0 || head.height() < RULER + CHORDS {
        return;
    }
    let mut right = head.right() - 8.0;
    let y = head.top() + RULER / 2.0;
    for (name, voice) in [("Sideman", Voice::Machine), ("You", Voice::Player)] {
        let text = painter.layout_no_wrap(name.to_owned(), font(SMALL), palette.muted);
        let left = right - text.size().x;
        let ground =
            Rect::from_x_y_ranges(left - 20.0..=right + 8.0, head.top()..=head.top() + RULER);
        painter.rect_filled(ground, 0.0, palette.sunken);
        painter.galley(pos2(left, y - text.size().y / 2.0), text, palette.muted);
        let mark = Rect::from_center_size(pos2(left - 11.0, y), vec2(12.0, 8.0));
        let (hue, corner) = match voice {
            Voice::Player => (palette.player, 0.0),
            Voice::Machine => (palette.machine, 4.0),
        };
        painter.rect_filled(mark, corner, hue);
        right = left - 28.0;
    }
}

/// What an empty roll says.
fn invitation(painter: &Painter, sheet: Rect, scene: &Scene<'_>, palette: &Palette) {
    let below = if scene.host_leads {
        "It follows the transport of your DAW."
    } else {
        "Time begins with your first key, or with your DAW's transport."
    };
    let at = pos2(sheet.left() + 0.4 * sheet.width(), sheet.center().y);
    let ground =
        |rect: Rect| painter.rect_filled(rect.expand2(vec2(8.0, 2.0)), 0.0, palette.sunken);
    for (text, size, colour, dy) in [
        ("Play something: Sideman listens", LARGE, palette.text, -11.0),
        (below, TEXT, palette.muted, 13.0),
    ] {
        let text = painter.layout_no_wrap(text.to_owned(), font(size), colour);
        let corner: Pos2 = at + vec2(0.0, dy) - text.size() / 2.0;
        ground(Rect::from_min_size(corner, text.size()));
        painter.galley(corner, text, colour);
    }
}

/// The roll in words, for those who are read it to.
fn words(scene: &Scene<'_>, span: &Span) -> String {
    let count = |voice: Voice, stage: fn(Stage) -> bool| {
        let of = |note: &&SeenNote| note.voice == voice && stage(note.stage) && span.holds(note);
        scene.notes.iter().filter(of).count()
    };
    let played = |stage| stage == Stage::Played;
    format!(
        "Piano roll: {} notes of yours, {} of Sideman's, {} to come",
        count(Voice::Player, played),
        count(Voice::Machine, played),
        count(Voice::Machine, |stage| stage != Stage::Played),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_shortened_to_their_triads() {
        for (name, short) in
            [("Fmaj7", "F"), ("Bbm7b5", "Bbm"), ("C#m", "C#m"), ("G/B", "G"), ("", ""), ("A", "A")]
        {
            assert_eq!(triad(name), short);
        }
    }
}
