//! Holds the head to finite differences.

use super::*;
use crate::model::image::slopes::{distance, numbers};

const LABELS: [u16; 4] = [2, 0, 1, 2];

fn loss(x: &[f32], weight: &[f32], bias: &[f32]) -> f64 {
    let mut logits = vec![0.0; LABELS.len() * bias.len()];
    dense(x, weight, bias, &mut logits);
    cross_entropy(&mut logits, &LABELS) / LABELS.len() as f64
}

#[test]
fn gradients_are_the_slopes() {
    let (classes, features) = (3, 6);
    let mut x = numbers(LABELS.len() * features, 1);
    let (mut weight, mut bias) = (numbers(classes * features, 2), numbers(classes, 3));
    let mut logits = vec![0.0; LABELS.len() * classes];
    dense(&x, &weight, &bias, &mut logits);
    cross_entropy(&mut logits, &LABELS);
    let (mut dweight, mut dbias) = (vec![f32::NAN; weight.len()], vec![f32::NAN; classes]);
    let mut dx = vec![f32::NAN; x.len()];
    dense_backward(&x, &weight, &logits, &mut dweight, &mut dbias, &mut dx);
    let (w, b, at) = (weight.clone(), bias.clone(), x.clone());
    let worst = distance(&mut x, &dx, 2e-2, 1, |x| loss(x, &w, &b));
    assert!(worst < 1e-3, "input off by {worst}");
    let worst = distance(&mut weight, &dweight, 2e-2, 1, |w| loss(&at, w, &b));
    assert!(worst < 1e-3, "weights off by {worst}");
    let worst = distance(&mut bias, &dbias, 2e-2, 1, |b| loss(&at, &w, b));
    assert!(worst < 1e-3, "biases off by {worst}");
}

#[test]
fn a_sure_guess_costs_nothing() {
    let mut logits = [0.0, 50.0, 0.0];
    assert!(cross_entropy(&mut logits, &[1]) < 1e-6);
    let mut logits = [0.0; 3];
    assert!((cross_entropy(&mut logits, &[1]) - 3.0_f64.ln()).abs() < 1e-6);
}
