//! What a harmonist hears of a player: which pitch classes of late and over all, what was struck last, how it goes on where the
//! bars before were alike, and whether there is a left hand. Computed from onsets alone, since a key that is held can't be told
//! yet from one that will be; what is struck counts as sounding until the next is.
//!
//! Everything is kept class by class, and every class is computed alike: a melody that is transposed gives the same numbers in
//! other places, to the last bit. The one exception is the register below [`BASS_BELOW`], which is absolute.

use crate::music::pitch::{Pitch, PitchClass};
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// Vectors of twelve pitch classes in [`Inputs`].
pub const VECTORS: usize = FADES.len() + 6 + LAGS.len() + LEFT;
/// Numbers in [`Inputs`] that belong to no class.
pub const SCALARS: usize = LAGS.len() + LEFT + 5 + PLACES;
/// Ticks before a point at which its chord is chosen, at the latest.
pub const AHEAD: i64 = 2;
/// Ticks after a point at which what was struck on it is known, in time or a tick late.
pub const BEHIND: i64 = 1;

/// Ticks in which what sounded fades to 1/e: half a beat, two beats, two bars, eight, thirty-two.
const FADES: [f32; 5] = [6.0, 24.0, 96.0, 384.0, 1_536.0];
/// The same for the left hand.
const LEFT_FADE: f32 = 24.0;
/// Vectors of the left hand: its lowest notes, all of its notes, chords.
const LEFT: usize = 3;
/// Bars ago that are heard again, each weighted by how alike the music was then and is now.
const LAGS: [i64; 5] = [1, 2, 4, 8, 16];
/// Bars that the memory of form reaches back.
const FORM_BARS: i64 = 16;
/// Ticks over which likeness is judged, and ticks that are heard again.
const ALIKE: i64 = 48;
const AGAIN: i64 = 24;
/// How sharply alike bars stand out, and the likeness from which they do.
const SHARPNESS: f32 = 8.0;
const LIKENESS: f32 = 0.75;
/// Ticks that are remembered.
const MEMORY: i64 = 1_024;
/// Ticks after which a note counts as sounding no more, and as half forgotten.
const SOUNDING: i64 = 48;
const FRESH: i64 = 24;
/// What an onset weighs, in ticks of sounding.
const ONSET: f32 = 2.0;
/// Ticks in which what is struck is one stroke: fingers are uneven.
const STROKE: i64 = 1;
/// Classes of a stroke that is a chord.
const CHORD: u32 = 3;
/// Below this key it is a bass, C3; and what lies so many semitones below the highest key of the last two beats.
pub const BASS_BELOW: u8 = 48;
const FAR_BELOW: u8 = 13;
const HAND_TICKS: usize = 24;
/// What keeps shares of nothing at 0.
const LITTLE: f32 = 0.5;
/// Places that are told apart.
const PLACES: usize = 13;
/// Points closer to a half bar than this, or to the next bar line, are left out.
const APART: i64 = 6;

/// What is heard at a point, as a network takes it. All numbers lie in 0 to 1.
#[derive(Clone, PartialEq, Debug)]
pub struct Inputs {
    /// Vectors of pitch classes, C first.
    pub classes: [[f32; 12]; VECTORS],
    /// What belongs to no class.
    pub rest: [f32; SCALARS],
}

impl Default for Inputs {
    fn default() -> Self {
        Self { classes: [[0.0; 12]; VECTORS], rest: [0.0; SCALARS] }
    }
}

/// A place in the bar at which a chord may begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// The first beat of a bar.
    BarLine,
    /// The middle of a bar.
    HalfBar,
    /// Another beat.
    Beat,
}

/// Ticks that count as a bar: one, or so many that there is a beat in them.
const fn span(bars: Bars) -> i64 {
    if bars.length >= TICKS_PER_BEAT {
        return bars.length;
    }
    let length = if bars.length < 1 { 1 } else { bars.length };
    (TICKS_PER_BEAT + length - 1) / length * length
}

