//! What is planned, as the audio thread last said it: for windows and terminals.
//!
//! Atomic words behind a sequence lock: the writer never waits, and no reader ever sees notes of two plans at once.

use std::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayVec;

use crate::link::message::PlannedNote;
use crate::link::sequence::Sequence;
use crate::music::pitch::Pitch;
use crate::music::time::Tick;

/// The most notes of a plan: its horizon is a few beats.
pub const CAPACITY: usize = 256;

/// Words to a note.
const WORDS: usize = 3;

/// The plan of a moment, copied out.
pub type Plan = ArrayVec<PlannedNote, CAPACITY>;

/// The place where the plan is left. One thread writes, any may read.
#[derive(Debug)]
pub struct Outlook {
    sequence: Sequence,
    count: AtomicU64,
    words: [AtomicU64; CAPACITY * WORDS],
}

impl Default for Outlook {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            sequence: Sequence::default(),
            count: zero(),
            words: std::array::from_fn(|_| zero()),
        }
    }
}

impl Outlook {
    /// Leaves a plan, in place of the one before. Notes beyond [`CAPACITY`] are left out. Of one thread only.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn write(&self, notes: &[PlannedNote]) {
        let notes = &notes[..notes.len().min(CAPACITY)];
        self.sequence.write(|| {
            self.count.store(notes.len() as u64, Ordering::Relaxed);
            for (room, note) in self.words.chunks_exact(WORDS).zip(notes) {
                for (cell, word) in room.iter().zip(packed(note)) {
                    cell.store(word, Ordering::Relaxed);
                }
            }
        });
    }

    /// Reads the plan into `plan`, or says that it could not be read whole and leaves `plan` as it is.
    pub fn read(&self, plan: &mut Plan) -> bool {
        let read = self.sequence.read(|| {
            let count = (self.count.load(Ordering::Relaxed) as usize).min(CAPACITY);
            let words = |room: &[AtomicU64]| [0, 1, 2].map(|i| room[i].load(Ordering::Relaxed));
            let rooms = self.words.chunks_exact(WORDS).take(count);
            rooms.map(|room| unpacked(words(room))).collect::<Plan>()
        });
        let is_read = read.is_some();
        if let Some(read) = read {
            *plan = read;
        }
        is_read
    }
}

fn packed(note: &PlannedNote) -> [u64; WORDS] {
    let late = u64::from(note.late_ticks.to_bits()) << 32 | u64::from(note.late_millis.to_bits());
    let duration = u64::from(u32::try_from(note.duration.max(0)).unwrap_or(u32::MAX));
    let sound = u64::from(note.pitch.number()) << 8 | u64::from(note.velocity);
    [note.onset.0 as u64, late, duration << 32 | sound]
}

fn unpacked([onset, late, sound]: [u64; WORDS]) -> PlannedNote {
    PlannedNote {
        onset: Tick(onset as i64),
        late_ticks: f32::from_bits((late >> 32) as u32),
        late_millis: f32::from_bits(late as u32),
        duration: (sound >> 32) as i64,
        pitch: Pitch::new((sound >> 8) as u8 & 0x7f),
        velocity: sound as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// The `nth` plan: its length and every field of its notes tell which it is.
    fn plan(nth: i64) -> Plan {
        let note = |place: i64| PlannedNote {
            onset: Tick(nth * 1_000 + place),
            late_ticks: nth as f32,
            late_millis: place as f32,
            duration: nth % 5_000,
            pitch: Pitch::new((nth % 128) as u8),
            velocity: (nth % 127 + 1) as u8,
        };
        (0..nth % CAPACITY as i64).map(note).collect()
    }

    #[test]
    fn a_plan_comes_out_as_it_went_in() {
        let outlook = Outlook::default();
        let mut read = plan(3);
        assert!(outlook.read(&mut read) && read.is_empty());
        for nth in [7, 255, 1_000, 3] {
            outlook.write(&plan(nth));
            assert!(outlook.read(&mut read));
            assert_eq!(read, plan(nth));
        }
        let many = vec![plan(9)[0]; CAPACITY + 9];
        outlook.write(&many);
        assert!(outlook.read(&mut read));
        assert_eq!(read[..], many[..CAPACITY]);
        let early = PlannedNote { onset: Tick(-5), duration: i64::MAX, ..plan(9)[0] };
        outlook.write(&[early]);
        assert!(outlook.read(&mut read));
        assert_eq!(read[0], PlannedNote { duration: u32::MAX.into(), ..early });
    }

    #[test]
    fn no_reader_sees_notes_of_two_plans() {
        let (outlook, over) = (Outlook::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let readers = [0, 1].map(|_| {
                scope.spawn(|| {
                    let (mut read, mut seen, mut last) = (Plan::new(), 0, 0);
                    while !over.load(Ordering::Acquire) {
                        let Some(first) = outlook.read(&mut read).then(|| read.first()).flatten()
                        else {
                            continue;
                        };
                        let nth = first.onset.0 / 1_000;
                        assert!(nth >= last, "plans come in order");
                        assert_eq!(read, plan(nth));
                        seen += u64::from(nth != last);
                        last = nth;
                    }
                    seen
                })
            });
            let mut written = 0;
            let end = std::time::Instant::now() + std::time::Duration::from_millis(400);
            while std::time::Instant::now() < end {
                written += 1;
                outlook.write(&plan(written));
                if written % 64 == 0 {
                    std::thread::yield_now();
                }
            }
            over.store(true, Ordering::Release);
            for reader in readers {
                let seen = reader.join().unwrap();
                assert!(seen > 20, "{seen} of {written} plans were read whole");
            }
        });
    }
}
