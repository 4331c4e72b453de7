//! Sideman on stage: the engine and its sound as one audio callback, and the desk from which it is led.

mod board;
mod desk;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arrayvec::ArrayVec;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::infer::model_slot::ModelSlot;
use crate::infer::worker::Worker;
use crate::link::display::Now;
use crate::link::pair::pair;
use crate::link::settings::Settings;
use crate::live::block::{Block, Sink, Transport};
use crate::live::improviser::Improviser;
use crate::music::event::{Midi, TimedMidi};
use crate::music::time::{Beats, Meter as TimeSignature, SampleRate, TICKS_PER_BEAT};
use crate::standalone::click::Click;
use crate::standalone::clock_out::ClockOut;
use crate::standalone::conductor::{Conductor, Count, TimeKeeper};
use crate::standalone::delay::Delay;
use crate::standalone::performance::PLAYER;
use crate::standalone::sieve::Sieve;
use crate::standalone::sound::Sound;
use crate::standalone::synth::{Patch, Sounds};
use crate::standalone::tape::TapeHead;
use crate::standalone::urgency::Urgency;
use crate::standalone::wire::{ClockMessage, Wire};

pub use desk::Desk;

use board::Board;

/// Messages that may leave a block.
const EVENTS: usize = 512;
/// What is said and not yet heard, in either direction.
const RING: usize = 8_192;

/// Asks something of the stage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Wish {
    /// Play by these settings.
    Play(Settings),
    /// Sound like this.
    Sound(Sounds),
    /// End everything that sounds.
    Panic,
    /// A beat is now.
    Tap,
    /// Somebody else beats time; a metronome begins anew with its count-in.
    KeepTime(TimeKeeper),
    /// The metronome clicks so loudly, from 0 (not at all) to 1.
    Click(f32),
}

/// How the stage is set up before it plays.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Setup {
    /// What the engine goes by.
    pub settings: Settings,
    /// Who beats time.
    pub time: TimeKeeper,
    /// The time signature of all bars.
    pub meter: TimeSignature,
    /// How loudly the metronome clicks, from 0 (not at all) to 1.
    pub click: f32,
    /// Seconds by which a MIDI clock is played ahead of.
    pub lead: f64,
    /// Whether a MIDI clock is sent.
    pub send_clock: bool,
    /// Seconds by which the built-in sound is held back.
    pub hold_back: f64,
}

/// A message that sounded, or where the music was at a sample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Heard {
    /// The sample since the stage was built.
    pub sample: u64,
    /// Where the music was; none while no time passes.
    pub now: Option<Now>,
    /// The message, on the channel of who played it. None only says where the music was: a few times a second, and when
    /// time has stopped.
    pub midi: Option<Midi>,
}

/// Places that are told in a second.
const PLACES: f64 = 20.0;

