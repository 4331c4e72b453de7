//! The readings: parameters that the plugin writes and hosts only show.
//!
//! The framework has no such parameters, so they are not among its own: the entries of both formats add them
//! behind those (`plugin::clap_face`, `plugin::vst3_face`). They are in no saved state.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::link::histogram::Histogram;
use crate::link::meter::Meter;

/// How many there are.
pub(crate) const COUNT: usize = READINGS.len();

/// A reading as hosts see it; its sentence is in [`crate::preset::host`].
pub(crate) struct Reading {
    /// Its id among the parameters.
    pub(crate) id: &'static str,
    /// What hosts show.
    pub(crate) name: &'static str,
    /// The unit, behind a space in texts.
    pub(crate) unit: &'static str,
    /// The highest value; the lowest is 0.
    pub(crate) max: f64,
    /// Digits behind the point.
    digits: usize,
    /// Whether it is a choice of texts.
    pub(crate) is_status: bool,
}

const fn number(
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    max: f64,
    digits: usize,
) -> Reading {
    Reading { id, name, unit, max, digits, is_status: false }
}

/// All of them, in the order shown.
pub(crate) const READINGS: [Reading; 10] = [
    Reading {
        id: "status",
        name: "Status",
        unit: "",
        max: (Kind::ALL.len() - 1) as f64,
        digits: 0,
        is_status: true,
    },
    number("step-p50", "Model step", "us", 100_000.0, 0),
    number("step-p99", "Model step, 99 of 100", "us", 100_000.0, 0),
    number("step-max", "Model step, longest", "us", 100_000.0, 0),
    number("reaction-p50", "Reaction", "ms", 10_000.0, 1),
    number("reaction-p99", "Reaction, 99 of 100", "ms", 10_000.0, 1),
    number("late-plans", "Late plans", "", 1_000_000.0, 0),
    number("dropped-notes", "Dropped notes", "", 1_000_000.0, 0),
    number("queue-in", "Longest queue to the model", "", 4_096.0, 0),
    number("queue-out", "Longest queue from the model", "", 4_096.0, 0),
];

/// What the status is about; the later, the more pressing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Kind {
    /// Not active, or the first model is being loaded.
    #[default]
    Idle,
    /// All is as it was asked for.
    Ready,
    /// Something happened that a musician wants to know.
    Note,
    /// Another device than the one that was asked for.
    Device,
    /// Another model than the one that was asked for.
    Model,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Idle, Self::Ready, Self::Note, Self::Device, Self::Model];

    /// What it says where the present message is of another kind.
    const fn text(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Ready => "Ready",
            Self::Note => "Note",
            Self::Device => "Device failed",
            Self::Model => "Model missing",
        }
    }
}

/// The present values. Written off the audio thread, read by every thread.
#[derive(Debug, Default)]
pub(crate) struct Values {
    numbers: [AtomicU64; COUNT],
    status: Mutex<(Kind, String)>,
}

impl Values {
    /// A value in its own unit.
    ///
    /// Any thread. No allocation, lock or system call.
    pub(crate) fn get(&self, index: usize) -> f64 {
        self.numbers.get(index).map_or(0.0, |bits| f64::from_bits(bits.load(Relaxed)))
    }

    fn set(&self, index: usize, value: f64) {
        if let (Some(bits), Some(reading)) = (self.numbers.get(index), READINGS.get(index)) {
            bits.store(value.clamp(0.0, reading.max).to_bits(), Relaxed);
        }
    }

    /// Takes over what the meter shows.
    pub(crate) fn read(&self, meter: &Meter) {
        let micros = |h: &Histogram, q| h.quantile(q).map_or(0.0, |d| d.as_secs_f64() * 1e6);
        let numbers = [
            micros(&meter.step, 0.5),
            micros(&meter.step, 0.99),
            meter.step.longest().as_secs_f64() * 1e6,
            micros(&meter.answer, 0.5) / 1e3,
            micros(&meter.answer, 0.99) / 1e3,
            meter.late_plans.load(Relaxed) as f64,
            meter.dropped() as f64,
            meter.to_worker.most() as f64,
            meter.to_audio.most() as f64,
        ];
        for (index, value) in (1..).zip(numbers) {
            self.set(index, value);
        }
    }

    /// Says something new of the status; whether it is new.
    pub(crate) fn say(&self, kind: Kind, text: String) -> bool {
        let mut status = self.status.lock();
        if status.0 == kind && status.1 == text {
            return false;
        }
        *status = (kind, text);
        self.set(0, f64::from(kind as u8));
        true
    }

