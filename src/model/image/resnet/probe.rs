//! Looks into a trained network: its maps at any stage, what its head sees in each place, and which way the pixels of an
//! image have to go for a channel to answer more.

use super::backward::{Wanted, Way};
use super::{Estimates, Images, ResNet, Trace, Workspace, cut_head};
use crate::model::ModelError;
use crate::model::image::crew::grown;
use crate::model::image::norm::Gate;
use crate::model::image::patches::Source;
use crate::model::image::shape::Size;
use crate::model::image::{loops, pool};

/// Where a network can be looked into: behind the stem (0) and behind its four stages.
pub const PLACES: usize = 5;

/// Feature maps.
#[derive(Clone, PartialEq, Debug)]
pub struct Maps {
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// Maps of an image.
    pub channels: usize,
    /// (images, rows, columns, channels).
    pub values: Vec<f32>,
}

impl Maps {
    fn new(size: Size, values: Vec<f32>) -> Self {
        Self { height: size.height, width: size.width, channels: size.channels, values }
    }

    /// The mean of each map: (images, channels).
    pub fn means(&self) -> Vec<f32> {
        let image = self.height * self.width * self.channels;
        let images = self.values.len() / image.max(1);
        let size = Size { images, height: self.height, width: self.width, channels: self.channels };
        let mut means = vec![0.0; images * self.channels];
        pool::mean(&self.values, size, &mut means);
        means
    }

    /// One map of one image, row by row.
    pub fn map(&self, image: usize, channel: usize) -> Vec<f32> {
        let places = self.height * self.width;
        let first = image * places * self.channels + channel;
        (0..places).map(|i| self.values[first + i * self.channels]).collect()
    }
}

impl Workspace {
    /// The rectified maps of a trained network behind the stem (`place` 0) or a stage.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the images do not fit, or there is no such place.
    pub fn maps(
        &mut self,
        net: &ResNet,
        images: &Images,
        place: usize,
    ) -> Result<Maps, ModelError> {
        let input = self.up_to(net, images, place)?;
        Ok(self.at(net, place, input.images))
    }

    /// For each class the sum of the last stage's maps, weighed as the head weighs their means (Zhou and others, 2016):
    /// the mean of a class's map, and its bias, is its logit. The biases come second.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the images do not fit.
    pub fn class_maps(
        &mut self,
        net: &ResNet,
        images: &Images,
    ) -> Result<(Maps, Vec<f32>), ModelError> {
        let features = self.maps(net, images, PLACES - 1)?;
        let (weight, bias) = cut_head(&net.plan, &net.values);
        let (n, classes) = (features.channels, bias.len());
        let mut values = Vec::with_capacity(features.values.len() / n * classes);
        for place in features.values.chunks_exact(n) {
            let product = |w: &[f32]| w.iter().zip(place).map(|(w, x)| w * x).sum::<f32>();
            values.extend(weight.chunks_exact(n).map(product));
        }
        Ok((Maps { channels: classes, values, ..features }, bias.to_vec()))
    }

    /// The gradient of each image's pixels: that of the mean of one of its maps behind a stage, `channels` names which.
    /// Where that map is silent everywhere it is the gradient of the mean before the last ReLU, or nothing would ever
    /// wake it. Gives the means.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the images do not fit, or there is no such place or channel.
    pub fn slope(
        &mut self,
        net: &ResNet,
        images: &Images,
        place: usize,
        channels: &[usize],
        gradient: &mut Vec<f32>,
    ) -> Result<Vec<f32>, ModelError> {
        let input = self.up_to(net, images, place)?;
        let maps = self.at(net, place, input.images);
        let (got, want) = (channels.len(), input.images);
        if got != want {
            return Err(ModelError::Input { what: "the channels to answer", got, want });
        }
        if let Some(got) = channels.iter().copied().find(|c| *c >= maps.channels) {
            return Err(ModelError::Input { what: "a channel", got, want: maps.channels });
        }
        let all = maps.means();
        let of = |image: usize| all[image * maps.channels + channels[image]];
        let means: Vec<f32> = (0..input.images).map(of).collect();
        // What the last ReLU lets through.
        let mut open = maps.values;
        let image = open.len() / input.images;
        for (open, _) in open.chunks_mut(image).zip(&means).filter(|(_, mean)| **mean <= 0.0) {
            open.fill(1.0);
        }
        let Self { crew, scratch, stem, pooled, taps, blocks, flow, .. } = self;
        let start = grown(&mut flow[usize::from(place == 0)], open.len());
        start.fill(0.0);
        let share = 1.0 / (maps.height * maps.width) as f32;
        for (start, channel) in start.chunks_mut(image).zip(channels) {
            start.iter_mut().skip(*channel).step_by(maps.channels).for_each(|g| *g = share);
        }
        let mut way = Way { crew, values: &net.values, wanted: Wanted::Images, scratch, flow };
        let source = Source::plain(&images.pixels, input);
        if let Some(last) = net.plan.blocks_up_to(place).checked_sub(1) {
            blocks[last].out = open;
            way.through_blocks(&net.plan, (pooled.0, &pooled.1), &blocks[..=last]);
            way.through_pool(stem, taps);
            way.through_stem(&net.plan.stem, stem, Gate::Again, source);
        } else {
            way.through_stem(&net.plan.stem, stem, Gate::Output(&open), source);
        }
        gradient.clear();
        gradient.extend_from_slice(&flow[2][..input.len()]);
        Ok(means)
    }

    /// Runs images through the frozen network as far as `place`.
    fn up_to(&mut self, net: &ResNet, images: &Images, place: usize) -> Result<Size, ModelError> {
        if place >= PLACES {
            return Err(ModelError::Input { what: "a place", got: place, want: PLACES });
        }
        let size = images.check(&net.config)?;
        let input = Source::plain(&images.pixels, size);
        let running = Estimates::Running(&net.running);
        self.trunk(&net.plan, &net.values, running, input, net.plan.blocks_up_to(place));
        Ok(size)
    }

    /// The rectified maps at the place that [`Self::up_to`] ran to.
    fn at(&self, net: &ResNet, place: usize, images: usize) -> Maps {
        if place == 0 {
            let mut values = vec![0.0; self.stem.y.len()];
            loops::rectify(&mut values, &self.stem.y, self.stem.norm.affine());
            return Maps::new(Size { images, ..self.stem.size }, values);
        }
        let last = net.plan.blocks_up_to(place).checked_sub(1).and_then(|n| self.blocks.get(n));
        let (size, out) = last.map_or((self.pooled.0, &self.pooled.1[..]), Trace::output);
        Maps::new(size, out.to_vec())
    }
}
