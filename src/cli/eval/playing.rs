//! Pieces played: the melody goes into the whole engine as the player's part, and what the machine plays to it comes
//! out, offline.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};

use crate::data::roles::Piece;
use crate::infer::model_slot::ModelSlot;
use crate::infer::net::Net;
use crate::link::settings::Settings;
use crate::music::event::Midi;
use crate::music::note::{Note, Voice, into_order};
use crate::music::pitch::Pitch;
use crate::music::time::{Meter, SampleRate, TICKS_PER_BEAT, Tempo, Tick};
use crate::standalone::Part;
use crate::standalone::performance::{PLAYER, Performance};
use crate::standalone::song::Song;
use crate::train::musicality::Stretch;

/// At this rate and tempo a tick is a whole number of samples. The notes depend on neither.
const RATE: f64 = 48_000.0;
const BEATS_PER_MINUTE: f64 = 120.0;
const SAMPLES_PER_TICK: i64 = 2_000;

/// Samples of a block; changes nothing in the music.
const BLOCK: u32 = 4_096;

/// What the machine plays to the melody of a stretch, in order.
pub(super) fn accompany(
    piece: &Piece,
    stretch: Stretch,
    net: &Arc<dyn Net>,
    settings: &Settings,
) -> Result<Vec<Note>> {
    let song = Song::steady(
        SampleRate::new(RATE),
        Tempo::new(BEATS_PER_MINUTE),
        meter(stretch.bar).with_context(|| format!("{}: a bar of odd length", piece.name))?,
    );
    let events = player_events(piece, stretch);
    let models = Arc::new(ModelSlot::given(Arc::clone(net)));
    let mut performance = Performance::new(song, events, *settings, models, true)
        .context("no thread could be started for the model")?;
    let end = (stretch.end().since(stretch.start) * SAMPLES_PER_TICK) as u64;
    while performance.sample() < end {
        performance.block(BLOCK.min((end - performance.sample()) as u32));
    }
    performance.finish();
    let late = performance.meter().late_plans.load(Ordering::Relaxed);
    if late > 0 {
        bail!("{}: the machine was too busy ({late} late plans); run this again", piece.name);
    }
    let tick = |sample: u64| {
        let ticks = (sample as f64 / SAMPLES_PER_TICK as f64).round() as i64;
        stretch.start.plus(ticks)
    };
    let machine = performance.sounded().iter().filter(|s| s.part == Part::Machine);
    let mut notes: Vec<Note> = machine
        .map(|s| {
            let onset = tick(s.from);
            Note {
                onset,
                pitch: Pitch::new(s.key),
                voice: Voice::Machine,
                velocity: s.velocity,
                duration: tick(s.to.unwrap_or(end)).since(onset).max(1),
            }
        })
        .collect();
    into_order(&mut notes);
    Ok(notes)
}

fn player_events(piece: &Piece, stretch: Stretch) -> Vec<(u64, Midi)> {
    let sample = |tick: Tick| (tick.since(stretch.start) * SAMPLES_PER_TICK) as u64;
    let mut events = Vec::new();
    for note in stretch.notes(&piece.melody) {
        let (channel, key, velocity) = (PLAYER, note.pitch.number(), note.velocity);
        events.push((sample(note.onset), 1, Midi::NoteOn { channel, key, velocity }));
        events.push((sample(note.end()), 0, Midi::NoteOff { channel, key, velocity: 64 }));
    }
    // Ends before beginnings on one sample.
    events.sort_by_key(|e| (e.0, e.1));
    events.into_iter().map(|(at, _, midi)| (at, midi)).collect()
}

/// The simplest time signature whose bars have so many ticks.
fn meter(bar: i64) -> Option<Meter> {
    [4, 8, 16, 48].into_iter().find_map(|denominator: u8| {
        let unit = 4 * TICKS_PER_BEAT / i64::from(denominator);
        let numerator = u8::try_from(bar / unit).ok().filter(|n| *n > 0)?;
        (bar % unit == 0).then_some(Meter { numerator, denominator })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{builtin, net};

    #[test]
    fn bars_keep_their_length() {
        for bar in 1..256 {
            assert_eq!(meter(bar).unwrap().bar_ticks(), bar);
        }
        assert_eq!(meter(36), Some(Meter { numerator: 3, denominator: 4 }));
        assert_eq!(meter(1_000_001), None);
    }

    #[test]
    fn the_machine_accompanies_on_the_pieces_own_grid() {
        let melody = (0..32_i64).map(|i| Note {
            onset: Tick(60 + i * 12),
            pitch: Pitch::new([72, 74, 76, 77, 79, 77, 76, 74][i as usize % 8]),
            voice: Voice::Player,
            velocity: 80,
            duration: 11,
        });
        let piece =
            Piece { name: "scale".to_owned(), melody: melody.collect(), ..Piece::default() };
        let stretch = Stretch::of_melody(&piece, 6).unwrap();
        assert_eq!((stretch.start, stretch.bars), (Tick(48), 6));
        let net = net::playable(&builtin::checkpoint().unwrap()).unwrap();
        let notes = accompany(&piece, stretch, &net, &Settings::default()).unwrap();
        assert!(notes.len() > 10, "{}", notes.len());
        assert!(notes.iter().all(|n| n.onset >= stretch.start && n.onset < stretch.end()));
        let again = accompany(&piece, stretch, &net, &Settings::default()).unwrap();
        assert_eq!(notes, again);
        let other = Settings { seed: 2, ..Settings::default() };
        assert_ne!(notes, accompany(&piece, stretch, &net, &other).unwrap());
    }
}
