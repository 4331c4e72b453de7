//! The built-in synth: a sound for each part, chosen while it plays, in one room.

mod bass;
mod electric;
mod envelope;
mod felt;
mod lead;
mod pad;
mod patch;
mod sampler;
mod series;
mod tone;

use std::f32::consts::{FRAC_PI_4, TAU};

use fundsp::prelude32::{AudioUnit, limiter_stereo, reverb_stereo};

use crate::music::time::SampleRate;
use crate::standalone::Part;
use crate::standalone::sound_font::{SoundFont, SoundFontError};

use envelope::ratio;
pub use patch::{LOUDEST_DB, PartSound, Patch, Program, QUIETEST_DB, Sounds};
use sampler::Sampler;
use tone::{Block, Gate, Tone};

/// A polyphonic stereo synth with one sound for each part.
///
/// Memory is taken in [`Synth::new`] alone. `render` switches the calling thread to flushing denormal
/// numbers to zero (the reverb's doing), so give it a thread that does not also train or run models.
pub struct Synth {
    /// Samples a second.
    rate: f32,
    /// Every tone there can be. Slots past `MAX_SOUNDING` leave room for stolen tones to fade.
    tones: Box<[Tone]>,
    /// What plays a SoundFont's programs, by part; none without a SoundFont.
    samplers: Option<Box<[Sampler; 2]>>,
    /// Counts notes, so that the oldest tone can be told.
    strikes: u64,
    /// What new notes sound like, and how loud each part is to be.
    sounds: Sounds,
    /// How loud each part is by now.
    gains: [f32; 2],
    /// Whether the sustain pedal is down, by part.
    pedals: [bool; 2],
    /// Turns of the electric piano's stereo tremolo, 0 to 1.
    tremolo: f32,
    /// What a tone that was cut without a fade left behind, fading out: left and right.
    remains: [f32; 2],
    reverb: Box<dyn AudioUnit>,
    limiter: Box<dyn AudioUnit>,
}

/// Samples rendered at once; what the reverb takes at most.
const BLOCK: usize = fundsp::MAX_BUFFER_SIZE;
/// Tones that may sound before the next note steals one.
const MAX_SOUNDING: usize = 32;
/// Slots for tones. The surplus holds stolen tones for the milliseconds of their fade.
const SLOTS: usize = 48;
/// How far each part sits from the middle: 0 is the middle, 1 the edge.
const PAN: f32 = 0.3;
/// Seconds in which a part goes two thirds of its way to a new volume.
const VOLUME_S: f32 = 0.02;
/// Turns a second of the electric piano's tremolo.
const TREMOLO_HZ: f32 = 4.3;
/// How far the tremolo moves the electric piano, on the scale of [`PAN`].
const TREMOLO_DEPTH: f32 = 0.12;
/// Amplitude of the room under the dry sound.
const ROOM: f32 = 0.22;
/// Seconds that the limiter looks ahead, and by which all sound is late.
const LOOKAHEAD_S: f32 = 0.002;
/// Seconds in which the remains of a cut tone fade by 60 dB.
const REMAINS_S: f32 = 0.02;

impl Synth {
    /// A silent synth. Allocates: call it before the audio starts.
    pub fn new(rate: SampleRate) -> Self {
        let hertz = rate.hertz();
        let mut reverb: Box<dyn AudioUnit> = Box::new(reverb_stereo(11.0, 0.75, 0.65));
        let mut limiter: Box<dyn AudioUnit> = Box::new(limiter_stereo(LOOKAHEAD_S, 0.25));
        for unit in [&mut reverb, &mut limiter] {
            unit.set_sample_rate(hertz);
            unit.allocate();
        }
        // The limiter takes its memory while it fills for the first time.
        let mut silence = [0.0; 2];
        for _ in 0..=(hertz * f64::from(LOOKAHEAD_S)) as usize {
            limiter.tick(&[0.0; 2], &mut silence);
        }
        Self {
            rate: hertz as f32,
            tones: vec![Tone::silent(); SLOTS].into_boxed_slice(),
            samplers: None,
            strikes: 0,
            sounds: Sounds::default(),
            gains: [1.0; 2],
            pedals: [false; 2],
            tremolo: 0.0,
            remains: [0.0; 2],
            reverb,
            limiter,
        }
    }

