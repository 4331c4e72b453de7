//! Trades over a transport that loops and hurries: the turns keep to the bar lines that go by.

use sideman::infer::builtin;
use sideman::infer::net::playable;
use sideman::link::settings::{Mode, Settings};
use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, Tempo};
use sideman::standalone::Part;
use sideman::standalone::roll::RollNote;
use sideman::standalone::roll_png::{RollSpec, save};

use crate::bench::{Bench, RATE, notes};

/// The loop, in beats: six bars, so that its seam falls into every other turn of four.
const LOOP: f64 = 24.0;
const BARS: f64 = 24.0;
const FRAMES: u32 = 240;

/// A host that has rolled for some beats: it loops, and hurries from 80 to 160 to the minute in each pass.
fn host(rolled: f64) -> Transport {
    let position = rolled % LOOP;
    Transport {
        playing: true,
        tempo: Some(Tempo::new(80.0 + 80.0 * position / LOOP)),
        position: Some(Beats(position)),
        bar_start: Some(Beats((position / 4.0).floor() * 4.0)),
        meter: Meter::default(),
    }
}

#[test]
fn trades_hold_their_bars_through_a_loop_and_a_ramp() {
    let turn = 4.0;
    let settings =
        Settings { mode: Mode::Trade, trade_bars: turn as u8, seed: 3, ..Settings::default() };
    let mut bench = Bench::new(playable(&builtin::checkpoint().unwrap()).unwrap());
    let players = |beat: f64| (beat / 4.0 / turn).floor() % 2.0 == 0.0;
    // A phrase of eighths in the player's turns, each key up again before the next.
    let phrase = [67, 69, 72, 71, 67, 64, 65, 62];
    let (mut rolled, mut blocks, mut down) = (0.0, Vec::new(), None);
    while rolled < BARS * 4.0 {
        let transport = host(rolled);
        let tempo = transport.tempo.map_or(120.0, Tempo::beats_per_minute);
        blocks.push((bench.sample, rolled, tempo));
        let eighth = (rolled * 2.0).floor();
        let key = (players(rolled) && (rolled * 2.0) % 1.0 < 0.7)
            .then(|| phrase[eighth as usize * 5 % 8]);
        let mut events = Vec::new();
        let channel = Channel::new(0);
        if key != down {
            events.extend(down.map(|key| Midi::NoteOff { channel, key, velocity: 0 }));
            events.extend(key.map(|key| Midi::NoteOn { channel, key, velocity: 90 }));
            down = key;
        }
        let events: Vec<_> = events.into_iter().map(|midi| TimedMidi { offset: 0, midi }).collect();
        // Hosts end a block where their loop ends.
        let seam = ((rolled / LOOP).floor() + 1.0) * LOOP;
        let left = ((seam - rolled) * 60.0 / tempo * RATE).round() as u32;
        let frames = if left == 0 { FRAMES } else { left.min(FRAMES) };
        bench.block(frames, Some(transport), &settings, &events);
        rolled += f64::from(frames) / RATE * tempo / 60.0;
        if left > 0 && left <= FRAMES {
            rolled = seam;
        }
    }
    bench.improviser.panic();
    bench.block(FRAMES, None, &settings, &[]);
    // From samples back to beats that have rolled.
    let beats = |sample: u64| {
        let (from, rolled, tempo) = blocks[blocks.partition_point(|b| b.0 <= sample) - 1];
        rolled + (sample - from) as f64 / RATE * tempo / 60.0
    };
    let drawn: Vec<RollNote> = notes(&bench.out)
        .into_iter()
        .map(|(channel, key, velocity, from, to)| RollNote {
            part: if channel == settings.output { Part::Machine } else { Part::Player },
            start_beats: beats(from),
            len_beats: beats(to) - beats(from),
            key,
            velocity,
            planned: false,
        })
        .collect();
    let spec = RollSpec {
        subtitle: "four bars each; the host loops six bars (7, 13, 19 are bar 1 again) and hurries from 80 to 160 in each pass",
        bars_per_row: 8,
        ..RollSpec::new("Trades over a loop", &drawn)
    };
    let picture = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("trade.png");
    save(&spec, &picture).unwrap();
    println!("{}", picture.display());
    let machine: Vec<_> = drawn.iter().filter(|n| n.part == Part::Machine).collect();
    assert!(machine.len() > 60, "{}", machine.len());
    for note in &machine {
        // The host's tempo holds for a block: its bar lines are that exact.
        let begins = note.start_beats + 0.005;
        let ends = (note.end_beats() - 0.005).max(begins);
        assert!(
            !players(begins) && !players(ends),
            "{note:?} in the player's turn, see {picture:?}"
        );
    }
    for turn in [1.0, 3.0, 5.0] {
        let bars = (0..4).map(|bar| (turn * 4.0 + f64::from(bar)) * 4.0);
        for bar in bars {
            let count =
                machine.iter().filter(|n| (bar..bar + 4.0).contains(&n.start_beats)).count();
            assert!(count > 0, "nothing in the bar at beat {bar}, see {picture:?}");
        }
    }
}
