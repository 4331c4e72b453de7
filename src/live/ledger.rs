//! Which notes sound, and who must end them: the reason why no note ever hangs.
//!
//! Every note-on that leaves Sideman is entered here first, and leaves the ledger only when the host has
//! taken its note-off. Two live notes never share a channel and a key.

use arrayvec::ArrayVec;

use crate::live::timed::Until;
use crate::music::event::{Channel, Midi};
use crate::music::time::Tick;

/// Machine notes that may sound at once.
const CAPACITY: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Held {
    channel: Channel,
    key: u8,
    end: Until,
    /// The sample of its note-on.
    began: u64,
}

/// The end of what must end at the next opportunity.
const AT_ONCE: Until = Until::Tick(Tick(i64::MIN));

/// The ledger. `send` arguments pass an event on and say whether it was taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    machine: ArrayVec<Held, CAPACITY>,
    /// The player's keys that were passed on, a bit for each key of each channel.
    passed: [u128; 16],
    /// Those of them whose note-off the host has refused.
    owed: [u128; 16],
}

impl Ledger {
    /// Whether a machine note sounds there.
    pub(crate) fn machine_sounds(&self, channel: Channel, key: u8) -> bool {
        self.machine.iter().any(|h| h.channel == channel && h.key == key)
    }

    /// Whether a key of the player that was passed on sounds there.
    pub(crate) fn player_sounds(&self, channel: Channel, key: u8) -> bool {
        self.passed[usize::from(channel.index())] >> (key & 127) & 1 == 1
    }

    /// Whether nothing sounds.
    pub(crate) fn is_silent(&self) -> bool {
        self.machine.is_empty() && self.passed == [0; 16]
    }

    /// How many machine notes sound.
    pub(crate) fn machine_notes(&self) -> usize {
        self.machine.len()
    }

    /// Whether a machine note on that key began at `since` or later.
    pub(crate) fn machine_began(&self, channel: Channel, key: u8, since: u64) -> bool {
        self.machine.iter().any(|h| h.channel == channel && h.key == key && h.began >= since)
    }

    /// Starts a machine note at a sample. One that sounds on the same key ends first. `false` when it could
    /// not start; then nothing has changed but perhaps that end.
    pub(crate) fn start(
        &mut self,
        (channel, key, velocity): (Channel, u8, u8),
        end: Until,
        began: u64,
        mut send: impl FnMut(Midi) -> bool,
    ) -> bool {
        if self.machine_sounds(channel, key) {
            self.release(&mut send, |h| h.channel == channel && h.key == key);
        }
        let free = !self.machine_sounds(channel, key) && !self.player_sounds(channel, key);
        if !free || self.machine.is_full() || !send(Midi::NoteOn { channel, key, velocity }) {
            return false;
        }
        self.machine.push(Held { channel, key, end, began });
        true
    }

    /// Ends what must end at `tick` or before it.
    pub(crate) fn release_due(&mut self, tick: Tick, mut send: impl FnMut(Midi) -> bool) {
        self.release(&mut send, |h| matches!(h.end, Until::Tick(end) if end <= tick));
        self.settle(&mut send);
    }

    /// Lets no machine note outlast `tick`.
    pub(crate) fn cut(&mut self, tick: Tick) {
        for held in &mut self.machine {
            held.end = match held.end {
                Until::Tick(end) => Until::Tick(end.min(tick)),
                Until::Release(..) => Until::Tick(tick),
            };
        }
    }

    /// The player let go of a key: what joined it ends, at once or, with `hold`, with what is held.
    pub(crate) fn release_company(
        &mut self,
        channel: Channel,
        key: u8,
        hold: bool,
        mut send: impl FnMut(Midi) -> bool,
    ) {
        for held in self.machine.iter_mut().filter(|h| h.end == Until::Release(channel, key)) {
            held.end = AT_ONCE;
        }
        if !hold {
            self.release(&mut send, |h| h.end == AT_ONCE);
        }
    }

    /// Ends all machine notes; the ones whose end the host refuses are tried again with each tick.
    pub(crate) fn release_machine(&mut self, mut send: impl FnMut(Midi) -> bool) {
        self.cut(Tick(i64::MIN));
        self.release(&mut send, |_| true);
    }

