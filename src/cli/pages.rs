//! `sideman-train pages`: cuts pages of sheet music into rows, and shares the rows out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::pages_args::{PagesArgs, PagesVerb, PaintArgs, SliceArgs, SplitArgs};
use crate::cli::train::{stop_on_ctrl_c, threads};
use crate::data::pages::copies::{self, Hash};
use crate::data::pages::gate::Gate;
use crate::data::pages::ledger::{IS_ROW, Ledger, Line};
use crate::data::pages::slicing::{self, ERRORS_FOLDER, Job, MANIFEST_FILE, Report};
use crate::data::pages::split::{self, Side, WorkFrom};
use crate::data::pages::{Rule, open, paint};
use crate::data::parallel::in_parallel;

/// Near copies that are named.
const SHOWN: usize = 8;
/// The split's name in its folder.
const SPLIT_FILE: &str = "split.csv";
/// What tells the work where nothing else does.
const WORK_FROM: &str = "_";

/// Runs `pages`.
pub(crate) fn pages(args: &PagesArgs) -> Result<()> {
    match &args.verb {
        PagesVerb::Slice(args) => slice(args),
        PagesVerb::Split(args) => split(args),
        PagesVerb::Paint(args) => draw(args),
    }
}

fn draw(args: &PaintArgs) -> Result<()> {
    let drawn = paint::limit_this_process()
        .and_then(|()| paint::paint(&args.file, args.sheet, &mut std::io::stdout().lock()));
    drawn.map_err(|e| anyhow!(e))
}

fn slice(args: &SliceArgs) -> Result<()> {
    let threads = threads(args.threads);
    if let Some(fixture) = &args.count {
        return count(&args.pages, fixture, threads);
    }
    let out = args.out.as_deref().context("--out is missing")?;
    let stop = stop_on_ctrl_c()?;
    let bar = bar("pages")?;
    let tell = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let rule = Rule::from(args.rule);
    let painter = std::env::current_exe()?;
    let pages = args.pages.as_path();
    let job = Job { pages, out, painter: &painter, rule, threads, stop: &stop, tell: &tell };
    let report = slicing::run(&job).map_err(|e| anyhow!(e))?;
    bar.finish_and_clear();
    tell_slices(&report, out);
    if report.stopped {
        eprintln!("stopped; the same command goes on where it was");
    }
    Ok(())
}

fn tell_slices(report: &Report, out: &Path) {
    for left_out in &report.left_out {
        eprintln!("left out {left_out}");
    }
    for (page, reason) in &report.without {
        eprintln!("no rows from {page}: {reason}");
    }
    println!(
        "{} pages ({} done before): {} rows in {}, {} too high in {}",
        report.pages,
        report.before,
        report.rows - report.too_high,
        out.display(),
        report.too_high,
        out.join(ERRORS_FOLDER).display()
    );
}

/// Compares how many rows are found with how many there are.
fn count(pages: &Path, fixture: &Path, threads: usize) -> Result<()> {
    let counted = read_counts(fixture)?;
    let names: Vec<String> = counted.iter().map(|(page, _)| page.clone()).collect();
    println!("rule     pages  counted  found  precision  recall  pages right");
    for rule in [Rule::Staves, Rule::Article] {
        let found = slicing::count(pages, &names, rule, threads);
        let (mut all, mut hits, mut right) = (0, 0, 0);
        for ((page, systems), found) in counted.iter().zip(found) {
            let found = found.unwrap_or_else(|reason| {
                eprintln!("{}: {page}: {reason}", rule.name());
                0
            });
            if found != *systems {
                eprintln!("{}: {page}: {found} found, {systems} counted", rule.name());
            }
            all += found;
            hits += found.min(*systems);
            right += usize::from(found == *systems);
        }
        let systems: usize = counted.iter().map(|(_, n)| n).sum();
        let share = |of: usize| hits as f64 / of.max(1) as f64;
        println!(
            "{:8} {:5}  {systems:7}  {all:5}  {:9.3}  {:6.3}  {right:11}",
            rule.name(),
            names.len(),
            share(all),
            share(systems)
        );
    }
    Ok(())
}

fn read_counts(fixture: &Path) -> Result<Vec<(String, usize)>> {
    let of = || format!("--count {}", fixture.display());
    let mut reader = csv::Reader::from_path(fixture).with_context(of)?;
    let head = reader.headers().with_context(of)?.clone();
    let column = |name: &str| {
        head.iter().position(|h| h == name).with_context(|| format!("{}: no column '{name}'", of()))
    };
    let (page, systems) = (column("page")?, column("systems")?);
    let mut counts = Vec::new();
    for record in reader.records() {
        let record = record.with_context(of)?;
        let number = record.get(systems).unwrap_or_default();
        let number = number.parse().with_context(|| format!("{}: '{number}'", of()))?;
        counts.push((record.get(page).unwrap_or_default().to_owned(), number));
    }
    if counts.is_empty() {
        bail!("{}: no pages", of());
    }
    Ok(counts)
}

fn split(args: &SplitArgs) -> Result<()> {
    let threads = threads(args.threads);
    let ledger = Ledger::open(&args.rows).context("--rows")?;
    let rows: Vec<&Line> = ledger.lines().iter().filter(|l| l.verdict == IS_ROW).collect();
    if rows.is_empty() {
        bail!("--rows {}: no rows; make some with `pages slice`", args.rows.display());
    }
    let (works, from) = works(args, &rows)?;
    println!("works by {from}, like {} of {}\n", works[0], rows[0].page);
    let sides = split::sides(&rows, &works, args.share, args.seed);
    balance(&rows, &works, &sides);
    let near = near_copies(&args.rows, &rows, &sides, threads)?;
    tell_copies(&rows, &sides, &near);
    let path = args.rows.join(SPLIT_FILE);
    let part = path.with_extension("csv.part");
    write(&part, &rows, &works, &sides, &near)
        .and_then(|()| Ok(fs::rename(&part, &path)?))
        .with_context(|| path.display().to_string())
}

