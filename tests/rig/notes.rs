//! Notes in, notes out: on their samples, in order, and each with its end.

use sideman::music::event::{Channel, Midi, TimedMidi};

use crate::host::{Call, Host};
use crate::score::{BEAT, MACHINE, PLAYER, Stage, TALKATIVE, TICK, note, phrase, sounding};

/// What the player does comes out on the sample where it went in, at any block size.
pub(crate) fn the_player_passes_through_to_the_sample<H: Host>() {
    let mut score: Vec<(u64, Midi)> = [1, 999, 4_095, 8_192, 20_001]
        .into_iter()
        .zip([40, 52, 64, 76, 88])
        .flat_map(|(at, key)| note(at, key, 777))
        .collect();
    let channel = PLAYER;
    score.extend([
        (3, Midi::Control { channel, controller: 64, value: 127 }),
        (4_096, Midi::PitchBend { channel, value: 8_192 }),
        (4_097, Midi::PitchBend { channel, value: 16_383 }),
        (9_000, Midi::Pressure { channel, value: 33 }),
        (9_001, Midi::KeyPressure { channel, key: 88, value: 77 }),
        (21_500, Midi::Control { channel, controller: 1, value: 7 }),
    ]);
    score.sort_by_key(|(at, _)| *at);
    for frames in [1, 37, 512, 8_192] {
        let mut stage = Stage::<H>::offline();
        stage.set(&[("active", 0.0)]);
        stage.play(22_000, frames, &score);
        assert_eq!(stage.heard, score, "blocks of {frames}");
    }
}

/// The machine plays on the grid of the host's beats, to the sample, and the same at any block size.
pub(crate) fn the_machine_plays_on_the_beat_at_any_block_size<H: Host>() {
    let mut heard = Vec::new();
    for frames in [64, 480, 8_192] {
        let mut stage = Stage::<H>::offline();
        stage.set(&TALKATIVE);
        stage.play(16 * BEAT, frames, &phrase());
        let ons = stage.machine_ons();
        assert!(ons.len() >= 8, "it plays: {ons:?}");
        assert!(ons.iter().all(|at| at % TICK == 0), "{ons:?}");
        let _ = sounding(&stage.heard);
        heard.push(stage.heard);
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[1], heard[2]);
}

/// A flood loses no event of the player's and leaves no key down.
pub(crate) fn a_flood_passes_whole<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&[("active", 0.0)]);
    let flood = |offset: &dyn Fn(usize) -> u32| -> Vec<TimedMidi> {
        let keys = (0..4_000).map(|i| (i, (i / 2 % 120) as u8));
        keys.map(|(i, key)| {
            let channel = Channel::new((i / 240 % 16) as u8);
            let on = Midi::NoteOn { channel, key, velocity: 100 };
            let off = Midi::NoteOff { channel, key, velocity: 0 };
            TimedMidi { offset: offset(i), midi: if i % 2 == 0 { on } else { off } }
        })
        .collect()
    };
    for (frames, events) in [
        (64, flood(&|_| 0)),
        (64, flood(&|_| 63)),
        (512, flood(&|i| i as u32 / 8)),
        (8_192, flood(&|i| 2 * i as u32)),
    ] {
        let answer = stage.block(frames, &events);
        assert_eq!(answer.events, events);
    }
    assert_eq!(sounding(&stage.heard), []);
}

/// Where a host takes only a few events in a block, each note that it took still gets its end.
pub(crate) fn a_host_that_refuses_still_gets_every_end<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    for room in [0, 1, 2, 3, 0, 5, 1].repeat(30) {
        stage.host.set_room(room);
        let at = stage.sample;
        let score: Vec<_> = (0..6).flat_map(|i| note(at + i, 50 + i as u8, 400)).collect();
        stage.play(1_000, 500, &score);
    }
    stage.host.set_room(usize::MAX);
    stage.set(&[("active", 0.0)]);
    stage.play(4 * BEAT, 512, &[]);
    assert_eq!(sounding(&stage.heard), []);
}

/// Events in disorder or outside the block are put in place.
pub(crate) fn disorder_is_put_in_order<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&[("active", 0.0)]);
    stage.block(1, &[]);
    let at = |offset, key| TimedMidi {
        offset,
        midi: Midi::NoteOn { channel: PLAYER, key, velocity: 1 },
    };
    let events = [at(40, 1), at(10, 2), at(4_000, 3), at(0, 4)];
    let call = Call { frames: 64, events: &events, ..Call::default() };
    let answer = stage.host.process(&call);
    assert_eq!(answer.events, [at(0, 4), at(10, 2), at(40, 1), at(63, 3)]);
}

/// Sound: silence where there is no input, else the input.
pub(crate) fn sound_is_silence_or_passes_through<H: Host>() {
    for effect in [false, true] {
        let mut host = H::open();
        host.choose_layout(effect);
        let mut stage = Stage::at(host, true);
        for frames in [1, 64, 8_192] {
            let answer = stage.block(frames, &[]);
            let expected = if effect { crate::host::BEFORE } else { 0.0 };
            for channel in &answer.sound {
                assert_eq!(*channel, vec![expected; frames as usize]);
            }
        }
        assert_eq!(stage.host.latency(), 0);
    }
}

/// A live host: what the model has to say comes in time where it has time to think.
pub(crate) fn the_machine_plays_live<H: Host>() {
    let mut stage = Stage::at(H::open(), false);
    stage.set(&TALKATIVE);
    let score = phrase();
    let begin = std::time::Instant::now();
    while stage.sample < 10 * BEAT {
        stage.play(480, 480, &score);
        // Four times as fast as a clock on the wall: no render, and still time enough.
        let due = std::time::Duration::from_secs_f64(stage.sample as f64 / 48_000.0 / 4.0);
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
    }
    let ons = stage.machine_ons();
    assert!(ons.len() >= 4, "{ons:?}");
    assert!(ons.iter().all(|at| at % TICK == 0), "{ons:?}");
    assert!(
        stage
            .heard
            .iter()
            .any(|(_, m)| matches!(m, Midi::NoteOff { channel, .. } if *channel == MACHINE))
    );
}