/// Ticks into that.
const fn into(bars: Bars, tick: Tick) -> i64 {
    tick.since(bars.origin).rem_euclid(span(bars))
}

/// Which point a tick is, if it is one.
pub const fn point(bars: Bars, tick: Tick) -> Option<Point> {
    let (span, into) = (span(bars), into(bars, tick));
    let half = span / 2;
    let has_half = half >= TICKS_PER_BEAT;
    if into == 0 {
        Some(Point::BarLine)
    } else if has_half && into == half {
        Some(Point::HalfBar)
    } else if into % TICKS_PER_BEAT == 0
        && span - into >= APART
        && !(has_half && (into - half).abs() < APART)
    {
        Some(Point::Beat)
    } else {
        None
    }
}

/// The number of a place among [`PLACES`].
const fn place(bars: Bars, tick: Tick) -> usize {
    let (span, into) = (span(bars), into(bars, tick));
    match (span, into) {
        (48, _) => (into / 12) as usize,
        (36, 18) => 6,
        (36, 24) => 7,
        (36, _) => 4 + (into / 12) as usize,
        (24, _) => 8 + (into / 12) as usize,
        (_, 0) => 10,
        _ if into == span / 2 => 11,
        _ => 12,
    }
}

/// Vectors that fade, with the sums of each, kept apart so that no sum depends on the order of the classes.
#[derive(Clone, Copy, Debug, Default)]
struct Fading {
    classes: [f32; 12],
    sum: f32,
}

impl Fading {
    fn fade(&mut self, by: f32) {
        self.classes.iter_mut().for_each(|x| *x *= by);
        self.sum *= by;
    }

    fn add(&mut self, set: u16, weight: f32) {
        for (class, x) in self.classes.iter_mut().enumerate() {
            if set >> class & 1 == 1 {
                *x += weight;
            }
        }
        self.sum += weight * set.count_ones() as f32;
    }

    fn shares(&self) -> [f32; 12] {
        self.classes.map(|x| x / (self.sum + LITTLE))
    }
}

/// The ear.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// The last tick heard, and the first on which anything was struck.
    now: Tick,
    begun: Tick,
    /// By tick modulo [`MEMORY`]: classes struck, and classes that sound.
    struck: Vec<u16>,
    sounding: Vec<u16>,
    /// The highest key struck, by tick modulo [`HAND_TICKS`]; 0 is none.
    highest: [u8; HAND_TICKS],
    fading: [Fading; FADES.len()],
    left: [Fading; LEFT],
    /// The last three strokes, the last first, and when it began.
    strokes: [u16; 3],
    stroke: Option<Tick>,
    lowest: Option<PitchClass>,
}

impl Hearing {
    /// An ear that has heard nothing; the next tick is `tick`.
    pub fn new(tick: Tick) -> Self {
        Self {
            now: tick.plus(-1),
            begun: tick,
            struck: vec![0; MEMORY as usize],
            sounding: vec![0; MEMORY as usize],
            highest: [0; HAND_TICKS],
            fading: Default::default(),
            left: Default::default(),
            strokes: [0; 3],
            stroke: None,
            lowest: None,
        }
    }

    /// The last tick heard.
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// The lowest class of the last stroke; none before anything was struck.
    pub const fn lowest(&self) -> Option<PitchClass> {
        self.lowest
    }

    /// How much of a left hand is heard, 0 to 1: a bass, or chords.
    pub fn left_hand(&self) -> f32 {
        self.left.iter().map(|left| amount(left.sum, 2.0)).fold(0.0, f32::max)
    }

    /// Goes on in silence to the tick before `tick`, where nothing was struck yet.
    pub fn wait(&mut self, tick: Tick) {
        if self.stroke.is_none() {
            self.now = self.now.max(tick.plus(-1));
        }
    }

    /// Ticks since the last stroke began; none before the first.
    pub fn silence(&self) -> Option<i64> {
        self.stroke.map(|at| self.now.since(at))
    }

