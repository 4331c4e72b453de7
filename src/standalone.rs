//! Floor 5, the faces of the `sideman` program: what turns notes into sound, files and pictures.

#[cfg(feature = "standalone")]
pub mod act;
#[cfg(feature = "standalone")]
pub mod action;
#[cfg(feature = "standalone")]
pub mod arrivals;
#[cfg(feature = "standalone")]
pub mod audio_out;
#[cfg(feature = "standalone")]
pub mod card_face;
#[cfg(feature = "standalone")]
pub mod click;
#[cfg(feature = "standalone")]
pub mod clock_out;
#[cfg(feature = "standalone")]
pub mod conductor;
#[cfg(feature = "standalone")]
pub mod delay;
pub(crate) mod drawing;
#[cfg(feature = "standalone")]
pub mod held;
#[cfg(feature = "standalone")]
pub mod instrument;
#[cfg(feature = "standalone")]
pub mod jack_face;
#[cfg(feature = "standalone")]
pub mod jack_probe;
#[cfg(feature = "standalone")]
pub mod keyboards;
#[cfg(feature = "standalone")]
pub mod loopback;
#[cfg(feature = "standalone")]
pub mod midi_clock;
#[cfg(feature = "standalone")]
pub mod midi_out;
pub mod performance;
#[cfg(feature = "standalone")]
pub mod phrase;
#[cfg(feature = "standalone")]
pub mod roll;
#[cfg(feature = "standalone")]
pub mod roll_png;
#[cfg(feature = "standalone")]
pub mod roll_terminal;
#[cfg(feature = "standalone")]
pub mod sender;
#[cfg(feature = "standalone")]
pub mod session;
pub mod song;
#[cfg(feature = "standalone")]
pub mod sound;
#[cfg(feature = "standalone")]
pub mod sound_font;
#[cfg(feature = "standalone")]
pub mod stage;
#[cfg(feature = "standalone")]
pub mod synth;
#[cfg(feature = "standalone")]
pub mod wav;
#[cfg(feature = "standalone")]
pub mod wire;

pub(crate) mod whole_file;

/// Who plays a note. The synth has voices of its own, so the faces call the two musicians parts.
pub use crate::music::note::Voice as Part;
