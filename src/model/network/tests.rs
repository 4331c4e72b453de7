//! Holds the network to finite differences, to its own step, and to itself across windows.

use super::*;
use crate::model::window::{LaneStates, Window};
use crate::model::{Lstm, Precision, State, StepInput};

const CONFIG: LstmConfig = LstmConfig {
    vocabulary: 11,
    places: 5,
    features: 3,
    embedding: 6,
    hidden: 9,
    layers: 2,
    dropout: 0.0,
};

fn window(steps: usize, lanes: usize) -> Window {
    let n = steps * lanes;
    Window {
        steps,
        lanes,
        tokens: (0..n).map(|i| (i * 7 % 11) as u16).collect(),
        places: (0..n).map(|i| (i * 3 % 5) as u8).collect(),
        features: (0..n * 3).map(|i| (i * 5 % 7) as f32 / 7.0).collect(),
        targets: (0..n).map(|i| (i * i % 11) as u16).collect(),
        weights: (0..n).map(|i| if i % 6 == 5 { 0.0 } else { 1.0 }).collect(),
    }
}

#[test]
fn gradients_are_the_slopes() {
    for dropout in [0.0, 0.4] {
        let config = LstmConfig { dropout, ..CONFIG };
        let mut parameters = Parameters::random(config, 3).unwrap();
        parameters.values_mut().iter_mut().for_each(|x| *x *= 2.0);
        let window = window(7, 3);
        let mut states = LaneStates::zeros(&config, 3);
        states.values_mut().iter_mut().enumerate().for_each(|(i, x)| *x = (i % 5) as f32 / 9.0);
        let loss = |parameters: &Parameters, gradients: &mut Parameters| {
            let training = Training { seed: 5, stream: 1, scale: 1.0, gradients };
            Workspace::default()
                .run(&Prepared::new(parameters), &window, &mut states.clone(), Some(training))
                .unwrap()
        };
        let mut gradients = Parameters::zeros(config).unwrap();
        loss(&parameters, &mut gradients);
        let mut scrap = Parameters::zeros(config).unwrap();
        for i in (0..gradients.values().len()).step_by(3) {
            let step = 2e-2;
            let before = parameters.values()[i];
            let mut at = |x: f32| {
                parameters.values_mut()[i] = x;
                loss(&parameters, &mut scrap)
            };
            // Richardson's extrapolation of the central difference.
            let narrow = (at(before + step) - at(before - step)) / f64::from(2.0 * step);
            let wide = (at(before + 2.0 * step) - at(before - 2.0 * step)) / f64::from(4.0 * step);
            let slope = (4.0 * narrow - wide) / 3.0;
            parameters.values_mut()[i] = before;
            let gradient = f64::from(gradients.values()[i]);
            assert!(
                (slope - gradient).abs() < 1e-3 + 2e-3 * slope.abs(),
                "{i}: {slope} {gradient}"
            );
        }
    }
}

/// The formula that `by_torch.py` has too: numbers between -1 and 1.
fn numbers(seed: usize, n: usize) -> Vec<f32> {
    let whole = |i: usize| (i * i * 31 + i * 7_919 + seed * 104_729) % 2_003;
    (0..n).map(|i| (whole(i) as f64 / 1_001.0 - 1.0) as f32).collect()
}

/// Nats, every gradient and the states after the window are PyTorch's, on the weights and inputs of `by_torch.py`.
#[test]
fn the_way_back_is_torchs() {
    let mut parameters = Parameters::zeros(CONFIG).unwrap();
    for (seed, tensor) in CONFIG.tensors().into_iter().enumerate() {
        let values = &mut parameters.values_mut()[tensor.range];
        values.copy_from_slice(&numbers(seed, values.len()));
    }
    let window = Window { features: numbers(100, 20 * 3 * 3), ..window(20, 3) };
    let mut states = LaneStates::zeros(&CONFIG, 3);
    let start = numbers(101, states.values().len());
    states.values_mut().copy_from_slice(&start);
    let mut gradients = Parameters::zeros(CONFIG).unwrap();
    let training = Training { seed: 1, stream: 0, scale: 1.0, gradients: &mut gradients };
    let prepared = Prepared::new(&parameters);
    let nats = Workspace::default().run(&prepared, &window, &mut states, Some(training)).unwrap();
    let mut lines = include_str!("torch.txt").lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[0], words[1].parse::<f64>().unwrap(), words[2].parse::<f64>().unwrap())
    });
    let expected = lines.next().unwrap().1;
    assert!((nats / expected - 1.0).abs() < 1e-5, "{nats} {expected}");
    let tensors = CONFIG.tensors().into_iter();
    let mut runs: Vec<(String, Vec<f32>)> =
        tensors.map(|t| (t.name, gradients.values()[t.range].to_vec())).collect();
    runs.push(("end".to_owned(), states.values().to_vec()));
    for (nth, (name, run)) in runs.into_iter().enumerate() {
        let (expected, product, length) = lines.next().unwrap();
        assert_eq!(name, expected);
        let seed = if name == "end" { 102 } else { nth + 1 };
        let off = |run: &[f32]| {
            let sum = |b: &[f32]| {
                run.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
            };
            let product = (sum(&numbers(seed, run.len())) - product).abs() / length;
            product.max((sum(run).sqrt() / length - 1.0).abs())
        };
        assert!(off(&run) < 1e-5, "{name}: off by {}", off(&run));
        // The measure sees a gradient that is wrong by a place.
        let mut moved = run.clone();
        moved.rotate_right(1);
        assert!(off(&moved) > 1e-3, "{name}");
    }
    assert!(lines.next().is_none());
}

