//! What the machine picks up from the player in minutes: a cache of what followed what, mixed with what the model
//! expects.
//!
//! An n-gram cache over the notes of the session (Kuhn and De Mori, "A cache-based natural language model for speech
//! recognition", 1990), in three kinds of contexts. *Where it was*: the last notes, by key and voice; these bring back what
//! was played, as it was played. *What it was*: the last intervals and the rhythm between them, whoever plays and
//! wherever they lie; these hand a motif from one player to the other and into other keys. *When it was*: the place in
//! the bar; by this a rhythm is joined. The deeper a context, the
//! more it counts; one that was never heard says nothing, so that a session in which nothing repeats is the model's own.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use arrayvec::ArrayVec;

use crate::infer::sampler::hash;
use crate::link::settings::{Mode, Settings};
use crate::music::encode::encode_shift;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, Tick};
use crate::music::token::{self, Token, VOCABULARY};

/// Notes that are kept: some twenty minutes of a melody.
pub(crate) const NOTES: usize = 2_048;

/// Notes of the past that the deepest context looks at.
const DEEPEST: usize = 8;

/// What may follow in one context.
const FOLLOWERS: usize = 12;

/// A kind of context.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The place in the bar.
    Place,
    /// The last so many notes.
    Played(usize),
    /// The last so many notes but for their place on the keyboard and their player.
    Shape(usize),
}

/// The shallow first: each is mixed over those before. With each goes after how many times it is trusted half as far as it
/// ever is, and how far that is. Less of the shallow would cost fewer nats and hand on no figure: nothing would begin one.
const KINDS: [(Kind, f32, f32); 9] = [
    (Kind::Place, 16.0, 0.8),
    (Kind::Shape(1), 16.0, 0.8),
    (Kind::Shape(2), 12.0, 0.8),
    (Kind::Shape(3), 8.0, 0.9),
    (Kind::Played(1), 16.0, 0.5),
    (Kind::Shape(5), 4.0, 1.0),
    (Kind::Played(2), 6.0, 1.0),
    (Kind::Played(4), 2.0, 1.0),
    (Kind::Played(8), 1.0, 1.0),
];

/// What an event can begin with: time that passes, a key of the player's, one of the machine's.
const CLASSES: [token::Kind; 3] =
    [token::Kind::Shift, token::Kind::PlayerPitch, token::Kind::MachinePitch];

/// The notes before a decision, the latest first.
type Past = ArrayVec<Note, DEEPEST>;

/// How what was picked up is mixed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// 0 leaves the model's expectation, 1 trusts a context that was heard often altogether.
    pub(crate) strength: f32,
    /// Whether player and machine take turns, rather than play at once.
    pub(crate) in_turns: bool,
    pub(crate) bars: Bars,
}

impl Way {
    /// As the settings want it.
    pub(crate) fn of(settings: &Settings, bars: Bars) -> Self {
        Self { strength: settings.learning, in_turns: settings.mode != Mode::Accompany, bars }
    }
}

/// The cache. Worker thread.
#[derive(Clone, Debug)]
pub(crate) struct Learning {
    heard: VecDeque<Note>,
    /// The bar line up to which was heard.
    until: Tick,
    followers: HashMap<u64, Followers>,
}

/// What followed a context, and how often; steps of pitch where the context is a [`Kind::Shape`].
#[derive(Clone, Debug, Default)]
struct Followers(ArrayVec<(i16, u16), FOLLOWERS>);

impl Followers {
    fn count(&mut self, what: i16) {
        if let Some((_, times)) = self.0.iter_mut().find(|(w, _)| *w == what) {
            *times = times.saturating_add(1);
        } else if self.0.try_push((what, 1)).is_err()
            // The rarest makes room; of several the one that has waited longest.
            && let Some(rarest) = (0..self.0.len()).min_by_key(|i| self.0[*i].1)
        {
            self.0.remove(rarest);
            self.0.push((what, 1));
        }
    }
}

impl Default for Learning {
    fn default() -> Self {
        Self { heard: VecDeque::new(), until: Tick(0), followers: HashMap::new() }
    }
}

impl Learning {
    /// Forgets everything and begins at `tick` with what was kept of an earlier session, all of it before `tick`.
    pub(crate) fn begin(&mut self, tick: Tick, bars: Bars, kept: Vec<Note>) {
        self.heard.clear();
        self.followers.clear();
        self.until = tick;
        self.hear(bars, kept.into_iter());
    }