    /// Hears a tick: what was struck on it, in any order.
    pub fn hear(&mut self, pitches: impl Iterator<Item = Pitch> + Clone) {
        self.now = self.now.plus(1);
        let at = slot(self.now);
        let hand = self.now.0.rem_euclid(HAND_TICKS as i64) as usize;
        let number = |p: Pitch| p.number();
        self.highest[hand] = pitches.clone().map(number).max().unwrap_or(0);
        let set = pitches.clone().fold(0, |set, p| set | p.class().bit());
        for (fading, ticks) in self.fading.iter_mut().zip(FADES) {
            fading.fade((-1.0 / ticks).exp());
        }
        self.left.iter_mut().for_each(|left| left.fade((-1.0 / LEFT_FADE).exp()));
        if set != 0 {
            if self.stroke.is_none() {
                self.begun = self.now;
            }
            self.strike(set);
            self.lowest = pitches.clone().min().map(Pitch::class);
            self.hear_left_hand(pitches);
        }
        let age = self.age();
        self.struck[at] = set;
        self.sounding[at] = if age < SOUNDING { self.strokes[0] } else { 0 };
        for fading in &mut self.fading {
            fading.add(self.sounding[at], 1.0);
            fading.add(set, ONSET);
        }
    }

    /// Takes classes into the last stroke, or begins a new one.
    fn strike(&mut self, set: u16) {
        let before = if self.age() <= STROKE { self.strokes[0] } else { 0 };
        if before == 0 {
            let [last, before_it, _] = self.strokes;
            self.strokes = [set, last, before_it];
            self.stroke = Some(self.now);
        } else {
            self.strokes[0] |= set;
        }
        let whole = before | set;
        if whole.count_ones() >= CHORD {
            let was_chord = before.count_ones() >= CHORD;
            self.left[2].add(if was_chord { set & !before } else { whole }, 1.0);
        }
    }

    fn hear_left_hand(&mut self, pitches: impl Iterator<Item = Pitch> + Clone) {
        let highest = self.highest.iter().copied().max().unwrap_or(0);
        let low =
            |p: &Pitch| p.number() < BASS_BELOW || p.number().saturating_add(FAR_BELOW) <= highest;
        let lowest = pitches.clone().min().filter(low);
        self.left[0].add(lowest.map_or(0, |p| p.class().bit()), 1.0);
        self.left[1].add(pitches.filter(low).fold(0, |set, p| set | p.class().bit()), 1.0);
    }

    fn age(&self) -> i64 {
        self.silence().unwrap_or(i64::MAX)
    }

    /// What is heard at `point`, which lies [`AHEAD`] of the last tick heard or [`BEHIND`] it.
    pub fn inputs(&self, point: Tick, bars: Bars, out: &mut Inputs) {
        let is_behind = point <= self.now;
        *out = Inputs::default();
        let (fading, rest) = out.classes.split_at_mut(FADES.len());
        for (out, fading) in fading.iter_mut().zip(&self.fading) {
            *out = fading.shares();
        }
        let (own, rest) = rest.split_at_mut(6);
        let (lags, left) = rest.split_at_mut(LAGS.len());
        let line = point.plus(-into(bars, point));
        own[0] = self.between(line, self.now.plus(1));
        for (out, set) in own[1..4].iter_mut().zip(self.strokes) {
            set_bits(out, set, 1.0);
        }
        if self.age() > FRESH {
            own[1].iter_mut().for_each(|x| *x *= 0.5);
        }
        if is_behind {
            let on = (-1..=BEHIND).fold(0, |set, by| set | self.struck_at(point.plus(by)));
            set_bits(&mut own[4], on, 1.0);
        }
        let scalars = &mut out.rest;
        let mut weight = 1e-3;
        for bar in 1..=FORM_BARS {
            let ago = bar.saturating_mul(span(bars));
            let from = point.plus(-ago);
            if from < self.begun || ago > MEMORY - 2 * ALIKE {
                break;
            }
            let likeness = self.likeness(ago);
            let then = self.between(from, from.plus(AGAIN).min(self.now.plus(1)));
            let counts = ((likeness - LIKENESS) * SHARPNESS).exp();
            weight += counts;
            own[5].iter_mut().zip(then).for_each(|(x, then)| *x += counts * then);
            if let Some(nth) = LAGS.iter().position(|lag| *lag == bar) {
                lags[nth] = then.map(|x| x * likeness);
                scalars[nth] = likeness;
            }
        }
        own[5].iter_mut().for_each(|x| *x /= weight);
        let scalars = &mut scalars[LAGS.len()..];
        for ((out, scalar), fading) in left.iter_mut().zip(scalars.iter_mut()).zip(&self.left) {
            *out = fading.shares();
            *scalar = amount(fading.sum, 2.0);
        }
        let scalars = &mut scalars[LEFT..];
        scalars[0] = amount(self.fading[1].sum, 20.0);
        scalars[1] = amount(self.fading[3].sum, 100.0);
        scalars[2] = self.age().min(SOUNDING) as f32 / SOUNDING as f32;
        scalars[3] = f32::from(u8::from(self.age() < 3));
        scalars[4] = f32::from(u8::from(is_behind));
        scalars[5 + place(bars, point)] = 1.0;
    }

