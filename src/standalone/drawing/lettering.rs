//! A small typeface of lines and arcs, so that pictures need no font file and stay sharp at any size.

use crate::standalone::drawing::canvas::{Canvas, Colour};

/// How a line of text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Height of a capital letter, in pixels.
    pub(crate) height: f32,
    /// Thickness of the pen, in pixels.
    pub(crate) pen: f32,
    pub(crate) colour: Colour,
}

/// Which point of the text lies at the place where it is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anchor {
    Left,
    Right,
}

/// Draws `text` with its baseline at `y`, and returns how wide it is. A letter that the typeface does not
/// have is drawn as a small box.
pub(crate) fn write(
    canvas: &mut Canvas,
    text: &str,
    x: f32,
    y: f32,
    anchor: Anchor,
    style: Style,
) -> f32 {
    let width = width(text, style);
    let mut pen_x = match anchor {
        Anchor::Left => x,
        Anchor::Right => x - width,
    };
    let unit = style.height / CAP;
    for letter in text.chars() {
        let (advance, path) = glyph(letter);
        let lines = strokes(path);
        let place = |[gx, gy]: [f32; 2]| [pen_x + gx * unit, y + (gy - CAP) * unit];
        let lines: Vec<Vec<_>> =
            lines.into_iter().map(|line| line.into_iter().map(place).collect()).collect();
        canvas.strokes(&lines, style.pen, style.colour);
        pen_x += (advance + GAP) * unit;
    }
    width
}

/// How many pixels `text` takes.
pub(crate) fn width(text: &str, style: Style) -> f32 {
    let units: f32 = text.chars().map(|letter| glyph(letter).0 + GAP).sum();
    (units - GAP).max(0.0) * style.height / CAP
}

/// Units from the top of a capital to the baseline.
const CAP: f32 = 7.0;
/// Units between letters.
const GAP: f32 = 1.7;

/// The strokes of a path as points. In a path `M x y` puts the pen down, `L x y` draws a line,
/// `A cx cy rx ry from to` draws an arc in degrees (0 right, 90 down), joined to what came before, and `;`
/// lifts the pen.
fn strokes(path: &str) -> Vec<Vec<[f32; 2]>> {
    path.split(';').map(stroke).collect()
}

fn stroke(path: &str) -> Vec<[f32; 2]> {
    let mut points = Vec::new();
    let mut words = path.split_whitespace();
    while let Some(command) = words.next() {
        let mut next = || words.next().and_then(|w| w.parse::<f32>().ok()).unwrap_or_default();
        if command == "A" {
            let [cx, cy, rx, ry, from, to] = [next(), next(), next(), next(), next(), next()];
            let steps = ((to - from).abs() / 9.0).ceil().max(1.0);
            for i in 0..=steps as usize {
                let angle = (from + (to - from) * i as f32 / steps).to_radians();
                points.push([cx + rx * angle.cos(), cy + ry * angle.sin()]);
            }
        } else {
            points.push([next(), next()]);
        }
    }
    points
}

