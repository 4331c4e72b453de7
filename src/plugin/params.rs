//! The parameters that hosts show, automate and save, and what they mean to the engine.
//!
//! Their ids are the names of the settings in preset files and never change: saved songs find their values
//! by them.

use std::sync::Arc;

use nice_plug::params::InternalParamMut;
use nice_plug::prelude::{
    BoolParam, EnumParam, FloatParam, FloatRange, IntParam, IntRange, Params,
};

use crate::link::settings::{Grid, MAX_STYLE, Mode, Settings};
use crate::model::device::DeviceChoice;
use crate::music::event::Channel;
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::Scale;
use crate::music::time::Tempo;
use crate::plugin::menu::Menu;
use crate::plugin::state::Saved;

mod text;
#[cfg(feature = "window")]
mod touch;

#[cfg(feature = "window")]
pub(crate) use touch::Gesture;

/// Everything that a host can set, and what it keeps for us in its songs.
///
/// Read by every thread: each value is an atomic.
#[derive(Params)]
pub(crate) struct SidemanParams {
    /// What is saved beside the parameters.
    #[persist = "sideman"]
    pub(crate) saved: Saved,

    /// A place in the [`Menu`].
    #[id = "preset"]
    pub(crate) preset: IntParam,
    /// Keeps the settings as a preset at the moment when it is switched on.
    #[id = "save-preset"]
    pub(crate) save_preset: BoolParam,
    /// Forgets what was picked up from the player at the moment when it is switched on.
    #[id = "forget"]
    pub(crate) forget: BoolParam,
    #[id = "mode"]
    mode: EnumParam<Mode>,
    /// 0 is none.
    #[id = "style"]
    style: IntParam,
    #[id = "follow-style"]
    follow_style: BoolParam,
    #[id = "active"]
    active: BoolParam,
    #[id = "temperature"]
    temperature: FloatParam,
    #[id = "top-p"]
    top_p: FloatParam,
    #[id = "density"]
    density: FloatParam,
    #[id = "repeat-guard"]
    repeat_guard: FloatParam,
    #[id = "learning"]
    learning: FloatParam,
    #[id = "register-low"]
    register_low: IntParam,
    #[id = "register-high"]
    register_high: IntParam,
    #[id = "polyphony"]
    polyphony: IntParam,
    #[id = "key"]
    key: IntParam,
    #[id = "scale"]
    scale: EnumParam<Scale>,
    #[id = "follow-key"]
    follow_key: BoolParam,
    #[id = "chord-lock"]
    chord_lock: BoolParam,
    #[id = "grid"]
    grid: EnumParam<Grid>,
    #[id = "swing"]
    swing: FloatParam,
    #[id = "humanise"]
    humanise: FloatParam,
    #[id = "velocity-follow"]
    velocity_follow: FloatParam,
    #[id = "follow-energy"]
    follow_energy: FloatParam,
    #[id = "note-length"]
    note_length: FloatParam,
    #[id = "freeze"]
    freeze: BoolParam,
    #[id = "hold"]
    hold: BoolParam,
    #[id = "reaction"]
    reaction: IntParam,
    #[id = "phrase-gap"]
    phrase_gap: IntParam,
    #[id = "trade-bars"]
    trade_bars: IntParam,
    #[id = "machine-first"]
    machine_first: BoolParam,
    #[id = "voices"]
    voices: IntParam,
    #[id = "seed"]
    seed: IntParam,
    #[id = "tempo"]
    tempo: FloatParam,
    #[id = "follow-tempo"]
    follow_tempo: BoolParam,
    /// Each time it is switched on, a beat is tapped.
    #[id = "tap"]
    pub(crate) tap: BoolParam,
    /// 0 is every channel, else 1 to 16.
    #[id = "input-channel"]
    input: IntParam,
    /// 1 to 16.
    #[id = "output-channel"]
    output: IntParam,
    #[id = "thru"]
    thru: BoolParam,
    #[id = "key-switches"]
    key_switches: BoolParam,
    #[id = "device"]
    pub(crate) device: EnumParam<DeviceChoice>,
    /// Silences everything at the moment when it is switched on.
    #[id = "panic"]
    pub(crate) panic: BoolParam,
    /// The host's own bypass switch.
    #[id = "bypass"]
    bypass: BoolParam,
    /// Whether blocks may wait for the model though the host does not say that it renders.
    #[id = "render"]
    pub(crate) render: BoolParam,
}

/// As many seeds as preset files have; the 32-bit floats of hosts still tell them apart.
const SEED_MAX: i32 = 65_535;

