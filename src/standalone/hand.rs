//! A hand that plays what was written down as if it sat at a keyboard: to rehearse without one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::music::event::Midi;
use crate::standalone::arrivals::Door;
use crate::standalone::held::Held;
use crate::standalone::wire::Wire;

/// How long the hand sleeps at most before it looks whether it is to stop.
const NAP: Duration = Duration::from_millis(50);

/// A hand that plays. Dropping it lifts what it holds.
pub struct Hand {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hand {
    /// Plays messages, by their rising times from now on.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(door: Door, messages: Vec<(Duration, Midi)>) -> io::Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let seen = Arc::clone(&stop);
        let play = move || {
            let (begin, mut held) = (Instant::now(), Held::default());
            for (at, midi) in messages {
                while begin.elapsed() < at && !seen.load(Ordering::Acquire) {
                    thread::sleep(at.saturating_sub(begin.elapsed()).min(NAP));
                }
                if seen.load(Ordering::Acquire) {
                    break;
                }
                if door.enter(begin + at, Wire::Midi(midi)) {
                    held.follow(midi);
                }
            }
            while let Some(midi) = held.lift() {
                door.enter(Instant::now(), Wire::Midi(midi));
            }
        };
        let thread = thread::Builder::new().name("sideman-hand".to_owned()).spawn(play)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::event::Channel;
    use crate::music::time::SampleRate;
    use crate::standalone::arrivals::arrivals;

    #[test]
    fn a_hand_keeps_time_and_lifts_what_it_holds() {
        let (door, mut ring) = arrivals(SampleRate::new(48_000.0));
        let channel = Channel::new(0);
        let on = |key| Midi::NoteOn { channel, key, velocity: 70 };
        let at = Duration::from_millis;
        let begin = Instant::now();
        let hand = Hand::start(door, vec![(at(0), on(60)), (at(80), on(62)), (at(60_000), on(64))]);
        thread::sleep(at(150));
        drop(hand.unwrap());
        let early = ring.block(begin + at(40), 64, 64, |_, _| ()).to_vec();
        assert_eq!(early.iter().map(|e| e.midi).collect::<Vec<_>>(), [on(60)]);
        let late: Vec<Midi> =
            ring.block(Instant::now(), 64, 64, |_, _| ()).iter().map(|e| e.midi).collect();
        let off = |key| Midi::NoteOff { channel, key, velocity: 64 };
        assert_eq!(late, [on(62), off(60), off(62)], "and the last never came");
    }
}
