//! One player's session: messages in, planned notes out. No thread, no clock: the same messages give the same
//! notes, however they are spread over time.
//!
//! Each closed tick is compared with what the plan foretold of the player. If the player did just that, the
//! plan stands. If not, the model goes back to where truth and plan part, hears the truth, and plans anew from
//! the first tick that the reaction time leaves open. In the plan the model imagines the player's notes too,
//! and each imagined note that does not come true is taken back when its tick is closed: so the machine leaves
//! room where it expects the player, and the rhythm of the model is neither thinned nor filled up.

mod asked;
mod plan;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::infer::asking::Asking;
use crate::infer::company::Company;
use crate::infer::ears::Ears;
use crate::infer::energy::Energy;
use crate::infer::expression::Expression;
use crate::infer::frozen::Frozen;
use crate::infer::governor::Governor;
use crate::infer::harmonist::Harmonist;
use crate::infer::inbox::{Inbox, Key};
use crate::infer::learning::Learning;
use crate::infer::listener::{self, Heard, Listener};
use crate::infer::memory::{self, Remembered};
use crate::infer::net::Net;
use crate::infer::policy::Policy;
use crate::infer::rules::{Rules, allowed};
use crate::infer::sampler::Sampler;
use crate::infer::song_chords::Chords;
use crate::infer::trail::Trail;
use crate::link::forecast::Forecast;
use crate::link::message::{ToAudio, ToWorker};
use crate::link::settings::{Mode, Settings};
use crate::music::note::{Note, Voice};
use crate::music::scale::PitchSet;
use crate::music::time::{Bars, Tick};
use crate::music::token::VOCABULARY;

/// Ticks that are planned beyond what must be known next, to have something to play should a plan be late.
const HORIZON: i64 = 12;

/// Ticks that the way back reaches: as long as a machine note may last, and two bars to repeat.
const TRAIL_TICKS: i64 = 96;

/// A machine that played fewer notes than this in the trail, two bars, was silent.
const FEW_NOTES: usize = 4;

/// The session. See the module's text.
pub struct Session {
    net: Arc<dyn Net>,
    trail: Trail,
    window: VecDeque<Note>,
    policy: Policy,
    pub(super) expression: Expression,
    settings: Settings,
    sampler: Sampler,
    inbox: Inbox,
    company: Company,
    /// The machine's last two bars, while they are repeated.
    frozen: Option<Frozen>,
    /// What was remembered from an earlier session; every take begins with it in the ear.
    remembered: Remembered,
    learning: Learning,
    ears: Ears,
    energy: Energy,
    harmonist: Harmonist,
    governor: Governor,
    /// Ticks of the bar at hand in which the machine might play.
    open_ticks: i64,
    asking: Asking,
    /// The chords of the song by its own ticks, and what leads from those to the take's.
    chords: Chords,
    shift: i64,
    /// What is heard has changed since it was last told.
    has_heard: bool,
    /// The model's expectation with what was picked up in it.
    mixed: Box<[f32; VOCABULARY]>,
    era: u32,
    bars: Bars,
    /// When the take began.
    began: Tick,
    /// The last closed tick.
    closed: Tick,
    /// The last tick whose notes are settled: the plan begins after it.
    floor: Tick,
    /// What the plan was made by; `None` while the machine may not play.
    rules: Option<Rules>,
    /// Where windows see what notes are chosen from.
    forecast: Option<Arc<Forecast>>,
}

impl Session {
    /// A session that has heard nothing.
    pub fn new(net: Arc<dyn Net>) -> Self {
        let bars = Bars::default();
        let (styles, asking) =
            (styles_of(&*net, 0), Asking { insistence: 1.0, ..Asking::default() });
        let mut session = Self {
            trail: Trail::new(Arc::clone(&net), &styles, &asking, Tick(0), bars),
            net,
            window: VecDeque::with_capacity(memory::NOTES + 1),
            policy: Policy::new(Tick(0), bars),
            expression: Expression::default(),
            settings: Settings::default(),
            sampler: Sampler::new(),
            inbox: Inbox::default(),
            company: Company::default(),
            frozen: None,
            remembered: Remembered::default(),
            learning: Learning::default(),
            ears: Ears::default(),
            energy: Energy::default(),
            harmonist: Harmonist::default(),
            governor: Governor::default(),
            open_ticks: 0,
            asking,
            chords: Arc::new([]),
            shift: 0,
            has_heard: false,
            mixed: Box::new([0.0; VOCABULARY]),
            era: 0,
            bars,
            began: Tick(0),
            closed: Tick(-1),
            floor: Tick(-1),
            rules: None,
            forecast: None,
        };
        session.ask();
        session.begin(Vec::new());
        session
    }

