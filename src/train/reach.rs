//! How far back a model hears: stretches of held-out readings, foretold after only the last so many tokens were heard,
//! beside streaming from the first. And whether streaming drifts: nats by the minute of the piece.

use std::sync::Arc;

use serde::Serialize;

use crate::data::stream::{Reading, ticks};
use crate::model::{ModelError, Parameters};
use crate::music::time::TICKS_PER_BEAT;
use crate::music::token::{Expect, Token};
use crate::train::metric::{Passage, Score, Scores, foretell};

/// How many tokens are heard again.
pub const DEPTHS: [usize; 7] = [16, 32, 64, 128, 256, 512, 1_024];

/// Tokens of a stretch.
const STRETCH: usize = 64;

/// Beats that count as a minute: the grid has no tempo, so it is one at 120.
const MINUTE_BEATS: i64 = 120;

/// Within this share of streaming a model has all that it needs.
const ENOUGH: f64 = 0.01;

/// How well stretches are foretold.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Reach {
    /// Stretches that were measured.
    pub stretches: usize,
    /// Nats a note when all before them was heard.
    pub streamed: f64,
    /// By rising depth.
    pub primed: Vec<Primed>,
    /// The fewest tokens after which the nats are within 1 % of streaming, if any are enough.
    pub enough_tokens: Option<usize>,
    /// Bars of them.
    pub enough_bars: Option<f64>,
}

/// How well stretches are foretold when only the last tokens were heard.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Primed {
    /// Tokens that were heard, at least; the first of them begins a note or a shift.
    pub tokens: usize,
    /// Bars that these told of, on the mean.
    pub bars: f64,
    /// Nats a note.
    pub nats_per_note: f64,
}

/// Measures at places as far apart as the greatest depth; `None` where no reading is long enough. `streamed` are the
/// scores of the readings.
///
/// # Errors
/// As [`foretell`].
pub fn measure(
    parameters: &Parameters,
    readings: &[Arc<Reading>],
    streamed: &Scores,
    depths: &[usize],
    threads: usize,
) -> Result<Option<Reach>, ModelError> {
    let deepest = depths.iter().copied().max().unwrap_or(1).max(1);
    let places: Vec<(usize, usize)> = readings
        .iter()
        .enumerate()
        .flat_map(|(index, reading)| {
            let last = reading.tokens.len().saturating_sub(STRETCH);
            let beginnings = beginnings(&reading.tokens);
            (1..=last / deepest).map(move |n| (index, beginnings[n * deepest]))
        })
        .collect();
    if places.is_empty() {
        return Ok(None);
    }
    let notes: usize = places.iter().map(|(r, at)| notes(stretch(&readings[*r].tokens, *at))).sum();
    let mean = |nats: f64| nats / notes.max(1) as f64;
    let whole = places.iter().map(|(r, at)| nats(stretch(&streamed.0[*r], *at)));
    let whole = mean(whole.sum());
    let mut primed = Vec::new();
    for depth in depths {
        let passage = |(r, at): &(usize, usize)| {
            let reading = Arc::clone(&readings[*r]);
            let from = beginnings(&reading.tokens)[at.saturating_sub(*depth)];
            let to = (at + STRETCH).min(reading.tokens.len());
            Passage { reading, from, to }
        };
        let passages: Vec<Passage> = places.iter().map(passage).collect();
        let scores = foretell(parameters, &passages, threads)?;
        let (mut sum, mut bars) = (0.0, 0.0);
        for ((scores, passage), (_, at)) in scores.0.iter().zip(&passages).zip(&places) {
            let heard = at - passage.from;
            sum += nats(&scores[heard..]);
            let passed = ticks(&passage.reading.tokens[passage.from..*at]);
            bars += passed as f64 / passage.reading.bar() as f64;
        }
        let bars = bars / places.len() as f64;
        primed.push(Primed { tokens: *depth, bars, nats_per_note: mean(sum) });
    }
    let enough = primed.iter().find(|p| p.nats_per_note <= whole * (1.0 + ENOUGH));
    Ok(Some(Reach {
        stretches: places.len(),
        streamed: whole,
        enough_tokens: enough.map(|p| p.tokens),
        enough_bars: enough.map(|p| p.bars),
        primed,
    }))
}

/// For each place in a string of tokens, and the one after it, the beginning of the event in which it lies.
fn beginnings(tokens: &[Token]) -> Vec<usize> {
    let (mut expect, mut last) = (Expect::Event, 0);
    let places = (0..=tokens.len()).map(|at| {
        if expect == Expect::Event {
            last = at;
        }
        if let Some(token) = tokens.get(at) {
            expect = expect.after(*token);
        }
        last
    });
    places.collect()
}

