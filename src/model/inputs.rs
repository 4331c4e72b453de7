//! What the features of a `duet` model are: what its ear holds, what it is asked for, and its styles.

use std::ops::Range;

use crate::music::ask::ASKED;
use crate::music::context::FEATURES;

/// The features, in their order: [`FEATURES`] of the ear, [`ASKED`] of what is asked for if the model knows such, one for each
/// style.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inputs {
    /// Whether the model can be asked.
    pub asked: bool,
    /// Styles that it tells apart.
    pub styles: usize,
}

impl Inputs {
    /// Those of a model with so many features; styles are fewer than [`ASKED`], so the number tells both.
    pub const fn of(features: usize) -> Self {
        let beyond = features.saturating_sub(FEATURES);
        let asked = beyond >= ASKED;
        Self { asked, styles: if asked { beyond - ASKED } else { beyond } }
    }

    /// How many features there are.
    pub const fn count(self) -> usize {
        self.styles().end
    }

    /// Where the features of what is asked for lie; empty where the model knows none.
    pub const fn asked(self) -> Range<usize> {
        FEATURES..FEATURES + if self.asked { ASKED } else { 0 }
    }

    /// Where the styles lie.
    pub const fn styles(self) -> Range<usize> {
        let start = self.asked().end;
        start..start + self.styles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::checkpoint::MAX_STYLES;

    #[test]
    fn the_number_of_features_tells_what_they_are() {
        for asked in [false, true] {
            for styles in 0..=MAX_STYLES {
                let inputs = Inputs { asked, styles };
                assert_eq!(Inputs::of(inputs.count()), inputs);
            }
        }
    }
}