    /// Tells from now on what notes are chosen from, while somebody looks.
    pub fn tell_choices(&mut self, forecast: Arc<Forecast>) {
        self.forecast = Some(forecast);
    }

    /// Takes a message in and appends what the audio thread must know to `out`.
    pub fn handle(&mut self, message: ToWorker, out: &mut Vec<ToAudio>) {
        match message {
            ToWorker::Take { era, tick, bars, shift } => {
                self.era = era;
                self.bars = bars;
                self.energy = Energy::default();
                self.harmonist.begin(tick);
                self.governor = Governor::default();
                self.open_ticks = 0;
                self.set_shift(shift);
                self.policy = Policy::new(tick, bars);
                self.expression = Expression::default();
                self.inbox.clear();
                self.company.clear();
                self.window.clear();
                self.frozen = None;
                self.began = tick;
                self.closed = tick.plus(-1);
                self.floor = self.closed;
                self.ears.begin(tick, bars);
                self.has_heard = true;
                self.ask();
                self.recall();
                self.replan(out);
            }
            ToWorker::Jump { era, tick, bars, shift } => {
                self.close(tick.plus(-1), out);
                self.era = era;
                self.set_shift(shift);
                // Nothing planned has sounded since the jump, not even what was settled.
                self.trail.keep_until(self.closed);
                self.set_bars(bars);
                self.replan(out);
            }
            ToWorker::Bars { tick, bars } => {
                self.close(tick.plus(-1), out);
                self.trail.keep_until(self.floor);
                self.set_bars(bars);
                self.replan(out);
            }
            ToWorker::Heard { id, tick, pitch, velocity } => {
                self.note(tick, Key::Down { pitch, velocity });
                if self.settings.mode == Mode::Harmonise && self.settings.active {
                    let onset = tick.max(self.closed.plus(1));
                    let voice = Voice::Player;
                    self.join(id, Note { onset, pitch, voice, velocity, duration: 1 }, out);
                }
            }
            ToWorker::Released { tick, pitch } => {
                self.company.release(pitch);
                self.note(tick, Key::Up { pitch });
            }
            ToWorker::Closed { tick } => self.close(tick, out),
            ToWorker::Settings(settings) => {
                let (mode, active) = (self.settings.mode, self.settings.active);
                self.settings = settings.sane();
                if !self.settings.follow_style {
                    self.ears.forget();
                }
                self.has_heard = true;
                self.trail.set_styles(&self.styles());
                self.ask();
                self.ask_for_chords();
                if mode != self.settings.mode {
                    self.company.clear();
                    self.policy.switch(self.closed.plus(1));
                }
                self.trail.keep_until(self.floor);
                let is_another_mode = mode != self.settings.mode;
                if self.settings.active && (!active || is_another_mode) {
                    self.come_in(is_another_mode);
                }
                if !self.settings.freeze {
                    self.frozen = None;
                } else if self.frozen.is_none() {
                    self.freeze();
                }
                self.replan(out);
            }
        }
    }

    /// Plans a little further ahead than anyone needs yet, then listens. `false` when nothing is left to do.
    pub fn speculate(&mut self, out: &mut Vec<ToAudio>) -> bool {
        let limit = self.floor.plus(1 + HORIZON);
        (self.frozen.is_none() && self.reach() <= limit && self.plan_event(out))
            || self.ears.think()
    }

    /// Changes the model. The session goes on: the new model hears the rolling window first.
    pub fn set_net(&mut self, net: Arc<dyn Net>, out: &mut Vec<ToAudio>) {
        self.trail.keep_until(self.floor);
        let notes: Vec<Note> =
            self.window.iter().copied().chain(self.trail.points().map(|p| p.note)).collect();
        self.net = net;
        self.window.clear();
        self.ask();
        self.begin(notes);
        self.replan(out);
    }

    /// Listens with another listener; without one of its own with what Sideman carries.
    pub fn set_listener(&mut self, listener: Option<Arc<Listener>>) {
        self.ears.set_listener(listener);
        self.has_heard = true;
        self.trail.set_styles(&self.styles());
        self.ask();
    }

