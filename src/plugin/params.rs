//! The parameters that hosts show, automate and save, and what they mean to the engine.
//!
//! Their ids never change: saved songs find their values by them.

use std::sync::Arc;

use nice_plug::formatters;
use nice_plug::prelude::{
    BoolParam, EnumParam, FloatParam, FloatRange, IntParam, IntRange, Params,
};

use crate::link::settings::{Mode, Settings};
use crate::music::event::Channel;
use crate::music::pitch::{Pitch, PitchClass};
use crate::music::scale::Scale;
use crate::music::time::{TICKS_PER_BEAT, Tempo};
use crate::plugin::state::Saved;

/// Everything that a host can set, and what it keeps for us in its songs.
///
/// Read by every thread: each value is an atomic.
#[derive(Params)]
pub(crate) struct SidemanParams {
    /// What is saved beside the parameters.
    #[persist = "sideman"]
    pub(crate) saved: Saved,

    #[id = "mode"]
    pub(crate) mode: EnumParam<Mode>,
    #[id = "active"]
    pub(crate) active: BoolParam,
    #[id = "temp"]
    pub(crate) temperature: FloatParam,
    #[id = "top-p"]
    pub(crate) top_p: FloatParam,
    #[id = "dens"]
    pub(crate) density: FloatParam,
    #[id = "low"]
    pub(crate) register_low: IntParam,
    #[id = "high"]
    pub(crate) register_high: IntParam,
    #[id = "voices"]
    pub(crate) polyphony: IntParam,
    #[id = "key"]
    pub(crate) key: IntParam,
    #[id = "scale"]
    pub(crate) scale: EnumParam<Scale>,
    #[id = "seed"]
    pub(crate) seed: IntParam,
    #[id = "react"]
    pub(crate) reaction: IntParam,
    #[id = "gap"]
    pub(crate) phrase_gap: IntParam,
    #[id = "tempo"]
    pub(crate) tempo: FloatParam,
    /// 0 is every channel, else 1 to 16.
    #[id = "in-ch"]
    pub(crate) input: IntParam,
    /// 1 to 16.
    #[id = "out-ch"]
    pub(crate) output: IntParam,
    #[id = "thru"]
    pub(crate) thru: BoolParam,
    /// Silences everything at the moment when it is switched on.
    #[id = "panic"]
    pub(crate) panic: BoolParam,
    /// The host's own bypass switch.
    #[id = "bypass"]
    pub(crate) bypass: BoolParam,
    /// Whether the block loop may wait for the model though the host does not say that it renders.
    #[id = "render"]
    pub(crate) render: BoolParam,
}

/// As many seeds as there are by name; the 32-bit floats of hosts still tell them apart.
const SEED_MAX: i32 = 65_535;

impl SidemanParams {
    /// Parameters that start at the settings' own defaults.
    pub(crate) fn new(saved: Saved) -> Self {
        let start = Settings::default();
        let float = |name: &str, value: f32, min: f32, max: f32| {
            FloatParam::new(name, value, FloatRange::Linear { min, max })
        };
        let int = |name: &str, value: i32, min: i32, max: i32| {
            IntParam::new(name, value, IntRange::Linear { min, max })
        };
        let key_name = |name: &str, pitch: Pitch| {
            let (low, high) = (Pitch::PIANO_LOW.number().into(), Pitch::PIANO_HIGH.number().into());
            int(name, pitch.number().into(), low, high)
                .with_value_to_string(Arc::new(|n| pitch_of(n).to_string()))
                .with_string_to_value(Arc::new(|t| t.trim().parse().ok().map(number_of)))
        };
        let beats = |name: &str, ticks: u8, min: i32, max: i32| {
            int(name, ticks.into(), min, max)
                .with_value_to_string(Arc::new(ticks_to_text))
                .with_string_to_value(Arc::new(text_to_ticks))
        };
        Self {
            saved,
            mode: EnumParam::new("Mode", start.mode),
            active: BoolParam::new("Machine plays", start.active),
            temperature: float("Temperature", start.temperature, 0.05, 2.0)
                .with_value_to_string(formatters::v2s_f32_rounded(2)),
            top_p: float("Choose from the likeliest", start.top_p, 0.05, 1.0)
                .with_unit(" %")
                .with_value_to_string(formatters::v2s_f32_percentage(0))
                .with_string_to_value(formatters::s2v_f32_percentage()),
            density: float("Note density", start.density, -1.0, 1.0)
                .with_unit(" %")
                .with_value_to_string(formatters::v2s_f32_percentage(0))
                .with_string_to_value(formatters::s2v_f32_percentage()),
            register_low: key_name("Lowest note", start.register_low),
            register_high: key_name("Highest note", start.register_high),
            polyphony: int("Notes at once", start.polyphony.into(), 1, 16),
            key: int("Key", start.key.number().into(), 0, 11)
                .with_value_to_string(Arc::new(|n| class_of(n).to_string()))
                .with_string_to_value(Arc::new(|text| {
                    text.trim().parse().ok().map(|class: PitchClass| class.number().into())
                })),
            scale: EnumParam::new("Scale", start.scale),
            seed: int("Random seed", start.seed.try_into().unwrap_or(1), 0, SEED_MAX),
            reaction: beats("Reaction time", start.reaction, 0, 12),
            phrase_gap: beats("Phrase ends after", start.phrase_gap, 3, 96),
            tempo: float(
                "Tempo without a host's",
                start.tempo.beats_per_minute() as f32,
                20.0,
                400.0,
            )
            .with_unit(" BPM")
            .with_value_to_string(formatters::v2s_f32_rounded(1)),
            input: int("Listen to channel", start.input.map_or(0, user_channel), 0, 16)
                .with_value_to_string(Arc::new(|n| match n {
                    0 => "All".to_owned(),
                    n => n.to_string(),
                }))
                .with_string_to_value(Arc::new(|text| match text.trim() {
                    text if text.eq_ignore_ascii_case("all") => Some(0),
                    text => text.parse().ok(),
                })),
            output: int("Play on channel", user_channel(start.output), 1, 16),
            thru: BoolParam::new("Pass my playing on", start.thru),
            panic: BoolParam::new("Panic: silence everything", false),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            render: BoolParam::new("Rendering: wait for the model", false).non_automatable(),
        }
    }

