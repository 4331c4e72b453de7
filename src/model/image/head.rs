//! The end of a classifier: one dense layer, and the loss of its logits.

use crate::model::kernel::softmax;
use crate::model::product::{Matrix, multiply};

/// `logits` (images, classes) = `x` (images, features) times `weight` (classes, features), plus `bias`.
pub(crate) fn dense(x: &[f32], weight: &[f32], bias: &[f32], logits: &mut [f32]) {
    let classes = bias.len();
    let (images, features) = (logits.len() / classes, weight.len() / classes);
    for row in logits.chunks_exact_mut(classes) {
        row.copy_from_slice(bias);
    }
    let weight = Matrix::new(weight, classes, features).transposed();
    multiply(logits, Matrix::new(x, images, features), weight, true);
}

/// The gradients of [`dense`] from those of its logits; all are overwritten.
pub(crate) fn dense_backward(
    x: &[f32],
    weight: &[f32],
    dlogits: &[f32],
    dweight: &mut [f32],
    dbias: &mut [f32],
    dx: &mut [f32],
) {
    let classes = dbias.len();
    let (images, features) = (dlogits.len() / classes, weight.len() / classes);
    dbias.fill(0.0);
    for row in dlogits.chunks_exact(classes) {
        dbias.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let gradients = Matrix::new(dlogits, images, classes);
    multiply(dweight, gradients.transposed(), Matrix::new(x, images, features), false);
    multiply(dx, gradients, Matrix::new(weight, classes, features), false);
}

/// Turns logits into the gradient of the mean loss, in place. Gives the sum of the losses in nats.
pub(crate) fn cross_entropy(logits: &mut [f32], labels: &[u16]) -> f64 {
    let classes = logits.len() / labels.len().max(1);
    let share = 1.0 / labels.len() as f32;
    let mut total = 0.0;
    for (row, label) in logits.chunks_exact_mut(classes.max(1)).zip(labels) {
        let label = usize::from(*label);
        let logit = row[label];
        total += f64::from(softmax(row) - logit);
        row[label] -= 1.0;
        for x in row {
            *x *= share;
        }
    }
    total
}

#[cfg(test)]
mod tests;
