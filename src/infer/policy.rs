//! When the machine may play: a pure state machine over closed ticks.

use std::ops::Range;

use crate::link::settings::{Mode, Settings};
use crate::music::pitch::Pitch;
use crate::music::scale::PitchSet;
use crate::music::time::{Bars, Tick};

/// Ticks that the accompaniment goes on by itself after the player's last sound: eight bars of 4/4, an
/// interlude.
const VAMP_TICKS: i64 = 8 * 48;

/// Ticks that the accompaniment listens to a player who begins, before it is awaited: a bar.
const LISTEN_TICKS: i64 = 48;

/// A key that is held longer than this counts as stuck and no longer as playing: eight bars.
const STUCK_TICKS: i64 = 8 * 48;

/// A bar line that moves by this much at most, as it does where a player's beat is followed, is the same line: half
/// a beat.
const SAME_LINE_TICKS: i64 = 6;

/// The longest answer, and the shortest: eight bars and one.
const ANSWER_TICKS: std::ops::RangeInclusive<i64> = 48..=8 * 48;

/// What the player is doing, as far as it is known, and whose turn it is.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// The keys that are down.
    held: u128,
    /// When a key was last struck.
    struck: Option<Tick>,
    /// When a key was last struck, held (stuck keys aside) or released.
    sounded: Option<Tick>,
    /// When the present phrase began.
    phrase: Option<Tick>,
    /// Where the answer to the last phrase begins and ends: it begins at `.0` and is over at `.1`.
    answer: Option<(Tick, Tick)>,
    /// The bar that the last closed tick lies in: its first tick, and how many came before it.
    bar: (Tick, i64),
    bars: Bars,
    /// Since when the machine is awaited: a bar after the player began, or when the mode changed or a phrase ended.
    since: Tick,
}

impl Policy {
    /// The policy of a take that begins at `tick`.
    pub(crate) fn new(tick: Tick, bars: Bars) -> Self {
        let into = bars.ticks_into_bar(tick);
        let start = tick.plus(-into);
        let number = start.since(bars.origin).div_euclid(bars.length);
        Self {
            held: 0,
            struck: None,
            sounded: None,
            phrase: None,
            answer: None,
            bar: (start, number),
            bars,
            since: Tick(i64::MIN),
        }
    }

    /// The bar lines moved. Bars go on being counted at each line that is passed, so that turns alternate
    /// through a loop.
    pub(crate) fn set_bars(&mut self, bars: Bars, closed: Tick) {
        // A line that moves a little to before the present has gone by all the same.
        let earlier = self.bars.origin.since(bars.origin).rem_euclid(bars.length);
        let into = bars.ticks_into_bar(closed);
        if earlier <= SAME_LINE_TICKS && into < earlier && bars.length == self.bars.length {
            self.pass_line(closed.plus(-into));
        }
        self.bars = bars;
    }

    /// A bar line goes by. One that was moved to a little later is the same line.
    fn pass_line(&mut self, line: Tick) {
        let bars = i64::from(line.since(self.bar.0) > SAME_LINE_TICKS);
        self.bar = (line, self.bar.1 + bars);
    }

    /// The mode is another from `tick` on.
    pub(crate) fn switch(&mut self, tick: Tick) {
        self.since = tick;
    }

    /// The keys that the player holds, as pitch classes.
    pub(crate) fn held_classes(&self) -> PitchSet {
        let held = (0..128_u8).filter(|k| self.held >> k & 1 == 1);
        PitchSet(held.fold(0, |set, k| set | Pitch::new(k).class().bit()))
    }

    pub(crate) fn key_down(&mut self, tick: Tick, pitch: Pitch) {
        if self.sounded.is_none_or(|s| tick.since(s) > VAMP_TICKS) {
            self.since = tick.plus(LISTEN_TICKS);
        }
        self.held |= 1 << pitch.number();
        self.struck = Some(tick);
        self.sounded = Some(tick);
        self.phrase.get_or_insert(tick);
        self.answer = None;
    }

