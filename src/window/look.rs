//! How the window is drawn: its size and its colours, as they are kept.

use serde::{Deserialize, Serialize};

/// The least and the greatest zoom.
pub const ZOOM: [f32; 2] = [0.75, 3.0];

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
