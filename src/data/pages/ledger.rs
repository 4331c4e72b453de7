//! `rows.csv`: what became of every page, line by line as it is done. A page counts as done when all its lines are there.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The ledger's name in its folder.
pub const ROWS_FILE: &str = "rows.csv";
/// The verdict on what is a row.
pub const IS_ROW: &str = "row";

/// A row, or a page without one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The row's picture, seen from the ledger's folder; empty for a page without a row.
    pub row: String,
    /// Its page, seen from the folder of pages.
    pub page: String,
    /// The folder that the page lies in.
    pub composer: String,
    /// The row's place on the page, in pixels, after the page was turned.
    pub x: usize,
    /// Its upper edge.
    pub y: usize,
    /// Its width.
    pub width: usize,
    /// Its height.
    pub height: usize,
    /// Staves in it; 0 where they are not counted.
    pub staves: usize,
    /// Degrees by which the page was turned.
    pub turned: f32,
    /// [`IS_ROW`], or what is wrong.
    pub verdict: String,
    /// By what rows were found.
    pub rule: String,
    /// Lines of this page.
    pub of: usize,
    /// The page's length in bytes.
    pub bytes: u64,
    /// When it was last changed: seconds since 1970, and nanoseconds.
    pub modified: String,
}

/// The open ledger of a folder.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Ledger {
    /// What the folder's ledger says of whole pages. Lines of a page that was not finished are left out.
    ///
    /// # Errors
    /// Where it can't be read, or is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(ROWS_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e),
        };
        // What was being written when the power went ends without a line end.
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |last| last + 1);
        let mut lines = Vec::new();
        for line in csv::Reader::from_reader(&text[..whole]).deserialize() {
            let line: Line = line.map_err(|e| {
                io::Error::other(format!("{}: {e}; move it away to begin anew", path.display()))
            })?;
            lines.push(line);
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        for line in &lines {
            *counts.entry(line.page.clone()).or_default() += 1;
        }
        lines.retain(|line: &Line| counts.get(&line.page) == Some(&line.of));
        Ok(Self { path, lines })
    }

    /// All lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Leaves out what is said of these pages, puts the file in order, and opens it to go on.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn go_on(mut self, without: &HashSet<&str>) -> io::Result<Pen> {
        self.lines.retain(|line| !without.contains(line.page.as_str()));
        let part = self.path.with_extension("csv.part");
        let mut writer = csv::Writer::from_path(&part)?;
        for line in &self.lines {
            writer.serialize(line)?;
        }
        if self.lines.is_empty() {
            writer.write_record(HEAD)?;
        }
        writer.flush()?;
        drop(writer);
        fs::rename(&part, &self.path)?;
        Ok(Pen(OpenOptions::new().append(true).open(&self.path)?))
    }
}

/// The names of a line's fields.
const HEAD: [&str; 14] = [
    "row", "page", "composer", "x", "y", "width", "height", "staves", "turned", "verdict", "rule",
    "of", "bytes", "modified",
];

/// Writes on.
#[derive(Debug)]
pub struct Pen(File);

impl Pen {
    /// Adds the lines of a page, all at once.
    ///
    /// # Errors
    /// Where they can't be written.
    pub fn add(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for line in lines {
            writer.serialize(line)?;
        }
        let bytes = writer.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
        self.0.write_all(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(page: &str, n: usize, of: usize) -> Line {
        Line {
            row: format!("{page}-{n}"),
            page: page.to_owned(),
            composer: "Ann".to_owned(),
            x: 1,
            y: 2,
            width: 3,
            height: 4,
            staves: 2,
            turned: 0.5,
            verdict: "row, of \"two\"".to_owned(),
            rule: "staves".to_owned(),
            of,
            bytes: 9,
            modified: "1.000000002".to_owned(),
        }
    }

    #[test]
    fn whole_pages_are_kept_and_others_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let mut pen = Ledger::open(dir.path()).unwrap().go_on(&HashSet::new()).unwrap();
        pen.add(&[line("a", 0, 2), line("a", 1, 2)]).unwrap();
        pen.add(&[line("b", 0, 1)]).unwrap();
        pen.add(&[line("c", 0, 2)]).unwrap();
        pen.0.write_all(b"half a li").unwrap();
        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(ledger.lines(), [line("a", 0, 2), line("a", 1, 2), line("b", 0, 1)]);
        let mut pen = ledger.go_on(&HashSet::from(["a"])).unwrap();
        pen.add(&[line("d", 0, 1)]).unwrap();
        assert_eq!(Ledger::open(dir.path()).unwrap().lines(), [line("b", 0, 1), line("d", 0, 1)]);
    }

    #[test]
    fn what_is_no_ledger_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(ROWS_FILE), "my,own\nnotes,here\n").unwrap();
        let error = Ledger::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("move it away"), "{error}");
    }
}
