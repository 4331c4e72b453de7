//! The `listener` recipe: a small residual network that names the style of what a player plays, from images of his last
//! bars ([`crate::music::roll`]). The loop is the one of `composer`.

pub mod baseline;
mod excerpt;

use serde::{Deserialize, Serialize};

pub use excerpt::Excerpt;

use crate::data::mix::{below, random};
use crate::data::roles::{Piece, Role, Shares};
use crate::data::shelf::{self, ShelfError, Stored};
use crate::data::split::Split;
use crate::model::checkpoint::Corpus;
use crate::model::image::checkpoint::LISTENER;
use crate::model::image::{Images, ResNet, Workspace};
use crate::music::roll::{COLUMNS, LINES, PIXELS};
use crate::train::TrainError;
use crate::train::composer::ComposerConfig;
use crate::train::composer::album::Album;
use crate::train::composer::verdicts::Verdicts;
use crate::train::optimiser::Way;

/// Images of each style that the best model is chosen by.
const CHOSEN_BY: usize = 160;
/// Their random streams begin here; those below are training's.
const CHOOSING: u64 = 1 << 41;
/// Pieces that are tried for an image before one is left blank.
const TRIES: u32 = 64;

/// The settings of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {
    /// The network, and how it is trained.
    pub net: ComposerConfig,
    /// Images in an epoch, the same number of each style.
    pub images: usize,
    /// How often the player plays which part.
    pub roles: Shares,
    /// The share of the pieces that is held out, as in the training of a duet model.
    pub valid_share: f64,
    /// What the styles are called.
    pub styles: Vec<String>,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        let net = ComposerConfig {
            recipe: LISTENER.to_owned(),
            depth: 18,
            height: LINES,
            width: COLUMNS,
            channels: 12,
            batch: 64,
            epochs: 60,
            optimiser: Way::Adam,
            learning_rate: 2e-3,
            decay: 2e-3,
            augment: true,
            seed: 1,
        };
        Self { net, images: 4_096, roles: Shares::default(), valid_share: 0.1, styles: Vec::new() }
    }
}

impl ListenerConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |text: String| Err(TrainError::Config(text));
        if !(1..=1 << 24).contains(&self.images) {
            return wrong(format!("--images is {}, allowed are 1 to {}", self.images, 1 << 24));
        }
        if !(0.0..1.0).contains(&self.valid_share) {
            return wrong(format!("--valid-share is {}, allowed are 0 to 1", self.valid_share));
        }
        if self.styles.len() < 2 {
            return wrong("--style: two styles or more are needed".to_owned());
        }
        self.net.validate()
    }
}

/// The pieces of a style.
#[derive(Clone, Debug)]
pub struct Style {
    /// What it is called.
    pub name: String,
    /// To learn from.
    pub train: Vec<Stored>,
    /// To choose the best model by.
    pub dev: Vec<Stored>,
    /// Held out to the end: what the training of a duet model with the same seed and share holds out.
    pub test: Vec<Stored>,
}

impl Style {
    /// Shares the pieces out.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    pub fn new(
        name: String,
        pieces: Vec<Stored>,
        share: f64,
        seed: u64,
    ) -> Result<Self, ShelfError> {
        let Split { train, valid: test } = Split::new(pieces, share, seed)?;
        let Split { train, valid: dev } = Split::new(train, share, seed.wrapping_add(1))?;
        Ok(Self { name, train, dev, test })
    }
}

/// What players play in several styles.
#[derive(Debug)]
pub struct Playing<'a> {
    config: &'a ListenerConfig,
    styles: &'a [Style],
    hash: String,
    /// To choose by, with the piece of each.
    chosen_by: (Images, Vec<u32>),
}

