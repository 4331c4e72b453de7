//! Sideman on stage: the engine and its sound as one audio callback, and the desk from which it is led.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use arrayvec::ArrayVec;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::infer::model_slot::ModelSlot;
use crate::infer::worker::Worker;
use crate::link::meter::Meter;
use crate::link::pair::pair;
use crate::link::settings::Settings;
use crate::live::block::{Block, Sink};
use crate::live::clock::Now;
use crate::live::improviser::Improviser;
use crate::music::event::{Midi, TimedMidi};
use crate::music::time::{Bars, Beats, SampleRate, Tempo, Tick};
use crate::standalone::sound::Sound;

/// Messages that may leave a block.
const EVENTS: usize = 512;
/// What is said and not yet heard, in either direction.
const RING: usize = 8_192;

/// Asks something of the stage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Wish {
    /// Play by these settings.
    Play(Settings),
    /// End everything that sounds.
    Panic,
    /// A beat is now.
    Tap,
}

/// A message that sounded.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Heard {
    /// Where the music was; none while no time passes.
    pub now: Option<Now>,
    /// The message, on the channel of who played it.
    pub midi: Midi,
}

/// The audio thread's end.
pub struct Stage {
    improviser: Improviser,
    sound: Sound,
    settings: Settings,
    wishes: HeapCons<Wish>,
    heard: HeapProd<Heard>,
    out: Tape,
    board: Arc<Board>,
}

/// What is written on the stage and read at the desk.
#[derive(Debug, Default)]
struct Board {
    running: AtomicBool,
    /// Bits of the beats and of the tempo.
    beats: AtomicU64,
    tempo: AtomicU64,
    origin: AtomicU64,
    length: AtomicU64,
    /// Messages that the desk was too slow to hear.
    unheard: AtomicU64,
}

/// The other end: for the thread that the player sees.
pub struct Desk {
    wishes: HeapProd<Wish>,
    heard: HeapCons<Heard>,
    board: Arc<Board>,
    meter: Arc<Meter>,
    settings: Settings,
    models: Arc<ModelSlot>,
    _worker: Worker,
}

#[derive(Default)]
struct Tape(ArrayVec<TimedMidi, EVENTS>);

impl Sink for Tape {
    fn send(&mut self, event: TimedMidi) -> bool {
        self.0.try_push(event).is_ok()
    }
}

/// Builds both ends and starts the worker. Allocates.
///
/// # Errors
/// When the system has no thread for the worker.
pub fn build(
    rate: SampleRate,
    settings: Settings,
    models: Arc<ModelSlot>,
) -> std::io::Result<(Stage, Desk)> {
    let (audio, worker) = pair();
    let worker = Worker::spawn(worker, Arc::clone(&models))?;
    let (wishes_tx, wishes) = HeapRb::new(RING).split();
    let (heard, heard_rx) = HeapRb::new(RING).split();
    let board = Arc::new(Board::default());
    let meter = Arc::clone(&audio.meter);
    let stage = Stage {
        improviser: Improviser::new(audio, rate),
        sound: Sound::new(rate),
        settings,
        wishes,
        heard,
        out: Tape::default(),
        board: Arc::clone(&board),
    };
    let desk = Desk {
        wishes: wishes_tx,
        heard: heard_rx,
        board,
        meter,
        settings,
        models,
        _worker: worker,
    };
    Ok((stage, desk))
}

impl Stage {
    /// Plays as many samples as `left` and `right` have. `events` are the player's, by rising offset, on
    /// [`PLAYER`](crate::standalone::performance::PLAYER). Gives what sounded: theirs there, the machine's on its own
    /// channel.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn process(
        &mut self,
        events: &[TimedMidi],
        left: &mut [f32],
        right: &mut [f32],
    ) -> &[TimedMidi] {
        while let Some(wish) = self.wishes.try_pop() {
            match wish {
                Wish::Play(settings) => self.settings = settings,
                Wish::Panic => self.improviser.panic(),
                Wish::Tap => self.improviser.tap(),
            }
        }
        let frames = left.len().min(right.len());
        self.out.0.clear();
        let before = self.improviser.now();
        let block = Block { frames: frames as u32, transport: None, offline: false, events };
        self.improviser.process(&block, &self.settings, &mut self.out);
        self.sound.play(&self.out.0, left, right);
        let now = self.improviser.now();
        for event in &self.out.0 {
            let heard = Heard { now: between(before, now, event.offset, frames), midi: event.midi };
            if self.heard.try_push(heard).is_err() {
                self.board.unheard.fetch_add(1, Relaxed);
            }
        }
        self.board.write(now);
        &self.out.0
    }
}

/// Where the music is within a block that began and ended there.
fn between(from: Option<Now>, to: Option<Now>, offset: u32, frames: usize) -> Option<Now> {
    let to = to.or(from)?;
    let from = from.unwrap_or(to).beats.0;
    let beats = from + (to.beats.0 - from) * f64::from(offset) / frames.max(1) as f64;
    Some(Now { beats: Beats(beats), ..to })
}

impl Board {
    fn write(&self, now: Option<Now>) {
        if let Some(Now { beats, bars, tempo }) = now {
            self.beats.store(beats.0.to_bits(), Relaxed);
            self.tempo.store(tempo.beats_per_minute().to_bits(), Relaxed);
            self.origin.store(bars.origin.0 as u64, Relaxed);
            self.length.store(bars.length as u64, Relaxed);
        }
        self.running.store(now.is_some(), Relaxed);
    }
}

impl Desk {
    /// Asks for something; `false` where the stage has not listened for long.
    pub fn ask(&mut self, wish: Wish) -> bool {
        let asked = self.wishes.try_push(wish).is_ok();
        if let (true, Wish::Play(settings)) = (asked, wish) {
            self.settings = settings;
        }
        asked
    }

    /// The next message that sounded.
    pub fn hear(&mut self) -> Option<Heard> {
        self.heard.try_pop()
    }

    /// Where the music is; none while nobody has played for long. For the eye: its parts may be of two blocks.
    pub fn now(&self) -> Option<Now> {
        let board = &self.board;
        let number = |n: &AtomicU64| n.load(Relaxed) as i64;
        let real = |n: &AtomicU64| f64::from_bits(n.load(Relaxed));
        board.running.load(Relaxed).then(|| Now {
            beats: Beats(real(&board.beats)),
            bars: Bars {
                origin: Tick(number(&board.origin)),
                length: number(&board.length).max(1),
            },
            tempo: Tempo::new(real(&board.tempo)),
        })
    }

    /// Messages that this end did not fetch in time.
    pub fn unheard(&self) -> u64 {
        self.board.unheard.load(Relaxed)
    }

    /// The settings that were last asked for.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The engine's counters.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Which model plays.
    pub fn models(&self) -> &ModelSlot {
        &self.models
    }
}