    /// The same with a SoundFont, for whoever is to sound like one of its programs. Allocates.
    ///
    /// # Errors
    /// When SoundFonts can't be played at this rate.
    pub fn with_font(rate: SampleRate, font: &SoundFont) -> Result<Self, SoundFontError> {
        let samplers = [Sampler::new(font, rate)?, Sampler::new(font, rate)?];
        Ok(Self { samplers: Some(Box::new(samplers)), ..Self::new(rate) })
    }

    /// The SoundFont, if there is one.
    pub fn font(&self) -> Option<&SoundFont> {
        self.samplers.as_ref().map(|samplers| samplers[0].font())
    }

    /// The sounds of both parts.
    pub const fn sounds(&self) -> &Sounds {
        &self.sounds
    }

    /// Changes the sounds. What sounds goes on as it was; volumes glide. Audio thread. No allocation, lock or syscall.
    pub fn set_sounds(&mut self, sounds: Sounds) {
        self.sounds = sounds;
    }

    /// A key goes down. Velocity is 1 to 127; 0 is a note-off. A key that still sounds is released and
    /// struck anew. Audio thread. No allocation, lock or syscall.
    pub fn note_on(&mut self, part: Part, key: u8, velocity: u8) {
        if velocity == 0 {
            return self.note_off(part, key);
        }
        let key = key.min(127);
        for tone in self.tones.iter_mut().filter(|t| t.is(part, key)) {
            tone.release();
        }
        let patch = self.sounds.of(part).patch;
        if let Patch::Font(program) = patch {
            if let Some(samplers) = &mut self.samplers {
                samplers[part as usize].note_on(program, key, velocity.min(127));
            }
            return;
        }
        let slot = self.free_slot();
        self.strikes += 1;
        self.tones[slot] =
            Tone::strike(part, patch, key, velocity.min(127), self.strikes, self.rate);
    }

    /// A key goes up; with the pedal down the note sounds on. Audio thread. No allocation, lock or
    /// syscall.
    pub fn note_off(&mut self, part: Part, key: u8) {
        let pedal = self.pedals[part as usize];
        for tone in self.tones.iter_mut().filter(|t| t.is(part, key) && t.gate == Gate::Held) {
            if pedal { tone.gate = Gate::Pedalled } else { tone.release() }
        }
        // A note ends where it began, whatever the sounds are by now.
        if let Some(samplers) = &mut self.samplers {
            samplers[part as usize].note_off(key);
        }
    }

    /// The sustain pedal of one part moves. Audio thread. No allocation, lock or syscall.
    pub fn sustain(&mut self, part: Part, down: bool) {
        self.pedals[part as usize] = down;
        if let Some(samplers) = &mut self.samplers {
            samplers[part as usize].sustain(down);
        }
        if !down {
            let pedalled = |t: &&mut Tone| t.part == part && t.gate == Gate::Pedalled;
            self.tones.iter_mut().filter(pedalled).for_each(Tone::release);
        }
    }

    /// Lifts every key and pedal; the notes and the room ring out. Audio thread. No allocation, lock or
    /// syscall.
    pub fn all_off(&mut self) {
        self.pedals = [false; 2];
        self.tones.iter_mut().for_each(Tone::release);
        for sampler in self.samplers.as_deref_mut().into_iter().flatten() {
            sampler.all_off();
        }
    }

    /// Tones of our own that sound now, fading ones among them.
    pub fn sounding(&self) -> usize {
        self.tones.iter().filter(|t| t.gate != Gate::Silent).count()
    }

    /// Fills both channels, as far as the shorter one goes, with samples between -1 and 1. How the time is
    /// cut into calls does not change the sound. Audio thread. No allocation, lock or syscall.
    pub fn render(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.chunks_mut(BLOCK).zip(right.chunks_mut(BLOCK)) {
            self.render_block(left, right);
        }
    }

