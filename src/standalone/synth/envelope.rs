//! The loudness of a tone over time: a smooth attack, a natural decay, a release from wherever it is.

/// Gain from the strike to silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    /// How far the attack is, 0 to 1.
    attack: f32,
    /// What a sample adds to `attack`.
    attack_step: f32,
    /// The decaying gain, 1 at the strike.
    decay: f32,
    /// What a sample multiplies `decay` by.
    decay_ratio: f32,
    /// The gain that a held note decays to.
    sustain: f32,
    /// The gain of the release, 1 until the key goes up.
    release: f32,
    /// What a sample multiplies `release` by; 1 until the key goes up.
    release_ratio: f32,
}

/// Below this gain (-100 dB) a tone is over.
const FLOOR: f32 = 1e-5;

impl Envelope {
    /// An attack in seconds, and the seconds in which a held note falls by 60 dB.
    pub(super) fn new(attack_s: f32, decay_s: f32, rate: f32) -> Self {
        Self {
            attack: 0.0,
            attack_step: 1.0 / (attack_s * rate).max(1.0),
            decay: 1.0,
            decay_ratio: ratio(decay_s, rate),
            sustain: 0.0,
            release: 1.0,
            release_ratio: 1.0,
        }
    }

    /// The same, but a held note decays to the gain `sustain` and stays there.
    pub(super) fn sustained(self, sustain: f32) -> Self {
        Self { sustain, ..self }
    }

    /// From now on the gain falls by 60 dB every `seconds`, if it does not already fall faster.
    pub(super) fn release(&mut self, seconds: f32, rate: f32) {
        self.release_ratio = self.release_ratio.min(ratio(seconds, rate));
    }

    /// The gain of the next sample.
    pub(super) fn next(&mut self) -> f32 {
        let rise = self.attack * self.attack * (3.0 - 2.0 * self.attack);
        let gain = rise * self.level();
        self.attack = (self.attack + self.attack_step).min(1.0);
        self.decay *= self.decay_ratio;
        self.release *= self.release_ratio;
        gain
    }

    /// The gain that the decay and the release leave, whatever the attack says.
    pub(super) fn level(&self) -> f32 {
        (self.sustain + (1.0 - self.sustain) * self.decay) * self.release
    }

    /// Whether nothing will be heard any more.
    pub(super) fn is_over(&self) -> bool {
        self.level() < FLOOR
    }
}

/// What to multiply by each sample to fall by 60 dB in `seconds`.
pub(super) fn ratio(seconds: f32, rate: f32) -> f32 {
    1e-3_f32.powf(1.0 / (seconds * rate).max(1.0))
}