/// The audio thread's end.
pub struct Stage {
    improviser: Improviser,
    sound: Sound,
    settings: Settings,
    wishes: HeapCons<Wish>,
    heard: HeapProd<Heard>,
    out: Tape,
    conductor: Conductor,
    click: Click,
    clock_out: Option<ClockOut>,
    delay: Delay,
    board: Arc<Board>,
    tape: Option<TapeHead>,
    sieve: Option<Sieve>,
    /// Samples since the stage was built, and the last one at which a place was told.
    sample: u64,
    told: Option<u64>,
    rate: SampleRate,
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
    setup: Setup,
    models: Arc<ModelSlot>,
) -> std::io::Result<(Stage, Desk)> {
    let Setup { settings, time, meter: time_signature, click: level, lead, send_clock, hold_back } =
        setup;
    let mut conductor = Conductor::new(rate);
    conductor.set_meter(time_signature);
    conductor.set_lead(lead);
    conductor.hand_over(time);
    let mut click = Click::new(rate);
    click.set_level(level);
    let (audio, worker) = pair();
    let mut urgency = Some(Urgency::Planning);
    let worker = Worker::spawn_with(worker, Arc::clone(&models), move || {
        // The first time is after the model was loaded, which is not urgent.
        if let Some(urgency) = urgency.take() {
            urgency.claim();
        }
    })?;
    let (wishes_tx, wishes) = HeapRb::new(RING).split();
    let (heard, heard_rx) = HeapRb::new(RING).split();
    let board = Arc::new(Board::default());
    let (meter, display) = (Arc::clone(&audio.meter), Arc::clone(&audio.display));
    let stage = Stage {
        improviser: Improviser::new(audio, rate),
        sound: Sound::new(rate),
        settings,
        wishes,
        heard,
        out: Tape::default(),
        conductor,
        click,
        delay: Delay::new(rate, hold_back),
        clock_out: send_clock.then(|| ClockOut::new(rate)),
        board: Arc::clone(&board),
        tape: None,
        sieve: None,
        sample: 0,
        told: None,
        rate,
    };
    let desk = Desk {
        wishes: wishes_tx,
        heard: heard_rx,
        board,
        meter,
        display,
        settings,
        time,
        click: level,
        count_in: match time {
            TimeKeeper::Metronome { count_in } => count_in,
            TimeKeeper::Player | TimeKeeper::MidiClock => 1,
        },
        time_signature,
        sounds: Sounds::default(),
        patches: Patch::BUILT_IN.to_vec(),
        models,
        rate,
        _worker: worker,
    };
    Ok((stage, desk))
}

/// Puts a sound in the place of the one that a stage was built with. Allocates.
pub fn give_sound(stage: &mut Stage, desk: &mut Desk, sound: Sound) {
    desk.sounds = *sound.sounds();
    desk.patches = sound.patches();
    stage.sound = sound;
}

impl Stage {
    /// Records from now on: what both play, without the metronome's clicks.
    pub fn record(&mut self, tape: TapeHead) {
        self.tape = Some(tape);
    }

    /// From now on what is no music is told from it.
    pub fn sift(&mut self, sieve: Sieve) {
        self.sieve = Some(sieve);
    }