#[test]
fn a_window_is_its_steps() {
    let parameters = Parameters::random(CONFIG, 4).unwrap();
    let window = window(20, 2);
    let mut workspace = Workspace::default();
    let mut states = LaneStates::zeros(&CONFIG, 2);
    workspace.run(&Prepared::new(&parameters), &window, &mut states, None).unwrap();
    let lstm = Lstm::packed(&parameters, Precision::F32);
    for lane in 0..2 {
        let mut state = State::zeros(&CONFIG);
        let mut logits = [0.0; 11];
        for t in 0..20 {
            let at = t * 2 + lane;
            let features = &window.features[at * 3..][..3];
            let input = StepInput { token: window.tokens[at], place: window.places[at], features };
            lstm.step(input, &mut state, &mut logits).unwrap();
            let sum: f32 = logits.iter().map(|x| x.exp()).sum();
            let nats = sum.ln() - logits[usize::from(window.targets[at])];
            let expected = nats * window.weights[at];
            assert!((workspace.nats[at] - expected).abs() < 1e-5);
        }
        for (run, values) in states.values().chunks(2 * 9).zip(state.values().chunks(9)) {
            assert!(run[lane * 9..][..9].iter().zip(values).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}

#[test]
fn windows_carried_on_are_one_window() {
    let parameters = Parameters::random(CONFIG, 4).unwrap();
    let prepared = Prepared::new(&parameters);
    let whole = window(20, 2);
    let mut workspace = Workspace::default();
    let mut states = LaneStates::zeros(&CONFIG, 2);
    workspace.run(&prepared, &whole, &mut states, None).unwrap();
    let expected = workspace.nats.clone();
    let (mut carried, mut nats) = (LaneStates::zeros(&CONFIG, 2), Vec::new());
    for part in 0..4 {
        let at = part * 10..(part + 1) * 10;
        let part = Window {
            steps: 5,
            lanes: 2,
            tokens: whole.tokens[at.clone()].to_vec(),
            places: whole.places[at.clone()].to_vec(),
            features: whole.features[at.start * 3..at.end * 3].to_vec(),
            targets: whole.targets[at.clone()].to_vec(),
            weights: whole.weights[at].to_vec(),
        };
        workspace.run(&prepared, &part, &mut carried, None).unwrap();
        nats.extend_from_slice(&workspace.nats);
    }
    assert!(nats.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
#[ignore = "a measurement: run it alone, in release"]
fn speed() {
    let config = LstmConfig::default();
    let parameters = Parameters::random(config, 3).unwrap();
    let (steps, lanes) = (256, 16);
    let n = steps * lanes;
    let window = Window {
        steps,
        lanes,
        tokens: (0..n).map(|i| (i * 7 % 256) as u16).collect(),
        places: (0..n).map(|i| (i % 48) as u8).collect(),
        features: (0..n * 73).map(|i| (i * 5 % 7) as f32 / 7.0).collect(),
        targets: (0..n).map(|i| (i * i % 256) as u16).collect(),
        weights: vec![1.0; n],
    };
    let mut workspace = Workspace::default();
    let mut states = LaneStates::zeros(&config, lanes);
    let mut gradients = Parameters::zeros(config).unwrap();
    let prepared = Prepared::new(&parameters);
    for _ in 0..4 {
        let start = std::time::Instant::now();
        workspace.run(&prepared, &window, &mut states, None).unwrap();
        let forward = start.elapsed();
        let start = std::time::Instant::now();
        let training =
            Training { seed: 1, stream: 0, scale: 1.0 / n as f32, gradients: &mut gradients };
        workspace.run(&prepared, &window, &mut states, Some(training)).unwrap();
        let both = start.elapsed();
        let rate = n as f64 / both.as_secs_f64();
        eprintln!("forward {forward:?}, with backward {both:?}: {rate:.0} tokens/s a thread");
    }
}
