//! Pulses come when they are due, and start, stop and position say what the music does.

use super::*;
use crate::music::time::{Bars, Beats, Tick};
use crate::standalone::midi_clock::Follower;

fn now(beats: f64, origin: i64) -> Now {
    let bars = Bars { origin: Tick(origin), length: 48 };
    Now { beats: Beats(beats), bars, tempo: Tempo::new(120.0) }
}

/// All messages, at samples since the beginning; `place` tells the place at a sample, in quarter notes.
fn sent(
    blocks: usize,
    frames: usize,
    place: impl Fn(usize) -> Option<Now>,
) -> Vec<(usize, ClockMessage)> {
    let mut clock = ClockOut::new(SampleRate::new(48_000.0));
    let mut all = Vec::new();
    for block in 0..blocks {
        let (from, to) = (block * frames, (block + 1) * frames);
        let out = clock.block(frames, place(from), place(to), Tempo::new(60.0));
        assert!(out.windows(2).all(|w| w[0].0 <= w[1].0));
        all.extend(out.iter().map(|(at, m)| (from + *at as usize, *m)));
    }
    all
}

fn count(sent: &[(usize, ClockMessage)], what: ClockMessage) -> usize {
    sent.iter().filter(|(_, m)| *m == what).count()
}

#[test]
fn pulses_come_before_during_and_after_a_song_and_it_starts_on_its_first() {
    // Nothing for a second, then 4 seconds at 120, then nothing for a second.
    let place = |sample: usize| {
        let at = sample as f64 / 24_000.0 - 2.0;
        (sample > 48_000 && sample < 240_000).then(|| now(at, 0))
    };
    for frames in [60, 480, 1_000] {
        let all = sent(288_000 / frames, frames, place);
        assert_eq!(count(&all, ClockMessage::Start), 1, "{frames}");
        assert_eq!(count(&all, ClockMessage::Stop), 1);
        let start = all.iter().position(|(_, m)| *m == ClockMessage::Start).unwrap();
        assert!(all[start].0.abs_diff(48_000) <= frames, "{} {frames}", all[start].0);
        assert_eq!(all[start + 1].1, ClockMessage::Pulse);
        let stop = all.iter().position(|(_, m)| *m == ClockMessage::Stop).unwrap();
        let song: Vec<usize> = all[start + 1..stop].iter().map(|(at, _)| *at).collect();
        assert!(song.len().abs_diff(192) <= 3, "{} pulses of 8 beats", song.len());
        for pair in song[1..].windows(2) {
            assert!((pair[1] - pair[0]).abs_diff(1_000) <= 1, "{pair:?} {frames}");
        }
        assert!(start.abs_diff(24) <= 1, "at 60 a second has 24 pulses, {start}");
    }
}

#[test]
fn a_song_that_is_joined_or_moved_is_told_its_position() {
    // It is heard first at beat 33.3; later the bar lines move by a beat.
    let place = |sample: usize| {
        let beats = 33.3 + sample as f64 / 24_000.0;
        Some(now(beats, if beats < 37.0 { 0 } else { 12 }))
    };
    let all = sent(400, 480, place);
    let told: Vec<ClockMessage> =
        all.iter().map(|(_, m)| *m).filter(|m| *m != ClockMessage::Pulse).collect();
    let ClockMessage::Position(second) = told[3] else { panic!("{told:?}") };
    assert_eq!(
        told[..3],
        [ClockMessage::Position(134), ClockMessage::Continue, ClockMessage::Stop]
    );
    assert!((143..=145).contains(&second), "{told:?}");
    assert_eq!(told[4..], [ClockMessage::Continue]);
    assert_eq!(all[0].0, 4_800, "33.5 is 4,800 samples away");
}

#[test]
fn what_is_sent_is_what_a_follower_hears() {
    let place = |sample: usize| Some(now(sample as f64 / 24_000.0, 0));
    let mut follower = Follower::default();
    for (at, message) in sent(1_000, 256, place) {
        follower.hear(at as f64 / 48_000.0, message);
    }
    let end = 256_000.0 / 48_000.0;
    let heard = follower.read(end).unwrap();
    assert!((heard.beats.unwrap() - 2.0 * end).abs() < 1e-3, "{heard:?}");
}
