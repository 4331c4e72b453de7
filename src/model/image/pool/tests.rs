//! Holds pooling to finite differences, and ties to the first.

use super::*;
use crate::model::image::loops::Affine;
use crate::model::image::slopes::{distance, numbers, weighted};

const AXIS: Axis = Axis { kernel: 3, stride: 2, padding: 1 };

fn run(axis: Axis, x: Source<'_>) -> (Vec<f32>, Vec<u8>) {
    let n = pooled(axis, x.size).len();
    let (mut y, mut taps) = (vec![f32::NAN; n], vec![9; n]);
    highest(&mut Crew::new(2), axis, x, &mut y, &mut taps);
    (y, taps)
}

#[test]
fn gradients_are_the_slopes() {
    for axis in
        [AXIS, Axis { kernel: 2, stride: 2, padding: 0 }, Axis { kernel: 3, stride: 1, padding: 2 }]
    {
        for (height, width) in [(7, 10), (8, 9), (2, 3), (1, 4)] {
            let size = Size { images: 2, height, width, channels: 3 };
            // All different by far more than the step.
            let mut x: Vec<f32> = (0..size.len()).map(|i| (i * 101 % 509) as f32).collect();
            let (y, taps) = run(axis, Source::plain(&x, size));
            let dy = numbers(y.len(), 1);
            let mut dx = vec![f32::NAN; x.len()];
            highest_backward(&mut Crew::new(2), axis, size, &taps, &dy, &mut dx);
            let worst = distance(&mut x, &dx, 0.125, 1, |x| {
                weighted(&run(axis, Source::plain(x, size)).0, &dy)
            });
            assert!(worst < 1e-5, "{axis:?}, {size:?}: off by {worst}");
        }
    }
}

#[test]
fn of_equals_the_first_counts() {
    let size = Size { images: 1, height: 4, width: 4, channels: 1 };
    let x = [1.0; 16];
    let (y, taps) = run(AXIS, Source::plain(&x, size));
    assert_eq!(y, [1.0; 4]);
    assert_eq!(taps, [4, 3, 1, 0]);
    let mut dx = [f32::NAN; 16];
    highest_backward(&mut Crew::new(1), AXIS, size, &taps, &[1.0, 2.0, 3.0, 4.0], &mut dx);
    let expected = [1.0, 2.0, 0.0, 0.0, 3.0, 4.0];
    assert_eq!(dx[..6], expected);
    assert!(dx[6..].iter().all(|x| *x == 0.0), "four stops give four gradients: {dx:?}");
}

#[test]
fn numbers_are_made_while_reading_and_nan_shows() {
    let size = Size { images: 1, height: 3, width: 3, channels: 2 };
    let x = numbers(size.len(), 3);
    let (scale, shift) = ([-2.0, 0.5], [0.25, 0.0]);
    let made: Vec<f32> =
        x.iter().enumerate().map(|(i, x)| (x * scale[i % 2] + shift[i % 2]).max(0.0)).collect();
    let affine = Affine { scale: &scale, shift: &shift };
    let read = Source { rectified: Some(affine), ..Source::plain(&x, size) };
    let ((a, a_taps), (b, b_taps)) = (run(AXIS, read), run(AXIS, Source::plain(&made, size)));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6) && a_taps == b_taps);
    let mut x = x.clone();
    x[2] = f32::NAN;
    assert!(run(AXIS, Source { data: &x, ..read }).0.iter().any(|y| y.is_nan()));
}

#[test]
fn the_mean_and_its_way_back() {
    let size = Size { images: 2, height: 3, width: 5, channels: 4 };
    let mut x = numbers(size.len(), 6);
    let dy = numbers(2 * 4, 7);
    let mut dx = vec![f32::NAN; x.len()];
    mean_backward(&dy, size, &mut dx);
    let worst = distance(&mut x, &dx, 0.5, 1, |x| {
        let mut y = [0.0; 8];
        mean(x, size, &mut y);
        weighted(&y, &dy)
    });
    assert!(worst < 1e-5, "{worst}");
}
