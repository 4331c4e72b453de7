//! What was played lately, for any window to come: a ring that keeps the last events for whoever looks, and never waits for
//! anyone.
//!
//! One thread writes. Each reader has a place of its own; one that is slower than the ring is long is told that it missed
//! something. A window that opens late sees what was played before.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::music::event::Channel;
use crate::music::time::Beats;

/// Events that are kept: eight bars of the densest playing.
const KEPT: u64 = 2_048;

/// Something that was played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A new take begins, and with it another count of beats.
    Take,
    /// The player struck a key.
    Struck {
        /// On this channel.
        channel: Channel,
        /// 0 to 127.
        key: u8,
        /// 1 to 127.
        velocity: u8,
    },
    /// The player let go of it.
    Released {
        /// On this channel.
        channel: Channel,
        /// 0 to 127.
        key: u8,
    },
    /// The machine began a note.
    Began {
        /// On this channel.
        channel: Channel,
        /// 0 to 127.
        key: u8,
        /// 1 to 127.
        velocity: u8,
    },
    /// A note-off left: whatever Sideman had on this channel and key has ended.
    Ended {
        /// On this channel.
        channel: Channel,
        /// 0 to 127.
        key: u8,
    },
}

/// The ring.
#[derive(Debug)]
pub struct Past {
    /// Events that were begun to be written, and those that were written.
    begun: AtomicU64,
    written: AtomicU64,
    /// Bits of the beats, and the event.
    slots: Box<[[AtomicU64; 2]]>,
}

impl Default for Past {
    fn default() -> Self {
        let slot = || [AtomicU64::new(0), AtomicU64::new(0)];
        let slots = (0..KEPT).map(|_| slot()).collect();
        Self { begun: AtomicU64::new(0), written: AtomicU64::new(0), slots }
    }
}

/// How far a reader has read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader(u64);

impl Past {
    /// An event at a place of the take. Of one thread only.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn add(&self, at: Beats, event: Event) {
        let number = self.written.load(Ordering::Relaxed);
        self.begun.store(number + 1, Ordering::Relaxed);
        // No word is seen before it is known that it is overwritten.
        fence(Ordering::Release);
        let [beats, word] = &self.slots[(number % KEPT) as usize];
        beats.store(at.0.to_bits(), Ordering::Relaxed);
        word.store(packed(event), Ordering::Relaxed);
        self.written.store(number + 1, Ordering::Release);
    }

    /// Gives each event since the last call to `take`, oldest first. `false`: some were overwritten before they were read.
    pub fn read(&self, reader: &mut Reader, mut take: impl FnMut(Beats, Event)) -> bool {
        let written = self.written.load(Ordering::Acquire);
        let oldest = written.saturating_sub(KEPT);
        // A reader's first look finds the ring long since gone round: it has missed nothing that it knew of.
        let mut whole = reader.0 >= oldest || reader.0 == 0;
        for number in reader.0.max(oldest)..written {
            let [beats, word] = &self.slots[(number % KEPT) as usize];
            let read = (beats.load(Ordering::Relaxed), word.load(Ordering::Relaxed));
            // Whether the writer was here is looked at only after both words.
            fence(Ordering::Acquire);
            if self.begun.load(Ordering::Relaxed) > number + KEPT {
                whole = false;
                continue;
            }
            if let Some(event) = unpacked(read.1) {
                take(Beats(f64::from_bits(read.0)), event);
            }
        }
        reader.0 = written;
        whole
    }
}

fn packed(event: Event) -> u64 {
    let word = |kind: u64, channel: Channel, key: u8, velocity: u8| {
        kind << 24 | u64::from(channel.index()) << 16 | u64::from(key) << 8 | u64::from(velocity)
    };
    match event {
        Event::Take => 0,
        Event::Struck { channel, key, velocity } => word(1, channel, key, velocity),
        Event::Released { channel, key } => word(2, channel, key, 0),
        Event::Began { channel, key, velocity } => word(3, channel, key, velocity),
        Event::Ended { channel, key } => word(4, channel, key, 0),
    }
}

fn unpacked(word: u64) -> Option<Event> {
    let (channel, key, velocity) =
        (Channel::new((word >> 16) as u8), (word >> 8) as u8, word as u8);
    Some(match word >> 24 {
        0 => Event::Take,
        1 => Event::Struck { channel, key, velocity },
        2 => Event::Released { channel, key },
        3 => Event::Began { channel, key, velocity },
        4 => Event::Ended { channel, key },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    fn event(number: u64) -> Event {
        let (channel, key) = (Channel::new((number % 16) as u8), (number % 128) as u8);
        match number % 5 {
            0 => Event::Take,
            1 => Event::Struck { channel, key, velocity: 1 },
            2 => Event::Released { channel, key },
            3 => Event::Began { channel, key, velocity: 127 },
            _ => Event::Ended { channel, key },
        }
    }

    #[test]
    fn every_reader_sees_all_in_order() {
        let past = Past::default();
        let (mut early, mut seen) = (Reader::default(), Vec::new());
        for number in 0..1_000 {
            past.add(Beats(number as f64), event(number));
            if number % 7 == 0 {
                assert!(past.read(&mut early, |at, event| seen.push((at, event))));
            }
        }
        assert!(past.read(&mut early, |at, event| seen.push((at, event))));
        let all: Vec<_> = (0..1_000).map(|n| (Beats(n as f64), event(n))).collect();
        assert_eq!(seen, all);
        let mut late = Vec::new();
        assert!(past.read(&mut Reader::default(), |at, event| late.push((at, event))));
        assert_eq!(late, all, "a window that opens late sees what was before");
    }

    #[test]
    fn a_slow_reader_is_told_and_goes_on_with_what_is_left() {
        let past = Past::default();
        let mut reader = Reader::default();
        past.add(Beats(0.0), event(0));
        assert!(past.read(&mut reader, |_, _| ()));
        for number in 1..KEPT * 3 {
            past.add(Beats(number as f64), event(number));
        }
        let mut seen = Vec::new();
        assert!(!past.read(&mut reader, |at, event| seen.push((at, event))));
        assert_eq!(seen.len() as u64, KEPT);
        assert_eq!(seen[0], (Beats((KEPT * 2) as f64), event(KEPT * 2)));
        assert!(past.read(&mut reader, |_, _| panic!("nothing is new")));
    }

    #[test]
    fn no_reader_sees_half_an_event() {
        let (past, over) = (Past::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut reader, mut seen) = (Reader::default(), 0_u64);
                while !over.load(Ordering::Acquire) {
                    past.read(&mut reader, |at, read| {
                        assert_eq!(read, event(at.0 as u64));
                        seen += 1;
                    });
                }
                seen
            });
            let end = std::time::Instant::now() + std::time::Duration::from_millis(300);
            let mut number = 0;
            while std::time::Instant::now() < end {
                past.add(Beats(number as f64), event(number));
                number += 1;
                if number % 512 == 0 {
                    std::thread::yield_now();
                }
            }
            over.store(true, Ordering::Release);
            let seen = reader.join().unwrap();
            assert!(seen > 1_000, "{seen} of {number}");
        });
    }
}
