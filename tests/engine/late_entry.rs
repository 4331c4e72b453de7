//! A player who comes in late is accompanied like one who begins at once: the network is told nothing of the silence before.

use std::sync::Arc;

use sideman::infer::builtin;
use sideman::infer::memory::{Memory, Remembered};
use sideman::infer::net::{Net, playable};
use sideman::link::settings::{Mode, Settings};
use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi};
use sideman::music::note::{Note, Voice};
use sideman::music::pitch::Pitch;
use sideman::music::time::{Beats, Tick};

use crate::bench::{At, Bench, RATE};
use crate::laws::{slice, transport};

/// Samples of a bar of 4/4 at 120.
const BAR: u64 = 2 * RATE as u64;
/// Bars that are looked at from the player's entry on.
const HEARD: u64 = 12;
const BLOCK: u32 = 480;

/// What happens before the player comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Before {
    /// Nothing: he begins on the first beat.
    Nothing,
    /// The transport rolls, for so many bars.
    Rolls(u64),
    /// The transport rolls for five bars and a half; he comes in on the third beat.
    RollsToMidBar,
    /// It rolls, stops, and starts where it stopped, for four bars each.
    StopsAndStarts,
    /// It rolls through four bars in a loop, twice.
    Loops,
    /// He has played for eight bars and rests for so many.
    Rests(u64),
    /// The same with the machine switched off for the rest, or in another mode, or with a model swapped.
    RestsInactive,
    RestsInSolo,
    RestsWhileTheModelIsSwapped,
    /// A project is reloaded and rolls for eight bars.
    Reloaded,
}

impl Before {
    const ALL: [Self; 11] = [
        Self::Rolls(1),
        Self::Rolls(4),
        Self::Rolls(16),
        Self::RollsToMidBar,
        Self::StopsAndStarts,
        Self::Loops,
        Self::Rests(16),
        Self::RestsInactive,
        Self::RestsInSolo,
        Self::RestsWhileTheModelIsSwapped,
        Self::Reloaded,
    ];

    /// Quarter bars before he comes in (again).
    const fn quarters(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Rolls(bars) => 4 * bars,
            Self::RollsToMidBar => 4 * 5 + 2,
            Self::StopsAndStarts => 4 * 12,
            Self::Loops | Self::Reloaded => 4 * 8,
            Self::Rests(bars) => 4 * (8 + bars),
            Self::RestsInactive | Self::RestsInSolo | Self::RestsWhileTheModelIsSwapped => {
                4 * (8 + 16)
            }
        }
    }

    const fn plays_before(self) -> bool {
        matches!(
            self,
            Self::Rests(_)
                | Self::RestsInactive
                | Self::RestsInSolo
                | Self::RestsWhileTheModelIsSwapped
        )
    }
}

/// A tune in C of crotchets and quavers, from a sample on, varied by a seed.
fn tune(seed: u64, from: u64, bars: u64) -> Vec<At> {
    const SCALE: [u8; 8] = [72, 74, 76, 77, 79, 81, 83, 84];
    const RHYTHM: [&[u64]; 3] = [&[0, 4, 8, 12], &[0, 2, 4, 8, 10, 12], &[0, 6, 8, 12, 14]];
    let mut events = Vec::new();
    let mut place = seed as usize % 5;
    for bar in 0..bars {
        for (i, sixteenth) in RHYTHM[(bar + seed) as usize % 3].iter().enumerate() {
            let step = [1, 2, 7, 1, 6, 3, 7][(seed as usize + bar as usize * 3 + i) % 7];
            place = (place + step) % 8;
            let (channel, key) = (Channel::new(0), SCALE[place]);
            let at = from + bar * BAR + sixteenth * BAR / 16;
            events.push((at, Midi::NoteOn { channel, key, velocity: 80 }));
            events.push((at + BAR / 18, Midi::NoteOff { channel, key, velocity: 0 }));
        }
    }
    events.sort_by_key(|e| e.0);
    events
}

