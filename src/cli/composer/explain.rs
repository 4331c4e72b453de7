//! `composer explain`: a network a layer at a time. What its channels look for, what they answer to a row, and where in the
//! row it sees a composer.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use image::RgbImage;
use indicatif::ProgressBar;

use super::explain_page::{self, Figure};
use super::looks::{self, fitted, grid, save_png};
use super::{bar, open, same_composers};
use crate::cli::composer_args::ComposerExplainArgs;
use crate::cli::train::threads;
use crate::data::pages::gate::Gate;
use crate::data::pages::split::Side;
use crate::data::pages::{Grey, open as file};
use crate::data::parallel::in_parallel;
use crate::data::rows::{self, Entry, ink};
use crate::model::image::checkpoint::{ImageCheckpoint, ImageManifest};
use crate::model::image::{Images, Maps, PLACES, Workspace};
use crate::train::composer::ascent::{self, Pattern};
use crate::train::composer::saliency::{Seen, seen};
use crate::train::composer::verdicts::{likeliest, log_softmax};

/// Rows by which the liveliest channels are found.
const SAMPLE: usize = 48;
/// Channels that are shown of a place, and how many side by side.
const CHANNELS: usize = 16;
const COLUMNS: usize = 4;
/// Columns of a climbing picture for each of its lines.
const ASPECT: usize = 2;
/// The size of a map's tile, and the width of a row's picture.
const TILE: (usize, usize) = (320, 56);
const ROW_WIDTH: usize = 1_400;

/// The row that is looked at.
struct Chosen<'a> {
    entry: &'a Entry,
    picture: Grey,
    /// At the network's size.
    pixels: Vec<f32>,
}

pub(super) fn explain(args: &ComposerExplainArgs) -> Result<()> {
    let model = open(&args.model)?;
    let threads = threads(args.threads);
    let entries = rows::entries(&args.rows).map_err(|e| anyhow!("--rows: {e}"))?;
    same_composers(&model.manifest, &rows::composers(&entries))?;
    let size = (model.manifest.height, model.manifest.width);
    let chosen = choose(args, &entries, size)?;
    fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let bar = bar("{wide_bar} {pos}/{len} steps, {eta} left");
    bar.set_length((PLACES * args.steps) as u64);
    let mut workspace = Workspace::new(threads);
    let sample = sample(&args.rows, &entries, size, threads)?;
    let channels =
        ascent::liveliest(&mut workspace, &model.net, &sample, size, CHANNELS).context("--rows")?;
    let mut figures = attention(&mut workspace, &model, &chosen)?;
    for (place, channels) in channels.iter().enumerate() {
        figures.extend(look(
            &mut workspace,
            &model,
            &chosen,
            (place, channels),
            (args.steps, &bar),
        )?);
    }
    bar.finish_and_clear();
    let mut held = Vec::with_capacity(figures.len());
    for figure in figures {
        let path = args.out.join(&figure.file);
        save_png(&path, &figure.picture).with_context(|| path.display().to_string())?;
        held.push(figure);
    }
    let page = explain_page::html(&model.manifest, &chosen.entry.row, &held)?;
    let path = args.out.join("index.html");
    fs::write(&path, page).with_context(|| path.display().to_string())?;
    println!("{}", path.display());
    Ok(())
}

/// The row that was named, or the first that is held out.
fn choose<'a>(
    args: &ComposerExplainArgs,
    entries: &'a [Entry],
    size: (usize, usize),
) -> Result<Chosen<'a>> {
    let entry = match &args.row {
        Some(name) => entries.iter().find(|entry| entry.row == *name),
        None => entries.iter().find(|entry| entry.side == Side::Test).or(entries.first()),
    };
    let name = args.row.as_deref().unwrap_or_default();
    let entry = entry.with_context(|| format!("--row: {name} is not listed in split.csv"))?;
    let picture = read(&args.rows, entry, |picture| picture)?;
    let pixels = ink(&picture, size).iter().map(|p| f32::from(*p) / 255.0).collect();
    Ok(Chosen { entry, picture, pixels })
}

fn read<T>(folder: &Path, entry: &Entry, work: impl FnOnce(Grey) -> T) -> Result<T> {
    let gate = Gate::new(file::MEMORY);
    file::with_page(&folder.join(&entry.row), &gate, |picture| Ok(work(picture)))
        .map_err(|e| anyhow!("--rows: {}: {e}", entry.row))
}

/// Rows from everywhere, as numbers.
fn sample(
    folder: &Path,
    entries: &[Entry],
    size: (usize, usize),
    threads: usize,
) -> Result<Vec<f32>> {
    let step = entries.len().div_ceil(SAMPLE).max(1);
    let chosen: Vec<&Entry> = entries.iter().step_by(step).collect();
    let images = in_parallel(&chosen, threads, |entry| read(folder, entry, |p| ink(&p, size)));
    let images: Vec<Vec<u8>> = images.into_iter().collect::<Result<_>>()?;
    ensure!(!images.is_empty(), "--rows: no rows");
    Ok(images.iter().flatten().map(|p| f32::from(*p) / 255.0).collect())
}

