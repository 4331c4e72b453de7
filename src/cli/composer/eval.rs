//! `composer eval`: how well a network tells rows apart, as a table, JSON and pictures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;

use super::{BATCH, load, open, same_composers};
use crate::cli::composer_args::ComposerEvalArgs;
use crate::cli::train::threads;
use crate::data::pages::split::Side;
use crate::data::rows::{Rows, tags};
use crate::model::image::checkpoint::ImageCheckpoint;
use crate::train::composer::ComposerConfig;
use crate::train::composer::charts;
use crate::train::composer::run;
use crate::train::composer::verdicts::Verdicts;

/// All that is measured.
#[derive(Serialize)]
struct Measured {
    #[serde(flatten)]
    whole: Verdicts,
    /// By what `--by` tells apart.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by: BTreeMap<String, Verdicts>,
}

pub(super) fn eval(args: &ComposerEvalArgs) -> Result<()> {
    let ImageCheckpoint { manifest, net } = open(&args.model)?;
    let threads = threads(args.threads);
    let config =
        ComposerConfig { height: manifest.height, width: manifest.width, ..Default::default() };
    let gallery = load(&args.rows, &config, threads)?;
    same_composers(&manifest, &gallery.composers)?;
    let rows = gallery.side(Side::from(args.side));
    ensure!(!rows.labels.is_empty(), "--rows: there are no rows on that side");
    let tags = match &args.by {
        Some(column) => {
            Some(tags(&args.rows, &rows.names, column).map_err(|e| anyhow!("--by: {e}"))?)
        }
        None => None,
    };
    let size = (manifest.height, manifest.width);
    let logits = run::judge(&net, rows, size, BATCH, threads)?;
    let composers = &gallery.composers;
    let whole = Verdicts::of(&logits, &rows.labels, &rows.works, composers.len());
    let by = tags.map_or_else(BTreeMap::new, |tags| apart(&logits, rows, &tags, composers.len()));
    if let Some(folder) = &args.out {
        draw(folder, &whole, composers)?;
    }
    let measured = Measured { whole, by };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        print(&measured, composers);
    }
    Ok(())
}

/// The rows of each tag alone.
fn apart(
    logits: &[f32],
    rows: &Rows,
    tags: &[String],
    composers: usize,
) -> BTreeMap<String, Verdicts> {
    let mut groups: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (i, tag) in tags.iter().enumerate() {
        groups.entry(tag).or_default().push(i);
    }
    let verdicts = |places: Vec<usize>| {
        let of = |i: &usize| &logits[i * composers..(i + 1) * composers];
        let logits: Vec<f32> = places.iter().flat_map(of).copied().collect();
        let labels: Vec<u16> = places.iter().map(|i| rows.labels[*i]).collect();
        let works: Vec<u32> = places.iter().map(|i| rows.works[*i]).collect();
        Verdicts::of(&logits, &labels, &works, composers)
    };
    groups.into_iter().map(|(tag, places)| (tag.clone(), verdicts(places))).collect()
}

fn draw(folder: &Path, whole: &Verdicts, composers: &[String]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let pictures = [
        ("confusion.svg", charts::confusion(whole, composers)),
        ("calibration.svg", charts::calibration(whole)),
    ];
    for (name, picture) in pictures {
        let path = folder.join(name);
        fs::write(&path, picture).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn print(measured: &Measured, composers: &[String]) {
    let Measured { whole: v, by } = measured;
    println!(
        "{} rows of {} works: {:.3} nats a row, {:.1} % of the rows and {:.1} % of the works right",
        v.rows,
        v.works,
        v.nats,
        100.0 * v.accuracy,
        100.0 * v.accuracy_by_work
    );
    for (tag, v) in by {
        println!(
            "  {tag}: {} rows of {} works, {:.3} nats a row, {:.1} % and {:.1} %",
            v.rows,
            v.works,
            v.nats,
            100.0 * v.accuracy,
            100.0 * v.accuracy_by_work
        );
    }
    let width = composers.iter().map(|c| c.chars().count()).max().unwrap_or(0).max(6);
    println!("\nrows of (down) that were given to (across)");
    print!("{:width$}", "");
    for composer in composers {
        print!("  {composer:>width$}");
    }
    println!();
    for (composer, counts) in composers.iter().zip(&v.confusion) {
        print!("{composer:width$}");
        for count in counts {
            print!("  {count:>width$}");
        }
        println!();
    }
    println!(
        "\nhow sure it was, and how often right (calibration error {:.3})",
        v.calibration_error
    );
    for (rows, sure, right) in v.calibration.iter().filter(|b| b.0 > 0) {
        println!("  {:3.0} %  {:3.0} %  of {rows} rows", 100.0 * sure, 100.0 * right);
    }
}