    /// The ticks up to this bar line that were not heard, if there are any; they count as heard from now on.
    pub(crate) fn due(&mut self, bar: Tick) -> Option<Range<Tick>> {
        (bar > self.until).then(|| std::mem::replace(&mut self.until, bar)..bar)
    }

    /// Hears the notes of such ticks, in any order. `false`: the player's are not among them.
    pub(crate) fn hear_bar(&mut self, bars: Bars, mut notes: Vec<Note>) -> bool {
        into_order(&mut notes);
        let is_lesson = notes.iter().any(|n| n.voice == Voice::Player);
        self.hear(bars, notes.into_iter());
        is_lesson
    }

    /// What was heard, oldest first.
    pub(crate) fn heard(&self) -> impl Iterator<Item = Note> + '_ {
        self.heard.iter().copied()
    }

    /// Hears notes in the model's order, none before the last one heard. The player's are learned, each with what went
    /// before it; the machine's only go before: it would fall in love with its own voice.
    pub(crate) fn hear(&mut self, bars: Bars, notes: impl Iterator<Item = Note>) {
        for note in notes {
            if note.voice == Voice::Player {
                let past = past(self.heard.iter().rev().copied());
                self.learn(bars, &past, &note);
            }
            self.heard.push_back(note);
        }
        if self.heard.len() > NOTES {
            // In one go, so that it is seldom made anew.
            let surplus = self.heard.len() - NOTES * 3 / 4;
            let kept: Vec<Note> = self.heard.drain(..).skip(surplus).collect();
            self.followers.clear();
            self.hear(bars, kept.into_iter());
        }
    }

    fn learn(&mut self, bars: Bars, past: &Past, note: &Note) {
        let Some(last) = past.first() else { return };
        let mut now = last.onset;
        let mut tokens = ArrayVec::<Token, 10>::new();
        encode_shift(note.onset.since(now), |t| tokens.push(t));
        tokens.push(match note.voice {
            Voice::Player => Token::Player(note.pitch),
            Voice::Machine => Token::Machine(note.pitch),
        });
        for token in tokens {
            for (kind, ..) in KINDS {
                if let Some((key, what)) =
                    kind.key(past, now, bars).zip(kind.what(token, last.pitch))
                {
                    self.followers.entry(key).or_default().count(what);
                }
            }
            if let Token::Shift(ticks) = token {
                now = now.plus(i64::from(ticks));
            }
        }
    }

    /// Mixes what was picked up into the model's expectation of an event's first token. `false`: nothing like it was
    /// heard, and `mixed` is not written.
    pub(crate) fn mix(
        &self,
        Way { strength, in_turns, bars }: Way,
        past: impl Iterator<Item = Note>,
        now: Tick,
        logits: &[f32],
        mixed: &mut [f32; VOCABULARY],
    ) -> bool {
        let past = self::past(past);
        let Some(last) = past.first().filter(|_| strength > 0.0 && !self.heard.is_empty()) else {
            return false;
        };
        let mut is_known = false;
        for (kind, doubt, most) in KINDS {
            // What another voice does at such a place, or after such a step, says nothing of its companion.
            if !in_turns && matches!(kind, Kind::Place | Kind::Shape(..3)) {
                continue;
            }
            let Some(followers) =
                kind.key(&past, now, bars).and_then(|key| self.followers.get(&key))
            else {
                continue;
            };
            if !is_known {
                is_known = true;
                softmax(logits, mixed);
            }
            kind.blend(followers, last.pitch, (strength * most, doubt), in_turns, mixed);
        }
        if is_known {
            for p in mixed.iter_mut() {
                *p = p.max(1e-30).ln();
            }
        }
        is_known
    }
}

impl Kind {
    /// Names the context of a decision at `now`; `None` where the past is too short.
    fn key(self, past: &Past, now: Tick, bars: Bars) -> Option<u64> {
        let depth = match self {
            Self::Place => {
                let begins = past.first().is_none_or(|last| last.onset < now);
                return Some(hash(bars.ticks_into_bar(now) as u64, 2 + u64::from(begins)));
            }
            Self::Played(depth) | Self::Shape(depth) => depth,
        };
        let notes = past.get(..depth)?;
        let mut key = hash(matches!(self, Self::Shape(_)).into(), depth as u64);
        let mut after = now;
        for (nth, note) in notes.iter().enumerate() {
            key = hash(key, after.since(note.onset) as u64);
            after = note.onset;
            key = match self {
                Self::Played(_) => hash(
                    key,
                    u64::from(note.pitch.number()) << 1 | u64::from(note.voice == Voice::Machine),
                ),
                Self::Place | Self::Shape(_) => {
                    let before = notes.get(nth + 1).map_or(note.pitch, |n| n.pitch);
                    hash(key, step(before, note.pitch) as u64)
                }
            };
        }
        Some(key)
    }

