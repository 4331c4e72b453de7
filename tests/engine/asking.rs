//! What the network is asked for: by settings, by the player's energy, and by the chords of the song.

use std::sync::{Arc, Mutex};

use sideman::infer::net::Net;
use sideman::link::settings::Settings;
use sideman::model::State;
use sideman::model::checkpoint::Usual;
use sideman::model::inputs::Inputs;
use sideman::music::ask::{ASKED, Ask};
use sideman::music::event::{Channel, Midi};
use sideman::music::harmony::Harmony;
use sideman::music::pitch::{Pitch, PitchClass};
use sideman::music::scale::PitchSet;
use sideman::music::time::{Beats, Tick};

use crate::bench::{At, Bench, RATE, Restless};
use crate::laws::{slice, transport};

const USUALLY: f32 = 1.5;

/// A network that keeps what it was last asked for.
#[derive(Default)]
struct Asked(Mutex<Vec<f32>>);

impl Net for Asked {
    fn state(&self) -> State {
        Restless.state()
    }

    fn is_asked(&self) -> bool {
        true
    }

    fn usual(&self) -> &[Usual] {
        &[Usual { density: USUALLY, density_alone: 2.0 * USUALLY, loudness: Some(72.0) }]
    }

    fn step(&self, token: u16, place: u8, features: &[f32], state: &mut State, logits: &mut [f32]) {
        let inputs = Inputs { asked: true, styles: 0 };
        assert_eq!(features.len(), inputs.count());
        features[inputs.asked()].clone_into(&mut self.0.lock().unwrap());
        Restless.step(token, place, features, state, logits);
    }
}

fn told(ask: Ask) -> Vec<f32> {
    let mut out = [0.0; ASKED];
    ask.features(&mut out);
    out.to_vec()
}

/// Crotchets at 120 in so many beats, each of so many keys.
fn crotchets(beats: std::ops::Range<u64>, keys: u8, velocity: u8) -> Vec<At> {
    let mut events = Vec::new();
    for beat in beats {
        for key in 72..72 + keys {
            let (at, channel) = (beat * RATE as u64 / 2, Channel::new(0));
            events.push((at, Midi::NoteOn { channel, key, velocity }));
            events.push((at + 9_000, Midi::NoteOff { channel, key, velocity: 0 }));
        }
    }
    events.sort_by_key(|e| e.0);
    events
}

/// What is asked for at the end of so many beats at 120 behind a host that stands at `position` of each beat.
fn after(
    beats: u64,
    events: &[At],
    settings: &Settings,
    chords: &[(Tick, Harmony)],
    position: impl Fn(f64) -> f64,
) -> Vec<f32> {
    let net = Arc::new(Asked::default());
    let mut bench = Bench::new(net.clone());
    bench.set_chords(chords.to_vec());
    while bench.sample < beats * RATE as u64 / 2 {
        let at = bench.sample;
        let mut host = transport(at, 120.0);
        host.position = host.position.map(|p| Beats(position(p.0)));
        bench.block(240, Some(host), settings, &slice(events, at, 240));
    }
    let asked = net.0.lock().unwrap();
    asked.clone()
}

#[test]
fn settings_are_asked_for_in_the_first_bar() {
    let events = crotchets(0..3, 1, 80);
    let still = Settings { follow_energy: 0.0, ..Settings::default() };
    let cases = [
        (still, Ask { density: Some(USUALLY), ..Ask::default() }),
        (
            Settings { density: 1.0, polyphony: 3, ..still },
            Ask { density: Some(2.4 * USUALLY), polyphony: Some(3.0), ..Ask::default() },
        ),
        (
            Settings {
                density: -1.0,
                register_low: Pitch::new(48),
                register_high: Pitch::new(72),
                ..still
            },
            Ask { density: Some(USUALLY / 2.4), centre: Some(60.0), ..Ask::default() },
        ),
    ];
    for (settings, ask) in cases {
        // The chords that are chosen lie behind.
        let before_chords = 8 + 6 + 8 + 7;
        let asked = after(3, &events, &settings, &[], |p| p);
        assert_eq!(asked[..before_chords], told(ask)[..before_chords], "{ask:?}");
    }
}

#[test]
fn a_player_who_plays_more_asks_for_more() {
    let mut events = crotchets(0..32, 1, 60);
    events.extend(crotchets(32..48, 4, 110));
    let density = |follow_energy: f32| {
        let settings = Settings { follow_energy, ..Settings::default() };
        let asked = after(47, &events, &settings, &[], |p| p);
        // The place of the density among its features, by their weights.
        asked[..8].iter().enumerate().map(|(i, x)| i as f32 * x).sum::<f32>()
    };
    let (still, along) = (density(0.0), density(1.0));
    assert!(along > still + 0.5, "{still} {along}");
}

#[test]
fn chords_lie_where_the_song_has_them_through_a_jump() {
    let chord = |root: u8| Harmony {
        root: PitchClass::new(root),
        bass: PitchClass::new(root),
        classes: PitchSet(1 << root),
    };
    // Far enough apart for the plan ahead to stay within a chord.
    let chords = [(Tick(0), chord(0)), (Tick(192), chord(7)), (Tick(384), chord(5))];
    let settings = Settings { follow_energy: 0.0, ..Settings::default() };
    let roots = |beats: u64, position: &dyn Fn(f64) -> f64| {
        let asked = after(beats, &crotchets(0..60, 1, 80), &settings, &chords, position);
        let chords = &asked[8 + 6 + 8 + 7..];
        let root = |features: &[f32]| features[1..13].iter().position(|x| *x > 0.0);
        (root(&chords[..37]), root(&chords[37..74]))
    };
    assert_eq!(roots(4, &|p| p), (Some(0), Some(7)));
    assert_eq!(roots(20, &|p| p), (Some(7), Some(5)));
    assert_eq!(roots(36, &|p| p), (Some(5), None));
    // The host jumps from the twentieth beat back to the first bar.
    let loops = |p: f64| if p < 20.0 { p } else { p - 20.0 };
    assert_eq!(roots(24, &loops), (Some(0), Some(7)));
    assert_eq!(roots(40, &loops), (Some(7), Some(5)));
}