    pub(crate) fn key_up(&mut self, tick: Tick, pitch: Pitch) {
        self.held &= !(1 << pitch.number());
        if self.phrase.is_some() {
            self.sounded = self.sounded.max(Some(tick));
        }
    }

    /// Takes in that `tick` is closed.
    pub(crate) fn close(&mut self, tick: Tick, settings: &Settings) {
        if self.bars.ticks_into_bar(tick) == 0 && tick > self.bar.0 {
            self.pass_line(tick);
        }
        let stuck = self.struck.is_none_or(|s| tick.since(s) > STUCK_TICKS);
        if self.held != 0 && !stuck {
            self.sounded = self.sounded.max(Some(tick));
        }
        if let (Some(began), Some(sounded)) = (self.phrase, self.sounded)
            && tick.since(sounded) >= i64::from(settings.phrase_gap)
        {
            let length = sounded.since(began).clamp(*ANSWER_TICKS.start(), *ANSWER_TICKS.end());
            let from = tick.plus(1 + i64::from(settings.reaction));
            self.answer = Some((from, from.plus(length)));
            self.since = from;
            self.phrase = None;
        }
    }

    /// The ticks in which the machine may begin notes, by what is known now.
    pub(crate) fn gate(&self, settings: &Settings) -> Option<Range<Tick>> {
        match settings.mode {
            _ if !settings.active => None,
            Mode::Accompany => self.sounded.map(|s| Tick(i64::MIN)..s.plus(VAMP_TICKS)),
            Mode::Answer => self.answer.map(|(from, to)| from..to),
            Mode::Trade => Some(self.turn(settings)),
            // The company of a note is found when the note is heard; nothing is planned.
            Mode::Harmonise => None,
            Mode::Solo => {
                let taken_over = self.phrase.is_some();
                (!taken_over).then_some(Tick(i64::MIN)..Tick(i64::MAX))
            }
        }
    }

    /// When it became the machine's turn: by now it should have come in, or soon.
    pub(crate) fn entry(&self, gate: &Range<Tick>) -> Tick {
        self.since.max(gate.start)
    }

    /// The machine's turn, if it is under way, or else its next one.
    fn turn(&self, settings: &Settings) -> Range<Tick> {
        let (bar, number) = self.bar;
        let bars = i64::from(settings.trade_bars);
        let turn = number.div_euclid(bars);
        let begins = bar.plus(-number.rem_euclid(bars) * self.bars.length);
        let length = bars * self.bars.length;
        let machines = (turn.rem_euclid(2) == 0) == settings.machine_first;
        let from = if machines { begins } else { begins.plus(length) };
        from..from.plus(length)
    }

