//! Floor 0, the ground: music as pure values. No I/O, no clock, no thread, no tensor.

pub mod ask;
pub mod chord;
pub mod context;
pub mod decode;
pub mod encode;
pub mod event;
pub mod harmony;
pub mod hearing;
pub mod key;
pub mod name;
pub mod note;
pub mod pitch;
pub mod roll;
pub mod scale;
pub mod time;
pub mod token;
