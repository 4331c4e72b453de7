//! Laws of the parameters: each means its setting, and none means nonsense.

use super::*;
use std::collections::BTreeSet;

use nice_plug::params::{InternalParamMut, Param};

use crate::preset::parameter::PARAMETERS;

fn params() -> SidemanParams {
    SidemanParams::new(Saved::default())
}

/// Sets a parameter as a host does.
#[expect(unsafe_code, reason = "the framework's only way in")]
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
    set(&params.repeat_guard, 0.75);
    set(&params.register_low, 40);
    set(&params.register_high, 50);
    set(&params.polyphony, 3);
    set(&params.key, 7);
    set(&params.scale, Scale::Dorian);
    set(&params.follow_key, true);
    set(&params.chord_lock, true);
    set(&params.grid, Grid::Triplet);
    set(&params.swing, 0.125);
    set(&params.humanise, 0.375);
    set(&params.velocity_follow, 0.625);
    set(&params.note_length, 1.5);
    set(&params.freeze, true);
    set(&params.hold, true);
    set(&params.reaction, 5);
    set(&params.phrase_gap, 24);
    set(&params.trade_bars, 2);
    set(&params.machine_first, true);
    set(&params.voices, 4);
    set(&params.seed, 4_321);
    set(&params.tempo, 90.0);
    set(&params.input, 16);
    set(&params.output, 10);
    set(&params.thru, false);
    set(&params.key_switches, true);
    let expected = Settings {
        mode: Mode::Answer,
        active: false,
        temperature: 0.5,
        top_p: 0.25,
        density: -0.5,
        repeat_guard: 0.75,
        register_low: Pitch::new(40),
        register_high: Pitch::new(50),
        polyphony: 3,
        key: PitchClass::new(7),
        scale: Scale::Dorian,
        follow_key: true,
        chord_lock: true,
        grid: Grid::Triplet,
        swing: 0.125,
        humanise: 0.375,
        velocity_follow: 0.625,
        note_length: 1.5,
        freeze: true,
        hold: true,
        reaction: 5,
        phrase_gap: 24,
        trade_bars: 2,
        machine_first: true,
        voices: 4,
        seed: 4_321,
        tempo: Tempo::new(90.0),
        input: Some(Channel::new(15)),
        output: Channel::new(9),
        thru: false,
        key_switches: true,
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
    let pair = |id: &str, pointer| (id.to_owned(), format!("{pointer:?}"));
    let ints = params.ints().map(|(id, p)| pair(id, p.as_ptr()));
    let floats = params.floats().map(|(id, p)| pair(id, p.as_ptr()));
    let listed: BTreeSet<_> = ints.into_iter().chain(floats).collect();
    let numbers: BTreeSet<_> = params
        .param_map()
        .into_iter()
        .map(|(id, pointer, _)| pair(&id, pointer))
        .filter(|(_, p)| p.starts_with("IntParam") || p.starts_with("FloatParam"))
        .collect();
    assert_eq!(listed, numbers);
}

/// What songs on users' disks hold: an id may be added but never changed or removed.
#[test]
fn ids_are_the_names_of_the_settings() {
    let ids: BTreeSet<String> = params().param_map().into_iter().map(|(id, _, _)| id).collect();
    let names = PARAMETERS.iter().map(|p| p.name);
    let ours = ["panic", "bypass", "render"];
    assert_eq!(ids, names.chain(ours).map(str::to_owned).collect());
}

#[test]
fn ranges_are_those_of_preset_files() {
    let params = params();
    let range_of = |id: &str| PARAMETERS.iter().find(|p| p.name == id).unwrap().range;
    for (id, float) in params.floats() {
        let FloatRange::Linear { min, max } = float.range() else { panic!("{id}") };
        assert_eq!(range_of(id), format!("{min}..{max}"), "{id}");
    }
    for (id, int) in params.ints() {
        let end = |normalized| int.normalized_value_to_string(normalized, true);
        let (low, high) = match id {
            "input-channel" => ("all, 1".to_owned(), end(1.0)),
            "reaction" | "phrase-gap" => {
                let IntRange::Linear { min, max } = int.range() else { panic!("{id}") };
                (min.to_string(), max.to_string())
            }
            _ => (end(0.0), end(1.0)),
        };
        assert_eq!(range_of(id), format!("{low}..{high}"), "{id}");
    }
}
