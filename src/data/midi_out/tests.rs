//! Files are read back with the reader of another hand.

use std::collections::HashMap;

use midly::{Smf, Track};

use super::*;

fn note(tick: u32, duration: u32, key: u8, channel: u8) -> OutNote {
    OutNote { tick, duration, key, velocity: 80, channel }
}

fn take(notes: Vec<OutNote>) -> Take {
    Take {
        ticks_per_quarter: 480,
        tempos: vec![
            TempoEvent { tick: 960, micros_per_quarter: 500_000 },
            TempoEvent { tick: 0, micros_per_quarter: 600_000 },
        ],
        meters: vec![MeterEvent { tick: 0, numerator: 6, denominator: 8 }],
        markers: vec![MarkerEvent { tick: 480, text: "Solo".to_owned() }],
        player: OutTrack { program: 4, channel: 0, notes },
        machine: OutTrack { program: 0, channel: 1, notes: vec![note(0, 10, 40, 1)] },
    }
}

/// The notes of a track as (channel, key, on, off), each on with its own off, in order of their ends.
fn notes(track: &Track<'_>) -> Vec<(u8, u8, u32, u32)> {
    let mut sounding = HashMap::new();
    let mut found = Vec::new();
    let mut now = 0;
    for event in track {
        now += event.delta.as_int();
        let TrackEventKind::Midi { channel, message } = event.kind else { continue };
        match message {
            MidiMessage::NoteOn { key, vel } => {
                assert!(vel.as_int() > 0);
                let before = sounding.insert((channel, key), now);
                assert_eq!(before, None, "key {key} struck while it sounds");
            }
            MidiMessage::NoteOff { key, .. } => {
                let on = sounding.remove(&(channel, key)).expect("an off without its on");
                found.push((channel.as_int(), key.as_int(), on, now));
            }
            _ => {}
        }
    }
    assert!(sounding.is_empty(), "hanging: {sounding:?}");
    found
}

fn name<'a>(track: &Track<'a>) -> &'a [u8] {
    let TrackEventKind::Meta(MetaMessage::TrackName(name)) = track[0].kind else {
        panic!("{:?} comes first", track[0])
    };
    name
}

#[test]
fn the_file_reads_back() {
    let take = take(vec![note(480, 240, 64, 0), note(0, 480, 60, 0)]);
    let bytes = take.to_bytes().unwrap();
    let smf = Smf::parse(&bytes).unwrap();
    assert_eq!(smf.header, Header::new(Format::Parallel, Timing::Metrical(u15::new(480))));
    let names: Vec<_> = smf.tracks.iter().map(name).collect();
    assert_eq!(names, [&b"Conductor"[..], b"Player", b"Sideman"]);
    assert_eq!(notes(&smf.tracks[1]), [(0, 60, 0, 480), (0, 64, 480, 720)]);
    assert_eq!(notes(&smf.tracks[2]), [(1, 40, 0, 10)]);
    let conductor: Vec<_> = smf.tracks[0][1..].iter().map(|e| (e.delta.as_int(), e.kind)).collect();
    let expected = [
        (0, MetaMessage::TimeSignature(6, 3, 24, 8)),
        (0, MetaMessage::Tempo(u24::new(600_000))),
        (480, MetaMessage::Marker(b"Solo")),
        (480, MetaMessage::Tempo(u24::new(500_000))),
        (0, MetaMessage::EndOfTrack),
    ];
    assert_eq!(conductor, expected.map(|(delta, message)| (delta, meta(message))));
    for track in &smf.tracks {
        assert_eq!(track.last().map(|e| e.kind), Some(meta(MetaMessage::EndOfTrack)));
    }
}

#[test]
fn notes_on_one_key_never_overlap() {
    let clashing = vec![
        note(0, 100, 60, 0),
        note(50, 100, 60, 0),
        note(50, 70, 60, 0),
        note(150, 0, 60, 0),
        note(60, 100, 60, 1),
        note(u32::MAX >> 5, u32::MAX, 61, 0),
    ];
    let bytes = take(clashing[..5].to_vec()).to_bytes().unwrap();
    let smf = Smf::parse(&bytes).unwrap();
    let expected = [(0, 60, 0, 50), (0, 60, 50, 150), (0, 60, 150, 151), (1, 60, 60, 160)];
    assert_eq!(notes(&smf.tracks[1]), expected);
    assert!(matches!(take(clashing).to_bytes(), Err(MidiOutError::Unfit(_))));
}

#[test]
fn a_take_of_nothing_is_a_file() {
    let bytes = Take { ticks_per_quarter: 96, ..Take::default() }.to_bytes().unwrap();
    assert_eq!(Smf::parse(&bytes).unwrap().tracks.len(), 3);
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    fn refused(change: impl FnOnce(&mut Take)) -> String {
        let mut take = take(vec![note(0, 1, 60, 0)]);
        change(&mut take);
        take.to_bytes().unwrap_err().to_string()
    }
    let text = "the take does not fit a MIDI file: ";
    assert_eq!(refused(|t| t.ticks_per_quarter = 0), format!("{text}0 ticks in a quarter note"));
    assert_eq!(refused(|t| t.meters[0].denominator = 6), format!("{text}the time signature 6/6"));
    assert_eq!(
        refused(|t| t.tempos[0].micros_per_quarter = 1 << 24),
        format!("{text}16777216 microseconds a quarter note")
    );
    assert_eq!(
        refused(|t| t.player.notes[0].key = 128),
        format!("{text}key 128, velocity 80, channel 0 at tick 0")
    );
    assert_eq!(
        refused(|t| t.player.notes[0].tick = u32::MAX),
        format!("{text}a pause of {} ticks", u32::MAX)
    );
}

#[test]
fn saving_names_the_file_that_failed() {
    let error = take(Vec::new()).save(Path::new("/no/such/folder/a.mid")).unwrap_err();
    assert!(error.to_string().starts_with("cannot write the MIDI file /no/such/folder/a.mid: "));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mid");
    take(Vec::new()).save(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), take(Vec::new()).to_bytes().unwrap());
}
