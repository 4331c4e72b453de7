//! The one type that the faces own: blocks of the player's events in, blocks of both parts out.

use std::sync::Arc;

use crate::link::display::{Display, Now};
use crate::link::message::{PlannedNote, ToAudio, ToWorker};
use crate::link::meter::Meter;
use crate::link::pair::AudioEnd;
use crate::link::past::Event;
use crate::link::settings::{Mode, Settings};
use crate::live::answers::Answers;
use crate::live::block::{Block, Sink};
use crate::live::clock::{Boundary, Change, Clock};
use crate::live::echo::Echoes;
use crate::live::ledger::Ledger;
use crate::live::out::Out;
use crate::live::pulse::{Pulse, Steer};
use crate::live::remote::Remote;
use crate::live::scheduler::Scheduler;
use crate::live::timed::{Timed, Timetable, Until};
use crate::music::event::{Channel, Midi};
use crate::music::pitch::Pitch;
use crate::music::time::{SampleRate, Tick};

/// Keys of one tick that are told to the model. More is a flood, not music.
const HEARD_PER_TICK: u8 = 16;

/// Ticks without a note of either part after which our own clock stops: sixteen bars.
const IDLE_TICKS: i64 = 16 * 48;

/// Milliseconds from a key to its company: time for a block of 256 samples to pass and for the model to
/// answer, and less than the ear tells apart from at once.
const COMPANY_MILLIS: f32 = 10.0;

/// A note-on that repeats one of ours on its own channel within so many milliseconds is an echo.
const ECHO_MILLIS: f32 = 60.0;

/// The audio thread's half of Sideman.
pub struct Improviser {
    end: AudioEnd,
    clock: Clock,
    pulse: Pulse,
    ledger: Ledger,
    scheduler: Scheduler,
    timetable: Timetable,
    remote: Remote,
    answers: Answers,
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
    /// No note that begins before this tick outlasts it: the machine has yielded.
    yields_at: Tick,
    /// Counts the keys that were heard.
    key_id: u32,
    heard_this_tick: (Tick, u8),
    last_activity: Tick,
    echoes: Echoes,
    panic: bool,
    tapped: bool,
}

impl Improviser {
    /// An engine for this sample rate.
    pub fn new(end: AudioEnd, rate: SampleRate) -> Self {
        Self {
            end,
            clock: Clock::new(rate),
            pulse: Pulse::new(rate),
            ledger: Ledger::default(),
            scheduler: Scheduler::default(),
            timetable: Timetable::default(),
            remote: Remote::default(),
            answers: Answers::new(rate),
            told: None,
            out_of_step: true,
            take: Tick(i64::MIN),
            ready: (Tick(i64::MIN), Tick(i64::MIN)),
            era: 0,
            worker_era: 0,
            yields_at: Tick(i64::MIN),
            key_id: 0,
            heard_this_tick: (Tick(i64::MIN), 0),
            last_activity: Tick(0),
            echoes: Echoes::default(),
            panic: false,
            tapped: false,
        }
    }

    /// Plays one block. Everything that goes to `sink` lies inside the block and in time order.
    ///
    /// Audio thread. No allocation, lock or system call; waits for the worker only when `block.offline`.
    pub fn process(&mut self, block: &Block<'_>, settings: &Settings, sink: &mut impl Sink) {
        let set = settings.sane();
        let mut settings = self.remote.apply(set);
        let change = self.clock.begin(block, settings.tempo);
        self.pulse.hint(self.clock.tempo());
        self.end_what_must(&settings, change, sink);
        self.tell(&settings, change);
        if std::mem::take(&mut self.tapped) {
            self.tap_at(0, &settings);
        }
        self.absorb(self.clock.upcoming());
        let mut events = block.events.iter().peekable();
        let (last, mut now) = (block.frames.saturating_sub(1), 0);
        loop {
            let inside = |at: &u32| *at < block.frames;
            let boundary =
                self.clock.next().map(|(at, b)| (at.max(now), b)).filter(|b| inside(&b.0));
            let timed = self.timetable.next().map(|s| self.clock.offset(s).max(now)).filter(inside);
            let event = events.peek().map(|e| e.offset.clamp(now, last.max(now)));
            let Some(at) = [boundary.map(|b| b.0), timed, event].into_iter().flatten().min() else {
                break;
            };
            now = at;
            if let Some((_, boundary)) = boundary.filter(|b| b.0 == at) {
                self.pass(at, boundary, &settings, block.offline, sink);
            } else if timed == Some(at) {
                self.begin_timed(at, &settings, block.offline, sink);
            } else if let Some(event) = events.next() {
                if Remote::taps(event.midi, &set) {
                    self.tap_at(at, &settings);
                } else if self.remote.takes(event.midi, &set) {
                    settings = self.remote.apply(set);
                    self.tell(&settings, Change::None);
                } else {
                    self.listen(at, event.midi, &settings, sink);
                }
            }
        }
        self.clock.end(block.frames);
        self.end.display.set_now(self.clock.now(), !self.clock.is_free());
        self.end.display.outlook.write(self.scheduler.planned());
    }

