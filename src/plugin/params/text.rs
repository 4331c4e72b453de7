//! Values as musicians write them, and back.

use std::sync::Arc;

use nice_plug::formatters;
use nice_plug::prelude::{FloatParam, IntParam};

use crate::music::pitch::{Pitch, PitchClass};
use crate::music::time::TICKS_PER_BEAT;
use crate::plugin::menu::Menu;

/// A number with so many digits after the point.
pub(super) fn plain(param: FloatParam, digits: usize) -> FloatParam {
    param.with_value_to_string(formatters::v2s_f32_rounded(digits))
}

/// Hundredths.
pub(super) fn percent(param: FloatParam) -> FloatParam {
    let rounded = formatters::v2s_f32_rounded(0);
    param
        .with_unit(" %")
        .with_value_to_string(Arc::new(move |share| rounded(share * 100.0)))
        .with_string_to_value(formatters::s2v_f32_percentage())
}

/// A key of the piano: `C4`, `F#3`, `Bb5`.
pub(super) fn pitch(param: IntParam) -> IntParam {
    param
        .with_value_to_string(Arc::new(|n| Pitch::new(super::small(n)).to_string()))
        .with_string_to_value(Arc::new(|text| {
            text.trim().parse().ok().map(|pitch: Pitch| pitch.number().into())
        }))
}

/// A key without its octave.
pub(super) fn pitch_class(param: IntParam) -> IntParam {
    param
        .with_value_to_string(Arc::new(|n| PitchClass::new(super::small(n)).to_string()))
        .with_string_to_value(Arc::new(|text| {
            text.trim().parse().ok().map(|class: PitchClass| class.number().into())
        }))
}

/// Ticks, written as beats.
pub(super) fn beats(param: IntParam) -> IntParam {
    param
        .with_value_to_string(Arc::new(ticks_to_text))
        .with_string_to_value(Arc::new(text_to_ticks))
}

/// 0 is a word of its own.
pub(super) fn word_or_number(param: IntParam, zero: &'static str) -> IntParam {
    param
        .with_value_to_string(Arc::new(move |n| match n {
            0 => zero.to_owned(),
            n => n.to_string(),
        }))
        .with_string_to_value(Arc::new(move |text| match text.trim() {
            text if text.eq_ignore_ascii_case(zero) => Some(0),
            text => text.parse().ok(),
        }))
}

/// A name of the menu.
pub(super) fn menu(param: IntParam, menu: &Arc<Menu>) -> IntParam {
    let (names, places) = (Arc::clone(menu), Arc::clone(menu));
    param
        .with_value_to_string(Arc::new(move |place| names.name(place).to_owned()))
        .with_string_to_value(Arc::new(move |text| places.place(text)))
}

fn ticks_to_text(ticks: i32) -> String {
    let beats = format!("{:.2}", f64::from(ticks) / TICKS_PER_BEAT as f64);
    match beats.trim_end_matches('0').trim_end_matches('.') {
        "1" => "1 beat".to_owned(),
        beats => format!("{beats} beats"),
    }
}

fn text_to_ticks(text: &str) -> Option<i32> {
    let beats: f64 = text.split_whitespace().next()?.parse().ok()?;
    let ticks = (beats * TICKS_PER_BEAT as f64).round();
    (ticks.abs() < 1e6).then_some(ticks as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_ticks_reads_back() {
        for ticks in 0..=96 {
            assert_eq!(text_to_ticks(&ticks_to_text(ticks)), Some(ticks));
        }
        assert_eq!(ticks_to_text(1), "0.08 beats");
        assert_eq!(ticks_to_text(12), "1 beat");
        assert_eq!(ticks_to_text(96), "8 beats");
        assert_eq!(text_to_ticks("soon"), None);
        assert_eq!(text_to_ticks("1e300"), None);
    }
}
