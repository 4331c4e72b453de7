//! A part of a MIDI file, or any notes, through the live engine from the first beat to the last: what `sideman play` and the
//! evaluation have in common, so that what is measured is what is heard.

use crate::data::midi_file::MidiFile;
use crate::data::timed::TimedNote;
use crate::music::event::{Midi, TimedMidi};
use crate::music::time::{Beats, SampleRate, Tempo};
use crate::standalone::Part;
use crate::standalone::performance::{PLAYER, Performance};
use crate::standalone::song::{Song, beats_in};

/// Samples a second, where nobody chose.
pub const RATE: u32 = 48_000;

/// Samples in a block, where nobody chose.
pub const BLOCK: u32 = 256;

/// Bars that the machine may go on after the end.
const TAIL_BARS: f64 = 4.0;

/// Samples in a block behind the end.
const TAIL_BLOCK: u32 = 64;

/// The tempo map and the time signatures of a file.
pub fn song_of(file: &MidiFile, rate: SampleRate) -> Song {
    let tempos: Vec<_> = file
        .tempos
        .iter()
        .map(|t| (file.beats(t.tick), Tempo::new(60e6 / f64::from(t.micros_per_quarter.max(1)))))
        .collect();
    let meters: Vec<_> = file.meters.iter().map(|m| (file.beats(m.tick), m.meter)).collect();
    Song::new(rate, &tempos, &meters)
}

/// The player's messages by sample: each note on its own sample, no grid between.
pub fn player_events(notes: impl Iterator<Item = TimedNote>, song: &Song) -> Vec<(u64, Midi)> {
    let mut events = Vec::with_capacity(notes.size_hint().0 * 2);
    for note in notes {
        let from = song.sample(Beats(note.from));
        let to = song.sample(Beats(note.to)).max(from + 1);
        let (channel, key) = (PLAYER, note.key);
        events.push((from, 1, Midi::NoteOn { channel, key, velocity: note.velocity.max(1) }));
        events.push((to, 0, Midi::NoteOff { channel, key, velocity: 64 }));
    }
    // Ends before beginnings on one sample.
    events.sort_by_key(|e| (e.0, e.1));
    events.into_iter().map(|(at, _, midi)| (at, midi)).collect()
}

/// What is done with each block: its samples, and what sounds in it.
pub type Each<'a, E> = dyn FnMut(u32, &[TimedMidi]) -> Result<(), E> + 'a;

/// Plays to a sample in blocks of at most `block`.
///
/// # Errors
/// That of `each`, at once.
pub fn play_until<E>(
    performance: &mut Performance,
    end: u64,
    block: u32,
    each: &mut Each<'_, E>,
) -> Result<(), E> {
    while performance.sample() < end {
        let frames = (end - performance.sample()).min(block.into()) as u32;
        let (frames, events) = performance.block(frames);
        each(frames, events)?;
    }
    Ok(())
}

/// Plays to the end, and on until the engine is silent, for four bars at most.
///
/// # Errors
/// As [`play_until`].
pub fn play_out<E>(
    performance: &mut Performance,
    end: Beats,
    block: u32,
    each: &mut Each<'_, E>,
) -> Result<(), E> {
    let song = performance.song();
    let (_, meter) = song.bars(end);
    let (end, last) = (song.sample(end), song.sample(Beats(end.0 + TAIL_BARS * beats_in(meter))));
    play_until(performance, end, block, each)?;
    // Where the take ends must not hang on the size of a block.
    while performance.sample() < last && !performance.improviser().is_silent() {
        let (frames, events) = performance.block(TAIL_BLOCK);
        each(frames, events)?;
    }
    Ok(())
}

/// What the machine has played, in the order in which it began; what sounds still ends now.
pub fn machine_notes(performance: &Performance) -> impl Iterator<Item = TimedNote> {
    let song = performance.song();
    let machine = performance.sounded().iter().filter(|n| n.part == Part::Machine);
    machine.map(|n| TimedNote {
        from: song.beats(n.from).0,
        to: song.beats(n.to.unwrap_or(performance.sample())).0,
        key: n.key,
        velocity: n.velocity,
    })
}