    /// Shares of the classes from one tick to another.
    fn between(&self, from: Tick, to: Tick) -> [f32; 12] {
        let mut heard = Fading::default();
        let from = from.max(self.begun).max(self.now.plus(1 - MEMORY));
        for by in 0..to.since(from) {
            let at = slot(from.plus(by));
            heard.add(self.sounding[at], 1.0);
            heard.add(self.struck[at], ONSET);
        }
        heard.shares()
    }

    /// The share of the last ticks in which a class sounds that sounded `ago` ticks before too.
    fn likeness(&self, ago: i64) -> f32 {
        let alike = (0..ALIKE).filter(|by| {
            let (now, then) = (self.now.plus(-by), self.now.plus(-by - ago));
            then >= self.begun && self.sounding[slot(now)] & self.sounding[slot(then)] != 0
        });
        alike.count() as f32 / ALIKE as f32
    }

    fn struck_at(&self, tick: Tick) -> u16 {
        if tick < self.begun || tick > self.now { 0 } else { self.struck[slot(tick)] }
    }
}

const fn slot(tick: Tick) -> usize {
    tick.0.rem_euclid(MEMORY) as usize
}

/// 0 for nothing, and near 1 for much.
fn amount(sum: f32, much: f32) -> f32 {
    1.0 - (-sum / much).exp()
}

