//! `sideman-train share`: a jazz or rock model that can be given away without the music it learnt from.

use anyhow::{Context, Result, bail};

use crate::cli::generate::folder_of;
use crate::cli::train_args::ShareArgs;
use crate::model::names::checkpoint::{NamesCheckpoint, SEEDS_FILE};
use crate::train::names::compose::{Choice, compose};

/// Windows that the copy begins from.
const SEEDS: u64 = 32;
/// Names that are composed before such a window, to be far from the music that the first began with.
const LEAD_IN: usize = 400;

/// Copies the model with windows of its own making in place of those of the corpus.
pub(super) fn share(args: &ShareArgs) -> Result<()> {
    let mut model = NamesCheckpoint::load(&folder_of(&args.model)).context("--model")?;
    if !(1.0..=100.0).contains(&args.temperature) {
        // Below it the likeliest names win, and with them the solos that they come from.
        bail!("--temperature is {}, allowed are 1 to 100", args.temperature);
    }
    if args.out.exists() {
        bail!("--out: {} is there already", args.out.display());
    }
    let choice = Choice::Sample { temperature: args.temperature as f32, top_p: 1.0 };
    let window = model.manifest.window;
    model.seeds = (0..SEEDS)
        .map(|seed| compose(&model, LEAD_IN + window, choice, seed).names.split_off(LEAD_IN))
        .collect();
    model.save(&args.out).context("--out")?;
    println!("{SEEDS} windows of its own in {}/{SEEDS_FILE}", args.out.display());
    Ok(())
}
