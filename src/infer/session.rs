//! One player's session: messages in, planned notes out. No thread, no clock: the same messages give the same
//! notes, however they are spread over time.
//!
//! Each closed tick is compared with what the plan foretold of the player. If the player did just that, the
//! plan stands. If not, the model goes back to where truth and plan part, hears the truth, and plans anew from
//! the first tick that the reaction time leaves open. In the plan the model imagines the player's notes too,
//! and each imagined note that does not come true is taken back when its tick is closed: so the machine leaves
//! room where it expects the player, and the rhythm of the model is neither thinned nor filled up.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::infer::net::Net;
use crate::infer::policy::Policy;
use crate::infer::sampler::{Sampler, uniform};
use crate::infer::trail::Trail;
use crate::link::message::{PlannedNote, ToAudio, ToWorker};
use crate::link::settings::Settings;
use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};
use crate::music::token::{DURATIONS, Kind, MAX_SHIFT, Token, bin_velocity, velocity_bin};

/// Ticks that are planned beyond what must be known next, to have something to play should a plan be late.
const HORIZON: i64 = 12;

/// Ticks that the way back reaches: as long as a machine note may last.
const TRAIL_TICKS: i64 = 96;

/// Notes of the rolling window that a new model is primed with.
const WINDOW_NOTES: usize = 256;

/// Notes that one voice may begin on one tick.
const NOTES_PER_TICK: usize = 8;

/// Keys that wait for their tick to be closed.
const INBOX: usize = 256;

/// How much `density` 1 adds to the logits of the machine's keys.
const DENSITY_LOGITS: f32 = 1.5;

/// The session. See the module's text.
pub struct Session {
    net: Arc<dyn Net>,
    trail: Trail,
    window: VecDeque<Note>,
    policy: Policy,
    settings: Settings,
    sampler: Sampler,
    inbox: Vec<(Tick, Key)>,
    era: u32,
    bars: Bars,
    /// The last closed tick.
    closed: Tick,
    /// The last tick whose notes are settled: the plan begins after it.
    floor: Tick,
    /// The floor when the plan was made: its first event lies after it.
    plan_floor: Tick,
    /// When the machine may play, as the plan assumes.
    gate: Option<Range<Tick>>,
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Down { pitch: Pitch, velocity: u8 },
    Up { pitch: Pitch },
}

impl Session {
    /// A session that has heard nothing.
    pub fn new(net: Arc<dyn Net>) -> Self {
        let bars = Bars::default();
        Self {
            trail: Trail::new(Arc::clone(&net), Tick(0), bars),
            net,
            window: VecDeque::with_capacity(WINDOW_NOTES + 1),
            policy: Policy::default(),
            settings: Settings::default(),
            sampler: Sampler::new(),
            inbox: Vec::with_capacity(INBOX),
            era: 0,
            bars,
            closed: Tick(-1),
            floor: Tick(-1),
            plan_floor: Tick(-1),
            gate: None,
        }
    }

    /// Takes a message in and appends what the audio thread must know to `out`.
    pub fn handle(&mut self, message: ToWorker, out: &mut Vec<ToAudio>) {
        match message {
            ToWorker::Take { era, tick, bars } => {
                self.era = era;
                self.bars = bars;
                self.policy = Policy::default();
                self.inbox.clear();
                self.window.clear();
                self.trail = Trail::new(Arc::clone(&self.net), tick, bars);
                self.closed = tick.plus(-1);
                self.floor = self.closed;
                self.replan(out);
            }
            ToWorker::Jump { era, tick, bars } => {
                self.close(tick.plus(-1), out);
                self.era = era;
                // Nothing planned has sounded since the jump, not even what was settled.
                self.keep_until(self.closed);
                self.set_bars(bars);
                self.replan(out);
            }
            ToWorker::Bars { tick, bars } => {
                self.close(tick.plus(-1), out);
                self.keep_until(self.floor);
                self.set_bars(bars);
                self.replan(out);
            }
            ToWorker::Heard { tick, pitch, velocity } => {
                self.note(tick, Key::Down { pitch, velocity })
            }
            ToWorker::Released { tick, pitch } => self.note(tick, Key::Up { pitch }),
            ToWorker::Closed { tick } => self.close(tick, out),
            ToWorker::Settings(settings) => {
                self.settings = settings.sane();
                self.keep_until(self.floor);
                self.replan(out);
            }
        }
    }

    /// Plans a little further ahead than anyone needs yet. `false` when the horizon is reached.
    pub fn speculate(&mut self, out: &mut Vec<ToAudio>) -> bool {
        let limit = self.floor.plus(1 + HORIZON);
        self.reach() <= limit && self.plan_event(out)
    }

    /// Changes the model. The session goes on: the new model hears the rolling window first.
    pub fn set_net(&mut self, net: Arc<dyn Net>, out: &mut Vec<ToAudio>) {
        self.keep_until(self.floor);
        let notes: Vec<Note> =
            self.window.iter().copied().chain(self.trail.points().map(|p| p.note)).collect();
        let start = notes.first().map_or(self.closed, |n| n.onset);
        self.net = net;
        self.trail = Trail::new(Arc::clone(&self.net), start, self.bars);
        for note in notes {
            self.trail.append(note, true);
        }
        self.replan(out);
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
    }

