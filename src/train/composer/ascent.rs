//! What a channel answers to: pictures that begin as faint noise and climb the gradient of its mean activation, as in
//! Chollet, "Deep Learning with Python"; and which channels are worth looking at.

use crate::data::mix::random;
use crate::model::ModelError;
use crate::model::image::{Images, PLACES, ResNet, Workspace};
use crate::model::parameters::normal;

/// How far a step goes: the gradient's mean square is made 1 first.
const RATE: f32 = 0.04;
/// The noise that a climb begins with: ink on average, and its deviation. The ink is moved about but hardly becomes
/// more, or what answers to ink of any shape would blacken everything.
const START: (f32, f32) = (0.25, 0.1);
/// The share of a place's four neighbours in it after each step: what only single pixels hold is no pattern of ink.
const SMOOTH: f32 = 0.12;
/// The correlation from which two channels vary alike.
const ALIKE: f64 = 0.8;
/// Images of a batch.
const BATCH: usize = 16;

/// What a channel answers to.
#[derive(Clone, PartialEq, Debug)]
pub struct Pattern {
    /// The channel.
    pub channel: usize,
    /// Ink, 0 for paper and 1 for black.
    pub pixels: Vec<f32>,
    /// The channel's mean activation before the first step and after the last.
    pub activation: (f32, f32),
}

/// Climbs so many steps for each of these channels; `tell` hears of every step.
///
/// # Errors
/// [`ModelError::Input`] when there is no such place or channel.
pub fn climb(
    workspace: &mut Workspace,
    net: &ResNet,
    place: usize,
    channels: &[usize],
    (height, width): (usize, usize),
    steps: usize,
    tell: &dyn Fn(usize),
) -> Result<Vec<Pattern>, ModelError> {
    let mut patterns = Vec::with_capacity(channels.len());
    for channels in channels.chunks(BATCH) {
        let mut rng = random(1, place as u64);
        let count = channels.len() * height * width;
        let pixels = (0..count).map(|_| (START.0 + START.1 * normal(&mut rng)).clamp(0.0, 1.0));
        let mut images =
            Images { height, width, pixels: pixels.collect(), labels: vec![0; channels.len()] };
        let mut gradient = Vec::new();
        let mut first = None;
        for _ in 0..steps {
            let means = workspace.slope(net, &images, place, channels, &mut gradient)?;
            first.get_or_insert(means);
            let pictures = images.pixels.chunks_mut(height * width);
            for (pixels, gradient) in pictures.zip(gradient.chunks(height * width)) {
                step(pixels, gradient);
                smooth(pixels, width);
            }
            tell(1);
        }
        let last = workspace.slope(net, &images, place, channels, &mut gradient)?;
        let first = first.unwrap_or_default();
        for (i, pixels) in images.pixels.chunks(height * width).enumerate() {
            let activation = (first.get(i).copied().unwrap_or_default(), last[i]);
            patterns.push(Pattern { channel: channels[i], pixels: pixels.to_vec(), activation });
        }
    }
    Ok(patterns)
}

fn step(pixels: &mut [f32], gradient: &[f32]) {
    let count = gradient.len() as f64;
    let mean = gradient.iter().map(|g| f64::from(*g)).sum::<f64>() / count;
    let square = gradient.iter().map(|g| (f64::from(*g) - mean).powi(2)).sum::<f64>();
    let length = (square / count).sqrt().max(1e-20);
    for (pixel, g) in pixels.iter_mut().zip(gradient) {
        *pixel = (*pixel + RATE * ((f64::from(*g) - mean) / length) as f32).clamp(0.0, 1.0);
    }
}

fn smooth(pixels: &mut [f32], width: usize) {
    let height = pixels.len() / width.max(1);
    let before = pixels.to_vec();
    for y in 0..height {
        for x in 0..width {
            let at = |x: usize, y: usize| before[y * width + x];
            let around = at(x.saturating_sub(1), y)
                + at((x + 1).min(width - 1), y)
                + at(x, y.saturating_sub(1))
                + at(x, (y + 1).min(height - 1));
            pixels[y * width + x] = (1.0 - SMOOTH) * at(x, y) + SMOOTH / 4.0 * around;
        }
    }
}

