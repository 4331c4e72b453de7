//! Scores of passages and of whole readings.

use super::*;
use crate::model::LstmConfig;
use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::time::Tick;

fn piece(n: i64) -> Piece {
    let part = |low: u8, every: i64, count: i64| -> Vec<Note> {
        (0..count)
            .map(|i| Note {
                onset: Tick(i * every),
                pitch: Pitch::new(low + (i * i % 7) as u8),
                voice: Voice::Player,
                velocity: 80,
                duration: every,
            })
            .collect()
    };
    Piece {
        hash: [n as u8; 32],
        melody: part(70, 6, 30 + 40 * n),
        accompaniment: part(45, 4, 50 * n),
        ..Piece::default()
    }
}

fn parameters() -> Parameters {
    let config = LstmConfig { hidden: 12, embedding: 8, ..LstmConfig::default() };
    Parameters::random(config, 3).unwrap()
}

#[test]
fn threads_change_no_score() {
    let pieces: Vec<Piece> = (1..12).map(piece).collect();
    let readings = readings(&pieces);
    let one = scores(&parameters(), &readings, 1).unwrap();
    assert_eq!(one, scores(&parameters(), &readings, 3).unwrap());
    for (scores, reading) in one.0.iter().zip(&readings) {
        assert_eq!(scores.len(), reading.tokens.len());
    }
}

#[test]
fn means_are_of_the_notes_and_of_the_tokens_of_a_kind() {
    let readings = readings(&[piece(2)]);
    let scored = |reading: &Arc<Reading>| -> Vec<Score> {
        let of = |t: &Token| match t.kind() {
            Kind::Shift => Score { nats: 1.0, rank: 0 },
            Kind::Velocity => Score { nats: 0.5, rank: 4 },
            _ => Score { nats: 2.0, rank: 5 },
        };
        reading.tokens.iter().map(of).collect()
    };
    let metrics = Scores(readings.iter().map(scored).collect()).metrics(&readings);
    let tokens: usize = readings.iter().map(|r| r.tokens.len()).sum();
    let notes: usize = readings.iter().map(|r| r.notes).sum();
    assert_eq!((metrics.tokens, metrics.notes), (tokens as u64, notes as u64));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    near(metrics.per_note["pitch"], 2.0);
    near(metrics.per_note["velocity"], 0.5);
    near(metrics.per_note.values().sum(), metrics.nats_per_note);
    near(metrics.by_attribute["machine_pitch"], 2.0);
    near(metrics.top_1["shift"], 1.0);
    near(metrics.top_1["player_velocity"], 0.0);
    near(metrics.top_5["player_velocity"], 1.0);
    near(metrics.top_5["machine_duration"], 0.0);
}

#[test]
fn ranks_count_the_likelier_tokens() {
    // Without weights every token is as likely as the head's bias says.
    let config = LstmConfig { hidden: 4, embedding: 4, ..LstmConfig::default() };
    let mut parameters = Parameters::zeros(config).unwrap();
    let bias = config.tensors().into_iter().find(|t| t.name == "head.bias").unwrap();
    for (id, value) in parameters.values_mut()[bias.range].iter_mut().enumerate() {
        *value = -(id as f32);
    }
    let readings = readings(&[piece(1)]);
    let scores = scores(&parameters, &readings, 1).unwrap();
    for (token, score) in readings[0].tokens.iter().zip(&scores.0[0]) {
        assert_eq!(score.rank, token.id());
    }
}

#[test]
fn a_passage_from_the_beginning_is_the_reading_and_a_later_one_is_not() {
    let readings = readings(&[piece(3)]);
    let reading = &readings[0];
    let parameters = parameters();
    let whole = scores(&parameters, &readings[..1], 1).unwrap();
    let passage = |from| Passage { reading: Arc::clone(reading), from, to: 90 };
    let parts = foretell(&parameters, &[passage(0), passage(60)], 1).unwrap();
    let off = |a: &[Score], b: &[Score]| {
        a.iter().zip(b).map(|(a, b)| (a.nats - b.nats).abs()).fold(0.0, f32::max)
    };
    assert_eq!((parts.0[0].len(), parts.0[1].len()), (90, 30));
    assert!(off(&parts.0[0], &whole.0[0][..90]) < 1e-5);
    assert!(off(&parts.0[1], &whole.0[0][60..90]) > 1e-4, "nothing before it was heard");
}
