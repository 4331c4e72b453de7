//! Floor 5, the faces of the `sideman` program: what turns notes into sound, files and pictures.

pub mod audio_out;
pub mod midi_out;
pub mod performance;
pub mod phrase;
pub mod roll;
pub mod roll_png;
pub mod roll_terminal;
pub mod song;
pub mod sound;
pub mod synth;
pub mod wav;

mod whole_file;

/// Who plays a note. The synth has voices of its own, so the faces call the two musicians parts.
pub use crate::music::note::Voice as Part;
