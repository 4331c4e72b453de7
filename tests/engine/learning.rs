//! The machine picks up what the player plays, and forgets it when it is told to.

use std::collections::HashSet;
use std::sync::Arc;

use sideman::infer::builtin;
use sideman::infer::net::{Net, playable};
use sideman::link::settings::{Mode, Settings};
use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, Tempo};

use crate::bench::{Bench, RATE, Restless, notes};
use crate::laws::{player, slice, transport};

/// Keys over the first, and sixteenths over the bar line: a figure that no song of the model has.
const FIGURE: [(u8, u32); 6] = [(0, 0), (7, 3), (6, 4), (9, 7), (1, 10), (2, 11)];

/// Where the player's turns put it: another key each time.
const PLACES: [u8; 4] = [60, 65, 58, 63];

const FRAMES: u32 = 500;
const SIXTEENTH: u64 = 6_000;

/// Steps of three notes: what can be told again in another key.
type Shape = [(i16, u64); 2];

/// A minute of trades of two bars each. Gives the machine's shapes in the second half of it, and the player's.
fn minute(net: &Arc<dyn Net>, seed: u32, learning: f32) -> (Vec<Shape>, HashSet<Shape>) {
    let settings =
        Settings { mode: Mode::Trade, trade_bars: 2, seed, learning, ..Settings::default() };
    let mut bench = Bench::new(Arc::clone(net));
    let channel = Channel::new(0);
    while bench.sample < (60.0 * RATE) as u64 {
        let at = bench.sample;
        let beats = at as f64 / RATE * 2.0;
        let host = Transport {
            playing: true,
            tempo: Some(Tempo::new(120.0)),
            position: Some(Beats(beats)),
            bar_start: Some(Beats((beats / 4.0).floor() * 4.0)),
            meter: Meter::default(),
        };
        let (sixteenth, into) = (at / SIXTEENTH, at % SIXTEENTH);
        let (bar, place) = (sixteenth / 16, (sixteenth % 16) as u32);
        let root = PLACES[(bar / 4) as usize % PLACES.len()];
        let key = FIGURE.iter().find(|(_, p)| *p == place).map(|(step, _)| root + step);
        let midi = match (bar % 4 < 2, key, into) {
            (true, Some(key), 0) => Some(Midi::NoteOn { channel, key, velocity: 90 }),
            (true, Some(key), 4_000) => Some(Midi::NoteOff { channel, key, velocity: 0 }),
            _ => None,
        };
        let events: Vec<_> = midi.map(|midi| TimedMidi { offset: 0, midi }).into_iter().collect();
        bench.block(FRAMES, Some(host), &settings, &events);
    }
    bench.improviser.panic();
    bench.block(FRAMES, None, &settings, &[]);
    let shapes = |of: Channel, from: u64| {
        let mut line: Vec<_> = notes(&bench.out)
            .into_iter()
            .filter(|n| n.0 == of && n.3 >= from)
            .map(|n| (i16::from(n.1), (n.3 + SIXTEENTH / 2) / SIXTEENTH))
            .collect();
        line.sort_by_key(|n| (n.1, n.0));
        let step = |a: (i16, u64), b: (i16, u64)| (b.0 - a.0, b.1 - a.1);
        line.windows(3).map(|w| [step(w[0], w[1]), step(w[1], w[2])]).collect::<Vec<_>>()
    };
    let half = (30.0 * RATE) as u64;
    (shapes(settings.output, half), shapes(channel, 0).into_iter().collect())
}

#[test]
fn a_figure_is_picked_up_within_a_minute() {
    let net = playable(&builtin::checkpoint().unwrap()).unwrap();
    let share = |learning| {
        let (mut own, mut all) = (0, 0);
        for seed in 1..=4 {
            let (machine, player) = minute(&net, seed, learning);
            own += machine.iter().filter(|shape| player.contains(*shape)).count();
            all += machine.len();
        }
        assert!(all > 100, "{all} notes");
        own as f64 / all as f64
    };
    let [alone, usual, whole] = [0.0, Settings::default().learning, 1.0].map(share);
    eprintln!("shapes of the player's: {alone:.3} without, {usual:.3}, {whole:.3} with all of it");
    assert!(whole > alone + 0.15 && usual > alone + 0.02, "{alone:.3} {usual:.3} {whole:.3}");
}

/// Plays twelve seconds; forgets, if told to, in the middle of it.
fn take(forget: bool) -> (Vec<crate::bench::At>, usize) {
    let mut bench = Bench::new(Arc::new(Restless));
    let settings = Settings { learning: 1.0, ..Settings::default() };
    let events = player(5, 12.0);
    while bench.sample < (12.0 * RATE) as u64 {
        let at = bench.sample;
        if forget && at == 256 * 1_000 {
            bench.forget();
        }
        bench.block(256, Some(transport(at, 126.0)), &settings, &slice(&events, at, 256));
    }
    (bench.out.clone(), bench.memory().remembered().learned.len())
}

#[test]
fn what_was_picked_up_can_be_forgotten() {
    let (with, learned) = take(false);
    let (without, left) = take(true);
    assert!(learned > 10 && left < learned, "{learned} {left}");
    assert_ne!(with, without, "what is forgotten does not sound any more");
}
