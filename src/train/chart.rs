//! Curves as a picture in SVG: what a log says, over its epochs or steps.

use std::fmt::Write;

/// One curve.
#[derive(Clone, PartialEq, Debug)]
pub struct Curve {
    /// What it is called beside the picture.
    pub name: String,
    /// From left to right; what is not a number is left out.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
/// Where the curves are, inside numbers, titles and names.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 600.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 370.0;
/// Told apart by every kind of colour vision (Okabe and Ito); dashes tell the second round apart.
const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const MAX_NAME: usize = 24;

/// The picture.
pub fn svg(title: &str, x_title: &str, curves: &[Curve]) -> String {
    let seen =
        || curves.iter().flat_map(|c| &c.points).filter(|p| p.0.is_finite() && p.1.is_finite());
    let (x_low, x_high) = ends(seen().map(|p| p.0));
    let (y_low, y_high) = ends(seen().map(|p| p.1));
    let x_at = |x: f64| LEFT + (x - x_low) / (x_high - x_low) * (RIGHT - LEFT);
    let y_at = |y: f64| BOTTOM - (y - y_low) / (y_high - y_low) * (BOTTOM - TOP);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>"
    );
    text(&mut out, f64::midpoint(LEFT, RIGHT), 24.0, "middle", title);
    text(&mut out, f64::midpoint(LEFT, RIGHT), HEIGHT - 10.0, "middle", x_title);
    for y in ticks(y_low, y_high) {
        line(&mut out, &[(LEFT, y_at(y)), (RIGHT, y_at(y))], "#dddddd", "", 1.0);
        text(&mut out, LEFT - 6.0, y_at(y) + 4.0, "end", &short(y));
    }
    for x in ticks(x_low, x_high) {
        line(&mut out, &[(x_at(x), TOP), (x_at(x), BOTTOM)], "#eeeeee", "", 1.0);
        text(&mut out, x_at(x), BOTTOM + 18.0, "middle", &short(x));
    }
    for (nth, curve) in curves.iter().enumerate() {
        let colour = COLOURS[nth % COLOURS.len()];
        let dashes = if nth < COLOURS.len() { "" } else { "6 4" };
        let points = curve.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite());
        let points: Vec<_> = points.map(|(x, y)| (x_at(*x), y_at(*y))).collect();
        if let [(x, y)] = points[..] {
            let _ =
                writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        } else if !points.is_empty() {
            line(&mut out, &points, colour, dashes, 2.0);
        }
        let y = TOP + 14.0 + 18.0 * nth as f64;
        line(&mut out, &[(RIGHT + 10.0, y), (RIGHT + 34.0, y)], colour, dashes, 2.0);
        let name: String = curve.name.chars().take(MAX_NAME).collect();
        text(&mut out, RIGHT + 40.0, y + 4.0, "start", &name);
    }
    out + "</svg>\n"
}

/// One bar, lying, with its name before it and its value behind.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// What it is called.
    pub name: String,
    /// How long it is, from 0 on; none where there is nothing to show.
    pub value: Option<f64>,
}

/// Bars under one another, all from 0 to the greatest.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 18.0;
    const NAMES: f64 = 260.0;
    let values = || bars.iter().filter_map(|b| b.value).filter(|v| v.is_finite());
    let longest = values().fold(0.0, f64::max);
    let scale = if longest > 0.0 { (RIGHT - NAMES) / longest } else { 0.0 };
    let height = TOP + ROW * (bars.len() as f64 + 1.0);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>"
    );
    text(&mut out, f64::midpoint(0.0, WIDTH), 24.0, "middle", title);
    for (nth, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * (nth as f64 + 0.5);
        text(&mut out, NAMES - 8.0, y + 4.0, "end", &bar.name);
        let Some(value) = bar.value.filter(|v| v.is_finite()) else { continue };
        let end = NAMES + value.max(0.0) * scale;
        line(&mut out, &[(NAMES, y), (end, y)], COLOURS[0], "", 12.0);
        text(&mut out, end + 6.0, y + 4.0, "start", &format!("{value:.2}"));
    }
    out + "</svg>\n"
}

/// The least and the greatest, never the same.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        (0.0, 1.0)
    } else if high - low < 1e-9 {
        (low - 0.5, high + 0.5)
    } else {
        (low, high)
    }
}

/// About five round numbers between the ends.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough);
    let step = step.unwrap_or(rough);
    let first = (low / step).ceil();
    (0..12).map(|i| (first + f64::from(i)) * step).take_while(|x| *x <= high + 1e-9).collect()
}

/// A number without the noise of its last digits.
fn short(x: f64) -> String {
    let text = format!("{x:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A line through points, in pixels.
pub fn line(out: &mut String, points: &[(f64, f64)], colour: &str, dashes: &str, width: f64) {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
         stroke-dasharray=\"{dashes}\"/>",
        points.join(" ")
    );
}

/// Words at a place; `anchor` is SVG's.
pub fn text(out: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ =
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_lie_between_their_ends() {
        let curve = |name: &str, points: &[(f64, f64)]| Curve {
            name: name.to_owned(),
            points: points.to_vec(),
        };
        let picture = svg(
            "loss",
            "epoch",
            &[
                curve("a<b", &[(1.0, 4.0), (2.0, 3.0), (3.0, 2.0)]),
                curve("gap", &[(1.0, 3.0), (2.0, f64::NAN), (3.0, 3.5)]),
            ],
        );
        assert!(picture.contains("points=\"64.0,40.0 332.0,205.0 600.0,370.0\""), "{picture}");
        assert!(picture.contains("points=\"64.0,205.0 600.0,122.5\""), "{picture}");
        assert!(picture.contains("a&lt;b") && !picture.contains("NaN"), "{picture}");
        assert!(picture.contains(">2.5<") && picture.trim_end().ends_with("</svg>"), "{picture}");
    }

    #[test]
    fn the_longest_bar_is_as_wide_as_the_picture_and_what_is_not_there_has_none() {
        let bar = |name: &str, value| Bar { name: name.to_owned(), value };
        let all = [
            bar("whole", Some(2.0)),
            bar("half", Some(1.0)),
            bar("a&b", None),
            bar("0", Some(0.0)),
        ];
        let picture = bars("title", &all);
        assert!(picture.contains("260.0,49.0 600.0,49.0"), "{picture}");
        assert!(picture.contains("260.0,67.0 430.0,67.0"), "{picture}");
        assert_eq!(
            (picture.matches("polyline").count(), picture.matches("a&amp;b").count()),
            (3, 1)
        );
        assert!(!bars("nothing", &[bar("0", Some(0.0))]).contains("NaN"));
    }

    #[test]
    fn nothing_and_one_point_are_pictures_too() {
        for points in
            [vec![], vec![(1.0, 2.0)], vec![(f64::NAN, 1.0)], vec![(1.0, 2.0), (2.0, 2.0)]]
        {
            let picture = svg("t", "x", &[Curve { name: "c".to_owned(), points }]);
            assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        }
    }
}
