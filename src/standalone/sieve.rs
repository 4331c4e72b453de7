//! What of a player's messages is music, and what is a learnt control or of a channel that is not listened to.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64};

use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::music::event::{Channel, Midi};

/// Gestures that may wait for the desk.
const RING: usize = 1_024;
/// Words of a bit for each channel and number.
const WORDS: usize = 16 * 128 / 64;

/// Read where messages come in, written at the desk.
#[derive(Debug, Default)]
struct Table {
    controllers: [AtomicU64; WORDS],
    keys: [AtomicU64; WORDS],
    /// Channels that are not listened to.
    deaf: AtomicU16,
    /// The next control that is moved is wanted.
    wanted: AtomicBool,
}

/// The end where messages come in.
pub struct Sieve {
    table: Arc<Table>,
    gestures: HeapProd<Midi>,
}

/// The desk's end.
pub struct Gestures {
    table: Arc<Table>,
    gestures: HeapCons<Midi>,
}

/// What a control is: a controller or a key, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A pedal, wheel, knob or slider.
    Controller,
    /// A key or pad.
    Key,
}

/// Both ends; all is music at first.
pub fn sieve() -> (Sieve, Gestures) {
    let table = Arc::<Table>::default();
    let (sent, gestures) = HeapRb::new(RING).split();
    (Sieve { table: Arc::clone(&table), gestures: sent }, Gestures { table, gestures })
}

impl Sieve {
    /// Whether a message is no music; what is learnt goes to the desk.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn takes(&mut self, midi: Midi) -> bool {
        let table = &self.table;
        let (words, number, moved) = match midi {
            Midi::Control { controller, value, .. } => (&table.controllers, controller, value > 0),
            Midi::NoteOn { key, .. } => (&table.keys, key, true),
            Midi::NoteOff { key, .. } | Midi::KeyPressure { key, .. } => (&table.keys, key, false),
            _ => return self.is_deaf(midi),
        };
        let (word, bit) = place(midi.channel(), number);
        let learnt = words[word].load(Acquire) & bit != 0;
        if learnt || moved && table.wanted.swap(false, Relaxed) {
            // Where the desk has not looked for long a gesture is lost.
            let _ = self.gestures.try_push(midi);
            return true;
        }
        self.is_deaf(midi)
    }

    fn is_deaf(&self, midi: Midi) -> bool {
        self.table.deaf.load(Relaxed) & 1 << midi.channel().index() != 0
    }
}

impl Gestures {
    /// The next message of a learnt control, or of the one that was wanted.
    pub fn next_gesture(&mut self) -> Option<Midi> {
        self.gestures.try_pop()
    }

    /// From now on a control is no music; on one channel or on all.
    pub fn learn(&self, kind: Kind, number: u8, channel: Option<Channel>) {
        let words = match kind {
            Kind::Controller => &self.table.controllers,
            Kind::Key => &self.table.keys,
        };
        let all = (0..16).map(Channel::new).filter(|c| channel.is_none_or(|only| only == *c));
        for (word, bit) in all.map(|channel| place(channel, number)) {
            words[word].fetch_or(bit, Release);
        }
    }

    /// Asks for the next control that is moved, or no longer.
    pub fn want(&self, wanted: bool) {
        self.table.wanted.store(wanted, Relaxed);
    }

    /// Listens to these channels only; to all where none is named.
    pub fn listen_to(&self, channels: &[Channel]) {
        let heard = channels.iter().fold(0, |mask, c| mask | 1 << c.index());
        self.table.deaf.store(if heard == 0 { 0 } else { !heard }, Relaxed);
    }
}

fn place(channel: Channel, number: u8) -> (usize, u64) {
    let index = usize::from(channel.index()) * 128 + usize::from(number & 127);
    (index / 64, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(channel: u8, controller: u8, value: u8) -> Midi {
        Midi::Control { channel: Channel::new(channel), controller, value }
    }

    fn on(channel: u8, key: u8) -> Midi {
        Midi::NoteOn { channel: Channel::new(channel), key, velocity: 80 }
    }

    #[test]
    fn what_is_learnt_goes_to_the_desk_and_all_else_is_music() {
        let (mut sieve, mut gestures) = sieve();
        assert!(!sieve.takes(control(0, 64, 127)));
        gestures.learn(Kind::Controller, 64, None);
        gestures.learn(Kind::Key, 36, Some(Channel::new(9)));
        let off = Midi::NoteOff { channel: Channel::new(9), key: 36, velocity: 0 };
        for (midi, taken) in [
            (control(0, 64, 127), true),
            (control(15, 64, 0), true),
            (control(0, 65, 127), false),
            (on(9, 36), true),
            (off, true),
            (on(8, 36), false),
            (on(9, 37), false),
        ] {
            assert_eq!(sieve.takes(midi), taken, "{midi:?}");
        }
        let seen: Vec<Midi> = std::iter::from_fn(|| gestures.next_gesture()).collect();
        assert_eq!(seen, [control(0, 64, 127), control(15, 64, 0), on(9, 36), off]);
    }

    #[test]
    fn one_control_is_wanted_and_not_its_rest() {
        let (mut sieve, mut gestures) = sieve();
        gestures.want(true);
        assert!(!sieve.takes(control(0, 11, 0)), "it has not moved");
        assert!(sieve.takes(control(0, 11, 5)));
        assert!(!sieve.takes(on(0, 60)));
        assert_eq!(gestures.next_gesture(), Some(control(0, 11, 5)));
    }

    #[test]
    fn only_chosen_channels_are_heard() {
        let (mut sieve, gestures) = sieve();
        gestures.listen_to(&[Channel::new(2), Channel::new(15)]);
        let heard: Vec<u8> = (0..16).filter(|c| !sieve.takes(on(*c, 60))).collect();
        assert_eq!(heard, [2, 15]);
        let bend = Midi::PitchBend { channel: Channel::new(3), value: 0 };
        assert!(sieve.takes(bend) && !sieve.takes(bend.on(Channel::new(2))));
        gestures.listen_to(&[]);
        assert!(!sieve.takes(bend));
    }
}
