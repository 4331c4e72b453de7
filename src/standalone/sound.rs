//! What a performance sounds like: its events through the built-in synth, a block at a time.

use crate::music::event::{Midi, TimedMidi};
use crate::music::time::SampleRate;
use crate::standalone::Part;
use crate::standalone::performance::PLAYER;
use crate::standalone::synth::Synth;

/// The controller of the sustain pedal.
const SUSTAIN: u8 = 64;

/// The synth and room for a block of its sound.
pub struct Sound {
    synth: Synth,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Sound {
    /// Silence. Allocates.
    pub fn new(rate: SampleRate) -> Self {
        Self { synth: Synth::new(rate), left: Vec::new(), right: Vec::new() }
    }

    /// The sound of a block: left and right. Allocates when a block is larger than all before it.
    pub fn render(&mut self, frames: u32, events: &[TimedMidi]) -> (&[f32], &[f32]) {
        let frames = frames as usize;
        self.left.resize(frames, 0.0);
        self.right.resize(frames, 0.0);
        let mut done = 0;
        for event in events {
            let until = (event.offset as usize).min(frames);
            if until > done {
                self.synth.render(&mut self.left[done..until], &mut self.right[done..until]);
                done = until;
            }
            self.play(event.midi);
        }
        if frames > done {
            self.synth.render(&mut self.left[done..], &mut self.right[done..]);
        }
        (&self.left, &self.right)
    }

    fn play(&mut self, midi: Midi) {
        let part = |channel| if channel == PLAYER { Part::Player } else { Part::Machine };
        match midi {
            Midi::NoteOn { channel, key, velocity } => {
                self.synth.note_on(part(channel), key, velocity);
            }
            Midi::NoteOff { channel, key, .. } => self.synth.note_off(part(channel), key),
            Midi::Control { channel, controller: SUSTAIN, value } => {
                self.synth.sustain(part(channel), value >= 64);
            }
            _ => {}
        }
    }
}