    fn note(&mut self, tick: Tick, key: Key) {
        if self.inbox.len() < INBOX {
            self.inbox.push((tick.max(self.closed.plus(1)), key));
        }
    }

    /// Closes a tick: what the player did up to it is known now.
    fn close(&mut self, tick: Tick, out: &mut Vec<ToAudio>) {
        if tick <= self.closed {
            return;
        }
        self.closed = tick;
        self.floor = self.floor.max(tick.plus(i64::from(self.settings.reaction)));
        let played = self.open_mail(tick);
        self.policy.close(tick, &self.settings);
        let parted = self.compare(tick, &played);
        if let Some(from) = parted {
            self.correct(from, &played);
        }
        let gate = self.policy.gate(&self.settings);
        let gate_moved = match (&self.gate, &gate) {
            (Some(old), Some(new)) => {
                old.start != new.start
                    || (old.end != new.end && self.reach() >= old.end.min(new.end))
            }
            (old, new) => old != new,
        };
        if self.gate.is_some() && gate.is_none() {
            out.push(ToAudio::Yield { at: self.floor.plus(1) });
        }
        if gate_moved && parted.is_none() {
            self.keep_until(self.floor);
        }
        if gate_moved || parted.is_some() {
            self.replan(out);
        } else {
            self.gate = gate;
            self.plan_what_is_due(out);
        }
        for point in self.trail.points().take_while(|p| p.note.onset < tick.plus(-TRAIL_TICKS)) {
            self.window.push_back(point.note);
        }
        while self.window.len() > WINDOW_NOTES {
            self.window.pop_front();
        }
        self.trail.forget(tick.plus(-TRAIL_TICKS));
    }

    /// What the player played up to `tick`, in the model's order.
    fn open_mail(&mut self, tick: Tick) -> Vec<Note> {
        let mut played = Vec::new();
        for (at, key) in self.inbox.iter().filter(|(at, _)| *at <= tick) {
            match *key {
                Key::Down { pitch, velocity } => {
                    self.policy.key_down(*at, pitch);
                    let pitch = pitch.on_piano();
                    played.push(Note {
                        onset: *at,
                        pitch,
                        voice: Voice::Player,
                        velocity,
                        duration: 1,
                    });
                }
                Key::Up { pitch } => self.policy.key_up(*at, pitch),
            }
        }
        self.inbox.retain(|(at, _)| *at > tick);
        crate::music::note::into_order(&mut played);
        played
    }

    /// Holds what was imagined of the player up to `tick` against what was played. Gives the tick at which
    /// they part; if they agree, what was imagined becomes real.
    fn compare(&mut self, tick: Tick, played: &[Note]) -> Option<Tick> {
        let same = |a: &Note, b: &Note| {
            a.order() == b.order() && velocity_bin(a.velocity) == velocity_bin(b.velocity)
        };
        let imagined: Vec<(usize, Note)> = self
            .trail
            .points()
            .enumerate()
            .filter(|(_, p)| !p.real && p.note.voice == Voice::Player && p.note.onset <= tick)
            .map(|(i, p)| (i, p.note))
            .collect();
        let agree = imagined.iter().zip(played).take_while(|((_, i), p)| same(i, p)).count();
        for (index, _) in &imagined[..agree] {
            self.trail.confirm(*index);
        }
        let rest = imagined[agree..]
            .iter()
            .map(|(_, n)| n.onset)
            .chain(played[agree..].iter().map(|n| n.onset));
        rest.min()
    }

    /// Goes back to `from` and lets the model hear what really happened: what the player played, and of the
    /// machine's notes those that are settled.
    fn correct(&mut self, from: Tick, played: &[Note]) {
        let keep = self.trail.points().take_while(|p| p.note.onset < from).count();
        let settled = self.trail.points().skip(keep).filter(|p| match p.note.voice {
            Voice::Machine => p.note.onset <= self.floor,
            Voice::Player => p.real,
        });
        let mut notes: Vec<Note> = settled.map(|p| p.note).collect();
        notes.extend(played.iter().filter(|n| n.onset >= from));
        crate::music::note::into_order(&mut notes);
        self.trail.rewind(keep);
        for note in notes {
            self.trail.append(note, true);
        }
    }

    /// Gives up the plan after `tick`, and all that was imagined.
    fn keep_until(&mut self, tick: Tick) {
        let kept: Vec<Note> = self
            .trail
            .points()
            .filter(|p| p.real || (p.note.voice == Voice::Machine && p.note.onset <= tick))
            .map(|p| p.note)
            .collect();
        let agree = self.trail.points().zip(&kept).take_while(|(p, k)| p.note == **k).count();
        self.trail.rewind(agree);
        for note in &kept[agree..] {
            self.trail.append(*note, true);
        }
    }

    /// Withdraws the plan after the floor and makes it anew from the end of the trail.
    fn replan(&mut self, out: &mut Vec<ToAudio>) {
        self.floor = self.floor.max(self.closed.plus(i64::from(self.settings.reaction)));
        self.plan_floor = self.floor;
        self.gate = self.policy.gate(&self.settings);
        out.push(ToAudio::Withdraw { era: self.era, from: self.floor.plus(1) });
        self.plan_what_is_due(out);
    }

