//! What part of the music the roll shows: bars around the present from left to right, and from low to high what is played.

use crate::window::scene::{Scene, SeenNote};

/// Bars before and after the present.
pub(super) const PAST_BARS: f64 = 8.0;
pub(super) const NEXT_BARS: f64 = 2.0;

/// The least span of keys, so that two notes are not drawn as wide as the window.
const LEAST: f32 = 24.0;
/// Keys that are left free above and below what is played.
const MARGIN: f32 = 2.0;
/// What is looked at before anything is played: C3 to C5.
const AT_FIRST: [f32; 2] = [48.0, 72.0];
/// A bar line this much before the beginning of the take is that beginning, in quarter notes.
const SAME_LINE: f64 = 0.4;
/// How long a move takes, in seconds: most of it is done in this time.
const MOVE: f32 = 0.25;
/// A move this small is done, in keys.
const STILL: f32 = 0.01;

/// Time on the roll, in quarter notes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) now: f64,
    pub(super) to: f64,
    pub(super) bar: f64,
    bar_line: f64,
}

impl Span {
    /// The time around the present. What no music can be - a bar without length, a place that is no number - becomes common time.
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
        let bar = Some(scene.bar_beats).filter(|bar| (0.25..=64.0).contains(bar)).unwrap_or(4.0);
        let now = finite(scene.now_beats);
        let bar_line = finite(scene.bar_line_beats);
        Self { from: now - PAST_BARS * bar, now, to: now + NEXT_BARS * bar, bar, bar_line }
    }

    /// How far a place is from left to right, 0 to 1 and beyond.
    pub(super) fn share(&self, beats: f64) -> f32 {
        ((beats - self.from) / (self.to - self.from)) as f32
    }

    /// The bar lines in view, with the numbers of the bars that begin there. The first whole bar of the take is 1.
    pub(super) fn bars(&self) -> impl Iterator<Item = (f64, i64)> {
        let Self { from, to, bar, bar_line, .. } = *self;
        let pickup = pickup(bar_line, bar);
        let first = ((from - pickup) / bar).ceil() as i64;
        let lines = (first..).map(move |number| (pickup + number as f64 * bar, number + 1));
        lines.take_while(move |(beats, _)| *beats <= to)
    }

    /// The bar and the beat of the present, both counted from 1.
    pub(super) fn place(&self) -> (i64, i64) {
        let into = self.now - pickup(self.bar_line, self.bar);
        let bar = (into / self.bar).floor();
        (bar as i64 + 1, (into - bar * self.bar).floor() as i64 + 1)
    }

    /// Whether a note is in view.
    pub(super) fn holds(&self, note: &SeenNote) -> bool {
        note.start_beats < self.to && note.start_beats + note.len_beats > self.from
    }
}

/// How long the take goes on before its first bar line. One that comes nearly a bar late is the take's own beginning, which moved a
/// little as the tempo was followed.
fn pickup(bar_line: f64, bar: f64) -> f64 {
    let pickup = bar_line.rem_euclid(bar);
    if bar - pickup < SAME_LINE { pickup - bar } else { pickup }
}

/// The keys in view, moving.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Camera {
    /// The lowest key in view and the one above the highest.
    pub(super) keys: [f32; 2],
    /// Whether it was ever pointed: at first it jumps.
    is_set: bool,
}

impl Default for Camera {
    fn default() -> Self {
        Self { keys: AT_FIRST, is_set: false }
    }
}

impl Camera {
    /// Moves towards what is to be seen; says whether it still moves.
    pub(super) fn follow(&mut self, notes: &[SeenNote], span: &Span, seconds: f32) -> bool {
        let to = wanted(notes.iter().filter(|note| span.holds(note)), self.keys);
        let share = if self.is_set { 1.0 - (-3.0 * seconds.max(0.0) / MOVE).exp() } else { 1.0 };
        self.is_set = true;
        let mut moves = false;
        for (key, to) in self.keys.iter_mut().zip(to) {
            let way = to - *key;
            let arrived = way.abs() < STILL;
            *key = if arrived { to } else { *key + way * share };
            moves |= !arrived;
        }
        moves
    }

