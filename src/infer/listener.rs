//! The listener: names the style of what the player plays, from a picture of his last bars.
//!
//! A small residual network looks at each bar line ([`crate::music::roll`]). What it says of one bar after the other is
//! gathered into an [`Opinion`], in which the bars of long ago count little.

use std::fmt;
use std::path::Path;

use crate::model::ModelError;
use crate::model::image::checkpoint::{ImageCheckpoint, LISTENER};
use crate::model::image::{Images, ResNet, Workspace};
use crate::music::roll::{COLUMNS, LINES, Struck, draw};
use crate::music::time::Tick;

/// What a judgement weighs a bar later, against one of then.
const LASTING: f64 = 0.94;
/// Pictures overlap, so that each after the first adds this much to what is known, and not all of it.
const ADDED: f64 = 0.06;

/// Numbers of a listener, at most: ten times what comes with Sideman, a few milliseconds a bar on the worker.
const MOST_PARAMETERS: usize = 4 << 20;

/// The network and the names of its styles.
#[derive(Debug)]
pub struct Listener {
    styles: Vec<String>,
    net: ResNet,
}

impl Listener {
    /// A model of the recipe `listener`.
    ///
    /// # Errors
    /// [`ModelError::Input`] when it looks at other pictures than those of live playing, [`ModelError::Size`] when it would
    /// keep the worker too long.
    pub fn new(checkpoint: ImageCheckpoint) -> Result<Self, ModelError> {
        let ImageCheckpoint { manifest, net } = checkpoint;
        for (what, got, want) in [
            ("the lines of the listener's pictures", manifest.height, LINES),
            ("the columns of the listener's pictures", manifest.width, COLUMNS),
        ] {
            if got != want {
                return Err(ModelError::Input { what, got, want });
            }
        }
        let parameters = net.values().len();
        if parameters > MOST_PARAMETERS {
            let (field, value, high) = ("the listener's parameters", parameters, MOST_PARAMETERS);
            return Err(ModelError::Size { field, value, low: 1, high });
        }
        Ok(Self { styles: manifest.classes, net })
    }

    /// Reads a model folder.
    ///
    /// # Errors
    /// As [`ImageCheckpoint::load_as`] and [`Self::new`].
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        Self::new(ImageCheckpoint::load_as(LISTENER, folder)?)
    }

    /// What the styles are called.
    pub fn styles(&self) -> &[String] {
        &self.styles
    }
}

/// A picture, and room to judge it in.
#[derive(Debug)]
pub struct Eye {
    images: Images,
    workspace: Workspace,
}

impl Default for Eye {
    fn default() -> Self {
        let pixels = vec![0.0; LINES * COLUMNS];
        let images = Images { height: LINES, width: COLUMNS, pixels, labels: vec![0] };
        Self { images, workspace: Workspace::new(1) }
    }
}

impl Eye {
    /// Takes a picture of what was struck before `end`.
    pub fn take(&mut self, struck: &(impl Iterator<Item = Struck> + Clone), end: Tick) {
        draw(struck, end, 0, &mut self.images.pixels);
    }

    /// Judges the picture: one logit a style. The same numbers on any thread of one machine.
    pub fn judge(&mut self, listener: &Listener) -> &[f32] {
        // The sizes were checked when the listener was made; were they wrong, nothing is known.
        match self.workspace.evaluate(&listener.net, &self.images) {
            Ok(_) => self.workspace.logits(),
            Err(_) => &[],
        }
    }
}

/// What is thought of the style, after the bars heard so far.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Opinion {
    /// Weighted sums of log-probabilities, one a style; empty before anything was heard.
    sums: Vec<f64>,
    weight: f64,
    bars: u32,
}

impl Opinion {
    /// Takes in what one picture says.
    pub fn hear(&mut self, logits: &[f32]) {
        if logits.is_empty() || logits.iter().any(|l| !l.is_finite()) {
            return;
        }
        self.sums.resize(logits.len(), 0.0);
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let all: f64 = logits.iter().map(|l| f64::from(l - highest).exp()).sum();
        for (sum, logit) in self.sums.iter_mut().zip(logits) {
            *sum = *sum * LASTING + f64::from(logit - highest) - all.ln();
        }
        self.weight = self.weight * LASTING + 1.0;
        self.bars += 1;
    }

