//! Rows of sheet music as small images, with who wrote them: what a composer network is trained on.

use std::collections::BTreeSet;
use std::path::Path;

use crate::data::pages::gate::Gate;
use crate::data::pages::split::Side;
use crate::data::pages::{Tone, draw, open};
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
struct Entry {
    row: String,
    composer: String,
    work: String,
    side: Side,
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
        let entries = entries(&folder.join(SPLIT_FILE))?;
        let composers: BTreeSet<&String> = entries.iter().map(|e| &e.composer).collect();
        let composers: Vec<String> = composers.into_iter().cloned().collect();
        if composers.len() < 2 {
            return Err(format!("{}: rows of two composers or more are needed", folder.display()));
        }
        let works: BTreeSet<(&String, &String)> =
            entries.iter().map(|e| (&e.composer, &e.work)).collect();
        let works: Vec<_> = works.into_iter().collect();
        let gate = Gate::new(open::MEMORY);
        let images = in_parallel(&entries, threads, |entry| {
            let image = open::with_page(&folder.join(&entry.row), &gate, |picture| {
                let tone = Tone::of(&picture);
                let small = draw::resize(&picture, width, height);
                let depth = f32::from(tone.contrast().max(1));
                let ink = |p: &u8| f32::from(tone.paper.saturating_sub(*p)) / depth;
                Ok(small.pixels.iter().map(|p| (ink(p).min(1.0) * 255.0) as u8).collect())
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

fn entries(path: &Path) -> Result<Vec<Entry>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let mut reader = csv::Reader::from_path(path)
        .map_err(|e| format!("{}; make it with `pages split`", wrong(&e)))?;
    let head = reader.headers().map_err(|e| wrong(&e))?.clone();
    let column = |name: &str| {
        head.iter().position(|h| h == name).ok_or_else(|| wrong(&format!("no column '{name}'")))
    };
    let columns = [column("row")?, column("composer")?, column("work")?, column("split")?];
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(&e))?;
        let [row, composer, work, side] =
            columns.map(|i| record.get(i).unwrap_or_default().to_owned());
        let named = Side::ALL.into_iter().find(|s| s.name() == side);
        let side = named.ok_or_else(|| wrong(&format!("'{side}' is no side")))?;
        entries.push(Entry { row, composer, work, side });
    }
    Ok(entries)
}
