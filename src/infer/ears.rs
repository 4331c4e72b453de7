//! The session's ears: when the listener looks at what the player played, and when what it says counts.
//!
//! The picture is taken at a bar line and what it shows counts a beat later. In between the worker judges it when nothing
//! else is to do, so that no answer waits for it; if it never had the time, it judges when the beat is over. When an
//! opinion counts hangs on the music alone.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::infer::builtin;
use crate::infer::listener::{Eye, Heard, Listener, Opinion, told};
use crate::music::note::Note;
use crate::music::roll::{LEAST, SPAN, Struck};
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// Ticks from the bar line until its opinion counts: a beat.
const LATER: i64 = TICKS_PER_BEAT;
/// Bar lines closer together than this are one that was moved: half a bar of 2/4.
const SAME_LINE_TICKS: i64 = 12;
/// Keys that are kept at most; more in 16 beats is no music.
const ROOM: usize = 1_024;

/// The ears.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    /// None for the listener that Sideman carries, which is unpacked when it is first needed.
    own: Option<Arc<Listener>>,
    eye: Option<Box<Eye>>,
    struck: VecDeque<Struck>,
    /// The bar line up to which was listened.
    until: Tick,
    due: Option<Due>,
    opinion: Opinion,
}

/// A picture that was taken.
#[derive(Debug)]
struct Due {
    /// When it counts.
    at: Tick,
    /// What it says, once it was judged.
    logits: Option<Vec<f32>>,
}

impl Ears {
    /// Listens with this, or with what Sideman carries.
    pub(crate) fn set_listener(&mut self, own: Option<Arc<Listener>>) {
        self.own = own;
        self.forget();
    }

    /// Forgets all at the beginning of a take.
    pub(crate) fn begin(&mut self, tick: Tick, bars: Bars) {
        self.struck.clear();
        self.until = tick.plus(-bars.ticks_into_bar(tick));
        self.forget();
    }

    /// Forgets what was thought of the style.
    pub(crate) fn forget(&mut self) {
        self.due = None;
        self.opinion = Opinion::default();
    }

    /// What is thought of the style.
    pub(crate) const fn opinion(&self) -> &Opinion {
        &self.opinion
    }

    /// The names of what may be heard.
    pub(crate) fn styles(&self) -> Vec<String> {
        self.listener().map_or_else(Vec::new, |listener| listener.styles().to_vec())
    }

    /// The same for the faces, where the network that plays knows these styles.
    pub(crate) fn heard(&self, known: &[String]) -> Heard {
        let (styles, shares) = (self.styles(), self.opinion.shares());
        let problem = told(known, &styles, &[]).is_none().then(|| {
            format!("nothing follows: the model knows fewer than two of {}", styles.join(", "))
        });
        let mut shares: Vec<(String, f32)> = styles.into_iter().zip(shares).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        Heard { shares, bars: self.opinion.bars(), problem }
    }

    /// Hears what was struck up to the tick that is closed; `listens` where an opinion is wanted. `true`: there is a new one.
    pub(crate) fn close(&mut self, tick: Tick, bars: Bars, played: &[Note], listens: bool) -> bool {
        for note in played {
            self.struck.push_back((note.onset, note.pitch));
        }
        while self.struck.len() > ROOM
            || self.struck.front().is_some_and(|(at, _)| *at < tick.plus(-2 * SPAN))
        {
            self.struck.pop_front();
        }
        let bar = tick.plus(-bars.ticks_into_bar(tick));
        let is_new_bar = bar.since(self.until) >= SAME_LINE_TICKS;
        let is_over = self.due.as_ref().is_some_and(|due| is_new_bar || due.at <= tick);
        let has_news = is_over && listens && self.settle();
        if is_new_bar {
            let last = std::mem::replace(&mut self.until, bar);
            if listens {
                self.look(last, bar);
            }
        }
        has_news
    }

    /// Takes a picture at a bar line, if anything was struck since the last.
    fn look(&mut self, last: Tick, bar: Tick) {
        let since = |from: Tick| self.struck.iter().filter(move |(at, _)| (from..bar).contains(at));
        if since(last).next().is_some() && since(bar.plus(-SPAN)).count() >= LEAST {
            self.eye.get_or_insert_default().take(&self.struck.iter().copied(), bar);
            self.due = Some(Due { at: bar.plus(LATER), logits: None });
        }
    }

    /// Judges what is due, if it was not. `false`: nothing was to do.
    pub(crate) fn think(&mut self) -> bool {
        let Some(listener) =
            self.due.as_ref().filter(|due| due.logits.is_none()).and(self.listener())
        else {
            return false;
        };
        if let (Some(due), Some(eye)) = (&mut self.due, &mut self.eye) {
            due.logits = Some(eye.judge(&listener).to_vec());
        }
        true
    }

    /// Takes in what is due.
    fn settle(&mut self) -> bool {
        self.think();
        let logits = self.due.take().and_then(|due| due.logits);
        logits.is_some_and(|logits| {
            self.opinion.hear(&logits);
            true
        })
    }

    fn listener(&self) -> Option<Arc<Listener>> {
        self.own.clone().or_else(builtin::listener)
    }
}
