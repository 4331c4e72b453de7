//! The player's energy: whether he plays more, or louder, than he did before.

use crate::music::note::Note;
use crate::music::time::{Bars, TICKS_PER_BEAT, Tick};

/// The share of a bar in what is played now, and in what is usual for the player: about two bars, and sixteen.
const NOW: f32 = 0.5;
const USUALLY: f32 = 0.06;
/// Bars whose mean is taken for usual at the beginning.
const FIRST_BARS: u32 = 4;
/// How far the machine is carried along at most: a factor on its density, and steps of velocity.
const MOST_DENSITY: f32 = 2.0;
const MOST_VELOCITY: f32 = 32.0;

/// What the player's energy asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Swell {
    /// A factor on the density.
    pub(crate) density: f32,
    /// Steps of velocity, louder or softer.
    pub(crate) velocity: f32,
}

impl Default for Swell {
    fn default() -> Self {
        Self { density: 1.0, velocity: 0.0 }
    }
}

/// The energy, heard bar by bar. Bars in which nothing is struck tell nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Energy {
    /// In the bar at hand: keys, and the sum of their velocities.
    keys: f32,
    velocities: f32,
    began: Option<Tick>,
    bars: u32,
    now: [f32; 2],
    usually: [f32; 2],
}

impl Energy {
    /// Hears what was struck up to a closed tick. `true` at the end of a bar that tells something.
    pub(crate) fn close(&mut self, tick: Tick, bars: Bars, struck: &[Note]) -> bool {
        let began = *self.began.get_or_insert(tick);
        let is_line = bars.ticks_into_bar(tick) == 0 && tick > began;
        let told = is_line && self.keys > 0.0;
        if told {
            let beats = (tick.since(began) as f32 / TICKS_PER_BEAT as f32).max(1.0);
            let heard = [self.keys / beats, self.velocities / self.keys];
            self.bars += 1;
            let first = 1.0 / self.bars as f32;
            let usually = if self.bars <= FIRST_BARS { first } else { USUALLY };
            for (i, heard) in heard.into_iter().enumerate() {
                self.now[i] += NOW.max(first) * (heard - self.now[i]);
                self.usually[i] += usually * (heard - self.usually[i]);
            }
        }
        if is_line {
            (self.keys, self.velocities, self.began) = (0.0, 0.0, Some(tick));
        }
        for note in struck {
            self.keys += 1.0;
            self.velocities += f32::from(note.velocity);
        }
        told
    }

    /// How far a machine that follows so much (0 to 1) is carried along.
    pub(crate) fn swell(&self, follow: f32) -> Swell {
        if self.bars == 0 || follow <= 0.0 {
            return Swell::default();
        }
        let density = (self.now[0] / self.usually[0]).powf(follow);
        let velocity = follow * (self.now[1] - self.usually[1]);
        Swell {
            density: density.clamp(1.0 / MOST_DENSITY, MOST_DENSITY),
            velocity: velocity.clamp(-MOST_VELOCITY, MOST_VELOCITY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::note::Voice;
    use crate::music::pitch::Pitch;

    /// Bars of 4/4 with so many keys of a velocity in each.
    fn after(bars: &[(i64, u8)]) -> Energy {
        let mut energy = Energy::default();
        for tick in 0..=bars.len() as i64 * 48 {
            let struck = bars.get((tick / 48) as usize).filter(|b| tick % 48 < b.0);
            let note = struck.map(|(_, velocity)| Note {
                onset: Tick(tick),
                pitch: Pitch::new(60),
                voice: Voice::Player,
                velocity: *velocity,
                duration: 1,
            });
            let told = energy.close(Tick(tick), Bars::default(), note.as_slice());
            assert_eq!(told, tick > 0 && tick % 48 == 0 && bars[tick as usize / 48 - 1].0 > 0);
        }
        energy
    }

    #[test]
    fn a_player_who_stays_as_he_is_carries_nobody_along() {
        let swell = after(&[(8, 80); 12]).swell(1.0);
        assert!((swell.density - 1.0).abs() < 1e-5 && swell.velocity.abs() < 1e-3);
        assert_eq!(Energy::default().swell(1.0), Swell::default());
    }

    #[test]
    fn twice_the_notes_and_louder_carry_along_as_far_as_is_asked() {
        let mut bars = vec![(4, 60); 8];
        bars.extend([(12, 100); 3]);
        let energy = after(&bars);
        let full = energy.swell(1.0);
        assert!(full.density > 1.6 && full.velocity > 20.0, "{full:?}");
        let half = energy.swell(0.5);
        assert!((half.density - full.density.sqrt()).abs() < 0.2 && half.velocity < full.velocity);
        assert_eq!(energy.swell(0.0), Swell::default());
    }

    #[test]
    fn a_rest_is_no_softer_playing() {
        let mut bars = vec![(8, 80); 6];
        bars.extend([(0, 0); 8]);
        let swell = after(&bars).swell(1.0);
        assert!((swell.density - 1.0).abs() < 1e-5);
    }
}
