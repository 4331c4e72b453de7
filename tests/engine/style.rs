//! A style is told to the models that know it, and changes nothing with the others.

use sideman::infer::builtin;
use sideman::infer::net::playable;
use sideman::link::settings::Settings;
use sideman::model::inputs::Inputs;
use sideman::model::{Checkpoint, LstmConfig};

use crate::bench::{At, Bench, RATE};
use crate::laws::{player, slice, transport};

const BLOCK: u32 = 256;
const SECONDS: f64 = 8.0;

/// A take in one style up to `change`, and in another from there on.
fn take(checkpoint: &Checkpoint, styles: [u8; 2], change: f64) -> Vec<At> {
    let mut bench = Bench::new(playable(checkpoint).unwrap());
    let events = player(8, SECONDS);
    while bench.sample < (SECONDS * RATE) as u64 {
        let at = bench.sample;
        let style = styles[usize::from(at as f64 >= change * RATE)];
        let settings = Settings { style, ..Settings::default() };
        bench.block(BLOCK, Some(transport(at, 120.0)), &settings, &slice(&events, at, BLOCK));
    }
    bench.out
}

fn whole(checkpoint: &Checkpoint, style: u8) -> Vec<At> {
    take(checkpoint, [style; 2], 0.0)
}

/// The model that Sideman carries, with two styles more; only the second of them says anything to it.
fn with_styles(mut checkpoint: Checkpoint) -> Checkpoint {
    let features = checkpoint.manifest.config.features + 2;
    let mut inputs = Inputs::of(checkpoint.manifest.config.features);
    inputs.styles += 2;
    checkpoint.parameters = checkpoint.parameters.with_inputs(inputs).unwrap();
    let context = checkpoint.parameters.view_mut().context;
    for (i, row) in context.chunks_exact_mut(features).enumerate() {
        row[features - 1] = if i % 2 == 0 { 0.5 } else { -0.5 };
    }
    checkpoint.manifest.config = LstmConfig { features, ..checkpoint.manifest.config };
    let usual = checkpoint.manifest.usual[0];
    checkpoint.manifest.usual.extend([usual; 2]);
    checkpoint.manifest.styles.extend(["dull".to_owned(), "bright".to_owned()]);
    checkpoint
}

#[test]
fn a_style_that_the_model_does_not_know_is_none() {
    let plain = builtin::checkpoint().unwrap();
    let known = plain.manifest.styles.len() as u8;
    let none = known + 1;
    let want = whole(&plain, none);
    assert!(want.len() > 20, "{}", want.len());
    let styled = with_styles(plain.clone());
    let (json, weights) = styled.to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&json, &weights).unwrap(), styled);
    for (checkpoint, style) in [(&plain, 64), (&styled, known + 1), (&styled, known + 3)] {
        assert_eq!(whole(checkpoint, style), want, "style {style}");
    }
    assert_ne!(whole(&styled, known + 2), want);
}

#[test]
fn a_model_plays_in_its_own_style_unless_told_another() {
    let mut checkpoint = with_styles(builtin::checkpoint().unwrap());
    let bright = checkpoint.manifest.styles.len();
    for own in [1, bright] {
        checkpoint.manifest.home_style = own;
        assert_eq!(whole(&checkpoint, 0), whole(&checkpoint, own as u8));
    }
    assert_ne!(whole(&checkpoint, 0), whole(&checkpoint, 1));
}

#[test]
fn a_style_changes_what_comes_and_not_what_was() {
    let styled = with_styles(builtin::checkpoint().unwrap());
    let bright = styled.manifest.styles.len() as u8;
    let (plain, changed) = (whole(&styled, 0), take(&styled, [0, bright], 4.0));
    let change = (4.0 * RATE) as u64;
    let before =
        |take: &[At]| take.iter().copied().take_while(|e| e.0 < change).collect::<Vec<_>>();
    assert_eq!(before(&plain), before(&changed));
    assert_ne!(plain, changed);
    assert_eq!(changed, take(&styled, [0, bright], 4.0), "and always in the same way");
}

#[test]
fn a_description_without_styles_is_written_without_them() {
    let mut checkpoint = builtin::checkpoint().unwrap();
    checkpoint.manifest.styles.clear();
    checkpoint.manifest.home_style = 0;
    checkpoint.manifest.from = None;
    let (json, _) = checkpoint.to_bytes().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    for field in ["styles", "home_style", "from"] {
        assert!(json.get(field).is_none(), "{json}");
    }
}
