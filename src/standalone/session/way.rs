//! The way of a session: its own beats, which only rise, between the samples that were heard and the bars that were counted.
//!
//! The engine's beats stand still while nobody plays, and begin anew when a transport starts. Here the music goes on at the next bar line
//! instead, so that a pause costs at most a bar.

use crate::link::display::Now;
use crate::music::time::{SampleRate, TICKS_PER_BEAT};

/// A place is a new one where it differs by this many beats from what tempo and samples foretell.
const JUMP_BEATS: f64 = 0.5;
/// Bar lines within this many beats are one.
const SAME: f64 = 1e-3;
/// Less than the shortest bar.
const EARLIER: f64 = 0.1;

/// A place and its sample.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Anchor {
    beats: f64,
    sample: u64,
    /// The sound does not lead here from the anchor before.
    fresh: bool,
}

/// Bar lines from a place on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Line {
    /// A bar line.
    pub(super) beats: f64,
    /// Beats from one to the next.
    pub(super) bar: f64,
}

/// A stretch of beats and the samples that it was heard in; none where a pause is filled up to a bar line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Stretch {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) samples: Option<(u64, u64)>,
    pub(super) seconds: f64,
}

/// What is known of the way.
#[derive(Clone, Debug)]
pub(super) struct Way {
    hertz: f64,
    anchors: Vec<Anchor>,
    lines: Vec<Line>,
    /// The engine's beats, as of the last place, while time passes; what they lack to ours; its tempo.
    engine: Option<f64>,
    shift: f64,
    tempo: f64,
    last: f64,
}

/// A step of more than this is a jump, whatever time has passed, in quarter notes.
const LEAP_BEATS: f64 = 1_000.0;

impl Way {
    pub(super) const fn new(rate: SampleRate) -> Self {
        Self {
            hertz: rate.hertz(),
            anchors: Vec::new(),
            lines: Vec::new(),
            engine: None,
            shift: 0.0,
            tempo: 120.0,
            last: 0.0,
        }
    }

    /// Goes on to a sample; gives its place.
    pub(super) fn go(&mut self, sample: u64, now: Option<Now>) -> f64 {
        let Some(now) = now else {
            self.engine = None;
            return self.last;
        };
        let (beats, tempo) = (now.beats.0, now.tempo.beats_per_minute());
        let before = self.anchors.last().map_or(sample, |a| a.sample);
        let passed =
            sample.saturating_sub(before) as f64 / self.hertz * tempo.max(self.tempo) / 60.0;
        let goes_on = |from: f64| beats > from - JUMP_BEATS && beats < from + passed + JUMP_BEATS;
        // Nobody plays a thousand beats between two tellings; a log may say so.
        let leaps = (beats + self.shift - self.last).abs() > LEAP_BEATS;
        let fresh = leaps || !self.engine.is_some_and(goes_on);
        let length = now.bars.length.max(1) as f64 / TICKS_PER_BEAT as f64;
        let origin = now.bars.origin.beats().0;
        if fresh {
            let into = (beats - origin).rem_euclid(length);
            // A hair before a bar line is on it.
            let into = if length - into < SAME { into - length } else { into };
            let line = self.line_from(self.last);
            self.shift = line - (beats - into);
            self.set_line(Line { beats: line, bar: length });
        }
        let place = (beats + self.shift).max(self.last);
        self.keep_lines(origin + self.shift, length, place);
        (self.engine, self.tempo, self.last) = (Some(beats), tempo, place);
        if self.anchors.last().is_none_or(|a| fresh || sample > a.sample) {
            self.anchors.push(Anchor { beats: place, sample, fresh });
        }
        place
    }

    /// Where the engine is, for the eye: nothing is remembered.
    pub(super) fn place(&self, now: Option<Now>) -> f64 {
        match (now, self.engine) {
            (Some(now), Some(_)) => {
                let place = now.beats.0 + self.shift;
                // A jump that is not yet heard of.
                if place > self.last + 4.0 { self.last } else { place.max(self.last) }
            }
            _ => self.last,
        }
    }

    /// Whether time passes.
    pub(super) const fn goes(&self) -> bool {
        self.engine.is_some()
    }

    /// Quarter notes a minute.
    pub(super) const fn tempo(&self) -> f64 {
        self.tempo
    }

    /// Beats from 0 to a bar line.
    pub(super) fn bar_line(&self) -> f64 {
        self.lines.last().map_or(0.0, |line| line.beats.rem_euclid(line.bar))
    }

    /// The bar lines that hold at a place, and before it.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The last bar line at or before a place.
    pub(super) fn bar_at(&self, place: f64) -> f64 {
        let index = self.lines.partition_point(|l| l.beats <= place + SAME);
        let Some(line) = index.checked_sub(1).map(|i| self.lines[i]) else { return 0.0 };
        let bars = |beats: f64| ((beats - line.beats + SAME) / line.bar).floor().max(0.0);
        // The bar before other bar lines may be an odd one.
        let most = self.lines.get(index).map_or(f64::MAX, |n| bars(n.beats - line.bar / 2.0));
        line.beats + bars(place).min(most) * line.bar
    }

    /// The first bar line behind a place.
    pub(super) fn next_bar(&self, place: f64) -> f64 {
        let index = self.lines.partition_point(|l| l.beats <= place + SAME);
        let bar = index.checked_sub(1).map_or(4.0, |i| self.lines[i].bar);
        let next = self.bar_at(place) + bar;
        let odd = self.lines.get(index).filter(|line| next > line.beats - bar / 2.0 + SAME);
        odd.map_or(next, |line| line.beats)
    }

