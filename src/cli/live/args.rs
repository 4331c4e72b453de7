//! What `sideman` alone takes.

use std::path::PathBuf;

use clap::Args;

use crate::cli::live::time_args::TimeArgs;
use crate::cli::sideman::Playing;
use crate::cli::sound_args::SoundArgs;
#[cfg(feature = "window")]
use crate::window::page::Page;

/// What `sideman` alone takes.
#[derive(Args, Debug)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    pub(super) playing: Playing,
    #[command(flatten)]
    pub(super) gear: GearArgs,
    #[command(flatten)]
    pub(super) time: TimeArgs,
    /// What a pedal, knob or pad of yours does: cc64=take-over (silent while held), key36=mode, cc1@2=temperature (on channel
    /// 2), cc80=capture. Any setting or gesture; it is no longer heard as music. May be repeated
    #[arg(long, help_heading = "Your hands", value_name = "CONTROL=WHAT")]
    pub(super) learn: Vec<String>,
    /// Listen to this MIDI channel only. May be repeated; default: all
    #[arg(long, help_heading = "Your hands", value_name = "1-16", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(super) channel: Vec<u8>,
    /// Take options from this file, before those that are typed; default: sideman.toml, see `sideman config`
    #[arg(long, help_heading = "Options that stay", value_name = "FILE.toml")]
    pub(super) config: Option<PathBuf>,
    /// Take no options from a file
    #[arg(long, help_heading = "Options that stay", conflicts_with = "config")]
    pub(super) no_config: bool,
    /// Keep the options that are typed in the file; its comments are written anew
    #[arg(long, help_heading = "Options that stay", conflicts_with = "no_config")]
    pub(crate) save_config: bool,
    /// Print a line a bar instead of the scrolling piano roll
    #[arg(long, help_heading = "What it shows and keeps")]
    pub(super) headless: bool,
    /// Open a window: the roll, what the next note is chosen from, every control, models and presets
    #[cfg(feature = "window")]
    #[arg(long, help_heading = "What it shows and keeps")]
    pub(super) window: bool,
    /// With --window: the page to begin with: models, presets, capture, health or look
    #[cfg(feature = "window")]
    #[arg(long, help_heading = "What it shows and keeps", value_name = "PAGE", requires = "window", value_parser = page)]
    pub(super) page: Option<Page>,
    /// With --window: open this folder at once: a model is played, MIDI files are offered to learn from
    #[cfg(feature = "window")]
    #[arg(long, help_heading = "What it shows and keeps", value_name = "DIR", requires = "window")]
    pub(super) open: Option<PathBuf>,
    /// End after this many seconds
    #[arg(long, help_heading = "What it shows and keeps", value_name = "N")]
    pub(super) seconds: Option<f64>,
    /// Where both parts go in the end, as a MIDI file; default: the first free of sideman-1.mid, sideman-2.mid, ...
    #[arg(long, help_heading = "What it shows and keeps", value_name = "OUT.mid")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) sound: SoundArgs,
    /// Bars that the key c keeps, with the one under way; 0 keeps all since the beginning, as C does
    #[arg(long, help_heading = "What it shows and keeps", value_name = "N", default_value_t = 16)]
    pub(super) capture_bars: u32,
    /// Minutes of sound that are remembered for what is kept, 11.5 MB of memory each; 0 keeps MIDI only
    #[arg(long, help_heading = "What it shows and keeps", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=600))]
    pub(super) wav_minutes: u32,
    /// Play the melody of a MIDI file to Sideman as if by hand, to rehearse without a keyboard
    #[arg(long, help_heading = "Your hands", value_name = "FILE.mid", conflicts_with = "jack")]
    pub(super) play_in: Option<PathBuf>,
}

/// The page of this name.
#[cfg(feature = "window")]
fn page(name: &str) -> Result<Page, String> {
    let found = Page::ALL.into_iter().find(|page| page.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| "there is models, presets, capture, health and look".to_owned())
}

/// What it plays on.
#[derive(Args, Debug)]
#[command(next_help_heading = "What it plays on")]
pub(super) struct GearArgs {
    /// Listen only to keyboards whose names hold these words. May be repeated; default: all
    #[arg(long, value_name = "WORDS")]
    pub(super) from: Vec<String>,
    /// Play to the MIDI output whose name holds these words too, besides the built-in sound
    #[arg(long, value_name = "WORDS")]
    pub(super) to: Option<String>,
    /// The sound card whose name holds these words; default: the system's choice
    #[arg(long, value_name = "WORDS")]
    pub(super) card: Option<String>,
    /// Samples in the sound card's buffer; smaller is faster; default: the system's choice
    #[arg(long, value_name = "SAMPLES")]
    pub(super) buffer: Option<u32>,
    /// Pass what you play on to the MIDI output too
    #[arg(long)]
    pub(super) pass_on: bool,
    /// Be a client of the JACK server that runs: sound and MIDI with exact times
    #[arg(long, conflicts_with_all = ["from", "to", "card", "buffer", "silent"])]
    pub(super) jack: bool,
    /// With --jack: leave all ports unconnected
    #[arg(long, requires = "jack")]
    pub(super) loose: bool,
    /// No sound: MIDI only
    #[arg(long)]
    pub(super) silent: bool,
}
