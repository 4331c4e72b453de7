//! Endless windows of tokens for training: lanes side by side, each walking piece after piece.
//!
//! What comes is decided by the seed and by counters alone, so a stream goes on from a saved [`Position`]
//! as if it had never stopped.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::data::roles::{Piece, Role};
use crate::model::window::Window;
use crate::music::context::{Context, FEATURES};
use crate::music::encode::encode;
use crate::music::time::{Bars, Tick};
use crate::music::token::Token;

/// Of a hundred readings of pieces in training, those in which the parts change hands.
const ALTERNATING_PERCENT: u32 = 20;
/// The random stream that belongs to the first reading; those below shuffle.
const FIRST_READING: u64 = 1 << 32;

/// A piece as a string of tokens, with the bar lines it is read in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The tokens after [`Token::START`].
    pub tokens: Vec<Token>,
    /// Notes of both voices.
    pub notes: usize,
    start: Tick,
    bars: Bars,
}

impl Reading {
    /// Reads a piece in a role, moved by semitones.
    pub fn new(piece: &Piece, role: Role, semitones: i32) -> Self {
        let notes = piece.notes(role, semitones);
        let start = piece.start();
        Self { tokens: encode(start, &notes), notes: notes.len(), start, bars: piece.bars }
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
        for t in 0..window.steps {
            let at = t * window.lanes + lane;
            let features = &mut window.features[at * FEATURES..(at + 1) * FEATURES];
            if self.done() {
                features.fill(0.0);
                window.tokens[at] = Token::START.id();
                window.places[at] = 0;
                window.targets[at] = 0;
                window.weights[at] = 0.0;
                continue;
            }
            if let Some(features) = features.first_chunk_mut() {
                self.ear.features(features);
            }
            window.tokens[at] = self.heard.id();
            window.places[at] = self.ear.place();
            window.targets[at] = self.reading.tokens[self.position].id();
            window.weights[at] = 1.0;
            self.advance();
        }
    }
}

/// The time that tokens tell to pass.
pub fn ticks(tokens: &[Token]) -> i64 {
    tokens.iter().map(|t| if let Token::Shift(ticks) = t { i64::from(*ticks) } else { 0 }).sum()
}

/// A window of the right lengths, all padding.
pub fn empty_window(steps: usize, lanes: usize) -> Window {
    let n = steps * lanes;
    Window {
        steps,
        lanes,
        tokens: vec![0; n],
        places: vec![0; n],
        features: vec![0.0; n * FEATURES],
        targets: vec![0; n],
        weights: vec![0.0; n],
    }
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
    pieces: Arc<[Piece]>,
    seed: u64,
    begun: u64,
    lanes: Vec<Option<(u64, Cursor)>>,
    /// The pieces' order in one round, and which round it is.
    order: (u64, Vec<usize>),
}

impl Stream {
    /// A stream of `lanes` lanes; `pieces` must not be empty or nothing ever counts.
    pub fn new(pieces: Arc<[Piece]>, seed: u64, lanes: usize) -> Self {
        let order = (0, shuffled(pieces.len(), seed, 0));
        Self { pieces, seed, begun: 0, lanes: vec![None; lanes], order }
    }

    /// Where it stands, to be saved.
    pub fn position(&self) -> Position {
        let lanes = self.lanes.iter().flatten().map(|(n, cursor)| (*n, cursor.position)).collect();
        Position { begun: self.begun, lanes }
    }

    /// Goes to a saved place.
    pub fn seek(&mut self, position: &Position) {
        self.begun = position.begun;
        let count = self.lanes.len();
        let places = position.lanes.iter().map(|(n, at)| Some((*n, *at)));
        let places: Vec<_> = places.chain(std::iter::repeat(None)).take(count).collect();
        self.lanes = places
            .into_iter()
            .map(|place| {
                let (n, at) = place?;
                Some((n, Cursor::at(Arc::new(self.reading(n)?), at)))
            })
            .collect();
    }

    /// Fills windows, which share out the lanes in order; gives the lanes (counted over all windows) that
    /// begin a new piece.
    pub fn fill(&mut self, windows: &mut [Window]) -> Vec<usize> {
        let mut fresh = Vec::new();
        let mut first = 0;
        for window in windows {
            for lane in 0..window.lanes {
                let index = first + lane;
                if self.lanes[index].as_ref().is_none_or(|(_, cursor)| cursor.done()) {
                    fresh.push(index);
                    self.lanes[index] = self.begin();
                }
                if let Some((_, cursor)) = &mut self.lanes[index] {
                    cursor.fill(window, lane);
                }
            }
            first += window.lanes;
        }
        fresh
    }

