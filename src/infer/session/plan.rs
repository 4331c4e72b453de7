//! Planning: the model chooses event after event, until all that must be known is decided.

use crate::infer::frozen::Frozen;
use crate::infer::learning::Way;
use crate::infer::rules::{Place, allowed};
use crate::infer::sampler::uniform;
use crate::link::forecast::Forecast;
use crate::link::message::ToAudio;
use crate::link::settings::{Mode, Settings};
use crate::music::note::{Note, Voice};
use crate::music::scale::Scale;
use crate::music::time::Tick;
use crate::music::token::{DURATIONS, Kind, Token, bin_velocity, velocity_bin};

use super::{Session, TRAIL_TICKS};

impl Session {
    /// Plans until all that must be known now is decided, and says so.
    pub(super) fn plan_what_is_due(&mut self, out: &mut Vec<ToAudio>) {
        let due = self.floor.plus(1);
        if self.frozen.is_some() {
            self.repeat(due, out);
        } else {
            while self.reach() <= due && self.plan_event(out) {}
        }
        out.push(ToAudio::Ready { closed: self.closed, until: due });
    }

    /// The first tick that is not decided.
    pub(super) fn reach(&self) -> Tick {
        self.trail.head.context.now()
    }

    /// Keeps the machine's last two bars, to be repeated from the next tick on.
    pub(super) fn freeze(&mut self) {
        let length = (2 * self.bars.length).min(TRAIL_TICKS);
        let machine = self.window().filter(|n| n.voice == Voice::Machine);
        self.frozen = Some(Frozen::new(self.floor.plus(1 - length), length, machine));
    }

    /// Plans the notes of a repeated tick.
    fn repeat(&mut self, due: Tick, out: &mut Vec<ToAudio>) {
        let planned =
            self.trail.points().any(|p| p.note.onset == due && p.note.voice == Voice::Machine);
        let Some(frozen) = self.frozen.as_ref().filter(|_| self.settings.active && !planned) else {
            return;
        };
        let shaping = self.shaping();
        for note in frozen.at(due) {
            self.trail.append(note, false);
            out.push(ToAudio::Note(self.expression.shape(&note, self.bars, &shaping)));
        }
    }

    /// Finds the company of a note that was just struck.
    pub(super) fn join(&mut self, id: u32, leader: Note, out: &mut Vec<ToAudio>) {
        // Company keeps to the key that is heard, unless another scale is asked for.
        let follow_key = self.settings.follow_key || self.settings.scale == Scale::Chromatic;
        let wanted = Settings { follow_key, ..self.settings };
        let scale = allowed(&wanted, self.expression.key(), self.policy.held_classes());
        let Self { trail, sampler, settings, .. } = self;
        let pitches = self.company.join(trail, sampler, settings, scale, leader);
        out.push(ToAudio::Company { id, pitches, velocity: leader.velocity });
    }

    /// Lets the model choose one event: time that passes, or a note. `false` when there is nothing to plan.
    pub(super) fn plan_event(&mut self, out: &mut Vec<ToAudio>) -> bool {
        let now = self.reach();
        let Some(rules) = self.rules.take() else { return false };
        let open = now < rules.gate.end;
        if open {
            let place = Place::of(&self.trail);
            let must_sound = self.trail.head.must_sound;
            let key = if now <= rules.floor { rules.floor } else { Tick(0) };
            let past = self.trail.points().rev().map(|p| p.note);
            let past = past.chain(self.window.iter().rev().copied());
            let logits = &self.trail.head.logits;
            let way = Way::of(&self.settings, self.bars);
            let is_mixed = self.learning.mix(way, past, now, logits, &mut self.mixed);
            let token = self
                .choose(|id| rules.bias(&place, id, !must_sound), key, is_mixed)
                // After a shift an event must follow; if all are masked, more time passes.
                .or_else(|| self.choose(|id| rules.bias(&place, id, true), key, is_mixed))
                .unwrap_or(Token::Shift(Token::LONGEST_SHIFT));
            if let (Token::Machine(chosen), Some(forecast)) = (token, self.watched()) {
                let logits = if is_mixed { &self.mixed[..] } else { &self.trail.head.logits };
                forecast.add(rules.choice(&place, (now, chosen), logits));
            }
            self.finish_event(token, now, rules.gate.end, out);
        }
        self.rules = Some(rules);
        open
    }

    /// Feeds an event's first token, and chooses and feeds the rest of it.
    fn finish_event(&mut self, token: Token, now: Tick, shut: Tick, out: &mut Vec<ToAudio>) {
        self.trail.feed(token);
        match token {
            Token::Player(pitch) => {
                let velocity = self.choose_velocity();
                self.trail.mark(
                    Note { onset: now, pitch, voice: Voice::Player, velocity, duration: 1 },
                    false,
                );
            }
            Token::Machine(pitch) => {
                let velocity = self.choose_velocity();
                let duration = match self.choose_kind(Kind::Duration) {
                    Some(Token::Duration(index)) => index,
                    _ => 0,
                };
                self.trail.feed(Token::Duration(duration));
                let duration = DURATIONS[usize::from(duration)];
                let note = Note { onset: now, pitch, voice: Voice::Machine, velocity, duration };
                self.trail.mark(note, false);
                let mut shaped = self.expression.shape(&note, self.bars, &self.shaping());
                if self.settings.mode == Mode::Trade {
                    // The turn ends here, and so does what sounds.
                    shaped.duration = shaped.duration.min(shut.since(now)).max(1);
                }
                out.push(ToAudio::Note(shaped));
            }
            Token::Shift(_) | Token::Velocity(_) | Token::Duration(_) => {}
        }
    }

    fn choose_velocity(&mut self) -> u8 {
        let bin = match self.choose_kind(Kind::Velocity) {
            Some(Token::Velocity(bin)) => bin,
            _ => velocity_bin(80),
        };
        self.trail.feed(Token::Velocity(bin));
        bin_velocity(bin)
    }

    fn choose_kind(&mut self, kind: Kind) -> Option<Token> {
        self.choose(|id| kind.ids().contains(&id).then_some(0.0), Tick(0), false)
    }

    fn choose(
        &mut self,
        bias: impl Fn(usize) -> Option<f32>,
        floor: Tick,
        is_mixed: bool,
    ) -> Option<Token> {
        let head = &self.trail.head;
        let (now, nth) = (head.context.now().0 as u64, u64::from(head.tokens_here));
        let keys = [u64::from(self.settings.seed), now, nth, floor.0 as u64];
        let Settings { temperature, top_p, .. } = self.settings;
        let logits = if is_mixed { &self.mixed[..] } else { &head.logits };
        let id = self.sampler.choose(logits, bias, temperature, top_p, uniform(keys))?;
        Token::from_id(id)
    }

    /// Where choices are told, while somebody looks.
    pub(super) fn watched(&self) -> Option<&Forecast> {
        self.forecast.as_deref().filter(|forecast| forecast.is_watched())
    }
}
