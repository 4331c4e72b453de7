//! The session's harmonist: the chords that the machine is asked to play where no chart names them, chosen from what the player
//! plays. What it asks for hangs on his notes, the bar lines and the network alone, not on when or how often it was asked.

use std::path::Path;
use std::sync::Arc;

use crate::infer::builtin;
use crate::model::ModelError;
use crate::model::harmonist::Harmonist as Network;
use crate::model::harmonist::checkpoint::HarmonistCheckpoint;
use crate::model::harmonist::chooser::Chooser;
use crate::music::harmony::Harmony;
use crate::music::note::Note;
use crate::music::time::{Bars, Tick};

/// The folder of a model's own harmonist, in the model's.
pub const FOLDER: &str = "harmonist";

/// Reads a model folder.
///
/// # Errors
/// As [`HarmonistCheckpoint::load`].
pub fn load(folder: &Path) -> Result<Arc<Network>, ModelError> {
    Ok(Arc::new(HarmonistCheckpoint::load(folder)?.net))
}

/// The harmonist. For the worker thread: it allocates, and takes some 20 microseconds at a beat.
#[derive(Debug, Default)]
pub struct Harmonist {
    /// None for what Sideman carries, which is unpacked when it is first needed.
    own: Option<Arc<Network>>,
    chooser: Chooser,
}

impl Harmonist {
    /// Chooses with this network, or with what Sideman carries. What was chosen stands.
    pub fn set_network(&mut self, own: Option<Arc<Network>>) {
        self.own = own;
    }

    /// Forgets all at the beginning of a take; `tick` is the first that will be closed.
    pub fn begin(&mut self, tick: Tick) {
        self.chooser = Chooser::new(tick);
    }

    /// Hears all ticks up to `tick`, which is closed: as [`Chooser::close`]. `true` when other chords than before are asked for
    /// from here on.
    pub fn close(&mut self, tick: Tick, bars: Bars, heard: &[Note]) -> bool {
        let network = self.own.clone().or_else(builtin::harmonist);
        network.is_some_and(|network| self.chooser.close(&network, tick, bars, heard))
    }

    /// The chords asked for, in order, each until the next; none before the player has struck a key. For
    /// [`crate::music::harmony::chord_at`].
    pub fn chords(&self) -> &[(Tick, Harmony)] {
        self.chooser.chords()
    }
}

#[cfg(test)]
mod tests;
