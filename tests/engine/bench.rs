//! An engine on the test bench: a host that we write, a player that we write, a network that is quick and
//! restless.

use std::sync::Arc;

use sideman::infer::memory::{Memory, Remembered};
use sideman::infer::net::Net;
use sideman::infer::session::Session;
use sideman::link::pair::{WorkerEnd, pair};
use sideman::link::settings::Settings;
use sideman::live::block::{Block, Sink, Transport};
use sideman::live::improviser::Improviser;
use sideman::model::{LstmConfig, State};
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::harmony::Harmony;
use sideman::music::note::Note;
use sideman::music::time::{SampleRate, Tick};

pub(crate) const RATE: f64 = 48_000.0;

/// Logits from a hash of all that was heard: legal, restless, and the same every time.
pub(crate) struct Restless;

impl Net for Restless {
    fn state(&self) -> State {
        let config = LstmConfig { hidden: 1, layers: 1, ..LstmConfig::default() };
        State::zeros(&config)
    }

    fn step(&self, token: u16, place: u8, features: &[f32], state: &mut State, logits: &mut [f32]) {
        let config = LstmConfig { hidden: 1, layers: 1, ..LstmConfig::default() };
        let mut hash = state.values()[0].to_bits();
        for word in
            [u32::from(token), u32::from(place), features[25].to_bits(), features[40].to_bits()]
        {
            hash = (hash ^ word).wrapping_mul(0x9e37_79b1).rotate_left(13);
        }
        // Kept a finite number by clearing the exponent's top bit.
        *state = State::from_values(&config, &[f32::from_bits(hash & 0x3fff_ffff), 0.0]).unwrap();
        for (id, logit) in logits.iter_mut().enumerate() {
            let h = (hash ^ id as u32)
                .wrapping_mul(0x85eb_ca6b)
                .rotate_left(7)
                .wrapping_mul(0xc2b2_ae35);
            *logit = (h >> 16) as f32 / 65_536.0 * 5.0;
            // Short shifts and machine notes are likelier, or nothing much would happen.
            if id < 6 {
                *logit += 3.0;
            } else if (136..224).contains(&id) {
                *logit += 2.0;
            }
        }
    }
}

/// An event and its absolute sample.
pub(crate) type At = (u64, Midi);

/// A sink that keeps what it gets, and may refuse.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) block: Vec<TimedMidi>,
    /// Events that are refused once this many were taken in a block.
    pub(crate) room: Option<usize>,
}

impl Sink for Tape {
    fn send(&mut self, event: TimedMidi) -> bool {
        if self.room.is_some_and(|room| self.block.len() >= room) {
            return false;
        }
        self.block.push(event);
        true
    }
}

/// The engine with its worker's session run by hand after each block: a worker that is always in time.
pub(crate) struct Bench {
    pub(crate) improviser: Improviser,
    end: WorkerEnd,
    session: Session,
    pub(crate) tape: Tape,
    pub(crate) sample: u64,
    pub(crate) out: Vec<At>,
}

impl Bench {
    pub(crate) fn new(net: Arc<dyn Net>) -> Self {
        let (audio, end) = pair();
        Self {
            improviser: Improviser::new(audio, SampleRate::new(RATE)),
            end,
            session: Session::new(net),
            tape: Tape::default(),
            sample: 0,
            out: Vec::new(),
        }
    }

    pub(crate) fn block(
        &mut self,
        frames: u32,
        transport: Option<Transport>,
        settings: &Settings,
        events: &[TimedMidi],
    ) {
        let block = Block { frames, transport, offline: false, events };
        self.improviser.process(&block, settings, &mut self.tape);
        for event in self.tape.block.drain(..) {
            assert!(event.offset < frames.max(1), "inside the block: {event:?} of {frames}");
            let at = self.sample + u64::from(event.offset);
            assert!(self.out.last().is_none_or(|l| l.0 <= at), "in time order: {event:?}");
            self.out.push((at, event.midi));
        }
        self.sample += u64::from(frames);
        self.pump();
    }

    pub(crate) fn swap_net(&mut self, net: Arc<dyn Net>) {
        let mut out = Vec::new();
        self.session.set_net(net, &mut out);
        assert!(self.end.send_all(&out));
    }

    /// Tells the chords of the song.
    pub(crate) fn set_chords(&mut self, chords: Vec<(Tick, Harmony)>) {
        let mut out = Vec::new();
        self.session.set_chords(chords.into(), &mut out);
        assert!(self.end.send_all(&out));
    }

    /// Brings back what an earlier session remembered, through the same door as a saved project.
    pub(crate) fn remember(&mut self, memory: &Memory) {
        let mut out = Vec::new();
        self.session.remember(memory.remembered(), &mut out);
        assert!(self.end.send_all(&out));
    }

    /// Forgets what was picked up from the player.
    pub(crate) fn forget(&mut self) {
        let mut out = Vec::new();
        self.session.forget(&mut out);
        assert!(self.end.send_all(&out));
    }

    /// What the session remembers now, counted from a bar line.
    pub(crate) fn memory(&self) -> Memory {
        let origin = self.session.bars().origin;
        let memory = Memory::default();
        let from_bar = |n: Note| Note { onset: Tick(n.onset.since(origin)), ..n };
        let window = self.session.window().map(from_bar).collect();
        let learned = self.session.learned().map(from_bar).collect();
        memory.restore(Remembered { window, learned });
        memory
    }

    fn pump(&mut self) {
        let mut out = Vec::new();
        while let Some(message) = self.end.receive() {
            self.session.handle(message, &mut out);
        }
        while self.session.speculate(&mut out) {}
        assert!(self.end.send_all(&out), "the ring holds a plan");
    }
}

/// Pairs each note-on with its note-off, by channel and key; panics if two share a key, an end is missing or
/// has no beginning. Gives (channel, key, velocity, from, to).
pub(crate) fn notes(events: &[At]) -> Vec<(Channel, u8, u8, u64, u64)> {
    let mut open: std::collections::HashMap<(Channel, u8), (u8, u64)> =
        std::collections::HashMap::new();
    let mut notes = Vec::new();
    for (at, midi) in events {
        match *midi {
            Midi::NoteOn { channel, key, velocity } => {
                let clash = open.insert((channel, key), (velocity, *at));
                assert_eq!(clash, None, "two live notes on {channel:?} key {key} at {at}");
            }
            Midi::NoteOff { channel, key, .. } => {
                let began = open.remove(&(channel, key));
                let Some((velocity, from)) = began else {
                    panic!("an end without a beginning: {midi:?} at {at}")
                };
                notes.push((channel, key, velocity, from, *at));
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "hanging: {open:?}");
    notes
}