fn set_bits(out: &mut [f32; 12], set: u16, value: f32) {
    for (class, x) in out.iter_mut().enumerate() {
        *x = if set >> class & 1 == 1 { value } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Bars = Bars { origin: Tick(0), length: 48 };

    /// Hears a note on each beat; 0 is none.
    fn heard(keys: &[u8], ticks: i64) -> Hearing {
        let mut hearing = Hearing::new(Tick(0));
        for tick in 0..ticks {
            let key = keys.get((tick / 12) as usize).filter(|k| tick % 12 == 0 && **k > 0);
            hearing.hear(key.map(|k| Pitch::new(*k)).into_iter());
        }
        hearing
    }

    fn inputs(hearing: &Hearing, point: i64) -> Inputs {
        let mut out = Inputs::default();
        hearing.inputs(Tick(point), FOUR, &mut out);
        out
    }

    #[test]
    fn points_are_beats_and_half_bars_apart_from_each_other() {
        let points = |length: i64| -> Vec<i64> {
            (0..length).filter(|t| point(Bars { length, ..FOUR }, Tick(*t)).is_some()).collect()
        };
        assert_eq!(points(48), [0, 12, 24, 36]);
        assert_eq!(points(36), [0, 12, 18, 24]);
        assert_eq!(points(42), [0, 12, 21, 36]);
        assert_eq!(points(60), [0, 12, 24, 30, 36, 48]);
        assert_eq!(points(24), [0, 12]);
        assert_eq!(point(FOUR, Tick(24)), Some(Point::HalfBar));
        let tiny = Bars { origin: Tick(0), length: 1 };
        let found: Vec<i64> = (0..36).filter(|t| point(tiny, Tick(*t)).is_some()).collect();
        assert_eq!(found, [0, 12, 24]);
        for length in 1..200 {
            let bars = Bars { origin: Tick(3), length };
            let found: Vec<i64> = (0..2_000).filter(|t| point(bars, Tick(*t)).is_some()).collect();
            assert!(found.windows(2).all(|w| w[1] - w[0] >= APART), "{length}: {found:?}");
            assert!(found.iter().all(|t| place(bars, Tick(*t)) < PLACES));
        }
    }

    #[test]
    fn transposed_music_gives_the_same_numbers_in_other_places() {
        let tune = [60, 64, 67, 72, 65, 69, 72, 0, 67, 71, 74, 79, 60, 64, 67, 72, 65];
        for by in 1..12 {
            let moved: Vec<u8> = tune.iter().map(|k| if *k > 0 { k + by } else { 0 }).collect();
            let (plain, other) = (heard(&tune, 190), heard(&moved, 190));
            let (plain, other) = (inputs(&plain, 191), inputs(&other, 191));
            assert!(plain.rest.iter().zip(&other.rest).all(|(a, b)| a.to_bits() == b.to_bits()));
            for (a, b) in plain.classes.iter().zip(&other.classes) {
                assert!((0..12).all(|c| a[c].to_bits() == b[(c + usize::from(by)) % 12].to_bits()));
            }
        }
    }

    #[test]
    fn what_came_after_an_alike_bar_is_expected_again() {
        let tune = [60, 62, 64, 65, 67, 69, 71, 72, 60, 62, 64, 65];
        let hearing = heard(&tune, 12 * 12 - 1);
        let form = inputs(&hearing, 144).classes[FADES.len() + 5];
        let most = (0..12).max_by(|a, b| form[*a].total_cmp(&form[*b])).unwrap();
        assert!(most == 7 || most == 9, "{form:?}");
    }

    #[test]
    fn a_left_hand_is_heard_and_a_doubled_octave_is_none() {
        let mut hearing = Hearing::new(Tick(0));
        hearing.hear([60, 72].map(Pitch::new).into_iter());
        assert!(hearing.left_hand() < 1e-6);
        // Fingers that come a tick apart are one chord.
        hearing.hear([64].map(Pitch::new).into_iter());
        assert!(hearing.left_hand() < 1e-6);
        let mut chord = Hearing::new(Tick(0));
        chord.hear([64, 67].map(Pitch::new).into_iter());
        chord.hear([72].map(Pitch::new).into_iter());
        assert!(chord.left_hand() > 0.7);
        let mut bass = Hearing::new(Tick(0));
        bass.hear([36].map(Pitch::new).into_iter());
        assert!(bass.left_hand() > 0.3 && bass.lowest() == Some(PitchClass::new(0)));
    }

    #[test]
    fn all_inputs_stay_small_whatever_is_heard() {
        let mut hearing = Hearing::new(Tick(-5));
        let mut dice = 1_u32;
        for tick in -5..5_000 {
            let mut roll = || {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                dice >> 24
            };
            let count = roll() % 9;
            let keys: Vec<Pitch> = (0..count).map(|_| Pitch::new((roll() % 128) as u8)).collect();
            hearing.hear(keys.into_iter());
            for length in [1, 7, 36, 42, 48, 500, i64::MAX / 4] {
                let bars = Bars { origin: Tick(1), length };
                for point in [tick + AHEAD, tick - BEHIND] {
                    let mut out = Inputs::default();
                    hearing.inputs(Tick(point), bars, &mut out);
                    let all = out.classes.as_flattened().iter().chain(&out.rest);
                    assert!(all.into_iter().all(|x| (0.0..=1.0001).contains(x)), "{out:?}");
                }
                if tick > 300 {
                    break;
                }
            }
        }
    }
}
