//! `sideman-train learning`: what picking up from the player is worth. People play pieces that the model never saw; what
//! does the second half cost it, with and without what it has picked up by then?

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use crate::cli::train::{pieces, threads};
use crate::cli::train_args::PiecesArgs;
use crate::data::parallel::in_parallel;
use crate::data::roles::{Piece, Role};
use crate::infer::learning::{Learning, Way};
use crate::link::settings::Settings;
use crate::model::{Checkpoint, Lstm, Parameters, Precision, State, StepInput};
use crate::music::context::{Context, FEATURES};
use crate::music::encode::encode_note;
use crate::music::token::{Kind, Token, VOCABULARY};

/// What `learning` can be told.
#[derive(Args, Debug)]
pub struct LearningArgs {
    /// Model folder.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    pieces: PiecesArgs,
    /// Threads [default: all].
    #[arg(long)]
    threads: Option<usize>,
}

/// Who plays what: the player a melody and the machine under it, or both in turns of four bars.
const ROLES: [(&str, Role); 2] =
    [("accompany", Role::Accompany), ("trade", Role::Alternate { bars: 4, machine_first: false })];

/// What the second halves cost.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
struct Cost {
    role: &'static str,
    /// The setting `learning`.
    learning: f32,
    notes: usize,
    nats_per_note: f64,
    /// Of each key of the machine.
    machine_pitch_nats: f64,
    /// Of each key of the player.
    player_pitch_nats: f64,
}

/// Prints the table.
pub(super) fn learning(args: &LearningArgs) -> Result<()> {
    let parameters = Checkpoint::load(&args.model).context("--model")?.parameters;
    let pieces = pieces(&args.pieces)?;
    let mut rows = Vec::new();
    for (name, role) in ROLES {
        for learning in [0.0, Settings::default().learning, 1.0] {
            let work = |piece: &Piece| measure(&parameters, piece, role, learning);
            let sums = in_parallel(&pieces, threads(args.threads), work);
            let sums = sums.into_iter().collect::<Result<Vec<_>>>()?;
            rows.push(Sum::of(&sums).cost(name, learning));
        }
    }
    if args.pieces.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    println!("the second halves of {} pieces, each after its first; nats", pieces.len());
    println!(
        "{:>10} {:>9} {:>10} {:>14} {:>14}",
        "role", "learning", "a note", "machine's key", "player's key"
    );
    for c in rows {
        println!(
            "{:>10} {:>9.2} {:>10.3} {:>14.3} {:>14.3}",
            c.role, c.learning, c.nats_per_note, c.machine_pitch_nats, c.player_pitch_nats
        );
    }
    Ok(())
}

/// Nats and how many they are spread over: all, the machine's keys, the player's.
#[derive(Clone, Copy, Default)]
struct Sum {
    notes: usize,
    nats: f64,
    machine: (usize, f64),
    player: (usize, f64),
}

impl Sum {
    fn of(parts: &[Self]) -> Self {
        parts.iter().fold(Self::default(), |a, b| Self {
            notes: a.notes + b.notes,
            nats: a.nats + b.nats,
            machine: (a.machine.0 + b.machine.0, a.machine.1 + b.machine.1),
            player: (a.player.0 + b.player.0, a.player.1 + b.player.1),
        })
    }

    fn cost(&self, role: &'static str, learning: f32) -> Cost {
        let each = |(count, nats): (usize, f64)| nats / count.max(1) as f64;
        Cost {
            role,
            learning,
            notes: self.notes,
            nats_per_note: each((self.notes, self.nats)),
            machine_pitch_nats: each(self.machine),
            player_pitch_nats: each(self.player),
        }
    }
}

/// Streams a piece, picking up at its bar lines what the player plays as a session does, and counts from its middle on.
fn measure(parameters: &Parameters, piece: &Piece, role: Role, strength: f32) -> Result<Sum> {
    let notes = piece.notes(role, 0);
    let lstm = Lstm::packed(parameters, Precision::F32);
    let mut state = State::zeros(parameters.config());
    let mut logits = vec![0.0; VOCABULARY];
    let mut mixed = [0.0; VOCABULARY];
    // No style: the model does not know whose piece it is.
    let mut features = vec![0.0; parameters.config().features.max(FEATURES)];
    let mut ear = Context::new(piece.start(), piece.bars);
    let mut learning = Learning::default();
    let in_turns = matches!(role, Role::Alternate { .. });
    let way = Way { strength, in_turns, bars: piece.bars };
    let mut feed = |token: Token, ear: &Context, logits: &mut [f32]| {
        if let Some(features) = features.first_chunk_mut() {
            ear.features(features);
        }
        let input = StepInput { token: token.id(), place: ear.place(), features: &features };
        lstm.step(input, &mut state, logits)
    };
    feed(Token::START, &ear, &mut logits)?;
    let mut sum = Sum::default();
    let mut heard = 0;
    for (nth, note) in notes.iter().enumerate() {
        let is_counted = nth >= notes.len() / 2;
        let bar = note.onset.plus(-piece.bars.ticks_into_bar(note.onset));
        let old = notes[heard..nth].iter().take_while(|n| n.onset < bar).count();
        learning.hear(piece.bars, notes[heard..heard + old].iter().copied());
        heard += old;
        let mut tokens = Vec::new();
        encode_note(ear.now(), note, |t| tokens.push(t));
        for token in tokens {
            let begins = !matches!(token.kind(), Kind::Velocity | Kind::Duration);
            let past = notes[..nth].iter().rev().copied();
            let is_mixed =
                is_counted && begins && learning.mix(way, past, ear.now(), &logits, &mut mixed);
            if is_counted {
                let nats = nats(if is_mixed { &mixed } else { &logits }, token);
                sum.nats += nats;
                match token {
                    Token::Machine(_) => sum.machine = (sum.machine.0 + 1, sum.machine.1 + nats),
                    Token::Player(_) => sum.player = (sum.player.0 + 1, sum.player.1 + nats),
                    Token::Shift(_) | Token::Velocity(_) | Token::Duration(_) => {}
                }
            }
            ear.push(token);
            feed(token, &ear, &mut logits)?;
        }
        sum.notes += usize::from(is_counted);
    }
    Ok(sum)
}

fn nats(logits: &[f32], token: Token) -> f64 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|l| f64::from(l - highest).exp()).sum();
    f64::from(highest - logits[usize::from(token.id())]) + sum.ln()
}
