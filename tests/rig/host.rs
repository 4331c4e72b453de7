//! What a test asks of a host, whatever the plugin's format.

use sideman::live::block::Transport;
use sideman::music::event::TimedMidi;

/// The sample rate of every test, in hertz.
pub(crate) const RATE: f64 = 48_000.0;

/// The longest block that hosts announce here, in samples.
pub(crate) const MAX_FRAMES: u32 = 8_192;

/// Output events that a host takes in one block, where a test says nothing else.
pub(crate) const ROOM: usize = 16_384;

/// What a host runs the plugin's calls on the audio thread in, and nothing of its own but taking events.
pub(crate) type Guard = fn(&mut dyn FnMut());

/// A host with one instance of the plugin.
pub(crate) trait Host {
    /// What belongs to its audio thread.
    type Audio: Audio;
    /// Loads the plugin and makes an instance of it.
    fn open() -> Self
    where
        Self: Sized;
    /// The layout with an audio input (`true`) or the one without.
    fn choose_layout(&mut self, effect: bool);
    /// Activates and starts processing.
    fn activate(&mut self, offline: bool);
    /// Stops processing and deactivates.
    fn deactivate(&mut self);
    /// Asks for a reset in the middle of processing.
    fn reset(&mut self);
    /// Plays one block.
    fn process(&mut self, call: &Call<'_>) -> Answer;
    /// Output events that are taken in one block from now on.
    fn set_room(&mut self, room: usize);
    /// Every parameter that users see.
    fn params(&mut self) -> Vec<Param>;
    /// A parameter's value, 0 to 1.
    fn value(&mut self, id: u32) -> f64;
    /// What a host shows of a parameter that believes only what it is told: the value when the plugin was loaded,
    /// and then what the plugin has sent or asked to be read again. Lets the plugin do what it wants to on the main
    /// thread.
    fn shown(&mut self, id: u32) -> f64;
    /// Sets a parameter while nothing is active, as a user at the host's own controls does.
    fn set(&mut self, id: u32, value: f64);
    /// A value as text, with its unit if the format has it there.
    fn to_text(&mut self, id: u32, value: f64) -> String;
    /// The value that a text means, 0 to 1.
    fn to_value(&mut self, id: u32, text: &str) -> Option<f64>;
    /// The state as a host saves it.
    fn save(&mut self) -> Vec<u8>;
    /// Loads a state; whether the plugin took it.
    fn load(&mut self, state: &[u8]) -> bool;
    /// Samples of delay that the plugin reports.
    fn latency(&mut self) -> u32;
    /// Whatever else a host's main thread may ask while the audio thread plays.
    fn ask_around(&mut self);
    /// Lends what belongs to the audio thread to another thread. Until it is back this one is the main
    /// thread alone: it plays no blocks, and neither activates nor deactivates.
    fn lend(&mut self) -> Self::Audio;
    /// Takes back what was lent.
    fn take_back(&mut self, audio: Self::Audio);
}

/// What belongs to a host's audio thread, between activation and deactivation.
pub(crate) trait Audio: Send {
    /// Plays one block.
    fn process(&mut self, call: &Call<'_>) -> Answer;
    /// Asks for a reset in the middle of processing.
    fn reset(&mut self);
    /// Changes parameters between blocks.
    fn flush(&mut self, automation: &[(u32, &str, f64)]);
    /// Output events that are taken in one block from now on.
    fn set_room(&mut self, room: usize);
    /// Runs the plugin's calls in `guard` from now on.
    fn set_guard(&mut self, guard: Guard);
    /// Does this in the middle of the plugin's `process`, with every event that it sends.
    fn plant(&mut self, plant: fn());
}

/// One block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Call<'a> {
    /// Samples.
    pub(crate) frames: u32,
    /// The transport at the first sample.
    pub(crate) transport: Option<Transport>,
    /// What the player does.
    pub(crate) events: &'a [TimedMidi],
    /// Points of automation: sample, id, value from 0 to 1.
    pub(crate) automation: &'a [(u32, &'a str, f64)],
}

/// What came out of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The plugin's events as it sent them.
    pub(crate) events: Vec<TimedMidi>,
    /// New values of parameters that it told, by id, in the format's own span.
    pub(crate) told: Vec<(u32, f64)>,
    /// Its sound, by channel.
    pub(crate) sound: [Vec<f32>; 2],
}

/// What is in the buffers before a block: the input where there is one, else dirt.
pub(crate) const BEFORE: f32 = 0.25;

/// A parameter as hosts see it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Param {
    /// Its number.
    pub(crate) id: u32,
    /// Its name.
    pub(crate) name: String,
    /// Steps between the lowest and the highest value; 0 when there are none.
    pub(crate) steps: u32,
    /// Where it starts, 0 to 1.
    pub(crate) default: f64,
    /// Whether it is the host's bypass switch.
    pub(crate) is_bypass: bool,
    /// Whether hosts only show it.
    pub(crate) is_read_only: bool,
    /// Whether hosts can automate it.
    pub(crate) is_automatable: bool,
    /// Whether it is a list of names.
    pub(crate) is_menu: bool,
}

/// The number that the framework gives to a parameter of this name, in both formats.
pub(crate) fn param_id(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
        & 0x7fff_ffff
}
