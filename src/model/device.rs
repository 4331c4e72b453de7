//! Which device steps the model: the player's choice, made real or explained.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::str::FromStr;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use candle_core::Device;

use crate::model::{CandleLstm, Engine, Lstm, ModelError, Parameters, Precision, State, StepInput};

/// Steps that are timed on each device; the quickest counts, since what else the machine does only adds.
const TIMED_STEPS: u32 = 12;

/// Steps before that, in which a device sets itself up.
const FIRST_STEPS: u32 = 3;

/// Where the player wants the model to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// Whatever steps this model fastest here.
    #[default]
    Auto,
    /// The packed step on one thread of the CPU, in the precision that is fastest there.
    #[serde(alias = "cpu-f16")]
    Cpu,
    /// The same with weights in full precision, as a GPU has them: now and then another note.
    CpuF32,
    /// The first NVIDIA GPU; only in builds with the feature `cuda`.
    Cuda,
    /// The Apple GPU; only in builds with the feature `metal`.
    Metal,
    /// candle on the CPU: several times slower than `cpu`, to compare.
    CandleCpu,
}

impl DeviceChoice {
    /// All of them, in the order of a menu.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Cpu, Self::CpuF32, Self::Cuda, Self::Metal, Self::CandleCpu];

    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::CpuF32 => "cpu-f32",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::CandleCpu => "candle-cpu",
        }
    }

    /// Whether this build can use it at all.
    pub const fn is_built(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Auto | Self::Cpu | Self::CpuF32 | Self::CandleCpu => true,
        }
    }

    /// The model on this device; `None` where that is the packed step. Never panics, whatever a driver does.
    ///
    /// # Errors
    /// [`ModelError::Device`] when the device is not there or can't take the model.
    fn open(self, parameters: &Parameters) -> Result<Option<Arc<dyn Engine>>, ModelError> {
        if !self.is_built() {
            let problem = format!("this build has no {self}");
            return Err(ModelError::Device { device: self.name(), problem });
        }
        let device = match self {
            Self::Auto | Self::Cpu => return Ok(None),
            Self::CpuF32 => return Ok(Some(Arc::new(Lstm::packed(parameters, Precision::F32)))),
            Self::Cuda => silent(|| guarded(self.name(), || candle(self, Device::new_cuda(0))))?,
            Self::Metal => silent(|| guarded(self.name(), || candle(self, Device::new_metal(0))))?,
            Self::CandleCpu => Device::Cpu,
        };
        let lstm = guarded(self.name(), || CandleLstm::new(parameters, &device))?;
        Ok(Some(Arc::new(lstm)))
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|d| d.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no device '{text}'; there are: {names}")
        })
    }
}

/// What came of a choice.
#[derive(Debug)]
pub struct Opened {
    /// What steps the model; `None` when the packed step does.
    pub engine: Option<Arc<dyn Engine>>,
    /// Why it is not what was asked for, or which device was not there to be tried, in one line.
    pub problem: Option<String>,
}

/// Opens the chosen device; when that can't be, the packed step plays and the problem says why.
///
/// Worker thread: takes seconds on some GPUs.
pub fn open(choice: DeviceChoice, packed: &Lstm, parameters: &Parameters) -> Opened {
    if choice == DeviceChoice::Auto {
        // candle on the CPU is not tried: it is slower in any case, and wakes a thread pool in the host. Nor are both
        // precisions timed: which one is decided by the processor's kind, so that its load does not change the notes.
        let gpus = [DeviceChoice::Cuda, DeviceChoice::Metal];
        let found = gpus.into_iter().filter(|d| d.is_built()).map(|d| d.open(parameters));
        return fastest(packed, found.filter_map(Result::transpose));
    }
    match choice.open(parameters) {
        Ok(engine) => Opened { engine, problem: None },
        Err(error) => Opened { engine: None, problem: Some(error.to_string()) },
    }
}

/// Times a step of each engine that was found and takes the fastest; the packed step wins a tie.
pub(crate) fn fastest(
    packed: &Lstm,
    found: impl Iterator<Item = Result<Arc<dyn Engine>, ModelError>>,
) -> Opened {
    let mut best = Opened { engine: None, problem: None };
    let mut least = None;
    for engine in found {
        let timed = engine.and_then(|e| Ok((step_time(&*e, packed)?, e)));
        match timed {
            Ok((time, engine)) => {
                let least =
                    least.get_or_insert_with(|| step_time(packed, packed).unwrap_or_default());
                if time < *least {
                    *least = time;
                    best.engine = Some(engine);
                }
            }
            Err(error) => best.problem = Some(error.to_string()),
        }
    }
    best
}

/// The quickest of some steps of `engine`, a model of the shape of `like`.
fn step_time(engine: &dyn Engine, like: &Lstm) -> Result<Duration, ModelError> {
    let config = like.config();
    let features = vec![0.0; config.features];
    let (mut state, mut logits) = (State::zeros(config), vec![0.0; config.vocabulary]);
    let mut least = Duration::MAX;
    for step in 0..FIRST_STEPS + TIMED_STEPS {
        let input = StepInput { token: 0, place: 0, features: &features };
        let began = Instant::now();
        guarded(engine.device(), || engine.step(input, &mut state, &mut logits))?;
        if step >= FIRST_STEPS {
            least = least.min(began.elapsed());
        }
    }
    Ok(least)
}

