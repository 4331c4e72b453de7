//! The keys that a keyboard holds down, so that they can be lifted when it is gone.

use crate::music::event::{Channel, Midi};

/// Which keys and pedals are down, on every channel. 272 bytes, no heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Held {
    keys: [u128; 16],
    pedals: u16,
}

/// The controller of the sustain pedal.
const SUSTAIN: u8 = 64;

impl Held {
    /// Follows a message.
    ///
    /// Any thread. No allocation, lock or system call.
    pub fn follow(&mut self, midi: Midi) {
        match midi {
            Midi::NoteOn { channel, key, .. } => {
                self.keys[usize::from(channel.index())] |= 1 << (key & 127);
            }
            Midi::NoteOff { channel, key, .. } => {
                self.keys[usize::from(channel.index())] &= !(1 << (key & 127));
            }
            Midi::Control { channel, controller: SUSTAIN, value } => {
                let pedal = 1 << channel.index();
                self.pedals = if value >= 64 { self.pedals | pedal } else { self.pedals & !pedal };
            }
            _ => {}
        }
    }

    /// Lifts one key or pedal after the other until none is down.
    ///
    /// Any thread. No allocation, lock or system call.
    pub fn lift(&mut self) -> Option<Midi> {
        for (index, keys) in (0..).zip(&mut self.keys) {
            let channel = Channel::new(index);
            if *keys != 0 {
                let key = keys.trailing_zeros() as u8;
                *keys &= *keys - 1;
                return Some(Midi::NoteOff { channel, key, velocity: 64 });
            }
        }
        let channel = Channel::new(self.pedals.trailing_zeros().min(15) as u8);
        (self.pedals != 0).then(|| {
            self.pedals &= self.pedals - 1;
            Midi::Control { channel, controller: SUSTAIN, value: 0 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_down_is_lifted_once() {
        let mut held = Held::default();
        let on = |channel, key| Midi::NoteOn { channel: Channel::new(channel), key, velocity: 1 };
        let off =
            |channel, key| Midi::NoteOff { channel: Channel::new(channel), key, velocity: 64 };
        let pedal = |value| Midi::Control { channel: Channel::new(2), controller: 64, value };
        for midi in [on(0, 60), on(0, 60), on(0, 127), on(15, 0), on(3, 5), off(3, 5), pedal(90)] {
            held.follow(midi);
        }
        let lifted: Vec<_> = std::iter::from_fn(|| held.lift()).collect();
        assert_eq!(lifted, [off(0, 60), off(0, 127), off(15, 0), pedal(0)]);
        assert_eq!(held, Held::default());
    }
}
