//! What a test hears: every event at its sample since the test began, and the laws that hold for all of it.

use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, Tempo};

use crate::host::{Answer, Call, Host, RATE};

/// Samples that a tick lasts at the tempo of the tests, 120.
pub(crate) const TICK: u64 = 2_000;

/// Samples that a beat lasts.
pub(crate) const BEAT: u64 = 12 * TICK;

/// The player's channel.
pub(crate) const PLAYER: Channel = Channel::new(0);

/// The machine's channel.
pub(crate) const MACHINE: Channel = Channel::new(1);

/// A player and a listener at a host.
pub(crate) struct Stage<H> {
    /// The host.
    pub(crate) host: H,
    /// Samples since the test began.
    pub(crate) sample: u64,
    /// The song position at the next sample, in beats; `None` without a transport.
    pub(crate) beats: Option<f64>,
    /// Whether the transport rolls.
    pub(crate) playing: bool,
    /// The metre of the song, in quarter notes.
    pub(crate) quarters: u8,
    /// Whether the host tells four times the number of the bar where it should tell its beginning, as Ardour does.
    pub(crate) tells_numbers: bool,
    /// All that came out, with its samples.
    pub(crate) heard: Vec<(u64, Midi)>,
    /// What the next block's automation is.
    pub(crate) automation: Vec<(u32, &'static str, f64)>,
}

impl<H: Host> Stage<H> {
    /// An active instance and a transport that rolls from beat 0. An offline host waits for the model, so
    /// that what comes out is always the same.
    pub(crate) fn offline() -> Self {
        Self::at(H::open(), true)
    }

    /// The same with this host.
    pub(crate) fn at(mut host: H, offline: bool) -> Self {
        host.activate(offline);
        Self {
            host,
            sample: 0,
            beats: Some(0.0),
            playing: true,
            quarters: 4,
            tells_numbers: false,
            heard: Vec::new(),
            automation: Vec::new(),
        }
    }

    /// Plays one block. Holds that its events lie inside it and in order.
    #[track_caller]
    pub(crate) fn block(&mut self, frames: u32, events: &[TimedMidi]) -> Answer {
        let transport = self.beats.map(|beats| Transport {
            playing: self.playing,
            tempo: Some(Tempo::new(120.0)),
            position: Some(Beats(beats)),
            bar_start: Some(Beats(match (beats / f64::from(self.quarters)).floor() {
                bar if self.tells_numbers => (bar + 1.0) * 4.0,
                bar => bar * f64::from(self.quarters),
            })),
            meter: Meter { numerator: self.quarters, denominator: 4 },
        });
        let automation = std::mem::take(&mut self.automation);
        let answer =
            self.host.process(&Call { frames, transport, events, automation: &automation });
        assert!(answer.events.is_sorted_by_key(|e| e.offset), "{:?}", answer.events);
        assert!(answer.events.iter().all(|e| e.offset < frames), "{:?}", answer.events);
        self.heard
            .extend(answer.events.iter().map(|e| (self.sample + u64::from(e.offset), e.midi)));
        self.sample += u64::from(frames);
        if self.playing {
            self.beats = self.beats.map(|b| b + f64::from(frames) / RATE * 2.0);
        }
        answer
    }

    /// Plays `samples` in blocks of `frames` with what falls on them of `score`, whose samples count from
    /// the beginning of the test.
    #[track_caller]
    pub(crate) fn play(&mut self, samples: u64, frames: u32, score: &[(u64, Midi)]) {
        let end = self.sample + samples;
        while self.sample < end {
            let frames = u64::from(frames).min(end - self.sample);
            let block = self.sample..self.sample + frames;
            let events: Vec<_> = score
                .iter()
                .filter(|(at, _)| block.contains(at))
                .map(|(at, midi)| TimedMidi { offset: (at - self.sample) as u32, midi: *midi })
                .collect();
            self.block(frames as u32, &events);
        }
    }

    /// Sets parameters from the next block on.
    pub(crate) fn set(&mut self, values: &[(&'static str, f64)]) {
        self.automation.extend(values.iter().map(|(id, value)| (0, *id, *value)));
    }

    /// The machine's note-ons.
    pub(crate) fn machine_ons(&self) -> Vec<u64> {
        let is_on = |m: &Midi| matches!(m, Midi::NoteOn { channel, .. } if *channel == MACHINE);
        self.heard.iter().filter(|(_, m)| is_on(m)).map(|(at, _)| *at).collect()
    }
}

/// The machine plays on a channel of its own, and as much as the model lets it.
pub(crate) const TALKATIVE: [(&str, f64); 2] = [("output-channel", 1.0 / 15.0), ("density", 1.0)];

/// Keys that sound after all this. Holds that no key is struck while it sounds and none let go that does not.
#[track_caller]
pub(crate) fn sounding(heard: &[(u64, Midi)]) -> Vec<(u8, u8)> {
    let mut sounding = Vec::new();
    for (at, midi) in heard {
        match *midi {
            Midi::NoteOn { channel, key, velocity } => {
                assert!(velocity > 0);
                let note = (channel.index(), key);
                assert!(!sounding.contains(&note), "{note:?} is struck twice at {at}");
                sounding.push(note);
            }
            Midi::NoteOff { channel, key, .. } => {
                let note = (channel.index(), key);
                let place = sounding.iter().position(|n| *n == note);
                sounding.remove(place.unwrap_or_else(|| panic!("{note:?} ends twice at {at}")));
            }
            _ => {}
        }
    }
    sounding
}

/// A phrase that gives every model something to say: two bars of crotchets and quavers.
pub(crate) fn phrase() -> Vec<(u64, Midi)> {
    let notes = [(0, 60, 10), (12, 64, 10), (24, 67, 5), (30, 69, 5), (36, 67, 10), (48, 65, 10)];
    let more = [(60, 64, 10), (72, 62, 10), (84, 60, 10)];
    notes
        .into_iter()
        .chain(more)
        .flat_map(|(tick, key, ticks)| note(tick * TICK, key, ticks * TICK))
        .collect()
}

/// A note of the player's.
pub(crate) fn note(at: u64, key: u8, samples: u64) -> [(u64, Midi); 2] {
    [
        (at, Midi::NoteOn { channel: PLAYER, key, velocity: 90 }),
        (at + samples, Midi::NoteOff { channel: PLAYER, key, velocity: 64 }),
    ]
}
