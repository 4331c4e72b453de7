//! All that the window shows at one moment, whoever leads it: the plugin or the program.

use std::path::Path;
use std::time::Duration;

use crate::link::forecast::Choice;
use crate::link::settings::Settings;
use crate::music::key::Key;
use crate::music::note::Voice;
use crate::music::time::Tempo;

/// One moment of the music, and how the engine is doing.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What was played and what is planned, in any order.
    pub notes: &'a [SeenNote],
    /// Where chords begin, oldest first; a chord lasts until the next. An empty name: none is heard.
    pub chords: &'a [SeenChord],
    /// Where the music is, in quarter notes of the take.
    pub now_beats: f64,
    /// Whether time passes.
    pub running: bool,
    /// Whether a host's transport leads; else Sideman keeps time itself.
    pub host_leads: bool,
    /// How fast it goes.
    pub tempo: Tempo,
    /// A bar line: bars lie before and after it.
    pub bar_line_beats: f64,
    /// Quarter notes in a bar.
    pub bar_beats: f64,
    /// The settings that are played by.
    pub settings: &'a Settings,
    /// The key that is heard.
    pub key: Option<Key>,
    /// What the next machine note is chosen from.
    pub choice: Option<&'a Choice>,
    /// The models that can be chosen.
    pub models: &'a [ModelCard],
    /// The place of the one that plays among them.
    pub model: Option<usize>,
    /// Why the model that was chosen last does not play, in one line.
    pub model_problem: Option<&'a str>,
    /// The presets that can be chosen.
    pub presets: &'a [PresetCard],
    /// The place of the one that was chosen last.
    pub preset: Option<usize>,
    /// How the engine is doing.
    pub health: Health<'a>,
    /// The training that was started from the window.
    pub training: Option<&'a Training>,
    /// The file that was captured last.
    pub captured: Option<&'a Path>,
    /// The last thing that happened, in a sentence; empty for none.
    pub notice: &'a str,
    /// In what it runs.
    pub host: Host<'a>,
}

/// A note on the roll.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SeenNote {
    /// Who plays it.
    pub voice: Voice,
    /// When it begins, in quarter notes of the take.
    pub start_beats: f64,
    /// How many quarter notes it lasts; a note that still sounds lasts until now.
    pub len_beats: f64,
    /// MIDI key number, 0 to 127.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// How sure it is.
    pub stage: Stage,
}

/// How sure a note is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It sounds, or has sounded.
    Played,
    /// It will sound unless something is switched off: nothing that is played now changes it any more.
    Committed,
    /// It may yet be withdrawn.
    Planned,
}

/// Where a chord begins.
#[derive(Clone, PartialEq, Debug)]
pub struct SeenChord {
    /// In quarter notes of the take.
    pub start_beats: f64,
    /// Such as `Am7`; empty where none is heard.
    pub name: String,
}

/// A model as the browser shows it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ModelCard {
    /// What it is called.
    pub name: String,
    /// Its folder; none for the one that Sideman carries.
    pub folder: Option<std::path::PathBuf>,
    /// What it was trained to do, such as `duet`.
    pub recipe: String,
    /// Weights in it.
    pub parameters: usize,
    /// Pieces and notes that it was trained on.
    pub pieces: usize,
    /// See `pieces`.
    pub notes: usize,
    /// How well it foretells music that it never saw, in nats a note: lower is better.
    pub nats_per_note: Option<f64>,
    /// The styles that it knows by name; the first is number 1.
    pub styles: Vec<String>,
    /// Where its music comes from: name and licence.
    pub sources: Vec<(String, String)>,
    /// Why it cannot be used, where it cannot.
    pub problem: Option<String>,
}

/// A preset as the browser shows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PresetCard {
    /// What it is called.
    pub name: String,
    /// A sentence on it.
    pub about: String,
    /// The mode that it plays in.
    pub mode: &'static str,
    /// Whether it is the user's own.
    pub own: bool,
}

/// How the engine is doing.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Health<'a> {
    /// From a key of the player to the first machine note that could know of it: the usual and the 99th percentile.
    pub answer: Option<[Duration; 2]>,
    /// The worker's part of that.
    pub reaction: Option<[Duration; 2]>,
    /// One step of the model.
    pub step: Option<[Duration; 2]>,
    /// Machine notes that sounded.
    pub played: u64,
    /// The player's notes that were heard.
    pub heard: u64,
    /// Plans and notes that came too late.
    pub late: u64,
    /// Machine notes that were left out.
    pub dropped: u64,
    /// Output events that the host did not take.
    pub refused: u64,
    /// Where the model runs, such as `CPU`.
    pub device: &'a str,
    /// Why it does not run where it was to.
    pub device_problem: Option<&'a str>,
    /// The share of one core that model and audio callback take, 0 to 1.
    pub cpu: Option<f32>,
    /// Whether the host calls the plugin at all (its engine runs).
    pub active: bool,
    /// Since the last note of the player arrived; none before the first.
    pub since_heard: Option<Duration>,
}

/// A training that was started from the window.
#[derive(Clone, PartialEq, Debug)]
pub struct Training {
    /// The name of the model to be.
    pub name: String,
    /// What is done now, in a few words.
    pub doing: String,
    /// How far it is, 0 to 1; none while that is not known.
    pub share: Option<f32>,
    /// The time that is left, as far as that can be foretold.
    pub left: Option<Duration>,
    /// Loss in nats a note by share of the training.
    pub losses: Vec<[f32; 2]>,
    /// How it stands.
    pub state: TrainingState,
}

/// How a training stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrainingState {
    /// The folder was dropped; whether to train is for the player to say.
    Offered,
    /// It runs.
    Running,
    /// It is done, and its model plays.
    Done,
    /// It was called off; what was learnt so far is kept.
    Stopped,
    /// It failed, and why.
    Failed(String),
}

/// In what the window runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Host<'a> {
    /// The host's own name, such as `Ableton Live`; empty for the program `sideman`.
    pub name: &'a str,
    /// Whether files can be dragged out of the window here.
    pub drags_out: bool,
    /// Whether host automation exists (gestures are told).
    pub automates: bool,
}
