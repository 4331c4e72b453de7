//! Our own notes, come back from a synth or a host that returns all it gets: they are not the player's.

use crate::live::ledger::Ledger;
use crate::music::event::Midi;

/// The keys, a bit for each key of each channel, whose note-on was an echo and whose note-off is still to come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Echoes([u128; 16]);

impl Echoes {
    /// Whether an event is an echo: it repeats a machine note of the ledger that began at the sample `since` or later.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn holds(&mut self, midi: Midi, since: u64, ledger: &Ledger) -> bool {
        match midi {
            Midi::NoteOn { channel, key, .. } => {
                let echo = ledger.machine_began(channel, key, since);
                let echoes = &mut self.0[usize::from(channel.index())];
                let bit = 1 << (key & 127);
                // A key that is struck in earnest ends in earnest, though an echo's own end never came.
                *echoes = if echo { *echoes | bit } else { *echoes & !bit };
                echo
            }
            Midi::NoteOff { channel, key, .. } => {
                let echoes = &mut self.0[usize::from(channel.index())];
                let echo = *echoes >> (key & 127) & 1 == 1;
                *echoes &= !(1 << (key & 127));
                echo && !ledger.player_sounds(channel, key)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::timed::Until;
    use crate::music::event::Channel;
    use crate::music::time::Tick;

    #[test]
    fn a_lost_end_of_an_echo_takes_no_key_from_the_player() {
        let channel = Channel::new(1);
        let on = Midi::NoteOn { channel, key: 60, velocity: 80 };
        let off = Midi::NoteOff { channel, key: 60, velocity: 0 };
        let (mut echoes, mut ledger) = (Echoes::default(), Ledger::default());
        assert!(ledger.start((channel, 60, 80), Until::Tick(Tick(9)), 100, |_| true));
        assert!(echoes.holds(on, 50, &ledger));
        assert!(echoes.holds(off, 50, &ledger));
        assert!(echoes.holds(on, 50, &ledger), "its end is lost");
        // Without thru the ledger knows nothing of the player's keys.
        assert!(!echoes.holds(on, 5_000, &ledger), "long after our own note began");
        assert!(!echoes.holds(off, 5_000, &ledger));
    }
}
