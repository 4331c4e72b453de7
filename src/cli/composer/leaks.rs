//! `composer leaks`: what a network still knows when margins, lines or heads are hidden, or another hand engraved them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;

use super::looks::{self, FAINT, INK, fitted, save_png};
use super::{bar, open, same_composers};
use crate::cli::composer_args::ComposerLeaksArgs;
use crate::cli::train::threads;
use crate::data::pages::anatomy::Anatomy;
use crate::data::pages::gate::Gate;
use crate::data::pages::open as file;
use crate::data::pages::split::Side;
use crate::data::rows::{self, Entry};
use crate::model::image::checkpoint::ImageCheckpoint;
use crate::standalone::drawing::canvas::Canvas;
use crate::standalone::drawing::lettering::{self, Anchor, Style};
use crate::train::composer::charts;
use crate::train::composer::leaks::{Chance, Leak, measure};

/// A row's width on the contact sheet, and how many stand side by side.
const WIDTH: usize = 960;
const COLUMNS: usize = 2;

/// All that is measured.
#[derive(Serialize)]
struct Leaks {
    side: &'static str,
    chance: Chance,
    masks: Vec<Leak>,
}

pub(super) fn leaks(args: &ComposerLeaksArgs) -> Result<()> {
    let ImageCheckpoint { manifest, net } = open(&args.model)?;
    let threads = threads(args.threads);
    let mut entries = rows::entries(&args.rows).map_err(|e| anyhow!("--rows: {e}"))?;
    same_composers(&manifest, &rows::composers(&entries))?;
    let side = Side::from(args.side);
    entries.retain(|entry| entry.side == side);
    ensure!(!entries.is_empty(), "--rows: there are no rows on that side");
    let shown = match &args.row {
        None => &entries[0],
        Some(name) => {
            let found = entries.iter().find(|entry| entry.row == *name);
            found.with_context(|| format!("--row: {name} is no row of that side"))?
        }
    };
    let bar = bar("{wide_bar} {pos}/{len} rows, {eta} left");
    bar.set_length(entries.len() as u64);
    let size = (manifest.height, manifest.width);
    let tell = |more: usize| bar.inc(more as u64);
    let among = (args.rows.as_path(), entries.as_slice());
    let masks = measure(&net, &manifest.classes, size, among, threads, &tell)
        .map_err(|e| anyhow!("--rows: {e}"))?;
    bar.finish_and_clear();
    let chance = Chance::of(&entries, manifest.classes.len());
    let measured = Leaks { side: side.name(), chance, masks };
    if let Some(folder) = &args.out {
        draw(folder, &args.rows, shown, &measured)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        print(&measured);
    }
    Ok(())
}

fn draw(folder: &Path, rows: &Path, shown: &Entry, measured: &Leaks) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join("leaks.svg");
    fs::write(&path, charts::leaks(&measured.masks, measured.chance))
        .with_context(|| path.display().to_string())?;
    let gate = Gate::new(file::MEMORY);
    let sheet = file::with_page(&rows.join(&shown.row), &gate, |picture| {
        let anatomy = Anatomy::of(&picture);
        let cells: Vec<_> = measured
            .masks
            .iter()
            .map(|leak| {
                let masked = leak.mask.apply(&picture, anatomy.as_ref());
                (leak, fitted(masked.as_ref().unwrap_or(&picture), WIDTH))
            })
            .collect();
        Ok(contact_sheet(shown, &cells))
    });
    let sheet = sheet.map_err(|e| anyhow!("{}: {e}", shown.row))?;
    let path = folder.join("contact-sheet.png");
    save_png(&path, &sheet).with_context(|| path.display().to_string())
}

/// The row behind every mask, with what is right of all rows there.
fn contact_sheet(shown: &Entry, cells: &[(&Leak, image::RgbImage)]) -> image::RgbImage {
    let (margin, caption, gap) = (24, 30, 16);
    let high = |cells: &[(&Leak, image::RgbImage)]| {
        cells.iter().map(|(_, picture)| picture.height() as usize).max().unwrap_or(0)
    };
    let lines: Vec<_> = cells.chunks(COLUMNS).collect();
    let height: usize = lines.iter().map(|line| high(line) + caption + gap).sum();
    let width = 2 * margin + COLUMNS * WIDTH + (COLUMNS - 1) * gap;
    let mut sheet = looks::blank(width, height + 2 * margin + 26);
    let mut words = Vec::new();
    let mut top = margin + 34;
    for line in lines {
        for (nth, (leak, picture)) in line.iter().enumerate() {
            let left = margin + nth * (WIDTH + gap);
            image::imageops::replace(&mut sheet, picture, left as i64, (top + caption) as i64);
            words.push((leak, left, top + 20));
        }
        top += high(line) + caption + gap;
    }
    let mut canvas = Canvas::over(sheet);
    let title = Style { height: 13.0, pen: 1.9, colour: INK };
    lettering::write(&mut canvas, &shown.row, margin as f32, 40.0, Anchor::Left, title);
    for (leak, left, y) in words {
        let (left, y) = (left as f32, y as f32);
        let name = Style { height: 11.0, pen: 1.6, colour: INK };
        lettering::write(&mut canvas, leak.name, left, y, Anchor::Left, name);
        let share = Style { height: 10.0, pen: 1.4, colour: FAINT };
        let text = format!("{:.1} % of rows right", 100.0 * leak.verdicts.accuracy);
        lettering::write(&mut canvas, &text, left + WIDTH as f32, y, Anchor::Right, share);
    }
    canvas.into_image()
}

fn print(measured: &Leaks) {
    let Leaks { side, chance, masks } = measured;
    let Some(first) = masks.first().map(|leak| &leak.verdicts) else { return };
    println!("{} rows of {} works ({side})\n", first.rows, first.works);
    println!("{:26}  {:>7}  {:>7}  {:>6}  {:>7}", "", "rows", "works", "nats", "same");
    let line = |name: &str, rows: f64, works: f64, rest: &str| {
        println!("{name:26}  {:>7}  {:>7}  {rest}", percent(rows), percent(works));
    };
    for leak in masks {
        let v = &leak.verdicts;
        let rest = format!("{:6.3}  {:>7}", v.nats, percent(leak.same));
        line(leak.name, v.accuracy, v.accuracy_by_work, &rest);
    }
    line("always the most frequent", chance.rows, chance.works, "");
    line("anybody", chance.even, chance.even, "");
    if let Some(lost) = masks.iter().map(|leak| leak.unmasked).max().filter(|lost| *lost > 0) {
        println!("\nin {lost} rows no staff was found; what needs staves left them as they are");
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
