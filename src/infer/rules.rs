//! What the machine may do at one place of its plan: the masks and biases on the logits.

use std::ops::Range;

use crate::infer::trail::Trail;
use crate::link::forecast::{Barred, Choice, KEYS};
use crate::link::settings::{Mode, Settings};
use crate::music::key::Key;
use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::scale::PitchSet;
use crate::music::time::{Bars, Tick};
use crate::music::token::{MAX_SHIFT, Token};

/// Notes that one voice may begin on one tick.
const NOTES_PER_TICK: usize = 8;

/// How much `density` 1 adds to the logits of the machine's keys, where the network can't be asked for it.
const DENSITY_LOGITS: f32 = 1.5;

/// How much `repeat_guard` 1 takes from the logit of a key for each of its turns among the last
/// [`GUARDED_NOTES`].
const GUARD_LOGITS: f32 = 1.0;

/// Ticks without a machine note, in its own time to play, after which it is urged to come in: a bar.
const PATIENCE_TICKS: i64 = 48;

/// How much the urge adds to the logits of the machine's keys.
const URGE_LOGITS: f32 = 1.5;

/// Ticks within which the machine comes in when it becomes its turn: a beat.
const ENTRY_TICKS: i64 = 12;

/// Machine notes in two bars above which it holds back, and those two bars. A network that hears its own notes can fall into
/// striking chords on every tick, and stay there for minutes. People play 13 notes in a bar on average; of 300 accompaniments of
/// theirs, in their busiest bar, half have 33 at most and nine in ten 49.
const FULL: usize = 48;
const FULL_TICKS: i64 = 96;

/// What each note above it takes from the logits of the machine's keys.
const FULL_LOGITS: f32 = 0.125;

/// Under a melody the accompaniment stays under it: what is taken from the logits of the keys that do not.
const ABOVE_LOGITS: f32 = 3.0;

/// A player whose lowest note of the last bar lies here or higher plays a melody; one who plays lower may
/// want a line above: A3.
const MELODY_FROM: Pitch = Pitch::new(57);

/// Machine notes that the repeat guard looks back on.
const GUARDED_NOTES: usize = 8;

/// Turns that a key may have among them before the guard sets in: a repeated bass note is music.
const FREE_TURNS: usize = 3;

/// The rules of a plan.
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    /// The first event lies after this tick.
    pub(crate) floor: Tick,
    /// When it became the machine's turn.
    pub(crate) entry: Tick,
    /// When the machine may begin notes.
    pub(crate) gate: Range<Tick>,
    pub(crate) bars: Bars,
    /// The pitch classes that it may play.
    pub(crate) scale: PitchSet,
    /// The same without the chord that the player holds.
    pub(crate) unlocked: PitchSet,
    /// Whether the player's notes are imagined.
    pub(crate) imagines: bool,
    /// Whether the network is asked for how much it is to play, and where.
    pub(crate) is_asked: bool,
    /// What the governor adds to the logits of the machine's keys.
    pub(crate) governed: f32,
    pub(crate) is_placed: bool,
}

/// What the rules see of the plan so far.
pub(crate) struct Place {
    now: Tick,
    last: Option<Note>,
    /// Notes that begin here: the player's, the machine's.
    begin: [usize; 2],
    /// Machine notes that sound here.
    sounding: usize,
    /// The player's lowest note of the last bar.
    lowest: Option<Pitch>,
    /// Whether the machine has played nothing for [`PATIENCE_TICKS`].
    idle: bool,
    /// Machine notes that began within [`FULL_TICKS`].
    lately: usize,
    /// When the machine last began a note.
    began: Option<Tick>,
    /// The machine's last pitches, the latest first.
    recent: arrayvec::ArrayVec<Pitch, GUARDED_NOTES>,
}

impl Place {
    /// The place that the trail's head has reached.
    pub(crate) fn of(trail: &Trail) -> Self {
        let now = trail.head.context.now();
        let mut place = Self {
            now,
            last: trail.head.last.filter(|l| l.onset == now),
            begin: [0, 0],
            sounding: 0,
            lowest: None,
            idle: true,
            lately: 0,
            began: None,
            recent: arrayvec::ArrayVec::new(),
        };
        for Note { voice, onset, pitch, duration, .. } in trail.points().rev().map(|p| p.note) {
            match voice {
                Voice::Player => {
                    place.begin[0] += usize::from(onset == now);
                    if now.since(onset) <= PATIENCE_TICKS {
                        place.lowest = Some(place.lowest.map_or(pitch, |l| l.min(pitch)));
                    }
                }
                Voice::Machine => {
                    place.begin[1] += usize::from(onset == now);
                    place.began = place.began.max(Some(onset));
                    place.lately += usize::from(now.since(onset) < FULL_TICKS);
                    place.sounding += usize::from(onset.plus(duration) > now);
                    place.idle &= now.since(onset.plus(duration)) > PATIENCE_TICKS;
                    let _ = place.recent.try_push(pitch);
                }
            }
        }
        place
    }
}

