//! The style that is heard is followed, by the music alone, and only where it is wanted.

use std::sync::{Arc, Mutex};

use sideman::infer::builtin;
use sideman::infer::net::{Net, playable};
use sideman::link::settings::{Mode, Settings};
use sideman::model::State;
use sideman::music::context::FEATURES;
use sideman::music::event::{Channel, Midi};

use crate::bench::{At, Bench, RATE, Restless};
use crate::laws::{bounce, live, player, slice, transport, until};

/// 120 to the minute.
const BEAT: f64 = 0.5;
const FOLLOWING: fn() -> Settings = || Settings { follow_style: true, ..Settings::default() };

/// Plays restlessly, and keeps what styles it was told, each once.
struct Spy {
    styles: Vec<String>,
    told: Mutex<Vec<Vec<f32>>>,
}

impl Spy {
    fn knowing(styles: &[&str]) -> Arc<Self> {
        let styles = styles.iter().map(ToString::to_string).collect();
        Arc::new(Self { styles, told: Mutex::default() })
    }
}

impl Net for Spy {
    fn state(&self) -> State {
        Restless.state()
    }

    fn styles(&self) -> &[String] {
        &self.styles
    }

    fn home_style(&self) -> u8 {
        1
    }

    fn step(&self, token: u16, place: u8, features: &[f32], state: &mut State, logits: &mut [f32]) {
        let mut told = self.told.lock().unwrap();
        if told.last().is_none_or(|last| last != &features[FEATURES..]) {
            told.push(features[FEATURES..].to_vec());
        }
        Restless.step(token, place, &features[..FEATURES], state, logits);
    }
}

/// A key for each step, so many steps a beat, from a beat on.
fn line(keys: impl IntoIterator<Item = u8>, a_beat: f64, from: f64) -> Vec<At> {
    let sample = |beat: f64| ((from + beat) * BEAT * RATE) as u64;
    let mut events = Vec::new();
    for (i, key) in (0..).zip(keys) {
        let (channel, at) = (Channel::new(0), f64::from(i) / a_beat);
        events.push((sample(at), Midi::NoteOn { channel, key, velocity: 80 }));
        events.push((sample(at + 0.8 / a_beat), Midi::NoteOff { channel, key, velocity: 0 }));
    }
    events
}

/// A hymn in quarters, and quavers that run through chords and chromatic steps.
fn hymn(bars: usize, from: f64) -> Vec<At> {
    let tune = [67, 67, 69, 71, 72, 71, 69, 67, 69, 71, 72, 74, 72, 71, 69, 67];
    line(tune.into_iter().cycle().take(bars * 4), 1.0, from)
}

fn bop(bars: usize, from: f64) -> Vec<At> {
    let run = [
        62, 65, 69, 72, 76, 74, 73, 70, 67, 71, 74, 77, 75, 73, 72, 69, 64, 67, 70, 74, 72, 71, 70,
        68, 67, 66, 65, 69, 72, 75, 74, 70,
    ];
    line(run.into_iter().cycle().take(bars * 8), 2.0, from)
}

fn play(net: Arc<dyn Net>, events: &[At], bars: u32, settings: &Settings) -> Vec<At> {
    let mut bench = Bench::new(net);
    while bench.sample < (f64::from(bars) * 4.0 * BEAT * RATE) as u64 {
        let at = bench.sample;
        bench.block(256, Some(transport(at, 120.0)), settings, &slice(events, at, 256));
    }
    bench.out
}

#[test]
fn the_style_moves_to_what_is_played() {
    for (events, wanted) in [(hymn(12, 0.0), 1), (bop(12, 0.0), 2)] {
        let spy = Spy::knowing(&["metal", "chorale", "jazz"]);
        play(Arc::<Spy>::clone(&spy), &events, 12, &FOLLOWING());
        let told = spy.told.lock().unwrap();
        let none = told.iter().position(|t| *t == [0.0; 3]).unwrap();
        assert!(none < 2, "no style before anything was heard: {told:?}");
        assert!((10..=12).contains(&(told.len() - none)), "at most once a bar: {told:?}");
        let last = &told[told.len() - 1];
        assert!(last[0].abs() < 1e-9, "the listener knows no such style: {last:?}");
        assert!(last[wanted] > 0.8, "{wanted}: {told:?}");
    }
}

#[test]
fn who_changes_his_style_is_followed() {
    let events = [hymn(8, 0.0), bop(16, 32.0)].concat();
    let spy = Spy::knowing(&["chorale", "jazz"]);
    play(Arc::<Spy>::clone(&spy), &events, 24, &FOLLOWING());
    let told = spy.told.lock().unwrap();
    let last = told.last().unwrap();
    assert!(told.iter().any(|t| t[0] > 0.7 && t[0] < 1.0) && last[1] > 0.7, "{told:?}");
}

#[test]
fn following_hangs_on_the_music_alone() {
    let net = playable(&builtin::checkpoint().unwrap()).unwrap();
    let events = player(3, 30.0);
    for mode in [Mode::Accompany, Mode::Trade] {
        let plain = Settings { mode, seed: 5, ..Settings::default() };
        let settings = Settings { follow_style: true, ..plain };
        let play = |frames, settings| live(Arc::clone(&net), &events, frames, 30.0, settings, true);
        let heard = play(128, &settings);
        for frames in [17, 64, 480] {
            assert_eq!(until(&play(frames, &settings), 29.0), until(&heard, 29.0), "{frames}");
        }
        for frames in [32, 1_000, 4_096] {
            let bounced = bounce(&events, frames, 30.0, &settings);
            assert_eq!(until(&bounced, 29.0), until(&heard, 29.0), "{mode:?} at {frames}");
        }
        // A number that the model has not is no style.
        let unfollowed = play(128, &Settings { style: 64, ..plain });
        assert_ne!(until(&unfollowed, 29.0), until(&heard, 29.0), "following is heard");
        // At 126 the first bar is over at 1.9 s, and counts a beat later.
        assert_eq!(until(&unfollowed, 2.3), until(&heard, 2.3), "and not before its time");
    }
}

#[test]
fn where_no_names_are_shared_nothing_is_followed() {
    let mut checkpoint = builtin::checkpoint().unwrap();
    for (i, name) in checkpoint.manifest.styles.iter_mut().enumerate().skip(1) {
        *name = format!("mine-{i}");
    }
    let net = playable(&checkpoint).unwrap();
    let events = bop(8, 0.0);
    let play = |settings| play(Arc::clone(&net), &events, 8, settings);
    assert_eq!(play(&FOLLOWING()), play(&Settings::default()));
}