impl SidemanParams {
    /// Parameters that start at the settings' own defaults.
    pub(crate) fn new(saved: Saved, menu: &Arc<Menu>) -> Self {
        let start = Settings::default();
        let switch = |name: &str, is_on| BoolParam::new(name, is_on);
        Self {
            saved,
            preset: text::menu(int("Preset", 0, 0, menu.last().max(1)), menu).non_automatable(),
            save_preset: switch("Save as a preset", false).non_automatable(),
            forget: switch("Forget what it learnt", false).non_automatable(),
            mode: EnumParam::new("Mode", start.mode),
            style: text::word_or_number(
                int("Style of the model", start.style.into(), 0, MAX_STYLE.into()),
                "The model's own",
            ),
            follow_style: switch("Follow the style that is heard", start.follow_style),
            active: switch("Sideman plays", start.active),
            temperature: text::plain(float("Temperature", start.temperature, 0.05, 2.0), 2),
            top_p: text::percent(float("Choose from the likeliest", start.top_p, 0.05, 1.0)),
            density: text::percent(float("Note density", start.density, -1.0, 1.0)),
            repeat_guard: text::percent(float("Avoid repeats", start.repeat_guard, 0.0, 1.0)),
            learning: text::percent(float("Learn from me", start.learning, 0.0, 1.0)),
            register_low: text::pitch(register("Lowest note", start.register_low)),
            register_high: text::pitch(register("Highest note", start.register_high)),
            polyphony: int("Notes at once", start.polyphony.into(), 1, 16),
            key: text::pitch_class(int("Key", start.key.number().into(), 0, 11)),
            scale: EnumParam::new("Scale", start.scale),
            follow_key: switch("Follow the key that is heard", start.follow_key),
            chord_lock: switch("Keep to the chord that is held", start.chord_lock),
            grid: EnumParam::new("Grid", start.grid),
            swing: text::percent(float("Swing", start.swing, 0.0, 1.0)),
            humanise: text::percent(float("Humanise", start.humanise, 0.0, 1.0)),
            velocity_follow: text::percent(float(
                "Follow my dynamics",
                start.velocity_follow,
                0.0,
                1.0,
            )),
            follow_energy: text::percent(float("Follow my energy", start.follow_energy, 0.0, 1.0)),
            note_length: text::percent(float("Note length", start.note_length, 0.1, 2.0)),
            freeze: switch("Freeze the last two bars", start.freeze),
            hold: switch("Hold what sounds", start.hold),
            reaction: text::beats(int("Reaction time", start.reaction.into(), 0, 12)),
            phrase_gap: text::beats(int("Phrase ends after", start.phrase_gap.into(), 3, 96)),
            trade_bars: int("Trade bars", start.trade_bars.into(), 1, 16),
            machine_first: switch("Sideman trades first", start.machine_first),
            voices: int("Harmony voices", start.voices.into(), 1, 4),
            seed: int("Random seed", start.seed.try_into().unwrap_or(1), 0, SEED_MAX),
            tempo: text::plain(
                float("Tempo without a host's", start.tempo.beats_per_minute() as f32, 20.0, 400.0),
                1,
            )
            .with_unit(" BPM"),
            follow_tempo: switch("Follow the tempo without a host's", start.follow_tempo),
            tap: switch("Tap a beat", false),
            input: text::word_or_number(
                int("Listen to channel", start.input.map_or(0, user_channel), 0, 16),
                "All",
            ),
            output: int("Play on channel", user_channel(start.output), 1, 16),
            thru: switch("Pass my playing on", start.thru),
            key_switches: switch("Low keys choose the mode", start.key_switches),
            device: EnumParam::new("Device", DeviceChoice::default()).non_automatable(),
            panic: switch("Panic: silence everything", false),
            bypass: switch("Bypass", false).make_bypass(),
            render: switch("Rendering: wait for the model", false).non_automatable(),
        }
    }

    /// What the parameters mean to the engine at this moment.
    ///
    /// Any thread. No allocation, lock or system call.
    pub(crate) fn settings(&self) -> Settings {
        let bypass = self.bypass.value();
        Settings {
            mode: self.mode.value(),
            style: small(self.style.value()),
            follow_style: self.follow_style.value(),
            temperature: self.temperature.value(),
            top_p: self.top_p.value(),
            density: self.density.value(),
            repeat_guard: self.repeat_guard.value(),
            learning: self.learning.value(),
            register_low: Pitch::new(small(self.register_low.value())),
            register_high: Pitch::new(small(self.register_high.value())),
            polyphony: small(self.polyphony.value()),
            key: PitchClass::new(small(self.key.value())),
            scale: self.scale.value(),
            follow_key: self.follow_key.value(),
            chord_lock: self.chord_lock.value(),
            grid: self.grid.value(),
            swing: self.swing.value(),
            humanise: self.humanise.value(),
            velocity_follow: self.velocity_follow.value(),
            follow_energy: self.follow_energy.value(),
            note_length: self.note_length.value(),
            freeze: self.freeze.value(),
            hold: self.hold.value(),
            reaction: small(self.reaction.value()),
            phrase_gap: small(self.phrase_gap.value()),
            trade_bars: small(self.trade_bars.value()),
            machine_first: self.machine_first.value(),
            voices: small(self.voices.value()),
            seed: self.seed.value().try_into().unwrap_or(0),
            tempo: Tempo::new(self.tempo.value().into()),
            follow_tempo: self.follow_tempo.value(),
            input: (self.input.value() > 0).then(|| channel_of(self.input.value())),
            output: channel_of(self.output.value()),
            thru: self.thru.value() || bypass,
            active: self.active.value() && !bypass,
            key_switches: self.key_switches.value(),
        }
        .sane()
    }

