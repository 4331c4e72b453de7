//! Holds convolutions to their definition, to finite differences, and to themselves on any number of threads.

use super::*;
use crate::model::image::loops::Affine;
use crate::model::image::slopes::{distance, numbers, weighted};

/// Kernels, strides and paddings, different down and across, over sizes of all parities.
fn cases() -> Vec<(Convolution, Size)> {
    let axis = |(kernel, stride, padding)| Axis { kernel, stride, padding };
    let axes = [
        ((3, 1, 1), (3, 1, 1)),
        ((3, 2, 1), (3, 2, 1)),
        ((1, 1, 0), (1, 1, 0)),
        ((1, 2, 0), (1, 2, 0)),
        ((7, 2, 3), (7, 2, 3)),
        ((2, 3, 0), (5, 2, 2)),
        ((4, 2, 3), (1, 1, 1)),
        ((3, 4, 2), (2, 1, 0)),
    ];
    let mut cases = Vec::new();
    for (y, x) in axes {
        for (height, width) in [(7, 10), (8, 9), (5, 5), (10, 4)] {
            let conv = Convolution { y: axis(y), x: axis(x), inputs: 3, outputs: 5 };
            cases.push((conv, Size { images: 2, height, width, channels: 3 }));
        }
    }
    // A kernel wider than the image and its padding: only the padding lets it stop.
    let tall = Convolution { y: axis((5, 1, 2)), x: axis((5, 3, 2)), inputs: 1, outputs: 2 };
    cases.push((tall, Size { images: 3, height: 1, width: 2, channels: 1 }));
    cases
}

/// The definition, one product at a time.
fn slow(conv: &Convolution, weights: &[f32], x: &[f32], size: Size) -> Vec<f64> {
    let out = conv.output(size);
    let mut y = vec![0.0; out.len()];
    for (at, y) in y.iter_mut().enumerate() {
        let (o, place) = (at % out.channels, at / out.channels);
        let (image, place) = (place / (out.height * out.width), place % (out.height * out.width));
        for ky in 0..conv.y.kernel {
            for kx in 0..conv.x.kernel {
                let row = place / out.width * conv.y.stride + ky;
                let column = place % out.width * conv.x.stride + kx;
                let row = row.checked_sub(conv.y.padding).filter(|y| *y < size.height);
                let column = column.checked_sub(conv.x.padding).filter(|x| *x < size.width);
                let Some((row, column)) = row.zip(column) else { continue };
                let from = (image * size.height + row) * size.width + column;
                for i in 0..conv.inputs {
                    let weight =
                        weights[((ky * conv.x.kernel + kx) * conv.inputs + i) * conv.outputs + o];
                    *y += f64::from(x[from * size.channels + i]) * f64::from(weight);
                }
            }
        }
    }
    y
}

fn forward(conv: &Convolution, threads: usize, weights: &[f32], x: Source<'_>) -> Vec<f32> {
    let mut y = vec![f32::NAN; conv.output(x.size).len()];
    conv.forward(&mut Crew::new(threads), weights, x, &mut y, &mut Moments::default());
    y
}

fn gradients(
    conv: &Convolution,
    threads: usize,
    weights: &[f32],
    x: Source<'_>,
    dy: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let (mut crew, mut scratch) = (Crew::new(threads), Scratch::default());
    let mut dweight = vec![f32::NAN; weights.len()];
    conv.weight_gradient(&mut crew, x, dy, &mut dweight, &mut scratch);
    let mut dx = vec![f32::NAN; x.size.len()];
    conv.input_gradient(&mut crew, weights, dy, x.size, &mut dx, false, &mut scratch);
    (dweight, dx)
}

#[test]
fn forwards_is_the_definition() {
    for (conv, size) in cases() {
        let (weights, x) = (numbers(conv.weights(), 1), numbers(size.len(), 2));
        let y = forward(&conv, 1, &weights, Source::plain(&x, size));
        let slow = slow(&conv, &weights, &x, size);
        assert_eq!(y.len(), slow.len());
        assert!(
            y.iter().zip(slow).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5),
            "{conv:?}, {size:?}"
        );
    }
}

#[test]
fn gradients_are_the_slopes() {
    for (conv, size) in cases() {
        let (mut weights, mut x) = (numbers(conv.weights(), 3), numbers(size.len(), 4));
        let dy = numbers(conv.output(size).len(), 5);
        let (dweight, dx) = gradients(&conv, 2, &weights, Source::plain(&x, size), &dy);
        // The output is linear in either, so a wide step costs nothing.
        let fixed = x.clone();
        let worst = distance(&mut weights, &dweight, 0.5, 1, |w| {
            weighted(&forward(&conv, 1, w, Source::plain(&fixed, size)), &dy)
        });
        assert!(worst < 1e-5, "{conv:?}, {size:?}: weights off by {worst}");
        let worst = distance(&mut x, &dx, 0.5, 1, |x| {
            weighted(&forward(&conv, 1, &weights, Source::plain(x, size)), &dy)
        });
        assert!(worst < 1e-5, "{conv:?}, {size:?}: input off by {worst}");
    }
}

