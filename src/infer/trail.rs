//! The model's trail: every recent note with the state of the model after it, so that any of them can be
//! gone back to.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::infer::asking::Asking;
use crate::infer::net::Net;
use crate::model::State;
use crate::model::inputs::Inputs;
use crate::music::context::Context;
use crate::music::encode::{LONGEST_SILENCE, encode_note};
use crate::music::note::{Note, Voice, into_order};
use crate::music::time::{Bars, Tick};
use crate::music::token::{Token, VOCABULARY, velocity_bin};

/// All that the next token depends on.
#[derive(Clone)]
pub(crate) struct Snapshot {
    lstm: State,
    pub(crate) context: Context,
    /// What the model expects next: one logit a token.
    pub(crate) logits: Vec<f32>,
    /// Tokens since time last passed.
    pub(crate) tokens_here: u32,
    /// The last note on this tick, as (pitch, voice): the next one lies above it.
    pub(crate) last: Option<Note>,
    /// Whether the last token was a shift shorter than the longest: an event must follow.
    pub(crate) must_sound: bool,
}

impl Snapshot {
    fn copy_from(&mut self, other: &Self) {
        self.lstm.copy_from(&other.lstm);
        self.context.clone_from(&other.context);
        self.logits.copy_from_slice(&other.logits);
        self.tokens_here = other.tokens_here;
        self.last = other.last;
        self.must_sound = other.must_sound;
    }
}

/// A note of the trail.
pub(crate) struct Point {
    pub(crate) note: Note,
    /// Whether it was played; else it is only planned (the machine's) or imagined (the player's).
    pub(crate) real: bool,
    after: Snapshot,
}

/// The trail and its head.
pub(crate) struct Trail {
    net: Arc<dyn Net>,
    root: Snapshot,
    points: VecDeque<Point>,
    pub(crate) head: Snapshot,
    /// Snapshots that are free to be used again.
    pool: Vec<Snapshot>,
    /// What the ear holds, what is asked for, and the style as one number for each.
    features: Vec<f32>,
    asking: Asking,
    steps: u64,
}

impl Trail {
    /// A trail in styles, how much of each the network is told, and with what it is asked for.
    pub(crate) fn new(
        net: Arc<dyn Net>,
        styles: &[f32],
        asking: &Asking,
        start: Tick,
        bars: Bars,
    ) -> Self {
        let root = Snapshot {
            lstm: net.state(),
            context: Context::new(start, bars),
            logits: vec![0.0; VOCABULARY],
            tokens_here: 0,
            last: None,
            must_sound: false,
        };
        let mut trail = Self {
            net,
            head: root.clone(),
            root,
            points: VecDeque::new(),
            pool: Vec::new(),
            features: Vec::new(),
            asking: asking.clone(),
            steps: 0,
        };
        trail.features.resize(trail.inputs().count(), 0.0);
        trail.set_styles(styles);
        trail.step(Token::START);
        trail.head.tokens_here = 0;
        trail.root.copy_from(&trail.head);
        trail
    }

    /// The notes, oldest first.
    pub(crate) fn points(&self) -> impl DoubleEndedIterator<Item = &Point> + Clone {
        self.points.iter()
    }

    /// Model steps since the last call.
    pub(crate) fn take_steps(&mut self) -> u64 {
        std::mem::take(&mut self.steps)
    }

    /// Feeds one token to the head.
    pub(crate) fn feed(&mut self, token: Token) {
        self.head.context.push(token);
        if let Token::Shift(ticks) = token {
            self.head.tokens_here = 0;
            self.head.last = None;
            self.head.must_sound = ticks < Token::LONGEST_SHIFT;
        } else {
            self.head.tokens_here += 1;
            self.head.must_sound = false;
        }
        self.step(token);
    }

    /// Tells the network other styles from here on.
    pub(crate) fn set_styles(&mut self, styles: &[f32]) {
        let inputs = self.inputs();
        for (told, style) in self.features[inputs.styles()].iter_mut().zip(styles) {
            *told = *style;
        }
    }

    /// Asks the network for something else from here on.
    pub(crate) fn set_asking(&mut self, asking: &Asking) {
        self.asking.clone_from(asking);
    }

    fn inputs(&self) -> Inputs {
        Inputs { asked: self.net.is_asked(), styles: self.net.styles().len() }
    }

    fn step(&mut self, token: Token) {
        if let Some(ear) = self.features.first_chunk_mut() {
            self.head.context.features(ear);
        }
        let asked = self.inputs().asked();
        if let Some(asked) = self.features.get_mut(asked).and_then(<[f32]>::first_chunk_mut) {
            self.asking.at(self.head.context.now()).features(asked);
        }
        let place = self.head.context.place();
        self.net.step(
            token.id(),
            place,
            &self.features,
            &mut self.head.lstm,
            &mut self.head.logits,
        );
        self.steps += 1;
    }

