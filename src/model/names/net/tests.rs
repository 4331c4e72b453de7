//! Holds the network to finite differences, and to candle's automatic gradients.

use candle_core::{DType, Device, Tensor, Var};

use super::*;

const ROCK: NamesConfig =
    NamesConfig { vocabulary: 9, hidden: 6, layers: 2, dense: 5, dropout: 0.0 };
const JAZZ: NamesConfig = NamesConfig { dense: 0, ..ROCK };

fn batch(steps: usize, lanes: usize) -> Batch {
    Batch {
        steps,
        inputs: (0..steps * lanes).map(|i| (i * 5 % 9) as f32 / 4.0 - 1.0).collect(),
        targets: (0..lanes).map(|i| (i * 4 % 9) as u16).collect(),
        weights: (0..lanes).map(|i| 1.0 / (1 + i % 3) as f32).collect(),
    }
}

fn run(parameters: &NamesParameters, batch: &Batch, gradients: &mut NamesParameters) -> Score {
    let training = Training { seed: 5, stream: 1, scale: 1.0, gradients };
    Workspace::default().run(&Prepared::new(parameters), batch, Some(training)).unwrap()
}

#[test]
fn gradients_are_the_slopes() {
    for config in [ROCK, JAZZ, NamesConfig { dropout: 0.4, ..ROCK }] {
        let mut parameters = NamesParameters::random(config, 3).unwrap();
        let batch = batch(7, 3);
        let mut gradients = NamesParameters::zeros(config).unwrap();
        run(&parameters, &batch, &mut gradients);
        let mut scrap = NamesParameters::zeros(config).unwrap();
        for i in (0..gradients.values().len()).step_by(3) {
            let step = 2e-2;
            let before = parameters.values()[i];
            let mut at = |x: f32| {
                parameters.values_mut()[i] = x;
                run(&parameters, &batch, &mut scrap).nats
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

/// The same net written in candle's operations, with a gradient for every tensor from its tape.
fn by_candle(parameters: &NamesParameters, batch: &Batch) -> (f64, Vec<(String, Vec<f32>)>) {
    let device = Device::Cpu;
    let config = *parameters.config();
    let vars: Vec<(String, Var)> = config
        .tensors()
        .into_iter()
        .map(|t| {
            let values = &parameters.values()[t.range.clone()];
            (t.name, Var::from_slice(values, t.shape, &device).unwrap())
        })
        .collect();
    let var = |name: &str| vars.iter().find(|(n, _)| n == name).unwrap().1.as_tensor();
    let lanes = batch.lanes();
    let inputs = Tensor::from_slice(&batch.inputs, (batch.steps, lanes, 1), &device).unwrap();
    let mut xs: Vec<Tensor> = (0..batch.steps).map(|t| inputs.get(t).unwrap()).collect();
    for layer in 0..config.layers {
        let mut h = Tensor::zeros((lanes, config.hidden), DType::F32, &device).unwrap();
        let mut c = h.clone();
        for x in &mut xs {
            let of_x = x.matmul(&var(&format!("lstm.weight_ih_l{layer}")).t().unwrap()).unwrap();
            let of_h = h.matmul(&var(&format!("lstm.weight_hh_l{layer}")).t().unwrap()).unwrap();
            let gates = (of_x + of_h).unwrap();
            let gates = gates.broadcast_add(var(&format!("lstm.bias_l{layer}"))).unwrap();
            let gates = gates.chunk(4, 1).unwrap();
            let squash = |i: usize| candle_nn::ops::sigmoid(&gates[i]).unwrap();
            let new = (squash(0) * gates[2].tanh().unwrap()).unwrap();
            c = ((squash(1) * c).unwrap() + new).unwrap();
            h = (squash(3) * c.tanh().unwrap()).unwrap();
            *x = h.clone();
        }
    }
    let affine = |x: &Tensor, name: &str| {
        let product = x.matmul(&var(&format!("{name}.weight")).t().unwrap()).unwrap();
        product.broadcast_add(var(&format!("{name}.bias"))).unwrap()
    };
    let mut top = xs.pop().unwrap();
    if config.dense > 0 {
        top = affine(&top, "dense");
    }
    let odds = candle_nn::ops::log_softmax(&affine(&top, "head"), 1).unwrap();
    let targets: Vec<u32> = batch.targets.iter().map(|t| u32::from(*t)).collect();
    let targets = Tensor::from_vec(targets, (lanes, 1), &device).unwrap();
    let weights = Tensor::from_slice(&batch.weights, (lanes, 1), &device).unwrap();
    let nats = (odds.gather(&targets, 1).unwrap() * weights).unwrap().sum_all().unwrap().neg();
    let nats = nats.unwrap();
    let store = nats.backward().unwrap();
    let gradients = vars.iter().map(|(name, var)| {
        let gradient = store.get(var.as_tensor()).unwrap().flatten_all().unwrap();
        (name.clone(), gradient.to_vec1().unwrap())
    });
    (f64::from(nats.to_scalar::<f32>().unwrap()), gradients.collect())
}

#[test]
fn loss_and_gradients_are_candles() {
    for config in [ROCK, JAZZ] {
        let parameters = NamesParameters::random(config, 11).unwrap();
        let batch = batch(20, 5);
        let mut gradients = NamesParameters::zeros(config).unwrap();
        let score = run(&parameters, &batch, &mut gradients);
        let (nats, expected) = by_candle(&parameters, &batch);
        assert!((score.nats - nats).abs() < 1e-5 * nats, "{} {nats}", score.nats);
        for (tensor, (name, expected)) in config.tensors().iter().zip(expected) {
            let got = &gradients.values()[tensor.range.clone()];
            let length = expected.iter().map(|x| x * x).sum::<f32>().sqrt();
            let off = got.iter().zip(&expected).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
            assert!(length > 1e-4 && off < 1e-4 * length, "{name}: {off} of {length}");
        }
    }
}

#[test]
fn one_window_alone_has_the_odds_it_has_in_a_batch() {
    let parameters = NamesParameters::random(ROCK, 2).unwrap();
    let prepared = Prepared::new(&parameters);
    let all = batch(10, 4);
    let score = Workspace::default().run(&prepared, &all, None).unwrap();
    assert!((score.windows - (1.0 + 0.5 + 1.0 / 3.0 + 1.0)).abs() < 1e-6);
    let mut nats = 0.0;
    for lane in 0..4 {
        let inputs: Vec<f32> = all.inputs.chunks(4).map(|row| row[lane]).collect();
        let mut workspace = Workspace::default();
        let logits = workspace.logits(&prepared, &inputs);
        let logit = logits[usize::from(all.targets[lane])];
        nats += f64::from((softmax(logits) - logit) * all.weights[lane]);
    }
    assert!((nats - score.nats).abs() < 1e-5, "{nats} {}", score.nats);
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let parameters = NamesParameters::random(ROCK, 2).unwrap();
    let prepared = Prepared::new(&parameters);
    let good = batch(4, 3);
    let foreign = Batch { targets: vec![0, 9, 1], ..good.clone() };
    let short = Batch { inputs: vec![0.0; 11], ..good.clone() };
    let light = Batch { weights: vec![1.0; 2], ..good };
    for bad in [foreign, short, light] {
        assert!(Workspace::default().run(&prepared, &bad, None).is_err(), "{bad:?}");
    }
}
