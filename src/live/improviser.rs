//! The one type that the faces own: blocks of the player's events in, blocks of both parts out.

use crate::link::message::{PlannedNote, ToAudio, ToWorker};
use crate::link::meter::Meter;
use crate::link::pair::AudioEnd;
use crate::link::settings::Settings;
use crate::live::block::{Block, Sink};
use crate::live::clock::{Boundary, Change, Clock};
use crate::live::ledger::Ledger;
use crate::live::scheduler::Scheduler;
use crate::music::event::{Midi, TimedMidi};
use crate::music::pitch::Pitch;
use crate::music::time::{Bars, SampleRate, Tick};

/// Keys of one tick that are told to the model. More is a flood, not music.
const HEARD_PER_TICK: u8 = 16;

/// Ticks without a note of either part after which our own clock stops: sixteen bars.
const IDLE_TICKS: i64 = 16 * 48;

/// The audio thread's half of Sideman.
pub struct Improviser {
    end: AudioEnd,
    clock: Clock,
    ledger: Ledger,
    scheduler: Scheduler,
    /// What the worker was last told; `None` before the first block.
    told: Option<Settings>,
    /// A message was lost because the ring was full: the worker must be told anew.
    out_of_step: bool,
    /// The first tick that can depend on what was heard in this take.
    take: Tick,
    /// The last closed tick that the plan takes into account, and the last tick that it decides.
    ready: (Tick, Tick),
    /// Counts takes and jumps: ours, and the one that the worker's messages belong to.
    era: u32,
    worker_era: u32,
    heard_this_tick: (Tick, u8),
    last_activity: Tick,
    panic: bool,
}

impl Improviser {
    /// An engine for this sample rate. Allocates nothing itself, but the ends of the rings do.
    pub fn new(end: AudioEnd, rate: SampleRate) -> Self {
        Self {
            end,
            clock: Clock::new(rate),
            ledger: Ledger::default(),
            scheduler: Scheduler::default(),
            told: None,
            out_of_step: true,
            take: Tick(i64::MIN),
            ready: (Tick(i64::MIN), Tick(i64::MIN)),
            era: 0,
            worker_era: 0,
            heard_this_tick: (Tick(i64::MIN), 0),
            last_activity: Tick(0),
            panic: false,
        }
    }

    /// Plays one block. Everything that goes to `sink` lies inside the block and in time order.
    ///
    /// Audio thread. No allocation, lock or system call; waits for the worker only when `block.offline`.
    pub fn process(&mut self, block: &Block<'_>, settings: &Settings, sink: &mut impl Sink) {
        let settings = settings.sane();
        let mut out = Out { sink, offset: 0, meter: &self.end.meter };
        let change = self.clock.begin(block, settings.tempo);
        let muted = !settings.active && self.told.is_some_and(|t| t.active);
        if self.panic || matches!(change, Change::Stop | Change::Take | Change::Jump) || muted {
            self.scheduler.clear();
            self.ledger.release_machine(|m| out.send(m));
        }
        if self.panic || (!settings.thru && self.told.is_some_and(|t| t.thru)) {
            self.ledger.release_player(|m| out.send(m));
        }
        if !self.clock.runs() {
            // No tick will come by to settle what the host refused.
            self.ledger.release_due(Tick(i64::MIN), |m| out.send(m));
        }
        self.panic = false;
        self.tell(&settings, change);
        let mut events = block.events.iter().peekable();
        let last = block.frames.saturating_sub(1);
        let mut now = 0;
        loop {
            let boundary =
                self.clock.next().map(|(at, b)| (at.max(now), b)).filter(|b| b.0 < block.frames);
            let event = events.peek().map(|e| e.offset.clamp(now, last.max(now)));
            match (boundary, event) {
                (Some((at, boundary)), event) if event.is_none_or(|e| at <= e) => {
                    now = at;
                    self.pass(at, boundary, &settings, block.offline, sink);
                }
                (_, Some(at)) => {
                    now = at;
                    if let Some(event) = events.next() {
                        self.listen(at, event.midi, &settings, sink);
                    }
                }
                _ => break,
            }
        }
        self.clock.end(block.frames);
    }

