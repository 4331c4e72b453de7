//! The closed choices among the parameters: each one's id in saved states and its name for users.
//!
//! Hosts keep automation by place in the list, so new choices go to the end.

use nice_plug::params::enums::Enum;

use crate::link::settings::{Grid, Mode};
use crate::model::device::DeviceChoice;
use crate::music::scale::Scale;

macro_rules! choices {
    ($type:ident { $($variant:ident $id:literal $name:literal,)+ }) => {
        impl Enum for $type {
            fn variants() -> &'static [&'static str] {
                &[$($name),+]
            }

            fn ids() -> Option<&'static [&'static str]> {
                Some(&[$($id),+])
            }

            fn to_index(self) -> usize {
                // A choice that is missing from the list does not compile.
                let listed = match self {
                    $($type::$variant => $type::$variant,)+
                };
                [$($type::$variant),+].iter().position(|choice| *choice == listed).unwrap_or(0)
            }

            fn from_index(index: usize) -> Self {
                [$($type::$variant),+].get(index).copied().unwrap_or_default()
            }
        }
    };
}

choices!(Mode {
    Accompany "accompany" "Accompany",
    Answer "answer" "Answer",
    Trade "trade" "Trade",
    Harmonise "harmonise" "Harmonise",
    Solo "solo" "Solo",
});

choices!(Grid {
    Free "free" "Free",
    Straight "straight" "Sixteenths",
    Triplet "triplet" "Triplets",
    Eighth "eighth" "Eighths",
});

choices!(Scale {
    Chromatic "chromatic" "Chromatic",
    Major "major" "Major",
    Minor "minor" "Minor",
    HarmonicMinor "harmonic-minor" "Harmonic minor",
    MelodicMinor "melodic-minor" "Melodic minor",
    Dorian "dorian" "Dorian",
    Phrygian "phrygian" "Phrygian",
    Lydian "lydian" "Lydian",
    Mixolydian "mixolydian" "Mixolydian",
    MajorPentatonic "major-pentatonic" "Major pentatonic",
    MinorPentatonic "minor-pentatonic" "Minor pentatonic",
    Blues "blues" "Blues",
    WholeTone "whole-tone" "Whole tone",
    Diminished "diminished" "Diminished",
});

choices!(DeviceChoice {
    Auto "auto" "Whatever is fastest",
    Cpu "cpu" "CPU",
    CpuF32 "cpu-f32" "CPU, full precision",
    Cuda "cuda" "NVIDIA GPU",
    Metal "metal" "Apple GPU",
    CandleCpu "candle-cpu" "CPU by candle",
});

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Enum + Copy + PartialEq + std::fmt::Debug + serde::Serialize>(all: &[T]) {
        let ids = T::ids().unwrap();
        assert_eq!(T::variants().len(), all.len());
        for (index, choice) in all.iter().enumerate() {
            assert_eq!(choice.to_index(), index);
            assert_eq!(T::from_index(index), *choice);
            let in_files = serde_json::to_value(choice).unwrap();
            assert_eq!(in_files, ids[index], "one id in saved states and in files");
        }
        assert_eq!(T::from_index(usize::MAX), all[0]);
    }

    #[test]
    fn places_ids_and_values_agree() {
        check(&Mode::ALL);
        check(&Grid::ALL);
        check(&Scale::ALL);
        check(&DeviceChoice::ALL);
    }
}
