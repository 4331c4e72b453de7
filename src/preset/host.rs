//! What hosts show of the plugin beside the settings: its own controls, and readings that nobody sets.

use crate::link::settings::Settings;
use crate::preset::parameter::{self, Listed, Place};

/// A control or a reading of the plugin.
pub struct HostParameter {
    /// Its id, by which songs know it.
    pub name: &'static str,
    /// A sentence on what it does or tells.
    pub about: &'static str,
    /// The unit of its value, or what kind of word it takes.
    pub unit: &'static str,
    /// What it may be.
    pub range: &'static str,
    /// What it is at first.
    pub default: &'static str,
    /// [`Place::Plugin`] or [`Place::Reading`].
    pub place: Place,
}

const fn control(
    name: &'static str,
    about: &'static str,
    unit: &'static str,
    range: &'static str,
    default: &'static str,
) -> HostParameter {
    HostParameter { name, about, unit, range, default, place: Place::Plugin }
}

const fn reading(
    name: &'static str,
    about: &'static str,
    unit: &'static str,
    range: &'static str,
) -> HostParameter {
    HostParameter { name, about, unit, range, default: "0", place: Place::Reading }
}

/// All of them, in the order shown to users. Ids stay for good.
pub const HOST_PARAMETERS: &[HostParameter] = &[
    control(
        "preset",
        "Puts the settings of a preset in place at the moment when it is chosen.",
        "preset",
        "none, or a name that `sideman presets` lists",
        "none",
    ),
    control(
        "save-preset",
        "Keeps the settings as a preset of yours, named after date and time, when it is switched on.",
        "switch",
        "on, off",
        "off",
    ),
    control(
        "forget",
        "Forgets what it picked up from you, in this song too, when it is switched on.",
        "switch",
        "on, off",
        "off",
    ),
    control(
        "device",
        "Where the model runs; a device that can't be used leaves it to the CPU, and Status says why.",
        "device",
        "auto, cpu, cpu-f32, cuda, metal, candle-cpu",
        "auto",
    ),
    control(
        "panic",
        "Silences everything at the moment when it is switched on.",
        "switch",
        "on, off",
        "off",
    ),
    control(
        "tap",
        "Taps a beat each time it is switched on, where no transport rolls: the second tap sets the tempo.",
        "switch",
        "on, off",
        "off",
    ),
    control(
        "bypass",
        "The host's own bypass switch: your playing passes, Sideman is silent.",
        "switch",
        "on, off",
        "off",
    ),
    control(
        "render",
        "Lets blocks wait for the model where a host renders and does not say so; never for playing live.",
        "switch",
        "on, off",
        "off",
    ),
    HostParameter {
        name: "status",
        about: "Which model plays on which device, and what went wrong with another choice.",
        unit: "text",
        range: "idle, ready, note, device failed, model missing",
        default: "idle",
        place: Place::Reading,
    },
    reading("step-p50", "The usual time of a model step.", "us", "0..100000"),
    reading("step-p99", "The time that 99 of 100 model steps stay within.", "us", "0..100000"),
    reading("step-max", "The longest model step so far.", "us", "0..100000"),
    reading(
        "reaction-p50",
        "The usual time from a key of yours to the first note that takes it into account; the grid is in it.",
        "ms",
        "0..10000",
    ),
    reading(
        "reaction-p99",
        "The time from a key to the first note that knows of it, within which 99 of 100 come.",
        "ms",
        "0..10000",
    ),
    reading(
        "late-plans",
        "Ticks that came before the plan for them was ready.",
        "ticks",
        "0..1000000",
    ),
    reading("dropped-notes", "Notes of Sideman's that were left out.", "notes", "0..1000000"),
    reading("queue-in", "The most messages that ever waited for the model.", "messages", "0..4096"),
    reading(
        "queue-out",
        "The most messages that ever waited for the audio thread.",
        "messages",
        "0..4096",
    ),
];

/// The settings with their values, and after them what only the plugin has.
pub fn list() -> Vec<Listed> {
    let own = HOST_PARAMETERS.iter().map(|p| Listed {
        name: p.name,
        about: p.about,
        unit: p.unit,
        range: p.range,
        default: p.default.to_owned(),
        value: p.default.to_owned(),
        place: p.place,
    });
    parameter::list(&Settings::default()).into_iter().chain(own).collect()
}
