//! The presets that a host's list offers, by the places in it.

use crate::preset::bank::Bank;
use crate::preset::file::Preset;

/// What the first place of the list is called: no preset was chosen.
pub(crate) const NONE: &str = "None";

/// The list: place 0 is no preset. It stays as it is for the life of an instance, as hosts expect of a
/// parameter's range; presets that come later are in the next instance's list.
#[derive(Debug, Default)]
pub(crate) struct Menu(Vec<Preset>);

impl Menu {
    /// The presets that come with Sideman, and the user's.
    ///
    /// Main thread: reads the user's folder.
    pub(crate) fn open() -> Self {
        Self(Bank::open().entries.into_iter().map(|entry| entry.preset).collect())
    }

    /// The last place.
    pub(crate) fn last(&self) -> i32 {
        i32::try_from(self.0.len()).unwrap_or(i32::MAX)
    }

    /// The preset at a place.
    pub(crate) fn get(&self, place: i32) -> Option<&Preset> {
        self.0.get(usize::try_from(place).ok()?.checked_sub(1)?)
    }

    /// What the list shows at a place.
    pub(crate) fn name(&self, place: i32) -> &str {
        self.get(place).map_or(NONE, |preset| &preset.name)
    }

    /// The place of a name; capitals don't matter.
    pub(crate) fn place(&self, name: &str) -> Option<i32> {
        let wanted = name.trim().to_lowercase();
        (0..=self.last()).find(|place| self.name(*place).to_lowercase() == wanted)
    }
}
