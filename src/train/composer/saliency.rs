//! Where in a row a network sees a composer: class activation maps, exact here, since the head weighs the means of the
//! last stage's maps (Zhou and others, 2016).

use crate::model::ModelError;
use crate::model::image::{Images, ResNet, Workspace};

/// What speaks for each composer, place by place of a row.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// Lines of places.
    pub height: usize,
    /// Places of a line.
    pub width: usize,
    /// For each composer what each place adds to the mean that is his logit, less his bias.
    pub maps: Vec<Vec<f32>>,
    /// The logits.
    pub logits: Vec<f32>,
}

/// Looks at one row of ink.
///
/// # Errors
/// [`ModelError::Input`] when it is not of this size.
pub fn seen(
    workspace: &mut Workspace,
    net: &ResNet,
    pixels: &[f32],
    (height, width): (usize, usize),
) -> Result<Seen, ModelError> {
    let images = Images { height, width, pixels: pixels.to_vec(), labels: vec![0] };
    let (maps, biases) = workspace.class_maps(net, &images)?;
    let logits = maps.means().iter().zip(&biases).map(|(mean, bias)| mean + bias).collect();
    let of = |composer| maps.map(0, composer);
    let each = (0..maps.channels).map(of).collect();
    Ok(Seen { height: maps.height, width: maps.width, maps: each, logits })
}

impl Seen {
    /// The map of a composer at another size, smooth between its places.
    pub fn spread(&self, composer: usize, width: usize, height: usize) -> Vec<f32> {
        let map = &self.maps[composer];
        let place = |at: usize, from: usize, to: usize| {
            let middle = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).max(0.0);
            let first = (middle as usize).min(from - 1);
            (first, (first + 1).min(from - 1), (middle - first as f32).min(1.0))
        };
        let mut out = Vec::with_capacity(width * height);
        for y in 0..height {
            let (top, below, down) = place(y, self.height, height);
            for x in 0..width {
                let (left, right, across) = place(x, self.width, width);
                let line = |y: usize| {
                    map[y * self.width + left] * (1.0 - across)
                        + map[y * self.width + right] * across
                };
                out.push(line(top) * (1.0 - down) + line(below) * down);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::ResNetConfig;

    #[test]
    fn maps_add_up_to_logits_and_spread_without_overshooting() {
        let net = ResNet::random(ResNetConfig { depth: 18, classes: 3, width: 4 }, 9).unwrap();
        let pixels: Vec<f32> = (0..70 * 130).map(|i| (i * 31 % 97) as f32 / 97.0).collect();
        let mut workspace = Workspace::new(1);
        let seen = seen(&mut workspace, &net, &pixels, (70, 130)).unwrap();
        assert_eq!((seen.height, seen.width, seen.maps.len()), (3, 5, 3));
        let images = Images { height: 70, width: 130, pixels, labels: vec![0] };
        workspace.evaluate(&net, &images).unwrap();
        for (ours, whole) in seen.logits.iter().zip(workspace.logits()) {
            assert!((ours - whole).abs() < 1e-4, "{ours} {whole}");
        }
        let ends = |of: &[f32]| {
            of.iter().fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(*x), high.max(*x)))
        };
        let (small, large) = (ends(&seen.maps[1]), ends(&seen.spread(1, 40, 21)));
        assert!(large.0 >= small.0 && large.1 <= small.1);
        assert_eq!(seen.spread(1, 5, 3), seen.maps[1]);
    }
}
