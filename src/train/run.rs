//! The training loop.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::data::stream::Stream;
use crate::model::checkpoint::{Corpus, FORMAT, Source, Usual, Vocabulary};
use crate::model::window::Window;
use crate::model::{Checkpoint, Manifest, Parameters};
use crate::music::ask::ASKED;
use crate::music::context::FEATURES;
use crate::train::adam::Adam;
use crate::train::material::{self, HeldOut, Material, Measured};
use crate::train::resume::{Progress, Snapshot};
use crate::train::shard::{self, SHARD_LANES, Shard, Work};
use crate::train::store::{self, Line};
use crate::train::{TrainConfig, TrainError, usual};

/// The settings' name in the run folder.
pub const CONFIG_FILE: &str = "config.json";
/// The folder of the best model in the run folder.
pub const BEST_FOLDER: &str = "best";
/// The folder of the newest model in the run folder.
pub const LAST_FOLDER: &str = "last";

/// How a run is carried out; nothing here changes what it computes.
#[derive(Clone, Debug)]
pub struct Job {
    /// The run folder; made if missing.
    pub folder: PathBuf,
    /// Threads that compute.
    pub threads: usize,
    /// Go on from what the folder holds.
    pub resume: bool,
    /// Time between saves.
    pub save_every: Duration,
    /// Where the pieces come from, for the model card.
    pub sources: Vec<Source>,
    /// The weights to begin with; none for random ones.
    pub start: Option<Parameters>,
    /// What was usual in the styles of the model that the run began with: first that of none.
    pub usual: Vec<Usual>,
}

/// What happens in a run.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The run begins or goes on.
    Started {
        /// Steps already done.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Numbers in the model.
        parameters: usize,
        /// Pieces trained on.
        train_pieces: usize,
        /// Pieces held out.
        valid_pieces: usize,
    },
    /// A step is done.
    Step {
        /// Steps done.
        step: u64,
        /// Mean nats a token in this step.
        nats_per_token: f64,
        /// Tokens in this step.
        tokens: u64,
    },
    /// The held-out pieces have been measured.
    Measured {
        /// Steps done.
        step: u64,
        /// What was measured.
        measured: Measured,
        /// Whether no earlier model was better.
        best: bool,
    },
    /// The run can be resumed from here.
    Saved {
        /// Steps done.
        step: u64,
    },
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Steps done.
    pub step: u64,
    /// Whether it was told to stop before its last step.
    pub stopped: bool,
    /// The best held-out nats a note.
    pub best: Option<f64>,
}

/// Trains, measures, and saves, until the last step or until `stop` is set.
///
/// # Errors
/// [`TrainError`] when a setting is wrong, a file can't be written, or the loss runs away.
pub fn run(
    config: &TrainConfig,
    sets: Vec<Material>,
    job: &Job,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Event),
) -> Result<Outcome, TrainError> {
    config.validate()?;
    fs::create_dir_all(&job.folder).map_err(|e| TrainError::file(&job.folder, &e))?;
    let mut runner = Runner::new(config, sets, job)?;
    write_config(config, &job.folder)?;
    tell(Event::Started {
        step: runner.step,
        steps: config.steps,
        parameters: runner.parameters.values().len(),
        train_pieces: runner.corpus.train_pieces,
        valid_pieces: runner.corpus.valid_pieces,
    });
    if runner.step == 0 && job.start.is_some() {
        // Whatever comes has to beat the model that it began as.
        let (measured, best) = runner.measure()?;
        tell(Event::Measured { step: 0, measured, best });
    }
    let mut saved = Instant::now();
    let mut stopped = false;
    while runner.step < config.steps {
        let (nats, tokens) = runner.train()?;
        let (step, nats_per_token) = (runner.step, nats / tokens.max(1.0));
        tell(Event::Step { step, nats_per_token, tokens: tokens as u64 });
        if step.is_multiple_of(config.valid_every) || step == config.steps {
            let (measured, best) = runner.measure()?;
            tell(Event::Measured { step, measured, best });
        }
        stopped = stop.load(Ordering::Relaxed) && step < config.steps;
        if stopped || step == config.steps || saved.elapsed() >= job.save_every {
            runner.save()?;
            saved = Instant::now();
            tell(Event::Saved { step });
        }
        if stopped {
            break;
        }
    }
    Ok(Outcome { step: runner.step, stopped, best: runner.best })
}

