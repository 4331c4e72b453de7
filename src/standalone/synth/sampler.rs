//! The sound of one part from a SoundFont.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustysynth::{Synthesizer, SynthesizerSettings};

use crate::music::time::SampleRate;
use crate::standalone::sound_font::{SoundFont, SoundFontError};

use super::patch::Program;
use super::tone::Block;

/// A synthesizer that plays programs of a SoundFont.
pub(super) struct Sampler {
    synth: Synthesizer,
    font: SoundFont,
    /// Whether it failed once, and is silent since.
    is_dead: bool,
}

/// Samples by which notes may be late, and in which their gain moves in a straight line: a third of a millisecond.
const STEP: usize = 16;
/// Recordings that sound at once; most notes have one for each side.
const VOICES: usize = 96;
/// By this a General MIDI piano is about as loud as the sounds of our own.
const GAIN: f32 = 2.0;
/// The synthesizer moves a gain in steps where they are smaller than a thousandth, and a release would be a staircase. So it
/// works at this many times the level, and its steps are as much smaller.
const HEADROOM: f32 = 64.0;
/// The largest sample that is let through: a filter that rings more is none.
const LOUDEST: f32 = 4.0;
/// The one MIDI channel that is used.
const CHANNEL: i32 = 0;

impl Sampler {
    /// A silent one. Allocates.
    pub(super) fn new(font: &SoundFont, rate: SampleRate) -> Result<Self, SoundFontError> {
        let mut settings = SynthesizerSettings::new(rate.hertz().round() as i32);
        settings.block_size = STEP;
        settings.maximum_polyphony = VOICES;
        // The room is ours, for both parts.
        settings.enable_reverb_and_chorus = false;
        let mut synth =
            Synthesizer::new(&font.font, &settings).map_err(|e| font.failed(e.to_string()))?;
        synth.set_master_volume(HEADROOM);
        Ok(Self { synth, font: font.clone(), is_dead: false })
    }

    pub(super) fn font(&self) -> &SoundFont {
        &self.font
    }

    /// A key goes down; velocity is 1 to 127. A key that still sounds is released and struck anew.
    pub(super) fn note_on(&mut self, program: Program, key: u8, velocity: u8) {
        if !self.font.has(program, key) {
            return;
        }
        let (bank, number) = (i32::from(program.bank), i32::from(program.number));
        self.guarded(|synth| {
            synth.note_off(CHANNEL, key.into());
            synth.process_midi_message(CHANNEL, 0xb0, 0x00, bank);
            synth.process_midi_message(CHANNEL, 0xc0, number, 0);
            synth.note_on(CHANNEL, key.into(), velocity.into());
        });
    }

    pub(super) fn note_off(&mut self, key: u8) {
        self.guarded(|synth| synth.note_off(CHANNEL, key.into()));
    }

    pub(super) fn sustain(&mut self, down: bool) {
        let value = if down { 127 } else { 0 };
        self.guarded(|synth| synth.process_midi_message(CHANNEL, 0xb0, 0x40, value));
    }

    /// Lifts every key and the pedal.
    pub(super) fn all_off(&mut self) {
        self.sustain(false);
        self.guarded(|synth| synth.note_off_all(false));
    }

    /// Adds its next `count` samples to `bus`.
    pub(super) fn add_to(&mut self, bus: &mut Block, count: usize) {
        let mut own = Block::default();
        let (left, right) = (&mut own.left[..count], &mut own.right[..count]);
        self.guarded(|synth| synth.render(left, right));
        for (sum, sample) in [(&mut bus.left, own.left), (&mut bus.right, own.right)] {
            for (sum, sample) in sum.iter_mut().zip(sample).take(count) {
                // What a hostile filter makes must not reach the room, which would never forget it.
                let sample = if sample.is_finite() { GAIN / HEADROOM * sample } else { 0.0 };
                *sum += sample.clamp(-LOUDEST, LOUDEST);
            }
        }
    }

    /// The file was checked so that nothing here fails; should it all the same, a part falls silent and the music goes on.
    fn guarded(&mut self, work: impl FnOnce(&mut Synthesizer)) {
        if !self.is_dead {
            let synth = &mut self.synth;
            self.is_dead = catch_unwind(AssertUnwindSafe(|| work(synth))).is_err();
        }
    }
}
