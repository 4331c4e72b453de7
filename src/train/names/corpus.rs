//! From a folder to windows, and a report of what was found in it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::data::named::{NamedCorpus, NamedPart};
use crate::data::repeats::Repeats;
use crate::data::split::place;
use crate::data::windows::{Place, Windows, encode};
use crate::model::checkpoint::{Corpus, Source};
use crate::model::names::checkpoint::{MAX_SEEDS, NameList, Scaling};
use crate::train::TrainError;
use crate::train::names::{NamesTrainConfig, Recipe};

/// The report's name in the run folder.
pub const REPORT_FILE: &str = "corpus.json";
/// The most entries of each list in the report.
const MAX_LISTED: usize = 200;

/// What a run learns from.
#[derive(Clone, Debug)]
pub struct NamesData {
    /// The vocabulary.
    pub names: NameList,
    /// How a name becomes a number.
    pub scaling: Scaling,
    /// The parts, as places in the vocabulary.
    pub rows: Vec<Vec<u16>>,
    /// Windows to train on.
    pub train: Vec<Place>,
    /// Windows of held-out files.
    pub valid: Vec<Place>,
    /// For the model card.
    pub card: Corpus,
    /// For the run folder.
    pub report: Report,
}

/// What was found in a folder.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Files that could be read.
    pub files: usize,
    /// Files that gave nothing, and why.
    pub skipped_files: usize,
    /// The first of them.
    pub skipped: Vec<String>,
    /// Rows of names.
    pub parts: usize,
    /// Rows whose instrument the file does not say, with how likely it is the right one.
    pub guessed: Vec<Guess>,
    /// Names in all rows.
    pub names: usize,
    /// Distinct names.
    pub vocabulary: usize,
    /// Windows that are trained on.
    pub train_windows: usize,
    /// Windows that are held out.
    pub valid_windows: usize,
    /// Windows with too few distinct names.
    pub dropped_windows: usize,
    /// Windows that stand in their row more than once.
    pub repeated_windows: usize,
    /// What the windows that are trained on count together: less than their number with `--dedupe`.
    pub train_weight: f64,
    /// The share of the places at which a row goes on as it did before, by runs of 16 names.
    pub repeated_share: f64,
    /// Rows that share half of their runs of 8 names or more.
    pub near_duplicates: Vec<Vec<String>>,
    /// How many such groups there are, and rows in them.
    pub near_duplicate_groups: usize,
    /// Rows in these groups.
    pub near_duplicate_parts: usize,
}

/// A part that is taken for the instrument that was asked for.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Guess {
    /// File and track.
    pub part: String,
    /// How likely.
    pub confidence: f64,
}

impl NamesData {
    /// Reads a folder as the settings ask.
    ///
    /// # Errors
    /// [`TrainError::Config`] when it holds nothing to learn from.
    pub fn load(
        folder: &Path,
        config: &NamesTrainConfig,
        sources: &[Source],
    ) -> Result<Self, TrainError> {
        let naming = config.recipe.naming();
        let corpus = NamedCorpus::load(folder, naming, &config.part_choice())
            .map_err(|e| TrainError::Config(format!("--data: {e}")))?;
        let wrong = |text: String| Err(TrainError::Config(text));
        let Some((names, rows)) = encode(&corpus.parts) else {
            return wrong("--data: more than 65536 distinct names; read fewer --parts".to_owned());
        };
        let repeats = Repeats::find(&rows);
        let held_out = held_out(&corpus.parts, &repeats, config);
        let copies = config.dedupe.then_some(repeats.copies.as_slice());
        let side = |valid: bool| {
            let rows: Vec<(usize, &[u16])> = rows
                .iter()
                .enumerate()
                .filter(|(i, _)| held_out[*i] == valid)
                .map(|(i, row)| (i, row.as_slice()))
                .collect();
            Windows::cut(&rows, config.cut(), copies)
        };
        let (train, valid) = (side(false), side(true));
        if train.places.is_empty() {
            return wrong(format!(
                "--data: {} parts with {} names hold no window of {} names with one to follow and more than \
                 {} distinct ones; bring more music, or lower --window or --unique-factor",
                corpus.parts.len(),
                rows.iter().map(Vec::len).sum::<usize>(),
                config.window,
                config.unique_factor
            ));
        }
        if names.len() < 2 {
            return wrong("--data: there is only one name in it, nothing to learn".to_owned());
        }
        let scaling = match config.recipe {
            Recipe::Jazz => Scaling { subtract: 0.0, divide: names.len() as f32 },
            Recipe::Rock => {
                let (mean, deviation) = train.mean_and_deviation(&rows, config.window);
                Scaling { subtract: mean as f32, divide: deviation as f32 }
            }
        };
        let report = report(&corpus, &repeats, &train, &valid, names.len());
        let card = card(&corpus.parts, &held_out, sources);
        let names = NameList::new(naming, names);
        Ok(Self { names, scaling, rows, train: train.places, valid: valid.places, card, report })
    }

    /// The names of a window and the one that follows.
    pub fn window(&self, place: Place, window: usize) -> (&[u16], u16) {
        let run = &self.rows[place.part as usize][place.start as usize..][..=window];
        (&run[..window], run[window])
    }

