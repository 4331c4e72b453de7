//! `sideman-train generate`: a piece from a jazz or rock model, as MIDI and as a picture.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::train_args::GenerateArgs;
use crate::data::midi_out::{OutNote, OutTrack, Take, TempoEvent};
use crate::data::named::NamedCorpus;
use crate::model::checkpoint::MANIFEST_FILE;
use crate::model::names::checkpoint::{NameList, NamesCheckpoint};
use crate::music::name::Naming;
use crate::music::note::{Note, Voice};
use crate::music::pitch::Pitch;
use crate::music::time::{TICKS_PER_BEAT, Tick};
use crate::standalone::Part;
use crate::standalone::roll::RollNote;
use crate::standalone::roll_png::{RollSpec, save};
use crate::train::copying::{LONG, Library};
use crate::train::names::compose::{Choice, Composed, compose};
use crate::train::names::config::{NamesTrainConfig, Recipe};
use crate::train::run::BEST_FOLDER;

const TICKS_PER_QUARTER: u16 = 480;
const VELOCITY: u8 = 90;
/// General MIDI: the piano, and for rock the overdriven guitar.
const PIANO: u8 = 0;
const GUITAR: u8 = 29;

/// Composes and writes.
pub(super) fn generate(args: &GenerateArgs) -> Result<()> {
    for (name, value, low, high) in [
        ("--step", args.step, 1.0 / 64.0, 16.0),
        ("--tempo", args.tempo, 10.0, 1_000.0),
        ("--temperature", args.temperature.unwrap_or(1.0), 0.01, 100.0),
        ("--top-p", args.top_p, 0.0, 1.0),
    ] {
        if !(low..=high).contains(&value) {
            bail!("{name} is {value}, allowed are {low} to {high}");
        }
    }
    if !(1..=100_000).contains(&args.notes) {
        bail!("--notes is {}, allowed are 1 to 100000", args.notes);
    }
    let model = NamesCheckpoint::load(&folder_of(&args.model)).context("--model")?;
    let there = args.against.as_ref().map(|folder| parts(&model, folder, args.parts.as_deref()));
    let there = there.transpose()?;
    let choice = args.temperature.map_or(Choice::Argmax, |temperature| Choice::Sample {
        temperature: temperature as f32,
        top_p: args.top_p as f32,
    });
    let piece = compose(&model, args.notes, choice, args.seed);
    let notes = voiced(&model, &piece, args);
    write_midi(&model, &notes, args).context("--out")?;
    if let Some(png) = &args.png {
        picture(&model, &notes, args, png).context("--png")?;
    }
    let distinct: std::collections::HashSet<_> = piece.names.iter().collect();
    println!(
        "{} names, {} of them different, in {}",
        piece.names.len(),
        distinct.len(),
        args.out.display()
    );
    if let (Some(folder), Some(there)) = (&args.against, there) {
        compare(&model, &piece, folder, &there);
    }
    Ok(())
}

/// The folder of a model: the one that was named, or a run's best.
pub(super) fn folder_of(named: &Path) -> PathBuf {
    if named.join(MANIFEST_FILE).exists() { named.to_path_buf() } else { named.join(BEST_FOLDER) }
}

/// The parts of a folder, as the model would have read them.
fn parts(model: &NamesCheckpoint, folder: &Path, parts: Option<&str>) -> Result<Vec<Vec<Note>>> {
    let naming = model.manifest.vocabulary.naming;
    let recipe = Recipe::named(&model.manifest.recipe).context("--model: an unknown recipe")?;
    let mut config = NamesTrainConfig::published(recipe);
    if let Some(parts) = parts {
        parts.clone_into(&mut config.parts);
    }
    let corpus = NamedCorpus::load(folder, naming, &config.part_choice())
        .with_context(|| format!("--against, --parts {}", config.parts))?;
    Ok(corpus.parts.iter().map(|p| spelled(naming, p.names.iter())).collect())
}