    /// How far a key's lower edge is from the bottom to the top, 0 to 1 and beyond.
    pub(super) fn share(&self, key: f32) -> f32 {
        let [low, high] = self.keys;
        (key - low) / (high - low)
    }
}

/// The keys that hold all of the notes; with no notes, what was in view.
fn wanted<'a>(notes: impl Iterator<Item = &'a SeenNote>, before: [f32; 2]) -> [f32; 2] {
    let all = notes.fold(None, |all: Option<[f32; 2]>, note| {
        let key = f32::from(note.key.min(127));
        let [low, high] = all.unwrap_or([key, key]);
        Some([low.min(key), high.max(key)])
    });
    let Some([low, high]) = all else { return before };
    let [low, high] = [low - MARGIN, high + 1.0 + MARGIN];
    let more = (LEAST - (high - low)).max(0.0) / 2.0;
    [low - more, high + more]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::Voice;
    use crate::window::scene::Stage;

    fn note(key: u8) -> SeenNote {
        let (voice, stage) = (Voice::Player, Stage::Played);
        SeenNote { voice, start_beats: 0.0, len_beats: 1.0, key, velocity: 80, stage }
    }

    fn span(now: f64, bar_line: f64) -> Span {
        Span { from: now - 32.0, now, to: now + 8.0, bar: 4.0, bar_line }
    }

    #[test]
    fn the_present_is_four_fifths_to_the_right() {
        assert!((span(10.0, 0.0).share(10.0) - 0.8).abs() < 1e-6);
    }

    #[test]
    fn bars_are_counted_from_the_first_whole_one() {
        let lines: Vec<_> = span(33.0, 0.0).bars().collect();
        assert_eq!(lines.first(), Some(&(4.0, 2)));
        assert_eq!(lines.last(), Some(&(40.0, 11)));
        // A pickup of one beat before the bar line at 1.
        let lines: Vec<_> = span(33.0, 9.0).bars().collect();
        assert_eq!(lines.first(), Some(&(1.0, 1)));
    }

    #[test]
    fn places_are_counted_from_one() {
        assert_eq!(span(0.0, 0.0).place(), (1, 1));
        assert_eq!(span(6.5, 0.0).place(), (2, 3));
        assert_eq!(span(6.5, 3.8).place(), (2, 3), "the line was drawn a little earlier");
        // In the pickup before the first bar line.
        assert_eq!(span(0.0, 1.0).place(), (0, 4));
    }

    #[test]
    fn what_is_played_is_in_view_and_never_too_large() {
        let [low, high] = wanted([note(60), note(62)].iter(), AT_FIRST);
        assert!((high - low - LEAST).abs() < 1e-6 && low < 58.0 && high > 64.0, "{low} {high}");
        let [low, high] = wanted([note(21), note(108)].iter(), AT_FIRST);
        assert!((low - 19.0).abs() < 1e-6 && (high - 111.0).abs() < 1e-6);
        let [low, high] = wanted([].iter(), [30.0, 60.0]);
        assert!((low - 30.0).abs() < 1e-6 && (high - 60.0).abs() < 1e-6, "nothing moves");
    }

    #[test]
    fn the_camera_arrives() {
        let mut camera = Camera::default();
        let span = span(0.0, 0.0);
        assert!(camera.follow(&[note(60)], &span, 0.0) || camera.keys[0] < 60.0);
        let mut frames = 0;
        while camera.follow(&[note(90)], &span, 1.0 / 60.0) {
            frames += 1;
            assert!(frames < 120, "{camera:?}");
        }
        assert!(frames > 5, "it does not jump");
        assert!(camera.share(90.0) > 0.0 && camera.share(91.0) < 1.0);
    }
}
