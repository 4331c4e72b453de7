//! The training loop of image networks: epochs of images from an [`Album`]. Rows of sheet music are one, and what
//! players play is another (`train::listener`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::album::{Album, Pages};
use super::resume::{self, Numbers, Progress};
use super::{ComposerConfig, augment};
use crate::data::rows::{Gallery, Rows};
use crate::model::ModelError;
use crate::model::checkpoint::{FORMAT, Source};
use crate::model::image::checkpoint::{ImageCheckpoint, ImageManifest};
use crate::model::image::{Images, ResNet, Workspace};
use crate::train::TrainError;
use crate::train::optimiser::Optimiser;
use crate::train::run::{BEST_FOLDER, CONFIG_FILE, LAST_FOLDER};
use crate::train::store::{self, LOG_FILE, LOSS_FILE, draw};

/// The accuracy's picture.
const ACCURACY_FILE: &str = "accuracy.svg";

/// How a run is carried out; nothing here changes what it computes.
#[derive(Clone, Debug)]
pub struct ComposerJob {
    /// The run folder; made if missing.
    pub folder: PathBuf,
    /// Threads that compute.
    pub threads: usize,
    /// Go on from what the folder holds.
    pub resume: bool,
    /// Time between saves inside an epoch; each epoch is saved too.
    pub save_every: Duration,
    /// Keep every epoch's model, in a folder named by epoch and accuracy.
    pub keep_all: bool,
    /// Where the pages come from, for the model card.
    pub sources: Vec<Source>,
}