impl<'a> Playing<'a> {
    /// Of these styles, in the order of the settings' names.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    pub fn new(config: &'a ListenerConfig, styles: &'a [Style]) -> Result<Self, TrainError> {
        let mut hasher = blake3::Hasher::new();
        for style in styles {
            hasher.update(style.name.as_bytes());
            style.train.iter().for_each(|piece| {
                hasher.update(&piece.hash);
            });
        }
        let (height, width) = (LINES, COLUMNS);
        let mut playing = Self {
            config,
            styles,
            hash: hasher.finalize().to_hex().to_string(),
            chosen_by: (Images { height, width, ..Images::default() }, Vec::new()),
        };
        let mut pixels = vec![0.0; LINES * COLUMNS];
        for index in 0..CHOSEN_BY * styles.len() {
            let (label, piece) = playing.draw(CHOOSING + index as u64, index, true, &mut pixels)?;
            let (images, works) = &mut playing.chosen_by;
            images.pixels.extend_from_slice(&pixels);
            images.labels.push(label);
            works.push(u32::from(label) << 24 | piece as u32 & 0x00ff_ffff);
        }
        Ok(playing)
    }

    /// An image by lot: its style, and its piece.
    fn draw(
        &self,
        stream: u64,
        index: usize,
        to_choose: bool,
        out: &mut [f32],
    ) -> Result<(u16, usize), TrainError> {
        let label = index % self.styles.len();
        let style = &self.styles[label];
        let pieces = if to_choose { &style.dev } else { &style.train };
        let (excerpt, piece) = self.excerpt(stream, pieces)?;
        let semitones =
            below(&mut random(self.config.net.seed.wrapping_add(1), stream), 12) as i32 - 5;
        excerpt.draw(semitones, out);
        Ok((label as u16, piece))
    }

    fn excerpt(&self, stream: u64, pieces: &[Stored]) -> Result<(Excerpt, usize), TrainError> {
        let mut rng = random(self.config.net.seed, stream);
        for _ in 0..TRIES {
            let piece = below(&mut rng, pieces.len() as u32) as usize;
            let played = pieces[piece].piece()?;
            if let Some(excerpt) = Excerpt::by_lot(&played, &self.config.roles, &mut rng) {
                return Ok((excerpt, piece));
            }
        }
        Ok((Excerpt::default(), 0))
    }

    /// Excerpts to learn from by other means, with their styles.
    ///
    /// # Errors
    /// [`ShelfError`] when a piece can't be read.
    pub fn excerpts(&self, count: usize) -> Result<Vec<(Excerpt, u16)>, TrainError> {
        let excerpt = |index: usize| {
            let label = index % self.styles.len();
            let (excerpt, _) = self.excerpt(index as u64, &self.styles[label].train)?;
            Ok((excerpt, label as u16))
        };
        (0..count).map(excerpt).collect()
    }
}

impl Album for Playing<'_> {
    fn classes(&self) -> &[String] {
        &self.config.styles
    }

    fn size(&self) -> (usize, usize) {
        (LINES, COLUMNS)
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn images(&self) -> usize {
        self.config.images
    }

    fn image(&self, epoch: u64, index: usize, out: &mut [f32]) -> Result<u16, TrainError> {
        let stream = epoch * self.config.images as u64 + index as u64;
        Ok(self.draw(stream, index, false, out)?.0)
    }

    fn judge(
        &self,
        net: &ResNet,
        batch: usize,
        threads: usize,
    ) -> Result<Option<Verdicts>, TrainError> {
        let (images, pieces) = &self.chosen_by;
        let mut workspace = Workspace::new(threads);
        let mut logits = Vec::new();
        let pixels = LINES * COLUMNS;
        for (pixels, labels) in
            images.pixels.chunks(batch * pixels).zip(images.labels.chunks(batch))
        {
            let (pixels, labels) = (pixels.to_vec(), labels.to_vec());
            workspace.evaluate(net, &Images { pixels, labels, ..*images })?;
            logits.extend_from_slice(workspace.logits());
        }
        Ok(Some(Verdicts::of(&logits, &images.labels, pieces, self.styles.len())))
    }

    fn noun(&self) -> &'static str {
        "image"
    }

    fn pixels(&self) -> &'static str {
        PIXELS
    }

    fn corpus(&self) -> Corpus {
        Corpus {
            train_pieces: self.styles.iter().map(|s| s.train.len()).sum(),
            valid_pieces: self.styles.iter().map(|s| s.dev.len()).sum(),
            train_notes: self.styles.iter().map(|s| shelf::notes(&s.train)).sum(),
            hash: self.hash.clone(),
            sources: Vec::new(),
        }
    }
}

/// What the player strikes in a piece, in the order of time.
pub fn player(piece: &Piece, role: Role) -> Vec<crate::music::roll::Struck> {
    excerpt::player(piece, role)
}