    /// Windows from which a piece can begin, spread over what is trained on.
    pub fn seeds(&self, window: usize) -> Vec<Vec<u16>> {
        let step = self.train.len().div_ceil(MAX_SEEDS / 4).max(1);
        let seeds = self.train.iter().step_by(step).take(MAX_SEEDS);
        seeds.map(|place| self.window(*place, window).0.to_vec()).collect()
    }
}

impl Report {
    /// Writes the report into a run folder.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let path = folder.join(REPORT_FILE);
        let mut json = serde_json::to_vec_pretty(self).map_err(|e| TrainError::file(&path, &e))?;
        json.push(b'\n');
        fs::write(&path, json).map_err(|e| TrainError::file(&path, &e))
    }
}

/// Which parts are held out: whole files, and with each all that is nearly the same.
fn held_out(parts: &[NamedPart], repeats: &Repeats, config: &NamesTrainConfig) -> Vec<bool> {
    let mut family: Vec<[u8; 32]> = parts.iter().map(|p| p.hash).collect();
    // Groups and files overlap: the least hash travels until nothing changes.
    loop {
        let before = family.clone();
        for group in &repeats.groups {
            let least = group.iter().map(|i| family[*i]).min().unwrap_or_default();
            for i in group {
                family[*i] = least;
            }
        }
        for i in 1..parts.len() {
            if parts[i].hash == parts[i - 1].hash {
                family[i] = family[i].min(family[i - 1]);
            }
        }
        for i in (1..parts.len()).rev() {
            if parts[i].hash == parts[i - 1].hash {
                family[i - 1] = family[i];
            }
        }
        if family == before {
            break;
        }
    }
    family.iter().map(|hash| place(hash, config.seed) < config.valid_share).collect()
}

fn report(
    corpus: &NamedCorpus,
    repeats: &Repeats,
    train: &Windows,
    valid: &Windows,
    vocabulary: usize,
) -> Report {
    let title = |part: &NamedPart| {
        if part.track.is_empty() {
            part.file.clone()
        } else {
            format!("{}: {}", part.file, part.track)
        }
    };
    let guessed = corpus.parts.iter().filter(|p| p.confidence < 1.0);
    let guess =
        |p: &NamedPart| Guess { part: title(p), confidence: (p.confidence * 1e3).round() / 1e3 };
    let skipped = corpus.skipped.iter().map(|(path, why)| format!("{}: {why}", path.display()));
    let groups = repeats.groups.iter();
    Report {
        files: corpus.files,
        skipped_files: corpus.skipped.len(),
        skipped: skipped.take(MAX_LISTED).collect(),
        parts: corpus.parts.len(),
        guessed: guessed.map(guess).take(MAX_LISTED).collect(),
        names: corpus.parts.iter().map(|p| p.names.len()).sum(),
        vocabulary,
        train_windows: train.places.len(),
        valid_windows: valid.places.len(),
        dropped_windows: train.dropped + valid.dropped,
        repeated_windows: train.repeated + valid.repeated,
        train_weight: train.places.iter().map(|p| f64::from(p.weight)).sum(),
        repeated_share: repeats.repeated_share,
        near_duplicates: groups
            .clone()
            .map(|group| group.iter().map(|i| title(&corpus.parts[*i])).collect())
            .take(MAX_LISTED)
            .collect(),
        near_duplicate_groups: repeats.groups.len(),
        near_duplicate_parts: groups.map(Vec::len).sum(),
    }
}

fn card(parts: &[NamedPart], held_out: &[bool], sources: &[Source]) -> Corpus {
    let mut hasher = blake3::Hasher::new();
    let mut card = Corpus { sources: sources.to_vec(), ..Corpus::default() };
    for (part, valid) in parts.iter().zip(held_out) {
        if *valid {
            card.valid_pieces += 1;
            continue;
        }
        card.train_pieces += 1;
        card.train_notes += part.names.len();
        hasher.update(&part.hash).update(&part.names.len().to_le_bytes());
        hasher.update(part.track.as_bytes());
    }
    card.hash = hasher.finalize().to_hex().to_string();
    card
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_all_that_is_like_it_stand_on_one_side() {
        let part = |file: u8| NamedPart {
            file: file.to_string(),
            track: String::new(),
            hash: *blake3::hash(&[file]).as_bytes(),
            names: Vec::new(),
            confidence: 1.0,
        };
        // Files 0 to 3 with two parts each; the second part of 0 is the first of 2, the second of 2 that of 3.
        let parts: Vec<NamedPart> = (0..8).map(|i| part(i / 2)).collect();
        let repeats = Repeats { groups: vec![vec![1, 4], vec![5, 7]], ..Repeats::default() };
        let mut sides = [0, 0];
        for seed in 0..40 {
            let valid_share = 0.5;
            let config =
                NamesTrainConfig { valid_share, seed, ..NamesTrainConfig::published(Recipe::Jazz) };
            let out = held_out(&parts, &repeats, &config);
            let family = [0, 1, 4, 5, 6, 7].map(|i| out[i]);
            assert!(family.iter().all(|side| *side == family[0]), "{out:?}");
            assert_eq!(out[2], out[3]);
            sides[usize::from(family[0] == out[2])] += 1;
        }
        assert!(sides[0] > 5 && sides[1] > 5, "file 1 goes its own way: {sides:?}");
    }
}
