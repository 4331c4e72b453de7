//! The tokens of the `jazz` and `rock` recipes: what begins together, as a name, and back.

use crate::music::pitch::Pitch;

/// How what begins together is named. One pitch keeps its own name, `C#4`, in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// A chord by the normal order of its pitch classes (the most compact rotation, not transposed), joined by
    /// dots: E, F and G in any octave are `4.5.7`.
    NormalOrder,
    /// A chord by its pitches from low to high: `E2 B2 E3`.
    Pitches,
}

impl Naming {
    /// Its name in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NormalOrder => "normal-order",
            Self::Pitches => "pitches",
        }
    }

    /// The name of what begins together; `None` for nothing.
    pub fn name(self, pitches: &[Pitch]) -> Option<String> {
        match self {
            Self::NormalOrder => chord_name(pitches),
            Self::Pitches => {
                let mut pitches = pitches.to_vec();
                pitches.sort_unstable();
                pitches.dedup();
                let names: Vec<String> = pitches.iter().map(Pitch::to_string).collect();
                (!names.is_empty()).then(|| names.join(" "))
            }
        }
    }

    /// What sounds under a name; `None` when it names nothing. A normal order is voiced upwards in its own
    /// order, its first class at or above G3, each next one the nearest above.
    pub fn voice(self, name: &str) -> Option<Vec<Pitch>> {
        let is_order = self == Self::NormalOrder && name.bytes().next()?.is_ascii_digit();
        if !is_order {
            let pitches: Option<Vec<Pitch>> = name.split(' ').map(written_pitch).collect();
            return pitches.filter(|p| self == Self::Pitches || p.len() == 1);
        }
        let mut voiced: Vec<Pitch> = Vec::new();
        for class in name.split('.') {
            let class: u8 = class.parse().ok().filter(|c| *c < 12)?;
            let low = voiced.last().map_or(LOWEST_ROOT, |p| p.number() + 1);
            voiced.push(Pitch::new(low + (12 + class - low % 12) % 12));
            if voiced.len() > 12 {
                return None;
            }
        }
        Some(voiced)
    }
}

/// G3: chords lie around middle C.
const LOWEST_ROOT: u8 = 55;

/// A pitch as [`Pitch`] writes it, and no other way.
fn written_pitch(text: &str) -> Option<Pitch> {
    text.parse().ok().filter(|p: &Pitch| p.to_string() == text)
}

/// The name of what sounds together: `None` for nothing, the note's own name for one pitch, the normal order
/// of its classes for more.
fn chord_name(pitches: &[Pitch]) -> Option<String> {
    let (first, rest) = pitches.split_first()?;
    if rest.iter().all(|p| p == first) {
        return Some(first.to_string());
    }
    let set = pitches.iter().fold(0, |set, p| set | p.class().bit());
    let order: Vec<String> = normal_order(set).iter().map(u8::to_string).collect();
    Some(order.join("."))
}

/// The normal order of a 12-bit set of pitch classes: of all its rotations the one with the smallest span,
/// then the one packed most to its beginning (intervals from the first class compared from the widest down,
/// Rahn's rule), then the one that begins lowest.
pub fn normal_order(set: u16) -> Vec<u8> {
    let classes: Vec<u8> = (0..12).filter(|c| set >> c & 1 == 1).collect();
    let rotation = |start: usize| -> Vec<u8> {
        (0..classes.len()).map(|i| classes[(start + i) % classes.len()]).collect()
    };
    (0..classes.len())
        .map(rotation)
        .min_by_key(|order| {
            let mut spans: Vec<u8> = order.iter().map(|c| (12 + c - order[0]) % 12).collect();
            spans.reverse();
            (spans, order[0])
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(classes: &[u8]) -> Vec<u8> {
        normal_order(classes.iter().fold(0, |set, c| set | 1 << c))
    }

    #[test]
    fn textbook_normal_orders() {
        assert_eq!(order(&[0, 4, 7]), [0, 4, 7]);
        assert_eq!(order(&[7, 11, 2]), [7, 11, 2]);
        assert_eq!(order(&[5, 7, 4]), [4, 5, 7]);
        assert_eq!(order(&[0, 4, 8]), [0, 4, 8]);
        // Straus, Introduction to Post-Tonal Theory: {1,5,6,7} and {0,4,8,9,11}.
        assert_eq!(order(&[1, 5, 6, 7]), [1, 5, 6, 7]);
        assert_eq!(order(&[0, 4, 8, 9, 11]), [8, 9, 11, 0, 4]);
        // Forte's class 5-20, where the two rules part: Forte's own takes {0,1,3,7,8} as it stands.
        assert_eq!(order(&[0, 1, 3, 7, 8]), [7, 8, 0, 1, 3]);
        assert!(order(&[]).is_empty());
    }

    #[test]
    fn names_are_voiced() {
        let check = |naming: Naming, name: &str, pitches: Option<&[u8]>| {
            let voiced = naming.voice(name);
            let voiced: Option<Vec<u8>> = voiced.map(|v| v.iter().map(|p| p.number()).collect());
            assert_eq!(voiced.as_deref(), pitches, "{name}");
        };
        check(Naming::NormalOrder, "C#4", Some(&[61]));
        check(Naming::NormalOrder, "4.5.7", Some(&[64, 65, 67]));
        check(Naming::NormalOrder, "8.9.11.0.4", Some(&[56, 57, 59, 60, 64]));
        check(Naming::NormalOrder, "0", Some(&[60]));
        check(Naming::Pitches, "E2 B2 E3", Some(&[40, 47, 52]));
        for nonsense in
            ["", "12", "4.", "4..5", "H2", "C4 E4", "c4", "Db4", "4.5.4.5.4.5.4.5.4.5.4.5.4"]
        {
            check(Naming::NormalOrder, nonsense, None);
        }
        for nonsense in ["", " ", "E2 ", "E2  B2", "64", "4.5.7"] {
            check(Naming::Pitches, nonsense, None);
        }
    }

    #[test]
    fn every_normal_order_is_voiced_as_itself() {
        for set in 1..4_096_u16 {
            let classes: Vec<Pitch> =
                (0..12).filter(|c| set >> c & 1 == 1).map(Pitch::new).collect();
            let Some(name) = Naming::NormalOrder.name(&classes) else { panic!("{set}") };
            let voiced = Naming::NormalOrder.voice(&name).unwrap();
            assert_eq!(voiced.iter().fold(0, |s, p| s | p.class().bit()), set, "{name}");
            if voiced.len() > 1 {
                assert_eq!(Naming::NormalOrder.name(&voiced).as_deref(), Some(name.as_str()));
                // The most compact rotation spans less than an octave.
                assert!(voiced[voiced.len() - 1].number() - voiced[0].number() < 12);
            }
        }
    }

    #[test]
    fn one_pitch_keeps_its_octave_and_more_lose_it() {
        assert_eq!(chord_name(&[]), None);
        assert_eq!(chord_name(&[Pitch::new(61)]).as_deref(), Some("C#4"));
        assert_eq!(
            chord_name(&[Pitch::new(76), Pitch::new(65), Pitch::new(67)]).as_deref(),
            Some("4.5.7")
        );
        assert_eq!(chord_name(&[Pitch::new(60), Pitch::new(72)]).as_deref(), Some("0"));
    }
}
