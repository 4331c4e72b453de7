//! A setting by a dial: where a controller of 128 steps stands within what the setting takes.

use crate::link::settings::Settings;
use crate::music::pitch::{Pitch, PitchClass};
use crate::preset::parameter::{Parameter, set_one};

/// Steps of a controller.
const STEPS: usize = 128;

/// Turns a setting to a controller's value, 0 to 127: numbers over their range, words by zones, switches from 64 on.
pub fn turn(settings: &mut Settings, parameter: &Parameter, value: u8) {
    let value = value.min(127);
    if parameter.unit == "switch" {
        let word = if value < 64 { "off" } else { "on" };
        return put(settings, parameter, &[word.to_owned()]);
    }
    let Some((low, high)) = bounds(parameter.range) else {
        let words = words(parameter.range);
        let zone = usize::from(value) * words.len() / STEPS;
        return put(settings, parameter, &words[zone..=zone]);
    };
    let place = low + (high - low) * f64::from(value) / 127.0;
    // Where only whole numbers will do, the nearest.
    put(settings, parameter, &[format!("{place:.3}"), format!("{place:.0}")]);
}

/// The next word that a setting takes, the first after the last; `false` where it takes numbers.
pub fn step(settings: &mut Settings, parameter: &Parameter) -> bool {
    let words = words(parameter.range);
    if bounds(parameter.range).is_some() || words.is_empty() {
        return false;
    }
    let held = parameter.value(settings);
    let at = words.iter().position(|word| *word == held).map_or(0, |at| at + 1);
    put(settings, parameter, &words[at % words.len()..=at % words.len()]);
    true
}

/// The first text that the setting takes.
fn put(settings: &mut Settings, parameter: &Parameter, texts: &[String]) {
    let _ = texts.iter().find(|text| set_one(settings, parameter.name, text).is_ok());
}

/// The ends of a range of numbers, or of keys by their numbers.
fn bounds(range: &str) -> Option<(f64, f64)> {
    let (low, high) = range.split_once("..").filter(|_| !range.contains(','))?;
    let number = |text: &str| {
        let key = || text.parse::<Pitch>().ok().map(|p| f64::from(p.number()));
        text.parse().ok().or_else(key)
    };
    Some((number(low)?, number(high)?))
}

/// Every word of a list; ranges of whole numbers and of note names in it are counted out.
fn words(range: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in range.split(',').map(str::trim) {
        let Some((low, high)) = part.split_once("..") else {
            words.push(part.to_owned());
            continue;
        };
        if let (Ok(low), Ok(high)) = (low.parse::<u8>(), high.parse::<u8>()) {
            words.extend((low..=high).map(|n| n.to_string()));
        } else if let (Ok(low), Ok(high)) = (low.parse::<PitchClass>(), high.parse::<PitchClass>())
        {
            let classes = low.number()..=high.number();
            words.extend(classes.map(|n| PitchClass::new(n).to_string()));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::parameter::PARAMETERS;

    #[test]
    fn every_setting_turns_from_one_end_to_the_other() {
        for parameter in PARAMETERS {
            let mut values = Vec::new();
            for value in 0..=127 {
                let mut settings = Settings::default();
                turn(&mut settings, parameter, value);
                values.push(parameter.value(&settings));
            }
            values.dedup();
            assert!(values.len() >= 2, "{}: {values:?}", parameter.name);
            let range: Vec<&str> = parameter.range.split([',', '.']).map(str::trim).collect();
            let same =
                |value: &String, text: &str| match (value.parse::<f64>(), text.parse::<f64>()) {
                    (Ok(a), Ok(b)) => (a - b).abs() < 1e-6,
                    _ => value == text,
                };
            if !parameter.range.contains("0.05") && !parameter.range.contains("0.1") {
                let ends = [range[0], range[range.len() - 1]];
                let ends = if parameter.unit == "switch" { ["off", "on"] } else { ends };
                assert!(same(&values[0], ends[0]), "{}: {}", parameter.name, values[0]);
                let last = &values[values.len() - 1];
                assert!(same(last, ends[1]), "{}: {last}", parameter.name);
            }
        }
    }

    #[test]
    fn words_step_and_numbers_do_not() {
        let mut settings = Settings::default();
        let find = |name: &str| PARAMETERS.iter().find(|p| p.name == name).unwrap();
        let before = settings.mode;
        assert!(step(&mut settings, find("mode")));
        assert_ne!(settings.mode, before);
        for _ in 0..4 {
            step(&mut settings, find("mode"));
        }
        assert_eq!(settings.mode, before, "round once");
        let hold = settings.hold;
        assert!(step(&mut settings, find("hold")) && settings.hold != hold);
        assert!(!step(&mut settings, find("temperature")));
    }
}
