//! What following is worth: how well a duet model foretells pieces when it is told the style that is heard in the player's
//! part, beside its own style and the true one.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::data::parallel::in_parallel;
use crate::data::roles::{Piece, Role};
use crate::infer::ears::Ears;
use crate::infer::listener::{Listener, told};
use crate::model::inputs::Inputs;
use crate::model::{Checkpoint, Lstm, Precision, State, StepInput};
use crate::music::context::Context;
use crate::music::encode::encode_note;
use crate::music::note::Voice;
use crate::music::token::{Kind, Token, VOCABULARY};

/// Nats a note on pieces of a style, the machine under the player's melody.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub(super) struct Followed {
    pub(super) style: String,
    pub(super) pieces: usize,
    /// Told no style.
    pub(super) none: f64,
    /// Told the model's own.
    pub(super) own: f64,
    /// Told what was heard by then, and no style before anything was.
    pub(super) heard: f64,
    /// Told the style that the piece is in.
    #[serde(rename = "true")]
    pub(super) true_style: f64,
}

/// What the model is told.
#[derive(Clone, Copy)]
enum Told {
    Style(usize),
    Heard,
}

/// Measures the styles that the duet model knows.
pub(super) fn measure(
    duet: &Path,
    listener: Listener,
    held: &[Vec<Piece>],
    styles: &[String],
    most: usize,
    threads: usize,
) -> Result<Vec<Followed>> {
    let checkpoint = Checkpoint::load(duet).context("--duet")?;
    let listener = Arc::new(listener);
    let mut found = Vec::new();
    for (name, pieces) in styles.iter().zip(held) {
        let Some(number) = checkpoint.manifest.styles.iter().position(|s| s == name) else {
            continue;
        };
        let pieces: Vec<&Piece> = pieces.iter().take(most).collect();
        let nats = |told: Told| -> Result<f64> {
            let each = in_parallel(&pieces, threads, |p| stream(&checkpoint, &listener, p, told));
            let each = each.into_iter().collect::<Result<Vec<_>>>()?;
            let notes: usize = each.iter().map(|e| e.1).sum();
            Ok(each.iter().map(|e| e.0).sum::<f64>() / notes.max(1) as f64)
        };
        found.push(Followed {
            style: name.clone(),
            pieces: pieces.len(),
            none: nats(Told::Style(0))?,
            own: nats(Told::Style(checkpoint.manifest.home_style))?,
            heard: nats(Told::Heard)?,
            true_style: nats(Told::Style(number + 1))?,
        });
    }
    Ok(found)
}

/// Streams a piece and gives its nats and its notes. Velocities that nobody played don't count.
fn stream(
    checkpoint: &Checkpoint,
    listener: &Arc<Listener>,
    piece: &Piece,
    way: Told,
) -> Result<(f64, usize)> {
    let known = &checkpoint.manifest.styles;
    let config = *checkpoint.parameters.config();
    let lstm = Lstm::packed(&checkpoint.parameters, Precision::F32);
    let mut state = State::zeros(&config);
    let mut logits = vec![0.0; VOCABULARY];
    let mut features = vec![0.0; config.features];
    let alone = |style: usize| (1..=known.len()).map(move |n| f32::from(u8::from(n == style)));
    let style = if let Told::Style(style) = way { style } else { 0 };
    let styles = Inputs::of(config.features).styles();
    features[styles.clone()].iter_mut().zip(alone(style)).for_each(|(x, s)| *x = s);
    let notes = piece.notes(Role::Accompany, 0);
    let mut ear = Context::new(piece.start(), piece.bars);
    let mut ears = Ears::default();
    ears.set_listener(Some(Arc::clone(listener)));
    ears.begin(piece.start(), piece.bars);
    let mut closed = piece.start().plus(-1);
    let mut waiting = Vec::new();
    let mut nats = 0.0;
    let feed = |token: Token,
                ear: &Context,
                features: &mut [f32],
                state: &mut State,
                logits: &mut [f32]| {
        if let Some(features) = features.first_chunk_mut() {
            ear.features(features);
        }
        lstm.step(StepInput { token: token.id(), place: ear.place(), features }, state, logits)
    };
    feed(Token::START, &ear, &mut features, &mut state, &mut logits)?;
    for note in &notes {
        while matches!(way, Told::Heard) && closed.plus(1) < note.onset {
            closed = closed.plus(1);
            if ears.close(closed, piece.bars, &std::mem::take(&mut waiting), true)
                && let Some(told) = told(known, listener.styles(), &ears.opinion().shares())
            {
                features[styles.clone()].copy_from_slice(&told);
            }
        }
        if note.voice == Voice::Player {
            waiting.push(*note);
        }
        let mut tokens = Vec::new();
        encode_note(ear.now(), note, |t| tokens.push(t));
        for token in tokens {
            if !(piece.flat && token.kind() == Kind::Velocity) {
                nats += cost(&logits, token);
            }
            ear.push(token);
            feed(token, &ear, &mut features, &mut state, &mut logits)?;
        }
    }
    Ok((nats, notes.len()))
}

fn cost(logits: &[f32], token: Token) -> f64 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|l| f64::from(l - highest).exp()).sum();
    f64::from(highest - logits[usize::from(token.id())]) + sum.ln()
}
