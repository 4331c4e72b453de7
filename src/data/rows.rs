//! Rows of sheet music as small images, with who wrote them: what a composer network is trained on.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::data::pages::gate::Gate;
use crate::data::pages::slicing::MANIFEST_FILE;
use crate::data::pages::split::{Side, file_and_sheet};
use crate::data::pages::{Grey, Tone, draw, open};
use crate::data::parallel::in_parallel;

/// The split's name in the folder of rows.
pub const SPLIT_FILE: &str = "split.csv";

/// Rows of one side, as images of one size.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rows {
    /// (rows, lines, columns): ink, 0 for paper and 255 for the darkest of the picture.
    pub ink: Vec<u8>,
    /// The composer of each, counted in [`Gallery::composers`].
    pub labels: Vec<u16>,
    /// The work of each, counted over all sides.
    pub works: Vec<u32>,
    /// The picture's name of each.
    pub names: Vec<String>,
}

/// All rows of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gallery {
    /// Lines of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Who wrote them, by name.
    pub composers: Vec<String>,
    /// To learn from, to choose by, and held out to the end.
    pub sides: [Rows; 3],
    /// BLAKE3 of all pixels, labels and sides, in hex.
    pub hash: String,
}

/// A line of the split.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The row's picture, seen from the folder of rows.
    pub row: String,
    /// Its page, seen from the folder of pages.
    pub page: String,
    /// Who wrote it.
    pub composer: String,
    /// What it is of.
    pub work: String,
    /// Where it is.
    pub side: Side,
}

impl Gallery {
    /// Reads the rows that `split.csv` names, on all threads; `tell` hears how many are read.
    ///
    /// # Errors
    /// In one line what is wrong with the folder, or with the first row that can't be read.
    pub fn load(
        folder: &Path,
        (height, width): (usize, usize),
        threads: usize,
        tell: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, String> {
        let entries = entries(folder)?;
        let composers = composers(&entries);
        if composers.len() < 2 {
            return Err(format!("{}: rows of two composers or more are needed", folder.display()));
        }
        let works: BTreeSet<(&String, &String)> =
            entries.iter().map(|e| (&e.composer, &e.work)).collect();
        let works: Vec<_> = works.into_iter().collect();
        let gate = Gate::new(open::MEMORY);
        let images = in_parallel(&entries, threads, |entry| {
            let image = open::with_page(&folder.join(&entry.row), &gate, |picture| {
                Ok(ink(&picture, (height, width)))
            });
            tell(1, entries.len());
            image.map_err(|e| format!("{}: {e}", entry.row))
        });
        let mut gallery = Self { height, width, composers, ..Self::default() };
        let mut hasher = blake3::Hasher::new();
        for (entry, image) in entries.iter().zip(images) {
            let image: Vec<u8> = image?;
            let label = gallery.composers.binary_search(&entry.composer).unwrap_or_default() as u16;
            let work = works.binary_search(&(&entry.composer, &entry.work)).unwrap_or_default();
            hasher.update(&image).update(&label.to_le_bytes()).update(&[entry.side as u8]);
            let rows = &mut gallery.sides[entry.side as usize];
            rows.ink.extend(image);
            rows.labels.push(label);
            rows.works.push(work as u32);
            rows.names.push(entry.row.clone());
        }
        gallery.hash = hasher.finalize().to_hex().to_string();
        if gallery.side(Side::Train).labels.is_empty() {
            return Err(format!("{}: no row is there to learn from", folder.display()));
        }
        Ok(gallery)
    }

    /// The rows of a side.
    pub const fn side(&self, side: Side) -> &Rows {
        &self.sides[side as usize]
    }
}

/// A row's picture as a network sees it: its ink, at the network's size.
pub fn ink(picture: &Grey, (height, width): (usize, usize)) -> Vec<u8> {
    let tone = Tone::of(picture);
    let small = draw::resize(picture, width, height);
    let depth = f32::from(tone.contrast().max(1));
    let ink = |p: &u8| f32::from(tone.paper.saturating_sub(*p)) / depth;
    small.pixels.iter().map(|p| (ink(p).min(1.0) * 255.0) as u8).collect()
}

/// Who wrote these rows, by name.
pub fn composers(entries: &[Entry]) -> Vec<String> {
    let names: BTreeSet<&String> = entries.iter().map(|e| &e.composer).collect();
    names.into_iter().cloned().collect()
}

/// The lines of a folder's `split.csv`.
///
/// # Errors
/// In one line what is wrong with it.
pub fn entries(folder: &Path) -> Result<Vec<Entry>, String> {
    let path = folder.join(SPLIT_FILE);
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let mut entries = Vec::new();
    let records = records(&path, &["row", "page", "composer", "work", "split"])
        .map_err(|e| format!("{e}; make it with `pages split`"))?;
    for record in records {
        let [row, page, composer, work, side] = record;
        let named = Side::ALL.into_iter().find(|s| s.name() == side);
        let side = named.ok_or_else(|| wrong(&format!("'{side}' is no side")))?;
        entries.push(Entry { row, page, composer, work, side });
    }
    Ok(entries)
}

/// What `manifest.csv` says of each row's page in a column; `?` for a page that it does not list.
///
/// # Errors
/// In one line what is wrong with the manifest, or that it has no such column.
pub fn tags(folder: &Path, rows: &[String], column: &str) -> Result<Vec<String>, String> {
    let manifest = folder.join(MANIFEST_FILE);
    let listed = records(&manifest, &["file", column])
        .or_else(|e| records(&manifest, &["page", column]).map_err(|_| e))?;
    let by_page: HashMap<String, String> = listed.into_iter().map(|[f, tag]| (f, tag)).collect();
    let pages: HashMap<String, String> =
        entries(folder)?.into_iter().map(|e| (e.row, e.page)).collect();
    let of = |page: &String| by_page.get(page).or_else(|| by_page.get(file_and_sheet(page).0));
    let tag = |row: &String| pages.get(row).and_then(of).cloned();
    Ok(rows.iter().map(|row| tag(row).unwrap_or_else(|| "?".to_owned())).collect())
}

/// These columns of a CSV file.
fn records<const N: usize>(path: &Path, names: &[&str; N]) -> Result<Vec<[String; N]>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(|e| wrong(&e))?;
    let head = reader.headers().map_err(|e| wrong(&e))?.clone();
    let mut columns = [0; N];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = head.iter().position(|h| h == *name).ok_or_else(|| {
            let there: Vec<&str> = head.iter().collect();
            wrong(&format!("no column '{name}' among {}", there.join(", ")))
        })?;
    }
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(&e))?;
        all.push(columns.map(|i| record.get(i).unwrap_or_default().to_owned()));
    }
    Ok(all)
}