/// What the host's transport says at a sample.
fn host(before: Before, at: u64) -> Transport {
    let shifted = |by: u64| Transport {
        position: Some(Beats((at - by) as f64 / RATE * 2.0)),
        ..transport(at, 120.0)
    };
    let bar = at / BAR;
    match before {
        Before::StopsAndStarts if (4..8).contains(&bar) => {
            Transport { playing: false, position: Some(Beats(16.0)), ..transport(at, 120.0) }
        }
        Before::StopsAndStarts if bar >= 8 => shifted(4 * BAR),
        Before::Loops if bar >= 4 => shifted(4 * BAR),
        _ => transport(at, 120.0),
    }
}

/// A project's memory: a machine that comped for two bars.
fn memory() -> Memory {
    let chord = |beat: i64| {
        [48, 55, 64].map(move |key| Note {
            onset: Tick(beat * 12),
            pitch: Pitch::new(key),
            voice: Voice::Machine,
            velocity: 70,
            duration: 10,
        })
    };
    let mut window: Vec<Note> = (0..8).flat_map(chord).collect();
    window.extend((0..8).map(|beat| Note {
        onset: Tick(beat * 12),
        pitch: Pitch::new(76),
        voice: Voice::Player,
        velocity: 80,
        duration: 1,
    }));
    window.sort_by_key(Note::order);
    let memory = Memory::default();
    memory.restore(Remembered { window, learned: Vec::new() });
    memory
}

/// The machine's notes in each bar from the player's entry on.
fn accompanied(net: &Arc<dyn Net>, before: Before, seed: u64) -> Vec<usize> {
    let entry = before.quarters() * BAR / 4;
    let mut events = tune(seed, entry, HEARD);
    if before.plays_before() {
        events.extend(tune(seed + 1, 0, 8));
        events.sort_by_key(|e| e.0);
    }
    let mut bench = Bench::new(Arc::clone(net));
    if before == Before::Reloaded {
        bench.remember(&memory());
    }
    let mut is_swapped = false;
    while bench.sample < entry + HEARD * BAR {
        let at = bench.sample;
        let rests = (8 * BAR..entry.saturating_sub(BAR / 2)).contains(&at);
        let settings = Settings {
            active: !(rests && before == Before::RestsInactive),
            mode: if rests && before == Before::RestsInSolo && at < 10 * BAR {
                Mode::Solo
            } else {
                Mode::Accompany
            },
            ..Settings::default()
        };
        if before == Before::RestsWhileTheModelIsSwapped && at > 20 * BAR && !is_swapped {
            is_swapped = true;
            bench.swap_net(Arc::clone(net));
        }
        bench.block(BLOCK, Some(host(before, at)), &settings, &slice(&events, at, BLOCK));
    }
    let machine = Settings::default().output;
    let is_its = |midi| matches!(midi, Midi::NoteOn { channel, .. } if channel == machine);
    let onsets = bench.out.iter().filter(|e| is_its(e.1) && e.0 >= entry);
    let mut bars = vec![0; HEARD as usize];
    onsets.for_each(|e| bars[(((e.0 - entry) / BAR) as usize).min(HEARD as usize - 1)] += 1);
    bars
}

#[test]
fn a_player_who_comes_in_late_is_accompanied_like_one_who_begins() {
    let net = playable(&builtin::checkpoint().unwrap()).unwrap();
    let seeds = 1..=5;
    let sum = |before| -> (usize, usize) {
        let all = seeds.clone().map(|seed| accompanied(&net, before, seed));
        let all: Vec<Vec<usize>> = all.collect();
        let notes = all.iter().flatten().sum();
        // The first bar belongs to the entry.
        let empty = all.iter().flat_map(|bars| &bars[1..]).filter(|n| **n == 0).count();
        (notes, empty)
    };
    let (plain, _) = sum(Before::Nothing);
    assert!(plain > 100, "{plain}");
    let mut short = Vec::new();
    for before in Before::ALL {
        let (notes, empty) = sum(before);
        let share = notes as f64 / plain as f64;
        eprintln!("{before:?}: {share:.2} of {plain} notes, {empty} empty bars of 55");
        if share < 0.7 || empty > 5 {
            short.push(format!("{before:?}: {share:.2}, {empty} empty"));
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}
