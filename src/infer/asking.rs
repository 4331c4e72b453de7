//! What the network is asked for while it plays: by settings, by the player's energy, and by the chords that are known.

use std::sync::Arc;

use crate::infer::energy::Swell;
use crate::infer::net::Net;
use crate::link::settings::{Mode, Settings};
use crate::model::checkpoint::Usual;
use crate::music::ask::Ask;
use crate::music::harmony::{Harmony, chord_at};
use crate::music::time::Tick;

/// How many times the notes `density` 1 asks for, and one over that at -1.
const DENSITY_FACTOR: f32 = 2.4;
/// A register narrower than this, in semitones, is where the machine is asked to play; in a wider one it finds its own place.
const NARROW: u8 = 48;
/// A polyphony below this is asked for; above it is a mere limit.
const FEW_VOICES: u8 = 8;
/// The player's mean velocity that asks for nothing louder or softer.
const USUAL_VELOCITY: f32 = 80.0;

/// What is asked for at each tick.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Asking {
    /// What is wanted, whatever the tick.
    pub(crate) even: Ask,
    /// The density that the network is asked for is that which is wanted times this.
    pub(crate) insistence: f32,
    /// Chords by ticks of the take, each until the next.
    pub(crate) chords: Arc<[(Tick, Harmony)]>,
}

impl Asking {
    /// What is asked for at a tick.
    pub(crate) fn at(&self, tick: Tick) -> Ask {
        let (chord, next) = chord_at(&self.chords, tick);
        let density = self.even.density.map(|d| d * self.insistence);
        Ask { density, chord, next, ..self.even }
    }
}

/// What settings and the player's energy ask of a network that is told `styles`, how much of each.
pub(crate) fn even(
    net: &dyn Net,
    styles: &[f32],
    settings: &Settings,
    swell: Swell,
    velocity: f32,
) -> Ask {
    let usual = usual(net.usual(), styles);
    let in_turns = matches!(settings.mode, Mode::Answer | Mode::Trade | Mode::Solo);
    let density = if in_turns { usual.density_alone } else { usual.density };
    let wanted = density * DENSITY_FACTOR.powf(settings.density) * swell.density;
    let (low, high) = (settings.register_low.number(), settings.register_high.number());
    let follows = settings.velocity_follow * (velocity - USUAL_VELOCITY);
    let asks_for_dynamics = settings.velocity_follow > 0.0 || settings.follow_energy > 0.0;
    Ask {
        density: (density > 0.0).then_some(wanted),
        polyphony: (settings.polyphony < FEW_VOICES).then_some(f32::from(settings.polyphony)),
        centre: (high - low < NARROW).then(|| f32::midpoint(f32::from(low), f32::from(high))),
        loudness: usual
            .loudness
            .filter(|_| asks_for_dynamics)
            .map(|usual| (usual + follows + swell.velocity).clamp(1.0, 127.0)),
        ..Ask::default()
    }
}

/// What is usual in a mixture of styles; what is told of none counts for the rest.
fn usual(usual: &[Usual], styles: &[f32]) -> Usual {
    let Some((none, each)) = usual.split_first() else { return Usual::default() };
    let rest = (1.0 - styles.iter().sum::<f32>()).clamp(0.0, 1.0);
    let parts = || each.iter().zip(styles.iter().copied()).chain([(none, rest)]);
    let mean = |value: &dyn Fn(&Usual) -> f32| parts().map(|(u, part)| value(u) * part).sum();
    let loud = parts().filter_map(|(u, part)| Some((u.loudness?, part)));
    let (sum, share) = loud.fold((0.0, 0.0), |(s, p), (l, part)| (s + l * part, p + part));
    Usual {
        density: mean(&|u| u.density),
        density_alone: mean(&|u| u.density_alone),
        loudness: (share > 0.0).then(|| sum / share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styles() -> Vec<Usual> {
        let usual = |density, loudness| Usual { density, density_alone: 2.0 * density, loudness };
        vec![usual(2.0, Some(70.0)), usual(3.0, Some(60.0)), usual(1.0, None)]
    }

    #[test]
    fn styles_are_mixed_and_none_is_the_rest() {
        let at = |told: [f32; 2]| usual(&styles(), &told);
        assert!((at([1.0, 0.0]).density - 3.0).abs() < 1e-6);
        assert!((at([0.5, 0.5]).density - 2.0).abs() < 1e-6);
        assert!((at([0.0, 0.0]).density_alone - 4.0).abs() < 1e-6);
        assert_eq!(at([0.0, 1.0]).loudness, None);
        assert_eq!(at([0.5, 0.5]).loudness, Some(60.0), "of those that have any");
        assert!(usual(&[], &[]).density <= 0.0);
    }
}
