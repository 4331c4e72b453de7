//! A style is told to the models that know it, and changes nothing with the others.

use sideman::infer::builtin;
use sideman::infer::net::playable;
use sideman::link::settings::Settings;
use sideman::model::{Checkpoint, LstmConfig};
use sideman::music::context::FEATURES;

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

/// The model that Sideman carries, with two styles; only the second says anything to it.
fn with_styles(mut checkpoint: Checkpoint) -> Checkpoint {
    let features = FEATURES + 2;
    checkpoint.parameters = checkpoint.parameters.with_features(features).unwrap();
    let context = checkpoint.parameters.view_mut().context;
    for (i, row) in context.chunks_exact_mut(features).enumerate() {
        row[features - 1] = if i % 2 == 0 { 0.5 } else { -0.5 };
    }
    checkpoint.manifest.config = LstmConfig { features, ..checkpoint.manifest.config };
    checkpoint.manifest.styles = vec!["dull".to_owned(), "bright".to_owned()];
    checkpoint
}

#[test]
fn a_style_that_the_model_does_not_know_is_none() {
    let plain = builtin::checkpoint().unwrap();
    assert!(plain.manifest.styles.is_empty());
    let want = whole(&plain, 0);
    assert!(want.len() > 20, "{}", want.len());
    let styled = with_styles(plain.clone());
    let (json, weights) = styled.to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&json, &weights).unwrap(), styled);
    for (checkpoint, style) in [(&plain, 1), (&plain, 64), (&styled, 0), (&styled, 1), (&styled, 3)]
    {
        assert_eq!(whole(checkpoint, style), want, "style {style}");
    }
    assert_ne!(whole(&styled, 2), want);
}

#[test]
fn a_style_changes_what_comes_and_not_what_was() {
    let styled = with_styles(builtin::checkpoint().unwrap());
    let (plain, changed) = (whole(&styled, 0), take(&styled, [0, 2], 4.0));
    let change = (4.0 * RATE) as u64;
    let before =
        |take: &[At]| take.iter().copied().take_while(|e| e.0 < change).collect::<Vec<_>>();
    assert_eq!(before(&plain), before(&changed));
    assert_ne!(plain, changed);
    assert_eq!(changed, take(&styled, [0, 2], 4.0), "and always in the same way");
}

#[test]
fn a_description_without_styles_is_written_as_it_was_read() {
    let (json, _) = builtin::checkpoint().unwrap().to_bytes().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(json.get("styles").is_none() && json.get("from").is_none(), "{json}");
}
