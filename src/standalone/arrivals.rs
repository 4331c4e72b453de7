//! What keyboards send, on its way to the audio thread: each message with the moment at which it came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arrayvec::ArrayVec;
use parking_lot::Mutex;
use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::music::event::TimedMidi;
use crate::music::time::SampleRate;
use crate::standalone::held::Held;
use crate::standalone::performance::PLAYER;
use crate::standalone::sieve::Sieve;
use crate::standalone::wire::{ClockMessage, Wire};

/// Messages that may be on their way: a second of a full MIDI cable.
const RING: usize = 1_024;
/// Messages of a block.
const EVENTS: usize = 256;

/// A message and its moment.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    at: Instant,
    wire: Wire,
}

/// The end for the threads on which keyboards are heard; they may wait for each other.
#[derive(Clone)]
pub struct Door {
    ring: Arc<Mutex<HeapProd<Arrived>>>,
    missed: Arc<AtomicBool>,
    sieve: Arc<Mutex<Option<Sieve>>>,
}

/// The audio thread's end.
pub struct Arrivals {
    ring: HeapCons<Arrived>,
    next: Option<Arrived>,
    /// Something was turned away at the door, perhaps the end of a key: all keys are lifted.
    missed: Arc<AtomicBool>,
    held: Held,
    block: ArrayVec<TimedMidi, EVENTS>,
    hertz: f64,
}

/// Both ends. Allocates.
pub fn arrivals(rate: SampleRate) -> (Door, Arrivals) {
    let (door, ring) = HeapRb::new(RING).split();
    let (block, missed) = (ArrayVec::new(), Arc::<AtomicBool>::default());
    let ring_tx = Arc::new(Mutex::new(door));
    let door = Door { ring: ring_tx, missed: Arc::clone(&missed), sieve: Arc::default() };
    (door, Arrivals { ring, next: None, missed, held: Held::default(), block, hertz: rate.hertz() })
}

impl Door {
    /// From now on what is no music is kept out.
    pub fn sift(&self, sieve: Sieve) {
        *self.sieve.lock() = Some(sieve);
    }

    /// Lets a message in, or to the desk where it is no music; `false` where the audio thread has fetched none for long. It
    /// then lifts all keys when it does.
    pub fn enter(&self, at: Instant, wire: Wire) -> bool {
        if let Wire::Midi(midi) = wire
            && self.sieve.lock().as_mut().is_some_and(|sieve| sieve.takes(midi))
        {
            return true;
        }
        let entered = self.ring.lock().try_push(Arrived { at, wire }).is_ok();
        if !entered {
            self.missed.store(true, Ordering::Release);
        }
        entered
    }
}