    /// Puts a whole note behind the head.
    pub(crate) fn append(&mut self, note: Note, real: bool) {
        let now = self.head.context.now();
        let mut tokens = arrayvec::ArrayVec::<Token, 16>::new();
        encode_note(now, &note, |t| {
            // PANIC-free: at most eight shifts and three tokens of the note.
            let _ = tokens.try_push(t);
        });
        let split =
            tokens.iter().position(|t| !matches!(t, Token::Shift(_))).unwrap_or(tokens.len());
        for token in &tokens[..split] {
            self.feed(*token);
        }
        if note.onset.since(now) > LONGEST_SILENCE {
            self.head.context.rejoin(note.onset);
        }
        for token in &tokens[split..] {
            self.feed(*token);
        }
        self.mark(note, real);
    }

    /// Records that the tokens just fed have completed a note.
    pub(crate) fn mark(&mut self, note: Note, real: bool) {
        self.head.last = Some(note);
        let mut after = self.pool.pop().unwrap_or_else(|| self.head.clone());
        after.copy_from(&self.head);
        self.points.push_back(Point { note, real, after });
    }

    /// Marks a note as played.
    fn confirm(&mut self, index: usize) {
        if let Some(point) = self.points.get_mut(index) {
            point.real = true;
        }
    }

    /// Goes back to where only the first `keep` notes have been heard, even if nothing lies behind them but
    /// time.
    pub(crate) fn rewind(&mut self, keep: usize) {
        while self.points.len() > keep {
            if let Some(point) = self.points.pop_back() {
                self.pool.push(point.after);
            }
        }
        self.head.copy_from(self.points.back().map_or(&self.root, |p| &p.after));
    }

    /// Holds what was imagined of the player up to `tick` against what was played. Gives the tick at which
    /// they part; if they agree, what was imagined becomes real.
    pub(crate) fn compare(&mut self, tick: Tick, played: &[Note]) -> Option<Tick> {
        let same = |a: &Note, b: &Note| {
            a.order() == b.order() && velocity_bin(a.velocity) == velocity_bin(b.velocity)
        };
        let imagined: Vec<(usize, Note)> = self
            .points()
            .enumerate()
            .filter(|(_, p)| !p.real && p.note.voice == Voice::Player && p.note.onset <= tick)
            .map(|(i, p)| (i, p.note))
            .collect();
        let agree = imagined.iter().zip(played).take_while(|((_, i), p)| same(i, p)).count();
        for (index, _) in &imagined[..agree] {
            self.confirm(*index);
        }
        let rest = imagined[agree..]
            .iter()
            .map(|(_, n)| n.onset)
            .chain(played[agree..].iter().map(|n| n.onset));
        rest.min()
    }

    /// Goes back to `from` and hears what really happened: what the player played, and of the machine's notes those that
    /// are settled, up to `floor`.
    pub(crate) fn correct(&mut self, from: Tick, floor: Tick, played: &[Note]) {
        let keep = self.points().take_while(|p| p.note.onset < from).count();
        let settled = self.points().skip(keep).filter(|p| match p.note.voice {
            Voice::Machine => p.note.onset <= floor,
            Voice::Player => p.real,
        });
        let mut notes: Vec<Note> = settled.map(|p| p.note).collect();
        notes.extend(played.iter().filter(|n| n.onset >= from));
        into_order(&mut notes);
        self.rewind(keep);
        for note in notes {
            self.append(note, true);
        }
    }

    /// Gives up the plan after `tick`, and all that was imagined.
    pub(crate) fn keep_until(&mut self, tick: Tick) {
        let kept: Vec<Note> = self
            .points()
            .filter(|p| p.real || (p.note.voice == Voice::Machine && p.note.onset <= tick))
            .map(|p| p.note)
            .collect();
        let agree = self.points().zip(&kept).take_while(|(p, k)| p.note == **k).count();
        self.rewind(agree);
        for note in &kept[agree..] {
            self.append(*note, true);
        }
    }

    /// Forgets the way back to notes that began before `tick`.
    pub(crate) fn forget(&mut self, tick: Tick) {
        while self.points.front().is_some_and(|p| p.note.onset < tick) {
            if let Some(point) = self.points.pop_front() {
                self.root.copy_from(&point.after);
                self.pool.push(point.after);
            }
        }
    }

    /// Moves the bar lines for all that is yet to come. The trail must end at its last played note.
    pub(crate) fn set_bars(&mut self, bars: Bars) {
        self.root.context.set_bars(bars);
        for point in &mut self.points {
            point.after.context.set_bars(bars);
        }
        self.head.context.set_bars(bars);
    }
}
