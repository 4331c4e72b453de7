//! The `harmonist` recipe: a small network that chooses the chords under a player's line ([`crate::model::harmonist`]). It learns
//! which chord people play where, and how the line goes on, from players as they are: late, uneven, thinned, with a left hand.
//! It is never told a chord before, its own or people's, so in live playing there is none of its own to believe.

mod excerpt;
pub mod measure;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::mix::{below, random};
use crate::data::parallel::in_parallel;
use crate::data::shelf::{self, Stored};
use crate::model::checkpoint::{Corpus, FORMAT, Source};
use crate::model::harmonist::checkpoint::{HarmonistCheckpoint, HarmonistManifest, RECIPE};
use crate::model::harmonist::lesson::{Lesson, Score, learn};
use crate::model::harmonist::{Harmonist, HarmonistConfig};
use crate::train::TrainError;
use crate::train::chart::{Curve, svg};
use crate::train::config::SetConfig;
use crate::train::harmonist::measure::{Figures, Part, Take};
use crate::train::listener::Style;
use crate::train::optimiser::{Optimiser, Way};
use crate::train::run::{BEST_FOLDER, CONFIG_FILE, LAST_FOLDER};
use crate::train::store::{LOG_FILE, points};

/// The picture of the shares of notes in chords.
const NOTES_FILE: &str = "note-in-chord.svg";
/// Pieces that are drawn from at a time, so that their points are mixed.
const GROUP: usize = 64;
/// Points that a thread learns from at a time; it decides the order of sums, and no number of threads does.
const SHARD: usize = 128;
/// Pieces of each set that the best model is chosen by, at most.
const CHOSEN_BY: usize = 60;
/// The random streams of epochs begin so far apart.
const STREAMS: u64 = 1 << 32;

/// The settings of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonistTrainConfig {
    /// The shape.
    pub net: HarmonistConfig,
    /// Points in a step.
    pub batch: usize,
    /// Passes through the pieces, each with another player.
    pub epochs: u64,
    /// The first step's learning rate (Adam).
    pub learning_rate: f64,
    /// After t steps the rate is divided by 1 + `decay` t.
    pub decay: f64,
    /// The share of the pieces that is held out, as in the training of a duet model.
    pub valid_share: f64,
    /// Decides everything random.
    pub seed: u64,
    /// The sets, and what a point of each counts; 1 unless it is said.
    pub sets: Vec<SetConfig>,
}

impl Default for HarmonistTrainConfig {
    fn default() -> Self {
        Self {
            net: HarmonistConfig::default(),
            batch: 512,
            epochs: 8,
            learning_rate: 2e-3,
            decay: 1e-3,
            valid_share: 0.1,
            seed: 1,
            sets: Vec::new(),
        }
    }
}

impl HarmonistTrainConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |text: String| Err(TrainError::Config(text));
        if !(1..=65_536).contains(&self.batch) {
            return wrong(format!("--batch is {}, allowed are 1 to 65536", self.batch));
        }
        if !(1..=10_000).contains(&self.epochs) {
            return wrong(format!("--epochs is {}, allowed are 1 to 10000", self.epochs));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return wrong(format!(
                "--lr is {}, allowed is what is above 0, to 1",
                self.learning_rate
            ));
        }
        if !(0.0..1.0).contains(&self.valid_share) {
            return wrong(format!("--valid-share is {}, allowed are 0 to 1", self.valid_share));
        }
        if let Some(set) =
            self.sets.iter().find(|s| !(0.0..=1e3).contains(&s.weight.unwrap_or(1.0)))
        {
            return wrong(format!("--weight {}: allowed are 0 to 1000", set.name));
        }
        if self.sets.is_empty() {
            return wrong("--data: there are no pieces".to_owned());
        }
        Ok(self.net.validate()?)
    }
}

/// How a run is carried out; nothing here changes what it computes.
#[derive(Clone, Debug)]
pub struct HarmonistJob {
    /// The run folder; made if missing.
    pub folder: PathBuf,
    /// Threads that compute.
    pub threads: usize,
    /// Where the pieces come from, for the model card.
    pub sources: Vec<Source>,
}

/// What happens in a run.
#[derive(Clone, PartialEq, Debug)]
pub enum HarmonistEvent {
    /// So many pieces of an epoch are done.
    Pieces {
        /// Epochs done before.
        epoch: u64,
        /// Pieces of this one done.
        done: usize,
        /// Pieces in an epoch.
        all: usize,
        /// The epoch so far.
        score: Score,
    },
    /// An epoch is done and logged.
    Epoch {
        /// Its line in the log.
        line: Line,
        /// Whether no earlier model was better.
        best: bool,
    },
}

/// A line of the log.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Epochs done.
    pub epoch: u64,
    /// The rate of the next step.
    pub learning_rate: f64,
    /// Points that were learnt from, and what they cost.
    pub score: Score,
    /// On the pieces to choose by, set by set.
    pub sets: Vec<(String, Figures)>,
}