    /// Plans until all that must be known now is decided, and says so.
    fn plan_what_is_due(&mut self, out: &mut Vec<ToAudio>) {
        let due = self.floor.plus(1);
        while self.reach() <= due && self.plan_event(out) {}
        out.push(ToAudio::Ready { closed: self.closed, until: due });
    }

    /// The first tick that is not decided.
    fn reach(&self) -> Tick {
        self.trail.head.context.now()
    }

    /// Lets the model choose one event: time that passes, or a note. `false` when there is nothing to plan.
    fn plan_event(&mut self, out: &mut Vec<ToAudio>) -> bool {
        let now = self.reach();
        let Some(gate) = self.gate.clone().filter(|g| now < g.end) else { return false };
        let floor = self.plan_floor.max(gate.start.plus(-1));
        let imagines = Policy::expects_player(&self.settings);
        let must_sound = self.trail.head.must_sound;
        let here = self.crowd(now);
        let settings = self.settings;
        let last = self.trail.head.last.filter(|l| l.onset == now);
        let may = |id: usize, shifts: bool| -> Option<f32> {
            let above =
                |pitch: Pitch, voice| last.is_none_or(|l| (pitch, voice) > (l.pitch, l.voice));
            match Token::from_id(id as u16)? {
                Token::Shift(ticks) => {
                    let ticks = i64::from(ticks);
                    (shifts && (now.plus(ticks) > floor || ticks == MAX_SHIFT)).then_some(0.0)
                }
                _ if now <= floor => None,
                Token::Player(pitch) => {
                    (imagines && here.player < NOTES_PER_TICK && above(pitch, Voice::Player))
                        .then_some(0.0)
                }
                Token::Machine(pitch) => (here.machine < NOTES_PER_TICK
                    && here.sounding < usize::from(settings.polyphony)
                    && settings.permits(pitch)
                    && above(pitch, Voice::Machine))
                .then_some(settings.density * DENSITY_LOGITS),
                Token::Velocity(_) | Token::Duration(_) => None,
            }
        };
        let key = if now <= floor { floor } else { Tick(0) };
        let token = self
            .choose(|id| may(id, !must_sound), key)
            // After a shift an event must follow; if all are masked, more time passes.
            .or_else(|| self.choose(|id| may(id, true), key))
            .unwrap_or(Token::Shift(Token::LONGEST_SHIFT));
        self.trail.feed(token);
        match token {
            Token::Player(pitch) => {
                let velocity = self.choose_velocity();
                let note = Note { onset: now, pitch, voice: Voice::Player, velocity, duration: 1 };
                self.trail.mark(note, false);
            }
            Token::Machine(pitch) => {
                let velocity = self.choose_velocity();
                let duration = match self.choose(kind(Kind::Duration), Tick(0)) {
                    Some(Token::Duration(index)) => index,
                    _ => 0,
                };
                self.trail.feed(Token::Duration(duration));
                let duration = DURATIONS[usize::from(duration)];
                let note = Note { onset: now, pitch, voice: Voice::Machine, velocity, duration };
                self.trail.mark(note, false);
                out.push(ToAudio::Note(PlannedNote { onset: now, duration, pitch, velocity }));
            }
            Token::Shift(_) | Token::Velocity(_) | Token::Duration(_) => {}
        }
        true
    }

    fn choose_velocity(&mut self) -> u8 {
        let bin = match self.choose(kind(Kind::Velocity), Tick(0)) {
            Some(Token::Velocity(bin)) => bin,
            _ => velocity_bin(80),
        };
        self.trail.feed(Token::Velocity(bin));
        bin_velocity(bin)
    }

    fn choose(&mut self, bias: impl Fn(usize) -> Option<f32>, floor: Tick) -> Option<Token> {
        let head = &self.trail.head;
        let keys = [
            u64::from(self.settings.seed),
            head.context.now().0 as u64,
            u64::from(head.tokens_here),
            floor.0 as u64,
        ];
        let Settings { temperature, top_p, .. } = self.settings;
        let id = self.sampler.choose(&head.logits, bias, temperature, top_p, uniform(keys))?;
        Token::from_id(id)
    }

    /// How many notes begin and sound at `now`, by the plan.
    fn crowd(&self, now: Tick) -> Crowd {
        let mut crowd = Crowd::default();
        for point in self.trail.points() {
            let Note { voice, onset, .. } = point.note;
            match voice {
                Voice::Player => crowd.player += usize::from(onset == now),
                Voice::Machine => {
                    crowd.machine += usize::from(onset == now);
                    crowd.sounding += usize::from(point.note.end() > now);
                }
            }
        }
        crowd
    }
}

#[derive(Clone, Copy, Default)]
struct Crowd {
    player: usize,
    machine: usize,
    sounding: usize,
}

fn kind(kind: Kind) -> impl Fn(usize) -> Option<f32> {
    move |id| kind.ids().contains(&id).then_some(0.0)
}