    /// Ends all keys of the player that were passed on.
    pub(crate) fn release_player(&mut self, mut send: impl FnMut(Midi) -> bool) {
        for (owed, passed) in self.owed.iter_mut().zip(self.passed) {
            *owed |= passed;
        }
        self.settle(&mut send);
    }

    /// Passes a note-on of the player on; a machine note on that key ends first.
    pub(crate) fn pass_on(
        &mut self,
        channel: Channel,
        key: u8,
        velocity: u8,
        mut send: impl FnMut(Midi) -> bool,
    ) {
        let key = key & 127;
        self.release(&mut send, |h| h.channel == channel && h.key == key);
        self.pass_off(channel, key, 0, &mut send);
        let free = !self.machine_sounds(channel, key) && !self.player_sounds(channel, key);
        if free && send(Midi::NoteOn { channel, key, velocity }) {
            self.passed[usize::from(channel.index())] |= 1 << key;
        }
    }

    /// Passes a note-off of the player on, if its note-on was.
    pub(crate) fn pass_off(
        &mut self,
        channel: Channel,
        key: u8,
        velocity: u8,
        mut send: impl FnMut(Midi) -> bool,
    ) {
        let key = key & 127;
        let channel_index = usize::from(channel.index());
        if !self.player_sounds(channel, key) {
            return;
        }
        if send(Midi::NoteOff { channel, key, velocity }) {
            self.passed[channel_index] &= !(1 << key);
            self.owed[channel_index] &= !(1 << key);
        } else {
            self.owed[channel_index] |= 1 << key;
        }
    }

    /// Sends again what the host refused.
    fn settle(&mut self, send: &mut impl FnMut(Midi) -> bool) {
        for index in 0..16_u8 {
            let channel = Channel::new(index);
            while self.owed[usize::from(index)] != 0 {
                let key = self.owed[usize::from(index)].trailing_zeros() as u8;
                self.owed[usize::from(index)] &= !(1 << key);
                self.pass_off(channel, key, 0, &mut *send);
                if self.owed[usize::from(index)] >> key & 1 == 1 {
                    return;
                }
            }
        }
    }

    fn release(&mut self, send: &mut impl FnMut(Midi) -> bool, which: impl Fn(&Held) -> bool) {
        self.machine.retain(|held| {
            !which(held)
                || !send(Midi::NoteOff { channel: held.channel, key: held.key, velocity: 64 })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Channel = Channel::new(0);
    const NINE: Until = Until::Tick(Tick(9));

    #[test]
    fn a_refused_note_off_is_sent_again() {
        let mut ledger = Ledger::default();
        assert!(ledger.start((ONE, 60, 100), Until::Tick(Tick(4)), 0, |_| true));
        ledger.pass_on(ONE, 64, 100, |_| true);
        ledger.release_due(Tick(4), |_| false);
        ledger.release_player(|_| false);
        assert!(!ledger.is_silent());
        let mut sent = Vec::new();
        ledger.release_due(Tick(5), |m| {
            sent.push(m);
            true
        });
        assert_eq!(sent.len(), 2);
        assert!(ledger.is_silent());
    }

    #[test]
    fn nobody_shares_a_key() {
        let mut ledger = Ledger::default();
        ledger.pass_on(ONE, 60, 100, |_| true);
        assert!(!ledger.start((ONE, 60, 100), NINE, 0, |_| true), "the player holds it");
        assert!(ledger.start((Channel::new(1), 60, 100), NINE, 0, |_| true));
        let mut sent = Vec::new();
        ledger.pass_on(Channel::new(1), 60, 90, |m| {
            sent.push(m);
            true
        });
        assert!(matches!(sent[..], [Midi::NoteOff { .. }, Midi::NoteOn { velocity: 90, .. }]));
    }

    #[test]
    fn a_note_off_without_its_note_on_is_not_passed() {
        let mut ledger = Ledger::default();
        ledger.pass_off(ONE, 60, 0, |_| unreachable!("it never sounded"));
        assert!(ledger.is_silent());
    }
}
