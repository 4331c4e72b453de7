//! Endless windows of tokens for training: lanes side by side, each walking piece after piece.
//!
//! What comes is decided by the seed and by counters alone, so a stream goes on from a saved [`Position`]
//! as if it had never stopped.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::asks::Asks;
use crate::data::mix::{Mix, below, random};
use crate::data::player::play_as_players;
use crate::data::roles::{Piece, Role, Shares};
use crate::data::shelf::ShelfError;
use crate::model::inputs::Inputs;
use crate::model::window::Window;
use crate::music::context::Context;
use crate::music::encode::encode;
use crate::music::note::{Note, Voice};
use crate::music::time::{Bars, Tick};
use crate::music::token::{Kind, Token};

/// The random stream that belongs to the first reading; those below shuffle.
const FIRST_READING: u64 = 1 << 32;
/// Of a hundred readings those that are told no style, so that a model without one asked for plays well too.
const STYLELESS_PERCENT: u32 = 15;
/// Of a hundred readings those that begin in mid-piece, as live takes do: else the model learns that a player who
/// begins alone is playing an introduction, and waits for its end.
const EXCERPT_PERCENT: u32 = 50;
/// Of a hundred excerpts those in which the machine comes in up to a bar late: it hears what is played first.
const LATE_PERCENT: u32 = 50;
/// Bars that an excerpt has at least.
const EXCERPT_BARS: i64 = 8;

/// A piece as a string of tokens, with the bar lines it is read in.
#[derive(Clone, PartialEq, Debug)]
pub struct Reading {
    /// The tokens after [`Token::START`].
    pub tokens: Vec<Token>,
    /// Notes of both voices.
    pub notes: usize,
    start: Tick,
    bars: Bars,
    /// The velocities are made up: they are told, but nothing is to be learnt from them.
    flat: bool,
    /// Counted from 1; 0 is none.
    style: usize,
    /// What the machine is asked for; none for nothing.
    asks: Option<Asks>,
}

impl Reading {
    /// Reads a whole piece in a role, moved by semitones, in no style.
    pub fn new(piece: &Piece, role: Role, semitones: i32) -> Self {
        Self::of(piece, piece.start(), &piece.notes(role, semitones))
    }

    /// Reads a piece from a bar line on; the machine is silent until `entry`.
    pub fn excerpt(piece: &Piece, role: Role, semitones: i32, start: Tick, entry: Tick) -> Self {
        let mut notes = piece.notes_from(start, role, semitones);
        notes.retain(|n| n.voice == Voice::Player || n.onset >= entry);
        Self::of(piece, start, &notes)
    }

    /// The same reading told as of this style, counted from 1; 0 is none.
    #[must_use]
    pub fn in_style(self, style: usize) -> Self {
        Self { style, ..self }
    }

    /// The same reading with the machine asked for what it plays.
    #[must_use]
    pub fn asking(self, asks: Asks) -> Self {
        Self { asks: Some(asks), ..self }
    }

    /// Whether the token at `position` is one to learn from and to be measured by.
    pub fn counts(&self, position: usize) -> bool {
        !self.flat || self.tokens.get(position).is_none_or(|t| t.kind() != Kind::Velocity)
    }

    fn of(piece: &Piece, start: Tick, notes: &[Note]) -> Self {
        let tokens = encode(start, notes);
        let (bars, flat) = (piece.bars, piece.flat);
        Self { tokens, notes: notes.len(), start, bars, flat, style: 0, asks: None }
    }

    /// Ticks of a bar.
    pub const fn bar(&self) -> i64 {
        self.bars.length
    }
}

/// A reading under way.
#[derive(Clone, Debug)]
pub struct Cursor {
    reading: Arc<Reading>,
    position: usize,
    /// The last token that was heard.
    heard: Token,
    ear: Context,
}

impl Cursor {
    /// Stands before the first token.
    pub fn new(reading: Arc<Reading>) -> Self {
        Self::fresh(reading, 0)
    }