    /// Takes over what an earlier session remembered: for every take, and for this one if nobody has played in it.
    pub fn remember(&mut self, remembered: Remembered, out: &mut Vec<ToAudio>) {
        self.remembered = remembered;
        if self.window.is_empty() && self.trail.points().next().is_none() {
            self.recall();
            self.replan(out);
        }
    }

    /// Forgets what was picked up from the player, in this session and before.
    pub fn forget(&mut self, out: &mut Vec<ToAudio>) {
        self.remembered.learned.clear();
        self.learning.begin(self.closed.plus(1), self.bars, Vec::new());
        self.trail.keep_until(self.floor);
        self.replan(out);
    }

    /// What was picked up, and what was played around it.
    pub fn learned(&self) -> impl Iterator<Item = Note> + '_ {
        self.learning.heard()
    }

    /// The bar lines that the notes of the window are counted by.
    pub const fn bars(&self) -> Bars {
        self.bars
    }

    /// Begins with what an earlier session remembered in the ear.
    fn recall(&mut self) {
        let start = self.closed.plus(1);
        let Remembered { window, learned } = self.remembered.lead_in(start, self.bars);
        self.learning.begin(start, self.bars, learned);
        self.expression.remember(&window);
        self.begin(window);
    }

    /// Begins the trail anew with these notes in the ear.
    fn begin(&mut self, notes: Vec<Note>) {
        self.begin_at(self.closed.plus(1), notes);
    }

    /// The same at a tick.
    fn begin_at(&mut self, next: Tick, notes: Vec<Note>) {
        let start = notes.first().map_or(next, |n| n.onset.min(next));
        self.trail =
            Trail::new(Arc::clone(&self.net), &self.styles(), &self.asking, start, self.bars);
        for note in notes {
            self.trail.append(note, true);
        }
    }

    /// The machine may play again, or in another mode. Music whose second part is silent, or comes in turns with the first, goes on
    /// like that; so a machine that had to be silent, or is to accompany now, hears nothing of it, as if the piece began here.
    fn come_in(&mut self, is_another_mode: bool) {
        let machines = self.trail.points().filter(|p| p.note.voice == Voice::Machine);
        let was_silent = machines.count() < FEW_NOTES;
        let is_fresh = match self.settings.mode {
            Mode::Accompany => was_silent || is_another_mode,
            Mode::Solo => was_silent,
            // They speak of what the player has just played.
            Mode::Answer | Mode::Trade | Mode::Harmonise => false,
        };
        if is_fresh {
            let notes = self.trail.points().map(|p| p.note);
            let (heard, settled): (Vec<Note>, _) = notes.partition(|n| n.onset <= self.closed);
            self.window.extend(heard);
            self.begin(settled);
        }
    }

    /// The notes of the rolling window, oldest first.
    pub fn window(&self) -> impl Iterator<Item = Note> + '_ {
        let trail = self.trail.points().map(|p| p.note).take_while(|n| n.onset <= self.closed);
        self.window.iter().copied().chain(trail)
    }

    /// Model steps since the last call.
    pub fn take_steps(&mut self) -> u64 {
        self.trail.take_steps()
    }

    fn set_bars(&mut self, bars: Bars) {
        self.bars = bars;
        self.trail.set_bars(bars);
        self.policy.set_bars(bars, self.closed);
    }

    fn note(&mut self, tick: Tick, key: Key) {
        self.inbox.put(tick.max(self.closed.plus(1)), key);
    }

    /// Closes a tick: what the player did up to it is known now.
    fn close(&mut self, tick: Tick, out: &mut Vec<ToAudio>) {
        if tick <= self.closed {
            return;
        }
        self.closed = tick;
        self.floor = self.floor.max(tick.plus(i64::from(self.settings.reaction)));
        let mut played = self.inbox.open(tick, &mut self.policy);
        self.policy.close(tick, &self.settings);
        self.expression.close(tick, self.bars, &played);
        self.enter(&played);
        let parted = self.trail.compare(tick, &played);
        let heard = played.clone();
        self.company.heard(tick, &mut played);
        if let Some(from) = parted {
            self.trail.correct(from, self.floor, &played);
        }
        let has_judged = self.energy.close(tick, self.bars, &heard) | self.govern(tick);
        let asks_anew = (has_judged && self.ask()) | self.choose_chords(tick, &heard);
        let has_learned = self.learn(tick) | self.listen(tick, &heard) | asks_anew;
        let rules = self.rules_now();
        if self.rules.is_some() && rules.is_none() && self.frozen.is_none() {
            out.push(ToAudio::Yield { at: self.floor.plus(1) });
        }
        let moved = has_learned
            || match (&self.rules, &rules) {
                (Some(old), Some(new)) => {
                    let shut = old.gate.end != new.gate.end
                        && self.reach() >= old.gate.end.min(new.gate.end);
                    old.gate.start != new.gate.start || shut || old.scale != new.scale
                }
                (old, new) => old.is_some() != new.is_some(),
            };
        if moved && parted.is_none() {
            self.trail.keep_until(self.floor);
        }
        if moved || parted.is_some() {
            self.replan(out);
        } else {
            if let (Some(old), Some(new)) = (&mut self.rules, rules) {
                old.gate = new.gate;
            }
            self.plan_what_is_due(out);
        }
        for point in self.trail.points().take_while(|p| p.note.onset < tick.plus(-TRAIL_TICKS)) {
            self.window.push_back(point.note);
        }
        while self.window.len() > memory::NOTES {
            self.window.pop_front();
        }
        self.trail.forget(tick.plus(-TRAIL_TICKS));
    }

    /// At a bar line, picks up what was played since the last. `true`: all beyond the floor must be planned anew.
    fn learn(&mut self, tick: Tick) -> bool {
        let bar = tick.plus(-self.bars.ticks_into_bar(tick));
        let Some(due) = self.learning.due(bar) else { return false };
        let heard = self.window().filter(|n| due.contains(&n.onset)).collect();
        self.learning.hear_bar(self.bars, heard) && self.settings.learning > 0.0
    }

    /// Listens to the player. `true`: the style is another, and all beyond the floor must be planned anew.
    fn listen(&mut self, tick: Tick, played: &[Note]) -> bool {
        let has_news = self.ears.close(tick, self.bars, played, self.settings.follow_style);
        if has_news {
            self.has_heard = true;
            self.trail.set_styles(&self.styles());
            self.ask();
        }
        has_news
    }

    /// How much of each style the network is told: what is heard, where that is to be followed, and no style before anything
    /// was; its own would have to be unlearnt, at a cost in nats.
    fn styles(&self) -> Vec<f32> {
        let shares = self.ears.opinion().shares();
        let heard = || listener::told(self.net.styles(), &self.ears.styles(), &shares);
        let heard = self.settings.follow_style.then(heard).flatten();
        heard.unwrap_or_else(|| styles_of(&*self.net, self.settings.style))
    }

    /// What is heard, if it is new; an empty one where it is not to be followed.
    pub fn take_heard(&mut self) -> Option<Heard> {
        let follows = self.settings.follow_style;
        let heard = || if follows { self.ears.heard(self.net.styles()) } else { Heard::default() };
        std::mem::take(&mut self.has_heard).then(heard)
    }

    /// Withdraws the plan after the floor and makes it anew from the end of the trail.
    fn replan(&mut self, out: &mut Vec<ToAudio>) {
        self.floor = self.floor.max(self.closed.plus(i64::from(self.settings.reaction)));
        self.rules = self.rules_now();
        self.expression.settle();
        let from = self.floor.plus(1);
        out.push(ToAudio::Withdraw { era: self.era, from });
        if let Some(forecast) = self.watched() {
            forecast.withdraw(from);
        }
        self.plan_what_is_due(out);
    }

    /// The rules by what is known now; `None` while the machine may not play.
    fn rules_now(&self) -> Option<Rules> {
        let gate = self.policy.gate(&self.settings)?;
        Some(Rules {
            settings: self.settings,
            floor: self.floor.max(gate.start.plus(-1)),
            entry: self.policy.entry(&gate),
            gate,
            bars: self.bars,
            scale: allowed(&self.settings, self.expression.key(), self.policy.held_classes()),
            unlocked: allowed(&self.settings, self.expression.key(), PitchSet(0)),
            imagines: Policy::expects_player(&self.settings),
            is_asked: self.net.is_asked(),
            governed: self.governor.logits(),
            is_placed: self.net.is_asked() && self.asking.even.centre.is_some(),
        })
    }
}

/// One style alone, by its number; 0 is the network's own, and one that it does not know is none.
fn styles_of(net: &dyn Net, style: u8) -> Vec<f32> {
    let style = if style == 0 { net.home_style() } else { style };
    let is_told = |number: usize| f32::from(u8::from(number == usize::from(style)));
    (1..=net.styles().len()).map(is_told).collect()
}