    /// Whether a message, on its own channel, is no music but for the desk.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn takes(&mut self, midi: Midi) -> bool {
        self.sieve.as_mut().is_some_and(|sieve| sieve.takes(midi))
    }

    /// The MIDI clock spoke at a moment, in seconds on the clock that [`Self::process`] goes by.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn hear_clock(&mut self, at: f64, message: ClockMessage) {
        self.conductor.hear(at, message);
    }

    /// Plays as many samples as `left` and `right` have, from the moment `at` on, in seconds on any clock. `events` are the
    /// player's, by rising offset, on [`PLAYER`]. What sounded is in [`Self::played`].
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn process(&mut self, at: f64, events: &[TimedMidi], left: &mut [f32], right: &mut [f32]) {
        self.listen_to_desk();
        let frames = left.len().min(right.len());
        self.out.0.clear();
        let (transport, count) = self.conductor.block(at, frames, self.settings.tempo);
        let before = self.improviser.now();
        let transport = Some(transport);
        let block = Block { frames: frames as u32, transport, offline: false, events };
        self.improviser.process(&block, &self.settings, &mut self.out);
        self.sound.play(&self.out.0, left, right);
        if let Some(tape) = &mut self.tape {
            tape.record(self.sample, left, right);
        }
        let now = self.improviser.now();
        self.beat(frames, (before, now), (transport, count), left, right);
        self.delay.play(left, right);
        self.board.hear(left, right);
        for event in &self.out.0 {
            let sample = self.sample + u64::from(event.offset);
            let now = self.between(before, now, event.offset, frames);
            let heard = Heard { sample, now, midi: Some(event.midi) };
            if self.heard.try_push(heard).is_err() {
                self.board.unheard.fetch_add(1, Relaxed);
            }
        }
        self.sample += frames as u64;
        self.tell(now);
    }

    /// What sounded in the last block: the player's on [`PLAYER`], the machine's on its own channel.
    pub fn played(&self) -> &[TimedMidi] {
        &self.out.0
    }

    /// What leaves for other instruments after the last block, by rising offset: the machine's part, the player's too with
    /// `thru`, and the clock. A pulse comes before a note of the same sample.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn departures(&self, thru: bool) -> impl Iterator<Item = (u32, Wire)> {
        let leaves = move |e: &&TimedMidi| thru || e.midi.channel() != PLAYER;
        let mut notes = self.out.0.iter().filter(leaves).peekable();
        let mut pulses = self.clock_out.as_ref().map_or(&[][..], ClockOut::sent).iter().peekable();
        std::iter::from_fn(move || {
            let first = match (pulses.peek(), notes.peek()) {
                (Some(pulse), Some(note)) => pulse.0 <= note.offset,
                (pulse, _) => pulse.is_some(),
            };
            if first {
                pulses.next().map(|(at, message)| (*at, Wire::Clock(*message)))
            } else {
                notes.next().map(|note| (note.offset, Wire::Midi(note.midi)))
            }
        })
    }

    fn listen_to_desk(&mut self) {
        while let Some(wish) = self.wishes.try_pop() {
            match wish {
                Wish::Play(settings) => self.settings = settings,
                Wish::Sound(sounds) => self.sound.set(sounds),
                Wish::Panic => self.improviser.panic(),
                Wish::Tap => self.improviser.tap(),
                Wish::KeepTime(time) => self.conductor.hand_over(time),
                Wish::Click(level) => self.click.set_level(level),
            }
        }
    }

    /// The metronome's clicks over a block, and the clock that is sent.
    fn beat(
        &mut self,
        frames: usize,
        (before, now): (Option<Now>, Option<Now>),
        (transport, count): (Option<Transport>, Option<Count>),
        left: &mut [f32],
        right: &mut [f32],
    ) {
        let count = count.or_else(|| {
            let (before, now) = (before?, now?);
            let line = now.bars.origin.0 as f64 / TICKS_PER_BEAT as f64;
            Some(Count { from: before.beats.0 - line, to: now.beats.0 - line })
        });
        match count {
            Some(Count { from, to }) => {
                self.click.play((from, to), self.conductor.meter(), left, right);
            }
            None => self.click.rest(left, right),
        }
        let tempo = transport.and_then(|t| t.tempo).unwrap_or(self.settings.tempo);
        if let Some(clock) = &mut self.clock_out {
            clock.block(frames, before, now, tempo);
        }
    }

    /// Tells where the music is, now and then.
    fn tell(&mut self, now: Option<Now>) {
        let since = self.told.map(|told| self.sample - told);
        let due = match (now, since) {
            (Some(_), Some(since)) => since as f64 >= self.rate.hertz() / PLACES,
            (Some(_), None) | (None, Some(_)) => true,
            (None, None) => false,
        };
        let heard = Heard { sample: self.sample, now, midi: None };
        if due && self.heard.try_push(heard).is_ok() {
            self.told = now.map(|_| self.sample);
        }
    }

    /// Where the music is within a block that began and ended there.
    fn between(
        &self,
        from: Option<Now>,
        to: Option<Now>,
        offset: u32,
        frames: usize,
    ) -> Option<Now> {
        let to = to.or(from)?;
        let beat = to.tempo.seconds_per_beat() * self.rate.hertz();
        let whole = frames as f64 / beat;
        let left = frames.saturating_sub(offset as usize) as f64 / beat;
        let beats = match from.map(|from| to.beats.0 - from.beats.0) {
            Some(passed) if (0.0..4.0 * whole).contains(&passed) => {
                to.beats.0 - passed * left / whole
            }
            // Time began within the block, or the transport jumped.
            _ => to.beats.0 - left,
        };
        Some(Now { beats: Beats(beats), ..to })
    }
}