/// Says how much of the piece is copied from the parts of a folder.
fn compare(model: &NamesCheckpoint, piece: &Composed, folder: &Path, there: &[Vec<Note>]) {
    let NameList { naming, names, .. } = &model.manifest.vocabulary;
    let own = piece.names.iter().filter_map(|code| names.get(usize::from(*code)));
    let found = Library::new(there.iter().map(Vec::as_slice)).copying(&spelled(*naming, own), LONG);
    println!(
        "longest run shared with {} parts of {}, in any key: {} of {} notes; in runs of {LONG} or more: {:.1} %",
        there.len(),
        folder.display(),
        found.longest.notes,
        found.notes,
        100.0 * found.in_runs as f64 / found.notes.max(1) as f64
    );
}

/// Names as notes, one name a beat.
fn spelled<'a>(naming: Naming, names: impl Iterator<Item = &'a String>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (beat, name) in (0..).zip(names) {
        let (onset, voice) = (Tick(beat * TICKS_PER_BEAT), Voice::Machine);
        let pitches = naming.voice(name).unwrap_or_default();
        let note = |pitch| Note { onset, pitch, voice, velocity: VELOCITY, duration: 1 };
        notes.extend(pitches.into_iter().map(note));
    }
    notes
}

/// The piece as notes of one length each; the window that it began from, if that is wanted, is the player's.
fn voiced(model: &NamesCheckpoint, piece: &Composed, args: &GenerateArgs) -> Vec<RollNote> {
    let seed = piece.seed.iter().filter(|_| args.with_seed).map(|code| (Part::Player, *code));
    let codes = seed.chain(piece.names.iter().map(|code| (Part::Machine, *code)));
    let vocabulary = &model.manifest.vocabulary;
    let mut notes = Vec::new();
    for (place, (part, code)) in codes.enumerate() {
        let name = vocabulary.names.get(usize::from(code)).map_or("", String::as_str);
        let pitches = vocabulary.naming.voice(name).unwrap_or_default();
        notes.extend(pitches.into_iter().map(|pitch: Pitch| RollNote {
            part,
            start_beats: place as f64 * args.step,
            len_beats: args.step,
            key: pitch.number(),
            velocity: VELOCITY,
            planned: false,
        }));
    }
    notes
}

fn write_midi(model: &NamesCheckpoint, notes: &[RollNote], args: &GenerateArgs) -> Result<()> {
    let ticks = |beats: f64| (beats * f64::from(TICKS_PER_QUARTER)).round() as u32;
    let program = if model.manifest.recipe == "rock" { GUITAR } else { PIANO };
    let track = |part: Part, channel: u8| OutTrack {
        program,
        channel,
        notes: notes
            .iter()
            .filter(|n| n.part == part)
            .map(|n| OutNote {
                tick: ticks(n.start_beats),
                duration: ticks(n.end_beats()) - ticks(n.start_beats),
                key: n.key,
                velocity: n.velocity,
                channel,
            })
            .collect(),
    };
    let micros_per_quarter = (60e6 / args.tempo).round() as u32;
    let take = Take {
        ticks_per_quarter: TICKS_PER_QUARTER,
        tempos: vec![TempoEvent { tick: 0, micros_per_quarter }],
        player: track(Part::Player, 0),
        machine: track(Part::Machine, 1),
        ..Take::default()
    };
    Ok(take.save(&args.out)?)
}

fn picture(
    model: &NamesCheckpoint,
    notes: &[RollNote],
    args: &GenerateArgs,
    png: &Path,
) -> Result<()> {
    let manifest = &model.manifest;
    let title = format!("{}: {} names", manifest.recipe, args.notes);
    let how = args.temperature.map_or_else(
        || "the likeliest name each time".to_owned(),
        |t| format!("temperature {t}, top-p {}", args.top_p),
    );
    let subtitle = format!("after epoch {}, {how}, seed {}", manifest.epochs, args.seed);
    let spec = RollSpec { subtitle: &subtitle, ..RollSpec::new(&title, notes) };
    Ok(save(&spec, png)?)
}
