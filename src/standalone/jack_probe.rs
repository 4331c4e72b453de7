//! The loop-back measurement on JACK: clicks and notes out, what an input hears in, all on one count of frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ::jack::{
    AudioIn, AudioOut, Client, ClientOptions, Control, MidiOut, Port, PortFlags, ProcessHandler,
    ProcessScope, RawMidi,
};
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapProd, HeapRb};

use crate::music::event::{Channel, Midi};
use crate::standalone::loopback::{EACH, Probe, due, length};

/// The note that is asked for: E5, loud, and for so many seconds.
const KEY: u8 = 76;
const VELOCITY: u8 = 115;
const NOTE_S: f64 = 0.2;

/// A click: so many samples of a square wave of 1 kHz at 48 kHz.
const CLICK: usize = 240;

/// Who asks and listens.
struct Prober {
    click: Port<AudioOut>,
    notes: Port<MidiOut>,
    ear: Port<AudioIn>,
    heard: HeapProd<f32>,
    rate: f64,
    channel: Channel,
    frame: usize,
    missed: Arc<AtomicBool>,
}

/// Asks for clicks and notes on the server that runs, and gives what came in meanwhile, with its sample rate. `told` is called
/// now and then with the share that is done. With `connect` the first speakers and inputs of the machine are connected, and
/// every MIDI output of the machine.
///
/// # Errors
/// A line on what is missing.
pub fn measure(
    channel: Channel,
    connect: bool,
    mut told: impl FnMut(f64),
) -> Result<(Vec<f32>, f64), String> {
    ::jack::set_logger(::jack::LoggerType::None);
    let (client, _) = Client::new("Sideman align", ClientOptions::NO_START_SERVER)
        .map_err(|_| "no JACK server runs here (or no libjack is installed)".to_owned())?;
    let rate = f64::from(client.sample_rate());
    let refused = |e: ::jack::Error| format!("JACK refused: {e}");
    let click = client.register_port("click", AudioOut::default()).map_err(refused)?;
    let notes = client.register_port("notes", MidiOut::default()).map_err(refused)?;
    let ear = client.register_port("ear", AudioIn::default()).map_err(refused)?;
    let names = [click.name(), notes.name(), ear.name()].map(Result::unwrap_or_default);
    let frames = length(rate);
    let (heard, mut recording) = HeapRb::new(frames + 1).split();
    let missed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&missed);
    let prober = Prober { click, notes, ear, heard, rate, channel, frame: 0, missed };
    let client = client.activate_async((), prober).map_err(refused)?;
    if connect {
        plug(client.as_client(), &names);
    }
    let mut sound = Vec::with_capacity(frames);
    let patience = Duration::from_secs_f64(2.0 * frames as f64 / rate + 5.0);
    let begin = Instant::now();
    while sound.len() < frames {
        sound.extend(recording.pop_iter());
        told(sound.len() as f64 / frames as f64);
        if begin.elapsed() > patience || seen.load(Ordering::Acquire) {
            return Err("JACK has stopped, or lost periods: try again".to_owned());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok((sound, rate))
}

/// Connects to the machine's own ports. What is refused stays as it is.
fn plug(client: &Client, [click, notes, ear]: &[String; 3]) {
    let ports = |kind, flags| client.ports(None, Some(kind), PortFlags::IS_PHYSICAL | flags);
    for speaker in ports("32 bit float mono audio", PortFlags::IS_INPUT).iter().take(2) {
        let _ = client.connect_ports_by_name(click, speaker);
    }
    for input in ports("32 bit float mono audio", PortFlags::IS_OUTPUT).iter().take(2) {
        let _ = client.connect_ports_by_name(input, ear);
    }
    for gear in ports("8 bit raw midi", PortFlags::IS_INPUT) {
        let _ = client.connect_ports_by_name(notes, &gear);
    }
}

impl ProcessHandler for Prober {
    // The audio callback: no allocation, lock or system call.
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let from = self.frame;
        let heard = self.ear.as_slice(scope);
        let side = self.click.as_mut_slice(scope);
        let frames = heard.len();
        if self.heard.push_slice(heard) < frames && from + frames < length(self.rate) {
            self.missed.store(true, Ordering::Release);
        }
        side.fill(0.0);
        let mut writer = self.notes.writer(scope);
        for nth in 0..EACH {
            let click = due(self.rate, Probe::Click, nth);
            for at in click.max(from)..(click + CLICK).min(from + frames) {
                side[at - from] = if ((at - click) / 24).is_multiple_of(2) { 0.5 } else { -0.5 };
            }
            let note = due(self.rate, Probe::Note, nth);
            let (channel, key) = (self.channel, KEY);
            for (at, midi) in [
                (note, Midi::NoteOn { channel, key, velocity: VELOCITY }),
                (
                    note + (NOTE_S * self.rate) as usize,
                    Midi::NoteOff { channel, key, velocity: 64 },
                ),
            ] {
                if (from..from + frames).contains(&at) {
                    let (bytes, length) = midi.to_bytes();
                    let time = (at - from) as u32;
                    // An empty port holds the one message of a period.
                    let _ = writer.write(&RawMidi { time, bytes: &bytes[..length] });
                }
            }
        }
        self.frame += frames;
        Control::Continue
    }
}