/// The row, and where it speaks for whom.
fn attention(
    workspace: &mut Workspace,
    model: &ImageCheckpoint,
    chosen: &Chosen<'_>,
) -> Result<Vec<Figure>> {
    let ImageManifest { height, width, classes, .. } = &model.manifest;
    let seen = seen(workspace, &model.net, &chosen.pixels, (*height, *width))?;
    let logs = log_softmax(&seen.logits);
    let best = likeliest(&logs);
    let right = classes.iter().position(|c| *c == chosen.entry.composer).unwrap_or(best);
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|a, b| logs[*b].total_cmp(&logs[*a]));
    let percent = |n: usize| format!("{} {:.1} %", classes[n], 100.0 * logs[n].exp());
    let said: Vec<String> = order.into_iter().map(percent).collect();
    let mut figures = vec![Figure {
        file: "row.png".to_owned(),
        heading: "The row".to_owned(),
        words: format!("By {}. The network says: {}.", chosen.entry.composer, said.join(", ")),
        picture: fitted(&chosen.picture, ROW_WIDTH),
    }];
    let shown = if right == best {
        vec![(right, "true")]
    } else {
        vec![(right, "true"), (best, "likeliest")]
    };
    let most = shown.iter().flat_map(|(n, _)| &seen.maps[*n]).fold(0.0_f32, |m, x| m.max(x.abs()));
    for (n, what) in shown {
        figures.push(Figure {
            file: format!("cam-{what}.png"),
            heading: format!("What speaks for {}", percent(n)),
            words: format!(
                "The class activation map of {}, {}: the last stage's maps ({} x {}), each weighed as the head weighs \
                 its mean. Vermilion speaks for {}, blue against; the mean of the map and a bias are the logit, {:.2}.",
                classes[n],
                if right == best { "who wrote it and is the likeliest" } else if n == right { "who wrote it" } else { "the likeliest" },
                seen.height,
                seen.width,
                classes[n],
                seen.logits[n]
            ),
            picture: class_map(&chosen.picture, &seen, n, most),
        });
    }
    Ok(figures)
}

fn class_map(row: &Grey, seen: &Seen, composer: usize, most: f32) -> RgbImage {
    let mut picture = fitted(row, ROW_WIDTH);
    let (width, height) = picture.dimensions();
    looks::overlay(&mut picture, &seen.spread(composer, width as usize, height as usize), most);
    picture
}

/// What the channels behind the stem or a stage answer to the row, and what each looks for.
fn look(
    workspace: &mut Workspace,
    model: &ImageCheckpoint,
    chosen: &Chosen<'_>,
    (place, channels): (usize, &[usize]),
    (steps, bar): (usize, &ProgressBar),
) -> Result<[Figure; 2]> {
    let ImageManifest { height, width, .. } = model.manifest;
    let images = Images { height, width, pixels: chosen.pixels.clone(), labels: vec![0] };
    let maps = workspace.maps(&model.net, &images, place)?;
    let tell = |more: usize| bar.inc(more as u64);
    let narrow = (ASPECT * height).min(width);
    let patterns =
        ascent::climb(workspace, &model.net, place, channels, (height, narrow), steps, &tell)?;
    let (name, file) = match place {
        0 => ("the stem".to_owned(), "stem".to_owned()),
        n => (format!("stage {n}"), format!("stage{n}")),
    };
    Ok([answers(&maps, channels, &name, &file), filters(&patterns, (narrow, steps), &name, &file)])
}

fn answers(maps: &Maps, channels: &[usize], name: &str, file: &str) -> Figure {
    let tile = |channel: &usize| {
        let map = maps.map(0, *channel);
        let most = map.iter().copied().fold(0.0, f32::max);
        (format!("channel {channel}, up to {most:.2}"), looks::heat(&map, maps.width, TILE))
    };
    let tiles: Vec<_> = channels.iter().map(tile).collect();
    Figure {
        file: format!("activations-{file}.png"),
        heading: format!("What {name} answers to the row"),
        words: format!(
            "{} of {} maps of {} x {}, those that tell rows apart most; dark is silent, each map's own highest is brightest.",
            channels.len(),
            maps.channels,
            maps.height,
            maps.width
        ),
        picture: grid(&tiles, COLUMNS),
    }
}

fn filters(patterns: &[Pattern], (width, steps): (usize, usize), name: &str, file: &str) -> Figure {
    let tile = |pattern: &Pattern| {
        let (first, last) = pattern.activation;
        let words = format!("channel {}, {first:.2} to {last:.2}", pattern.channel);
        (words, looks::ink(&pattern.pixels, width))
    };
    let tiles: Vec<_> = patterns.iter().map(tile).collect();
    Figure {
        file: format!("filters-{file}.png"),
        heading: format!("What {name} looks for"),
        words: format!(
            "The same channels. Each picture began as faint noise and went {steps} steps up the gradient of the \
             channel's mean activation; below it the activation before and after."
        ),
        picture: grid(&tiles, COLUMNS),
    }
}
