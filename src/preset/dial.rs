//! What lies beside a value: every setting as a dial that turns in steps, by the range that it is listed with.

use crate::link::settings::Settings;
use crate::music::pitch::{Pitch, PitchClass};
use crate::preset::parameter::{Listed, ParameterError, set_one};

/// Fine enough to hear, coarse enough to get through a range with arrow keys.
const REAL_STEP: f64 = 0.05;

/// The values of a setting, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum Dial {
    /// One of these words. Behind the last comes the first where they are no scale.
    Words {
        /// As they are typed.
        words: Vec<String>,
        /// Whether it goes round.
        round: bool,
    },
    /// A number.
    Number {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// From one to the next.
        step: f64,
    },
}

impl Dial {
    /// The dial of a setting.
    pub fn of(listed: &Listed) -> Self {
        if let Some((low, high)) = numbers(listed.range) {
            let real = matches!(listed.unit, "share" | "factor");
            return Self::Number { low, high, step: if real { REAL_STEP } else { 1.0 } };
        }
        let words = listed.range.split(',').map(str::trim);
        let round = words.clone().all(|word| !word.contains(".."));
        Self::Words { words: words.flat_map(unfolded).collect(), round }
    }

    /// The value so many steps behind another, or before it; the ends of a scale are its last values.
    pub fn turned(&self, value: &str, steps: i32) -> String {
        match self {
            Self::Words { words, round } => {
                let count = words.len().max(1) as i64;
                let at = words.iter().position(|w| w == value).unwrap_or(0) as i64;
                let to = at + i64::from(steps);
                let to = if *round { to.rem_euclid(count) } else { to.clamp(0, count - 1) };
                words.get(to as usize).cloned().unwrap_or_default()
            }
            Self::Number { low, high, step } => {
                let value: f64 = value.parse().unwrap_or(*low);
                let to = ((value / step).round() + f64::from(steps)) * step;
                // Hundredths: the step has no exact binary form.
                ((to.clamp(*low, *high) * 100.0).round() / 100.0).to_string()
            }
        }
    }

    /// How far a value is from the first to the last, 0 to 1; none where there is no way between them.
    pub fn share(&self, value: &str) -> Option<f64> {
        let share = match self {
            Self::Words { round: true, .. } => return None,
            Self::Words { words, .. } => {
                let at = words.iter().position(|w| w == value)?;
                at as f64 / (words.len().max(2) - 1) as f64
            }
            Self::Number { low, high, .. } => {
                (value.parse::<f64>().ok()? - low) / (high - low).max(f64::MIN_POSITIVE)
            }
        };
        share.is_finite().then(|| share.clamp(0.0, 1.0))
    }
}

/// These settings with one of them changed.
///
/// # Errors
/// As [`set_one`]; and where the change would make settings contradict each other.
pub fn changed(settings: &Settings, name: &str, value: &str) -> Result<Settings, ParameterError> {
    let mut changed = *settings;
    set_one(&mut changed, name, value)?;
    if changed.register_low > changed.register_high {
        return Err(ParameterError::Crossed);
    }
    Ok(changed)
}

fn numbers(range: &str) -> Option<(f64, f64)> {
    let (low, high) = range.split_once("..")?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

/// A word, or all words of a span of numbers, keys or note names.
fn unfolded(word: &str) -> Vec<String> {
    let Some((low, high)) = word.split_once("..") else { return vec![word.to_owned()] };
    if let (Ok(low), Ok(high)) = (low.parse::<u16>(), high.parse::<u16>()) {
        return (low..=high).map(|n| n.to_string()).collect();
    }
    if let (Ok(low), Ok(high)) = (low.parse::<Pitch>(), high.parse::<Pitch>()) {
        return (low.number()..=high.number()).map(|n| Pitch::new(n).to_string()).collect();
    }
    match (low.parse::<PitchClass>(), high.parse::<PitchClass>()) {
        (Ok(low), Ok(high)) => {
            (low.number()..=high.number()).map(|n| PitchClass::new(n).to_string()).collect()
        }
        _ => vec![word.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::parameter::{PARAMETERS, list};

    fn listed(name: &str, settings: &Settings) -> Listed {
        list(settings).into_iter().find(|l| l.name == name).unwrap()
    }

    #[test]
    fn every_dial_turns_from_end_to_end() {
        for parameter in PARAMETERS {
            // The widest register, so that neither end crosses the other.
            let mut settings = Settings::default();
            for assignment in ["register-low=A0", "register-high=C8"] {
                crate::preset::parameter::set(&mut settings, assignment).unwrap();
            }
            let name = parameter.name;
            let dial = Dial::of(&listed(name, &settings));
            let mut seen = std::collections::BTreeSet::new();
            for by in [-70_000, 1, 1, 1, 10, 70_000, -1, 1] {
                let value = dial.turned(&listed(name, &settings).value, by);
                settings = changed(&settings, name, &value).unwrap_or_else(|e| panic!("{e}"));
                let now = listed(name, &settings).value;
                assert_eq!(now, value, "{name} takes what its dial says");
                if let Some(share) = dial.share(&now) {
                    assert!((0.0..=1.0).contains(&share), "{name} {now} {share}");
                    assert!(by != -70_000 || share < 1e-9, "{name} {now} {share}");
                    assert!(by != 70_000 || share > 1.0 - 1e-6, "{name} {now} {share}");
                }
                seen.insert(now);
            }
            assert!(seen.len() >= 2, "{name}: {seen:?}");
        }
    }

    #[test]
    fn steps_are_what_a_hand_expects() {
        let settings = Settings::default();
        for (name, value, by, next) in [
            ("temperature", "0.9", 1, "0.95"),
            ("temperature", "0.9", -100, "0.05"),
            ("density", "0", -1, "-0.05"),
            ("polyphony", "8", 1, "9"),
            ("tempo", "93.5", 10, "104"),
            ("register-low", "E1", 12, "E2"),
            ("key", "B", 1, "B"),
            ("scale", "chromatic", -1, "diminished"),
            ("freeze", "off", 1, "on"),
            ("freeze", "off", -1, "on"),
            ("input-channel", "all", 1, "1"),
        ] {
            assert_eq!(Dial::of(&listed(name, &settings)).turned(value, by), next, "{name}");
        }
    }

    #[test]
    fn registers_do_not_cross() {
        let settings = Settings::default();
        let error = changed(&settings, "register-low", "C8").unwrap_err();
        assert!(error.to_string().contains("register-high"), "{error}");
        assert!(changed(&settings, "register-low", "C4").is_ok());
        assert!(
            changed(&settings, "temperature", "7").unwrap_err().to_string().contains("0.05..2")
        );
    }
}