/// A run between two steps.
pub(super) struct Runner<'a> {
    config: &'a TrainConfig,
    job: &'a Job,
    corpus: Corpus,
    usual: Vec<Usual>,
    stream: Stream,
    held_out: HeldOut,
    shards: Vec<Shard>,
    parameters: Parameters,
    adam: Adam,
    step: u64,
    best: Option<f64>,
    /// Nats and tokens since the last measurement.
    since: (f64, f64),
    /// Time spent on steps since the last measurement.
    busy: Duration,
    busy_tokens: f64,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        config: &'a TrainConfig,
        sets: Vec<Material>,
        job: &'a Job,
    ) -> Result<Self, TrainError> {
        let corpus = material::describe(&sets, &job.sources);
        let usual = if config.asks { usual::of(config, &sets, &job.usual)? } else { Vec::new() };
        let (mix, held_out) = material::part(sets, config.valid_pieces)?;
        let parameters = match &job.start {
            Some(start) => start.with_inputs(config.inputs())?,
            None => Parameters::random(config.model, config.seed)?,
        };
        if parameters.config().tensors() != config.model.tensors() {
            let text = "--from: the model has other sizes than the run";
            return Err(TrainError::Config(text.to_owned()));
        }
        let mut runner = Self {
            config,
            job,
            corpus,
            usual,
            stream: Stream::new(Arc::new(mix), config.reads(), config.seed, config.batch),
            held_out,
            shards: shard::cut(config.model, config.window, config.batch)?,
            parameters: Parameters::from_values(config.model, parameters.values().to_vec())?,
            adam: Adam::new(config.model)?,
            step: 0,
            best: None,
            since: (0.0, 0.0),
            busy: Duration::ZERO,
            busy_tokens: 0.0,
        };
        if job.resume {
            runner.restore()?;
        }
        Ok(runner)
    }

    fn restore(&mut self) -> Result<(), TrainError> {
        let lanes: Vec<usize> = self.shards.iter().map(|s| s.window.lanes).collect();
        let snapshot = Snapshot::load(&self.job.folder, self.config.model, &lanes)?;
        let progress = snapshot.progress;
        if progress.corpus != self.corpus.hash {
            let text = "--resume: these are not the pieces that the run was started with";
            return Err(TrainError::Config(text.to_owned()));
        }
        self.parameters = snapshot.parameters;
        self.adam = snapshot.adam;
        for (shard, states) in self.shards.iter_mut().zip(snapshot.states) {
            shard.states = states;
        }
        self.stream.seek(&progress.position)?;
        self.step = progress.step;
        self.best = progress.best;
        self.since = progress.since;
        store::cut_after(&self.job.folder, self.step)?;
        Ok(())
    }

    /// One step; gives the nats and the tokens.
    pub(super) fn train(&mut self) -> Result<(f64, f64), TrainError> {
        let start = Instant::now();
        self.fill()?;
        let tokens: f32 = self.shards.iter().map(|s| s.window.counted()).sum();
        let work = Work {
            seed: self.config.seed,
            step: self.step,
            scale: 1.0 / tokens.max(1.0),
            threads: self.job.threads,
        };
        let nats = shard::backward(&mut self.shards, &self.parameters, work)?;
        let rate = self.config.learning_rate_at(self.step);
        let gradients = &self.shards[0].gradients;
        let length = self.adam.step(&mut self.parameters, gradients, rate, self.config.clip);
        if !nats.is_finite() || !length.is_finite() {
            return Err(TrainError::NotFinite(self.step));
        }
        self.step += 1;
        let tokens = f64::from(tokens);
        self.since = (self.since.0 + nats, self.since.1 + tokens);
        self.busy += start.elapsed();
        self.busy_tokens += tokens;
        Ok((nats, tokens))
    }

    /// The next windows; lanes that begin a piece forget.
    fn fill(&mut self) -> Result<(), TrainError> {
        let mut windows: Vec<Window> =
            self.shards.iter_mut().map(|s| std::mem::take(&mut s.window)).collect();
        for lane in self.stream.fill(&mut windows)? {
            self.shards[lane / SHARD_LANES].states.reset(lane % SHARD_LANES);
        }
        for (shard, window) in self.shards.iter_mut().zip(windows) {
            shard.window = window;
        }
        Ok(())
    }

    /// What the model foretells of the held-out pieces.
    pub(super) fn hear_held_out(&mut self) -> Result<Measured, TrainError> {
        Ok(self.held_out.measure(&self.parameters, self.job.threads)?)
    }

    fn measure(&mut self) -> Result<(Measured, bool), TrainError> {
        let measured = self.hear_held_out()?;
        let nats_per_note = measured.metrics.nats_per_note;
        let best = self.best.is_none_or(|b| nats_per_note < b);
        let line = Line {
            step: self.step,
            learning_rate: self.config.learning_rate_at(self.step.saturating_sub(1)),
            train_nats_per_token: self.since.0 / self.since.1.max(1.0),
            tokens_per_second: self.busy_tokens / self.busy.as_secs_f64().max(1e-9),
            valid: measured.metrics.clone(),
            by_set: measured.by_set.clone(),
        };
        store::append(&self.job.folder, &line)?;
        (self.since, self.busy, self.busy_tokens) = ((0.0, 0.0), Duration::ZERO, 0.0);
        if best {
            self.best = Some(nats_per_note);
            self.checkpoint(measured.named()).save(&self.job.folder.join(BEST_FOLDER))?;
        }
        Ok((measured, best))
    }

    fn save(&self) -> Result<(), TrainError> {
        self.checkpoint(BTreeMap::new()).save(&self.job.folder.join(LAST_FOLDER))?;
        let progress = Progress {
            step: self.step,
            position: self.stream.position(),
            best: self.best,
            since: self.since,
            corpus: self.corpus.hash.clone(),
        };
        let states = self.shards.iter().map(|s| s.states.clone()).collect();
        let (parameters, adam) = (self.parameters.clone(), self.adam.clone());
        Snapshot { parameters, adam, states, progress }.save(&self.job.folder)
    }

    fn checkpoint(&self, metrics: BTreeMap<String, f64>) -> Checkpoint {
        let asked = if self.config.asks {
            format!(", {ASKED} features of what the machine is asked for")
        } else {
            String::new()
        };
        let manifest = Manifest {
            format: FORMAT,
            recipe: self.config.recipe.clone(),
            sideman: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.config.model,
            vocabulary: Vocabulary::duet(),
            tokenizer: format!(
                "duet: 12 ticks a beat, player pitch + velocity, machine pitch + velocity + duration, low to high \
                 inside a tick, place in the bar and {FEATURES} context features{}{}",
                asked,
                if self.config.styles.is_empty() { "" } else { ", one more for each style" }
            ),
            styles: self.config.styles.clone(),
            home_style: self.config.home_style(),
            usual: self.usual.clone(),
            from: self.config.from.clone(),
            corpus: self.corpus.clone(),
            seed: self.config.seed,
            steps: self.step,
            metrics,
        };
        Checkpoint { manifest, parameters: self.parameters.clone() }
    }
}

fn write_config(config: &TrainConfig, folder: &Path) -> Result<(), TrainError> {
    let path = folder.join(CONFIG_FILE);
    let mut json = serde_json::to_vec_pretty(config).map_err(|e| TrainError::file(&path, &e))?;
    json.push(b'\n');
    fs::write(&path, json).map_err(|e| TrainError::file(&path, &e))
}

/// The settings that a run folder was started with.
///
/// # Errors
/// [`TrainError::File`] when there are none.
pub fn read_config(folder: &Path) -> Result<TrainConfig, TrainError> {
    let path = folder.join(CONFIG_FILE);
    let json = fs::read(&path).map_err(|e| TrainError::file(&path, &e))?;
    serde_json::from_slice(&json).map_err(|e| TrainError::file(&path, &e))
}
