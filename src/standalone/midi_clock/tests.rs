//! A song is followed through starts, stops and gaps, and no pulses do harm.

use super::*;

/// A clock at 120 BPM from second 0 on, `n` pulses.
fn steady(follower: &mut Follower, n: usize) {
    for i in 0..n {
        follower.hear(i as f64 / 48.0, ClockMessage::Pulse);
    }
}

#[test]
fn a_song_is_followed_from_start_to_stop_and_on() {
    let mut clock = Follower::default();
    assert_eq!(clock.read(0.0), None, "no clock");
    steady(&mut clock, 48);
    let now = 47.0 / 48.0;
    let reading = clock.read(now).unwrap();
    assert_eq!(reading.beats, None, "pulses alone are a tempo and no song");
    assert!((reading.pace - 2.0).abs() < 1e-9);
    clock.hear(now, ClockMessage::Start);
    let mut next = 1.0;
    let mut beat = |clock: &mut Follower, pulses: usize| {
        for _ in 0..pulses {
            clock.hear(next, ClockMessage::Pulse);
            next += 1.0 / 48.0;
        }
        clock.read(next - 1.0 / 48.0).unwrap().beats
    };
    let near = |beats: Option<f64>, want: f64| (beats.unwrap() - want).abs() < 1e-9;
    assert!(near(beat(&mut clock, 1), 0.0), "the first pulse is the first beat");
    assert!(near(beat(&mut clock, 36), 1.5));
    clock.hear(0.0, ClockMessage::Stop);
    assert_eq!(beat(&mut clock, 5), None);
    clock.hear(0.0, ClockMessage::Continue);
    assert!(
        near(beat(&mut clock, 1), 1.5 + 1.0 / 24.0),
        "no pulse counts twice, and none is left out"
    );
    clock.hear(0.0, ClockMessage::Stop);
    clock.hear(0.0, ClockMessage::Position(34));
    clock.hear(0.0, ClockMessage::Continue);
    assert!(near(beat(&mut clock, 1), 8.5));
    clock.hear(0.0, ClockMessage::Start);
    assert!(near(beat(&mut clock, 25), 1.0), "a start in mid-song begins anew");
    let last = clock.pulses[clock.pulses.len() - 1];
    assert!(near(clock.read(last + 0.25).unwrap().beats, 1.5), "a late pulse is not waited for");
    assert_eq!(clock.read(last + LOST_SECONDS), None, "a clock that is gone is none");
    clock.hear(last + 5.0, ClockMessage::Pulse);
    clock.hear(last + 5.02, ClockMessage::Pulse);
    assert_eq!(clock.read(last + 5.03).unwrap().beats, None, "and what it missed is not known");
}

#[test]
fn a_master_that_sends_pulses_only_while_it_plays_is_followed_every_time() {
    let mut clock = Follower::default();
    for take in 0..3 {
        let begin = 20.0 * f64::from(take);
        clock.hear(begin, ClockMessage::Start);
        for n in 0..=48 {
            clock.hear(begin + f64::from(n) / 48.0, ClockMessage::Pulse);
        }
        let beats = clock.read(begin + 1.0).unwrap().beats.unwrap();
        assert!((beats - 2.0).abs() < 1e-6, "{beats} in take {take}");
        clock.hear(begin + 1.0, ClockMessage::Stop);
    }
}

#[test]
fn two_pulses_make_a_tempo_and_a_burst_does_no_harm() {
    let mut clock = Follower::default();
    clock.hear(1.0, ClockMessage::Pulse);
    assert_eq!(clock.read(1.0), None);
    clock.hear(1.0 + 1.0 / 36.0, ClockMessage::Pulse);
    assert!((clock.read(1.03).unwrap().pace - 1.5).abs() < 1e-9);
    for _ in 0..500 {
        clock.hear(1.03, ClockMessage::Pulse);
        if let Some(reading) = clock.read(1.03) {
            assert!(reading.pace.is_finite() && reading.pace <= FASTEST);
        }
    }
    for at in [0.5, f64::MAX, 1e300] {
        clock.hear(at, ClockMessage::Pulse);
        assert!(clock.read(at).is_none_or(|r| r.pace.is_finite()));
    }
}
