//! Sends what sounds to other instruments, each message at its moment, off the audio thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use midir::MidiOutputConnection;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::standalone::held::Held;
use crate::standalone::wire::Wire;

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
    /// Starts a sender to this port.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(port: impl Port) -> std::io::Result<(Self, Outbox)> {
        let (outbox, letters) = HeapRb::new(RING).split();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("sideman-sender".to_owned())
            .spawn(move || deliver(letters, port, &seen))?;
        Ok((Self { stop, thread: Some(thread) }, Outbox(outbox)))
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

fn deliver(mut letters: HeapCons<Letter>, mut port: impl Port, stop: &AtomicBool) {
    let mut held = Held::default();
    let mut send = |wire: Wire| {
        let (bytes, length) = wire.to_bytes();
        port.send(&bytes[..length]);
    };
    while !stop.load(Ordering::Acquire) {
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
        if let Wire::Midi(midi) = letter.wire {
            held.follow(midi);
        }
        send(letter.wire);
    }
    while let Some(midi) = held.lift() {
        send(Wire::Midi(midi));
    }
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
