//! One sounding note: who struck it, how it is held, and its sound.

use std::cmp::Ordering;

use crate::standalone::Part;

use super::bass::Bass;
use super::electric::Electric;
use super::envelope::Envelope;
use super::felt::Felt;
use super::lead::Lead;
use super::pad::Pad;
use super::patch::Patch;

/// A stereo stretch of sound that tones add themselves to.
pub(super) struct Block {
    pub(super) left: [f32; super::BLOCK],
    pub(super) right: [f32; super::BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self { left: [0.0; super::BLOCK], right: [0.0; super::BLOCK] }
    }
}

/// What keeps a tone sounding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    /// Nothing: the slot is free.
    Silent,
    /// The key is down.
    Held,
    /// The key is up, the pedal down.
    Pedalled,
    /// It rings out.
    Released,
    /// It was stolen and goes in milliseconds.
    Stolen,
}

/// One note of the synth.
#[derive(Clone, Copy)]
pub(super) struct Tone {
    pub(super) part: Part,
    pub(super) key: u8,
    pub(super) gate: Gate,
    /// The last sample, left and right, before panning: what is left hanging if the slot is reused.
    pub(super) last: [f32; 2],
    /// The number of its strike; a lower one is older.
    strike: u64,
    /// Full amplitude, by velocity and key.
    gain: f32,
    /// Samples a second.
    rate: f32,
    /// Seconds in which it falls by 60 dB once it is released.
    release_s: f32,
    envelope: Envelope,
    sound: Sound,
}

#[derive(Clone, Copy)]
enum Sound {
    Electric(Electric),
    Felt(Felt),
    Pad(Pad),
    Bass(Bass),
    Lead(Lead),
}

/// Seconds in which a stolen tone falls by 60 dB.
const STEAL_S: f32 = 0.03;

impl Tone {
    /// An empty slot.
    pub(super) fn silent() -> Self {
        Self {
            gate: Gate::Silent,
            ..Self::strike(Part::Player, Patch::ElectricPiano, 60, 1, 0, 48_000.0)
        }
    }

    /// A new note. Velocity is 1 to 127. A SoundFont's programs are the sampler's;
    /// as a tone they would be a felt piano.
    pub(super) fn strike(
        part: Part,
        patch: Patch,
        key: u8,
        velocity: u8,
        strike: u64,
        rate: f32,
    ) -> Self {
        let hertz = 440.0 * ((f32::from(key) - 69.0) / 12.0).exp2();
        let force = f32::from(velocity) / 127.0;
        let (gain, release_s, envelope, sound) = match patch {
            Patch::ElectricPiano => (
                Electric::GAIN,
                Electric::RELEASE_S,
                Electric::envelope(key, rate),
                Sound::Electric(Electric::new(key, hertz, force, rate)),
            ),
            Patch::FeltPiano | Patch::Font(_) => (
                Felt::GAIN,
                Felt::RELEASE_S,
                Felt::envelope(key, force, rate),
                Sound::Felt(Felt::new(key, hertz, force, rate)),
            ),
            Patch::Pad => (
                Pad::GAIN,
                Pad::RELEASE_S,
                Pad::envelope(force, rate),
                Sound::Pad(Pad::new(hertz, force, rate)),
            ),
            Patch::Bass => (
                Bass::GAIN,
                Bass::RELEASE_S,
                Bass::envelope(rate),
                Sound::Bass(Bass::new(hertz, force, rate)),
            ),
            Patch::Lead => (
                Lead::GAIN,
                Lead::RELEASE_S,
                Lead::envelope(force, rate),
                Sound::Lead(Lead::new(hertz, force, rate)),
            ),
        };
        let gain = gain * (0.05 + 0.95 * force.powf(1.5));
        let (gate, last) = (Gate::Held, [0.0; 2]);
        Self { part, key, gate, last, strike, gain, rate, release_s, envelope, sound }
    }

    /// Whether it is this note and not yet on its way out.
    pub(super) fn is(&self, part: Part, key: u8) -> bool {
        self.part == part && self.key == key && matches!(self.gate, Gate::Held | Gate::Pedalled)
    }

    /// Whether it takes one of the places that count: it sounds and was not stolen.
    pub(super) fn lasts(&self) -> bool {
        !matches!(self.gate, Gate::Silent | Gate::Stolen)
    }

    /// The tone that may go first is the least: released before held, then the older.
    pub(super) fn by_worth(&self, other: &Self) -> Ordering {
        let held = |t: &Self| t.gate != Gate::Released;
        held(self).cmp(&held(other)).then(self.strike.cmp(&other.strike))
    }

    /// Lets it ring out; a tone that already does is left alone.
    pub(super) fn release(&mut self) {
        if matches!(self.gate, Gate::Held | Gate::Pedalled) {
            self.gate = Gate::Released;
            self.envelope.release(self.release_s, self.rate);
        }
    }

    /// Ends it within milliseconds, without a click.
    pub(super) fn fade(&mut self) {
        self.gate = Gate::Stolen;
        self.envelope.release(STEAL_S, self.rate);
    }

    /// The amplitude that it has at most; 0 for an empty slot.
    pub(super) fn level(&self) -> f32 {
        if self.gate == Gate::Silent { 0.0 } else { self.gain * self.envelope.level() }
    }

    /// Adds its next `count` samples to `bus`, and frees the slot when it is over. `sway` is the electric piano's
    /// tremolo, as amplitudes of both sides.
    pub(super) fn add_to(&mut self, bus: &mut Block, sway: &[[f32; 2]], count: usize) {
        let sides = bus.left.iter_mut().zip(&mut bus.right);
        for ((left, right), sway) in sides.zip(sway).take(count) {
            let gain = self.gain * self.envelope.next();
            let sample = match &mut self.sound {
                Sound::Electric(electric) => {
                    let sample = electric.next();
                    sway.map(|side| side * sample)
                }
                Sound::Felt(felt) => felt.next(),
                Sound::Pad(pad) => pad.next(),
                Sound::Bass(bass) => [bass.next(); 2],
                Sound::Lead(lead) => lead.next(),
            };
            self.last = sample.map(|s| s * gain);
            *left += self.last[0];
            *right += self.last[1];
        }
        if self.envelope.is_over() {
            self.gate = Gate::Silent;
        }
    }
}
