//! Which key a passage is in, told from how much each pitch class was heard.

use crate::music::pitch::PitchClass;
use crate::music::scale::Scale;

/// Krumhansl and Kessler's probe-tone ratings for major and minor (Krumhansl, "Cognitive Foundations of Musical
/// Pitch", 1990, p. 30), from the tonic upwards.
const PROFILES: [(Scale, [f32; 12]); 2] = [
    (Scale::Major, [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
    (Scale::Minor, [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
];

/// A key: its tonic and whether it is major or minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// The tonic.
    pub tonic: PitchClass,
    /// [`Scale::Major`] or [`Scale::Minor`].
    pub scale: Scale,
}

/// The key whose profile correlates best with the weights of the twelve pitch classes, and that correlation
/// (Pearson's, -1 to 1); `None` when nothing or everything was heard alike.
pub fn estimate(heard: &[f32; 12]) -> Option<(Key, f32)> {
    let mut best: Option<(Key, f32)> = None;
    for (scale, _) in PROFILES {
        for tonic in 0..12_u8 {
            let key = Key { tonic: PitchClass::new(tonic), scale };
            let fit = fit(heard, key)?;
            if best.is_none_or(|(_, b)| fit > b) {
                best = Some((key, fit));
            }
        }
    }
    best
}

/// How well a key fits: the correlation of its profile with what was heard, -1 to 1.
pub fn fit(heard: &[f32; 12], key: Key) -> Option<f32> {
    let (_, profile) = PROFILES.into_iter().find(|(scale, _)| *scale == key.scale)?;
    let tonic = usize::from(key.tonic.number());
    correlation(heard, &std::array::from_fn(|c| profile[(c + 12 - tonic) % 12]))
}

fn correlation(a: &[f32; 12], b: &[f32; 12]) -> Option<f32> {
    let mean = |x: &[f32; 12]| x.iter().sum::<f32>() / 12.0;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    (aa > 1e-6 && bb > 1e-6).then(|| ab / (aa * bb).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(classes: &[u8]) -> [f32; 12] {
        let mut out = [0.0; 12];
        for c in classes {
            out[usize::from(*c)] += 1.0;
        }
        out
    }

    #[test]
    fn a_cadence_tells_its_key() {
        // D major: D, G, A, D as triads; B minor: Bm, Em, F#m with its tonic once more.
        let major = heard(&[2, 6, 9, 7, 11, 2, 9, 1, 4, 2, 6, 9]);
        assert_eq!(
            estimate(&major).unwrap().0,
            Key { tonic: PitchClass::new(2), scale: Scale::Major }
        );
        let minor = heard(&[11, 2, 6, 4, 7, 11, 6, 9, 1, 11, 2, 6, 11]);
        assert_eq!(
            estimate(&minor).unwrap().0,
            Key { tonic: PitchClass::new(11), scale: Scale::Minor }
        );
    }

    #[test]
    fn silence_has_no_key() {
        assert_eq!(estimate(&[0.0; 12]), None);
        assert_eq!(estimate(&[1.0; 12]), None);
    }
}