    /// A value as musicians read it; with its unit where the format has it there.
    pub(crate) fn to_text(&self, index: usize, value: f64, with_unit: bool) -> String {
        let Some(reading) = READINGS.get(index) else { return String::new() };
        if reading.is_status {
            let kind = kind_of(value);
            let status = self.status.lock();
            return if status.0 == kind && !status.1.is_empty() {
                status.1.clone()
            } else {
                kind.text().to_owned()
            };
        }
        let unit = if with_unit && !reading.unit.is_empty() { reading.unit } else { "" };
        let digits = reading.digits;
        format!("{value:.digits$} {unit}").trim_end().to_owned()
    }

    /// The value that a text means.
    pub(crate) fn to_value(&self, index: usize, text: &str) -> Option<f64> {
        let reading = READINGS.get(index)?;
        let text = text.trim();
        if reading.is_status {
            let said = |kind: &Kind| self.to_text(index, f64::from(*kind as u8), false) == text;
            return Kind::ALL.into_iter().find(said).map(|kind| f64::from(kind as u8));
        }
        let number: f64 = text.strip_suffix(reading.unit).unwrap_or(text).trim().parse().ok()?;
        (0.0..=reading.max).contains(&number).then_some(number)
    }
}

fn kind_of(value: f64) -> Kind {
    Kind::ALL.get(value.round().max(0.0) as usize).copied().unwrap_or(Kind::Model)
}

/// The values that a host has been told.
#[derive(Debug)]
pub(crate) struct Told([AtomicU64; COUNT]);

impl Default for Told {
    fn default() -> Self {
        // No value has these bits, so that each is told at first.
        Self(std::array::from_fn(|_| AtomicU64::new(u64::MAX)))
    }
}

impl Told {
    /// Tells what is new. `tell` takes a place among the readings and a value, or refuses for now.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn catch_up(&self, values: &Values, mut tell: impl FnMut(usize, f64) -> bool) {
        for (index, told) in self.0.iter().enumerate() {
            let value = values.get(index);
            if told.load(Relaxed) != value.to_bits() && tell(index, value) {
                told.store(value.to_bits(), Relaxed);
            }
        }
    }
}

/// The number of a parameter in both formats, made of its id as the framework makes it.
pub(crate) const fn number_of(id: &str) -> u32 {
    let bytes = id.as_bytes();
    let (mut hash, mut i) = (0_u32, 0);
    while i < bytes.len() {
        hash = hash.wrapping_mul(31).wrapping_add(bytes[i] as u32);
        i += 1;
    }
    hash & 0x7fff_ffff
}

/// The reading of this number.
pub(crate) fn place_of(number: u32) -> Option<usize> {
    READINGS.iter().position(|reading| number_of(reading.id) == number)
}

/// Whether a parameter is a list of names, to be shown as a menu.
pub(crate) fn is_menu(number: u32) -> bool {
    ["preset", "device", "mode", "scale", "grid"].into_iter().any(|id| number_of(id) == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::host::HOST_PARAMETERS;
    use crate::preset::parameter::Place;

    #[test]
    fn every_reading_is_described() {
        let described: Vec<&str> =
            HOST_PARAMETERS.iter().filter(|p| p.place == Place::Reading).map(|p| p.name).collect();
        assert_eq!(READINGS.map(|r| r.id).to_vec(), described);
        for (reading, described) in READINGS
            .iter()
            .filter(|r| !r.is_status)
            .map(|r| (r, HOST_PARAMETERS.iter().find(|p| p.name == r.id).unwrap()))
        {
            assert_eq!(described.range, format!("0..{}", reading.max));
        }
    }

    #[test]
    fn the_status_is_told_in_full() {
        let values = Values::default();
        assert!(values.say(Kind::Model, "The model 'x' is missing".to_owned()));
        assert!(!values.say(Kind::Model, "The model 'x' is missing".to_owned()));
        assert_eq!(values.to_text(0, values.get(0), true), "The model 'x' is missing");
        assert_eq!(values.to_text(0, 1.0, true), "Ready");
        assert_eq!(values.to_value(0, "The model 'x' is missing"), Some(4.0));
        assert_eq!(values.to_value(0, "Note"), Some(2.0));
        assert_eq!(values.to_value(0, "nonsense"), None);
    }

    #[test]
    fn a_host_is_told_once_and_again_after_it_refused() {
        let (values, told) = (Values::default(), Told::default());
        let mut count = 0;
        told.catch_up(&values, |_, _| {
            count += 1;
            false
        });
        told.catch_up(&values, |_, _| {
            count += 1;
            true
        });
        told.catch_up(&values, |_, _| {
            count += 1;
            true
        });
        assert_eq!(count, 2 * COUNT);
        let meter = Meter::default();
        Meter::count(&meter.late_plans);
        values.read(&meter);
        let mut news = Vec::new();
        told.catch_up(&values, |index, value| {
            news.push((READINGS[index].id, value));
            true
        });
        assert_eq!(news, [("late-plans", 1.0)]);
    }
}