    /// Bars that were judged.
    pub const fn bars(&self) -> u32 {
        self.bars
    }

    /// How likely each style is; empty before anything was heard.
    pub fn shares(&self) -> Vec<f32> {
        let strength = (1.0 + ADDED * (self.weight - 1.0)) / self.weight.max(1.0);
        let highest = self.sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = self.sums.iter().map(|s| ((s - highest) * strength).exp()).collect();
        let all: f64 = shares.iter().sum();
        shares.into_iter().map(|s| (s / all) as f32).collect()
    }
}

/// What a model with these styles is to be told: the shares of the styles that the listener knows by the same names, and no
/// style while there are no shares. None where they share fewer than two names.
pub fn told(known: &[String], heard: &[String], shares: &[f32]) -> Option<Vec<f32>> {
    let share = |name: &String| {
        let place = heard.iter().position(|h| h == name)?;
        Some(shares.get(place).copied().unwrap_or_default())
    };
    let told: Vec<Option<f32>> = known.iter().map(share).collect();
    let all: f32 = told.iter().flatten().sum();
    if told.iter().flatten().count() < 2 {
        return None;
    }
    // A share that is lost in rounding tells nothing of the others.
    let all = all.max(f32::MIN_POSITIVE);
    Some(told.into_iter().map(|share| share.unwrap_or(0.0) / all).collect())
}

/// What is heard, for the faces to show.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Heard {
    /// The styles and how likely each is, the likeliest first; empty before anything was heard.
    pub shares: Vec<(String, f32)>,
    /// Bars that were judged.
    pub bars: u32,
    /// Why it changes nothing in what is played, in one line.
    pub problem: Option<String>,
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shares.is_empty() {
            f.write_str("nothing yet")?;
        }
        for (nth, (style, share)) in self.shares.iter().enumerate() {
            write!(f, "{}{style} {share:.2}", if nth > 0 { ", " } else { "" })?;
        }
        self.problem.as_ref().map_or(Ok(()), |problem| write!(f, " ({problem})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POP: [f32; 3] = [2.0, 0.0, -1.0];
    const JAZZ: [f32; 3] = [0.0, 2.0, -1.0];

    #[test]
    fn an_opinion_grows_with_the_bars_and_can_be_changed() {
        let mut opinion = Opinion::default();
        assert!(opinion.shares().is_empty());
        let mut last = 0.0;
        for bars in 1..=12 {
            opinion.hear(&POP);
            let shares = opinion.shares();
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(shares[0] > last && shares[0] < 0.999_9, "{bars} bars: {shares:?}");
            last = shares[0];
        }
        let until = |to: usize| {
            let mut opinion = opinion.clone();
            (1..60).find(|_| {
                opinion.hear(&JAZZ);
                opinion.shares()[to] > 0.5
            })
        };
        let bars = until(1).unwrap();
        assert!((4..16).contains(&bars), "{bars} bars to be persuaded");
    }

    #[test]
    fn nonsense_is_not_heard() {
        let mut opinion = Opinion::default();
        opinion.hear(&POP);
        let before = opinion.clone();
        opinion.hear(&[f32::NAN, 0.0, 0.0]);
        opinion.hear(&[]);
        assert_eq!(opinion, before);
    }

    #[test]
    fn styles_are_told_by_name() {
        let names =
            |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        let heard = names(&["pop", "jazz", "chorale"]);
        let shares = [0.5, 0.3, 0.2];
        let mine = told(&names(&["jazz", "metal", "pop"]), &heard, &shares).unwrap();
        assert!((mine[0] - 0.375).abs() < 1e-6 && (mine[2] - 0.625).abs() < 1e-6);
        assert!(mine[1].abs() < 1e-9, "what the listener does not know is never heard");
        assert_eq!(told(&names(&["jazz", "metal"]), &heard, &shares), None);
        assert_eq!(told(&[], &heard, &shares), None);
        assert_eq!(told(&names(&["jazz", "pop"]), &heard, &[]), Some(vec![0.0, 0.0]));
    }
}
