//! Settings as the window names, groups and writes them; when each counts; what a typed value means.

use crate::link::settings::{Mode, Settings};
use crate::music::time::TICKS_PER_BEAT;
use crate::preset::dial::Dial;
use crate::preset::parameter::Listed;

/// A group of settings.
pub(super) struct Group {
    /// What it is called.
    pub(super) name: &'static str,
    /// Its settings: as they are typed, and as they are called in the plugin too.
    pub(super) settings: &'static [(&'static str, &'static str)],
}

/// All settings but mode, active and freeze, which have places of their own, as a musician thinks of them.
pub(super) const GROUPS: [Group; 5] = [
    Group {
        name: "Character",
        settings: &[
            ("temperature", "Temperature"),
            ("top-p", "Choose from the likeliest"),
            ("density", "Note density"),
            ("repeat-guard", "Avoid repeats"),
            ("learning", "Learn from me"),
            ("style", "Style of the model"),
            ("follow-style", "Follow the style that is heard"),
        ],
    },
    Group {
        name: "Pitch",
        settings: &[
            ("key", "Key"),
            ("scale", "Scale"),
            ("follow-key", "Follow the key that is heard"),
            ("chord-lock", "Keep to the chord that is held"),
            ("register-low", "Lowest note"),
            ("register-high", "Highest note"),
            ("voices", "Harmony voices"),
        ],
    },
    Group {
        name: "Time",
        settings: &[
            ("tempo", "Tempo without a host's"),
            ("follow-tempo", "Follow the tempo without a host's"),
            ("grid", "Grid"),
            ("swing", "Swing"),
            ("reaction", "Reaction time"),
            ("phrase-gap", "Phrase ends after"),
            ("trade-bars", "Trade bars"),
            ("machine-first", "Sideman trades first"),
        ],
    },
    Group {
        name: "Dynamics",
        settings: &[
            ("velocity-follow", "Follow my dynamics"),
            ("follow-energy", "Follow my energy"),
            ("humanise", "Humanise"),
            ("note-length", "Note length"),
            ("polyphony", "Notes at once"),
            ("hold", "Hold what sounds"),
        ],
    },
    Group {
        name: "MIDI",
        settings: &[
            ("input-channel", "Listen to channel"),
            ("output-channel", "Play on channel"),
            ("thru", "Pass my playing on"),
            ("key-switches", "Low keys choose the mode"),
            ("seed", "Random seed"),
        ],
    },
];

/// What a mode does, in a line.
pub(super) const fn meaning(mode: Mode) -> &'static str {
    match mode {
        Mode::Accompany => "Plays under you at the same time.",
        Mode::Answer => {
            "Waits for your phrase to end, continues it, and yields as soon as you play."
        }
        Mode::Trade => "Trades turns of 1 to 16 bars with you.",
        Mode::Harmonise => "Joins each of your notes at once and lets go with it.",
        Mode::Solo => "Goes on by itself until you take over.",
    }
}

/// How a setting is worked.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// On or off.
    Switch,
    /// One of a few words.
    Choice(Vec<String>),
    /// From a least to a greatest value.
    Turn,
}

impl Kind {
    /// More words than this are turned through rather than listed.
    const MOST_WORDS: usize = 20;

    /// How a setting is worked. Styles are those that the model knows.
    pub(super) fn of(listed: &Listed, styles: &[String]) -> Self {
        if listed.range == "on, off" {
            return Self::Switch;
        }
        if listed.name == "style" {
            let known = (1..=styles.len()).map(|style| style.to_string());
            let mut words: Vec<_> = std::iter::once("own".to_owned()).chain(known).collect();
            if !words.contains(&listed.value) {
                words.push(listed.value.clone());
            }
            return Self::Choice(words);
        }
        match Dial::of(listed) {
            Dial::Words { words, .. } if words.len() <= Self::MOST_WORDS => Self::Choice(words),
            Dial::Words { .. } | Dial::Number { .. } => Self::Turn,
        }
    }
}

/// A value as a musician writes it.
pub(super) fn shown(listed: &Listed, value: &str, styles: &[String]) -> String {
    match (listed.name, listed.unit) {
        ("temperature", _) => rounded(value, 2),
        ("style", _) => style_name(value, styles),
        ("input-channel", _) if value == "all" => "All".to_owned(),
        ("tempo", _) => format!("{} BPM", rounded(value, 1)),
        (_, "share" | "factor") => {
            let percent = value.parse::<f64>().map_or(0.0, |share| (share * 100.0).round());
            format!("{} %", percent + 0.0)
        }
        (_, "twelfths of a beat") => beats(value),
        ("grid" | "scale", _) => capital(&value.replace('-', " ")),
        (_, "switch") => capital(value),
        _ => value.to_owned(),
    }
}

/// What is meant by a typed text, as it is written in a preset file. What is nonsense stays as it is: the setting itself says
/// what it takes.
pub(super) fn meant(listed: &Listed, text: &str) -> String {
    let text = text.trim();
    let number = |unit: &str| {
        let bare = text.strip_suffix(unit).unwrap_or(text).trim();
        bare.parse::<f64>().ok().filter(|n| n.is_finite())
    };
    let read = match (listed.name, listed.unit) {
        ("temperature", _) => number("").map(|n| n.to_string()),
        ("tempo", _) => number("BPM").or_else(|| number("bpm")).map(|n| n.to_string()),
        (_, "share" | "factor") => {
            number("%").map(|percent| ((percent * 100.0).round() / 10_000.0).to_string())
        }
        (_, "twelfths of a beat") => number("beats")
            .or_else(|| number("beat"))
            .map(|beats| (beats * TICKS_PER_BEAT as f64).round().to_string()),
        ("input-channel", _) => Some(text.to_lowercase()),
        _ => None,
    };
    read.unwrap_or_else(|| text.to_owned())
}