/// The error that this kernel is here to avoid: the width's padding taken for the height's.
#[test]
fn a_mistaken_parity_would_be_found() {
    let conv = Convolution::square(3, 2, 2, 3);
    let size = Size { images: 1, height: 7, width: 10, channels: 2 };
    let weights = numbers(conv.weights(), 6);
    let mut x = numbers(size.len(), 7);
    let dy = numbers(conv.output(size).len(), 8);
    let (_, mut dx) = gradients(&conv, 1, &weights, Source::plain(&x, size), &dy);
    dx.rotate_right(size.channels);
    let worst = distance(&mut x, &dx, 0.5, 1, |x| {
        weighted(&forward(&conv, 1, &weights, Source::plain(x, size)), &dy)
    });
    assert!(worst > 0.1, "{worst}");
}

#[test]
fn the_input_gradient_can_be_added() {
    for (conv, size) in cases() {
        let weights = numbers(conv.weights(), 3);
        let dy = numbers(conv.output(size).len(), 5);
        let (mut crew, mut scratch) = (Crew::new(1), Scratch::default());
        let (mut once, mut more) = (vec![f32::NAN; size.len()], vec![1.0; size.len()]);
        conv.input_gradient(&mut crew, &weights, &dy, size, &mut once, false, &mut scratch);
        conv.input_gradient(&mut crew, &weights, &dy, size, &mut more, true, &mut scratch);
        assert!(once.iter().zip(&more).all(|(a, b)| (a + 1.0 - b).abs() < 1e-5), "{conv:?}");
    }
}

#[test]
fn a_rectified_source_is_what_it_says() {
    let scale = [2.0, -1.0, 0.5];
    let shift = [0.3, 0.0, -0.2];
    for (conv, size) in cases().into_iter().filter(|(conv, _)| conv.inputs == 3) {
        let weights = numbers(conv.weights(), 1);
        let x = numbers(size.len(), 2);
        let made: Vec<f32> =
            x.iter().enumerate().map(|(i, x)| (x * scale[i % 3] + shift[i % 3]).max(0.0)).collect();
        let affine = Affine { scale: &scale, shift: &shift };
        let read = Source { rectified: Some(affine), ..Source::plain(&x, size) };
        let made = Source::plain(&made, size);
        let dy = numbers(conv.output(size).len(), 5);
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&forward(&conv, 1, &weights, read), &forward(&conv, 1, &weights, made)));
        let (a, b) = (
            gradients(&conv, 1, &weights, read, &dy).0,
            gradients(&conv, 1, &weights, made, &dy).0,
        );
        assert!(close(&a, &b), "{conv:?}");
    }
}

/// Sizes at which there are several tiles, strips and parts.
#[test]
fn threads_change_no_bit() {
    for (conv, height) in [
        (Convolution::square(3, 1, 16, 24), 33),
        (Convolution::square(3, 2, 16, 24), 33),
        (Convolution::square(3, 1, 128, 128), 5),
        (Convolution::square(1, 1, 384, 352), 5),
    ] {
        let size = Size { images: 3, height, width: 14, channels: conv.inputs };
        let (weights, x) = (numbers(conv.weights(), 1), numbers(size.len(), 2));
        let dy = numbers(conv.output(size).len(), 3);
        let x = Source::plain(&x, size);
        let bits = |run: Vec<f32>| run.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let all = |threads| {
            let (dweight, dx) = gradients(&conv, threads, &weights, x, &dy);
            (bits(forward(&conv, threads, &weights, x)), bits(dweight), bits(dx))
        };
        let one = all(1);
        for threads in [2, 3, 8] {
            assert!(one == all(threads), "{conv:?}, {threads} threads");
        }
    }
}

/// The part of the kernel that is summed up for itself is the right one: both ways to the weights agree.
#[test]
fn both_ways_to_the_weights_agree() {
    for (conv, size) in cases() {
        let x = numbers(size.len(), 4);
        let dy = numbers(conv.output(size).len(), 5);
        let x = Source::plain(&x, size);
        let by_strips = gradients(&conv, 1, &vec![0.0; conv.weights()], x, &dy).0;
        let mut by_parts = vec![f32::NAN; conv.weights()];
        conv.weight_gradient_by_parts(&mut Crew::new(2), x, &dy, &mut by_parts);
        let close = by_strips.iter().zip(&by_parts).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close, "{conv:?}, {size:?}");
    }
}
