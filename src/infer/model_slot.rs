//! Which model plays: chosen by the faces, loaded by the worker, with a word on how that went.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::infer::builtin;
use crate::infer::listener::{Heard, Listener};
use crate::infer::memory::Memory;
use crate::infer::net::{DeviceReport, DeviceStatus, Net, playable_on};
use crate::infer::song_chords::SongChords;
use crate::model::device::DeviceChoice;
use crate::model::image::checkpoint::LISTENER;
use crate::model::{Checkpoint, ModelError};

/// A model by name or place.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelChoice {
    /// The model that Sideman carries.
    #[default]
    Builtin,
    /// A model folder: `model.json` and `weights.safetensors`, and perhaps a folder `listener` of the same.
    Folder(PathBuf),
}

/// What plays now, and what went wrong with the last choice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModelStatus {
    /// The model's name; empty until the first is loaded.
    pub name: String,
    /// The hash of its contents in hexadecimal.
    pub hash: String,
    /// Why the chosen model does not play, in one line. The one before plays on.
    pub problem: Option<String>,
    /// Where it runs.
    pub device: DeviceStatus,
}

/// The slot. Shared by the faces and one worker; never touched by the audio thread.
#[derive(Debug, Default)]
pub struct ModelSlot {
    choice: Mutex<ModelChoice>,
    device: Mutex<DeviceChoice>,
    status: Mutex<ModelStatus>,
    /// Of the network that was loaded last.
    report: Mutex<Arc<DeviceReport>>,
    /// Counts choices, so that the worker sees a new one without a lock.
    generation: AtomicU64,
    memory: Memory,
    /// Of the model that was loaded last, where its folder holds one.
    listener: Mutex<Option<Arc<Listener>>>,
    heard: Mutex<Heard>,
    chords: SongChords,
    given: Option<Given>,
}

/// A network that no folder holds.
struct Given(Arc<dyn Net>);

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a network")
    }
}

impl ModelSlot {
    /// A slot with this choice, on whatever device is fastest.
    pub fn new(choice: ModelChoice) -> Self {
        Self::on(choice, DeviceChoice::default())
    }

    /// A slot with this choice, on this device.
    pub fn on(choice: ModelChoice, device: DeviceChoice) -> Self {
        Self { choice: Mutex::new(choice), device: Mutex::new(device), ..Self::default() }
    }

    /// A slot that holds this network and never another: for measurements.
    pub fn given(net: Arc<dyn Net>) -> Self {
        Self { given: Some(Given(net)), ..Self::default() }
    }

    /// Chooses another model. The worker loads it within milliseconds; the music goes on.
    pub fn choose(&self, choice: ModelChoice) {
        *self.choice.lock() = choice;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Chooses another device for the model. The worker changes over within milliseconds (a GPU may take
    /// seconds to start); the music goes on.
    pub fn choose_device(&self, device: DeviceChoice) {
        *self.device.lock() = device;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The last choice.
    pub fn choice(&self) -> ModelChoice {
        self.choice.lock().clone()
    }

    /// The last choice of a device.
    pub fn device(&self) -> DeviceChoice {
        *self.device.lock()
    }

    /// What plays now.
    pub fn status(&self) -> ModelStatus {
        let device = self.report.lock().status();
        ModelStatus { device, ..self.status.lock().clone() }
    }

    /// What the session remembers.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The chords of the song.
    pub const fn chords(&self) -> &SongChords {
        &self.chords
    }

    /// The listener that the last model brought with it.
    pub(crate) fn listener(&self) -> Option<Arc<Listener>> {
        self.listener.lock().clone()
    }

    /// What is heard of the player's style.
    pub fn heard(&self) -> Heard {
        self.heard.lock().clone()
    }

    /// The worker tells what is heard.
    pub(crate) fn set_heard(&self, heard: Heard) {
        *self.heard.lock() = heard;
    }

    /// Counts choices.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Loads the choice and says in the status how it went. `None` when it could not be loaded.
    ///
    /// Worker thread.
    pub fn load(&self) -> Option<Arc<dyn Net>> {
        if let Some(Given(net)) = &self.given {
            return Some(Arc::clone(net));
        }
        let choice = self.choice();
        let (name, loaded) = match &choice {
            ModelChoice::Builtin => (builtin::NAME.to_owned(), builtin::checkpoint()),
            ModelChoice::Folder(path) => {
                let name =
                    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                (name, Checkpoint::load(path))
            }
        };
        let listener = match &choice {
            ModelChoice::Folder(path) if path.join(LISTENER).exists() => {
                Listener::load(&path.join(LISTENER)).map(|l| Some(Arc::new(l)))
            }
            _ => Ok(None),
        };
        let listener =
            listener.map_err(|e| ModelError::Json(format!("its folder '{LISTENER}': {e}")));
        let net = loaded.and_then(|c| Ok((c.hash(), self.open(&c)?, listener?)));
        let mut status = self.status.lock();
        match net {
            Ok((hash, net, listener)) => {
                *self.listener.lock() = listener;
                *status = ModelStatus { name, hash, ..ModelStatus::default() };
                Some(net)
            }
            Err(error) => {
                status.problem = Some(format!("the model '{name}' can't be used: {error}"));
                None
            }
        }
    }

    /// Loads the choice, or else the model that Sideman carries; the status tells of the problem.
    pub(crate) fn load_or_builtin(&self) -> Option<Arc<dyn Net>> {
        self.load().or_else(|| {
            let checkpoint = builtin::checkpoint().ok()?;
            let net = self.open(&checkpoint).ok()?;
            let mut status = self.status.lock();
            builtin::NAME.clone_into(&mut status.name);
            status.hash = checkpoint.hash();
            Some(net)
        })
    }

    /// Brings the model to the chosen device.
    fn open(&self, checkpoint: &Checkpoint) -> Result<Arc<dyn Net>, ModelError> {
        let device = *self.device.lock();
        let (net, report) = playable_on(checkpoint, device)?;
        *self.report.lock() = report;
        Ok(net)
    }
}