    /// Whether the machine should expect the player to join in while it plays.
    pub(crate) fn expects_player(settings: &Settings) -> bool {
        settings.mode == Mode::Accompany
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Pitch = Pitch::new(60);

    fn may_play(policy: &Policy, settings: &Settings, tick: i64) -> bool {
        policy.gate(settings).is_some_and(|g| g.contains(&Tick(tick)))
    }

    fn playing(policy: &Policy, settings: &Settings, ticks: Range<i64>) -> Vec<i64> {
        ticks.filter(|t| may_play(policy, settings, *t)).collect()
    }

    #[test]
    fn the_accompaniment_waits_for_the_player_and_stops_after_him() {
        let settings = Settings::default();
        let mut policy = Policy::new(Tick(0), Bars::default());
        policy.close(Tick(0), &settings);
        assert!(playing(&policy, &settings, 0..500).is_empty());
        policy.key_down(Tick(10), KEY);
        policy.key_up(Tick(20), KEY);
        policy.close(Tick(20), &settings);
        assert_eq!(playing(&policy, &settings, 20..1_000).last(), Some(&(19 + VAMP_TICKS)));
    }

    #[test]
    fn an_answer_is_as_long_as_its_phrase_and_ends_when_the_player_plays() {
        let settings = Settings { mode: Mode::Answer, ..Settings::default() };
        let mut policy = Policy::new(Tick(0), Bars::default());
        policy.key_down(Tick(0), KEY);
        for tick in 0..100 {
            policy.close(Tick(tick), &settings);
            assert!(!may_play(&policy, &settings, tick + 2), "the key is down at {tick}");
        }
        policy.key_up(Tick(100), KEY);
        for tick in 100..=112 {
            policy.close(Tick(tick), &settings);
        }
        let answer = playing(&policy, &settings, 0..1_000);
        assert_eq!((answer[0], answer.len()), (114, 100));
        policy.key_down(Tick(120), KEY);
        assert!(playing(&policy, &settings, 0..1_000).is_empty());
    }

    #[test]
    fn a_stuck_key_does_not_keep_the_machine_going() {
        let settings = Settings::default();
        let mut policy = Policy::new(Tick(0), Bars::default());
        policy.key_down(Tick(0), KEY);
        for tick in 0..5_000 {
            policy.close(Tick(tick), &settings);
        }
        assert!(!may_play(&policy, &settings, 5_000));
    }

    #[test]
    fn turns_change_at_bar_lines_and_alternate_through_a_loop() {
        let settings = Settings { mode: Mode::Trade, trade_bars: 2, ..Settings::default() };
        let mut policy = Policy::new(Tick(0), Bars::default());
        policy.close(Tick(0), &settings);
        assert_eq!(policy.gate(&settings), Some(Tick(96)..Tick(192)));
        for tick in 1..=100 {
            policy.close(Tick(tick), &settings);
        }
        assert_eq!(policy.gate(&settings), Some(Tick(96)..Tick(192)), "its turn is under way");
        for tick in 101..=192 {
            policy.close(Tick(tick), &settings);
        }
        // The host loops back two bars: the ticks go on, the bar lines stand as before.
        policy.set_bars(Bars { origin: Tick(192), length: 48 }, Tick(192));
        for tick in 193..300 {
            policy.close(Tick(tick), &settings);
        }
        assert_eq!(policy.gate(&settings), Some(Tick(288)..Tick(384)));
    }

    #[test]
    fn a_line_that_moves_a_little_is_counted_once() {
        let settings = Settings { mode: Mode::Trade, trade_bars: 1, ..Settings::default() };
        let turn_after = |moves: &[(i64, i64)]| {
            let mut policy = Policy::new(Tick(0), Bars::default());
            for tick in 0..=200 {
                for (at, origin) in moves {
                    if *at == tick {
                        let bars = Bars { origin: Tick(*origin), length: 48 };
                        policy.set_bars(bars, Tick(tick - 1));
                    }
                }
                policy.close(Tick(tick), &settings);
            }
            policy.gate(&settings)
        };
        assert_eq!(turn_after(&[]), Some(Tick(240)..Tick(288)));
        let later = turn_after(&[(98, 99)]);
        assert_eq!(later, Some(Tick(243)..Tick(291)), "the line at 96 comes again at 99");
        let earlier = turn_after(&[(95, 93)]);
        assert_eq!(earlier, Some(Tick(237)..Tick(285)), "the line at 96 was at 93 all along");
    }

    #[test]
    fn a_solo_goes_on_until_the_player_takes_over() {
        let settings = Settings { mode: Mode::Solo, ..Settings::default() };
        let mut policy = Policy::new(Tick(0), Bars::default());
        assert!(may_play(&policy, &settings, 5));
        policy.key_down(Tick(10), KEY);
        assert!(!may_play(&policy, &settings, 12));
        policy.key_up(Tick(12), KEY);
        for tick in 0..=24 {
            policy.close(Tick(tick), &settings);
        }
        assert!(may_play(&policy, &settings, 26));
    }
}