impl Arrivals {
    /// The messages of the next `frames` samples of a callback that was called `now` and has `left` samples to play, these
    /// and those behind them. Each message is late by the length of the callback, so that no rhythm suffers; the MIDI clock's
    /// go to `clock` at once, with their moments: it is followed ahead of its time.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn block(
        &mut self,
        now: Instant,
        left: usize,
        frames: usize,
        mut clock: impl FnMut(Instant, ClockMessage),
    ) -> &[TimedMidi] {
        self.block.clear();
        let mut last = 0;
        while !self.block.is_full()
            && let Some(arrived) = self.next.take().or_else(|| self.ring.try_pop())
        {
            let midi = match arrived.wire {
                Wire::Midi(midi) => midi,
                Wire::Clock(message) => {
                    clock(arrived.at, message);
                    continue;
                }
            };
            let age = now.saturating_duration_since(arrived.at).as_secs_f64() * self.hertz;
            let offset = (left as f64 - age).max(0.0);
            // It is for a later piece, or came while this was being asked for.
            if arrived.at > now || offset >= frames as f64 && frames < left {
                self.next = Some(arrived);
                break;
            }
            let offset = offset.min(frames.saturating_sub(1) as f64);
            // Two keyboards share the ring, each on its own thread.
            last = (offset as u32).max(last);
            let midi = midi.on(PLAYER);
            self.held.follow(midi);
            self.block.push(TimedMidi { offset: last, midi });
        }
        if self.ring.is_empty() && self.missed.swap(false, Ordering::AcqRel) {
            while !self.block.is_full()
                && let Some(midi) = self.held.lift()
            {
                self.block.push(TimedMidi { offset: last, midi });
            }
            // What did not fit is lifted with the next block.
            let rest = self.held != Held::default();
            self.missed.fetch_or(rest, Ordering::AcqRel);
        }
        &self.block
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::music::event::{Channel, Midi};

    fn note(key: u8) -> Midi {
        Midi::NoteOn { channel: Channel::new(5), key, velocity: 80 }
    }

    fn key(key: u8) -> Wire {
        Wire::Midi(note(key))
    }

    fn no_clock(_: Instant, message: ClockMessage) {
        panic!("{message:?}");
    }

    #[test]
    fn a_rhythm_is_kept_whatever_the_blocks() {
        let start = Instant::now();
        let at = |ms: f64| start + Duration::from_secs_f64(ms / 1e3);
        let times = [1.0, 3.5, 7.25, 7.3, 16.0, 16.01, 29.9];
        for frames in [48_usize, 100, 256, 480, 960] {
            let (door, mut arrivals) = arrivals(SampleRate::new(48_000.0));
            let mut found = Vec::new();
            let mut next = 0;
            for block in 0..4_800 / frames {
                let now = at((block * frames) as f64 / 48.0);
                while next < times.len() && at(times[next]) <= now {
                    assert!(door.enter(at(times[next]), key(next as u8)));
                    next += 1;
                }
                // A callback is played in pieces of 64.
                for done in (0..frames).step_by(64) {
                    let piece = (frames - done).min(64);
                    for event in arrivals.block(now, frames - done, piece, no_clock) {
                        found.push((block * frames + done) as f64 + f64::from(event.offset));
                        assert!(matches!(event.midi, Midi::NoteOn { channel: PLAYER, .. }));
                    }
                }
            }
            assert_eq!(found.len(), times.len());
            for (found, ms) in found.iter().zip(times) {
                let late = found - (ms * 48.0 + frames as f64);
                assert!((-1.0..=0.01).contains(&late), "{late} of {frames}");
            }
        }
    }

    #[test]
    fn a_stalled_stage_plays_what_came_at_once_and_in_order() {
        let start = Instant::now();
        let (door, mut arrivals) = arrivals(SampleRate::new(48_000.0));
        for n in 0..100 {
            assert!(door.enter(start + Duration::from_micros(n), key(n as u8)));
        }
        let events = arrivals.block(start + Duration::from_secs(1), 64, 64, no_clock).to_vec();
        assert_eq!(events.len(), 100);
        assert!(events.iter().all(|e| e.offset == 0));
        assert!((0..).zip(&events).all(|(n, e)| e.midi == note(n).on(PLAYER)));
        for _ in 0..RING {
            assert!(door.enter(start, key(1)));
        }
        let off = Wire::Midi(Midi::NoteOff { channel: Channel::new(5), key: 1, velocity: 0 });
        assert!(!door.enter(start, off), "a full ring refuses");
        let mut held = Held::default();
        for _ in 0..RING / EVENTS + 2 {
            for event in arrivals.block(start + Duration::from_secs(2), 64, 64, no_clock) {
                held.follow(event.midi);
            }
        }
        assert_eq!(held, Held::default(), "and what may have ended there has ended");
    }

    #[test]
    fn what_comes_from_the_future_waits() {
        let start = Instant::now();
        let (door, mut arrivals) = arrivals(SampleRate::new(48_000.0));
        assert!(door.enter(start + Duration::from_millis(1), key(60)));
        assert!(arrivals.block(start, 48, 48, no_clock).is_empty());
        assert_eq!(arrivals.block(start + Duration::from_millis(1), 48, 48, no_clock).len(), 1);
    }
}
