//! The host's song: where it rolls, stops, jumps and loops, and what it automates.

use sideman::music::event::{Midi, TimedMidi};

use crate::host::Host;
use crate::score::{BEAT, MACHINE, PLAYER, Stage, TALKATIVE, TICK, phrase, sounding};

/// Wherever the song goes, the machine's notes stay on the song's own grid and none hangs.
pub(crate) fn the_grid_follows_the_song<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    stage.play(8 * BEAT, 512, &phrase());
    // Places that are off every sample's and every tick's grid.
    for place in [7.37, -3.1, 1_000.001, 0.0, 64.5] {
        stage.beats = Some(place);
        let before = stage.sample;
        stage.play(8 * BEAT, 333, &[]);
        let ons = stage.machine_ons().into_iter().filter(|at| *at >= before);
        let off_grid = |at: &u64| {
            let ticks = (place + (at - before) as f64 / BEAT as f64) * 12.0;
            // A sample is rounded up to, so it lies up to one behind its tick.
            let late = (ticks - (ticks + 1e-6).floor()) * TICK as f64;
            late > 1.01
        };
        let wrong: Vec<u64> = ons.filter(off_grid).collect();
        assert_eq!(wrong, Vec::<u64>::new(), "from {place}");
        let _ = sounding(&stage.heard);
    }
    assert!(stage.machine_ons().len() > 10);
    stage.playing = false;
    stage.block(64, &[]);
    assert_eq!(sounding(&stage.heard), []);
}

/// A loop of one bar goes round and nothing hangs over its end.
pub(crate) fn a_loop_leaves_nothing_behind<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    stage.play(8 * BEAT, 512, &phrase());
    for _ in 0..6 {
        stage.beats = Some(4.0);
        let begin = stage.sample;
        stage.block(480, &[]);
        let at_jump: Vec<_> = stage.heard.iter().filter(|(at, _)| *at < begin).copied().collect();
        let over: Vec<_> = sounding(&at_jump).into_iter().filter(|n| n.0 == 1).collect();
        for (_, key) in over {
            let off = |(at, midi): &(u64, Midi)| {
                *at == begin
                    && matches!(midi, Midi::NoteOff { channel, key: k, .. } if *channel == MACHINE && *k == key)
            };
            assert!(stage.heard.iter().any(off), "{key} hangs over the loop's end");
        }
        stage.play(4 * BEAT - 480, 480, &[]);
    }
    assert!(stage.machine_ons().len() > 10);
}

/// Turns are those of the song's bars, in any metre, and also where the host tells numbers of bars for their beginnings.
pub(crate) fn turns_keep_to_the_bars<H: Host>() {
    for (quarters, tells_numbers) in [(4, false), (4, true), (3, false), (3, true)] {
        let mut stage = Stage::<H>::offline();
        (stage.quarters, stage.tells_numbers) = (quarters, tells_numbers);
        stage.set(&TALKATIVE);
        stage.set(&[("mode", 2.0 / 4.0), ("trade-bars", 0.0)]);
        stage.play(6 * u64::from(quarters) * BEAT, 512, &phrase());
        let bars: Vec<u64> =
            stage.machine_ons().iter().map(|at| at / (u64::from(quarters) * BEAT)).collect();
        assert!(bars.len() > 6, "{bars:?}");
        assert!(bars.iter().all(|bar| bar % 2 == 1), "in {quarters}/4: {bars:?}");
    }
}

/// Without a transport the machine plays by its own clock, at the tempo that is set.
pub(crate) fn without_a_transport_it_keeps_its_own_time<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.beats = None;
    // 60 to the minute, on a parameter from 20 to 400.
    stage.set(&TALKATIVE);
    stage.set(&[("tempo", 40.0 / 380.0)]);
    let start = 1_234;
    let slow: Vec<_> = phrase().into_iter().map(|(at, m)| (start + 2 * at, m)).collect();
    stage.play(32 * BEAT, 512, &slow);
    let ons = stage.machine_ons();
    assert!(ons.len() >= 8, "{ons:?}");
    for at in ons {
        let late = (at - start) % (2 * TICK);
        // The tempo comes through 32-bit floats.
        assert!(late <= 2 || late >= 2 * TICK - 2, "{at}");
    }
}

/// Automation counts from its own sample on.
pub(crate) fn automation_counts_from_its_sample<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    stage.play(8 * BEAT, 512, &phrase());
    while !sounding(&stage.heard).iter().any(|n| n.0 == 1) {
        stage.block(64, &[]);
    }
    let on = |offset, key| TimedMidi {
        offset,
        midi: Midi::NoteOn { channel: PLAYER, key, velocity: 80 },
    };
    stage.automation = vec![(300, "active", 0.0), (300, "thru", 0.0), (600, "thru", 1.0)];
    let begin = stage.sample;
    stage.block(1_000, &[on(299, 20), on(300, 21), on(599, 22), on(600, 23), on(999, 24)]);
    let new = || stage.heard.iter().filter(|(at, _)| *at >= begin).map(|(at, m)| (at - begin, *m));
    let passed: Vec<_> = new()
        .filter_map(|(at, m)| match m {
            Midi::NoteOn { channel: PLAYER, key, .. } => Some((at, key)),
            _ => None,
        })
        .collect();
    assert_eq!(passed, [(299, 20), (600, 23), (999, 24)]);
    let machine_off = |m: &Midi| matches!(m, Midi::NoteOff { channel, .. } if *channel == MACHINE);
    let last_off = new().filter(|(_, m)| machine_off(m)).map(|(at, _)| at).max();
    assert_eq!(last_off, Some(300), "it falls silent on that sample");
    assert!(!new().any(|(at, m)| at >= 300 && matches!(m, Midi::NoteOn { channel: MACHINE, .. })));
}

/// Automation points do not move the song: with them and without, the same notes come at the same samples.
pub(crate) fn automation_does_not_move_the_song<H: Host>() {
    let run = |with_points: bool| {
        let mut stage = Stage::<H>::offline();
        stage.set(&TALKATIVE);
        stage.set(&[("seed", 0.25)]);
        let score = phrase();
        while stage.sample < 16 * BEAT {
            if with_points {
                stage.automation.extend((0..10).map(|i| (i * 77 + 1, "seed", 0.25)));
            }
            stage.play(1_024, 1_024, &score);
        }
        stage.heard
    };
    assert_eq!(run(true), run(false));
}

/// A flood that the model does not hear changes nothing about the machine's part.
pub(crate) fn a_flood_does_not_move_the_song<H: Host>() {
    let run =
        |with_flood: bool| {
            let mut stage = Stage::<H>::offline();
            stage.set(&TALKATIVE);
            let score = phrase();
            while stage.sample < 16 * BEAT {
                let block = stage.sample..stage.sample + 4_096;
                let mut events: Vec<TimedMidi> = (0..if with_flood { 3_000 } else { 0 })
                    .map(|n: u32| {
                        let midi = Midi::PitchBend { channel: PLAYER, value: (n % 128) as u16 };
                        TimedMidi { offset: n * 4_096 / 3_000, midi }
                    })
                    .collect();
                let notes = score.iter().filter(|(at, _)| block.contains(at));
                events.extend(notes.map(|(at, midi)| TimedMidi {
                    offset: (at - stage.sample) as u32,
                    midi: *midi,
                }));
                events.sort_by_key(|e| e.offset);
                stage.block(4_096, &events);
            }
            stage.heard.retain(|(_, midi)| !matches!(midi, Midi::PitchBend { .. }));
            stage.heard
        };
    assert_eq!(run(true), run(false));
}