fn stretch<T>(of: &[T], at: usize) -> &[T] {
    &of[at..of.len().min(at + STRETCH)]
}

fn nats(scores: &[Score]) -> f64 {
    scores.iter().map(|s| f64::from(s.nats)).sum()
}

fn notes(tokens: &[Token]) -> usize {
    tokens.iter().filter(|t| matches!(t, Token::Player(_) | Token::Machine(_))).count()
}

/// A minute of the pieces.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Minute {
    /// Nats a note.
    pub nats_per_note: f64,
    /// Notes that it has, in all the readings that are so long.
    pub notes: usize,
    /// Readings that are so long.
    pub readings: usize,
}

/// Nats by the minute, at 120 beats a minute.
pub fn by_minute(readings: &[Arc<Reading>], scores: &Scores) -> Vec<Minute> {
    let mut minutes: Vec<Minute> = Vec::new();
    for (reading, scores) in readings.iter().zip(&scores.0) {
        let (mut now, mut seen) = (0, 0);
        for (token, score) in reading.tokens.iter().zip(scores) {
            let minute = (now / (MINUTE_BEATS * TICKS_PER_BEAT)) as usize;
            minutes.resize(minutes.len().max(minute + 1), Minute::default());
            let entry = &mut minutes[minute];
            entry.nats_per_note += f64::from(score.nats);
            entry.notes += notes(&[*token]);
            entry.readings += usize::from(minute >= seen);
            seen = seen.max(minute + 1);
            now += ticks(&[*token]);
        }
    }
    for minute in &mut minutes {
        minute.nats_per_note /= minute.notes.max(1) as f64;
    }
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::roles::{Piece, Role};
    use crate::model::LstmConfig;
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;
    use crate::music::time::{Bars, Tick};
    use crate::train::metric;

    fn reading(count: i64) -> Arc<Reading> {
        let note = |i: i64| Note {
            onset: Tick(6 * i),
            pitch: Pitch::new(60 + (i * i % 11) as u8),
            voice: Voice::Player,
            velocity: 64,
            duration: 6,
        };
        let piece = Piece {
            name: String::new(),
            hash: [0; 32],
            bars: Bars::default(),
            melody: (0..count).map(note).collect(),
            accompaniment: Vec::new(),
            chords: Vec::new(),
            flat: false,
        };
        Arc::new(Reading::new(&piece, Role::Accompany, 0))
    }

    fn parameters() -> Parameters {
        let config = LstmConfig { hidden: 12, embedding: 8, ..LstmConfig::default() };
        Parameters::random(config, 3).unwrap()
    }

    #[test]
    fn hearing_all_again_is_streaming_and_hearing_less_is_not() {
        // 150 tokens: one stretch, after 85.
        let readings = [reading(50)];
        let parameters = parameters();
        let scores = metric::scores(&parameters, &readings, 1).unwrap();
        let reach = measure(&parameters, &readings, &scores, &[3, 85], 2).unwrap().unwrap();
        assert_eq!(reach.stretches, 1);
        let off = |primed: &Primed| (primed.nats_per_note - reach.streamed).abs();
        assert!(off(&reach.primed[1]) < 1e-6 && off(&reach.primed[0]) > 1e-4, "{reach:?}");
        // A shift of 6 ticks to each note but the first, a pitch and a velocity: 84 tokens are 28 notes.
        let bars = reach.primed[1].bars;
        assert!((bars - 27.0 * 6.0 / 48.0).abs() < 0.13, "{bars}");
        assert!(measure(&parameters, &readings, &scores, &[200], 2).unwrap().is_none());
    }

    #[test]
    fn minutes_are_counted_by_the_notes_that_begin_in_them() {
        // A note every half beat: 240 a minute of 120 beats.
        let readings = [reading(250), reading(500)];
        let even = |r: &Arc<Reading>| vec![Score { nats: 1.0, rank: 0 }; r.tokens.len()];
        let mut scores = Scores(readings.iter().map(even).collect());
        let minutes = by_minute(&readings, &scores);
        assert_eq!(minutes.iter().map(|m| m.notes).collect::<Vec<_>>(), [480, 250, 20]);
        assert_eq!(minutes.iter().map(|m| m.readings).collect::<Vec<_>>(), [2, 2, 1]);
        assert!(minutes.iter().all(|m| (m.nats_per_note - 3.0).abs() < 0.11), "{minutes:?}");
        scores.0[1].iter_mut().skip(1_445).for_each(|s| s.nats = 5.0);
        assert!(by_minute(&readings, &scores)[2].nats_per_note > 12.0);
    }
}