impl Rules {
    /// What to add to the logit of a token, or `None` where it may not come. `shifts`: whether time may pass.
    pub(crate) fn bias(&self, place: &Place, id: usize, shifts: bool) -> Option<f32> {
        let above =
            |pitch: Pitch, voice| place.last.is_none_or(|l| (pitch, voice) > (l.pitch, l.voice));
        match Token::from_id(u16::try_from(id).ok()?)? {
            Token::Shift(ticks) => {
                let ticks = i64::from(ticks);
                let lands = place.now.plus(ticks);
                // Where nobody is imagined, time only stops where the machine may play.
                let useful = self.imagines || self.on_grid(lands) || ticks == MAX_SHIFT;
                // Who is awaited may not let a whole bar go by with one token.
                let awaited = self.awaits(place);
                let prompt =
                    !awaited || lands <= self.latest_entry() || place.now >= self.latest_entry();
                let enough = lands > self.floor || ticks == MAX_SHIFT;
                (shifts && useful && prompt && enough).then_some(0.0)
            }
            _ if place.now <= self.floor => None,
            Token::Player(pitch) => {
                let may =
                    self.imagines && place.begin[0] < NOTES_PER_TICK && above(pitch, Voice::Player);
                may.then_some(0.0)
            }
            Token::Machine(pitch) => {
                let s = &self.settings;
                let may = place.begin[1] < NOTES_PER_TICK
                    && place.sounding < usize::from(s.polyphony)
                    && self.gate.contains(&place.now)
                    && self.on_grid(place.now)
                    && s.permits(pitch)
                    && self.scale.holds(pitch)
                    && above(pitch, Voice::Machine);
                let turns = place.recent.iter().filter(|p| **p == pitch).count();
                let guard = turns.saturating_sub(FREE_TURNS) as f32 * s.repeat_guard * GUARD_LOGITS;
                let due = self.awaits(place) && place.now >= self.entry;
                let urge = if place.idle || due { URGE_LOGITS } else { 0.0 };
                let stays_under = s.mode == Mode::Accompany && !self.is_placed;
                let melody = place.lowest.filter(|l| *l >= MELODY_FROM && stays_under);
                let above = if melody.is_some_and(|l| pitch >= l) { ABOVE_LOGITS } else { 0.0 };
                let full = place.lately.saturating_sub(FULL) as f32 * FULL_LOGITS;
                // A network that can be asked has been asked for it.
                let density =
                    if self.is_asked { self.governed } else { s.density * DENSITY_LOGITS };
                may.then_some(density + urge - guard - above - full)
            }
            Token::Velocity(_) | Token::Duration(_) => None,
        }
    }

    /// What a machine note at a place was chosen from, for windows.
    pub(crate) fn choice(
        &self,
        place: &Place,
        (onset, chosen): (Tick, Pitch),
        logits: &[f32],
    ) -> Choice {
        let (low, high) = (self.settings.register_low, self.settings.register_high);
        let mut choice =
            Choice { onset, chosen, logits: [0.0; KEYS], barred: [Barred::default(); KEYS] };
        for (key, (logit, barred)) in choice.logits.iter_mut().zip(&mut choice.barred).enumerate() {
            let pitch = Pitch::new(key as u8);
            let id = usize::from(Token::Machine(pitch).id());
            let bias = self.bias(place, id, true);
            *logit = logits.get(id).map_or(f32::NEG_INFINITY, |l| l + bias.unwrap_or(0.0));
            let mut bar = |holds: bool, reason| {
                if holds {
                    *barred = barred.and(reason);
                }
            };
            bar(!(low..=high).contains(&pitch), Barred::REGISTER);
            let (fits, would_fit) = (self.scale.holds(pitch), self.unlocked.holds(pitch));
            bar(!fits, if would_fit { Barred::CHORD } else { Barred::SCALE });
            if bias.is_none() && barred.is_free() {
                *barred = Barred::ORDER;
            }
        }
        choice
    }

    /// Whether it is the machine's turn and it has not come in.
    fn awaits(&self, place: &Place) -> bool {
        self.entry > Tick(i64::MIN) && place.began.is_none_or(|b| b < self.entry)
    }

    /// The last tick at which the machine comes in on its turn.
    fn latest_entry(&self) -> Tick {
        self.entry.max(self.floor.plus(1)).plus(ENTRY_TICKS)
    }

    fn on_grid(&self, tick: Tick) -> bool {
        self.settings.grid.allows(self.bars.ticks_into_bar(tick))
    }
}

/// The pitch classes that settings, the key that was heard and the chord that is held let through.
pub(crate) fn allowed(settings: &Settings, heard: Option<Key>, held: PitchSet) -> PitchSet {
    let scale = match heard.filter(|_| settings.follow_key) {
        Some(key) => key.scale.on(key.tonic),
        None => settings.allowed(),
    };
    if settings.chord_lock && held.0.count_ones() >= 3 {
        let both = PitchSet(scale.0 & held.0);
        // A chord outside the scale wins: the player means it.
        return if both.0 == 0 { held } else { both };
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::pitch::PitchClass;
    use crate::music::scale::Scale;

    #[test]
    fn a_held_chord_locks_and_two_notes_do_not() {
        let settings = Settings { chord_lock: true, scale: Scale::Major, ..Settings::default() };
        let set = |classes: &[u8]| PitchSet(classes.iter().fold(0, |s, c| s | 1 << c));
        assert_eq!(allowed(&settings, None, set(&[0, 4])), Scale::Major.on(PitchClass::new(0)));
        assert_eq!(
            allowed(&settings, None, set(&[0, 3, 7])),
            set(&[0, 7]),
            "E flat is not in the scale"
        );
        assert_eq!(allowed(&settings, None, set(&[1, 3, 6])), set(&[1, 3, 6]), "all of it outside");
    }

    #[test]
    fn the_heard_key_rules_when_it_is_followed() {
        let key = Key { tonic: PitchClass::new(9), scale: Scale::Minor };
        let settings = Settings { follow_key: true, scale: Scale::Blues, ..Settings::default() };
        assert_eq!(allowed(&settings, Some(key), PitchSet(0)), Scale::Minor.on(PitchClass::new(9)));
        assert_eq!(allowed(&settings, None, PitchSet(0)), PitchSet::ALL, "not heard yet");
        let set_by_hand = Settings { follow_key: false, ..settings };
        assert_eq!(
            allowed(&set_by_hand, Some(key), PitchSet(0)),
            Scale::Blues.on(PitchClass::new(0))
        );
    }
}
