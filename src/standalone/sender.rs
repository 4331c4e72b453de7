//! Sends what sounds to other instruments, each message at its moment, off the audio thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use midir::MidiOutputConnection;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::standalone::held::Held;
use crate::standalone::urgency::Urgency;
use crate::standalone::wire::{ClockMessage, Wire};

/// Messages that may wait.
const RING: usize = 4_096;
/// How long the sender sleeps when nothing waits.
const NAP: Duration = Duration::from_micros(500);
/// A message that is due within this is sent.
const SLACK: Duration = Duration::from_micros(200);

/// A message and when it is due.
#[derive(Clone, Copy, Debug)]
struct Letter {
    due: Instant,
    wire: Wire,
}

/// The audio thread's end.
pub struct Outbox(HeapProd<Letter>);

/// A sender under way. Dropping it ends what still sounds out there.
pub struct Sender {
    ports: mpsc::Sender<Box<dyn Port>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Outbox {
    /// Puts a message in; `false` where the sender has fetched none for long.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn put(&mut self, due: Instant, wire: Wire) -> bool {
        self.0.try_push(Letter { due, wire }).is_ok()
    }
}

/// Where messages end: a MIDI port, or a test.
pub trait Port: Send + 'static {
    /// Sends bytes now; what a port that is gone refuses is lost.
    fn send(&mut self, bytes: &[u8]);
}

impl Port for MidiOutputConnection {
    fn send(&mut self, bytes: &[u8]) {
        let _ = Self::send(self, bytes);
    }
}

impl Sender {
    /// What puts another port in its hands.
    pub fn switch(&self) -> Switch {
        Switch(self.ports.clone())
    }

    /// Starts a sender to this port.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(port: impl Port) -> std::io::Result<(Self, Outbox)> {
        let (outbox, letters) = HeapRb::new(RING).split();
        let (ports, next) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("sideman-sender".to_owned()).spawn(move || {
            Urgency::Sending.claim();
            deliver(letters, Box::new(port), &next, &seen);
        })?;
        Ok((Self { ports, stop, thread: Some(thread) }, Outbox(outbox)))
    }
}

/// Puts another port in a sender's hands.
#[derive(Clone, Debug)]
pub struct Switch(mpsc::Sender<Box<dyn Port>>);

impl Switch {
    /// The sender goes on with another port; what sounds on the one before ends there, if it still listens.
    pub fn go_on_to(&self, port: impl Port) {
        // A sender that has ended has no need of a port.
        let _ = self.0.send(Box::new(port));
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn deliver(
    mut letters: HeapCons<Letter>,
    mut port: Box<dyn Port>,
    next: &mpsc::Receiver<Box<dyn Port>>,
    stop: &AtomicBool,
) {
    let mut held = Held::default();
    // Whether a song was started out there that was not stopped.
    let mut rolls = false;
    while !stop.load(Ordering::Acquire) {
        if let Ok(other) = next.try_recv() {
            leave(&mut held, &mut rolls, &mut *port);
            port = other;
        }
        let Some(letter) = letters.try_peek().copied() else {
            thread::sleep(NAP);
            continue;
        };
        let left = letter.due.saturating_duration_since(Instant::now());
        if left > SLACK {
            thread::sleep(left.saturating_sub(SLACK).min(NAP));
            continue;
        }
        letters.try_pop();
        match letter.wire {
            Wire::Midi(midi) => held.follow(midi),
            Wire::Clock(ClockMessage::Start | ClockMessage::Continue) => rolls = true,
            Wire::Clock(ClockMessage::Stop) => rolls = false,
            Wire::Clock(ClockMessage::Pulse | ClockMessage::Position(_)) => {}
        }
        send(&mut *port, letter.wire);
    }
    leave(&mut held, &mut rolls, &mut *port);
}

/// Ends what sounds and stops what rolls.
fn leave(held: &mut Held, rolls: &mut bool, port: &mut dyn Port) {
    if std::mem::take(rolls) {
        send(port, Wire::Clock(ClockMessage::Stop));
    }
    while let Some(midi) = held.lift() {
        send(port, Wire::Midi(midi));
    }
}

fn send(port: &mut dyn Port, wire: Wire) {
    let (bytes, length) = wire.to_bytes();
    port.send(&bytes[..length]);
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::music::event::{Channel, Midi};

    type Sent = (Instant, Vec<u8>);

    struct Log(Arc<Mutex<Vec<Sent>>>);

    impl Port for Log {
        fn send(&mut self, bytes: &[u8]) {
            self.0.lock().push((Instant::now(), bytes.to_vec()));
        }
    }

    #[test]
    fn another_port_takes_over_and_the_first_has_nothing_left_sounding() {
        let (one, other) = (Arc::default(), Arc::default());
        let (sender, mut outbox) = Sender::start(Log(Arc::clone(&one))).unwrap();
        let channel = Channel::new(1);
        let on = |key| Wire::Midi(Midi::NoteOn { channel, key, velocity: 90 });
        let wait = |log: &Mutex<Vec<Sent>>| {
            while log.lock().is_empty() {
                thread::sleep(Duration::from_millis(1));
            }
        };
        let start = Wire::Clock(ClockMessage::Start);
        assert!(outbox.put(Instant::now(), start) && outbox.put(Instant::now(), on(60)));
        wait(&one);
        while one.lock().len() < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        sender.switch().go_on_to(Log(Arc::clone(&other)));
        while one.lock().len() < 4 {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(outbox.put(Instant::now(), on(62)));
        wait(&other);
        drop(sender);
        let bytes =
            |log: &Mutex<Vec<Sent>>| log.lock().iter().map(|s| s.1.clone()).collect::<Vec<_>>();
        let all = [&[0xfa][..], &[0x91, 60, 90], &[0xfc], &[0x81, 60, 64]];
        assert_eq!(bytes(&one), all, "what rolls there stops");
        assert_eq!(bytes(&other), [[0x91, 62, 90], [0x81, 62, 64]]);
    }

    #[test]
    fn messages_leave_when_they_are_due_and_nothing_hangs_at_the_end() {
        let log = Arc::default();
        let (sender, mut outbox) = Sender::start(Log(Arc::clone(&log))).unwrap();
        let start = Instant::now();
        let channel = Channel::new(1);
        let due: Vec<Instant> =
            [5, 9, 20].iter().map(|ms| start + Duration::from_millis(*ms)).collect();
        assert!(outbox.put(due[0], Wire::Midi(Midi::NoteOn { channel, key: 60, velocity: 90 })));
        assert!(outbox.put(due[1], Wire::Midi(Midi::NoteOff { channel, key: 60, velocity: 0 })));
        assert!(outbox.put(due[2], Wire::Midi(Midi::NoteOn { channel, key: 62, velocity: 90 })));
        while log.lock().len() < 3 {
            thread::sleep(Duration::from_millis(1));
        }
        drop(sender);
        let sent = log.lock();
        let bytes: Vec<&[u8]> = sent.iter().map(|s| s.1.as_slice()).collect();
        assert_eq!(bytes, [&[0x91, 60, 90][..], &[0x81, 60, 0], &[0x91, 62, 90], &[0x81, 62, 64]]);
        for (sent, due) in sent.iter().zip(&due) {
            assert!(sent.0 + SLACK >= *due, "too early");
        }
    }
}
