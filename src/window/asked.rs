//! What the window asks for: whoever leads it does that.

use std::path::PathBuf;

/// A wish of whoever sits before the window.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// A control is taken hold of: hosts begin to write automation. The name is a setting's.
    Grab(&'static str),
    /// A setting gets this value, written as in a preset file. Comes between `Grab` and `LetGo`.
    Set(&'static str, String),
    /// The control is let go of.
    LetGo(&'static str),
    /// Everything falls silent.
    Panic,
    /// A beat is tapped.
    Tap,
    /// What was picked up from the player is to be forgotten.
    Forget,
    /// The preset at this place is to be put in place.
    TakePreset(usize),
    /// The settings are to be kept as a preset.
    SavePreset,
    /// The model at this place is to play.
    ChooseModel(usize),
    /// A file or folder was dropped on the window, or its path typed: a model folder is to play, a folder of MIDI files is
    /// to be offered for training.
    Open(PathBuf),
    /// The offered training is to begin, for about so many minutes.
    Train(u32),
    /// The training is to stop (what was learnt is kept), or its offer or outcome to leave the window.
    EndTraining,
    /// The machine's last bars are to be captured as a MIDI file.
    Capture(u32),
    /// The machine's last bars, all for 0, are to be captured and dragged out.
    DragOut(u32),
    /// The captured file is to be shown in the system's file browser.
    Reveal,
    /// The list of models and presets is to be read anew.
    Refresh,
    /// How large and in what colours the window is drawn is to be kept.
    Keep(crate::window::look::Look),
}