    /// Makes these the settings, as a preset does. Where Sideman listens and plays, how, and in whose time is
    /// the song's business: it stays, unless the preset says something of it.
    ///
    /// Any thread but the audio thread.
    pub(crate) fn adopt(&self, s: &Settings) {
        let start = Settings::default();
        put(&self.mode, s.mode);
        put(&self.style, s.style.into());
        put(&self.follow_style, s.follow_style);
        put(&self.temperature, s.temperature);
        put(&self.top_p, s.top_p);
        put(&self.density, s.density);
        put(&self.repeat_guard, s.repeat_guard);
        put(&self.learning, s.learning);
        put(&self.register_low, s.register_low.number().into());
        put(&self.register_high, s.register_high.number().into());
        put(&self.polyphony, s.polyphony.into());
        put(&self.key, s.key.number().into());
        put(&self.scale, s.scale);
        put(&self.follow_key, s.follow_key);
        put(&self.chord_lock, s.chord_lock);
        put(&self.grid, s.grid);
        put(&self.swing, s.swing);
        put(&self.humanise, s.humanise);
        put(&self.velocity_follow, s.velocity_follow);
        put(&self.follow_energy, s.follow_energy);
        put(&self.note_length, s.note_length);
        put(&self.freeze, s.freeze);
        put(&self.hold, s.hold);
        put(&self.reaction, s.reaction.into());
        put(&self.phrase_gap, s.phrase_gap.into());
        put(&self.trade_bars, s.trade_bars.into());
        put(&self.machine_first, s.machine_first);
        put(&self.voices, s.voices.into());
        put(&self.seed, i32::try_from(s.seed).unwrap_or(SEED_MAX).min(SEED_MAX));
        if s.active != start.active {
            put(&self.active, s.active);
        }
        if s.tempo != start.tempo {
            put(&self.tempo, s.tempo.beats_per_minute() as f32);
        }
        if s.follow_tempo != start.follow_tempo {
            put(&self.follow_tempo, s.follow_tempo);
        }
        if s.input != start.input {
            put(&self.input, s.input.map_or(0, user_channel));
        }
        if s.output != start.output {
            put(&self.output, user_channel(s.output));
        }
        if s.thru != start.thru {
            put(&self.thru, s.thru);
        }
        if s.key_switches != start.key_switches {
            put(&self.key_switches, s.key_switches);
        }
    }

    /// The numbers by id.
    pub(crate) fn ints(&self) -> [(&'static str, &IntParam); 13] {
        [
            ("preset", &self.preset),
            ("style", &self.style),
            ("register-low", &self.register_low),
            ("register-high", &self.register_high),
            ("polyphony", &self.polyphony),
            ("key", &self.key),
            ("reaction", &self.reaction),
            ("phrase-gap", &self.phrase_gap),
            ("trade-bars", &self.trade_bars),
            ("voices", &self.voices),
            ("seed", &self.seed),
            ("input-channel", &self.input),
            ("output-channel", &self.output),
        ]
    }

    /// The fractions by id.
    pub(crate) fn floats(&self) -> [(&'static str, &FloatParam); 11] {
        [
            ("temperature", &self.temperature),
            ("top-p", &self.top_p),
            ("density", &self.density),
            ("repeat-guard", &self.repeat_guard),
            ("learning", &self.learning),
            ("swing", &self.swing),
            ("humanise", &self.humanise),
            ("velocity-follow", &self.velocity_follow),
            ("follow-energy", &self.follow_energy),
            ("note-length", &self.note_length),
            ("tempo", &self.tempo),
        ]
    }
}

/// Sets a parameter where no host does.
#[expect(unsafe_code, reason = "the framework has no safe way without an editor")]
pub(crate) fn put<P: InternalParamMut>(param: &P, value: P::Plain) {
    // SAFETY: all that a parameter holds is atomic, and the framework itself writes it from the thread that loads a
    // state while the audio thread reads. None of ours has a smoother or a callback.
    unsafe { param._internal_set_plain_value(value) };
}

fn float(name: &str, start: f32, min: f32, max: f32) -> FloatParam {
    FloatParam::new(name, start, FloatRange::Linear { min, max })
}

fn int(name: &str, start: i32, min: i32, max: i32) -> IntParam {
    IntParam::new(name, start, IntRange::Linear { min, max })
}

fn register(name: &str, start: Pitch) -> IntParam {
    let (low, high) = (Pitch::PIANO_LOW.number(), Pitch::PIANO_HIGH.number());
    int(name, start.number().into(), low.into(), high.into())
}

fn small(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// The channel that users call `number`.
fn channel_of(number: i32) -> Channel {
    Channel::new(small(number.saturating_sub(1)))
}

fn user_channel(channel: Channel) -> i32 {
    i32::from(channel.index()) + 1
}

#[cfg(test)]
mod tests;
