//! Which track of a MIDI file is the melody and which accompany it: by name, or else by how they look.

use std::borrow::Cow;

use crate::data::midi_file::{FileNote, MidiFile, Track};

/// The drums' channel.
const DRUMS: u8 = 9;
const MELODY_NAMES: [&str; 4] = ["MELODY", "SOLO", "LEAD", "VOCAL"];
const ACCOMPANIMENT_NAMES: [&str; 3] = ["PIANO", "CHORD", "COMP"];
const BASS_NAME: &str = "BASS";
/// A track whose mean key is below this is taken for a bass: the C below middle C.
const BASS_KEY: i64 = 48;
/// A melody has at least this share of the notes of the busiest track: a sound effect has fewer.
const MELODY_SHARE: f64 = 0.1;

/// The notes of a track that are no drums.
pub fn pitched(track: &Track) -> impl Iterator<Item = &FileNote> {
    track.notes.iter().filter(|n| n.channel != DRUMS)
}

/// The file with a track for each channel where all its notes lie in one track, as in files of format 0.
pub fn by_channel(file: &MidiFile) -> Cow<'_, MidiFile> {
    let mut all = candidates(file);
    let (Some(only), None) = (all.next(), all.next()) else { return Cow::Borrowed(file) };
    let track = &file.tracks[only];
    let mut channels: Vec<u8> = track.notes.iter().map(|n| n.channel).collect();
    channels.sort_unstable();
    channels.dedup();
    let of = |channel: u8| Track {
        name: String::new(),
        programs: track.programs.iter().copied().filter(|p| p.0 == channel).collect(),
        notes: track.notes.iter().copied().filter(|n| n.channel == channel).collect(),
    };
    if channels.len() < 2 {
        return Cow::Borrowed(file);
    }
    Cow::Owned(MidiFile { tracks: channels.into_iter().map(of).collect(), ..file.clone() })
}

/// The index of the track that is named as a melody, or else of the one that looks most like one; `None` when
/// no track has pitched notes.
pub fn melody(file: &MidiFile) -> Option<usize> {
    named(file, &MELODY_NAMES).or_else(|| {
        let accompaniment = named(file, &ACCOMPANIMENT_NAMES);
        let most = candidates(file).map(|i| count(file, i)).max().unwrap_or(0);
        let alone = candidates(file)
            .filter(|i| Some(*i) != accompaniment)
            .filter(|i| count(file, *i) as f64 >= MELODY_SHARE * most as f64)
            .max_by_key(|i| melodiousness(&file.tracks[*i]));
        alone.or(accompaniment)
    })
}

/// The indices of the tracks that accompany `melody`: one of chords, by name or because it has the most notes,
/// and the bass if there is one; empty when no other track has pitched notes.
pub fn accompaniment(file: &MidiFile, melody: usize) -> Vec<usize> {
    let others = || candidates(file).filter(|i| *i != melody);
    let chords = named(file, &ACCOMPANIMENT_NAMES).filter(|i| *i != melody).or_else(|| {
        let most = |low: bool| {
            others().filter(|i| is_low(file, *i) == low).max_by_key(|i| count(file, *i))
        };
        most(false).or_else(|| most(true))
    });
    let spare = || others().filter(|i| Some(*i) != chords);
    let bass = spare()
        .find(|i| file.tracks[*i].name.to_ascii_uppercase().contains(BASS_NAME))
        .or_else(|| spare().filter(|i| is_low(file, *i)).max_by_key(|i| count(file, *i)));
    chords.into_iter().chain(bass).collect()
}

fn candidates(file: &MidiFile) -> impl Iterator<Item = usize> {
    (0..file.tracks.len()).filter(|i| count(file, *i) > 0)
}

fn named(file: &MidiFile, names: &[&str]) -> Option<usize> {
    candidates(file).find(|i| {
        let name = file.tracks[*i].name.to_ascii_uppercase();
        names.iter().any(|n| name.contains(n))
    })
}

fn count(file: &MidiFile, track: usize) -> usize {
    pitched(&file.tracks[track]).count()
}

fn is_low(file: &MidiFile, track: usize) -> bool {
    height(&file.tracks[track]) < BASS_KEY
}

/// The mean key.
fn height(track: &Track) -> i64 {
    let (sum, count) = pitched(track).fold((0, 0), |(s, c), n| (s + i64::from(n.key), c + 1));
    sum / i64::max(count, 1)
}

/// High and one note at a time: the more, the more likely a melody.
fn melodiousness(track: &Track) -> i64 {
    let notes: Vec<&FileNote> = pitched(track).collect();
    let together = notes.windows(2).filter(|w| w[0].onset == w[1].onset).count() as i64;
    height(track) - 100 * together / (notes.len() as i64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A track of notes that follow one another, chords of `voices` keys.
    fn track(name: &str, channel: u8, low: u8, voices: u8, count: u64) -> Track {
        let note = |i: u64, v: u8| FileNote {
            onset: i * 10,
            duration: 10,
            key: low + 4 * v,
            velocity: 80,
            channel,
        };
        let notes = (0..count).flat_map(|i| (0..voices).map(move |v| note(i, v))).collect();
        Track { name: name.to_owned(), programs: vec![(channel, 0)], notes }
    }

    fn file(tracks: Vec<Track>) -> MidiFile {
        MidiFile {
            ticks_per_quarter: 10,
            tracks,
            tempos: Vec::new(),
            meters: Vec::new(),
            markers: Vec::new(),
        }
    }

    #[test]
    fn a_soloist_has_chords_and_bass_under_him() {
        let jazz = file(vec![
            track("SOLO ts", 0, 60, 1, 30),
            track("CHORDS (generated)", 1, 50, 4, 8),
            track("BASS (beat-wise)", 2, 40, 1, 30),
        ]);
        assert_eq!((melody(&jazz), accompaniment(&jazz, 0)), (Some(0), vec![1, 2]));
        let pop = file(vec![
            track("MELODY", 0, 70, 1, 30),
            track("BRIDGE", 0, 60, 1, 60),
            track("PIANO", 0, 50, 3, 30),
        ]);
        assert_eq!((melody(&pop), accompaniment(&pop, 0)), (Some(0), vec![2]));
    }

    #[test]
    fn a_band_without_names_is_told_apart_by_its_looks() {
        let band = file(vec![
            track("", 9, 40, 1, 500),
            track("", 0, 30, 1, 200),
            track("", 1, 50, 3, 100),
            track("", 2, 72, 1, 90),
            track("a bird", 3, 90, 1, 6),
        ]);
        assert_eq!((melody(&band), accompaniment(&band, 3)), (Some(3), vec![2, 1]));
    }

    #[test]
    fn one_track_of_several_channels_is_several_parts() {
        let mut all = track("", 0, 72, 1, 20);
        all.notes.extend(track("", 1, 50, 3, 20).notes);
        all.notes.sort_by_key(|n| n.onset);
        let format_0 = file(vec![all]);
        assert_eq!(melody(&format_0), Some(0));
        assert!(accompaniment(&format_0, 0).is_empty());
        let parted = by_channel(&format_0);
        assert_eq!((melody(&parted), accompaniment(&parted, 0)), (Some(0), vec![1]));
        let one = file(vec![track("", 0, 72, 1, 20)]);
        assert_eq!(*by_channel(&one), one);
    }
}
