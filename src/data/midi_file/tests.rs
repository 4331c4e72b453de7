//! Small files made here, byte by byte, are read as what they say; broken ones are errors.

use super::*;

/// A chunk with its length.
fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&kind, &length, body].concat()
}

fn file(division: u16, tracks: &[&[u8]]) -> Vec<u8> {
    let mut header = vec![0, 1, 0, tracks.len() as u8];
    header.extend(division.to_be_bytes());
    let mut bytes = chunk(*b"MThd", &header);
    for track in tracks {
        bytes.extend(chunk(*b"MTrk", &[*track, &[0, 0xff, 0x2f, 0]].concat()));
    }
    bytes
}

const ONE_NOTE: &[u8] = &[0, 0x90, 60, 100, 96, 0x80, 60, 0];

fn error(bytes: &[u8]) -> String {
    let message = MidiFile::parse(bytes).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn names_notes_and_times() {
    let conductor = &[
        0, 0xff, 0x58, 4, 3, 2, 24, 8, // 3/4
        0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40, // 60 a minute
        96, 0xff, 0x51, 3, 0x07, 0xa1, 0x20, // 120 a minute after a quarter
        0, 0xff, 0x06, 2, b'A', b'm',
    ];
    let piano = &[
        0, 0xff, 0x03, 5, b'P', b'i', b'a', b'n', b'o', //
        0, 0xc2, 4, //
        0, 0x92, 64, 90, 0, 60, 80, // running status
        48, 60, 0, // a note-on of velocity 0 ends the note
        48, 0x82, 64, 0,
    ];
    let file = MidiFile::parse(&file(96, &[conductor, piano])).unwrap();
    assert_eq!(file.ticks_per_quarter, 96);
    assert_eq!(
        file.meters,
        [MeterChange { tick: 0, meter: Meter { numerator: 3, denominator: 4 } }]
    );
    assert_eq!(file.markers, [Marker { tick: 96, text: "Am".to_owned() }]);
    assert_eq!(file.tracks[1].name, "Piano");
    assert_eq!(file.tracks[1].programs, [(2, 4)]);
    let note = |duration, key, velocity| FileNote { onset: 0, duration, key, velocity, channel: 2 };
    assert_eq!(file.tracks[1].notes, [note(48, 60, 80), note(96, 64, 90)]);
    for (tick, seconds) in [(0, 0.0), (48, 0.5), (96, 1.0), (192, 1.5)] {
        assert!((file.seconds(tick) - seconds).abs() < 1e-9, "{tick}");
    }
    assert_eq!(file.end(), 96);
}

#[test]
fn a_note_that_is_never_released_ends_with_its_track() {
    let file = MidiFile::parse(&file(96, &[&[0, 0x90, 60, 100, 96, 0x90, 62, 1]])).unwrap();
    assert_eq!(file.tracks[0].notes[0].duration, 96);
    assert_eq!(file.tempos, [TempoChange { tick: 0, micros_per_quarter: 500_000 }]);
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(error(b""), "midi: not a MIDI file (the file is empty)");
    assert_eq!(error(b"hello, world"), "midi: not a MIDI file (no MThd at the beginning)");
    assert_eq!(error(&file(96, &[])), "midi: the file has no notes");
    assert_eq!(error(&file(96, &[&[]])), "midi: the file has no notes");
    assert_eq!(error(&file(0, &[ONE_NOTE])), "midi: not a MIDI file (0 ticks a quarter)");
    assert_eq!(error(&file(0xe728, &[ONE_NOTE])), "midi: timing by SMPTE frames is not supported");
    let mut promise = file(96, &[ONE_NOTE]);
    promise[11] = 2;
    assert_eq!(error(&promise), "midi: the file is cut off");
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let bytes = file(96, &[ONE_NOTE, ONE_NOTE]);
    MidiFile::parse(&bytes).unwrap();
    for cut in 0..bytes.len() {
        error(&bytes[..cut]);
    }
}

#[test]
fn floods_are_refused() {
    assert!(error(&vec![b'M'; MAX_BYTES as usize + 1]).contains("at most"));
    let mut notes = vec![0, 0x90, 60, 100];
    notes.extend([0, 60, 100].repeat(MAX_NOTES));
    assert_eq!(error(&file(96, &[&notes])), "midi: notes: 1000001, at most 1000000 are read");
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = file(96, &[&[0, 0xff, 0x58, 4, 3, 2, 24, 8, 0, 0xff, 0x03, 1, b'a'], ONE_NOTE]);
    for at in 0..bytes.len() {
        for flip in 1..=255 {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            if let Ok(file) = MidiFile::parse(&bytes) {
                assert!(file.seconds(file.end()).is_finite());
            }
        }
    }
}
