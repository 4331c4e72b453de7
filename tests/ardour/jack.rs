//! A client of JACK that plays and records MIDI on exact frames. The library is opened when the test runs: neither it
//! nor its headers are needed to build.
#![expect(unsafe_code, reason = "JACK is a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use libloading::Library;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// Longest message that is kept whole.
const BYTES: usize = 12;

/// Events that may wait in either direction: minutes of them.
const ROOM: usize = 1 << 16;

/// The system's code for what is there already.
const EEXIST: c_int = 17;

const NO_START_SERVER: c_int = 0x01;
const SERVER_NAME: c_int = 0x04;
const IS_INPUT: u64 = 0x1;
const IS_OUTPUT: u64 = 0x2;
const MIDI: &CStr = c"8 bit raw midi";

/// Where an event passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// From us to the player's track.
    Played,
    /// From the plugin's track to us.
    Heard,
    /// From the script that tells the song position.
    Place,
}

/// One message on its frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) frame: u64,
    pub(crate) way: Way,
    bytes: [u8; BYTES],
    len: usize,
}

impl Event {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn new(frame: u64, way: Way, message: &[u8]) -> Self {
        let len = message.len().min(BYTES);
        let mut bytes = [0; BYTES];
        bytes[..len].copy_from_slice(&message[..len]);
        Self { frame, way, bytes, len }
    }
}

type Client = *mut c_void;
type Port = *mut c_void;
type Callback = unsafe extern "C" fn(u32, *mut c_void) -> c_int;
type XrunCallback = unsafe extern "C" fn(*mut c_void) -> c_int;
type ShutdownCallback = unsafe extern "C" fn(*mut c_void);

/// `jack_midi_event_t`.
#[repr(C)]
struct RawEvent {
    time: u32,
    size: usize,
    buffer: *const u8,
}

/// Makes a table of the functions that we use, looked up once.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),* $(; $variadic:tt)?) $(-> $result:ty)?;)+) => {
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),* $(, $variadic)?) $(-> $result)?,)+
            // The functions live as long as this.
            _library: Library,
        }

        impl Functions {
            fn open() -> Result<Self, libloading::Error> {
                // SAFETY: the types are those of JACK's headers, which are stable since its first release.
                unsafe {
                    let library = Library::new("libjack.so.0")?;
                    $(let $name = *library.get(concat!("jack_", stringify!($name)).as_bytes())?;)+
                    Ok(Self { $($name,)+ _library: library })
                }
            }
        }
    };
}

functions! {
    client_open: fn(*const c_char, c_int, *mut c_int; ...) -> Client;
    client_close: fn(Client) -> c_int;
    port_register: fn(Client, *const c_char, *const c_char, u64, u64) -> Port;
    port_get_buffer: fn(Port, u32) -> *mut c_void;
    set_process_callback: fn(Client, Callback, *mut c_void) -> c_int;
    set_xrun_callback: fn(Client, XrunCallback, *mut c_void) -> c_int;
    on_shutdown: fn(Client, ShutdownCallback, *mut c_void);
    activate: fn(Client) -> c_int;
    connect: fn(Client, *const c_char, *const c_char) -> c_int;
    last_frame_time: fn(Client) -> u32;
    midi_clear_buffer: fn(*mut c_void);
    midi_event_write: fn(*mut c_void, u32, *const u8, usize) -> c_int;
    midi_get_event_count: fn(*mut c_void) -> u32;
    midi_event_get: fn(*mut RawEvent, *mut c_void, u32) -> c_int;
    is_realtime: fn(Client) -> c_int;
}

/// What the audio thread works with.
struct Deck {
    functions: Arc<Functions>,
    client: Client,
    play: Port,
    notes: Port,
    places: Port,
    score: HeapCons<Event>,
    tape: HeapProd<Event>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The first frame of the block under way.
    now: AtomicU64,
    xruns: AtomicU32,
    is_over: AtomicBool,
}

/// A client with three ports: `play` out, `notes` and `places` in.
pub(crate) struct Jack {
    functions: Arc<Functions>,
    client: Client,
    /// The audio thread's until the client is closed.
    _deck: Box<Deck>,
    state: Arc<State>,
    score: HeapProd<Event>,
    tape: HeapCons<Event>,
}

impl Jack {
    /// Whether JACK's library is here.
    pub(crate) fn is_here() -> bool {
        Functions::open().is_ok()
    }

