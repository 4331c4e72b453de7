//! What can be asked for on stage with one gesture: a key of the terminal, a pedal, a controller.

use crate::link::settings::{Mode, Settings};
use crate::standalone::conductor::TimeKeeper;
use crate::standalone::stage::{Desk, Wish};

/// One gesture's wish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// The next mode, the first after the last.
    NextMode,
    /// The machine plays, or not.
    Active,
    /// A beat is now.
    Tap,
    /// The machine repeats its last two bars, or goes on.
    Freeze,
    /// The metronome clicks, or not.
    Click,
    /// Time is counted in and goes on evenly at the tempo that is set, or is the player's again.
    CountIn,
    /// The machine's next sound, the first after the last.
    NextSound,
    /// Everything that sounds ends.
    Panic,
    /// The last bars are kept.
    Capture,
    /// All since the beginning is kept.
    CaptureAll,
}

/// How loudly the metronome clicks where nobody said otherwise, of 1.
pub const CLICK: f32 = 0.7;

impl Action {
    /// Every action, in the order shown to users.
    pub const ALL: [Self; 10] = [
        Self::NextMode,
        Self::Active,
        Self::Tap,
        Self::Freeze,
        Self::Click,
        Self::CountIn,
        Self::NextSound,
        Self::Panic,
        Self::Capture,
        Self::CaptureAll,
    ];

    /// The key of the terminal.
    pub const fn key(self) -> char {
        match self {
            Self::NextMode => 'm',
            Self::Active => ' ',
            Self::Tap => 't',
            Self::Freeze => 'f',
            Self::Click => 'k',
            Self::CountIn => 'i',
            Self::NextSound => 's',
            Self::Panic => 'p',
            Self::Capture => 'c',
            Self::CaptureAll => 'C',
        }
    }

    /// What users read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NextMode => "mode",
            Self::Active => "on/off",
            Self::Tap => "tap",
            Self::Freeze => "freeze",
            Self::Click => "click",
            Self::CountIn => "count-in",
            Self::NextSound => "sound",
            Self::Panic => "panic",
            Self::Capture => "capture",
            Self::CaptureAll => "capture all",
        }
    }

    /// What it does, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::NextMode => "the next way of playing along",
            Self::Active => "Sideman plays, or only listens",
            Self::Tap => "a beat; two or more set tempo",
            Self::Freeze => "repeats two bars, or goes on",
            Self::NextSound => "the next sound for Sideman",
            Self::Click => "the metronome clicks, or not",
            Self::CountIn => "counts in, then keeps time",
            Self::Capture => "keeps the last bars as files",
            Self::CaptureAll => "keeps all since the beginning",
            Self::Panic => "ends everything that sounds",
        }
    }

    /// The action of a key.
    pub fn of_key(key: char) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.key() == key)
    }

    /// Asks the stage for it; `false` for what is the desk's own to do. Not for the audio thread.
    pub fn ask(self, desk: &mut Desk) -> bool {
        let changed = self.changed(desk.settings());
        let wish = match self {
            Self::NextSound => {
                let (mut sounds, patches) = (*desk.sounds(), desk.patches());
                let at = patches.iter().position(|p| *p == sounds.machine.patch);
                let next = at.map_or(0, |at| at + 1) % patches.len();
                sounds.machine.patch = patches[next];
                Wish::Sound(sounds)
            }
            Self::NextMode | Self::Active | Self::Freeze => Wish::Play(changed),
            Self::Tap => Wish::Tap,
            Self::Click if desk.click() > 0.0 => Wish::Click(0.0),
            Self::Click => Wish::Click(CLICK),
            Self::CountIn => Wish::KeepTime(match desk.time() {
                TimeKeeper::Metronome { .. } => TimeKeeper::Player,
                TimeKeeper::Player | TimeKeeper::MidiClock => {
                    if desk.click() == 0.0 {
                        desk.ask(Wish::Click(CLICK));
                    }
                    TimeKeeper::Metronome { count_in: desk.count_in() }
                }
            }),
            Self::Panic => Wish::Panic,
            Self::Capture | Self::CaptureAll => return false,
        };
        desk.ask(wish);
        true
    }

    /// The settings after it.
    pub fn changed(self, settings: &Settings) -> Settings {
        match self {
            Self::NextMode => {
                let at = Mode::ALL.iter().position(|m| *m == settings.mode).unwrap_or(0);
                Settings { mode: Mode::ALL[(at + 1) % Mode::ALL.len()], ..*settings }
            }
            Self::Active => Settings { active: !settings.active, ..*settings },
            Self::Freeze => Settings { freeze: !settings.freeze, ..*settings },
            Self::Tap
            | Self::Click
            | Self::CountIn
            | Self::NextSound
            | Self::Capture
            | Self::CaptureAll
            | Self::Panic => *settings,
        }
    }
}
