//! Follows an engine's display: from events to notes, from plans to ghosts, and the place of the music between two blocks.

use std::time::{Duration, Instant};

use crate::link::display::{Display, Now};
use crate::link::outlook::Plan;
use crate::link::past::{Event, Reader};
use crate::link::settings::Settings;
use crate::music::chord::{Chord, Sounding};
use crate::music::event::Channel;
use crate::music::note::Voice;
use crate::music::pitch::Pitch;
use crate::music::time::{Beats, TICKS_PER_BEAT, Tick};
use crate::window::scene::{SeenChord, SeenNote, Stage};

/// The most notes that are kept to be captured.
const KEPT_NOTES: usize = 8_192;

/// Quarter notes behind the place of the music that are shown: eight bars of four.
const SHOWN_BEATS: f64 = 40.0;

/// In this time the place that is shown comes near to the one that is told.
const SETTLE_SECONDS: f64 = 0.12;

/// Further away than this it jumps there.
const JUMP_BEATS: f64 = 0.5;

/// How long a chord lasts at least: its name is judged over so much.
const HALF_BAR: f64 = 0.5;

/// A note that was played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Played {
    pub(super) voice: Voice,
    channel: Channel,
    pub(super) key: u8,
    pub(super) velocity: u8,
    pub(super) start_beats: f64,
    /// None while it sounds.
    end_beats: Option<f64>,
}

impl Played {
    /// Where it ends, or is now.
    pub(super) fn end_beats(&self, now: f64) -> f64 {
        self.end_beats.unwrap_or(now).max(self.start_beats)
    }
}

/// See the module's text.
#[derive(Default)]
pub(super) struct Follower {
    reader: Reader,
    played: Vec<Played>,
    plan: Plan,
    now: Option<Now>,
    /// Where it was last, while no time passes.
    last: Option<Now>,
    /// The place that is shown, and when it was.
    shown: Option<(f64, Instant)>,
    notes: Vec<SeenNote>,
    /// The chord of each half of a bar, and of stretches of the same name.
    halves: Vec<SeenChord>,
    chords: Vec<SeenChord>,
    heard: u64,
    heard_at: Option<Instant>,
    seen_at: Option<Instant>,
}

impl Follower {
    /// Catches up.
    pub(super) fn follow(&mut self, display: &Display, settings: &Settings, at: Instant) {
        self.now = display.now();
        self.last = self.now.or(self.last);
        self.hear(display, at);
        self.move_on(at);
        if !display.outlook.read(&mut self.plan) {
            // It is being written again and again; the last one is a frame old.
        }
        self.show(settings);
        self.name_chords();
        self.seen_at = Some(at);
    }

    /// Notes in sight.
    pub(super) fn notes(&self) -> &[SeenNote] {
        &self.notes
    }

    /// Chords in sight.
    pub(super) fn chords(&self) -> &[SeenChord] {
        &self.chords
    }

    /// All notes that are kept, in the order in which they began.
    pub(super) fn played(&self) -> &[Played] {
        &self.played
    }

    /// Where the music was told to be last.
    pub(super) fn now(&self) -> Option<Now> {
        self.now
    }

    /// Where it was told to be when it went on last.
    pub(super) fn last(&self) -> Option<Now> {
        self.last
    }

    /// Where it is shown.
    pub(super) fn beats(&self) -> f64 {
        self.shown.map_or(0.0, |shown| shown.0)
    }

    /// The first tick that is not past.
    pub(super) fn tick(&self) -> Tick {
        Tick((self.beats() * TICKS_PER_BEAT as f64).ceil() as i64)
    }

    pub(super) fn bar_line_beats(&self) -> f64 {
        self.last.map_or(0.0, |now| now.bars.origin.beats().0)
    }

    pub(super) fn bar_beats(&self) -> f64 {
        self.last.map_or(4.0, |now| (now.bars.length as f64 / TICKS_PER_BEAT as f64).max(0.25))
    }

