//! Sessions as they are heard, looked at and kept.

use super::*;
use crate::data::midi_out::OutTrack;
use crate::music::event::Channel;
use crate::music::time::{Bars, Beats, Meter, Tempo, Tick};

const HERTZ: f64 = 48_000.0;

fn now(beats: f64, tempo: f64) -> Now {
    let bars = Bars { origin: Tick(0), length: 48 };
    Now { beats: Beats(beats), bars, tempo: Tempo::new(tempo) }
}

fn on(channel: Channel, key: u8) -> Midi {
    Midi::NoteOn { channel, key, velocity: 90 }
}

fn off(channel: Channel, key: u8) -> Midi {
    Midi::NoteOff { channel, key, velocity: 0 }
}

/// A session in one tempo: messages by their beats, and marks between them.
fn played(tempo: f64, messages: &[(f64, Midi)]) -> Session {
    let mut session = Session::new(SampleRate::new(HERTZ));
    let heard = |beats: f64, midi| Heard {
        sample: (beats * 60.0 / tempo * HERTZ) as u64,
        now: Some(now(beats, tempo)),
        midi,
    };
    let mut next = 0.0;
    for (beats, midi) in messages {
        while next <= *beats {
            session.hear(&heard(next, None));
            next += 0.1;
        }
        session.hear(&heard(*beats, Some(*midi)));
    }
    session
}

const MACHINE: Channel = Channel::new(1);

#[test]
fn a_session_keeps_notes_tempo_bars_and_chords() {
    let mut messages = Vec::new();
    for (bar, chord) in [[48, 64, 67], [45, 60, 64], [53, 60, 69], [43, 59, 62]].iter().enumerate()
    {
        for (n, key) in chord.iter().enumerate() {
            let channel = if n == 0 { PLAYER } else { MACHINE };
            messages.push((bar as f64 * 4.0 + 0.01, on(channel, *key)));
            messages.push((bar as f64 * 4.0 + 3.9, off(channel, *key)));
        }
    }
    messages.sort_by(|a, b| a.0.total_cmp(&b.0));
    let session = played(90.0, &messages);
    let take = session.take(session.whole(), Meter::default(), 1);
    let ticks = |t: &OutTrack| t.notes.iter().map(|n| (n.tick, n.duration)).collect::<Vec<_>>();
    assert_eq!(ticks(&take.player)[..2], [(5, 1_867), (1_925, 1_867)]);
    assert_eq!(take.machine.notes.len(), 8);
    let tempos: Vec<_> = take.tempos.iter().map(|t| (t.tick, t.micros_per_quarter)).collect();
    assert!(tempos.len() == 1 && (666_000..667_500).contains(&tempos[0].1), "{tempos:?}");
    let chords: Vec<_> = take.markers.iter().map(|m| (m.tick / 1_920, m.text.as_str())).collect();
    assert_eq!(chords, [(0, "C"), (1, "Am"), (2, "F"), (3, "G")]);
    assert_eq!((take.meters.len(), take.meters[0].numerator), (1, 4));
    assert_eq!((session.count(Part::Player), session.count(Part::Machine)), (4, 8));
    let last = session.last_bars(2);
    assert!((last.from - 8.0).abs() < 1e-9, "{last:?}");
    let take = session.take(last, Meter::default(), 1);
    assert_eq!(ticks(&take.player).len(), 2);
    assert_eq!(take.markers[0].text, "F");
    let strips = session.strips(last);
    assert_eq!(strips.len(), 1);
    let begin = strips[0].samples.as_ref().unwrap().start;
    assert!(begin.abs_diff((8.0 / 1.5 * HERTZ) as u64) <= 2, "{begin}");
}

#[test]
fn a_tempo_that_wanders_stays_beside_the_sound() {
    let mut session = Session::new(SampleRate::new(HERTZ));
    let (mut beats, mut seconds) = (0.0, 0.0_f64);
    while beats < 64.0 {
        let tempo = 100.0 + 20.0 * (beats / 7.0_f64).sin();
        let sample = (seconds * HERTZ).round() as u64;
        session.hear(&Heard { sample, now: Some(now(beats, tempo)), midi: None });
        seconds += 0.05;
        beats += 0.05 * tempo / 60.0;
    }
    let range = Range { from: 8.0, to: 60.0 };
    let frames: u64 = session.strips(range).iter().map(|s| s.frames).sum();
    let take = session.take(range, Meter::default(), 1);
    let ends = take.tempos.iter().skip(1).map(|t| t.tick).chain([52 * 480]);
    let written: f64 = take
        .tempos
        .iter()
        .zip(ends)
        .map(|(t, end)| f64::from(end - t.tick) / 480.0 * f64::from(t.micros_per_quarter) / 1e6)
        .sum();
    assert!((written - frames as f64 / HERTZ).abs() < 0.005, "{written} {frames}");
}

#[test]
fn a_note_that_sounds_is_seen_and_one_that_has_ended_is_not() {
    let mut messages = vec![(0.0, on(MACHINE, 30))];
    for n in 0..2_000 {
        let (at, key) = (f64::from(n) * 0.5, 60 + (n % 12) as u8);
        messages.push((at + 0.01, on(PLAYER, key)));
        messages.push((at + 0.4, off(PLAYER, key)));
    }
    let session = played(120.0, &messages);
    let seen = session.since(990.0);
    assert_eq!(seen.len(), 1 + 20, "the drone, and what ended since");
    assert!(seen.iter().any(|n| n.key == 30 && n.len_beats > 990.0));
    assert_eq!(session.count(Part::Player), 2_000);
}

#[test]
fn what_is_heard_while_nobody_counts_is_kept_too() {
    let mut session = Session::new(SampleRate::new(HERTZ));
    session.hear(&Heard { sample: 0, now: None, midi: Some(off(PLAYER, 60)) });
    session.hear(&Heard { sample: 9, now: None, midi: Some(on(PLAYER, 60)) });
    let take = session.take(session.whole(), Meter::default(), 1);
    assert_eq!(take.player.notes.len(), 1);
    assert!(take.to_bytes().is_ok());
}

#[test]
fn no_session_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    assert_eq!(take_name(dir.path(), "s").unwrap(), path("s-1.mid"));
    std::fs::write(path("s-2.wav"), "").unwrap();
    assert_eq!(take_name(dir.path(), "s").unwrap(), path("s-3.mid"));
    assert!(take_name(&path("none"), "s").is_err());
}
