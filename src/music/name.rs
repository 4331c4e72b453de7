//! The tokens of the `jazz` and `rock` recipes: a note by its name, a chord by its pitch classes.
//!
//! The articles name a chord by the *normal order* of its pitch classes (the most compact rotation, not
//! transposed), joined by dots: E, F and G are `4.5.7`.

use crate::music::pitch::Pitch;

/// The name of what sounds together: `None` for nothing, the note's own name for one pitch, the normal order
/// of its classes for more.
pub fn chord_name(pitches: &[Pitch]) -> Option<String> {
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
        assert!(order(&[]).is_empty());
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