    /// How many notes of the player were heard.
    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    /// Since the last of them.
    pub(super) fn since_heard(&self) -> Option<Duration> {
        Some(self.seen_at?.saturating_duration_since(self.heard_at?))
    }

    fn hear(&mut self, display: &Display, at: Instant) {
        let mut reader = self.reader;
        let is_whole = display.past.read(&mut reader, |beats, event| self.take(beats, event, at));
        self.reader = reader;
        if !is_whole {
            // What has ended meanwhile is not known: nothing may seem to hang.
            let now = self.now.map_or(self.beats(), |now| now.beats.0);
            for note in self.played.iter_mut().filter(|note| note.end_beats.is_none()) {
                note.end_beats = Some(now);
            }
        }
        if self.played.len() > KEPT_NOTES {
            self.played.drain(..self.played.len() - KEPT_NOTES);
        }
    }

    fn take(&mut self, Beats(beats): Beats, event: Event, at: Instant) {
        let mut begin = |voice, channel, key, velocity| {
            self.played.push(Played {
                voice,
                channel,
                key,
                velocity,
                start_beats: beats,
                end_beats: None,
            });
        };
        match event {
            Event::Take => {
                self.played.clear();
                self.halves.clear();
                self.shown = None;
            }
            Event::Struck { channel, key, velocity } => {
                begin(Voice::Player, channel, key, velocity);
                self.heard += 1;
                self.heard_at = Some(at);
            }
            Event::Began { channel, key, velocity } => {
                begin(Voice::Machine, channel, key, velocity);
            }
            Event::Released { channel, key } => self.end(Voice::Player, channel, key, beats),
            Event::Ended { channel, key } => self.end(Voice::Machine, channel, key, beats),
        }
    }

    fn end(&mut self, voice: Voice, channel: Channel, key: u8, beats: f64) {
        let is_it = |n: &&mut Played| {
            n.end_beats.is_none() && (n.voice, n.channel, n.key) == (voice, channel, key)
        };
        for note in self.played.iter_mut().rev().filter(is_it) {
            note.end_beats = Some(beats);
        }
    }

    /// Goes on in tempo, and is drawn to what the engine says: blocks come in jumps, the eye wants none.
    fn move_on(&mut self, at: Instant) {
        let Some(now) = self.now else {
            self.shown = self.shown.map(|(beats, _)| (beats, at));
            return;
        };
        let told = now.beats.0;
        let shown = match self.shown {
            None => told,
            Some((beats, before)) => {
                let seconds = at.saturating_duration_since(before).as_secs_f64();
                let gone_on = beats + seconds / now.tempo.seconds_per_beat();
                let apart = told - gone_on;
                if apart.abs() > JUMP_BEATS {
                    told
                } else {
                    // Never backwards.
                    (gone_on + apart * (1.0 - (-seconds / SETTLE_SECONDS).exp())).max(beats)
                }
            }
        };
        self.shown = Some((shown, at));
    }

    fn show(&mut self, settings: &Settings) {
        let now = self.beats();
        let from = now - SHOWN_BEATS;
        let played = self.played.iter().rev().take_while(|n| n.start_beats > from - SHOWN_BEATS);
        let seen = played.filter(|n| n.end_beats(now) > from).map(|n| SeenNote {
            voice: n.voice,
            start_beats: n.start_beats,
            len_beats: n.end_beats(now) - n.start_beats,
            key: n.key,
            velocity: n.velocity,
            stage: Stage::Played,
        });
        self.notes.clear();
        self.notes.extend(seen);
        if self.now.is_none() {
            return;
        }
        // A tick is closed half a tick after it; what begins within the reaction from there is settled.
        let closed = (now * TICKS_PER_BEAT as f64 - 0.5).floor() as i64;
        let floor = Tick(closed).plus(i64::from(settings.reaction));
        let ticks = TICKS_PER_BEAT as f64;
        self.notes.extend(self.plan.iter().map(|n| SeenNote {
            voice: Voice::Machine,
            start_beats: n.onset.beats().0 + f64::from(n.late_ticks) / ticks,
            len_beats: n.duration as f64 / ticks,
            key: n.pitch.number(),
            velocity: n.velocity,
            stage: if n.onset <= floor { Stage::Committed } else { Stage::Planned },
        }));
    }

