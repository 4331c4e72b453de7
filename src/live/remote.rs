//! The mode by remote control: a key switch or a controller chooses it until the setting itself is moved.

use crate::link::settings::{Mode, Settings};
use crate::music::event::Midi;

/// The controller that chooses the mode: its 128 values are shared out evenly.
pub(crate) const MODE_CONTROLLER: u8 = 20;

/// The key switch that taps a beat: F-1, the first after those of the modes.
const TAP_KEY: u8 = Mode::ALL.len() as u8;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Remote {
    chosen: Option<Mode>,
    /// The mode that the settings had when it was chosen.
    instead_of: Option<Mode>,
}

impl Remote {
    /// The settings with the mode that was chosen last, by whichever way.
    pub(crate) fn apply(&mut self, mut settings: Settings) -> Settings {
        if self.instead_of != Some(settings.mode) || !settings.key_switches {
            self.chosen = None;
        }
        settings.mode = self.chosen.unwrap_or(settings.mode);
        settings
    }

    /// Whether an event taps a beat.
    pub(crate) fn taps(midi: Midi, set: &Settings) -> bool {
        set.key_switches && matches!(midi, Midi::NoteOn { key: TAP_KEY, .. })
    }

    /// Takes an event that chooses a mode. `set` are the settings as they are set, not as they are applied.
    /// `true`: the event was meant for us and nobody else.
    pub(crate) fn takes(&mut self, midi: Midi, set: &Settings) -> bool {
        if !set.key_switches {
            return false;
        }
        let chosen = match midi {
            Midi::NoteOn { key, .. } => Mode::ALL.get(usize::from(key)),
            Midi::NoteOff { key, .. } => return key <= TAP_KEY,
            Midi::Control { controller: MODE_CONTROLLER, value, .. } => {
                Mode::ALL.get(usize::from(value) * Mode::ALL.len() / 128)
            }
            _ => None,
        };
        if let Some(mode) = chosen {
            self.chosen = Some(*mode);
            self.instead_of = Some(set.mode);
        }
        chosen.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::event::Channel;

    fn key(key: u8) -> Midi {
        Midi::NoteOn { channel: Channel::new(0), key, velocity: 1 }
    }

    #[test]
    fn the_last_choice_counts() {
        let mut settings = Settings { key_switches: true, ..Settings::default() };
        let mut remote = Remote::default();
        assert!(remote.takes(key(2), &settings));
        assert_eq!(remote.apply(settings).mode, Mode::Trade);
        assert!(remote.takes(
            Midi::Control { channel: Channel::new(3), controller: 20, value: 127 },
            &settings
        ));
        assert_eq!(remote.apply(settings).mode, Mode::Solo);
        settings.mode = Mode::Answer;
        assert_eq!(
            remote.apply(settings).mode,
            Mode::Answer,
            "the setting was moved after the key"
        );
    }

    #[test]
    fn without_key_switches_low_keys_are_keys() {
        let mut remote = Remote::default();
        assert!(!remote.takes(key(2), &Settings::default()));
        assert!(!remote.takes(key(60), &Settings { key_switches: true, ..Settings::default() }));
    }
}
