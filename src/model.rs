//! Floor 2, the models: shapes, weights, one step for playing, whole sequences for training, and the folder
//! on disk. Imports only `music`.

pub mod candle_lstm;
pub mod checkpoint;
pub mod config;
pub mod device;
pub mod engine;
pub mod harmonist;
pub mod image;
pub mod inputs;
mod kernel;
pub mod lstm;
#[cfg(feature = "train")]
pub mod names;
#[cfg(feature = "train")]
pub mod network;
mod panels;
pub mod parameters;
mod product;
#[cfg(feature = "train")]
mod sequence;
mod tensor_file;
#[cfg(feature = "train")]
pub mod window;

pub use candle_lstm::CandleLstm;
pub use checkpoint::{Checkpoint, Manifest};
pub use config::LstmConfig;
pub use engine::Engine;
pub use lstm::{Lstm, State, StepInput};
pub use panels::Precision;
pub use parameters::Parameters;

/// Why a model can't be built, read, written or run. Every message is one line.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A size lies outside what Sideman builds.
    #[error("model config: {field} is {value}, allowed are {low} to {high}")]
    Size {
        /// Which size.
        field: &'static str,
        /// What was asked for.
        value: usize,
        /// The least that is allowed.
        low: usize,
        /// The most that is allowed.
        high: usize,
    },
    /// The dropout is no probability below 0.9.
    #[error("model config: dropout is {0}, allowed are 0 to 0.9")]
    Dropout(f32),
    /// No residual network has so many layers.
    #[error("model config: depth is {0}, allowed are 18, 34 and 50")]
    Depth(usize),
    /// An input of a step does not fit the model.
    #[error("model input: {what} has {got}, the model takes {want}")]
    Input {
        /// Which input.
        what: &'static str,
        /// What came.
        got: usize,
        /// What fits (for a number: below this).
        want: usize,
    },
    /// A device can't be had, or fails.
    #[error("the device {device} fails: {problem}")]
    Device {
        /// As `--device` names it.
        device: &'static str,
        /// What its driver says, in one line.
        problem: String,
    },
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is larger than any model of ours.
    #[error("{what} has {bytes} bytes, at most {limit} are read")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// `model.json` is not what it should be.
    #[error("model.json: {0}")]
    Json(String),
    /// The model was written by another generation of the program.
    #[error("model.json: format {got}, this Sideman reads format {want}")]
    Format {
        /// The file's.
        got: u32,
        /// Ours.
        want: u32,
    },
    /// The model speaks another alphabet.
    #[error("model.json: the model's {what} is '{got}', this Sideman's is '{want}'")]
    Vocabulary {
        /// Which property differs.
        what: &'static str,
        /// The file's.
        got: String,
        /// Ours.
        want: String,
    },
    /// The model speaks in names, which live playing does not.
    #[error(
        "model.json: this is a {0} model, made for `sideman-train generate`; live playing takes a duet model"
    )]
    NotLive(String),
    /// The model is for live playing, and was to compose by name.
    #[error(
        "model.json: this is a {0} model: `sideman play --model` plays it; generating takes a jazz or rock model"
    )]
    NotNames(String),
    /// `seeds.json` is not what it should be.
    #[error("seeds.json: {0}")]
    Seeds(String),
    /// `weights.safetensors` is not what it should be.
    #[error("weights.safetensors: {0}")]
    Weights(String),
}