    /// Joins the server of this name.
    pub(crate) fn join(server: &str) -> Result<Self, String> {
        let functions = Arc::new(Functions::open().map_err(|error| error.to_string())?);
        let name = CString::new(server).map_err(|error| error.to_string())?;
        let options = NO_START_SERVER | SERVER_NAME;
        let mut status = 0;
        // SAFETY: the strings outlive the call; the fourth argument is what `SERVER_NAME` asks for.
        let client = unsafe {
            (functions.client_open)(c"player".as_ptr(), options, &raw mut status, name.as_ptr())
        };
        if client.is_null() {
            return Err(format!("cannot join the JACK server: status {status:#x}"));
        }
        let (score, own_score) = HeapRb::new(ROOM).split();
        let (own_tape, tape) = HeapRb::new(ROOM).split();
        let register = |name: &CStr, flags| {
            // SAFETY: the client is open.
            unsafe { (functions.port_register)(client, name.as_ptr(), MIDI.as_ptr(), flags, 0) }
        };
        let state = Arc::<State>::default();
        let mut deck = Box::new(Deck {
            functions: Arc::clone(&functions),
            client,
            play: register(c"play", IS_OUTPUT),
            notes: register(c"notes", IS_INPUT),
            places: register(c"places", IS_INPUT),
            score: own_score,
            tape: own_tape,
            state: Arc::clone(&state),
        });
        let has_ports = [deck.play, deck.notes, deck.places].iter().all(|port| !port.is_null());
        let (deck_ptr, state_ptr) =
            ((&raw mut *deck).cast(), Arc::as_ptr(&state).cast_mut().cast());
        // SAFETY: deck and state stay where they are until the client is closed.
        let is_active = has_ports
            && unsafe {
                (functions.on_shutdown)(client, shutdown, state_ptr);
                (functions.set_process_callback)(client, process, deck_ptr) == 0
                    && (functions.set_xrun_callback)(client, xrun, state_ptr) == 0
                    && (functions.activate)(client) == 0
            };
        let jack = Self { functions, client, _deck: deck, state, score, tape };
        if is_active { Ok(jack) } else { Err("cannot start the JACK client".to_owned()) }
    }

    /// Whether the server's threads have real-time priority.
    pub(crate) fn is_realtime(&self) -> bool {
        // SAFETY: the client is open.
        unsafe { (self.functions.is_realtime)(self.client) == 1 }
    }

    /// Connects an output to an input, both by their full names.
    pub(crate) fn connect(&self, from: &str, to: &str) -> Result<(), String> {
        let names = [from, to].map(|name| CString::new(name).unwrap());
        // SAFETY: the client is open, the names outlive the call.
        let outcome =
            unsafe { (self.functions.connect)(self.client, names[0].as_ptr(), names[1].as_ptr()) };
        // A session that was opened again has its connections already.
        if [0, EEXIST].contains(&outcome) {
            Ok(())
        } else {
            Err(format!("cannot connect {from} to {to}: {outcome}"))
        }
    }

    /// The first frame of the block under way.
    pub(crate) fn now(&self) -> u64 {
        self.state.now.load(Ordering::Acquire)
    }

    /// Blocks that came too late, as the server counts them.
    pub(crate) fn xruns(&self) -> u32 {
        self.state.xruns.load(Ordering::Relaxed)
    }

    /// Whether the server has ended or thrown us out.
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_over.load(Ordering::Acquire)
    }

    /// Plays a message on a frame; messages have to come in the order of their frames.
    pub(crate) fn play(&mut self, frame: u64, message: &[u8]) {
        let event = Event::new(frame, Way::Played, message);
        self.score.try_push(event).expect("the score has room");
    }

    /// What was recorded since the last call.
    pub(crate) fn recorded(&mut self) -> Option<Event> {
        self.tape.try_pop()
    }
}

impl Drop for Jack {
    fn drop(&mut self) {
        // SAFETY: closing ends the audio thread, and only then the deck is dropped.
        unsafe { (self.functions.client_close)(self.client) };
    }
}

/// The audio thread: no allocation, no lock.
unsafe extern "C" fn process(frames: u32, deck: *mut c_void) -> c_int {
    // SAFETY: the deck is this thread's alone while the client is active.
    unsafe { (*deck.cast::<Deck>()).block(frames) };
    0
}

unsafe extern "C" fn xrun(state: *mut c_void) -> c_int {
    // SAFETY: the state outlives the client.
    unsafe { &*state.cast::<State>() }.xruns.fetch_add(1, Ordering::Relaxed);
    0
}

unsafe extern "C" fn shutdown(state: *mut c_void) {
    // SAFETY: the state outlives the client.
    unsafe { &*state.cast::<State>() }.is_over.store(true, Ordering::Release);
}

impl Deck {
    fn block(&mut self, frames: u32) {
        let jack = &self.functions;
        // SAFETY: called from the process callback of this client with its own ports.
        unsafe {
            let begin = u64::from((jack.last_frame_time)(self.client));
            self.state.now.store(begin, Ordering::Release);
            let out = (jack.port_get_buffer)(self.play, frames);
            (jack.midi_clear_buffer)(out);
            while let Some(event) = self.score.try_peek().copied() {
                // What is late is played at once, and recorded where it was played.
                let offset = event.frame.saturating_sub(begin);
                if offset >= u64::from(frames) {
                    break;
                }
                let bytes = event.bytes();
                (jack.midi_event_write)(out, offset as u32, bytes.as_ptr(), bytes.len());
                self.score.skip(1);
                let _ = self.tape.try_push(Event { frame: begin + offset, ..event });
            }
            for (port, way) in [(self.places, Way::Place), (self.notes, Way::Heard)] {
                let buffer = (jack.port_get_buffer)(port, frames);
                for index in 0..(jack.midi_get_event_count)(buffer) {
                    let mut raw = RawEvent { time: 0, size: 0, buffer: std::ptr::null() };
                    if (jack.midi_event_get)(&raw mut raw, buffer, index) == 0 {
                        let bytes = std::slice::from_raw_parts(raw.buffer, raw.size);
                        let event = Event::new(begin + u64::from(raw.time), way, bytes);
                        let _ = self.tape.try_push(event);
                    }
                }
            }
        }
    }
}