    /// Ends everything that sounds with the next block.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn panic(&mut self) {
        self.panic = true;
    }

    /// Forgets the take and ends everything that sounds with the next block, as a host's reset asks.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn reset(&mut self) {
        self.panic = true;
        self.out_of_step = true;
        self.clock.sleep();
    }

    /// Changes the sample rate; our own clock stops until somebody plays.
    pub fn set_rate(&mut self, rate: SampleRate) {
        self.clock.set_rate(rate);
    }

    /// The shared counters.
    pub fn meter(&self) -> &Meter {
        &self.end.meter
    }

    /// What is planned and has not sounded, in no order. Changes with every block.
    pub fn planned(&self) -> &[PlannedNote] {
        self.scheduler.planned()
    }

    /// The tick that sounds next, and the bar lines; `None` while no time passes.
    pub fn now(&self) -> Option<(Tick, Bars)> {
        self.clock.runs().then(|| (self.clock.upcoming(), self.clock.bars()))
    }

    /// Whether nothing that Sideman started is still sounding.
    pub fn is_silent(&self) -> bool {
        self.ledger.is_silent()
    }

    /// Tells the worker what has changed. What does not fit the ring is told with the next block.
    fn tell(&mut self, settings: &Settings, change: Change) {
        let tick = self.clock.open();
        let bars = self.clock.bars();
        if self.told != Some(*settings) || self.out_of_step {
            if !self.end.send(ToWorker::Settings(*settings)) {
                return;
            }
            self.told = Some(*settings);
        }
        let era = self.era.wrapping_add(1);
        let message = match change {
            _ if self.out_of_step => Some(ToWorker::Take { era, tick, bars }),
            Change::Take => Some(ToWorker::Take { era, tick, bars }),
            Change::Jump => Some(ToWorker::Jump { era, tick, bars }),
            Change::Bars => Some(ToWorker::Bars { tick, bars }),
            Change::None | Change::Stop => None,
        };
        if let Some(message) = message {
            self.out_of_step = !self.end.send(message);
            if !matches!(message, ToWorker::Bars { .. }) {
                self.era = era;
                self.scheduler.clear();
                self.last_activity = tick;
            }
            if matches!(message, ToWorker::Take { .. }) {
                self.take = tick;
            }
            self.ready = (tick.plus(-1), tick.plus(-1));
        }
    }

    fn pass(
        &mut self,
        offset: u32,
        boundary: Boundary,
        settings: &Settings,
        offline: bool,
        sink: &mut impl Sink,
    ) {
        self.clock.pass(boundary);
        match boundary {
            Boundary::Close(tick) => {
                if !self.end.send(ToWorker::Closed { tick }) {
                    self.out_of_step = true;
                }
            }
            Boundary::Tick(tick) => {
                self.catch_up(tick, settings, offline);
                let mut out = Out { sink, offset, meter: &self.end.meter };
                self.ledger.release_due(tick, |m| out.send(m));
                while let Some(note) = self.scheduler.pop_due(tick) {
                    if note.onset < tick {
                        Meter::count(&out.meter.late_notes);
                        continue;
                    }
                    if !settings.active {
                        continue;
                    }
                    let end = tick.plus(note.duration.max(1));
                    let (key, velocity) = (note.pitch.number(), note.velocity.clamp(1, 127));
                    let started =
                        self.ledger.start(settings.output, key, velocity, end, |m| out.send(m));
                    Meter::count(if started { &out.meter.notes } else { &out.meter.clashes });
                    self.last_activity = tick;
                }
                let idle =
                    tick.since(self.last_activity) > IDLE_TICKS && self.ledger.machine_is_silent();
                if idle {
                    self.clock.sleep();
                }
            }
        }
    }

    /// Takes in what the worker has said, and in an offline render waits until that is all it must know.
    fn catch_up(&mut self, tick: Tick, settings: &Settings, offline: bool) {
        let must_know = tick.plus(-i64::from(settings.reaction) - 1);
        loop {
            while let Some(message) = self.end.receive() {
                if let ToAudio::Withdraw { era, .. } = message {
                    self.worker_era = era;
                }
                if self.worker_era != self.era {
                    continue;
                }
                match message {
                    ToAudio::Withdraw { from, .. } => self.scheduler.withdraw(from),
                    ToAudio::Note(note) => {
                        if !self.scheduler.add(note) {
                            Meter::count(&self.end.meter.clashes);
                        }
                    }
                    ToAudio::Yield { at } => self.ledger.cut(at.max(tick)),
                    ToAudio::Ready { closed, until } => self.ready = (closed, until),
                }
            }
            let known =
                must_know < self.take || (self.ready.0 >= must_know && self.ready.1 >= tick);
            if known {
                return;
            }
            if !offline || !self.end.wait() {
                Meter::count(&self.end.meter.late_plans);
                return;
            }
        }
    }

    fn listen(&mut self, offset: u32, midi: Midi, settings: &Settings, sink: &mut impl Sink) {
        let mut out = Out { sink, offset, meter: &self.end.meter };
        let hears = |channel| settings.input.is_none_or(|only| only == channel);
        match midi {
            Midi::NoteOn { channel, key, velocity } => {
                if settings.thru {
                    self.ledger.pass_on(channel, key, velocity, |m| out.send(m));
                }
                if hears(channel) {
                    if self.clock.wake(offset) {
                        self.tell(
                            settings,
                            if self.take == Tick(i64::MIN) { Change::Take } else { Change::Jump },
                        );
                    }
                    self.hear(self.clock.nearest(offset), Pitch::new(key), velocity);
                }
            }
            Midi::NoteOff { channel, key, velocity } => {
                // Whatever thru says now: if the note-on was passed, so is its end.
                self.ledger.pass_off(channel, key, velocity, |m| out.send(m));
                if hears(channel) && self.clock.runs() {
                    let tick = self.clock.nearest(offset);
                    if !self.end.send(ToWorker::Released { tick, pitch: Pitch::new(key) }) {
                        self.out_of_step = true;
                    }
                }
            }
            Midi::Control { .. } | Midi::PitchBend { .. } | Midi::Pressure { .. } => {
                if settings.thru {
                    out.send(midi);
                }
            }
        }
    }

    fn hear(&mut self, tick: Tick, pitch: Pitch, velocity: u8) {
        if self.heard_this_tick.0 != tick {
            self.heard_this_tick = (tick, 0);
        }
        self.heard_this_tick.1 = self.heard_this_tick.1.saturating_add(1);
        self.last_activity = self.last_activity.max(tick);
        let told = self.heard_this_tick.1 <= HEARD_PER_TICK
            && self.end.send(ToWorker::Heard { tick, pitch, velocity: velocity.clamp(1, 127) });
        if !told {
            Meter::count(&self.end.meter.unheard);
        }
    }
}

/// The sink at one sample.
struct Out<'a, S> {
    sink: &'a mut S,
    offset: u32,
    meter: &'a Meter,
}

impl<S: Sink> Out<'_, S> {
    fn send(&mut self, midi: Midi) -> bool {
        let taken = self.sink.send(TimedMidi { offset: self.offset, midi });
        if !taken {
            Meter::count(&self.meter.refused);
        }
        taken
    }
}