    /// Names what sounded in each half of a bar in sight; the half that is under way so far.
    ///
    /// What goes on under the same name is named once.
    fn name_chords(&mut self) {
        let (bar, line, now) = (self.bar_beats(), self.bar_line_beats(), self.beats());
        let half = bar * HALF_BAR;
        let place = |beats: f64| ((beats - line) / half).floor();
        let first = place(now - SHOWN_BEATS);
        // Halves that were over when they were judged stay as they are.
        let over = line + place(now) * half;
        let stays =
            |c: &SeenChord| c.start_beats < over - 1e-6 && c.start_beats > now - 2.0 * SHOWN_BEATS;
        self.halves.retain(stays);
        let begin = self.halves.last().map_or(first, |last| place(last.start_beats + half * 1.5));
        // Of the half that is under way too little is known at first.
        let end = if now - over < half * 0.5 { place(now) - 1.0 } else { place(now) };
        let mut nth = begin.max(first);
        while nth <= end {
            let start = line + nth * half;
            let name = self.chord_between(start, (start + half).min(now.max(start)));
            self.halves.push(SeenChord { start_beats: start, name });
            nth += 1.0;
        }
        self.chords.clone_from(&self.halves);
        self.chords.dedup_by(|next, last| next.name == last.name);
    }

    fn chord_between(&self, from: f64, to: f64) -> String {
        let length = (to - from).max(1e-3);
        let now = self.beats();
        let share = |n: &Played| n.end_beats(now).min(to) - n.start_beats.max(from);
        let sounding: Vec<Sounding> = self
            .played
            .iter()
            .rev()
            .take_while(|n| n.start_beats > from - SHOWN_BEATS)
            .filter(|n| share(n) > 0.0)
            .map(|n| Sounding { pitch: Pitch::new(n.key), share: (share(n) / length) as f32 })
            .collect();
        Chord::of(&sounding).map(|(chord, _)| chord.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::message::PlannedNote;
    use crate::music::time::{Bars, Tempo};

    fn now(beats: f64) -> Now {
        let bars = Bars { origin: Tick(0), length: 48 };
        Now { beats: Beats(beats), bars, tempo: Tempo::new(120.0) }
    }

    #[test]
    fn notes_begin_and_end_and_plans_are_ghosts() {
        let (display, mut follower) = (Display::default(), Follower::default());
        let channel = Channel::new(0);
        let begun = Instant::now();
        for (beats, event) in [
            (0.0, Event::Struck { channel, key: 60, velocity: 90 }),
            (0.5, Event::Began { channel: Channel::new(1), key: 48, velocity: 70 }),
            (1.0, Event::Released { channel, key: 60 }),
            (1.0, Event::Ended { channel, key: 48 }),
        ] {
            display.past.add(Beats(beats), event);
        }
        let note = |onset: i64| PlannedNote {
            onset: Tick(onset),
            late_ticks: 0.0,
            late_millis: 0.0,
            duration: 6,
            pitch: Pitch::new(52),
            velocity: 60,
        };
        display.outlook.write(&[note(24), note(36)]);
        display.set_now(Some(now(2.0)), false);
        follower.follow(&display, &Settings::default(), begun);
        let find = |key| *follower.notes().iter().find(|n| n.key == key).unwrap();
        assert!((find(60).len_beats - 1.0).abs() < 1e-9 && find(60).voice == Voice::Player);
        assert!(
            (find(48).len_beats - 1.5).abs() < 1e-9,
            "the end was on another channel: it still sounds"
        );
        let stages: Vec<Stage> =
            follower.notes().iter().filter(|n| n.key == 52).map(|n| n.stage).collect();
        assert_eq!(stages, [Stage::Committed, Stage::Planned]);
        assert_eq!((follower.heard(), follower.since_heard()), (1, Some(Duration::ZERO)));
    }

    #[test]
    fn the_place_moves_on_between_blocks_and_never_back() {
        let (display, mut follower) = (Display::default(), Follower::default());
        let begun = Instant::now();
        let mut last = 0.0;
        // Blocks of 85 ms, frames of 16 ms; 120 beats a minute.
        for frame in 0..200_u32 {
            let seconds = f64::from(frame) * 0.016;
            let told = (seconds / 0.085).floor() * 0.085 * 2.0;
            display.set_now(Some(now(told)), false);
            follower.follow(
                &display,
                &Settings::default(),
                begun + Duration::from_secs_f64(seconds),
            );
            let shown = follower.beats();
            assert!(shown >= last, "{shown} after {last}");
            if frame > 30 {
                assert!((shown - last - 0.032).abs() < 0.02, "frame {frame}: {last} to {shown}");
                assert!((shown - 2.0 * seconds).abs() < 0.2, "{shown} at {seconds} s");
            }
            last = shown;
        }
        display.set_now(Some(now(40.0)), false);
        follower.follow(&display, &Settings::default(), begun + Duration::from_secs(4));
        assert!((follower.beats() - 40.0).abs() < 1e-9, "a jump is a jump");
    }

    #[test]
    fn chords_are_named_by_halves_of_bars() {
        let (display, mut follower) = (Display::default(), Follower::default());
        let (channel, begun) = (Channel::new(0), Instant::now());
        let chords = [[57, 60, 64], [53, 57, 60], [55, 59, 62]];
        for (nth, keys) in chords.iter().enumerate() {
            for key in *keys {
                let start = Beats(2.0 * nth as f64);
                display.past.add(start, Event::Struck { channel, key, velocity: 80 });
                display.past.add(Beats(start.0 + 1.9), Event::Released { channel, key });
            }
        }
        display.set_now(Some(now(5.9)), false);
        follower.follow(&display, &Settings::default(), begun);
        let named: Vec<(f64, &str)> = follower
            .chords()
            .iter()
            .map(|c| (c.start_beats, c.name.as_str()))
            .filter(|c| !c.1.is_empty())
            .collect();
        assert_eq!(named, [(0.0, "Am"), (2.0, "F"), (4.0, "G")]);
        // A new take begins with an empty strip.
        display.past.add(Beats(0.0), Event::Take);
        display.set_now(Some(now(0.1)), false);
        follower.follow(&display, &Settings::default(), begun);
        assert!(follower.chords().iter().all(|c| c.name.is_empty()));
        assert!(follower.notes().iter().all(|n| n.stage != Stage::Played));
    }

    #[test]
    fn what_was_missed_does_not_hang() {
        let (display, mut follower) = (Display::default(), Follower::default());
        let (channel, begun) = (Channel::new(0), Instant::now());
        display.set_now(Some(now(0.5)), false);
        display.past.add(Beats(0.0), Event::Struck { channel, key: 60, velocity: 80 });
        follower.follow(&display, &Settings::default(), begun);
        for nth in 0..5_000_u32 {
            let key = 61 + (nth % 20) as u8;
            let at = Beats(1.0 + f64::from(nth) * 1e-3);
            display.past.add(at, Event::Struck { channel, key, velocity: 80 });
            display.past.add(at, Event::Released { channel, key });
        }
        display.set_now(Some(now(8.0)), false);
        follower.follow(&display, &Settings::default(), begun);
        let old = follower.played().iter().find(|n| n.key == 60).unwrap();
        assert!(old.end_beats.is_some());
    }
}
