//! Laws of the parameters: each means its setting, and none means nonsense.

use super::*;
use std::collections::BTreeSet;

use nice_plug::params::Param;

use crate::preset::host::HOST_PARAMETERS;
use crate::preset::parameter::{PARAMETERS, Place};

fn params() -> SidemanParams {
    SidemanParams::new(Saved::default(), &Arc::default())
}

#[test]
fn defaults_are_the_settings_own() {
    assert_eq!(params().settings(), Settings::default());
}

#[test]
fn each_parameter_sets_its_setting() {
    let params = params();
    put(&params.mode, Mode::Answer);
    put(&params.active, false);
    put(&params.temperature, 0.5);
    put(&params.top_p, 0.25);
    put(&params.density, -0.5);
    put(&params.repeat_guard, 0.75);
    put(&params.learning, 0.875);
    put(&params.register_low, 40);
    put(&params.register_high, 50);
    put(&params.polyphony, 3);
    put(&params.key, 7);
    put(&params.scale, Scale::Dorian);
    put(&params.follow_key, true);
    put(&params.chord_lock, true);
    put(&params.grid, Grid::Triplet);
    put(&params.swing, 0.125);
    put(&params.humanise, 0.375);
    put(&params.velocity_follow, 0.625);
    put(&params.follow_energy, 0.875);
    put(&params.note_length, 1.5);
    put(&params.freeze, true);
    put(&params.hold, true);
    put(&params.reaction, 5);
    put(&params.phrase_gap, 24);
    put(&params.style, 3);
    put(&params.follow_style, true);
    put(&params.trade_bars, 2);
    put(&params.machine_first, true);
    put(&params.voices, 4);
    put(&params.seed, 4_321);
    put(&params.tempo, 90.0);
    put(&params.follow_tempo, false);
    put(&params.input, 16);
    put(&params.output, 10);
    put(&params.thru, false);
    put(&params.key_switches, true);
    let expected = Settings {
        mode: Mode::Answer,
        active: false,
        temperature: 0.5,
        top_p: 0.25,
        density: -0.5,
        repeat_guard: 0.75,
        learning: 0.875,
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
        follow_energy: 0.875,
        note_length: 1.5,
        freeze: true,
        hold: true,
        reaction: 5,
        phrase_gap: 24,
        style: 3,
        follow_style: true,
        trade_bars: 2,
        machine_first: true,
        voices: 4,
        seed: 4_321,
        tempo: Tempo::new(90.0),
        follow_tempo: false,
        input: Some(Channel::new(15)),
        output: Channel::new(9),
        thru: false,
        key_switches: true,
    };
    assert_eq!(params.settings(), expected);
    let others = SidemanParams::new(Saved::default(), &Arc::default());
    others.adopt(&expected);
    assert_eq!(others.settings(), expected, "a preset sets the same");
    others.adopt(&Settings::default());
    let routing = Settings {
        active: false,
        tempo: expected.tempo,
        follow_tempo: expected.follow_tempo,
        input: expected.input,
        output: expected.output,
        thru: false,
        key_switches: true,
        ..Settings::default()
    };
    assert_eq!(others.settings(), routing, "where it plays is the song's business");
}

#[test]
fn bypass_passes_the_player_on_and_silences_the_machine() {
    let params = params();
    put(&params.thru, false);
    put(&params.bypass, true);
    let settings = params.settings();
    assert!(settings.thru && !settings.active);
}

#[test]
fn values_that_no_host_should_send_become_usable() {
    let params = params();
    for (_, int) in params.ints() {
        for value in [-1, 0, 300, i32::MAX] {
            put(int, value);
            let settings = params.settings();
            assert_eq!(settings, settings.sane());
            assert!(settings.output.index() < 16 && settings.key.number() < 12);
        }
    }
    for (_, float) in params.floats() {
        for value in [f32::NAN, f32::INFINITY, -1e30] {
            put(float, value);
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
    let ours = HOST_PARAMETERS.iter().filter(|p| p.place == Place::Plugin).map(|p| p.name);
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
    for (id, int) in params.ints().into_iter().filter(|(id, _)| *id != "preset") {
        let end = |normalized| int.normalized_value_to_string(normalized, true);
        let (low, high) = match id {
            "input-channel" => ("all, 1".to_owned(), end(1.0)),
            "style" => ("own, 1".to_owned(), end(1.0)),
            "reaction" | "phrase-gap" => {
                let IntRange::Linear { min, max } = int.range() else { panic!("{id}") };
                (min.to_string(), max.to_string())
            }
            _ => (end(0.0), end(1.0)),
        };
        assert_eq!(range_of(id), format!("{low}..{high}"), "{id}");
    }
}
