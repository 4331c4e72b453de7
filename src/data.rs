//! Floor 3, the pieces: from folders of MIDI files to windows of tokens, and from pages of sheet music to rows. Imports `music` and `model`.

#[cfg(feature = "train")]
pub mod asks;
#[cfg(feature = "train")]
pub mod chorales;
#[cfg(any(feature = "standalone", feature = "train"))]
pub mod chord;
#[cfg(feature = "train")]
pub mod corpus;
#[cfg(feature = "train")]
pub mod frames;
#[cfg(feature = "train")]
pub mod guitar;
#[cfg(feature = "train")]
mod index;
#[cfg(feature = "train")]
mod kin;
pub mod midi_file;
#[cfg(any(feature = "standalone", feature = "window"))]
pub mod midi_out;
#[cfg(feature = "train")]
pub mod mix;
#[cfg(feature = "train")]
pub mod named;
#[cfg(feature = "train")]
pub mod pages;
#[cfg(feature = "train")]
pub mod parallel;
pub mod parts;
#[cfg(feature = "train")]
pub mod phrases;
#[cfg(feature = "train")]
pub mod player;
#[cfg(feature = "train")]
pub mod repeats;
#[cfg(feature = "train")]
pub mod roles;
#[cfg(feature = "train")]
pub mod rows;
#[cfg(feature = "train")]
pub mod shelf;
#[cfg(feature = "train")]
pub mod split;
#[cfg(feature = "train")]
pub mod stream;
pub mod timed;
#[cfg(feature = "train")]
pub mod timed_piece;
pub(crate) mod whole_file;
#[cfg(feature = "train")]
pub mod windows;