/// What happens in a run.
#[derive(Clone, PartialEq, Debug)]
pub enum ComposerEvent {
    /// The run begins or goes on.
    Started {
        /// Epochs already done.
        epoch: u64,
        /// Steps in an epoch.
        steps_per_epoch: u64,
        /// Numbers in the model.
        parameters: usize,
    },
    /// A step is done.
    Step {
        /// Epochs done before.
        epoch: u64,
        /// Steps of this one done.
        step_of_epoch: u64,
        /// Mean nats a row of the epoch so far, and the share that was right.
        so_far: (f64, f64),
        /// Images in this step.
        images: usize,
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
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line {
    /// Epochs done.
    pub epoch: u64,
    /// The rate of the next step.
    pub learning_rate: f64,
    /// Mean nats a row over the epoch, and the share that was right, while it was learnt from.
    pub train: (f64, f64),
    /// On the rows to choose by: nats, the share of rows and of works that were right; none where there are no such rows.
    pub dev: Option<(f64, f64, f64)>,
    /// Speed in training.
    pub images_per_second: f64,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ComposerOutcome {
    /// Epochs done.
    pub epochs: u64,
    /// Whether it was told to stop before its end.
    pub stopped: bool,
    /// The best accuracy on the rows to choose by (in training, where there are none).
    pub best: Option<f64>,
}

/// Trains on rows, measures and saves, until the last epoch or until `stop` is set.
///
/// # Errors
/// [`TrainError`] when a setting is wrong, a file can't be written, or the loss runs away.
pub fn run(
    config: &ComposerConfig,
    gallery: &Gallery,
    job: &ComposerJob,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(ComposerEvent),
) -> Result<ComposerOutcome, TrainError> {
    run_on(config, &Pages { config, gallery }, config, job, stop, tell)
}

/// The same on images of any kind; `settings` are what `config.json` keeps of the run.
///
/// # Errors
/// As [`run`], and when an image can't be had.
pub fn run_on(
    config: &ComposerConfig,
    album: &dyn Album,
    settings: &impl Serialize,
    job: &ComposerJob,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(ComposerEvent),
) -> Result<ComposerOutcome, TrainError> {
    config.validate()?;
    fs::create_dir_all(&job.folder).map_err(|e| TrainError::file(&job.folder, &e))?;
    let mut runner = Runner::new(config, album, job)?;
    let path = job.folder.join(CONFIG_FILE);
    let json = serde_json::to_vec_pretty(settings).map_err(|e| TrainError::file(&path, &e))?;
    fs::write(&path, json).map_err(|e| TrainError::file(&path, &e))?;
    tell(ComposerEvent::Started {
        epoch: runner.progress.epochs,
        steps_per_epoch: runner.steps_per_epoch(),
        parameters: runner.net.values().len(),
    });
    let mut stopped = false;
    while runner.progress.epochs < config.epochs && !stopped {
        stopped = runner.epoch(stop, tell)?;
    }
    let best = runner.progress.best.map(f64::from_bits);
    Ok(ComposerOutcome { epochs: runner.progress.epochs, stopped, best })
}

/// What a network makes of rows. Gives the logits (rows, composers).
///
/// # Errors
/// [`ModelError::Input`] when the rows are not of the network's size.
pub fn judge(
    net: &ResNet,
    rows: &Rows,
    (height, width): (usize, usize),
    batch: usize,
    threads: usize,
) -> Result<Vec<f32>, ModelError> {
    let mut workspace = Workspace::new(threads);
    let mut images = Images { height, width, ..Images::default() };
    let mut logits = Vec::with_capacity(rows.labels.len() * net.config().classes);
    let pixels = height * width;
    for (ink, labels) in rows.ink.chunks(batch * pixels).zip(rows.labels.chunks(batch)) {
        images.pixels.resize(ink.len(), 0.0);
        augment::plain(ink, &mut images.pixels);
        images.labels.clear();
        images.labels.extend_from_slice(labels);
        workspace.evaluate(net, &images)?;
        logits.extend_from_slice(workspace.logits());
    }
    Ok(logits)
}

/// A run between two steps.
struct Runner<'a> {
    config: &'a ComposerConfig,
    album: &'a dyn Album,
    job: &'a ComposerJob,
    net: ResNet,
    optimiser: Optimiser,
    workspace: Workspace,
    images: Images,
    gradients: Vec<f32>,
    progress: Progress,
    /// Nats, right rows and rows of the epoch so far.
    score: [f64; 3],
    /// Time spent on steps since the last line, and images in it.
    busy: (Duration, usize),
    saved: Instant,
}

impl<'a> Runner<'a> {
    fn new(
        config: &'a ComposerConfig,
        album: &'a dyn Album,
        job: &'a ComposerJob,
    ) -> Result<Self, TrainError> {
        let net = ResNet::random(config.net(album.classes().len()), config.seed)?;
        let (height, width) = album.size();
        let mut runner = Self {
            config,
            album,
            job,
            optimiser: Optimiser::new(config.optimiser, config.learning_rate, config.decay),
            workspace: Workspace::new(job.threads),
            images: Images { height, width, ..Images::default() },
            gradients: vec![0.0; net.values().len()],
            net,
            progress: Progress { corpus: album.hash().to_owned(), ..Progress::default() },
            score: [0.0; 3],
            busy: (Duration::ZERO, 0),
            saved: Instant::now(),
        };
        if job.resume {
            runner.restore()?;
        }
        Ok(runner)
    }

    fn restore(&mut self) -> Result<(), TrainError> {
        let ([values, running, memory], progress) = resume::load(&self.job.folder)?;
        let wrong = |text: &str| Err(TrainError::Config(text.to_owned()));
        if progress.corpus != self.album.hash() {
            return wrong("--resume: this is not the material that the run was started with");
        }
        let n = self.net.values().len();
        let fits = values.len() == n && running.len() == self.net.running().len();
        if !fits || memory.len() % n.max(1) != 0 {
            return wrong("--resume: the run was started with another network");
        }
        self.net.values_mut().copy_from_slice(&values);
        self.net.running_mut().copy_from_slice(&running);
        self.optimiser.memory = memory;
        self.optimiser.steps = progress.steps;
        self.score = progress.score.map(f64::from_bits);
        self.progress = progress;
        store::cut_after(&self.job.folder, self.progress.epochs)
    }

    fn steps_per_epoch(&self) -> u64 {
        self.album.images().div_ceil(self.config.batch) as u64
    }

    /// The rest of an epoch; whether it was told to stop.
    fn epoch(
        &mut self,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(ComposerEvent),
    ) -> Result<bool, TrainError> {
        let order = self.album.order(self.progress.epochs);
        let batches = order.chunks(self.config.batch);
        for rows in batches.skip(self.progress.steps_of_epoch as usize) {
            self.step(rows)?;
            tell(ComposerEvent::Step {
                epoch: self.progress.epochs,
                step_of_epoch: self.progress.steps_of_epoch,
                so_far: self.so_far(),
                images: rows.len(),
            });
            if self.progress.steps_of_epoch == self.steps_per_epoch() {
                break;
            }
            let stopped = stop.load(Ordering::Relaxed);
            if stopped || self.saved.elapsed() >= self.job.save_every {
                self.save()?;
            }
            if stopped {
                return Ok(true);
            }
        }
        let (line, best) = self.measure()?;
        self.save()?;
        tell(ComposerEvent::Epoch { line, best });
        Ok(stop.load(Ordering::Relaxed) && self.progress.epochs < self.config.epochs)
    }

    fn so_far(&self) -> (f64, f64) {
        let [nats, right, rows] = self.score;
        (nats / rows.max(1.0), right / rows.max(1.0))
    }

    fn step(&mut self, rows: &[usize]) -> Result<(), TrainError> {
        let start = Instant::now();
        let pixels = self.images.height * self.images.width;
        self.images.pixels.resize(rows.len() * pixels, 0.0);
        self.images.labels.clear();
        for (row, out) in rows.iter().zip(self.images.pixels.chunks_exact_mut(pixels)) {
            self.images.labels.push(self.album.image(self.progress.epochs, *row, out)?);
        }
        let score = self.workspace.train(&mut self.net, &self.images, &mut self.gradients)?;
        let length = self.optimiser.step(self.net.values_mut(), &self.gradients);
        if !score.nats.is_finite() || !length.is_finite() {
            let (epoch, step) = (self.progress.epochs + 1, self.progress.steps);
            return Err(TrainError::PicturesNotFinite { epoch, step });
        }
        self.progress.steps += 1;
        self.progress.steps_of_epoch += 1;
        let more = [score.nats, score.right as f64, rows.len() as f64];
        self.score.iter_mut().zip(more).for_each(|(s, m)| *s += m);
        self.busy = (self.busy.0 + start.elapsed(), self.busy.1 + rows.len());
        Ok(())
    }

    /// Ends an epoch: the images to choose by, the log, the best model.
    fn measure(&mut self) -> Result<(Line, bool), TrainError> {
        let dev = self.album.judge(&self.net, self.config.batch, self.job.threads)?;
        let dev = dev.map(|v| (v.nats, v.accuracy, v.accuracy_by_work));
        let train = self.so_far();
        self.progress.epochs += 1;
        self.progress.steps_of_epoch = 0;
        self.score = [0.0; 3];
        let line = Line {
            epoch: self.progress.epochs,
            learning_rate: self.optimiser.rate(),
            train,
            dev,
            images_per_second: self.busy.1 as f64 / self.busy.0.as_secs_f64().max(1e-9),
        };
        self.busy = (Duration::ZERO, 0);
        append(&self.job.folder, &line, self.album.noun())?;
        let watched = dev.map_or(train.1, |d| d.1);
        let best = self.progress.best.is_none_or(|b| watched > f64::from_bits(b));
        let checkpoint = self.checkpoint(Some(&line));
        if best {
            self.progress.best = Some(watched.to_bits());
            checkpoint.save(&self.job.folder.join(BEST_FOLDER))?;
        }
        if self.job.keep_all {
            let name = format!("epoch-{:03}-accuracy-{watched:.4}", line.epoch);
            checkpoint.save(&self.job.folder.join(name))?;
        }
        Ok((line, best))
    }

    fn save(&mut self) -> Result<(), TrainError> {
        self.checkpoint(None).save(&self.job.folder.join(LAST_FOLDER))?;
        self.progress.score = self.score.map(f64::to_bits);
        let (values, running) = (self.net.values(), self.net.running());
        let numbers = Numbers { values, running, memory: &self.optimiser.memory };
        resume::save(&self.job.folder, &numbers, &self.progress)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn checkpoint(&self, line: Option<&Line>) -> ImageCheckpoint {
        let mut metrics = BTreeMap::new();
        if let Some(line) = line {
            metrics.insert("train_nats".to_owned(), line.train.0);
            metrics.insert("train_accuracy".to_owned(), line.train.1);
            if let Some((nats, accuracy, by_work)) = line.dev {
                metrics.insert("dev_nats".to_owned(), nats);
                metrics.insert("dev_accuracy".to_owned(), accuracy);
                metrics.insert("dev_accuracy_by_work".to_owned(), by_work);
            }
        }
        let (height, width) = self.album.size();
        let mut corpus = self.album.corpus();
        corpus.sources.clone_from(&self.job.sources);
        let manifest = ImageManifest {
            format: FORMAT,
            recipe: self.config.recipe.clone(),
            sideman: env!("CARGO_PKG_VERSION").to_owned(),
            config: *self.net.config(),
            height,
            width,
            classes: self.album.classes().to_vec(),
            pixels: self.album.pixels().to_owned(),
            corpus,
            seed: self.config.seed,
            epochs: self.progress.epochs,
            metrics,
        };
        ImageCheckpoint { manifest, net: self.net.clone() }
    }
}

/// Appends a line to the log, with a header to a new file, and draws the pictures anew.
fn append(folder: &Path, line: &Line, noun: &str) -> Result<(), TrainError> {
    let path = folder.join(LOG_FILE);
    let wrong = |e: &dyn std::fmt::Display| TrainError::file(&path, e);
    let fresh = !path.exists();
    let file =
        fs::OpenOptions::new().create(true).append(true).open(&path).map_err(|e| wrong(&e))?;
    let mut writer = csv::Writer::from_writer(file);
    if fresh {
        let header = [
            "epoch",
            "learning_rate",
            "loss",
            "accuracy",
            "dev_loss",
            "dev_accuracy",
            "dev_accuracy_by_work",
            "images_per_second",
        ];
        writer.write_record(header).map_err(|e| wrong(&e))?;
    }
    let dev = |of: fn((f64, f64, f64)) -> f64| {
        line.dev.map_or_else(String::new, |d| format!("{:.6}", of(d)))
    };
    let fields = [
        line.epoch.to_string(),
        format!("{:.9}", line.learning_rate),
        format!("{:.6}", line.train.0),
        format!("{:.6}", line.train.1),
        dev(|d| d.0),
        dev(|d| d.1),
        dev(|d| d.2),
        format!("{:.2}", line.images_per_second),
    ];
    writer.write_record(fields).map_err(|e| wrong(&e))?;
    writer.flush().map_err(|e| wrong(&e))?;
    let title = format!("Cross-entropy, nats a {noun}");
    draw(folder, LOSS_FILE, [&title, "epoch"], ["loss", "dev_loss"])?;
    let title = format!("Share of {noun}s named");
    draw(folder, ACCURACY_FILE, [&title, "epoch"], ["accuracy", "dev_accuracy"])
}