/// Runs what may panic in a driver's bindings: where no driver is installed, they do.
///
/// # Errors
/// What `work` gives, or [`ModelError::Device`] with the panic's message.
pub(crate) fn guarded<T>(
    device: &'static str,
    work: impl FnOnce() -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it panics");
        Err(ModelError::Device { device, problem: one_line(text) })
    })
}

thread_local! {
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
}

type PanicHook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Keeps the panics of this thread off the terminal and out of the host's log while `work` runs. That a machine has
/// no driver is no crash, and must not look like one; [`guarded`] hands on what matters. `work` must not unwind.
pub(crate) fn silent<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(unless_silent(std::panic::take_hook())));
    IS_SILENT.set(true);
    let result = work();
    IS_SILENT.set(false);
    result
}

fn unless_silent(hook: PanicHook) -> PanicHook {
    Box::new(move |info| {
        if !IS_SILENT.get() {
            hook(info);
        }
    })
}

fn candle<T>(device: DeviceChoice, result: candle_core::Result<T>) -> Result<T, ModelError> {
    result.map_err(|error| ModelError::Device {
        device: device.name(),
        problem: one_line(&error.to_string()),
    })
}

/// Without a backtrace, and without the seventeen file names that cudarc has looked for.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split(" - searched for").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LstmConfig;

    const CONFIG: LstmConfig = LstmConfig {
        vocabulary: 9,
        places: 2,
        features: 3,
        embedding: 4,
        hidden: 8,
        layers: 1,
        dropout: 0.0,
    };

    /// A device that takes its time, or panics.
    #[derive(Debug)]
    struct Planted(Option<Duration>);

    impl Engine for Planted {
        fn device(&self) -> &'static str {
            "planted"
        }

        fn step(&self, _: StepInput<'_>, _: &mut State, _: &mut [f32]) -> Result<(), ModelError> {
            let Some(time) = self.0 else { panic!("no driver\nsecond line") };
            std::thread::sleep(time);
            Ok(())
        }
    }

    fn take(found: Vec<Result<Arc<dyn Engine>, ModelError>>) -> Opened {
        let packed = Lstm::new(&Parameters::random(CONFIG, 1).unwrap());
        fastest(&packed, found.into_iter())
    }

    #[test]
    fn the_fastest_is_taken() {
        let quick: Arc<dyn Engine> = Arc::new(Planted(Some(Duration::ZERO)));
        let slow: Arc<dyn Engine> = Arc::new(Planted(Some(Duration::from_millis(30))));
        let broken: Arc<dyn Engine> = Arc::new(Planted(None));
        assert!(take(vec![]).engine.is_none());
        let opened = take(vec![Ok(Arc::clone(&slow))]);
        assert!(opened.engine.is_none() && opened.problem.is_none());
        // A step that does nothing at all is quicker than ours.
        let opened = take(vec![Ok(slow), Ok(broken), Ok(Arc::clone(&quick))]);
        assert!(Arc::ptr_eq(&opened.engine.unwrap(), &quick));
        assert_eq!(opened.problem.unwrap(), "the device planted fails: no driver");
    }

    #[test]
    fn a_missing_driver_is_said_in_one_line_and_not_printed() {
        thread_local! {
            static PRINTED: Cell<u32> = const { Cell::new(0) };
        }
        let opened = || -> Result<(), ModelError> {
            guarded("cuda", || {
                panic!("Unable to load \"cuda\" - searched for [\"a\", \"b\"]. Ensure\n0: main")
            })
        };
        std::panic::set_hook(unless_silent(Box::new(|_| PRINTED.set(PRINTED.get() + 1))));
        let error = silent(opened).unwrap_err();
        assert_eq!(error.to_string(), "the device cuda fails: Unable to load \"cuda\"");
        assert_eq!(PRINTED.get(), 0);
        assert!(opened().is_err());
        assert_eq!(PRINTED.get(), 1, "what is not silenced is printed as before");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let parameters = Parameters::random(CONFIG, 1).unwrap();
        let packed = Lstm::new(&parameters);
        for choice in DeviceChoice::ALL {
            assert_eq!(choice.name().parse(), Ok(choice));
            let opened = open(choice, &packed, &parameters);
            if choice.is_built() {
                continue; // Depends on the machine, but must not panic.
            }
            assert!(opened.engine.is_none());
            let problem = opened.problem.unwrap();
            assert_eq!(problem, format!("the device {choice} fails: this build has no {choice}"));
        }
        let opened = open(DeviceChoice::CandleCpu, &packed, &parameters);
        assert_eq!(opened.engine.unwrap().device(), "candle-cpu");
        let opened = open(DeviceChoice::CpuF32, &packed, &parameters);
        assert_eq!(opened.engine.unwrap().device(), "cpu-f32");
        assert!("gpu".parse::<DeviceChoice>().unwrap_err().contains("auto, cpu, cpu-f32"));
        let older: DeviceChoice = serde_json::from_str("\"cpu-f16\"").unwrap();
        assert_eq!(older, DeviceChoice::Cpu);
    }
}