/// Why a setting does not count at present; none where it does.
pub(super) fn idle(name: &str, settings: &Settings, host_leads: bool) -> Option<&'static str> {
    let Settings { mode, .. } = settings;
    match name {
        "trade-bars" | "machine-first" if *mode != Mode::Trade => Some("Counts in Trade."),
        "voices" if *mode != Mode::Harmonise => Some("Counts in Harmonise."),
        "phrase-gap" if !matches!(mode, Mode::Answer | Mode::Solo) => {
            Some("Counts in Answer and Solo.")
        }
        // There each note of the player is answered as it comes: nothing is planned.
        "density" | "repeat-guard" | "learning" | "grid" | "swing" | "reaction" | "humanise"
        | "velocity-follow" | "follow-energy" | "note-length"
            if *mode == Mode::Harmonise =>
        {
            Some("Does not count in Harmonise.")
        }
        "key" | "scale" if settings.follow_key => {
            Some("The key that is heard is followed instead.")
        }
        "style" if settings.follow_style => Some("The style that is heard is followed instead."),
        "tempo" | "follow-tempo" if host_leads => Some("The host's transport leads."),
        _ => None,
    }
}

/// A style by its name.
fn style_name(value: &str, styles: &[String]) -> String {
    if value == "own" {
        return "Model's own".to_owned();
    }
    let place = value.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    place
        .and_then(|place| styles.get(place))
        .map_or_else(|| format!("{value} (unknown)"), |name| capital(name))
}

fn beats(ticks: &str) -> String {
    let beats = ticks.parse::<f64>().unwrap_or(0.0) / TICKS_PER_BEAT as f64;
    let beats = format!("{beats:.2}");
    match beats.trim_end_matches('0').trim_end_matches('.') {
        "1" => "1 beat".to_owned(),
        beats => format!("{beats} beats"),
    }
}

fn rounded(value: &str, digits: usize) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), |n| format!("{n:.digits$}"))
}

/// The text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::dial::changed;
    use crate::preset::parameter::{PARAMETERS, list};

    fn listed(name: &str, settings: &Settings) -> Listed {
        list(settings).into_iter().find(|l| l.name == name).unwrap()
    }

    #[test]
    fn every_setting_has_one_place() {
        let mut placed = vec!["mode", "active", "freeze"];
        placed.extend(GROUPS.iter().flat_map(|group| group.settings).map(|(name, _)| *name));
        placed.sort_unstable();
        let mut all: Vec<_> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
        all.sort_unstable();
        assert_eq!(placed, all);
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        let styles = ["pop".to_owned(), "jazz".to_owned()];
        let settings = Settings::default();
        for parameter in PARAMETERS {
            let listed = listed(parameter.name, &settings);
            if Kind::of(&listed, &styles) != Kind::Turn {
                continue;
            }
            let dial = Dial::of(&listed);
            for steps in [-1, 0, 1, 3] {
                let value = dial.turned(&listed.value, steps);
                let text = shown(&listed, &value, &styles);
                let read = meant(&listed, &text);
                let now = changed(&settings, listed.name, &read).unwrap_or_else(|e| panic!("{e}"));
                assert_eq!(
                    shown(&listed, &parameter.value(&now), &styles),
                    text,
                    "{}",
                    listed.name
                );
            }
        }
    }

    #[test]
    fn values_read_as_musicians_write_them() {
        let settings = Settings::default();
        for (name, value, text) in [
            ("temperature", "0.9", "0.90"),
            ("top-p", "0.95", "95 %"),
            ("density", "-0.05", "-5 %"),
            ("density", "-0", "0 %"),
            ("reaction", "1", "0.08 beats"),
            ("phrase-gap", "12", "1 beat"),
            ("tempo", "96", "96.0 BPM"),
            ("scale", "harmonic-minor", "Harmonic minor"),
            ("input-channel", "all", "All"),
            ("style", "2", "Jazz"),
            ("style", "own", "Model's own"),
            ("style", "7", "7 (unknown)"),
        ] {
            let styles = ["pop".to_owned(), "jazz".to_owned()];
            assert_eq!(shown(&listed(name, &settings), value, &styles), text, "{name}");
        }
        for (name, typed, value) in [
            ("top-p", "50", "0.5"),
            ("top-p", "50%", "0.5"),
            ("phrase-gap", "2", "24"),
            ("tempo", "93.5 bpm", "93.5"),
            ("register-low", " E2 ", "E2"),
            ("top-p", "lots", "lots"),
            ("input-channel", "ALL", "all"),
        ] {
            assert_eq!(meant(&listed(name, &settings), typed), value, "{name}");
        }
    }

    #[test]
    fn settings_of_other_modes_say_so() {
        let mut settings = Settings::default();
        assert!(idle("trade-bars", &settings, false).is_some());
        settings.mode = Mode::Trade;
        assert!(idle("trade-bars", &settings, false).is_none());
        assert!(idle("tempo", &settings, true).is_some());
        assert!(idle("temperature", &settings, true).is_none());
    }
}