    /// What the parameters mean to the engine at this moment.
    ///
    /// Any thread. No allocation, lock or system call.
    pub(crate) fn settings(&self) -> Settings {
        let bypass = self.bypass.value();
        Settings {
            mode: self.mode.value(),
            temperature: self.temperature.value(),
            top_p: self.top_p.value(),
            density: self.density.value(),
            register_low: pitch_of(self.register_low.value()),
            register_high: pitch_of(self.register_high.value()),
            polyphony: small(self.polyphony.value()),
            key: class_of(self.key.value()),
            scale: self.scale.value(),
            seed: self.seed.value().try_into().unwrap_or(0),
            reaction: small(self.reaction.value()),
            phrase_gap: small(self.phrase_gap.value()),
            tempo: Tempo::new(self.tempo.value().into()),
            input: (self.input.value() > 0).then(|| channel_of(self.input.value())),
            output: channel_of(self.output.value()),
            thru: self.thru.value() || bypass,
            active: self.active.value() && !bypass,
        }
        .sane()
    }

    /// The numbers by id, with their ranges.
    pub(crate) fn ints(&self) -> [(&'static str, &IntParam); 9] {
        [
            ("low", &self.register_low),
            ("high", &self.register_high),
            ("voices", &self.polyphony),
            ("key", &self.key),
            ("seed", &self.seed),
            ("react", &self.reaction),
            ("gap", &self.phrase_gap),
            ("in-ch", &self.input),
            ("out-ch", &self.output),
        ]
    }

    /// The fractions by id, with their ranges.
    pub(crate) fn floats(&self) -> [(&'static str, &FloatParam); 4] {
        [
            ("temp", &self.temperature),
            ("top-p", &self.top_p),
            ("dens", &self.density),
            ("tempo", &self.tempo),
        ]
    }
}

fn small(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

fn pitch_of(number: i32) -> Pitch {
    Pitch::new(small(number))
}

fn number_of(pitch: Pitch) -> i32 {
    pitch.number().into()
}

fn class_of(number: i32) -> PitchClass {
    PitchClass::new(small(number))
}

/// The channel that users call `number`.
fn channel_of(number: i32) -> Channel {
    Channel::new(small(number.saturating_sub(1)))
}

fn user_channel(channel: Channel) -> i32 {
    i32::from(channel.index()) + 1
}

fn ticks_to_text(ticks: i32) -> String {
    let beats = format!("{:.2}", f64::from(ticks) / TICKS_PER_BEAT as f64);
    match beats.trim_end_matches('0').trim_end_matches('.') {
        "1" => "1 beat".to_owned(),
        beats => format!("{beats} beats"),
    }
}

fn text_to_ticks(text: &str) -> Option<i32> {
    let beats: f64 = text.split_whitespace().next()?.parse().ok()?;
    let ticks = (beats * TICKS_PER_BEAT as f64).round();
    (ticks.abs() < 1e6).then_some(ticks as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use nice_plug::params::{InternalParamMut, Param};

    fn params() -> SidemanParams {
        SidemanParams::new(Saved::default())
    }

    /// Sets a parameter as a host does.
    #[expect(unsafe_code, reason = "the framework's only way in; no other thread looks on")]
    fn set<P: InternalParamMut>(param: &P, value: P::Plain) {
        // SAFETY: nothing else reads or writes the parameter during the call.
        unsafe { param._internal_set_plain_value(value) };
    }

    #[test]
    fn defaults_are_the_settings_own() {
        assert_eq!(params().settings(), Settings::default());
    }

    #[test]
    fn each_parameter_sets_its_setting() {
        let params = params();
        set(&params.mode, Mode::Answer);
        set(&params.active, false);
        set(&params.temperature, 0.5);
        set(&params.top_p, 0.25);
        set(&params.density, -0.5);
        set(&params.register_low, 40);
        set(&params.register_high, 50);
        set(&params.polyphony, 3);
        set(&params.key, 7);
        set(&params.scale, Scale::Dorian);
        set(&params.seed, 4_321);
        set(&params.reaction, 5);
        set(&params.phrase_gap, 24);
        set(&params.tempo, 90.0);
        set(&params.input, 16);
        set(&params.output, 10);
        set(&params.thru, false);
        let expected = Settings {
            mode: Mode::Answer,
            temperature: 0.5,
            top_p: 0.25,
            density: -0.5,
            register_low: Pitch::new(40),
            register_high: Pitch::new(50),
            polyphony: 3,
            key: PitchClass::new(7),
            scale: Scale::Dorian,
            seed: 4_321,
            reaction: 5,
            phrase_gap: 24,
            tempo: Tempo::new(90.0),
            input: Some(Channel::new(15)),
            output: Channel::new(9),
            thru: false,
            active: false,
        };
        assert_eq!(params.settings(), expected);
    }

    #[test]
    fn bypass_passes_the_player_on_and_silences_the_machine() {
        let params = params();
        set(&params.thru, false);
        set(&params.bypass, true);
        let settings = params.settings();
        assert!(settings.thru && !settings.active);
    }

    #[test]
    fn values_that_no_host_should_send_become_usable() {
        let params = params();
        for (_, int) in params.ints() {
            for value in [-1, 0, 300, i32::MAX] {
                set(int, value);
                let settings = params.settings();
                assert_eq!(settings, settings.sane());
                assert!(settings.output.index() < 16 && settings.key.number() < 12);
            }
        }
        for (_, float) in params.floats() {
            for value in [f32::NAN, f32::INFINITY, -1e30] {
                set(float, value);
                let settings = params.settings();
                assert_eq!(settings, settings.sane());
                assert!(settings.tempo.beats_per_minute().is_finite());
            }
        }
    }

    #[test]
    fn every_number_is_listed_by_its_id() {
        let params = params();
        let listed: BTreeSet<_> = params
            .ints()
            .map(|(id, p)| (id.to_owned(), p.as_ptr()))
            .into_iter()
            .chain(params.floats().map(|(id, p)| (id.to_owned(), p.as_ptr())))
            .map(|(id, pointer)| (id, format!("{pointer:?}")))
            .collect();
        let all = params.param_map();
        let numbers: BTreeSet<_> = all
            .iter()
            .map(|(id, pointer, _)| (id.clone(), format!("{pointer:?}")))
            .filter(|(_, p)| p.starts_with("IntParam") || p.starts_with("FloatParam"))
            .collect();
        assert_eq!(listed, numbers);
    }

    /// What songs on users' disks hold: an id may be added but never changed or removed.
    #[test]
    fn ids_never_change() {
        let ids: Vec<String> = params().param_map().into_iter().map(|(id, _, _)| id).collect();
        let expected = [
            "mode", "active", "temp", "top-p", "dens", "low", "high", "voices", "key", "scale",
            "seed", "react", "gap", "tempo", "in-ch", "out-ch", "thru", "panic", "bypass",
            "render",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn values_read_as_musicians_write_them() {
        let params = params();
        assert_eq!(params.register_low.to_string(), "E1");
        assert_eq!(params.key.to_string(), "C");
        assert_eq!(params.input.to_string(), "All");
        assert_eq!(params.reaction.to_string(), "0.08 beats");
        assert_eq!(params.phrase_gap.to_string(), "1 beat");
        assert_eq!(params.key.string_to_normalized_value("Bb"), Some(10.0 / 11.0));
        assert_eq!(params.input.string_to_normalized_value(" all "), Some(0.0));
        assert_eq!(params.reaction.string_to_normalized_value("soon"), None);
        for ticks in 0..=96 {
            assert_eq!(text_to_ticks(&ticks_to_text(ticks)), Some(ticks));
        }
    }
}
