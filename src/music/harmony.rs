//! A chord as a symbol tells it: root, bass and pitch classes. What a chart names and a model is told.

use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::PitchSet;
use crate::music::time::Tick;

/// How far ahead a chord is told, in ticks: four bars of 4/4.
pub const FORESIGHT: i64 = 192;

/// A chord, or none where no class belongs to it ("N.C.").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Harmony {
    /// The root.
    pub root: PitchClass,
    /// The lowest class; the root unless the symbol names another. It need not be of the chord.
    pub bass: PitchClass,
    /// The classes of the chord, without a foreign bass.
    pub classes: PitchSet,
}

impl Harmony {
    /// No chord: nothing is to sound.
    pub const NONE: Self =
        Self { root: PitchClass::new(0), bass: PitchClass::new(0), classes: PitchSet(0) };

    /// Whether there is a chord.
    pub const fn is_chord(self) -> bool {
        self.classes.0 != 0
    }

    /// Whether a pitch belongs to the chord. A foreign bass does not.
    pub const fn holds(self, pitch: Pitch) -> bool {
        self.classes.holds(pitch)
    }

    /// Moved by semitones.
    #[must_use]
    pub const fn transposed(self, semitones: i32) -> Self {
        let up = semitones.rem_euclid(12) as u8;
        let bits = (self.classes.0 as u32) << up;
        Self {
            root: PitchClass::new(self.root.number() + up),
            bass: PitchClass::new(self.bass.number() + up),
            classes: PitchSet((bits | bits >> 12) as u16 & PitchSet::ALL.0),
        }
    }
}

/// The chord that lasts at a tick, and the one after it with the ticks until then, unless that is more than [`FORESIGHT`]
/// away. `chords` lie in order, each lasts until the next.
pub fn chord_at(
    chords: &[(Tick, Harmony)],
    tick: Tick,
) -> (Option<Harmony>, Option<(Harmony, i64)>) {
    let next = chords.partition_point(|c| c.0 <= tick);
    let now = next.checked_sub(1).map(|last| chords[last].1);
    let next = chords.get(next).map(|(at, chord)| (*chord, at.since(tick)));
    (now, next.filter(|(_, ticks)| *ticks <= FORESIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_moves_whole() {
        let c = Harmony {
            root: PitchClass::new(0),
            bass: PitchClass::new(4),
            classes: PitchSet(0b1001_0001),
        };
        let a = c.transposed(-3);
        assert_eq!((a.root.number(), a.bass.number()), (9, 1));
        assert!([57, 61, 64].iter().all(|p| a.holds(Pitch::new(*p))));
        assert!(!a.holds(Pitch::new(60)));
        assert_eq!(a.transposed(3), c);
        assert_eq!(c.transposed(24), c);
        assert!(!Harmony::NONE.holds(Pitch::new(60)) && !Harmony::NONE.transposed(5).is_chord());
    }
}
