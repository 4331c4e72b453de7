//! The measures on alphabets so small that all frames can be listed, and a tiny run.

use super::training::{ChoraleConfig, train};
use super::*;
use crate::data::frames::Chorales;

const TOY: Keyboard = Keyboard { low: 60, keys: 5 };

fn shape() -> LstmConfig {
    let small =
        LstmConfig { hidden: 16, embedding: 12, layers: 2, dropout: 0.0, ..LstmConfig::default() };
    TOY.shape(small)
}

fn teller() -> Teller {
    Teller::new(TOY, &Parameters::random(shape(), 5).unwrap())
}

/// Every set of keys.
fn all_frames() -> Vec<Frame> {
    let keys = |set: u32| (0..5).filter(|k| set >> k & 1 == 1).map(|k| 60 + k).collect();
    (0..32).map(keys).collect()
}

/// A teller that has heard two frames.
fn heard(teller: &Teller) -> Heard {
    let mut heard = teller.begin().unwrap();
    teller.hear(&mut heard, &vec![60, 63]).unwrap();
    teller.hear(&mut heard, &vec![61]).unwrap();
    heard
}

#[test]
fn the_probabilities_of_all_frames_sum_to_one() {
    let teller = teller();
    for start in [teller.begin().unwrap(), heard(&teller)] {
        let p = |frame: &Frame| (-teller.hear(&mut start.clone(), frame).unwrap()).exp();
        let sum: f64 = all_frames().iter().map(p).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
}

#[test]
fn the_probability_of_a_key_is_that_of_all_frames_that_hold_it() {
    let teller = teller();
    let heard = heard(&teller);
    let mut want = [0.0; 5];
    for frame in all_frames() {
        let p = (-teller.hear(&mut heard.clone(), &frame).unwrap()).exp();
        for key in frame {
            want[usize::from(key - 60)] += p;
        }
    }
    let got = teller.keys(&heard, 20_000, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 0.01), "{got:?} {want:?}");
}

#[test]
fn a_coin_toss_for_each_key_is_counted_by_hand() {
    // Of nine frames and one half, key 60 sounds in all, key 61 in one; 9 samples and the frequencies make ten.
    let train: Vec<Frame> = (0..9).map(|i| if i == 0 { vec![60, 61] } else { vec![60] }).collect();
    let tossing = Tossing::new(9, TOY, &[train]);
    let rare = 0.05;
    assert_eq!(tossing.frequencies, [0.95, 0.15, rare, rare, rare]);
    let nats = tossing.nats(TOY, &[0.5, 0.2, 0.0, 1.05, 0.1], &vec![60, 62]);
    let want = [0.545, 1.0 - 0.195, 0.005, 0.05, 1.0 - 0.095].map(f64::ln);
    assert!((nats + want.iter().sum::<f64>()).abs() < 1e-9, "{nats} {want:?}");
}

#[test]
fn what_training_counts_is_the_joint_measure_but_for_keys_that_cannot_come() {
    use crate::model::network::{Prepared, Workspace};
    use crate::model::window::LaneStates;
    let parameters = Parameters::random(shape(), 5).unwrap();
    let piece: Chorale = vec![vec![60, 63], vec![61], vec![], vec![60, 61, 64], vec![62]];
    let mut window = Window {
        steps: 14,
        lanes: 1,
        tokens: vec![0; 14],
        places: vec![0; 14],
        features: vec![0.0; 14 * 10],
        targets: vec![0; 14],
        weights: vec![0.0; 14],
    };
    fill(TOY, &piece, 0, &mut window, 0);
    assert_eq!(window.targets[..12], [0, 3, 5, 1, 5, 5, 0, 1, 4, 5, 2, 5]);
    assert_eq!(window.counted() as usize, 12);
    let mut workspace = Workspace::default();
    let mut states = LaneStates::zeros(&shape(), 1);
    workspace.run(&Prepared::new(&parameters), &window, &mut states, None).unwrap();
    let measured = measure(&teller(), &[piece], None, 1).unwrap();
    assert_eq!(measured.frames, 5);
    // Where a frame begins everything may come, and both count alike.
    let first = &workspace.nats;
    let mut heard = teller().begin().unwrap();
    let end = -heard.next[0].ln();
    assert!((end - f64::from(first[0])).abs() < 1e-4);
    teller().push(&mut heard, 0).unwrap();
    assert!(heard.next[0] < 1e-12, "a key is not told twice");
    let counted: f64 = first.iter().map(|n| f64::from(*n)).sum::<f64>() / 5.0;
    assert!(measured.joint < counted && measured.joint > 0.5 * counted, "{measured:?} {counted}");
}

#[test]
fn a_tiny_run_learns_and_comes_out_alike_on_any_threads() {
    let piece = |up: u8| -> Chorale {
        (0..24_u8).map(|i| vec![60 + (i + up) % 2, 62 + (i / 2 + up) % 3]).collect()
    };
    let chorales = Chorales {
        train: (0..20).map(|n| piece(n % 6)).collect(),
        valid: vec![piece(1), piece(2)],
        test: vec![piece(3)],
    };
    let config = ChoraleConfig {
        model: LstmConfig { dropout: 0.1, ..shape() },
        keyboard: TOY,
        epochs: 40,
        patience: 40,
        batch: 20,
        learning_rate: 2e-2,
        seed: 1,
    };
    let mut valid = Vec::new();
    let one = train(&config, &chorales, 1, &mut |e| valid.push(e.valid.joint)).unwrap();
    let two = train(&config, &chorales, 2, &mut |_| {}).unwrap();
    assert_eq!(one, two);
    let tossing = Tossing::new(50, TOY, &chorales.train);
    let test = measure(&Teller::new(TOY, &one), &chorales.test, Some(&tossing), 2).unwrap();
    assert!(valid[0] > 2.0 && test.joint < 0.4 * valid[0], "{valid:?} {test:?}");
    assert!(test.keys.unwrap() >= test.joint * 0.9, "{test:?}");
    assert!(ChoraleConfig { batch: 0, ..config }.validate().is_err());
}
