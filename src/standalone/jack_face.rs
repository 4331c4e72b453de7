//! Sideman as a JACK client: one callback for sound and MIDI, each note on its very frame. The library is looked for when
//! it is asked for, so that one program serves with JACK and without.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use ::jack::{
    AsyncClient, AudioOut, Client, ClientOptions, ClientStatus, Control, MidiIn, MidiOut,
    NotificationHandler, Port, PortFlags, PortId, ProcessHandler, ProcessScope, RawMidi,
};
use arrayvec::ArrayVec;

use crate::music::event::TimedMidi;
use crate::music::time::SampleRate;
use crate::standalone::held::Held;
use crate::standalone::performance::PLAYER;
use crate::standalone::stage::Stage;
use crate::standalone::wire::Wire;

/// The player's messages of a period, at most.
const EVENTS: usize = 512;

/// Messages that may wait to leave. A second of them at most.
const WAITING: usize = 4_096;

/// A connection to the server, not yet playing.
pub struct JackServer {
    client: Client,
}

/// A client that plays. Dropping it ends the sound.
pub struct JackFace {
    client: AsyncClient<Watch, Player>,
    news: Arc<News>,
}

/// What the server tells.
#[derive(Debug, Default)]
struct News {
    /// A keyboard was taken away, or more came than fits a period: all keys are lifted, since those of several keyboards
    /// on one port can't be told apart.
    parted: AtomicBool,
    gone: AtomicBool,
    xruns: AtomicU64,
    /// Nanoseconds of the longest of our own turns.
    longest: AtomicU64,
    /// Our own turns that took longer than a period.
    over: AtomicU64,
}

/// Listens to the server; knows the full name of the port that keyboards are connected to.
struct Watch(Arc<News>, String);

struct Player {
    stage: Stage,
    news: Arc<News>,
    keys: Port<MidiIn>,
    notes: Port<MidiOut>,
    sides: [Port<AudioOut>; 2],
    events: ArrayVec<TimedMidi, EVENTS>,
    held: Held,
    thru: bool,
    /// What leaves waits so many frames, to sound with the built-in sound.
    hold_back: u64,
    waiting: VecDeque<(u64, Wire)>,
    /// Seconds in a frame, frames until this period, and the server's own count of them, which has 32 bits.
    frame: f64,
    time: u64,
    counted: u32,
}

impl JackServer {
    /// Connects to the running server.
    ///
    /// # Errors
    /// A line on why there is none.
    pub fn connect() -> Result<Self, String> {
        ::jack::set_logger(::jack::LoggerType::None);
        let (client, _) = Client::new("Sideman", ClientOptions::NO_START_SERVER)
            .map_err(|_| "no JACK server runs here (or no libjack is installed)".to_owned())?;
        Ok(Self { client })
    }

    /// Samples a second.
    pub fn rate(&self) -> SampleRate {
        SampleRate::new(f64::from(self.client.sample_rate()))
    }

    /// Samples in a period.
    pub fn period(&self) -> u32 {
        self.client.buffer_size()
    }

    /// Goes on stage. With `thru` the player's notes leave by the MIDI port too; what leaves is held back for so many
    /// seconds. Ports of keyboards and speakers are
    /// connected where `connect` asks for it.
    ///
    /// # Errors
    /// A line on what the server refused.
    pub fn play(
        self,
        stage: Stage,
        thru: bool,
        hold_back: f64,
        connect: bool,
    ) -> Result<JackFace, String> {
        let rate = self.rate();
        let Self { client } = self;
        let refused = |e: ::jack::Error| format!("JACK refused: {e}");
        let audio = |name| client.register_port(name, AudioOut::default()).map_err(refused);
        let keys = client.register_port("keys", MidiIn::default()).map_err(refused)?;
        let notes = client.register_port("notes", MidiOut::default()).map_err(refused)?;
        let sides = [audio("left")?, audio("right")?];
        let news = Arc::new(News::default());
        let names = |port: &dyn Fn() -> Result<String, ::jack::Error>| port().unwrap_or_default();
        let own = [names(&|| keys.name()), names(&|| sides[0].name()), names(&|| sides[1].name())];
        let player = Player {
            stage,
            news: Arc::clone(&news),
            keys,
            notes,
            sides,
            events: ArrayVec::new(),
            held: Held::default(),
            thru,
            hold_back: (hold_back * rate.hertz()).round() as u64,
            waiting: VecDeque::with_capacity(WAITING),
            frame: 1.0 / rate.hertz(),
            time: 0,
            counted: 0,
        };
        let client = client
            .activate_async(Watch(Arc::clone(&news), own[0].clone()), player)
            .map_err(refused)?;
        if connect {
            plug(client.as_client(), &own);
        }
        Ok(JackFace { client, news })
    }
}