    /// Stands before the token at `position`, having heard all before it.
    pub fn at(reading: Arc<Reading>, position: usize) -> Self {
        let mut cursor = Self::new(reading);
        while cursor.position < position && !cursor.done() {
            cursor.advance();
        }
        cursor
    }

    /// Stands before the token at `position`, having heard nothing.
    pub fn fresh(reading: Arc<Reading>, position: usize) -> Self {
        let position = position.min(reading.tokens.len());
        let passed = ticks(&reading.tokens[..position]);
        let ear = Context::new(reading.start.plus(passed), reading.bars);
        Self { reading, position, heard: Token::START, ear }
    }

    /// Whether all tokens have been told.
    pub fn done(&self) -> bool {
        self.position >= self.reading.tokens.len()
    }

    fn advance(&mut self) {
        self.heard = self.reading.tokens[self.position];
        self.ear.push(self.heard);
        self.position += 1;
    }

    /// Writes the next steps into one lane of a window and pads with what does not count.
    pub fn fill(&mut self, window: &mut Window, lane: usize) {
        let width = window.features.len() / (window.steps * window.lanes).max(1);
        let inputs = Inputs::of(width);
        for t in 0..window.steps {
            let at = t * window.lanes + lane;
            let features = &mut window.features[at * width..(at + 1) * width];
            features.fill(0.0);
            if self.done() {
                window.tokens[at] = Token::START.id();
                window.places[at] = 0;
                window.targets[at] = 0;
                window.weights[at] = 0.0;
                continue;
            }
            if let Some(ear) = features.first_chunk_mut() {
                self.ear.features(ear);
            }
            let asks = self.reading.asks.as_ref();
            let asked = features.get_mut(inputs.asked()).and_then(<[f32]>::first_chunk_mut);
            if let Some((asks, asked)) = asks.zip(asked) {
                asks.at(self.ear.now()).features(asked);
            }
            let style = self.reading.style.checked_sub(1);
            let styles = features.get_mut(inputs.styles());
            if let Some(x) = style.zip(styles).and_then(|(i, styles)| styles.get_mut(i)) {
                *x = 1.0;
            }
            window.tokens[at] = self.heard.id();
            window.places[at] = self.ear.place();
            window.targets[at] = self.reading.tokens[self.position].id();
            window.weights[at] = f32::from(u8::from(self.reading.counts(self.position)));
            self.advance();
        }
    }
}

/// The time that tokens tell to pass.
pub fn ticks(tokens: &[Token]) -> i64 {
    tokens.iter().map(|t| if let Token::Shift(ticks) = t { i64::from(*ticks) } else { 0 }).sum()
}

/// A window of the right lengths for a model of so many features, all padding.
pub fn empty_window(steps: usize, lanes: usize, features: usize) -> Window {
    let n = steps * lanes;
    Window {
        steps,
        lanes,
        tokens: vec![0; n],
        places: vec![0; n],
        features: vec![0.0; n * features],
        targets: vec![0; n],
        weights: vec![0.0; n],
    }
}

/// How pieces are read in training.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reads {
    /// How often each role is read.
    pub roles: Shares,
    /// The machine is asked for what it plays.
    pub asks: bool,
    /// What is heard of the player is played in the manner of players.
    pub manners: bool,
}

/// Where a stream stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Position {
    /// Readings begun so far.
    pub begun: u64,
    /// For each lane the number of its reading and the tokens told of it; empty before the first window.
    pub lanes: Vec<(u64, usize)>,
}

/// Endless windows of shuffled, transposed pieces.
#[derive(Clone, Debug)]
pub struct Stream {
    mix: Arc<Mix>,
    reads: Reads,
    seed: u64,
    begun: u64,
    lanes: Vec<Option<(u64, Cursor)>>,
    /// The pieces' order in one round, and which round it is.
    order: (u64, Vec<usize>),
}

