//! The shape of a residual network, and where its numbers lie.

use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::config::{MAX_PARAMETERS, TensorSpec};
use crate::model::image::convolution::Convolution;

/// The shape of a residual network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// 18 or 34 layers in basic blocks, or 50 in bottlenecks.
    pub depth: usize,
    /// Classes that are told apart.
    pub classes: usize,
    /// Channels after the stem; later stages have 2, 4 and 8 times as many. 64 in the published networks.
    pub width: usize,
}

impl ResNetConfig {
    /// Checks every size.
    ///
    /// # Errors
    /// [`ModelError::Size`] names the first value out of bounds.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (field, value, low, high) in
            [("classes", self.classes, 2, 65_536), ("width", self.width, 1, 256)]
        {
            if !(low..=high).contains(&value) {
                return Err(ModelError::Size { field, value, low, high });
            }
        }
        if ![18, 34, 50].contains(&self.depth) {
            return Err(ModelError::Depth(self.depth));
        }
        let value = Plan::new(self).tensors.last().map_or(0, |t| t.range.end);
        if value > MAX_PARAMETERS {
            return Err(ModelError::Size {
                field: "parameters",
                value,
                low: 1,
                high: MAX_PARAMETERS,
            });
        }
        Ok(())
    }
}

/// A convolution with the norm behind it.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) conv: Convolution,
    /// The weights among the parameters; norm factors and summands follow right after.
    pub(crate) start: usize,
    /// Running mean and variance among the buffers.
    pub(crate) running: usize,
}

/// Layers around which a shortcut leads.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) layers: Vec<Layer>,
    /// None where the block's input is added as it is.
    pub(crate) shortcut: Option<Layer>,
}

/// All layers of a network, in order.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) stem: Layer,
    pub(crate) blocks: Vec<Block>,
    /// Blocks of each stage.
    pub(crate) stages: [usize; 4],
    /// Numbers that the head sees of an image.
    pub(crate) features: usize,
    /// The head's weights among the parameters; its biases follow right after.
    pub(crate) head: usize,
    pub(crate) tensors: Vec<TensorSpec>,
    pub(crate) buffers: Vec<TensorSpec>,
}

impl Plan {
    /// Lays a network out.
    pub(crate) fn new(config: &ResNetConfig) -> Self {
        let (counts, bottleneck) = match config.depth {
            18 => ([2, 2, 2, 2], false),
            34 => ([3, 4, 6, 3], false),
            _ => ([3, 4, 6, 3], true),
        };
        let mut numbers = Layout::default();
        let stem = numbers.layer("conv1", "bn1", Convolution::square(7, 2, 1, config.width));
        let mut inputs = config.width;
        let mut blocks = Vec::new();
        for (stage, count) in counts.into_iter().enumerate() {
            for nth in 0..count {
                let stride = if stage > 0 && nth == 0 { 2 } else { 1 };
                let inner = config.width << stage;
                let name = format!("layer{}.{nth}", stage + 1);
                let (shapes, outputs) = if bottleneck {
                    // The stride is the middle layer's, as in torchvision.
                    let shapes = vec![(1, 1, inputs, inner), (3, stride, inner, inner)];
                    ([shapes, vec![(1, 1, inner, 4 * inner)]].concat(), 4 * inner)
                } else {
                    (vec![(3, stride, inputs, inner), (3, 1, inner, inner)], inner)
                };
                let layers = (1..).zip(shapes).map(|(i, (kernel, stride, inputs, outputs))| {
                    let conv = Convolution::square(kernel, stride, inputs, outputs);
                    numbers.layer(&format!("{name}.conv{i}"), &format!("{name}.bn{i}"), conv)
                });
                let layers = layers.collect();
                let shortcut = (stride > 1 || inputs != outputs).then(|| {
                    let conv = Convolution::square(1, stride, inputs, outputs);
                    let name = format!("{name}.downsample");
                    numbers.layer(&format!("{name}.0"), &format!("{name}.1"), conv)
                });
                blocks.push(Block { layers, shortcut });
                inputs = outputs;
            }
        }
        let head = numbers.tensor("fc.weight".to_owned(), vec![config.classes, inputs]);
        numbers.tensor("fc.bias".to_owned(), vec![config.classes]);
        let Layout { tensors, buffers } = numbers;
        Self { stem, blocks, stages: counts, features: inputs, head, tensors, buffers }
    }

    /// Blocks up to the end of a stage, counted from 1; none up to the stem, 0.
    pub(crate) fn blocks_up_to(&self, stage: usize) -> usize {
        self.stages[..stage].iter().sum()
    }
}

/// Lays tensors out one after another.
#[derive(Default)]
struct Layout {
    tensors: Vec<TensorSpec>,
    buffers: Vec<TensorSpec>,
}

impl Layout {
    fn layer(&mut self, conv_name: &str, norm_name: &str, conv: Convolution) -> Layer {
        let shape = vec![conv.y.kernel, conv.x.kernel, conv.inputs, conv.outputs];
        let start = self.tensor(format!("{conv_name}.weight"), shape);
        self.tensor(format!("{norm_name}.weight"), vec![conv.outputs]);
        self.tensor(format!("{norm_name}.bias"), vec![conv.outputs]);
        let mean = format!("{norm_name}.running_mean");
        let running = push(&mut self.buffers, mean, vec![conv.outputs]);
        push(&mut self.buffers, format!("{norm_name}.running_var"), vec![conv.outputs]);
        Layer { conv, start, running }
    }

    fn tensor(&mut self, name: String, shape: Vec<usize>) -> usize {
        push(&mut self.tensors, name, shape)
    }
}

fn push(to: &mut Vec<TensorSpec>, name: String, shape: Vec<usize>) -> usize {
    let start = to.last().map_or(0, |t| t.range.end);
    to.push(TensorSpec { name, range: start..start + shape.iter().product::<usize>(), shape });
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_have_their_published_sizes() {
        // torchvision's counts for 1000 classes, less what the stem saves with one channel instead of three.
        for (depth, parameters) in [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)] {
            let config = ResNetConfig { depth, classes: 1_000, width: 64 };
            config.validate().unwrap();
            let plan = Plan::new(&config);
            let all = plan.tensors.last().unwrap().range.end;
            assert_eq!(all, parameters - 2 * 7 * 7 * 64, "ResNet-{depth}");
            assert_eq!(all, plan.head + config.classes * (plan.features + 1));
        }
        let plan = Plan::new(&ResNetConfig { depth: 50, classes: 7, width: 64 });
        let names: Vec<_> = plan.tensors.iter().map(|t| t.name.as_str()).collect();
        for name in
            ["conv1.weight", "bn1.bias", "layer1.0.downsample.1.weight", "layer4.2.conv3.weight"]
        {
            assert!(names.contains(&name), "{name}");
        }
        let buffers: Vec<_> = plan.buffers.iter().map(|t| t.name.as_str()).collect();
        assert!(buffers.contains(&"layer3.5.bn2.running_var"));
    }

    #[test]
    fn unknown_sizes_are_refused() {
        let good = ResNetConfig { depth: 50, classes: 7, width: 64 };
        for bad in [
            ResNetConfig { depth: 19, ..good },
            ResNetConfig { depth: 101, ..good },
            ResNetConfig { classes: 1, ..good },
            ResNetConfig { width: 0, ..good },
            ResNetConfig { width: 256, classes: 65_536, ..good },
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