/// The work of each row, and what told them.
fn works(args: &SplitArgs, rows: &[&Line]) -> Result<(Vec<String>, String)> {
    let kept = args.rows.join(MANIFEST_FILE);
    let manifest = args
        .manifest
        .clone()
        .or_else(|| (args.work_from.is_none() && kept.is_file()).then_some(kept));
    if let Some(path) = manifest {
        let table = split::manifest(&path).map_err(|e| anyhow!(e))?;
        let work = |row: &&Line| {
            let (file, _) = split::file_and_sheet(&row.page);
            let work = table.get(&row.page).or_else(|| table.get(file)).filter(|w| !w.is_empty());
            work.cloned().with_context(|| format!("{}: no work for {}", path.display(), row.page))
        };
        return Ok((rows.iter().map(work).collect::<Result<_>>()?, path.display().to_string()));
    }
    let rule =
        args.work_from.clone().unwrap_or_else(|| WorkFrom::BeforeFirst(WORK_FROM.to_owned()));
    let works: Result<Vec<String>, String> = rows.iter().map(|row| rule.work(&row.page)).collect();
    let name = match rule {
        WorkFrom::BeforeFirst(x) => format!("what stands before the first '{x}'"),
        WorkFrom::BeforeLast(x) => format!("what stands before the last '{x}'"),
        WorkFrom::Folder => "folder".to_owned(),
    };
    Ok((works.map_err(|e| anyhow!(e))?, name))
}

/// Prints how many rows and works each composer has on each side.
fn balance(rows: &[&Line], works: &[String], sides: &[Side]) {
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut names: BTreeMap<&str, [BTreeSet<&str>; 3]> = BTreeMap::new();
    for ((row, work), side) in rows.iter().zip(works).zip(sides) {
        counts.entry(&row.composer).or_default()[*side as usize] += 1;
        names.entry(&row.composer).or_default()[*side as usize].insert(work);
    }
    let width = counts.keys().map(|c| c.chars().count()).max().unwrap_or(0).max(8);
    print!("{:width$}   share", "composer");
    for side in Side::ALL {
        print!("  {:>16}", side.name());
    }
    println!();
    for (composer, counts) in &counts {
        let all: usize = counts.iter().sum();
        print!("{composer:width$}  {:5.1} %", all as f64 / rows.len() as f64 * 100.0);
        for (count, works) in counts.iter().zip(&names[composer]) {
            print!("  {:>16}", format!("{count} of {} works", works.len()));
        }
        println!();
    }
    for (composer, names) in &names {
        for side in [Side::Dev, Side::Test] {
            if names[side as usize].is_empty() {
                eprintln!("{composer}: nothing in {}; too few works, or no share", side.name());
            }
        }
    }
}

/// For each row its nearest near copy on another side.
fn near_copies(
    folder: &Path,
    rows: &[&Line],
    sides: &[Side],
    threads: usize,
) -> Result<Vec<Option<(usize, f32)>>> {
    let bar = bar("rows")?;
    bar.set_length(rows.len() as u64);
    let gate = Gate::new(open::MEMORY);
    let hashes = in_parallel(rows, threads, |row| {
        let hash = open::with_page(&folder.join(&row.row), &gate, |picture| Ok(Hash::of(&picture)));
        bar.inc(1);
        hash.map_err(|e| anyhow!("{}: {e}", row.row))
    });
    bar.finish_and_clear();
    let hashes = hashes.into_iter().collect::<Result<Vec<Hash>>>()?;
    Ok(copies::across(&hashes, sides, threads))
}

fn tell_copies(rows: &[&Line], sides: &[Side], near: &[Option<(usize, f32)>]) {
    let mut pairs: HashMap<(usize, usize), f32> = HashMap::new();
    for (i, near) in near.iter().enumerate() {
        if let Some((j, distance)) = near {
            pairs.insert((i.min(*j), i.max(*j)), *distance);
        }
    }
    let mut pairs: Vec<((usize, usize), f32)> = pairs.into_iter().collect();
    pairs.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    println!("\n{} near copies across sides", pairs.len());
    for ((i, j), distance) in pairs.iter().take(SHOWN) {
        let (a, b) = (sides[*i].name(), sides[*j].name());
        println!(
            "  {} ({a}) and {} ({b}): {:.0} % differs",
            rows[*i].row,
            rows[*j].row,
            distance * 100.0
        );
    }
    if pairs.len() > SHOWN {
        println!("  and more: column `near` of {SPLIT_FILE}");
    }
}

fn write(
    path: &Path,
    rows: &[&Line],
    works: &[String],
    sides: &[Side],
    near: &[Option<(usize, f32)>],
) -> Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["row", "page", "composer", "work", "split", "near"])?;
    for (((row, work), side), near) in rows.iter().zip(works).zip(sides).zip(near) {
        let near = near.map_or("", |(i, _)| rows[i].row.as_str());
        writer.write_record([&row.row, &row.page, &row.composer, work, side.name(), near])?;
    }
    writer.flush()?;
    Ok(())
}

/// A bar of these things; none where nobody looks.
fn bar(things: &str) -> Result<ProgressBar> {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let template = format!("{{wide_bar}} {{pos}}/{{len}} {things}, {{per_sec}}, {{eta}}");
    bar.set_style(ProgressStyle::with_template(&template)?);
    Ok(bar)
}
