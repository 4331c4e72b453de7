//! The training loop of the `jazz` and `rock` recipes: epochs of shuffled windows.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::data::windows::Place;
use crate::model::checkpoint::FORMAT;
use crate::model::names::NamesParameters;
use crate::model::names::checkpoint::{NamesCheckpoint, NamesManifest};
use crate::model::names::net::{Batch, Prepared, Score, Training, Workspace};
use crate::train::names::resume::{Progress, Snapshot};
use crate::train::names::store::{self, Line};
use crate::train::names::{NamesData, NamesTrainConfig, Watch};
use crate::train::run::{BEST_FOLDER, CONFIG_FILE, LAST_FOLDER};
use crate::train::shard::{SHARD_LANES, share_out};
use crate::train::{TrainError, adam};

/// How a run is carried out; nothing here changes what it computes.
#[derive(Clone, Debug)]
pub struct NamesJob {
    /// The run folder; made if missing.
    pub folder: PathBuf,
    /// Threads that compute.
    pub threads: usize,
    /// Go on from what the folder holds.
    pub resume: bool,
    /// Time between saves inside an epoch; each epoch is saved too.
    pub save_every: Duration,
}

/// What happens in a run.
#[derive(Clone, PartialEq, Debug)]
pub enum NamesEvent {
    /// The run begins or goes on.
    Started {
        /// Epochs already done, and steps of the next one.
        epoch: u64,
        /// See `epoch`.
        step_of_epoch: u64,
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
        /// Windows in this step.
        windows: usize,
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

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NamesOutcome {
    /// Epochs done.
    pub epochs: u64,
    /// Whether it was told to stop before its end.
    pub stopped: bool,
    /// Whether it ended early because the loss got no better.
    pub out_of_patience: bool,
    /// The best loss.
    pub best: Option<f64>,
}

/// Trains, measures and saves, until the last epoch, until patience runs out, or until `stop` is set.
///
/// # Errors
/// [`TrainError`] when a setting is wrong, a file can't be written, or the loss runs away.
pub fn run(
    config: &NamesTrainConfig,
    data: &NamesData,
    job: &NamesJob,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(NamesEvent),
) -> Result<NamesOutcome, TrainError> {
    config.validate()?;
    fs::create_dir_all(&job.folder).map_err(|e| TrainError::file(&job.folder, &e))?;
    let mut runner = Runner::new(config, data, job)?;
    write_config(config, job)?;
    data.report.save(&job.folder)?;
    tell(NamesEvent::Started {
        epoch: runner.progress.epochs,
        step_of_epoch: runner.progress.steps_of_epoch,
        steps_per_epoch: runner.steps_per_epoch(),
        parameters: runner.parameters.values().len(),
    });
    let out_of_patience =
        |runner: &Runner<'_>| config.patience.is_some_and(|p| runner.progress.since_best >= p);
    let mut stopped = false;
    while runner.progress.epochs < config.epochs && !out_of_patience(&runner) && !stopped {
        stopped = runner.epoch(stop, tell)?;
    }
    Ok(NamesOutcome {
        epochs: runner.progress.epochs,
        stopped,
        out_of_patience: out_of_patience(&runner),
        best: runner.progress.best.map(f64::from_bits),
    })
}

/// Windows that one thread carries; as in the duet's training their number decides the order of sums, so it is
/// one for all machines.
#[derive(Debug)]
struct Shard {
    batch: Batch,
    workspace: Workspace,
    gradients: NamesParameters,
}

/// A run between two steps.
struct Runner<'a> {
    config: &'a NamesTrainConfig,
    data: &'a NamesData,
    job: &'a NamesJob,
    parameters: NamesParameters,
    first: Vec<f32>,
    second: Vec<f32>,
    shards: Vec<Shard>,
    progress: Progress,
    score: Score,
    /// Time spent on steps, and windows in it, since the last line.
    busy: Duration,
    busy_windows: usize,
    saved: Instant,
}

impl<'a> Runner<'a> {
    fn new(
        config: &'a NamesTrainConfig,
        data: &'a NamesData,
        job: &'a NamesJob,
    ) -> Result<Self, TrainError> {
        let model = config.model(data.names.names.len());
        let parameters = NamesParameters::random(model, config.seed)?;
        let shards = (0..config.batch.div_ceil(SHARD_LANES)).map(|_| {
            let gradients = NamesParameters::zeros(model)?;
            Ok(Shard { batch: Batch::default(), workspace: Workspace::default(), gradients })
        });
        let moments = vec![0.0; parameters.values().len()];
        let mut runner = Self {
            config,
            data,
            job,
            parameters,
            first: moments.clone(),
            second: moments,
            shards: shards.collect::<Result<_, TrainError>>()?,
            progress: Progress { corpus: data.card.hash.clone(), ..Progress::default() },
            score: Score::default(),
            busy: Duration::ZERO,
            busy_windows: 0,
            saved: Instant::now(),
        };
        if job.resume {
            let snapshot = Snapshot::load(&job.folder, model)?;
            if snapshot.progress.corpus != data.card.hash {
                let text = "--resume: this is not the music that the run was started with";
                return Err(TrainError::Config(text.to_owned()));
            }
            runner.parameters = snapshot.parameters;
            (runner.first, runner.second) = (snapshot.first, snapshot.second);
            runner.progress = snapshot.progress;
            let [nats, right, windows] = runner.progress.score.map(f64::from_bits);
            runner.score = Score { nats, right, windows };
            store::cut_after(&job.folder, runner.progress.epochs)?;
        }
        Ok(runner)
    }