    /// At most [`BLOCK`] samples.
    fn render_block(&mut self, left: &mut [f32], right: &mut [f32]) {
        let count = left.len().min(right.len());
        let mut sway = [[1.0; 2]; BLOCK];
        for sway in &mut sway[..count] {
            *sway = pan_gains((self.tremolo * TAU).sin() * TREMOLO_DEPTH);
            self.tremolo = (self.tremolo + TREMOLO_HZ / self.rate).fract();
        }
        let mut buses = [Block::default(), Block::default()];
        for tone in self.tones.iter_mut().filter(|t| t.gate != Gate::Silent) {
            tone.add_to(&mut buses[tone.part as usize], &sway, count);
        }
        for (sampler, bus) in self.samplers.as_deref_mut().into_iter().flatten().zip(&mut buses) {
            sampler.add_to(bus, count);
        }

        let mut dry = Block::default();
        let volumes = [Part::Player, Part::Machine].map(|part| self.sounds.of(part).gain());
        let glide = 1.0 - (-1.0 / (VOLUME_S * self.rate)).exp();
        let fade = ratio(REMAINS_S, self.rate);
        let places = [Part::Player, Part::Machine].map(place);
        for i in 0..count {
            [dry.left[i], dry.right[i]] = self.remains;
            self.remains = self.remains.map(|r| r * fade);
            for (part, bus) in buses.iter().enumerate() {
                self.gains[part] += (volumes[part] - self.gains[part]) * glide;
                dry.left[i] += bus.left[i] * self.gains[part] * places[part][0];
                dry.right[i] += bus.right[i] * self.gains[part] * places[part][1];
            }
        }
        self.room_and_limit(&dry, &mut left[..count], &mut right[..count]);
    }

    fn room_and_limit(&mut self, dry: &Block, left: &mut [f32], right: &mut [f32]) {
        let mut wet = [0.0; 2];
        let mut out = [0.0; 2];
        for (i, (left, right)) in left.iter_mut().zip(right).enumerate() {
            let dry = [dry.left[i], dry.right[i]];
            self.reverb.tick(&dry, &mut wet);
            let mixed = [dry[0] + ROOM * wet[0], dry[1] + ROOM * wet[1]];
            self.limiter.tick(&mixed, &mut out);
            [*left, *right] = out.map(soft_clip);
        }
    }

    /// A slot for a new tone. Past [`MAX_SOUNDING`] one tone is told to fade quickly; with every slot
    /// taken the faintest is cut, and its last sample fades in its stead.
    fn free_slot(&mut self) -> usize {
        let lasting = self.tones.iter().filter(|t| t.lasts()).count();
        if lasting >= MAX_SOUNDING
            && let Some(tone) =
                self.tones.iter_mut().filter(|t| t.lasts()).min_by(|a, b| a.by_worth(b))
        {
            tone.fade();
        }
        let by_level = |a: &(usize, &Tone), b: &(usize, &Tone)| a.1.level().total_cmp(&b.1.level());
        let faintest = self.tones.iter().enumerate().min_by(by_level).map_or(0, |(slot, _)| slot);
        let cut = &self.tones[faintest];
        if cut.gate != Gate::Silent {
            let (place, gain) = (place(cut.part), self.gains[cut.part as usize]);
            self.remains[0] += cut.last[0] * gain * place[0];
            self.remains[1] += cut.last[1] * gain * place[1];
        }
        faintest
    }
}

/// Amplitudes left and right of a part.
fn place(part: Part) -> [f32; 2] {
    pan_gains(if part == Part::Player { -PAN } else { PAN })
}

/// Amplitudes left and right of a place from -1 to 1, of equal power everywhere, 1 in the middle.
fn pan_gains(place: f32) -> [f32; 2] {
    let angle = (place + 1.0) * FRAC_PI_4;
    [angle.cos() * std::f32::consts::SQRT_2, angle.sin() * std::f32::consts::SQRT_2]
}

/// Straight up to 0.9, then bending towards 0.99, which it never reaches. What is not a number is silence.
fn soft_clip(sample: f32) -> f32 {
    const KNEE: f32 = 0.9;
    const ROOM_ABOVE: f32 = 0.09;
    let size = sample.abs();
    if size <= KNEE {
        sample
    } else if size.is_nan() {
        0.0
    } else {
        (KNEE + ROOM_ABOVE * ((size - KNEE) / ROOM_ABOVE).tanh()).copysign(sample)
    }
}

#[cfg(test)]
mod tests;
