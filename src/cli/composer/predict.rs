//! `composer predict`: names the composer of a page by its rows, and draws what it sees.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;

use super::page_picture;
use super::{BATCH, open};
use crate::cli::composer_args::ComposerPredictArgs;
use crate::cli::train::threads;
use crate::data::pages::gate::Gate;
use crate::data::pages::{Area, Rule, Sliced, Verdict, draw, open as file, pdf, slice};
use crate::data::rows::{Rows, ink};
use crate::model::image::checkpoint::ImageCheckpoint;
use crate::train::composer::run;
use crate::train::composer::verdicts::{likeliest, log_softmax};

/// Who is named, and how likely each one is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Named {
    /// The likeliest.
    pub(super) composer: String,
    /// In the order of the composers.
    pub(super) probabilities: Vec<f64>,
}

/// A row of the page.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Judged {
    /// Its left edge on the upright page, its upper edge, its width, its height, in pixels.
    pub(super) area: [usize; 4],
    /// Who is named.
    #[serde(flatten)]
    pub(super) named: Named,
}

/// What is made of a page.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Page {
    /// The file.
    pub(super) file: String,
    /// Degrees by which it was turned to be upright.
    pub(super) turned: f32,
    /// Whom the model knows.
    pub(super) composers: Vec<String>,
    /// Top first.
    pub(super) rows: Vec<Judged>,
    /// Rows that are too high to be one, and were not judged.
    pub(super) left_out: usize,
    /// The page as a whole: the mean of its rows' log-probabilities, made probabilities again.
    #[serde(flatten)]
    pub(super) vote: Named,
}

pub(super) fn predict(args: &ComposerPredictArgs) -> Result<()> {
    let model = open(&args.model)?;
    let sliced = slices(&args.page, args.sheet)?;
    let page = judge(&args.page, &model, &sliced, threads(args.threads))?;
    if let Some(path) = &args.out {
        page_picture::save(path, &sliced, &page).with_context(|| path.display().to_string())?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&page)?);
    } else {
        print(&page);
    }
    Ok(())
}

/// The rows of a page, as `pages slice` finds them.
fn slices(path: &Path, sheet: usize) -> Result<Sliced> {
    let gate = Gate::new(file::MEMORY);
    let cut = |page| slice(page, Rule::Staves);
    let sliced = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("pdf")) {
        pdf::with_sheet(&std::env::current_exe()?, path, sheet, &gate, cut)
    } else {
        file::with_page(path, &gate, cut)
    };
    let sliced = sliced.map_err(|e| anyhow!("{}: {e}", path.display()))?;
    if !sliced.rows.iter().any(|row| row.verdict == Verdict::Row) {
        bail!("{}: no rows: all that was found is too high for one", path.display());
    }
    Ok(sliced)
}

fn judge(path: &Path, model: &ImageCheckpoint, sliced: &Sliced, threads: usize) -> Result<Page> {
    let ImageCheckpoint { manifest, net } = model;
    let size = (manifest.height, manifest.width);
    let found: Vec<_> = sliced.rows.iter().filter(|r| r.verdict == Verdict::Row).collect();
    let images = Rows {
        ink: found.iter().flat_map(|row| ink(&draw::row(sliced, row), size)).collect(),
        labels: vec![0; found.len()],
        ..Rows::default()
    };
    let logits = run::judge(net, &images, size, BATCH, threads)?;
    let composers = &manifest.classes;
    let named = |logs: &[f64]| Named {
        composer: composers[likeliest(logs)].clone(),
        probabilities: logs.iter().map(|l| l.exp()).collect(),
    };
    let mut sums = vec![0.0; composers.len()];
    let mut rows = Vec::with_capacity(found.len());
    for (row, logits) in found.iter().zip(logits.chunks(composers.len())) {
        let logs = log_softmax(logits);
        sums.iter_mut().zip(&logs).for_each(|(s, l)| *s += l / found.len() as f64);
        let Area { x, y, width, height } = row.area;
        rows.push(Judged { area: [x, y, width, height], named: named(&logs) });
    }
    let means: Vec<f32> = sums.iter().map(|s| *s as f32).collect();
    Ok(Page {
        file: path.display().to_string(),
        turned: sliced.turned,
        composers: composers.clone(),
        rows,
        left_out: sliced.rows.len() - found.len(),
        vote: named(&log_softmax(&means)),
    })
}

fn print(page: &Page) {
    let Page { composers, rows, vote, .. } = page;
    let width = composers.iter().map(|c| c.chars().count()).max().unwrap_or(0).max(6);
    print!("row   {:w$}", "likeliest", w = width.max(9));
    for composer in composers {
        print!("  {composer:>width$}");
    }
    println!();
    let line = |name: &str, named: &Named| {
        print!("{name:4}  {:width$}", named.composer, width = width.max(9));
        for p in &named.probabilities {
            print!("  {:>w$}", format!("{:.1} %", 100.0 * p), w = width);
        }
        println!();
    };
    for (nth, row) in rows.iter().enumerate() {
        line(&(nth + 1).to_string(), &row.named);
    }
    line("page", vote);
    if page.left_out > 0 {
        println!("{} more too high for a row were not judged", page.left_out);
    }
}
