//! What a hand does to a parameter in the window, told to the host so that it can write automation.

use nice_plug::context::gui::ParamSetter;
use nice_plug::prelude::Param;

use super::{SEED_MAX, SidemanParams, user_channel};
use crate::link::settings::Settings;

/// A part of a gesture.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gesture<'a> {
    /// The control is taken hold of.
    Grab,
    /// It is turned to what it is in these settings.
    Set(&'a Settings),
    /// It is let go of.
    LetGo,
}

impl SidemanParams {
    /// Does part of a gesture on the parameter of a setting's name. Main thread.
    pub(crate) fn touch(&self, hand: &ParamSetter<'_>, name: &str, gesture: Gesture<'_>) {
        let g = gesture;
        match name {
            "mode" => touch(hand, &self.mode, g, |s| s.mode),
            "style" => touch(hand, &self.style, g, |s| s.style.into()),
            "follow-style" => touch(hand, &self.follow_style, g, |s| s.follow_style),
            "active" => touch(hand, &self.active, g, |s| s.active),
            "temperature" => touch(hand, &self.temperature, g, |s| s.temperature),
            "top-p" => touch(hand, &self.top_p, g, |s| s.top_p),
            "density" => touch(hand, &self.density, g, |s| s.density),
            "repeat-guard" => touch(hand, &self.repeat_guard, g, |s| s.repeat_guard),
            "learning" => touch(hand, &self.learning, g, |s| s.learning),
            "register-low" => {
                touch(hand, &self.register_low, g, |s| s.register_low.number().into());
            }
            "register-high" => {
                touch(hand, &self.register_high, g, |s| s.register_high.number().into());
            }
            "polyphony" => touch(hand, &self.polyphony, g, |s| s.polyphony.into()),
            "key" => touch(hand, &self.key, g, |s| s.key.number().into()),
            "scale" => touch(hand, &self.scale, g, |s| s.scale),
            "follow-key" => touch(hand, &self.follow_key, g, |s| s.follow_key),
            "chord-lock" => touch(hand, &self.chord_lock, g, |s| s.chord_lock),
            "grid" => touch(hand, &self.grid, g, |s| s.grid),
            "swing" => touch(hand, &self.swing, g, |s| s.swing),
            "humanise" => touch(hand, &self.humanise, g, |s| s.humanise),
            "follow-energy" => touch(hand, &self.follow_energy, g, |s| s.follow_energy),
            "velocity-follow" => touch(hand, &self.velocity_follow, g, |s| s.velocity_follow),
            "note-length" => touch(hand, &self.note_length, g, |s| s.note_length),
            "freeze" => touch(hand, &self.freeze, g, |s| s.freeze),
            "hold" => touch(hand, &self.hold, g, |s| s.hold),
            "reaction" => touch(hand, &self.reaction, g, |s| s.reaction.into()),
            "phrase-gap" => touch(hand, &self.phrase_gap, g, |s| s.phrase_gap.into()),
            "trade-bars" => touch(hand, &self.trade_bars, g, |s| s.trade_bars.into()),
            "machine-first" => touch(hand, &self.machine_first, g, |s| s.machine_first),
            "voices" => touch(hand, &self.voices, g, |s| s.voices.into()),
            "seed" => {
                touch(hand, &self.seed, g, |s| i32::try_from(s.seed).unwrap_or(SEED_MAX));
            }
            "tempo" => touch(hand, &self.tempo, g, |s| s.tempo.beats_per_minute() as f32),
            "follow-tempo" => touch(hand, &self.follow_tempo, g, |s| s.follow_tempo),
            "input-channel" => touch(hand, &self.input, g, |s| s.input.map_or(0, user_channel)),
            "output-channel" => touch(hand, &self.output, g, |s| user_channel(s.output)),
            "thru" => touch(hand, &self.thru, g, |s| s.thru),
            "key-switches" => touch(hand, &self.key_switches, g, |s| s.key_switches),
            _ => {}
        }
    }
}

fn touch<P: Param>(
    hand: &ParamSetter<'_>,
    param: &P,
    gesture: Gesture<'_>,
    plain: impl Fn(&Settings) -> P::Plain,
) {
    match gesture {
        Gesture::Grab => hand.begin_set_parameter(param),
        Gesture::Set(settings) => hand.set_parameter(param, plain(settings)),
        Gesture::LetGo => hand.end_set_parameter(param),
    }
}
