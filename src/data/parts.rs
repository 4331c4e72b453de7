//! Which track of a MIDI file is the melody and which accompanies it: by name, or else by how they look.

use crate::data::midi_file::{FileNote, MidiFile, Track};

/// The drums' channel.
const DRUMS: u8 = 9;
const MELODY_NAMES: [&str; 4] = ["MELODY", "SOLO", "LEAD", "VOCAL"];
const ACCOMPANIMENT_NAMES: [&str; 3] = ["PIANO", "CHORD", "COMP"];

/// The notes of a track that are no drums.
pub fn pitched(track: &Track) -> impl Iterator<Item = &FileNote> {
    track.notes.iter().filter(|n| n.channel != DRUMS)
}

/// The index of the track that is named as a melody, or else of the one that looks most like one; `None` when
/// no track has pitched notes.
pub fn melody(file: &MidiFile) -> Option<usize> {
    named(file, &MELODY_NAMES).or_else(|| {
        let accompaniment = named(file, &ACCOMPANIMENT_NAMES);
        let alone = candidates(file)
            .filter(|i| Some(*i) != accompaniment)
            .max_by_key(|i| melodiousness(&file.tracks[*i]));
        alone.or(accompaniment)
    })
}

/// The index of the track that accompanies `melody`; `None` when no other track has pitched notes.
pub fn accompaniment(file: &MidiFile, melody: usize) -> Option<usize> {
    named(file, &ACCOMPANIMENT_NAMES).filter(|i| *i != melody).or_else(|| {
        candidates(file).filter(|i| *i != melody).max_by_key(|i| pitched(&file.tracks[*i]).count())
    })
}

fn candidates(file: &MidiFile) -> impl Iterator<Item = usize> {
    (0..file.tracks.len()).filter(|i| pitched(&file.tracks[*i]).next().is_some())
}

fn named(file: &MidiFile, names: &[&str]) -> Option<usize> {
    candidates(file).find(|i| {
        let name = file.tracks[*i].name.to_ascii_uppercase();
        names.iter().any(|n| name.contains(n))
    })
}

/// High and one note at a time: the more, the more likely a melody.
fn melodiousness(track: &Track) -> i64 {
    let notes: Vec<&FileNote> = pitched(track).collect();
    let count = notes.len() as i64;
    let height = notes.iter().map(|n| i64::from(n.key)).sum::<i64>() / count.max(1);
    let together = notes.windows(2).filter(|w| w[0].onset == w[1].onset).count() as i64;
    height - 100 * together / count.max(1)
}