impl Line {
    /// The mean over the sets of the share of notes in the chords: what the best model is chosen by.
    pub fn note_in_chord(&self) -> f64 {
        self.sets.iter().map(|(_, f)| f.note_in_chord).sum::<f64>() / self.sets.len().max(1) as f64
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HarmonistOutcome {
    /// Epochs done.
    pub epochs: u64,
    /// Whether it was told to stop before its end.
    pub stopped: bool,
    /// The best share of notes in the chords.
    pub best: Option<f64>,
}

/// Trains, measures and saves, until the last epoch or until `stop` is set. `sets` are in the order of the settings'.
///
/// # Errors
/// [`TrainError`] when a setting is wrong, a file can't be read or written, or the loss runs away.
pub fn run(
    config: &HarmonistTrainConfig,
    sets: &[Style],
    job: &HarmonistJob,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(HarmonistEvent),
) -> Result<HarmonistOutcome, TrainError> {
    config.validate()?;
    fs::create_dir_all(&job.folder).map_err(|e| TrainError::file(&job.folder, &e))?;
    let path = job.folder.join(CONFIG_FILE);
    let json = serde_json::to_vec_pretty(config).map_err(|e| TrainError::file(&path, &e))?;
    fs::write(&path, json).map_err(|e| TrainError::file(&path, &e))?;
    let mut runner = Runner::new(config, sets, job)?;
    let (mut best, mut epochs) = (None, 0);
    while epochs < config.epochs && !stop.load(Ordering::Relaxed) {
        let Some(score) = runner.epoch(epochs, stop, tell)? else { break };
        epochs += 1;
        let line = runner.line(epochs, score);
        append(job, &line)?;
        let found = line.note_in_chord();
        let is_best = best.is_none_or(|best| found > best);
        let checkpoint = runner.checkpoint(&line);
        checkpoint.save(&job.folder.join(LAST_FOLDER))?;
        if is_best {
            best = Some(found);
            checkpoint.save(&job.folder.join(BEST_FOLDER))?;
        }
        tell(HarmonistEvent::Epoch { line, best: is_best });
    }
    Ok(HarmonistOutcome { epochs, stopped: epochs < config.epochs, best })
}

/// A run between two steps.
struct Runner<'a> {
    config: &'a HarmonistTrainConfig,
    sets: &'a [Style],
    job: &'a HarmonistJob,
    net: Harmonist,
    optimiser: Optimiser,
    /// To choose by, set by set.
    takes: Vec<(String, Vec<Take>)>,
}

impl<'a> Runner<'a> {
    fn new(
        config: &'a HarmonistTrainConfig,
        sets: &'a [Style],
        job: &'a HarmonistJob,
    ) -> Result<Self, TrainError> {
        let mut takes = Vec::with_capacity(sets.len());
        for set in sets {
            let pieces = shelf::take(set.dev.iter().take(CHOSEN_BY))?;
            let of_set = pieces.iter().filter_map(|piece| Take::new(piece, Part::Melody));
            takes.push((set.name.clone(), of_set.collect()));
        }
        takes.retain(|(_, takes): &(_, Vec<_>)| !takes.is_empty());
        let net = Harmonist::random(config.net, config.seed)?;
        let optimiser = Optimiser::new(Way::Adam, config.learning_rate, config.decay);
        Ok(Self { config, sets, job, net, optimiser, takes })
    }

    /// A pass through all pieces; `None` where it was told to stop.
    fn epoch(
        &mut self,
        epoch: u64,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(HarmonistEvent),
    ) -> Result<Option<Score>, TrainError> {
        let weight = |nth: usize| self.config.sets.get(nth).and_then(|s| s.weight).unwrap_or(1.0);
        let of_set = |(nth, set): (usize, &'a Style)| {
            set.train.iter().map(move |piece| (piece, weight(nth) as f32))
        };
        let mut pieces: Vec<(&Stored, f32)> =
            self.sets.iter().enumerate().flat_map(of_set).collect();
        pieces.retain(|(_, weight)| *weight > 0.0);
        let mut rng = random(self.config.seed, (epoch + 1) * STREAMS - 1);
        shuffle(&mut pieces, &mut rng);
        let (mut pool, mut score, all) = (Vec::<Lesson>::new(), Score::default(), pieces.len());
        let numbered: Vec<(u64, (&Stored, f32))> = (epoch * STREAMS..).zip(pieces).collect();
        for (nth, group) in numbered.chunks(GROUP).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let seed = self.config.seed;
            let drawn = in_parallel(group, self.job.threads, |(stream, (piece, weight))| {
                let piece = piece.piece()?;
                Ok::<_, TrainError>(excerpt::lessons(&piece, *weight, &mut random(seed, *stream)))
            });
            for lessons in drawn {
                pool.extend(lessons?);
            }
            shuffle(&mut pool, &mut rng);
            let is_last = (nth + 1) * GROUP >= all;
            while pool.len() >= self.config.batch || is_last && !pool.is_empty() {
                let rest = pool.len().saturating_sub(self.config.batch);
                self.step(&pool[rest..], &mut score)?;
                pool.truncate(rest);
            }
            let done = ((nth + 1) * GROUP).min(all);
            tell(HarmonistEvent::Pieces { epoch, done, all, score });
        }
        Ok(Some(score))
    }