/// The width and the path of a letter.
fn glyph(letter: char) -> (f32, &'static str) {
    match letter {
        ' ' => (2.0, ""),
        '0' => (4.4, "A 2.2 3.5 2.2 3.5 0 360"),
        '1' => (4.4, "M 0.8 1.4 L 2.5 0 L 2.5 7"),
        '2' => (4.4, "A 2.2 2.1 2.1 2.1 190 395 L 0.1 7 L 4.4 7"),
        '3' => (4.4, "A 2.1 1.75 1.8 1.75 200 450 A 2.1 5.25 2.1 1.75 270 520"),
        '4' => (4.4, "M 3.3 7 L 3.3 0 L 0 5 L 4.4 5"),
        '5' => (4.4, "M 4 0 L 0.8 0 L 0.5 3.2 A 2.1 4.75 2.25 2.25 225 510"),
        '6' => (4.4, "A 2.2 4.8 2.2 2.2 0 360 ; A 4 4.8 4 4.7 180 265"),
        '7' => (4.4, "M 0 0 L 4.4 0 L 1.6 7"),
        '8' => (4.4, "A 2.2 1.75 1.8 1.75 0 360 ; A 2.2 5.25 2.2 1.75 0 360"),
        '9' => (4.4, "A 2.2 2.2 2.2 2.2 0 360 ; A 0.4 2.2 4 4.7 0 85"),
        'A' => (5.2, "M 0 7 L 2.6 0 L 5.2 7 ; M 0.9 4.6 L 4.3 4.6"),
        'B' => (
            4.4,
            "M 0 3.4 L 2.4 3.4 A 2.4 1.7 1.7 1.7 90 -90 L 0 0 L 0 7 L 2.5 7 A 2.5 5.2 1.9 1.8 90 -90",
        ),
        'C' => (5.2, "A 3 3.5 3 3.5 -45 -315"),
        'D' => (4.9, "M 0 0 L 0 7 L 1.9 7 A 1.9 3.5 3 3.5 90 -90 L 0 0"),
        'E' => (4.0, "M 4 0 L 0 0 L 0 7 L 4 7 ; M 0 3.4 L 3.4 3.4"),
        'F' => (3.9, "M 4 0 L 0 0 L 0 7 ; M 0 3.5 L 3.3 3.5"),
        'G' => (6.0, "A 3 3.5 3 3.5 -45 -360 L 3.5 3.5"),
        'H' => (4.8, "M 0 0 L 0 7 ; M 4.8 0 L 4.8 7 ; M 0 3.4 L 4.8 3.4"),
        'I' | 'l' => (0.0, "M 0 0 L 0 7"),
        'J' => (2.8, "M 2.8 0 A 1.3 5.5 1.5 1.5 0 160"),
        'K' => (4.6, "M 0 0 L 0 7 ; M 4.4 0 L 0 4.4 ; M 1.5 3 L 4.6 7"),
        'L' => (3.8, "M 0 0 L 0 7 L 3.8 7"),
        'M' => (6.0, "M 0 7 L 0 0 L 3 4.6 L 6 0 L 6 7"),
        'N' => (4.8, "M 0 7 L 0 0 L 4.8 7 L 4.8 0"),
        'O' => (6.2, "A 3.1 3.5 3.1 3.5 0 360"),
        'P' => (4.3, "M 0 7 L 0 0 L 2.4 0 A 2.4 1.95 1.95 1.95 -90 90 L 0 3.9"),
        'Q' => (6.2, "A 3.1 3.5 3.1 3.5 0 360 ; M 4 5 L 6.2 7.4"),
        'R' => (4.5, "M 0 7 L 0 0 L 2.4 0 A 2.4 1.95 1.95 1.95 -90 90 L 0 3.9 ; M 2.3 3.9 L 4.5 7"),
        'S' => (4.2, "A 2.1 1.8 1.9 1.8 -30 -270 A 2.1 5.3 2.1 1.7 -90 150"),
        'T' => (4.8, "M 0 0 L 4.8 0 ; M 2.4 0 L 2.4 7"),
        'U' => (4.8, "M 0 0 L 0 4.6 A 2.4 4.6 2.4 2.4 180 0 L 4.8 0"),
        'V' => (5.0, "M 0 0 L 2.5 7 L 5 0"),
        'W' => (7.8, "M 0 0 L 1.9 7 L 3.9 1 L 5.9 7 L 7.8 0"),
        'X' => (4.8, "M 0 0 L 4.8 7 ; M 4.8 0 L 0 7"),
        'Y' => (4.8, "M 0 0 L 2.4 3.4 L 4.8 0 ; M 2.4 3.4 L 2.4 7"),
        'Z' => (4.6, "M 0 0 L 4.6 0 L 0 7 L 4.6 7"),
        'a' => (4.2, "A 2.1 4.5 2.1 2.5 0 360 ; M 4.2 2 L 4.2 7"),
        'b' => (4.2, "M 0 0 L 0 7 ; A 2.1 4.5 2.1 2.5 0 360"),
        'c' => (3.7, "A 2.1 4.5 2.1 2.5 -45 -315"),
        'd' => (4.2, "M 4.2 0 L 4.2 7 ; A 2.1 4.5 2.1 2.5 0 360"),
        'e' => (4.2, "M 0 4.5 L 4.2 4.5 A 2.1 4.5 2.1 2.5 0 -315"),
        'f' => (2.6, "M 2.8 0.1 A 2.5 1.5 1.4 1.5 -80 -180 L 1.1 7 ; M 0 2.2 L 2.5 2.2"),
        'g' => (4.2, "A 2.1 4.5 2.1 2.5 0 360 ; M 4.2 2 L 4.2 6.9 A 2.1 6.9 2.1 2.1 0 150"),
        'h' => (4.0, "M 0 0 L 0 7 ; M 0 4.1 A 2 4 2 2 180 360 L 4 7"),
        'i' => (0.0, "M 0 2 L 0 7 ; M 0 0.1 L 0 0.2"),
        'j' => (0.9, "M 0.9 2 L 0.9 7.7 A -0.4 7.7 1.3 1.3 0 110 ; M 0.9 0.1 L 0.9 0.2"),
        'k' => (3.6, "M 0 0 L 0 7 ; M 3.4 2 L 0 5.1 ; M 1.2 4 L 3.6 7"),
        'm' => (
            6.0,
            "M 0 2 L 0 7 ; M 0 3.8 A 1.5 3.6 1.5 1.6 180 360 L 3 7 ; M 3 3.8 A 4.5 3.6 1.5 1.6 180 360 L 6 7",
        ),
        'n' => (4.0, "M 0 2 L 0 7 ; M 0 4.1 A 2 4 2 2 180 360 L 4 7"),
        'o' => (4.4, "A 2.2 4.5 2.2 2.5 0 360"),
        'p' => (4.2, "M 0 2 L 0 9.2 ; A 2.1 4.5 2.1 2.5 0 360"),
        'q' => (4.2, "M 4.2 2 L 4.2 9.2 ; A 2.1 4.5 2.1 2.5 0 360"),
        'r' => (2.5, "M 0 2 L 0 7 ; M 0 4.3 A 2 4 2 2 180 290"),
        's' => (3.3, "A 1.6 3.3 1.5 1.3 -25 -270 A 1.6 5.8 1.7 1.2 -90 155"),
        't' => (2.7, "M 1.1 0.4 L 1.1 5.6 A 2.4 5.6 1.3 1.4 180 75 ; M 0 2.1 L 2.6 2.1"),
        'u' => (4.0, "M 0 2 L 0 5 A 2 5 2 2 180 0 ; M 4 2 L 4 7"),
        'v' => (4.0, "M 0 2 L 2 7 L 4 2"),
        'w' => (6.2, "M 0 2 L 1.5 7 L 3.1 2.6 L 4.7 7 L 6.2 2"),
        'x' => (3.8, "M 0 2 L 3.8 7 ; M 3.8 2 L 0 7"),
        'y' => (4.1, "M 0 2 L 2.1 7 ; M 4.1 2 L 1.5 8.4 A 0.4 8 1.2 1.2 20 90"),
        'z' => (3.6, "M 0 2 L 3.6 2 L 0 7 L 3.6 7"),
        '.' => (0.3, "M 0.1 6.8 L 0.1 6.9"),
        ',' => (0.5, "M 0.4 6.7 L 0 8.1"),
        ':' => (0.3, "M 0.1 2.9 L 0.1 3 ; M 0.1 6.7 L 0.1 6.8"),
        ';' => (0.5, "M 0.3 2.9 L 0.3 3 ; M 0.4 6.7 L 0 8.1"),
        '!' => (0.2, "M 0.1 0 L 0.1 4.8 ; M 0.1 6.8 L 0.1 6.9"),
        '?' => (3.6, "A 1.8 1.8 1.8 1.8 190 420 L 1.8 4.9 ; M 1.8 6.8 L 1.8 6.9"),
        '\'' | '’' => (0.2, "M 0.1 0 L 0.1 1.6"),
        '"' => (1.6, "M 0.1 0 L 0.1 1.6 ; M 1.5 0 L 1.5 1.6"),
        '-' => (2.6, "M 0 4.2 L 2.6 4.2"),
        '_' => (4.0, "M 0 7.8 L 4 7.8"),
        '+' => (3.8, "M 0 4 L 3.8 4 ; M 1.9 2.1 L 1.9 5.9"),
        '=' => (3.8, "M 0 3.1 L 3.8 3.1 ; M 0 5.1 L 3.8 5.1"),
        '/' => (3.0, "M 3 -0.4 L 0 7.8"),
        '|' => (0.0, "M 0 -0.6 L 0 8"),
        '(' => (1.5, "A 3 3.6 3 4.6 235 125"),
        ')' => (1.5, "A -1.5 3.6 3 4.6 -55 55"),
        '#' => (
            4.6,
            "M 1.6 0.4 L 0.9 6.6 ; M 3.7 0.4 L 3 6.6 ; M 0.2 2.4 L 4.6 2.4 ; M 0 4.6 L 4.4 4.6",
        ),
        '%' => (5.6, "A 1.2 1.4 1.2 1.4 0 360 ; A 4.4 5.6 1.2 1.4 0 360 ; M 4.7 0 L 0.9 7"),
        '&' => (
            5.2,
            "M 5.2 7 L 1.4 2.9 A 2.3 1.5 1.5 1.5 140 400 L 0.9 4.2 A 1.9 5.2 1.9 1.8 215 60 L 5 4",
        ),
        '·' | '•' => (0.6, "M 0.3 3.9 L 0.3 4"),
        '–' | '—' => (4.2, "M 0 4.2 L 4.2 4.2"),
        _ => (3.4, "M 0 1 L 3.4 1 L 3.4 7 L 0 7 L 0 1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_letter_that_names_use_has_a_shape() {
        let missing = glyph('\u{1f3b9}');
        let letters =
            ('0'..='9').chain('A'..='Z').chain('a'..='z').chain(".,:;!?'-_+=/|()#%&·".chars());
        for letter in letters {
            let (width, path) = glyph(letter);
            assert_ne!((width, path), missing, "{letter}");
            for [x, y] in strokes(path).into_iter().flatten() {
                let inside = (-1.0..=width + 1.0).contains(&x) && (-0.7..=9.3).contains(&y);
                assert!(inside, "{letter} reaches {x}, {y}");
            }
        }
    }

    #[test]
    fn paths_hold_nothing_but_commands_and_numbers() {
        for letter in (' '..='~').chain("·–’".chars()) {
            for word in glyph(letter).1.split_whitespace() {
                assert!(
                    matches!(word, "M" | "L" | "A" | ";") || word.parse::<f32>().is_ok(),
                    "{letter}: {word}"
                );
            }
        }
    }
}
