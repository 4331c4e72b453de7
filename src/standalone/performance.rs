//! A song played through the live engine, block by block, as a host would: the player's part is known, the
//! machine improvises.

use std::io;
use std::sync::Arc;

use crate::infer::model_slot::ModelSlot;
use crate::infer::worker::Worker;
use crate::link::meter::Meter;
use crate::link::pair::pair;
use crate::link::settings::Settings;
use crate::live::block::{Block, Sink, Transport};
use crate::live::improviser::Improviser;
use crate::music::event::{Channel, Midi, TimedMidi};
use crate::music::time::Beats;
use crate::standalone::Part;
use crate::standalone::song::Song;

/// The player's channel in a performance; the machine has the one of the settings.
pub const PLAYER: Channel = Channel::new(0);

/// A note that sounded, in samples since the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sounded {
    /// Who played it.
    pub part: Part,
    /// MIDI key number.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// The sample of its note-on.
    pub from: u64,
    /// The sample of its note-off; `None` while it sounds.
    pub to: Option<u64>,
}

/// Where a host's transport goes another way than straight through the song, from a sample on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HostLeg {
    /// From here on.
    pub from: u64,
    /// Quarter notes that the position told lies behind the song's, which only rises; `None` where the transport stands.
    pub shift: Option<f64>,
}

/// A performance under way.
pub struct Performance {
    improviser: Improviser,
    song: Song,
    host: Vec<HostLeg>,
    settings: Settings,
    events: Vec<(u64, Midi)>,
    next_event: usize,
    sample: u64,
    offline: bool,
    incoming: Vec<TimedMidi>,
    out: Tape,
    sounded: Vec<Sounded>,
    models: Arc<ModelSlot>,
    _worker: Worker,
}

#[derive(Default)]
struct Tape(Vec<TimedMidi>);

impl Sink for Tape {
    fn send(&mut self, event: TimedMidi) -> bool {
        self.0.push(event);
        true
    }
}

impl Performance {
    /// Puts the engine on stage. `events` are the player's, by rising sample, on any channel. `offline`
    /// blocks wait for the worker, so that nothing is ever late.
    ///
    /// # Errors
    /// When the system has no thread for the worker.
    pub fn new(
        song: Song,
        mut events: Vec<(u64, Midi)>,
        settings: Settings,
        models: Arc<ModelSlot>,
        offline: bool,
    ) -> io::Result<Self> {
        events.sort_by_key(|e| e.0);
        let (audio, worker) = pair();
        let worker = Worker::spawn(worker, Arc::clone(&models))?;
        Ok(Self {
            improviser: Improviser::new(audio, song.rate()),
            song,
            host: Vec::new(),
            settings,
            events,
            next_event: 0,
            sample: 0,
            offline,
            incoming: Vec::new(),
            out: Tape::default(),
            sounded: Vec::new(),
            models,
            _worker: worker,
        })
    }

    /// The host loops, stops, or counts in: by rising sample. Before the first it rolls straight on.
    pub fn set_host(&mut self, host: Vec<HostLeg>) {
        self.host = host;
    }

    /// What the host says at the next sample.
    fn transport(&self) -> Transport {
        let told = self.song.transport(self.sample);
        let begun = self.host.partition_point(|leg| leg.from <= self.sample);
        match begun.checked_sub(1).map_or(Some(0.0), |leg| self.host[leg].shift) {
            Some(shift) => {
                let moved = |beats: Option<Beats>| beats.map(|b| Beats(b.0 - shift));
                let (position, bar_start) = (moved(told.position), moved(told.bar_start));
                Transport { position, bar_start, ..told }
            }
            None => Transport { playing: false, position: None, bar_start: None, ..told },
        }
    }

    /// Plays up to `frames` samples (fewer where the tempo changes or the host jumps) and gives how many, and what sounds.
    pub fn block(&mut self, frames: u32) -> (u32, &[TimedMidi]) {
        let next_leg = self.host.iter().map(|leg| leg.from).find(|from| *from > self.sample);
        let until = self.song.next_change(self.sample).into_iter().chain(next_leg).min();
        let until = until.unwrap_or(u64::MAX);
        let frames = u64::from(frames).min(until - self.sample) as u32;
        self.incoming.clear();
        while let Some((at, midi)) = self.events.get(self.next_event)
            && *at < self.sample + u64::from(frames)
        {
            let offset = at.saturating_sub(self.sample) as u32;
            self.incoming.push(TimedMidi { offset, midi: midi.on(PLAYER) });
            self.next_event += 1;
        }
        let transport = Some(self.transport());
        self.process(&Block { frames, transport, offline: self.offline, events: &[] });
        self.sample += u64::from(frames);
        (frames, &self.out.0)
    }

    /// Ends everything that sounds.
    pub fn finish(&mut self) -> &[TimedMidi] {
        self.incoming.clear();
        self.improviser.panic();
        self.process(&Block { frames: 0, transport: None, offline: false, events: &[] });
        &self.out.0
    }

    fn process(&mut self, block: &Block<'_>) {
        self.out.0.clear();
        let block = Block { events: &self.incoming, ..*block };
        self.improviser.process(&block, &self.settings, &mut self.out);
        for event in &self.out.0 {
            let at = self.sample + u64::from(event.offset);
            match event.midi {
                Midi::NoteOn { channel, key, velocity } => {
                    let part = if channel == PLAYER { Part::Player } else { Part::Machine };
                    self.sounded.push(Sounded { part, key, velocity, from: at, to: None });
                }
                Midi::NoteOff { channel, key, .. } => {
                    let part = if channel == PLAYER { Part::Player } else { Part::Machine };
                    let open = |s: &&mut Sounded| s.part == part && s.key == key && s.to.is_none();
                    if let Some(note) = self.sounded.iter_mut().rev().find(open) {
                        note.to = Some(at);
                    }
                }
                _ => {}
            }
        }
    }

    /// Ends what sounds with the next block.
    pub fn panic(&mut self) {
        self.improviser.panic();
    }

    /// What has sounded so far.
    pub fn sounded(&self) -> &[Sounded] {
        &self.sounded
    }

    /// The next sample.
    pub const fn sample(&self) -> u64 {
        self.sample
    }

    /// The song.
    pub const fn song(&self) -> &Song {
        &self.song
    }

    /// Changes the settings from the next block on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The engine, to ask what it plans and whether it is silent.
    pub const fn improviser(&self) -> &Improviser {
        &self.improviser
    }

    /// The engine's counters.
    pub fn meter(&self) -> &Meter {
        self.improviser.meter()
    }

    /// Which model plays.
    pub fn models(&self) -> &ModelSlot {
        &self.models
    }
}