    fn step(&mut self, lessons: &[Lesson], score: &mut Score) -> Result<(), TrainError> {
        let all: Vec<&Lesson> = lessons.iter().collect();
        let shards: Vec<&[&Lesson]> = all.chunks(SHARD).collect();
        let net = &self.net;
        let learnt =
            in_parallel(&shards, self.job.threads, |shard| learn(net, shard, lessons.len()));
        let mut gradients = vec![0.0; net.values().len()];
        for (part, slopes) in learnt {
            score.add(part);
            gradients.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
        }
        let length = self.optimiser.step(self.net.values_mut(), &gradients);
        if length.is_finite() { Ok(()) } else { Err(TrainError::NotFinite(self.optimiser.steps)) }
    }

    fn line(&self, epoch: u64, score: Score) -> Line {
        let figures = |(name, takes): &(String, Vec<Take>)| {
            let chords = in_parallel(takes, self.job.threads, |take| take.chords(&self.net));
            (name.clone(), Figures::of(takes, &chords))
        };
        let sets = self.takes.iter().map(figures).collect();
        Line { epoch, learning_rate: self.optimiser.rate(), score, sets }
    }

    fn checkpoint(&self, line: &Line) -> HarmonistCheckpoint {
        let (chords, lines) = line.score.means();
        let mut metrics = BTreeMap::from([
            ("train_nats_per_chord".to_owned(), chords),
            ("train_nats_per_line".to_owned(), lines),
            ("note_in_chord".to_owned(), line.note_in_chord()),
        ]);
        for (name, figures) in &line.sets {
            metrics.insert(format!("note_in_chord_{name}"), figures.note_in_chord);
            metrics.insert(format!("agreement_{name}"), figures.agreement);
        }
        let mut hasher = blake3::Hasher::new();
        let trained = || self.sets.iter().flat_map(|s| &s.train);
        trained().for_each(|piece| {
            hasher.update(&piece.hash);
        });
        let corpus = Corpus {
            train_pieces: trained().count(),
            valid_pieces: self.sets.iter().map(|s| s.dev.len()).sum(),
            train_notes: self.sets.iter().map(|s| shelf::notes(&s.train)).sum(),
            hash: hasher.finalize().to_hex().to_string(),
            sources: self.job.sources.clone(),
        };
        let manifest = HarmonistManifest {
            format: FORMAT,
            recipe: RECIPE.to_owned(),
            sideman: env!("CARGO_PKG_VERSION").to_owned(),
            config: *self.net.config(),
            corpus,
            seed: self.config.seed,
            epochs: line.epoch,
            metrics,
        };
        HarmonistCheckpoint { manifest, net: self.net.clone() }
    }
}

/// Appends a line to the log, and draws the picture anew.
fn append(job: &HarmonistJob, line: &Line) -> Result<(), TrainError> {
    let path = job.folder.join(LOG_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let is_first = line.epoch == 1;
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(is_first).append(!is_first);
    let mut writer = csv::Writer::from_writer(options.open(&path).map_err(|e| wrong(&e))?);
    let columns = |name: &str| [format!("note_in_chord_{name}"), format!("agreement_{name}")];
    if is_first {
        let own = ["epoch", "learning_rate", "nats_per_chord", "nats_per_line"];
        let sets = line.sets.iter().flat_map(|(name, _)| columns(name));
        writer
            .write_record(own.map(ToOwned::to_owned).into_iter().chain(sets))
            .map_err(|e| wrong(&e))?;
    }
    let (chords, lines) = line.score.means();
    let own = [format!("{:.6}", line.learning_rate), format!("{chords:.4}"), format!("{lines:.4}")];
    let sets = line.sets.iter().flat_map(|(_, f)| [f.note_in_chord, f.agreement]);
    let fields = [line.epoch.to_string()].into_iter().chain(own);
    writer.write_record(fields.chain(sets.map(|x| format!("{x:.4}")))).map_err(|e| wrong(&e))?;
    writer.flush().map_err(|e| wrong(&e))?;
    let mut curves = Vec::new();
    for (name, _) in &line.sets {
        let points = points(&job.folder, &[&columns(name)[0]])?;
        curves.push(Curve { name: name.clone(), points });
    }
    let path = job.folder.join(NOTES_FILE);
    let picture = svg("Share of the line's time in the chord, held out", "epoch", &curves);
    fs::write(&path, picture).map_err(|e| TrainError::file(&path, &e))
}

fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i as u32 + 1) as usize);
    }
}