/// The channels behind each place that tell these rows apart most: those whose mean activation varies most from row to
/// row, `count` of them, and no two that vary alike as long as there are others.
///
/// # Errors
/// [`ModelError::Input`] when the rows are not of this size.
pub fn liveliest(
    workspace: &mut Workspace,
    net: &ResNet,
    pixels: &[f32],
    (height, width): (usize, usize),
    count: usize,
) -> Result<Vec<Vec<usize>>, ModelError> {
    let mut chosen = Vec::with_capacity(PLACES);
    for place in 0..PLACES {
        let mut by_channel: Vec<Vec<f64>> = Vec::new();
        for batch in pixels.chunks(BATCH * height * width) {
            let labels = vec![0; batch.len() / (height * width)];
            let images = Images { height, width, pixels: batch.to_vec(), labels };
            let maps = workspace.maps(net, &images, place)?;
            by_channel.resize(maps.channels, Vec::new());
            for means in maps.means().chunks(maps.channels) {
                by_channel.iter_mut().zip(means).for_each(|(all, m)| all.push(f64::from(*m)));
            }
        }
        chosen.push(apart(by_channel, count));
    }
    Ok(chosen)
}

/// The places of the runs that vary most, but not alike.
fn apart(mut runs: Vec<Vec<f64>>, count: usize) -> Vec<usize> {
    let length = |run: &[f64]| run.iter().map(|x| x * x).sum::<f64>().sqrt();
    for run in &mut runs {
        let mean = run.iter().sum::<f64>() / run.len().max(1) as f64;
        for x in run {
            *x -= mean;
        }
    }
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by(|a, b| length(&runs[*b]).total_cmp(&length(&runs[*a])));
    let alike = |a: usize, b: usize| {
        let product: f64 = runs[a].iter().zip(&runs[b]).map(|(x, y)| x * y).sum();
        product.abs() > ALIKE * length(&runs[a]) * length(&runs[b])
    };
    let (mut chosen, mut rest): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for run in order {
        let into = if chosen.iter().any(|c| alike(*c, run)) { &mut rest } else { &mut chosen };
        into.push(run);
    }
    chosen.extend(rest);
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::ResNetConfig;

    #[test]
    fn a_climb_raises_what_it_climbs_for() {
        let net = ResNet::random(ResNetConfig { depth: 18, classes: 2, width: 4 }, 3).unwrap();
        let mut workspace = Workspace::new(1);
        for place in 0..PLACES {
            let patterns =
                climb(&mut workspace, &net, place, &[0, 3], (24, 32), 30, &|_| {}).unwrap();
            for Pattern { pixels, activation: (first, last), .. } in patterns {
                assert!(last > first && last > 0.0, "place {place}: {first} to {last}");
                assert!(pixels.iter().all(|p| (0.0..=1.0).contains(p)));
            }
        }
    }

    #[test]
    fn channels_are_chosen_at_every_place() {
        let net = ResNet::random(ResNetConfig { depth: 18, classes: 2, width: 4 }, 3).unwrap();
        let mut workspace = Workspace::new(1);
        let size = (8, 8);
        let pixels: Vec<f32> = (0..3 * 64).map(|i| (i / 64) as f32 * 0.4).collect();
        let all = liveliest(&mut workspace, &net, &pixels, size, 2).unwrap();
        assert_eq!(all.len(), PLACES);
        assert!(all.iter().all(|channels| channels.len() == 2));
    }

    #[test]
    fn runs_that_vary_most_come_first_and_those_that_vary_alike_last() {
        let runs = vec![
            vec![1.0, 1.0, 1.0, 1.0],
            vec![0.0, 4.0, 0.0, 4.0],
            vec![9.0, 0.0, 9.0, 0.0],
            vec![5.0, 5.0, 7.0, 7.0],
        ];
        assert_eq!(apart(runs.clone(), 2), [2, 3]);
        assert_eq!(apart(runs.clone(), 3), [0, 2, 3]);
        assert_eq!(apart(runs, 9), [0, 1, 2, 3]);
    }
}
