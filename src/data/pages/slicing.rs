//! Slices the pages of a folder on all threads, and writes each page's rows before the ledger tells of them: what is
//! stopped at any moment goes on from there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use walkdir::WalkDir;

use crate::data::corpus::stamp;
use crate::data::pages::gate::Gate;
use crate::data::pages::ledger::{IS_ROW, Ledger, Line};
use crate::data::pages::{Area, Rule, Sliced, Verdict, draw, open, pdf, slice};
use crate::data::parallel::in_parallel;

/// Where pages lie that a person should look at.
pub const ERRORS_FOLDER: &str = "Errors";
/// A list of works beside the pages, which is taken along.
pub const MANIFEST_FILE: &str = "manifest.csv";

/// Stands in a page's name between its PDF file and the sheet's number.
pub const SHEET_MARK: char = '#';

/// What is to be sliced.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The folder of pages: a folder a composer.
    pub pages: &'a Path,
    /// The folder for the rows.
    pub out: &'a Path,
    /// The program that draws the sheets of PDF files, each in a process of its own: `sideman-train`.
    pub painter: &'a Path,
    /// By what rows are found.
    pub rule: Rule,
    /// Threads.
    pub threads: usize,
    /// Set from elsewhere to stop behind the pages in work.
    pub stop: &'a AtomicBool,
    /// Hears how many of how many pages are done, from any thread.
    pub tell: &'a (dyn Fn(usize, usize) + Sync),
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Pages sliced now.
    pub pages: usize,
    /// Pages that were done before.
    pub before: usize,
    /// Rows found now.
    pub rows: usize,
    /// Rows among them that are too high.
    pub too_high: usize,
    /// Pages without rows, and why.
    pub without: Vec<(String, String)>,
    /// Files that were left out, and why.
    pub left_out: Vec<String>,
    /// It was stopped before the last page.
    pub stopped: bool,
}

/// A page's file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Page {
    path: PathBuf,
    /// Which sheet of a PDF file, from 1.
    sheet: Option<usize>,
    /// Seen from the folder of pages, with `/`, and behind [`SHEET_MARK`] the sheet.
    name: String,
    composer: String,
    /// What its rows' names begin with.
    stem: String,
}

/// Slices every page that is not done yet.
///
/// # Errors
/// In one line, when the pages can't be listed or rows not written.
pub fn run(job: &Job<'_>) -> Result<Report, String> {
    let (pages, left_out) = list(job).map_err(|e| e.to_string())?;
    if pages.is_empty() {
        let hint = "a folder for each composer with .png, .jpg or .pdf pages in it is needed";
        return Err(format!("{}: no pages: {hint}", job.pages.display()));
    }
    let failed = |path: &Path, e: &io::Error| format!("{}: {e}", path.display());
    fs::create_dir_all(job.out).map_err(|e| failed(job.out, &e))?;
    let ledger = Ledger::open(job.out).map_err(|e| failed(job.out, &e))?;
    let done: HashSet<(&str, &str, u64, &str)> = ledger
        .lines()
        .iter()
        .map(|l| (l.page.as_str(), l.rule.as_str(), l.bytes, l.modified.as_str()))
        .collect();
    let todo: Vec<&Page> = pages
        .iter()
        .filter(|p| {
            let (bytes, modified) = stamped(&p.path);
            !done.contains(&(p.name.as_str(), job.rule.name(), bytes, modified.as_str()))
        })
        .collect();
    let again: HashSet<&str> = todo.iter().map(|p| p.name.as_str()).collect();
    for line in
        ledger.lines().iter().filter(|l| again.contains(l.page.as_str()) && !l.row.is_empty())
    {
        // A row that is gone already is what we want.
        let _ = fs::remove_file(job.out.join(&line.row));
    }
    let manifest = job.pages.join(MANIFEST_FILE);
    if manifest.is_file() {
        let copy = job.out.join(MANIFEST_FILE);
        fs::copy(&manifest, &copy).map_err(|e| failed(&copy, &e))?;
    }
    let pen = ledger.go_on(&again).map_err(|e| failed(job.out, &e))?;
    let pen = Mutex::new(pen);
    let gate = Gate::new(open::MEMORY);
    let (count, broken) = (AtomicUsize::new(0), AtomicBool::new(false));
    (job.tell)(0, todo.len());
    let results = in_parallel(&todo, job.threads, |page| {
        if job.stop.load(Ordering::Relaxed) || broken.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let lines = one(job, page, &gate);
        let written = lines.and_then(|lines| {
            pen.lock().unwrap_or_else(PoisonError::into_inner).add(&lines)?;
            Ok(Some(lines))
        });
        if written.is_err() {
            broken.store(true, Ordering::Relaxed);
        }
        (job.tell)(count.fetch_add(1, Ordering::Relaxed) + 1, todo.len());
        written.map_err(|e| failed(job.out, &e))
    });
    let mut report = Report { before: pages.len() - todo.len(), left_out, ..Report::default() };
    for lines in results {
        let Some(lines) = lines? else {
            report.stopped = true;
            continue;
        };
        report.pages += 1;
        for line in lines {
            if line.row.is_empty() {
                report.without.push((line.page, line.verdict));
            } else {
                report.rows += 1;
                report.too_high += usize::from(line.verdict != IS_ROW);
            }
        }
    }
    Ok(report)
}

/// How many rows each of these pages has by a rule, or why none; those that are too high do not count.
pub fn count(
    folder: &Path,
    pages: &[String],
    rule: Rule,
    threads: usize,
) -> Vec<Result<usize, String>> {
    let gate = Gate::new(open::MEMORY);
    in_parallel(pages, threads, |page| {
        let sliced = open::with_page(&folder.join(page), &gate, |page| slice(page, rule))?;
        Ok(sliced.rows.iter().filter(|r| r.verdict == Verdict::Row).count())
    })
}