impl Stream {
    /// A stream of `lanes` lanes; there must be pieces, or nothing ever counts.
    pub fn new(mix: Arc<Mix>, reads: Reads, seed: u64, lanes: usize) -> Self {
        let order = (0, mix.deal(seed, 0));
        Self { mix, reads, seed, begun: 0, lanes: vec![None; lanes], order }
    }

    /// Where it stands, to be saved.
    pub fn position(&self) -> Position {
        let lanes = self.lanes.iter().flatten().map(|(n, cursor)| (*n, cursor.position)).collect();
        Position { begun: self.begun, lanes }
    }

    /// Goes to a saved place.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    pub fn seek(&mut self, position: &Position) -> Result<(), ShelfError> {
        self.begun = position.begun;
        let count = self.lanes.len();
        let places = position.lanes.iter().map(|(n, at)| Some((*n, *at)));
        let places: Vec<_> = places.chain(std::iter::repeat(None)).take(count).collect();
        let mut lanes = Vec::with_capacity(count);
        for place in places {
            lanes.push(match place {
                Some((n, at)) => self.reading(n)?.map(|r| (n, Cursor::at(Arc::new(r), at))),
                None => None,
            });
        }
        self.lanes = lanes;
        Ok(())
    }

    /// Fills windows, which share out the lanes in order; gives the lanes (counted over all windows) that
    /// begin a new piece.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    pub fn fill(&mut self, windows: &mut [Window]) -> Result<Vec<usize>, ShelfError> {
        let mut fresh = Vec::new();
        let mut first = 0;
        for window in windows {
            for lane in 0..window.lanes {
                let index = first + lane;
                if self.lanes[index].as_ref().is_none_or(|(_, cursor)| cursor.done()) {
                    fresh.push(index);
                    self.lanes[index] = self.begin()?;
                }
                if let Some((_, cursor)) = &mut self.lanes[index] {
                    cursor.fill(window, lane);
                }
            }
            first += window.lanes;
        }
        Ok(fresh)
    }

    fn begin(&mut self) -> Result<Option<(u64, Cursor)>, ShelfError> {
        let number = self.begun;
        self.begun += 1;
        Ok(self.reading(number)?.map(|r| (number, Cursor::new(Arc::new(r)))))
    }

    /// The reading with this number: which piece, in which key, role and style, and from where.
    fn reading(&mut self, number: u64) -> Result<Option<Reading>, ShelfError> {
        let count = self.mix.len() as u64;
        let Some(round) = number.checked_div(count) else { return Ok(None) };
        if self.order.0 != round {
            self.order = (round, self.mix.deal(self.seed, round));
        }
        let (piece, style) = self.mix.piece(self.order.1[(number % count) as usize]);
        let piece = &piece.piece()?;
        let mut rng = random(self.seed, FIRST_READING + number);
        let semitones = below(&mut rng, 12) as i32 - 5;
        let place = f64::from(below(&mut rng, 1 << 20)) / f64::from(1 << 20);
        let role = self.reads.roles.role(place, below(&mut rng, 6));
        let styled = below(&mut rng, 100) >= STYLELESS_PERCENT;
        let style = if styled { style } else { 0 };
        let excerpt = excerpt(piece, &mut rng);
        let (start, entry) = excerpt.unwrap_or((piece.start(), Tick(i64::MIN)));
        let mut notes = piece.notes_from(start, role, semitones);
        notes.retain(|n| n.voice == Voice::Player || n.onset >= entry);
        if self.reads.manners {
            let (place, is_excerpt) = ((role, semitones), excerpt.is_some());
            play_as_players(piece, &mut notes, start, place, is_excerpt, &mut rng);
        }
        let reading = Reading::of(piece, start, &notes).in_style(style);
        Ok(Some(if self.reads.asks {
            let asks = Asks::of(piece, start, &notes, semitones);
            reading.asking(asks.loosened(piece, &notes, &mut rng))
        } else {
            reading
        }))
    }
}