    /// The bar line so many bars before a place's own, at least that of the first bar.
    pub(super) fn bars_back(&self, place: f64, bars: u32) -> f64 {
        let first = self.lines.first().map_or(0.0, |l| l.beats);
        let back = |at: f64, _| if at <= first { first } else { self.bar_at(at - EARLIER) };
        (0..bars.min(100_000)).fold(self.bar_at(place), back)
    }

    /// The samples of a range of beats, in order.
    pub(super) fn stretches(&self, from: f64, to: f64) -> Vec<Stretch> {
        let mut all: Vec<Stretch> = Vec::new();
        let begin = self.anchors.partition_point(|a| a.beats <= from).saturating_sub(1);
        for pair in self.anchors[begin..].windows(2) {
            let (a, b) = (pair[0], pair[1]);
            if a.beats >= to {
                break;
            }
            let (first, last) = (a.beats.max(from), b.beats.min(to));
            if last <= first {
                continue;
            }
            let share = |place: f64| (place - a.beats) / (b.beats - a.beats);
            let stretch = if b.fresh {
                let seconds = (last - first) * 60.0 / self.tempo;
                Stretch { from: first, to: last, samples: None, seconds }
            } else {
                let frames = b.sample.saturating_sub(a.sample) as f64;
                let sample =
                    |place| a.sample.saturating_add((share(place) * frames).round() as u64);
                let samples = Some((sample(first), sample(last)));
                let seconds = (share(last) - share(first)) * frames / self.hertz;
                Stretch { from: first, to: last, samples, seconds }
            };
            all.push(stretch);
        }
        all
    }

    /// The first bar line at or behind a place.
    fn line_from(&self, place: f64) -> f64 {
        let at = self.bar_at(place);
        if place - at <= 2.0 * SAME { at } else { self.next_bar(place) }
    }

    /// Follows bar lines that have moved: an odd bar of half a bar to one and a half stands before the new ones.
    fn keep_lines(&mut self, origin: f64, bar: f64, place: f64) {
        let Some(held) = self.lines.last() else { return };
        let off = (origin - held.beats).rem_euclid(bar);
        if (held.bar - bar).abs() < SAME && off.min(bar - off) < SAME {
            return;
        }
        if held.beats > place && self.lines.len() > 1 {
            self.lines.pop();
        }
        let old = self.lines.last().map_or(bar, |held| held.bar);
        let earliest = self.bar_at(place) + old / 2.0;
        let next = origin + ((earliest - origin) / bar - SAME).ceil() * bar;
        self.set_line(Line { beats: next, bar });
    }

    fn set_line(&mut self, line: Line) {
        let same = |held: &Line| {
            let off = (line.beats - held.beats).rem_euclid(line.bar);
            (held.bar - line.bar).abs() < SAME && off.min(line.bar - off) < SAME
        };
        if self.lines.last().is_some_and(same) {
            return;
        }
        self.lines.retain(|held| held.beats < line.beats - SAME);
        self.lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::time::{Bars, Beats, Tempo, Tick};

    fn now(beats: f64, origin: i64, tempo: f64) -> Now {
        let bars = Bars { origin: Tick(origin), length: 48 };
        Now { beats: Beats(beats), bars, tempo: Tempo::new(tempo) }
    }

    /// Two beats a second at a rate of 100: 50 samples a beat.
    fn way() -> Way {
        let mut way = Way::new(SampleRate::new(1_000.0));
        for n in 0..=50 {
            way.go(n * 100, Some(now(n as f64 * 0.2, 0, 120.0)));
        }
        way
    }

    #[test]
    fn after_a_pause_the_music_goes_on_at_a_bar_line() {
        let mut way = way();
        assert!((way.go(5_100, None) - 10.0).abs() < 1e-9);
        assert!(!way.goes());
        // A hair before the bar line at which the engine begins, by rounding.
        let place = way.go(90_000, Some(now(10.25 - 1e-9, 123, 120.0)));
        assert!((place - 12.0).abs() < 1e-6, "{place}");
        assert!((way.go(90_500, Some(now(11.25, 123, 120.0))) - 13.0).abs() < 1e-6);
        let stretches = way.stretches(9.9, 12.5);
        let samples: Vec<_> = stretches.iter().map(|s| s.samples).collect();
        assert_eq!(samples, [Some((4_950, 5_000)), None, Some((90_000, 90_250))]);
        let seconds: f64 = stretches.iter().map(|s| s.seconds).sum();
        assert!((seconds - 1.3).abs() < 1e-6, "{seconds}");
        assert!((way.bars_back(12.5, 2) - 4.0).abs() < 1e-6);
        assert!((way.bars_back(12.5, 9) - 0.0).abs() < 1e-9);
    }

    #[test]
    fn a_transport_that_begins_anew_goes_on_and_keeps_its_bars() {
        let mut way = way();
        let place = way.go(5_050, Some(now(1.0, 0, 120.0)));
        assert!((place - 13.0).abs() < 1e-9, "a beat behind the next bar line: {place}");
        assert!((way.bar_at(place) - 12.0).abs() < 1e-9);
    }

    #[test]
    fn bar_lines_that_move_leave_one_odd_bar() {
        let mut way = way();
        // A sixteenth later from here on.
        for n in 51..80 {
            way.go(n * 100, Some(now(n as f64 * 0.2, 3, 120.0)));
        }
        assert_eq!(way.lines().len(), 2);
        let bars: Vec<f64> =
            std::iter::successors(Some(0.0), |at| Some(way.next_bar(*at))).take(5).collect();
        assert_eq!(bars, [0.0, 4.0, 8.0, 12.25, 16.25]);
        assert!((way.bars_back(15.0, 2) - 4.0).abs() < 1e-9);
    }
}