/// Slices a page and writes its rows.
fn one(job: &Job<'_>, page: &Page, gate: &Gate) -> io::Result<Vec<Line>> {
    let (bytes, modified) = stamped(&page.path);
    let line = |row: String, area: Area, staves: usize, turned: f32, verdict: String| Line {
        row,
        page: page.name.clone(),
        composer: page.composer.clone(),
        x: area.x,
        y: area.y,
        width: area.width,
        height: area.height,
        staves,
        turned,
        verdict,
        rule: job.rule.name().to_owned(),
        of: 1,
        bytes,
        modified: modified.clone(),
    };
    let mut lines = Vec::new();
    let mut trouble = None;
    let work = |image| {
        let sliced = slice(image, job.rule)?;
        match write(job, page, &sliced) {
            Ok(names) => {
                for (row, name) in sliced.rows.iter().zip(names) {
                    let verdict = match row.verdict {
                        Verdict::Row => IS_ROW,
                        Verdict::TooHigh => "too high",
                    };
                    lines.push(line(name, row.area, row.staves, sliced.turned, verdict.to_owned()));
                }
            }
            Err(e) => trouble = Some(e),
        }
        Ok(())
    };
    let read = match page.sheet {
        Some(sheet) => pdf::with_sheet(job.painter, &page.path, sheet, gate, work),
        None => open::with_page(&page.path, gate, work),
    };
    if let Some(e) = trouble {
        return Err(e);
    }
    if let Err(reason) = read {
        let area = Area { x: 0, y: 0, width: 0, height: 0 };
        lines = vec![line(String::new(), area, 0, 0.0, reason)];
    }
    let of = lines.len();
    for line in &mut lines {
        line.of = of;
    }
    Ok(lines)
}

/// Writes the rows of a page, and for those that are too high an overlay. The names of the pictures.
fn write(job: &Job<'_>, page: &Page, sliced: &Sliced) -> io::Result<Vec<String>> {
    let errors = format!("{ERRORS_FOLDER}/{}", page.composer);
    let folder = |name: &str| fs::create_dir_all(job.out.join(name));
    let mut names = Vec::with_capacity(sliced.rows.len());
    for (i, row) in sliced.rows.iter().enumerate() {
        let into = if row.verdict == Verdict::Row { &page.composer } else { &errors };
        folder(into)?;
        let name = format!("{into}/{}_r{:02}.png", page.stem, i + 1);
        draw::save(&job.out.join(&name), &draw::row(sliced, row))?;
        names.push(name);
    }
    if sliced.rows.iter().any(|r| r.verdict == Verdict::TooHigh) {
        draw::save_overlay(&job.out.join(format!("{errors}/{}_cuts.png", page.stem)), sliced)?;
    }
    Ok(names)
}

/// Length, and time of the last change.
fn stamped(path: &Path) -> (u64, String) {
    let (bytes, seconds, nanos) = stamp(path).unwrap_or_default();
    (bytes, format!("{seconds}.{nanos:09}"))
}

/// The pages under a folder by name, and what was left out.
fn list(job: &Job<'_>) -> io::Result<(Vec<Page>, Vec<String>)> {
    let (folder, out) = (job.pages, job.out.canonicalize().ok());
    let (mut pages, mut left_out) = (Vec::new(), Vec::new());
    let mut loose = 0;
    let own = |path: &Path| path.canonicalize().is_ok_and(|p| Some(p) == out);
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    // Rows among the pages are not sliced again.
    for entry in walk.filter_entry(|e| !(e.file_type().is_dir() && e.depth() > 0 && own(e.path())))
    {
        let entry = entry.map_err(io::Error::from)?;
        let path = entry.path();
        let kind =
            path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if !entry.file_type().is_file() || !["png", "jpg", "jpeg", "pdf"].contains(&kind.as_str()) {
            continue;
        }
        let parts: Vec<String> = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .components()
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        let [composer, .., _] = parts.as_slice() else {
            loose += 1;
            continue;
        };
        if composer == ERRORS_FOLDER {
            let reason = format!("{ERRORS_FOLDER} is no composer: rename the folder");
            return Err(io::Error::other(format!("{}: {reason}", folder.join(composer).display())));
        }
        let name = parts.join("/");
        let stem = parts[1..].join("_");
        let stem = stem[..stem.len() - kind.len() - 1].to_owned();
        let page =
            Page { path: path.to_path_buf(), sheet: None, name, composer: composer.clone(), stem };
        if kind != "pdf" {
            pages.push(page);
            continue;
        }
        if job.stop.load(Ordering::Relaxed) {
            break;
        }
        // What is wrong with a file that has no sheets is told when its first is drawn.
        let sheets = pdf::sheets(job.painter, path).unwrap_or(0).max(1);
        pages.extend((1..=sheets).map(|sheet| Page {
            sheet: Some(sheet),
            name: format!("{}{SHEET_MARK}{sheet:03}", page.name),
            stem: format!("{}_p{sheet:03}", page.stem),
            ..page.clone()
        }));
    }
    if loose > 0 {
        left_out.push(format!("{loose} files outside any composer's folder"));
    }
    tell_apart(&mut pages);
    Ok((pages, left_out))
}

/// Pages whose rows would have the same names get their number to it.
fn tell_apart(pages: &mut [Page]) {
    let mut counts: HashMap<(String, String), usize> = HashMap::new();
    for page in pages {
        // Some file systems don't tell capitals.
        let count =
            counts.entry((page.composer.to_lowercase(), page.stem.to_lowercase())).or_default();
        *count += 1;
        if *count > 1 {
            page.stem = format!("{}~{count}", page.stem);
        }
    }
}
