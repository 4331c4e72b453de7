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
                if echo {
                    self.0[usize::from(channel.index())] |= 1 << (key & 127);
                }
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