/// From which bar line on a piece is read, and when the machine comes in; none for all of it.
fn excerpt(piece: &Piece, rng: &mut ChaCha8Rng) -> Option<(Tick, Tick)> {
    let start = piece.start();
    let bars = piece.last_onset().since(start) / piece.bars.length - EXCERPT_BARS;
    if bars < 1 || below(rng, 100) >= EXCERPT_PERCENT {
        return None;
    }
    let start = start.plus(piece.bars.length * i64::from(below(rng, bars.min(1 << 20) as u32 + 1)));
    let late = below(rng, 100) < LATE_PERCENT;
    let delay = below(rng, piece.bars.length.min(1 << 20) as u32 + 1);
    Some((start, start.plus(if late { i64::from(delay) } else { 0 })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mix::Set;
    use crate::data::shelf::tests::shelved;
    use crate::music::context::FEATURES;
    use crate::music::pitch::Pitch;
    use crate::music::token::Expect;

    fn pieces(count: u8) -> Vec<Piece> {
        let part = |n: u8, low: u8, every: i64| -> Vec<Note> {
            (0..90 + i64::from(n) * 7)
                .map(|i| Note {
                    onset: Tick(5 + i * every),
                    pitch: Pitch::new(low + (i % 9) as u8 + n),
                    voice: Voice::Player,
                    velocity: 80,
                    duration: every,
                })
                .collect()
        };
        let piece = |n: u8| Piece {
            name: n.to_string(),
            hash: [n; 32],
            bars: Bars::default(),
            melody: part(n, 70, 6),
            accompaniment: part(n, 45, 4),
            ..Piece::default()
        };
        (0..count).map(piece).collect()
    }

    fn windows(count: u8, seed: u64, lanes: usize) -> Stream {
        let pieces = shelved(pieces(count));
        let sets = vec![Set { pieces, style: 2, weight: None }];
        Stream::new(Arc::new(Mix::new(sets)), Reads::default(), seed, lanes)
    }

    /// The next windows of two and one lanes of 16 steps, and the lanes that began a piece.
    fn next(stream: &mut Stream) -> (Vec<Window>, Vec<usize>) {
        let mut windows = vec![empty_window(16, 2, FEATURES), empty_window(16, 1, FEATURES)];
        let fresh = stream.fill(&mut windows).unwrap();
        (windows, fresh)
    }

    #[test]
    fn a_saved_place_goes_on_alike() {
        let mut stream = windows(5, 9, 3);
        for _ in 0..37 {
            next(&mut stream);
        }
        let mut resumed = windows(5, 9, 3);
        resumed.seek(&stream.position()).unwrap();
        for _ in 0..60 {
            assert_eq!(next(&mut stream), next(&mut resumed));
        }
    }

    #[test]
    fn a_lane_tells_whole_pieces_by_the_grammar() {
        let mut stream = windows(5, 2, 3);
        let (mut grammar, mut last) = (Expect::Event, None);
        for _ in 0..200 {
            let (windows, fresh) = next(&mut stream);
            if fresh.contains(&2) {
                assert_eq!(grammar, Expect::Event, "the piece before was told to its end");
                last = Some(Token::START.id());
            }
            let window = &windows[1];
            let counted = window.weights.iter().position(|w| *w == 0.0).unwrap_or(16);
            assert!(window.weights[counted..].iter().all(|w| *w == 0.0), "padding ends a window");
            for t in 0..counted {
                assert_eq!(Some(window.tokens[t]), last, "the input is the target before");
                let target = Token::from_id(window.targets[t]).unwrap();
                assert!(grammar.allows(target));
                grammar = grammar.after(target);
                last = Some(window.targets[t]);
            }
        }
    }

    #[test]
    fn readings_come_in_all_keys_from_all_places_and_mostly_in_their_style() {
        let mut stream = windows(5, 4, 1);
        let readings: Vec<Reading> =
            (0..600).map(|n| stream.reading(n).unwrap().unwrap()).collect();
        let pitch = |t: &Token| match t {
            Token::Machine(p) | Token::Player(p) => Some(p.number()),
            _ => None,
        };
        let whole = readings.iter().filter(|r| r.start == Tick(0));
        // The five pieces lie a semitone apart, in twelve keys.
        let lows = whole.filter(|r| r.notes > 150).map(|r| r.tokens.iter().filter_map(pitch).min());
        assert_eq!(lows.collect::<std::collections::BTreeSet<_>>().len(), 16);
        let is_late = |r: &Reading| r.start > Tick(0);
        let share = |n: usize| n as f64 / readings.len() as f64;
        // Half of those that are long enough, and of these all but one begin later than at the beginning.
        let late = share(readings.iter().filter(|r| is_late(r)).count());
        assert!((0.1..0.5).contains(&late), "{late}");
        assert!(readings.iter().all(|r| r.start.0 % 48 == 0 && r.start.0 >= 0));
        let styleless = share(readings.iter().filter(|r| r.style == 0).count());
        assert!((0.1..0.2).contains(&styleless), "{styleless}");
        assert!(readings.iter().all(|r| r.style == 0 || r.style == 2));
    }

    #[test]
    fn an_excerpt_begins_with_the_player_and_an_empty_ear() {
        let piece = &pieces(1)[0];
        let whole = piece.notes(Role::Accompany, 0);
        let reading = Reading::excerpt(piece, Role::Accompany, 0, Tick(96), Tick(110));
        let later = whole.iter().filter(|n| n.onset >= Tick(96));
        let silenced = |n: &&Note| n.voice == Voice::Machine && n.onset < Tick(110);
        assert_eq!(reading.notes, later.clone().count() - later.clone().filter(silenced).count());
        assert!(later.filter(silenced).count() > 2);
        let first =
            reading.tokens.iter().find(|t| matches!(t, Token::Machine(_) | Token::Player(_)));
        assert!(matches!(first, Some(Token::Player(_))));
        let mut window = empty_window(1, 1, FEATURES);
        Cursor::new(Arc::new(reading)).fill(&mut window, 0);
        assert_eq!(window.places[0], 0);
        // Nothing is heard; "no onset in sight" is the one thing that is told.
        assert!((window.features.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_style_is_one_more_feature_and_made_up_velocities_do_not_count() {
        let piece = Piece { flat: true, ..pieces(1)[0].clone() };
        for style in 0..4 {
            let reading = Reading::new(&piece, Role::Accompany, 0).in_style(style);
            let mut window = empty_window(32, 1, FEATURES + 2);
            Cursor::new(Arc::new(reading)).fill(&mut window, 0);
            for (t, features) in window.features.chunks(FEATURES + 2).enumerate() {
                let told = [style == 1, style == 2].map(|on| f32::from(u8::from(on)));
                assert_eq!(features[FEATURES..], told, "a style beyond the model's is none");
                let target = Token::from_id(window.targets[t]).unwrap();
                let counts = !matches!(target, Token::Velocity(_));
                assert!((window.weights[t] - f32::from(u8::from(counts))).abs() < f32::EPSILON);
            }
        }
    }

    #[test]
    fn places_and_features_follow_the_bar() {
        let reading = Arc::new(Reading::new(&pieces(1)[0], Role::Accompany, 0));
        let mut window = empty_window(8, 1, FEATURES);
        Cursor::new(Arc::clone(&reading)).fill(&mut window, 0);
        assert_eq!(window.tokens[0], Token::START.id());
        assert_eq!((window.places[0], window.places[1]), (0, 5), "the first note is 5 ticks in");
        let mut later = empty_window(4, 1, FEATURES);
        Cursor::at(reading, 4).fill(&mut later, 0);
        assert_eq!(window.tokens[4..], later.tokens[..]);
        assert_eq!(window.features[4 * FEATURES..], later.features[..]);
    }
}