    /// What follows, as it is counted in this kind of context after a note of `last` pitch.
    fn what(self, token: Token, last: Pitch) -> Option<i16> {
        match (self, token) {
            (_, Token::Shift(ticks)) => Some(-i16::from(ticks) - 256),
            (Self::Played(_), Token::Player(_) | Token::Machine(_)) => {
                i16::try_from(token.id()).ok()
            }
            (Self::Place | Self::Shape(_), Token::Player(pitch) | Token::Machine(pitch)) => {
                Some(step(last, pitch))
            }
            (_, Token::Velocity(_) | Token::Duration(_)) => None,
        }
    }

    /// Moves probability to what followed. Where both play at once, within time, the player's keys and the machine's keys
    /// each: how likely each of the three is stays the model's, or the part would thin out where the player repeats
    /// himself. Where they take turns, within all of them: how full a turn was is a part of what was played.
    fn blend(
        self,
        followers: &Followers,
        last: Pitch,
        (strength, doubt): (f32, f32),
        in_turns: bool,
        mixed: &mut [f32; VOCABULARY],
    ) {
        let [time, player, machine] = CLASSES.map(token::Kind::ids);
        let voices = [&player, &machine].map(|ids| mixed[ids.clone()].iter().sum::<f32>());
        let whole = time.start..machine.end;
        let groups = if in_turns { [whole, 0..0, 0..0] } else { [time, player, machine] };
        for group in groups {
            let followers = || followers.0.iter().map(|(what, times)| (*what, f32::from(*times)));
            let tokens = || {
                let of = |(what, times)| {
                    self.tokens(what, last, voices).map(move |(t, w)| (t, w * times))
                };
                let tokens =
                    followers().flat_map(of).map(|(token, times)| (usize::from(token.id()), times));
                tokens.filter(|(token, _)| group.contains(token))
            };
            let weight: f32 = tokens().map(|(_, weight)| weight).sum();
            if weight > 0.0 {
                let is_here = |what| {
                    self.tokens(what, last, voices)
                        .any(|(t, _)| group.contains(&usize::from(t.id())))
                };
                let total: f32 = followers().filter(|f| is_here(f.0)).map(|(_, times)| times).sum();
                let trust = strength * total / (total + doubt);
                let mass: f32 = mixed[group.clone()].iter().sum();
                mixed[group.clone()].iter_mut().for_each(|p| *p *= 1.0 - trust);
                for (token, times) in tokens() {
                    mixed[token] += mass * trust * times / weight;
                }
            }
        }
    }

    /// What was counted, as tokens with their weights: a motif belongs to neither voice, and falls to each as the model
    /// expects the voice.
    fn tokens(
        self,
        what: i16,
        last: Pitch,
        voices: [f32; 2],
    ) -> impl Iterator<Item = (Token, f32)> {
        let both = (voices[0] + voices[1]).max(f32::MIN_POSITIVE);
        let tokens = match (self, what) {
            (_, ..=-257) => [Some((Token::Shift((-what - 256) as u8), 1.0)), None],
            (Self::Played(_), id) => [Token::from_id(id as u16).map(|token| (token, 1.0)), None],
            (Self::Place | Self::Shape(_), step) => {
                let pitch = last.transposed(i32::from(step)).map(Pitch::on_piano);
                [
                    pitch.map(|p| (Token::Player(p), voices[0] / both)),
                    pitch.map(|p| (Token::Machine(p), voices[1] / both)),
                ]
            }
        };
        tokens.into_iter().flatten()
    }
}

fn past(latest_first: impl Iterator<Item = Note>) -> Past {
    latest_first.take(DEEPEST).collect()
}

fn step(from: Pitch, to: Pitch) -> i16 {
    i16::from(to.number()) - i16::from(from.number())
}