    /// Ends everything that sounds with the next block.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn panic(&mut self) {
        self.panic = true;
    }

    /// Taps a beat on the next block's first sample: it counts where no host's transport rolls, and from the second
    /// tap on it sets the tempo.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn tap(&mut self) {
        self.tapped = true;
    }

    /// Forgets the take and ends all that sounds with the next block, as a host's reset asks.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn reset(&mut self) {
        self.panic = true;
        self.out_of_step = true;
        self.clock.sleep();
    }

    /// Goes on with a new worker, and perhaps another sample rate. What sounded ends with the next block.
    /// Frees the old rings: call it off the audio thread.
    pub fn reconnect(&mut self, end: AudioEnd, rate: SampleRate) {
        let ledger = std::mem::take(&mut self.ledger);
        *self = Self { ledger, panic: true, ..Self::new(end, rate) };
    }

    /// The shared counters.
    pub fn meter(&self) -> &Meter {
        &self.end.meter
    }

    /// What windows may see.
    pub fn display(&self) -> &Arc<Display> {
        &self.end.display
    }

    /// Where the next block begins; `None` while no time passes.
    pub fn now(&self) -> Option<Now> {
        self.clock.now()
    }

    /// Whether nothing that Sideman started still sounds.
    pub fn is_silent(&self) -> bool {
        self.ledger.is_silent()
    }

    /// Ends what the host, the settings or a panic have ended since the last block.
    fn end_what_must(&mut self, settings: &Settings, change: Change, sink: &mut impl Sink) {
        let mut out = Out::at(0, sink, &self.end, &self.clock);
        let muted = !settings.active && self.told.is_some_and(|t| t.active);
        if self.panic || matches!(change, Change::Stop | Change::Take | Change::Jump) || muted {
            self.scheduler.clear();
            self.timetable.clear();
            self.ledger.release_machine(|m| out.send(m));
        }
        if self.panic || (!settings.thru && self.told.is_some_and(|t| t.thru)) {
            self.ledger.release_player(|m| out.send(m));
        }
        if !self.clock.runs() && !settings.hold {
            // No tick will come by to settle what the host refused.
            self.ledger.release_due(Tick(i64::MIN), |m| out.send(m));
        }
        self.panic = false;
    }

    /// Tells the worker what has changed. What does not fit the ring is told with the next block.
    fn tell(&mut self, settings: &Settings, change: Change) {
        let (tick, bars, shift) = (self.clock.open(), self.clock.bars(), self.clock.shift());
        if self.told != Some(*settings) || self.out_of_step {
            if !self.end.send(ToWorker::Settings(*settings)) {
                self.out_of_step |= change != Change::None;
                return;
            }
            self.told = Some(*settings);
        }
        let era = self.era.wrapping_add(1);
        let message = match change {
            _ if self.out_of_step => Some(ToWorker::Take { era, tick, bars, shift }),
            Change::Take => Some(ToWorker::Take { era, tick, bars, shift }),
            Change::Jump => Some(ToWorker::Jump { era, tick, bars, shift }),
            Change::Bars => Some(ToWorker::Bars { tick, bars }),
            Change::None | Change::Stop => None,
        };
        let Some(message) = message else { return };
        self.out_of_step = !self.end.send(message);
        // What the reaction time has settled stays, or after a jump nothing sounds in it.
        let settled = tick.plus(i64::from(settings.reaction) - 1);
        if matches!(message, ToWorker::Bars { .. }) {
            self.ready.1 = self.ready.1.min(settled);
            return;
        }
        self.ready = (tick.plus(-1), settled);
        self.era = era;
        self.yields_at = Tick(i64::MIN);
        self.scheduler.clear();
        self.timetable.clear();
        self.answers.clear();
        self.last_activity = tick;
        if matches!(message, ToWorker::Take { .. }) {
            self.take = tick;
            self.see(0, Event::Take);
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
        let tick = match boundary {
            Boundary::Close(tick) => {
                self.out_of_step |= !self.end.send(ToWorker::Closed { tick });
                return;
            }
            Boundary::Tick(tick) => tick,
        };
        self.catch_up(tick, settings, offline);
        if !settings.hold {
            let mut out = Out::at(offset, sink, &self.end, &self.clock);
            self.ledger.release_due(tick, |m| out.send(m));
        }
        while let Some(note) = self.scheduler.pop_due(tick) {
            if note.onset < tick {
                Meter::count(&self.end.meter.late_notes);
            } else {
                self.begin(offset, note, settings, sink);
            }
        }
        if tick.since(self.last_activity) > IDLE_TICKS && self.ledger.machine_notes() == 0 {
            self.clock.sleep();
        }
    }

    /// Begins a planned note, now or on the sample that swing and unevenness give it.
    fn begin(&mut self, offset: u32, note: PlannedNote, settings: &Settings, sink: &mut impl Sink) {
        let mut end = note.onset.plus(note.duration.max(1));
        if note.onset < self.yields_at {
            end = end.min(self.yields_at);
        }
        let now = self.clock.sample(offset);
        let sample = now + self.clock.samples(note.late_ticks, note.late_millis);
        let (pitch, velocity) = (note.pitch, note.velocity);
        let timed = Timed { sample, pitch, velocity, until: Until::Tick(end) };
        if sample == now {
            self.start(offset, timed, settings, sink);
        } else if !self.timetable.add(timed) {
            Meter::count(&self.end.meter.clashes);
        }
    }

    /// Begins what is due at a sample of its own; company that is not there yet is waited for only offline.
    fn begin_timed(
        &mut self,
        offset: u32,
        settings: &Settings,
        offline: bool,
        sink: &mut impl Sink,
    ) {
        let sample = self.clock.sample(offset);
        self.absorb(self.clock.upcoming());
        while offline && self.timetable.lacks_company(sample) && self.end.wait() {
            self.absorb(self.clock.upcoming());
        }
        for _ in 0..self.timetable.give_up(sample) {
            Meter::count(&self.end.meter.late_plans);
        }
        while let Some(note) = self.timetable.pop_due(sample) {
            self.start(offset, note, settings, sink);
        }
    }

    /// Starts a machine note now, if nothing forbids it.
    fn start(&mut self, offset: u32, note: Timed, settings: &Settings, sink: &mut impl Sink) {
        // What the settings have come to forbid since it was planned does not sound.
        let crowded = self.ledger.machine_notes() >= usize::from(settings.polyphony);
        if !settings.active || settings.hold || crowded || !settings.permits(note.pitch) {
            return;
        }
        let mut out = Out::at(offset, sink, &self.end, &self.clock);
        let sound = (settings.output, note.pitch.number(), note.velocity.clamp(1, 127));
        let began = self.clock.sample(offset);
        let started = self.ledger.start(sound, note.until, began, |m| out.send(m));
        if started {
            self.see(offset, Event::Began { channel: sound.0, key: sound.1, velocity: sound.2 });
            let now = self.clock.upcoming();
            let known = match note.until {
                Until::Tick(_) => now.plus(-i64::from(settings.reaction) - 2),
                Until::Release(..) => now,
            };
            self.answers.answer(began, known, now, &self.end.meter.answer);
        }
        Meter::count(if started { &self.end.meter.notes } else { &self.end.meter.clashes });
        self.last_activity = self.clock.upcoming();
    }

    /// Takes in what the worker has said, and in an offline render waits until that is all it must know.
    fn catch_up(&mut self, tick: Tick, settings: &Settings, offline: bool) {
        let must_know = tick.plus(-i64::from(settings.reaction) - 1);
        loop {
            self.absorb(tick);
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

    /// Takes in what the worker has said. `tick` is the next to sound.
    fn absorb(&mut self, tick: Tick) {
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
                ToAudio::Company { id, pitches, velocity } => {
                    for _ in 0..self.timetable.company(id, pitches, velocity) {
                        Meter::count(&self.end.meter.clashes);
                    }
                }
                ToAudio::Yield { at } => {
                    self.yields_at = at.max(tick);
                    self.ledger.cut(self.yields_at);
                }
                ToAudio::Ready { closed, until } => self.ready = (closed, until),
            }
        }
    }

    fn listen(&mut self, offset: u32, midi: Midi, settings: &Settings, sink: &mut impl Sink) {
        let since = self.clock.sample(offset).saturating_sub(self.clock.samples(0.0, ECHO_MILLIS));
        if self.echoes.holds(midi, since, &self.ledger) {
            return;
        }
        let mut out = Out::at(offset, sink, &self.end, &self.clock);
        let hears = |channel| settings.input.is_none_or(|only| only == channel);
        match midi {
            Midi::NoteOn { channel, key, velocity } => {
                self.timetable.release(channel, key);
                self.ledger.release_company(channel, key, settings.hold, |m| out.send(m));
                if settings.thru {
                    self.ledger.pass_on(channel, key, velocity, |m| out.send(m));
                }
                if hears(channel) {
                    self.hear(offset, (channel, key), velocity, settings);
                    self.see(offset, Event::Struck { channel, key, velocity });
                }
            }
            Midi::NoteOff { channel, key, velocity } => {
                // Whatever thru says now: if the note-on was passed, so is its end.
                self.ledger.pass_off(channel, key, velocity, |m| out.send(m));
                self.timetable.release(channel, key);
                self.ledger.release_company(channel, key, settings.hold, |m| out.send(m));
                if hears(channel) {
                    self.see(offset, Event::Released { channel, key });
                    // Also while no time passes, or the worker would take the key for held when it does again.
                    let tick = self.clock.nearest(offset);
                    let released = ToWorker::Released { tick, pitch: Pitch::new(key) };
                    self.out_of_step |= !self.end.send(released);
                }
            }
            _ => {
                if settings.thru {
                    out.send(midi);
                }
            }
        }
    }

    /// Tells windows.
    fn see(&self, offset: u32, event: Event) {
        self.end.display.past.add(self.clock.beats(offset), event);
    }

    /// Starts our own clock, if no time passes.
    fn wake(&mut self, offset: u32, settings: &Settings) -> bool {
        let woke = self.clock.wake(offset);
        if woke {
            self.pulse.begin(self.clock.sample(offset), self.clock.tempo());
            self.tell(settings, Change::Jump);
        }
        woke
    }

    /// A beat was tapped. The first tap starts our own clock.
    fn tap_at(&mut self, offset: u32, settings: &Settings) {
        self.wake(offset, settings);
        let steer = self.pulse.tap(self.clock.sample(offset), self.clock.place(offset));
        self.steer(offset, steer, settings);
    }

    fn steer(&mut self, offset: u32, steer: Option<Steer>, settings: &Settings) {
        if steer.is_some_and(|steer| self.clock.steer(offset, steer)) {
            self.tell(settings, Change::Bars);
        }
    }

    /// Tells the worker of a key, unless it is one of a flood, and expects its company.
    fn hear(
        &mut self,
        offset: u32,
        (channel, key): (Channel, u8),
        velocity: u8,
        settings: &Settings,
    ) {
        if !self.wake(offset, settings) && settings.follow_tempo && self.clock.is_free() {
            let steer = self.pulse.onset(self.clock.sample(offset), self.clock.place(offset));
            self.steer(offset, steer, settings);
        }
        let tick = self.clock.nearest(offset);
        if self.heard_this_tick.0 != tick {
            self.heard_this_tick = (tick, 0);
        }
        self.heard_this_tick.1 = self.heard_this_tick.1.saturating_add(1);
        self.last_activity = self.last_activity.max(tick);
        self.key_id = self.key_id.wrapping_add(1);
        let heard = ToWorker::Heard {
            id: self.key_id,
            tick,
            pitch: Pitch::new(key),
            velocity: velocity.clamp(1, 127),
        };
        if self.heard_this_tick.1 > HEARD_PER_TICK || !self.end.send(heard) {
            Meter::count(&self.end.meter.unheard);
            return;
        }
        self.answers.ask(tick, self.clock.sample(offset));
        if settings.mode == Mode::Harmonise && settings.active {
            let due = self.clock.sample(offset) + self.clock.samples(0.0, COMPANY_MILLIS);
            if !self.timetable.await_company(self.key_id, due, channel, key) {
                Meter::count(&self.end.meter.clashes);
            }
        }
    }
}
