//! How many steps a time holds: told by a few of them, on this machine and beside whatever else runs there.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::train::material::Material;
use crate::train::run::{Job, Runner};
use crate::train::{TrainConfig, TrainError};

/// Steps that are not counted, in which memory is taken, and those that are.
const FIRST: u32 = 2;
const COUNTED: u32 = 6;

/// The fewest and the most steps that are worth while.
const STEPS: RangeInclusive<u64> = 40..=50_000;

/// Measurements on held-out pieces, and the share of the time that they may take where there are more than the fewest.
const MEASUREMENTS: [f64; 2] = [4.0, 20.0];
const MEASURING: f64 = 0.25;

/// The settings with as many steps, and measurements between them, as the time holds. What is tried is forgotten again. The settings as they are
/// when `stop` is set meanwhile.
///
/// # Errors
/// [`TrainError`] when a setting is wrong or the loss runs away.
pub fn paced(
    config: &TrainConfig,
    sets: Vec<Material>,
    job: &Job,
    time: Duration,
    stop: &AtomicBool,
) -> Result<TrainConfig, TrainError> {
    config.validate()?;
    let begun = Instant::now();
    let mut trial = Runner::new(config, sets, job)?;
    let mut step = Duration::ZERO;
    for nth in 0..FIRST + COUNTED {
        if stop.load(Ordering::Relaxed) {
            return Ok(config.clone());
        }
        let at = Instant::now();
        trial.train()?;
        step += if nth < FIRST { Duration::ZERO } else { at.elapsed() / COUNTED };
    }
    let at = Instant::now();
    trial.hear_held_out()?;
    let measurement = at.elapsed();
    let left = time.saturating_sub(begun.elapsed());
    let (steps, every) = share_out(left, step, measurement);
    Ok(TrainConfig { steps, valid_every: every, ..config.clone() })
}

/// How many steps a time holds, and after how many each is measured.
fn share_out(time: Duration, step: Duration, measurement: Duration) -> (u64, u64) {
    let [time, step, measurement] =
        [time, step, measurement].map(|d| d.as_secs_f64().max(f64::MIN_POSITIVE));
    let [fewest, most] = MEASUREMENTS;
    let measurements = (time * MEASURING / measurement).floor().clamp(fewest, most);
    let steps = (time - measurements * measurement).max(0.0) / step;
    let steps = (steps as u64).clamp(*STEPS.start(), *STEPS.end());
    (steps, steps.div_ceil(measurements as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shared_out_between_steps_and_measurements() {
        let seconds = Duration::from_secs_f64;
        // 20 measurements of 3 s, and 540 s of steps.
        assert_eq!(share_out(seconds(600.0), seconds(0.5), seconds(3.0)), (1080, 54));
        // Five of 30 s are a quarter of the time.
        assert_eq!(share_out(seconds(600.0), seconds(0.5), seconds(30.0)), (900, 180));
        // No time at all still learns something.
        assert_eq!(share_out(seconds(0.0), seconds(0.5), seconds(30.0)), (40, 10));
        assert_eq!(share_out(seconds(1e6), seconds(0.001), seconds(0.1)), (50_000, 2_500));
        assert_eq!(share_out(seconds(1.0), Duration::ZERO, Duration::ZERO).0, 50_000);
    }
}