fn softmax(logits: &[f32], out: &mut [f32; VOCABULARY]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (out, logit) in out.iter_mut().zip(logits) {
        *out = (logit - highest).exp();
        sum += *out;
    }
    for p in out {
        *p /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(onset: i64, pitch: u8, voice: Voice) -> Note {
        let pitch = Pitch::new(pitch);
        Note { onset: Tick(onset), pitch, voice, velocity: 80, duration: 6 }
    }

    /// A figure of five keys.
    fn figure(bar: i64, root: u8, voice: Voice) -> Vec<Note> {
        let steps = [(0, 0), (9, 7), (12, 6), (21, 9), (30, 1)];
        steps.iter().map(|(at, step)| note(bar * 48 + at, root + step, voice)).collect()
    }

    const BARS: Bars = Bars { origin: Tick(0), length: 48 };
    const WAY: Way = Way { strength: 1.0, in_turns: false, bars: BARS };
    const NOW: i64 = 9_000 * 48;
    const LOGITS: [f32; VOCABULARY] = [0.0; VOCABULARY];

    /// Log probabilities after what was played, if any of it is known.
    fn after(learning: &Learning, played: &[Note], ticks: i64) -> Option<[f32; VOCABULARY]> {
        let mut mixed = [0.0; VOCABULARY];
        let past = played.iter().rev().copied();
        let is_known = learning.mix(WAY, past, Tick(NOW + ticks), &LOGITS, &mut mixed);
        is_known.then_some(mixed)
    }

    fn of(mixed: &[f32; VOCABULARY], token: Token) -> f32 {
        mixed[usize::from(token.id())].exp()
    }

    fn taught(voice: Voice) -> Learning {
        let mut learning = Learning::default();
        for bar in 0..5 {
            learning.hear(BARS, figure(2 * bar, 60, voice).into_iter());
        }
        learning
    }

    #[test]
    fn what_was_played_comes_back_and_so_does_its_shape_in_another_key_and_voice() {
        let learning = taught(Voice::Player);
        let own = figure(9_000, 60, Voice::Player);
        // A third of all tokens are the player's keys, a third the machine's.
        let third = 88.0 / VOCABULARY as f32;
        let mixed = after(&learning, &own[..4], 30).unwrap();
        assert!(of(&mixed, Token::Player(Pitch::new(61))) > 0.8 * third);
        let others = figure(9_000, 65, Voice::Machine);
        let mixed = after(&learning, &others[..3], 21).unwrap();
        for voice in [Token::Player, Token::Machine] {
            assert!(of(&mixed, voice(Pitch::new(74))) > 0.2 * third, "{}", mixed[0]);
            assert!(of(&mixed, voice(Pitch::new(75))) < 0.02 * third);
        }
        let mixed = after(&learning, &others[..3], 12).unwrap();
        assert!(of(&mixed, Token::Shift(9)) > 4.0 * of(&mixed, Token::Shift(6)), "its rhythm too");
    }

    #[test]
    fn time_and_each_voice_keep_their_shares() {
        let learning = taught(Voice::Player);
        let own = figure(9_000, 60, Voice::Player);
        let mixed = after(&learning, &own[..4], 30).unwrap();
        for class in CLASSES {
            let share: f32 = mixed[class.ids()].iter().map(|l| l.exp()).sum();
            let alone = class.ids().len() as f32 / VOCABULARY as f32;
            assert!((share - alone).abs() < 1e-4, "{class:?}: {share} {alone}");
        }
    }

    #[test]
    fn what_was_never_heard_says_nothing() {
        let mut learning = taught(Voice::Player);
        assert_eq!(after(&learning, &[note(NOW, 30, Voice::Player)], 7), None);
        assert_eq!(after(&learning, &[], 0), None);
        let own = figure(9_000, 60, Voice::Player);
        assert!(after(&learning, &own[..4], 30).is_some());
        let past = own[..4].iter().rev().copied();
        assert!(!learning.mix(
            Way { strength: 0.0, ..WAY },
            past,
            Tick(NOW + 30),
            &LOGITS,
            &mut [0.0; VOCABULARY]
        ));
        learning.begin(Tick(0), BARS, Vec::new());
        assert_eq!(after(&learning, &own[..4], 30), None);
        let own = figure(9_000, 60, Voice::Machine);
        assert_eq!(after(&taught(Voice::Machine), &own[..4], 30), None, "its own voice");
    }

    #[test]
    fn memory_is_bounded_what_is_oldest_goes_and_what_is_kept_is_all_there_is() {
        let mut learning = Learning::default();
        for bar in 0..2_000 {
            learning.hear(BARS, figure(2 * bar, 40 + (bar / 100) as u8, Voice::Player).into_iter());
            assert!(learning.heard().count() <= NOTES);
        }
        let next = |learning: &Learning, root: u8| {
            let played = figure(9_000, root, Voice::Player);
            of(&after(learning, &played[..4], 30).unwrap(), Token::Player(Pitch::new(root + 1)))
        };
        assert!(next(&learning, 59) > next(&learning, 40), "only its shape is left");
        let mut again = Learning::default();
        again.begin(Tick(0), BARS, learning.heard().collect());
        assert!((next(&again, 59) - next(&learning, 59)).abs() < 1e-6);
    }
}
