//! Machine notes that begin on a sample of their own: swung or uneven ones, and the company of a key.

use arrayvec::ArrayVec;

use crate::music::event::Channel;
use crate::music::pitch::Pitch;
use crate::music::time::Tick;

/// Notes that may wait for their sample.
const NOTES: usize = 64;

/// Keys that may wait for their company.
const KEYS: usize = 32;

/// When a machine note ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Until {
    /// When this tick begins.
    Tick(Tick),
    /// When the player lets go of this key.
    Release(Channel, u8),
}

/// A note that waits for its sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Timed {
    /// Samples since the engine was made.
    pub(crate) sample: u64,
    pub(crate) pitch: Pitch,
    pub(crate) velocity: u8,
    pub(crate) until: Until,
}

/// A key of the player whose company is not known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Waiting {
    id: u32,
    /// The sample on which the company begins.
    due: u64,
    /// The company could not be waited for any longer: it begins when it comes.
    overdue: bool,
    channel: Channel,
    key: u8,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Timetable {
    notes: ArrayVec<Timed, NOTES>,
    keys: ArrayVec<Waiting, KEYS>,
}

impl Timetable {
    /// Takes a note in, or says that there is no room.
    pub(crate) fn add(&mut self, note: Timed) -> bool {
        self.notes.try_push(note).is_ok()
    }

    /// Remembers a key whose company is to begin at `due`.
    pub(crate) fn await_company(&mut self, id: u32, due: u64, channel: Channel, key: u8) -> bool {
        self.keys.try_push(Waiting { id, due, overdue: false, channel, key }).is_ok()
    }

    /// The company of a key has come. Gives how many notes found no room.
    pub(crate) fn company(&mut self, id: u32, pitches: [Option<Pitch>; 4], velocity: u8) -> usize {
        let Some(index) = self.keys.iter().position(|k| k.id == id) else { return 0 };
        let key = self.keys.swap_remove(index);
        let until = Until::Release(key.channel, key.key);
        let notes = pitches.into_iter().flatten();
        notes
            .filter(|pitch| !self.add(Timed { sample: key.due, pitch: *pitch, velocity, until }))
            .count()
    }

    /// The player let go of a key: its company does not begin any more.
    pub(crate) fn release(&mut self, channel: Channel, key: u8) {
        self.keys.retain(|k| (k.channel, k.key) != (channel, key));
        self.notes.retain(|n| n.until != Until::Release(channel, key));
    }

    /// The next sample on which something is due.
    pub(crate) fn next(&self) -> Option<u64> {
        let keys = self.keys.iter().filter(|k| !k.overdue).map(|k| k.due);
        self.notes.iter().map(|n| n.sample).chain(keys).min()
    }

    /// Whether a key's company is due and not known.
    pub(crate) fn lacks_company(&self, sample: u64) -> bool {
        self.keys.iter().any(|k| !k.overdue && k.due <= sample)
    }

    /// Gives up waiting for company that is due; gives for how many keys.
    pub(crate) fn give_up(&mut self, sample: u64) -> usize {
        let late = self.keys.iter_mut().filter(|k| !k.overdue && k.due <= sample);
        late.map(|k| k.overdue = true).count()
    }

    /// Takes out a note that is due, lowest first.
    pub(crate) fn pop_due(&mut self, sample: u64) -> Option<Timed> {
        let due = self.notes.iter().enumerate().filter(|(_, n)| n.sample <= sample);
        let (index, _) = due.min_by_key(|(_, n)| (n.sample, n.pitch))?;
        Some(self.notes.swap_remove(index))
    }

    pub(crate) fn clear(&mut self) {
        self.notes.clear();
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Channel = Channel::new(0);

    #[test]
    fn company_begins_on_its_sample_unless_the_key_is_up_again() {
        let mut table = Timetable::default();
        assert!(table.await_company(1, 480, ONE, 60) && table.await_company(2, 500, ONE, 64));
        assert!(table.lacks_company(480));
        assert_eq!(table.company(1, [Some(Pitch::new(57)), None, None, None], 80), 0);
        assert!(!table.lacks_company(480) && table.lacks_company(500));
        assert_eq!(table.pop_due(479), None);
        assert_eq!(table.pop_due(480).map(|n| n.until), Some(Until::Release(ONE, 60)));
        table.release(ONE, 64);
        assert_eq!(table.company(2, [Some(Pitch::new(60)), None, None, None], 80), 0);
        assert_eq!((table.next(), table.pop_due(u64::MAX)), (None, None));
    }

    #[test]
    fn late_company_is_given_up_once_and_still_welcome() {
        let mut table = Timetable::default();
        assert!(table.await_company(1, 100, ONE, 60));
        assert_eq!((table.give_up(100), table.give_up(100)), (1, 0));
        assert_eq!(table.next(), None);
        assert_eq!(table.company(1, [Some(Pitch::new(57)); 4], 80), 0);
        assert_eq!(table.next(), Some(100));
    }
}