    fn steps_per_epoch(&self) -> u64 {
        self.data.train.len().div_ceil(self.config.batch) as u64
    }

    /// The rest of an epoch; whether it was told to stop.
    fn epoch(
        &mut self,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(NamesEvent),
    ) -> Result<bool, TrainError> {
        let order = shuffled(&self.data.train, self.config.seed, self.progress.epochs);
        let batches = order.chunks(self.config.batch);
        for places in batches.skip(self.progress.steps_of_epoch as usize) {
            self.step(places)?;
            tell(NamesEvent::Step {
                epoch: self.progress.epochs,
                step_of_epoch: self.progress.steps_of_epoch,
                windows: places.len(),
                score: self.score,
            });
            let ends = self.progress.steps_of_epoch == self.steps_per_epoch();
            let stopped = stop.load(Ordering::Relaxed);
            if ends {
                break;
            }
            if stopped || self.saved.elapsed() >= self.job.save_every {
                self.save()?;
            }
            if stopped {
                return Ok(true);
            }
        }
        let (line, best) = self.measure()?;
        self.save()?;
        tell(NamesEvent::Epoch { line, best });
        Ok(stop.load(Ordering::Relaxed) && self.progress.epochs < self.config.epochs)
    }

    fn step(&mut self, places: &[Place]) -> Result<(), TrainError> {
        let start = Instant::now();
        let used = fill(&mut self.shards, self.data, self.config.window, places);
        let shards = &mut self.shards[..used];
        let weight: f32 = places.iter().map(|p| p.weight).sum();
        let prepared = Prepared::new(&self.parameters);
        let (seed, step, scale) = (self.config.seed, self.progress.steps, 1.0 / weight);
        let most = self.config.batch.div_ceil(SHARD_LANES) as u64;
        let scores = share_out(shards, self.job.threads, |i, shard| {
            shard.gradients.values_mut().fill(0.0);
            let stream = step * most + i as u64;
            let training = Training { seed, stream, scale, gradients: &mut shard.gradients };
            shard.workspace.run(&prepared, &shard.batch, Some(training))
        })?;
        let Some((sum, rest)) = shards.split_first_mut() else { return Ok(()) };
        for shard in rest {
            let values = sum.gradients.values_mut().iter_mut();
            values.zip(shard.gradients.values()).for_each(|(a, b)| *a += b);
        }
        let nats: f64 = scores.iter().map(|s| s.nats).sum();
        let length = adam::advance(
            &mut self.progress.steps,
            &mut self.first,
            &mut self.second,
            self.parameters.values_mut(),
            sum.gradients.values(),
            self.config.rate_at(step),
            self.config.clip.unwrap_or(f64::INFINITY),
        );
        if !nats.is_finite() || !length.is_finite() {
            return Err(TrainError::NamesNotFinite { epoch: self.progress.epochs + 1, step });
        }
        for score in scores {
            self.score += score;
        }
        self.progress.steps_of_epoch += 1;
        self.busy += start.elapsed();
        self.busy_windows += places.len();
        Ok(())
    }

    /// Ends an epoch: the held-out windows, the log, the best model.
    fn measure(&mut self) -> Result<(Line, bool), TrainError> {
        let valid = self.evaluate()?;
        let of = |score: Score| (score.nats / score.windows, score.right / score.windows);
        let ((loss, accuracy), valid) = (of(self.score), valid.map(of));
        self.progress.epochs += 1;
        self.progress.steps_of_epoch = 0;
        self.score = Score::default();
        let line = Line {
            epoch: self.progress.epochs,
            learning_rate: self.config.rate_at(self.progress.steps.saturating_sub(1)),
            loss,
            accuracy,
            valid,
            windows_per_second: self.busy_windows as f64 / self.busy.as_secs_f64().max(1e-9),
        };
        (self.busy, self.busy_windows) = (Duration::ZERO, 0);
        store::append(&self.job.folder, &line)?;
        let watched = match self.config.watch {
            Watch::Train => loss,
            Watch::Valid => valid.map_or(loss, |v| v.0),
        };
        let best = self.progress.best.is_none_or(|b| watched < f64::from_bits(b));
        if best {
            self.progress.best = Some(watched.to_bits());
            self.progress.since_best = 0;
            self.checkpoint(Some(&line)).save(&self.job.folder.join(BEST_FOLDER))?;
        } else {
            self.progress.since_best += 1;
        }
        Ok((line, best))
    }

