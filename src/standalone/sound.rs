//! What a performance sounds like: its events through the built-in synth, a block at a time.

use crate::music::event::{Midi, TimedMidi};
use crate::music::time::SampleRate;
use crate::standalone::Part;
use crate::standalone::performance::PLAYER;
use crate::standalone::synth::{Patch, Sounds, Synth};

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
        Self::of(Synth::new(rate))
    }

    /// What a synth sounds like.
    pub const fn of(synth: Synth) -> Self {
        Self { synth, left: Vec::new(), right: Vec::new() }
    }

    /// The sounds of both parts.
    pub const fn sounds(&self) -> &Sounds {
        self.synth.sounds()
    }

    /// Changes them. Audio thread. No allocation, lock or system call.
    pub fn set(&mut self, sounds: Sounds) {
        self.synth.set_sounds(sounds);
    }

    /// All that a part can sound like: the programs of the SoundFont, if there is one, and our own.
    pub fn patches(&self) -> Vec<Patch> {
        let programs = self.synth.font().map(|font| font.programs().map(|(p, _)| Patch::Font(p)));
        programs.into_iter().flatten().chain(Patch::BUILT_IN).collect()
    }

    /// The sound of a block: left and right. Allocates when a block is larger than all before it.
    pub fn render(&mut self, frames: u32, events: &[TimedMidi]) -> (&[f32], &[f32]) {
        let frames = frames as usize;
        self.left.resize(frames, 0.0);
        self.right.resize(frames, 0.0);
        play(&mut self.synth, events, &mut self.left, &mut self.right);
        (&self.left, &self.right)
    }

    /// The same into the caller's room; both sides have the same length.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn play(&mut self, events: &[TimedMidi], left: &mut [f32], right: &mut [f32]) {
        play(&mut self.synth, events, left, right);
    }
}

fn play(synth: &mut Synth, events: &[TimedMidi], left: &mut [f32], right: &mut [f32]) {
    let frames = left.len().min(right.len());
    let mut done = 0;
    for event in events {
        let until = (event.offset as usize).min(frames);
        if until > done {
            synth.render(&mut left[done..until], &mut right[done..until]);
            done = until;
        }
        strike(synth, event.midi);
    }
    if frames > done {
        synth.render(&mut left[done..frames], &mut right[done..frames]);
    }
}

fn strike(synth: &mut Synth, midi: Midi) {
    let part = |channel| if channel == PLAYER { Part::Player } else { Part::Machine };
    match midi {
        Midi::NoteOn { channel, key, velocity } => synth.note_on(part(channel), key, velocity),
        Midi::NoteOff { channel, key, .. } => synth.note_off(part(channel), key),
        Midi::Control { channel, controller: SUSTAIN, value } => {
            synth.sustain(part(channel), value >= 64);
        }
        _ => {}
    }
}