    fn begin(&mut self) -> Option<(u64, Cursor)> {
        let number = self.begun;
        self.begun += 1;
        Some((number, Cursor::new(Arc::new(self.reading(number)?))))
    }

    /// The reading with this number: which piece, in which key, in which role.
    fn reading(&mut self, number: u64) -> Option<Reading> {
        let count = self.pieces.len() as u64;
        let round = number.checked_div(count)?;
        if self.order.0 != round {
            self.order = (round, shuffled(self.pieces.len(), self.seed, round));
        }
        let piece = &self.pieces[self.order.1[(number % count) as usize]];
        let mut rng = random(self.seed, FIRST_READING + number);
        let semitones = below(&mut rng, 12) as i32 - 5;
        let role = match below(&mut rng, 100) {
            0..ALTERNATING_PERCENT => Role::Alternate {
                bars: 1 << below(&mut rng, 3),
                machine_first: below(&mut rng, 2) == 1,
            },
            n if n % 2 == 0 => Role::Accompany,
            _ => Role::Lead,
        };
        Some(Reading::new(piece, role, semitones))
    }
}

fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A number below `n`, which must be small against 2^32.
fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(n)) >> 32) as u32
}

fn shuffled(count: usize, seed: u64, round: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut rng = random(seed, round);
    for i in (1..count).rev() {
        order.swap(i, below(&mut rng, i as u32 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::Piece;
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;
    use crate::music::token::Expect;

    fn pieces(count: u8) -> Arc<[Piece]> {
        let part = |n: u8, low: u8, every: i64| -> Vec<Note> {
            (0..40 + i64::from(n) * 7)
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
            chords: Vec::new(),
        };
        (0..count).map(piece).collect()
    }

    /// The next windows of two and one lanes of 16 steps, and the lanes that began a piece.
    fn next(stream: &mut Stream) -> (Vec<Window>, Vec<usize>) {
        let mut windows = vec![empty_window(16, 2), empty_window(16, 1)];
        let fresh = stream.fill(&mut windows);
        (windows, fresh)
    }

    #[test]
    fn a_saved_place_goes_on_alike() {
        let mut stream = Stream::new(pieces(5), 9, 3);
        for _ in 0..37 {
            next(&mut stream);
        }
        let mut resumed = Stream::new(pieces(5), 9, 3);
        resumed.seek(&stream.position());
        for _ in 0..60 {
            assert_eq!(next(&mut stream), next(&mut resumed));
        }
    }

    #[test]
    fn a_lane_tells_whole_pieces_by_the_grammar() {
        let mut stream = Stream::new(pieces(5), 2, 3);
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
    fn readings_come_in_all_keys_and_roles() {
        let mut stream = Stream::new(pieces(5), 4, 1);
        let readings: Vec<Reading> = (0..400).map(|n| stream.reading(n).unwrap()).collect();
        let machine = |r: &Reading| {
            let notes = r.tokens.iter().filter(|t| matches!(t, Token::Machine(_)));
            notes.count() as f64 / r.notes as f64
        };
        let lowest = |r: &Reading| {
            r.tokens
                .iter()
                .map(|t| match t {
                    Token::Machine(p) | Token::Player(p) => p.number(),
                    _ => 127,
                })
                .min()
        };
        // The five pieces lie a semitone apart, in twelve keys.
        let lows: std::collections::BTreeSet<_> = readings.iter().map(lowest).collect();
        assert_eq!(lows.len(), 16);
        assert!(readings.iter().all(|r| (0.05..0.95).contains(&machine(r))), "both always play");
    }

    #[test]
    fn places_and_features_follow_the_bar() {
        let reading = Arc::new(Reading::new(&pieces(1)[0], Role::Accompany, 0));
        let mut window = empty_window(8, 1);
        Cursor::new(Arc::clone(&reading)).fill(&mut window, 0);
        assert_eq!(window.tokens[0], Token::START.id());
        assert_eq!((window.places[0], window.places[1]), (0, 5), "the first note is 5 ticks in");
        let mut later = empty_window(4, 1);
        Cursor::at(reading, 4).fill(&mut later, 0);
        assert_eq!(window.tokens[4..], later.tokens[..]);
        assert_eq!(window.features[4 * FEATURES..], later.features[..]);
    }
}
