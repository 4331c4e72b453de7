//! How long sound takes to come back: sounds that were asked for at known samples, looked for in what an input heard.

/// What is asked for, one after the other: first clicks of our own, then notes of the instrument outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// A click from the output for the built-in sound.
    Click,
    /// A note by MIDI.
    Note,
}

/// Clicks, and notes, that are asked for.
pub const EACH: usize = 8;

/// Seconds from one to the next: notes ring out meanwhile.
pub const EVERY_S: f64 = 0.75;

/// Seconds of silence before the first: how loud the room is.
pub const SILENCE_S: f64 = 0.5;

/// Longest way back that is told from the next sound's, in seconds.
const LONGEST_S: f64 = 0.6;

/// An onset is where the sound first has this share of its peak.
const ONSET_SHARE: f32 = 0.1;

/// How much louder than the room a sound must be to count.
const ABOVE_ROOM: f32 = 4.0;

/// What no input is quieter than: -70 dB.
const FAINTEST: f32 = 0.000_316;

/// How long one way is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Way {
    /// The middle one of those that were heard, in milliseconds.
    pub millis: f64,
    /// The longest less the shortest, in milliseconds.
    pub spread: f64,
    /// How many were heard, of [`EACH`].
    pub heard: usize,
}

/// The sample at which a probe is asked for.
pub fn due(rate: f64, probe: Probe, nth: usize) -> usize {
    let before = if probe == Probe::Note { EACH } else { 0 };
    ((SILENCE_S + EVERY_S * (before + nth) as f64) * rate) as usize
}

/// Samples until all are asked for and heard.
pub fn length(rate: f64) -> usize {
    due(rate, Probe::Note, EACH)
}

/// How long the way of these probes is, from what was heard since the first sample; none where fewer than half came back.
pub fn way(heard: &[f32], rate: f64, probe: Probe) -> Option<Way> {
    let peak = |s: &[f32]| s.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let room = peak(&heard[..heard.len().min((SILENCE_S * rate) as usize)]);
    let mut ways: Vec<f64> = (0..EACH)
        .filter_map(|nth| {
            let from = due(rate, probe, nth);
            let sound = heard.get(from..heard.len().min(from + (LONGEST_S * rate) as usize))?;
            let loudest = peak(sound);
            let loud = loudest > (ABOVE_ROOM * room).max(FAINTEST);
            // What the sound before left over must not count as this one's beginning.
            let rest = peak(&heard[from.saturating_sub((0.01 * rate) as usize)..from]);
            let least = (ONSET_SHARE * loudest).max(2.0 * rest);
            let onset = sound.iter().position(|x| x.abs() >= least)?;
            loud.then_some(1_000.0 * onset as f64 / rate)
        })
        .collect();
    ways.sort_by(f64::total_cmp);
    let (first, last) = (ways.first()?, ways.last()?);
    let spread = last - first;
    (2 * ways.len() >= EACH).then(|| Way {
        millis: ways[ways.len() / 2],
        spread,
        heard: ways.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    /// Decaying tones that begin so many samples after each probe, over a room's noise.
    fn recording(probe: Probe, late: impl Fn(usize) -> Option<usize>, noise: f32) -> Vec<f32> {
        let mut dice = 1_u32;
        let mut heard: Vec<f32> = (0..length(RATE))
            .map(|_| {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise * (dice as f32 / u32::MAX as f32 * 2.0 - 1.0)
            })
            .collect();
        for nth in 0..EACH {
            let Some(late) = late(nth) else { continue };
            for n in 0..20_000 {
                if let Some(x) = heard.get_mut(due(RATE, probe, nth) + late + n) {
                    let t = n as f32 / RATE as f32;
                    *x += 0.3 * (-t * 12.0).exp() * (t * 440.0 * std::f32::consts::TAU).cos();
                }
            }
        }
        heard
    }

    #[test]
    fn a_way_is_found_to_the_sample() {
        for noise in [0.0, 0.003] {
            let heard = recording(Probe::Note, |nth| Some(480 + nth), noise);
            let way = way(&heard, RATE, Probe::Note).unwrap();
            assert!((way.millis - 10.0 - 4.0 / 48.0).abs() < 0.03, "{way:?}");
            assert!((way.spread - 7.0 / 48.0).abs() < 0.03 && way.heard == EACH, "{way:?}");
            assert_eq!(super::way(&heard, RATE, Probe::Click), None, "no clicks were heard");
        }
    }

    #[test]
    fn silence_noise_and_too_few_are_no_way() {
        assert_eq!(way(&[], RATE, Probe::Click), None);
        assert_eq!(way(&vec![0.0; length(RATE)], RATE, Probe::Click), None);
        assert_eq!(way(&recording(Probe::Click, |_| None, 0.01), RATE, Probe::Click), None);
        let few = recording(Probe::Click, |nth| (nth < 3).then_some(100), 0.0);
        assert_eq!(way(&few, RATE, Probe::Click), None);
        let most = recording(Probe::Click, |nth| (nth != 3).then_some(100), 0.0);
        assert_eq!(way(&most, RATE, Probe::Click).unwrap().heard, EACH - 1);
    }
}
