//! How the window is drawn: its size and its colours, kept in a file for the next one.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::whole_file;
use crate::preset::folder;

/// The least and the greatest zoom.
pub const ZOOM: [f32; 2] = [0.75, 3.0];

/// The least width and height in points.
pub const LEAST_SIZE: [f32; 2] = [640.0, 420.0];

/// The greatest width and height in points that are kept: more is no screen.
const MOST_SIZE: [f32; 2] = [8_000.0, 6_000.0];

/// More than this is no file of ours.
const MAX_BYTES: u64 = 4_096;

/// The ground that is drawn on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Light on dark.
    #[default]
    Dark,
    /// Dark on light.
    Light,
}

/// How the window is drawn.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Factor on everything, within [`ZOOM`].
    pub zoom: f32,
    /// The ground.
    pub ground: Ground,
    /// Width and height in points at zoom 1.
    pub size: [f32; 2],
}

impl Default for Look {
    fn default() -> Self {
        Self { zoom: 1.0, ground: Ground::default(), size: [1040.0, 680.0] }
    }
}

impl Look {
    /// The look that was kept last; the usual one where none was, or where it cannot be read.
    pub fn open() -> Self {
        let small = |path: &PathBuf| {
            path.metadata().is_ok_and(|file| file.is_file() && file.len() <= MAX_BYTES)
        };
        let text =
            folder::window_file().filter(small).and_then(|p| std::fs::read_to_string(p).ok());
        text.and_then(|text| toml::from_str::<Self>(&text).ok()).unwrap_or_default().sane()
    }

    /// Keeps it for the next window.
    ///
    /// # Errors
    /// Where the system has no place for it, or the disk refuses.
    pub fn keep(self) -> io::Result<()> {
        let path = folder::window_file().ok_or(io::ErrorKind::NotFound)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = toml::to_string(&self.sane()).map_err(io::Error::other)?;
        whole_file::write(&path, text.as_bytes())
    }

    /// The same within its bounds.
    #[must_use]
    pub fn sane(self) -> Self {
        let default = Self::default();
        let within = |x: f32, low: f32, high: f32, usual: f32| {
            if x.is_finite() { x.clamp(low, high) } else { usual }
        };
        let side = |n: usize| within(self.size[n], LEAST_SIZE[n], MOST_SIZE[n], default.size[n]);
        Self {
            zoom: within(self.zoom, ZOOM[0], ZOOM[1], default.zoom),
            size: [side(0), side(1)],
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_read_as_it_was_written_and_nonsense_is_bounded() {
        let look = Look { zoom: 1.5, ground: Ground::Light, size: [900.0, 600.0] };
        let text = toml::to_string(&look).unwrap();
        assert_eq!(toml::from_str::<Look>(&text).unwrap(), look);
        assert_eq!(toml::from_str::<Look>("").unwrap(), Look::default());
        let wild = Look { zoom: f32::NAN, size: [1.0, 1e9], ..look };
        assert_eq!(wild.sane(), Look { zoom: 1.0, size: [640.0, 6_000.0], ..look });
    }
}
