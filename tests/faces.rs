//! The tune that comes with Sideman, through the synth into a WAV file and onto a picture.
//!
//! The files stay in `target/tmp` for ears and eyes.
#![cfg(feature = "standalone")]

use std::path::Path;

use sideman::music::time::SampleRate;
use sideman::standalone::Part;
use sideman::standalone::phrase::Phrase;
use sideman::standalone::roll::RollNote;
use sideman::standalone::roll_png::{RollSpec, save};
use sideman::standalone::synth::Synth;
use sideman::standalone::wav::{Depth, WavSummary, WavWriter};

const RATE: u32 = 48_000;

/// The tune for the player and, so that both voices are heard, roots and fifths in half notes for the machine.
fn duet(phrase: &Phrase) -> Vec<RollNote> {
    let mut notes: Vec<RollNote> = phrase
        .notes
        .iter()
        .map(|n| RollNote {
            part: Part::Player,
            start_beats: n.start_beats,
            len_beats: n.len_beats,
            key: n.pitch.number(),
            velocity: n.velocity,
            planned: false,
        })
        .collect();
    let roots = [53, 50, 43, 48, 53, 46, 43, 53, 50, 45, 46, 45, 43, 48, 46, 41];
    for (bar, root) in roots.into_iter().enumerate() {
        for (i, above) in [0, 7, 15, 7].into_iter().enumerate() {
            notes.push(RollNote {
                part: Part::Machine,
                start_beats: bar as f64 * 4.0 + i as f64,
                len_beats: if i == 0 { 3.8 } else { 0.9 },
                key: root + above,
                velocity: if i == 0 { 72 } else { 54 },
                planned: false,
            });
        }
    }
    notes
}

/// Plays notes into a file, with two seconds of tail.
fn record(notes: &[RollNote], phrase: &Phrase, path: &Path, depth: Depth) -> WavSummary {
    let samples = |beats: f64| (beats * phrase.tempo.seconds_per_beat() * f64::from(RATE)) as u64;
    let mut events = Vec::new();
    for note in notes {
        events.push((samples(note.start_beats), true, *note));
        events.push((samples(note.end_beats()), false, *note));
    }
    events.sort_by_key(|(sample, on, _)| (*sample, *on));
    let mut synth = Synth::new(SampleRate::new(f64::from(RATE)));
    let mut wav = WavWriter::create(path, RATE, depth).expect("a file in the target folder");
    let mut now = 0;
    let mut render = |synth: &mut Synth, until: u64| {
        let mut left = vec![0.0; (until - now) as usize];
        let mut right = left.clone();
        synth.render(&mut left, &mut right);
        wav.write(&left, &right).expect("room on the disk");
        now = until;
    };
    for (sample, on, note) in events {
        render(&mut synth, sample);
        if on {
            synth.note_on(note.part, note.key, note.velocity);
        } else {
            synth.note_off(note.part, note.key);
        }
    }
    render(&mut synth, samples(phrase.len_beats()) + 2 * u64::from(RATE));
    wav.finish().expect("room on the disk")
}

#[test]
fn the_tune_is_heard_at_a_good_level() {
    let phrase = Phrase::lantern_street().unwrap();
    for (name, depth) in
        [("lantern-street-16.wav", Depth::Sixteen), ("lantern-street.wav", Depth::TwentyFour)]
    {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let summary = record(&duet(&phrase), &phrase, &path, depth);
        assert_eq!(summary.clipped, 0);
        assert!((0.2..0.95).contains(&summary.peak), "peak {}", summary.peak);
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!(u64::from(reader.duration()), summary.frames);
        // 64 beats at 100 a minute, and the tail.
        assert_eq!(summary.frames, (64 * 60 * 48_000 / 100) + 2 * 48_000);
        let full = f64::from(1_u32 << (depth.bits() - 1));
        let power: f64 =
            reader.samples::<i32>().map(|s| (f64::from(s.unwrap()) / full).powi(2)).sum();
        let rms_db = 10.0 * (power / f64::from(2 * reader.duration())).log10();
        assert!((-27.0..-15.0).contains(&rms_db), "{rms_db} dBFS");
    }
}

#[test]
fn the_tune_is_seen() {
    let phrase = Phrase::lantern_street().unwrap();
    let notes = duet(&phrase);
    let subtitle = "100 bpm · 4/4 · F major";
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lantern-street.png");
    save(&RollSpec { subtitle, ..RollSpec::new(&phrase.title, &notes) }, &path).unwrap();
    let (width, height) = image::image_dimensions(&path).unwrap();
    assert!((1_600..2_000).contains(&width) && (400..900).contains(&height), "{width} x {height}");
}