/// Connects keyboards to the keys and the sides to the first speakers. What is refused stays as it is.
fn plug(client: &Client, [keys, left, right]: &[String; 3]) {
    let ports = |kind, flags| client.ports(None, Some(kind), PortFlags::IS_PHYSICAL | flags);
    for keyboard in ports("8 bit raw midi", PortFlags::IS_OUTPUT) {
        let _ = client.connect_ports_by_name(&keyboard, keys);
    }
    let speakers = ports("32 bit float mono audio", PortFlags::IS_INPUT);
    for (side, speaker) in [left, right].into_iter().zip(speakers) {
        let _ = client.connect_ports_by_name(side, &speaker);
    }
}

impl JackFace {
    /// Times that a period was not ready when it was due, by whomever.
    pub fn xruns(&self) -> u64 {
        self.news.xruns.load(Relaxed)
    }

    /// Our own turns that took longer than a period: what was lost by us, or kept from us by the system.
    pub fn over(&self) -> u64 {
        self.news.over.load(Relaxed)
    }

    /// The longest of our own turns: a period is lost by us only if this is longer than one.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.news.longest.load(Relaxed))
    }

    /// How long a period is.
    pub fn period(&self) -> Duration {
        let client = self.client.as_client();
        Duration::from_secs_f64(
            f64::from(client.buffer_size()) / f64::from(client.sample_rate().max(1)),
        )
    }

    /// Whether the server has ended.
    pub fn is_gone(&self) -> bool {
        self.news.gone.load(Acquire)
    }

    /// The client's name: JACK numbers a second one.
    pub fn name(&self) -> &str {
        self.client.as_client().name()
    }
}

impl NotificationHandler for Watch {
    #[expect(
        unsafe_code,
        reason = "the trait has it so: only what a signal handler may do is done"
    )]
    unsafe fn shutdown(&mut self, _: ClientStatus, _: &str) {
        self.0.gone.store(true, Release);
    }

    fn ports_connected(&mut self, client: &Client, a: PortId, b: PortId, connected: bool) {
        let named = |id| client.port_by_id(id).and_then(|port| port.name().ok());
        if !connected && [a, b].into_iter().any(|id| named(id).as_ref() == Some(&self.1)) {
            self.0.parted.store(true, Release);
        }
    }

    fn xrun(&mut self, _: &Client) -> Control {
        self.0.xruns.fetch_add(1, Relaxed);
        Control::Continue
    }
}

impl ProcessHandler for Player {
    // The audio callback: no allocation, lock or system call; the clock is read, which takes none where it matters (vDSO).
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let begin = Instant::now();
        self.events.clear();
        if self.news.parted.swap(false, AcqRel) {
            while !self.events.is_full()
                && let Some(midi) = self.held.lift()
            {
                self.events.push(TimedMidi { offset: 0, midi });
            }
        }
        // Periods that were lost count: a MIDI clock has gone on meanwhile.
        let counted = scope.last_frame_time();
        self.time += u64::from(counted.wrapping_sub(self.counted));
        self.counted = counted;
        for raw in self.keys.iter(scope) {
            let midi = match Wire::from_bytes(raw.bytes) {
                Some(Wire::Midi(midi)) if self.stage.takes(midi) => continue,
                Some(Wire::Midi(midi)) => midi.on(PLAYER),
                Some(Wire::Clock(message)) => {
                    let at = (self.time + u64::from(raw.time)) as f64 * self.frame;
                    self.stage.hear_clock(at, message);
                    continue;
                }
                None => continue,
            };
            if self.events.try_push(TimedMidi { offset: raw.time, midi }).is_ok() {
                self.held.follow(midi);
            } else {
                // A key's end may be among what is lost.
                self.news.parted.store(true, Release);
            }
        }
        let [left, right] = &mut self.sides;
        let (left, right) = (left.as_mut_slice(scope), right.as_mut_slice(scope));
        let frames = left.len();
        self.stage.process(self.time as f64 * self.frame, &self.events, left, right);
        let mut writer = self.notes.writer(scope);
        for (offset, wire) in self.stage.departures(self.thru) {
            if self.waiting.len() < WAITING {
                self.waiting.push_back((self.time + u64::from(offset) + self.hold_back, wire));
            }
        }
        let end = self.time + u64::from(scope.n_frames());
        while let Some((due, wire)) = self.waiting.front().copied().filter(|w| w.0 < end) {
            self.waiting.pop_front();
            let (bytes, length) = wire.to_bytes();
            let time = due.saturating_sub(self.time) as u32;
            // A full port loses it; JACK's own ports hold a thousand messages of a period.
            let _ = writer.write(&RawMidi { time, bytes: &bytes[..length] });
        }
        let turn = begin.elapsed();
        self.news.longest.fetch_max(turn.as_nanos() as u64, Relaxed);
        if turn.as_secs_f64() > frames as f64 * self.frame {
            self.news.over.fetch_add(1, Relaxed);
        }
        Control::Continue
    }
}