    /// The held-out windows, without dropout; `None` when there are none.
    fn evaluate(&mut self) -> Result<Option<Score>, TrainError> {
        let mut total = Score::default();
        let prepared = Prepared::new(&self.parameters);
        for places in self.data.valid.chunks(self.config.batch) {
            let used = fill(&mut self.shards, self.data, self.config.window, places);
            let scores = share_out(&mut self.shards[..used], self.job.threads, |_, shard| {
                shard.workspace.run(&prepared, &shard.batch, None)
            })?;
            for score in scores {
                total += score;
            }
        }
        Ok((total.windows > 0.0).then_some(total))
    }

    fn save(&mut self) -> Result<(), TrainError> {
        self.checkpoint(None).save(&self.job.folder.join(LAST_FOLDER))?;
        let Score { nats, right, windows } = self.score;
        self.progress.score = [nats, right, windows].map(f64::to_bits);
        let (first, second) = (self.first.clone(), self.second.clone());
        let (parameters, progress) = (self.parameters.clone(), self.progress.clone());
        Snapshot { parameters, first, second, progress }.save(&self.job.folder)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn checkpoint(&self, line: Option<&Line>) -> NamesCheckpoint {
        let mut metrics = BTreeMap::new();
        if let Some(line) = line {
            metrics.insert("loss".to_owned(), line.loss);
            metrics.insert("accuracy".to_owned(), line.accuracy);
            if let Some((loss, accuracy)) = line.valid {
                metrics.insert("valid_loss".to_owned(), loss);
                metrics.insert("valid_accuracy".to_owned(), accuracy);
            }
        }
        let recipe = self.config.recipe;
        let manifest = NamesManifest {
            format: FORMAT,
            recipe: recipe.name().to_owned(),
            sideman: env!("CARGO_PKG_VERSION").to_owned(),
            config: *self.parameters.config(),
            window: self.config.window,
            scaling: self.data.scaling,
            vocabulary: self.data.names.clone(),
            tokenizer: recipe.tokenizer().to_owned(),
            corpus: self.data.card.clone(),
            seed: self.config.seed,
            learning_rate: self.config.learning_rate,
            epochs: self.progress.epochs,
            steps: self.progress.steps,
            metrics,
        };
        let (parameters, seeds) = (self.parameters.clone(), self.data.seeds(self.config.window));
        NamesCheckpoint { manifest, parameters, seeds }
    }
}

/// Puts windows into the shards; how many shards they take.
fn fill(shards: &mut [Shard], data: &NamesData, window: usize, places: &[Place]) -> usize {
    let chunks = places.chunks(SHARD_LANES);
    let used = chunks.len();
    for (shard, places) in shards.iter_mut().zip(chunks) {
        let (batch, lanes) = (&mut shard.batch, places.len());
        batch.steps = window;
        batch.inputs.resize(window * lanes, 0.0);
        batch.targets.clear();
        batch.weights.clear();
        for (lane, place) in places.iter().enumerate() {
            let (codes, next) = data.window(*place, window);
            for (t, code) in codes.iter().enumerate() {
                batch.inputs[t * lanes + lane] = data.scaling.apply(*code);
            }
            batch.targets.push(next);
            batch.weights.push(place.weight);
        }
    }
    used
}

/// The windows in the order of an epoch (Fisher and Yates).
fn shuffled(places: &[Place], seed: u64, epoch: u64) -> Vec<Place> {
    let mut places = places.to_vec();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Apart from the streams of the dropout, which count steps from 0.
    rng.set_stream(u64::MAX - epoch);
    for i in (1..places.len()).rev() {
        let j = rng.next_u64() % (i as u64 + 1);
        places.swap(i, j as usize);
    }
    places
}

fn write_config(config: &NamesTrainConfig, job: &NamesJob) -> Result<(), TrainError> {
    let path = job.folder.join(CONFIG_FILE);
    let mut json = serde_json::to_vec_pretty(config).map_err(|e| TrainError::file(&path, &e))?;
    json.push(b'\n');
    fs::write(&path, json).map_err(|e| TrainError::file(&path, &e))
}
