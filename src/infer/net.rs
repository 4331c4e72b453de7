//! What the session needs of a network: one step, from token to logits, with the state outside. Behind it a device
//! steps the model, and the packed step on the CPU stands by for when that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::model::checkpoint::Usual;
use crate::model::device::{self, DeviceChoice, guarded};
use crate::model::inputs::Inputs;
use crate::model::{Checkpoint, Engine, Lstm, ModelError, Precision, State, StepInput};
use crate::music::time::Bars;
use crate::music::token::VOCABULARY;

/// A network that can be streamed. Implementations keep no state of their own.
pub trait Net: Send + Sync {
    /// The state before anything was heard.
    fn state(&self) -> State;

    /// The names of the styles that it can be told; the first is number 1.
    fn styles(&self) -> &[String] {
        &[]
    }

    /// The style that it plays in unless told another, by number from 1; 0 is none.
    fn home_style(&self) -> u8 {
        0
    }

    /// Whether it can be asked for what it is to play.
    fn is_asked(&self) -> bool {
        false
    }

    /// What is usual in no style, and then in each; empty where that is not known.
    fn usual(&self) -> &[Usual] {
        &[]
    }

    /// Feeds `token` (at `place` in the bar, with what the ear holds after it) and writes the logits of the
    /// next token. `features` are those of [`Inputs`]; `logits` has the length of the vocabulary.
    ///
    /// Worker thread.
    fn step(&self, token: u16, place: u8, features: &[f32], state: &mut State, logits: &mut [f32]);
}

/// A `duet` model as the session plays it, on the CPU.
///
/// # Errors
/// [`ModelError::Input`] when its alphabet, places or features are not those of live playing.
pub fn playable(checkpoint: &Checkpoint) -> Result<Arc<dyn Net>, ModelError> {
    Ok(playable_on(checkpoint, DeviceChoice::Cpu)?.0)
}

/// A `duet` model as the session plays it, on the chosen device, and the word on how that goes. A device that is
/// not there is no error: the CPU plays, and the word says why.
///
/// Worker thread.
///
/// # Errors
/// As [`playable`].
pub fn playable_on(
    checkpoint: &Checkpoint,
    choice: DeviceChoice,
) -> Result<(Arc<dyn Net>, Arc<DeviceReport>), ModelError> {
    let config = checkpoint.parameters.config();
    let inputs = Inputs::of(config.features);
    for (what, got, want) in [
        ("the vocabulary", config.vocabulary, VOCABULARY),
        ("the places in a bar", config.places, Bars::PLACES),
        ("the styles", inputs.styles, checkpoint.manifest.styles.len()),
    ] {
        if got != want {
            return Err(ModelError::Input { what, got, want });
        }
    }
    let mut packed = Lstm::new(&checkpoint.parameters);
    let opened = device::open(choice, &packed, &checkpoint.parameters);
    if opened.engine.is_some() {
        // The other device has full precision: should it fail, the notes go on as it would have played them.
        packed = Lstm::packed(&checkpoint.parameters, Precision::F32);
    }
    let home_style = u8::try_from(checkpoint.manifest.home_style).unwrap_or_default();
    let styles = checkpoint.manifest.styles.clone();
    let usual = checkpoint.manifest.usual.clone();
    let (net, report) = on_device(packed, opened.engine, home_style, styles, usual);
    if let Some(problem) = opened.problem {
        report.0.lock().problem = Some(problem);
    }
    Ok((net, report))
}

/// A network that `engine` steps until it fails, and `packed`, the same model, from then on: the state lies in main
/// memory, so that nothing is lost and nothing is heard of it. Without an engine `packed` plays from the start.
pub fn with_fallback(
    packed: Lstm,
    engine: Option<Arc<dyn Engine>>,
) -> (Arc<dyn Net>, Arc<DeviceReport>) {
    let styles = vec![String::new(); Inputs::of(packed.config().features).styles];
    on_device(packed, engine, 0, styles, Vec::new())
}

fn on_device(
    packed: Lstm,
    engine: Option<Arc<dyn Engine>>,
    home_style: u8,
    styles: Vec<String>,
    usual: Vec<Usual>,
) -> (Arc<dyn Net>, Arc<DeviceReport>) {
    let device = engine.as_ref().map_or(Engine::device(&packed), |e| e.device());
    let report = Arc::new(DeviceReport(Mutex::new(DeviceStatus { device, problem: None })));
    let failed = AtomicBool::new(engine.is_none());
    let told = Arc::clone(&report);
    let net = OnDevice { packed, engine, failed, report: told, home_style, styles, usual };
    (Arc::new(net), report)
}

/// Where the model runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceStatus {
    /// As `--device` names it; empty until the first model is loaded.
    pub device: &'static str,
    /// Why it is not the device that was asked for, in one line.
    pub problem: Option<String>,
}

/// The word on the device of one network. Shared by faces and worker; never touched by the audio thread.
#[derive(Debug, Default)]
pub struct DeviceReport(Mutex<DeviceStatus>);

impl DeviceReport {
    /// Where the model runs now.
    pub fn status(&self) -> DeviceStatus {
        self.0.lock().clone()
    }
}

struct OnDevice {
    packed: Lstm,
    engine: Option<Arc<dyn Engine>>,
    /// There is no engine, or none that can be trusted any more.
    failed: AtomicBool,
    report: Arc<DeviceReport>,
    home_style: u8,
    styles: Vec<String>,
    usual: Vec<Usual>,
}

impl OnDevice {
    /// True when the engine has done the step.
    fn step_on_engine(&self, input: StepInput<'_>, state: &mut State, logits: &mut [f32]) -> bool {
        let Some(engine) = self.engine.as_ref().filter(|_| !self.failed.load(Ordering::Relaxed))
        else {
            return false;
        };
        match guarded(engine.device(), || engine.step(input, state, logits)) {
            Ok(()) => true,
            Err(error) => {
                self.failed.store(true, Ordering::Relaxed);
                *self.report.0.lock() = DeviceStatus {
                    device: Engine::device(&self.packed),
                    problem: Some(error.to_string()),
                };
                false
            }
        }
    }
}

impl Net for OnDevice {
    fn state(&self) -> State {
        State::zeros(self.packed.config())
    }

    fn styles(&self) -> &[String] {
        &self.styles
    }

    fn home_style(&self) -> u8 {
        self.home_style
    }

    fn usual(&self) -> &[Usual] {
        &self.usual
    }

    fn is_asked(&self) -> bool {
        Inputs::of(self.packed.config().features).asked
    }

    fn step(&self, token: u16, place: u8, features: &[f32], state: &mut State, logits: &mut [f32]) {
        let input = StepInput { token, place, features };
        if !self.step_on_engine(input, state, logits)
            && self.packed.step(input, state, logits).is_err()
        {
            // The sizes were checked when the model was made: cannot happen, and must not end the music.
            logits.fill(0.0);
        }
    }
}
