//! Where a run has its images from.

use rand_chacha::rand_core::Rng;

use super::verdicts::Verdicts;
use super::{ComposerConfig, augment, run};
use crate::data::mix::{below, random};
use crate::data::pages::split::Side;
use crate::data::rows::Gallery;
use crate::model::checkpoint::Corpus;
use crate::model::image::ResNet;
use crate::train::TrainError;

/// Random streams of the rows' order begin here; those below vary the rows themselves.
const ORDER: u64 = 1 << 40;

/// Images with what they show: to learn from, and to choose the best model by.
pub trait Album {
    /// What the classes are called.
    fn classes(&self) -> &[String];

    /// Lines and columns of an image.
    fn size(&self) -> (usize, usize);

    /// Names all of it: a run that goes on must find the same.
    fn hash(&self) -> &str;

    /// Images in an epoch.
    fn images(&self) -> usize;

    /// The order of an epoch's images.
    fn order(&self, epoch: u64) -> Vec<usize> {
        let _ = epoch;
        (0..self.images()).collect()
    }

    /// Writes an image of an epoch and gives its class.
    ///
    /// # Errors
    /// [`TrainError`] when it can't be had any more.
    fn image(&self, epoch: u64, index: usize, out: &mut [f32]) -> Result<u16, TrainError>;

    /// What a network makes of the images to choose by; none where there are none.
    ///
    /// # Errors
    /// [`TrainError`] when they don't fit the network.
    fn judge(
        &self,
        net: &ResNet,
        batch: usize,
        threads: usize,
    ) -> Result<Option<Verdicts>, TrainError>;

    /// What an image is called in reports.
    fn noun(&self) -> &'static str;

    /// How an image was made, for the model card.
    fn pixels(&self) -> &'static str;

    /// What is learnt from, for the model card; its sources are the run's to tell.
    fn corpus(&self) -> Corpus;
}

/// Rows of sheet music.
pub(super) struct Pages<'a> {
    pub(super) config: &'a ComposerConfig,
    pub(super) gallery: &'a Gallery,
}

impl Album for Pages<'_> {
    fn classes(&self) -> &[String] {
        &self.gallery.composers
    }

    fn size(&self) -> (usize, usize) {
        (self.gallery.height, self.gallery.width)
    }

    fn hash(&self) -> &str {
        &self.gallery.hash
    }

    fn images(&self) -> usize {
        self.gallery.side(Side::Train).labels.len()
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        shuffled(self.images(), self.config.seed, epoch)
    }

    fn image(&self, epoch: u64, index: usize, out: &mut [f32]) -> Result<u16, TrainError> {
        let (rows, width) = (self.gallery.side(Side::Train), self.gallery.width);
        let pixels = self.gallery.height * width;
        let ink = &rows.ink[index * pixels..(index + 1) * pixels];
        if self.config.augment {
            let stream = epoch * rows.labels.len() as u64 + index as u64;
            augment::varied(ink, width, &mut random(self.config.seed, stream), out);
        } else {
            augment::plain(ink, out);
        }
        Ok(rows.labels[index])
    }

    fn judge(
        &self,
        net: &ResNet,
        batch: usize,
        threads: usize,
    ) -> Result<Option<Verdicts>, TrainError> {
        let dev = self.gallery.side(Side::Dev);
        if dev.labels.is_empty() {
            return Ok(None);
        }
        let logits = run::judge(net, dev, self.size(), batch, threads)?;
        Ok(Some(Verdicts::of(&logits, &dev.labels, &dev.works, self.gallery.composers.len())))
    }

    fn noun(&self) -> &'static str {
        "row"
    }

    fn pixels(&self) -> &'static str {
        "ink: 0 for the page's paper, 1 for its darkest; area means"
    }

    fn corpus(&self) -> Corpus {
        let rows = |side| self.gallery.side(side).labels.len();
        Corpus {
            train_pieces: rows(Side::Train),
            valid_pieces: rows(Side::Dev),
            train_notes: 0,
            hash: self.gallery.hash.clone(),
            sources: Vec::new(),
        }
    }
}

/// The rows' order in an epoch.
fn shuffled(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut rng = random(seed, ORDER + epoch);
    let _ = rng.next_u32();
    let mut order: Vec<usize> = (0..count).collect();
    for i in (1..count).rev() {
        order.swap(i, below(&mut rng, i as u32 + 1) as usize);
    }
    order
}
