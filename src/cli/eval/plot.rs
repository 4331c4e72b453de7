//! Line charts as SVG.

use std::fmt;

/// A chart: lines over numbered or named places.
pub(super) struct Plot {
    pub(super) title: String,
    /// What lies across.
    pub(super) across: String,
    pub(super) ticks: Ticks,
    /// A name and a value for each place.
    pub(super) lines: Vec<(String, Vec<f64>)>,
}

/// How the places are called.
pub(super) enum Ticks {
    /// Counted from here on.
    Numbers(i64),
    Names(Vec<String>),
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
/// What is left free for labels: left, right, top, bottom.
const MARGINS: [f64; 4] = [56.0, 20.0, 58.0, 46.0];
/// Lines can be told apart by those who see few colours.
const COLOURS: [&str; 6] = ["#000000", "#0072b2", "#d55e00", "#999999", "#009e73", "#cc79a7"];
/// Names across at most; more would overlap.
const NAMES: usize = 16;

impl Plot {
    fn places(&self) -> usize {
        self.lines.iter().map(|l| l.1.len()).max().unwrap_or(0)
    }

    fn name(&self, place: usize) -> String {
        match &self.ticks {
            Ticks::Numbers(first) => (first + place as i64).to_string(),
            Ticks::Names(names) => names.get(place).cloned().unwrap_or_default(),
        }
    }

    /// Where the vertical axis ends: a little more than the highest value, in a round number of quarters.
    fn top(&self) -> f64 {
        let values = self.lines.iter().flat_map(|l| &l.1).copied().filter(|x| x.is_finite());
        let highest = values.fold(0.0, f64::max).max(1e-9);
        let step = 10_f64.powf((highest / 4.0).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
        let quarter = steps.iter().map(|s| s * step).find(|q| q * 4.0 >= highest);
        4.0 * quarter.unwrap_or(highest)
    }
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [left, right, upper, lower] = MARGINS;
        let (places, top) = (self.places(), self.top());
        let step = (WIDTH - left - right) / places.saturating_sub(1).max(1) as f64;
        let x = |place: usize| left + place as f64 * step;
        let y = |value: f64| HEIGHT - lower - value / top * (HEIGHT - upper - lower);
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
        )?;
        writeln!(f, r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#)?;
        writeln!(f, r#"<text x="{left}" y="20" font-size="14">{}</text>"#, escaped(&self.title))?;
        for quarter in 0..=4 {
            let value = top * f64::from(quarter) / 4.0;
            let (at, end) = (y(value), WIDTH - right);
            writeln!(f, r##"<path d="M{left} {at:.1}H{end}" stroke="#ddd"/>"##)?;
            let (x, y) = (left - 6.0, at + 4.0);
            let digits = if top < 0.4 { 3 } else { 2 };
            writeln!(f, r#"<text x="{x}" y="{y:.1}" text-anchor="end">{value:.digits$}</text>"#)?;
        }
        for place in (0..places).step_by(places.div_ceil(NAMES).max(1)) {
            let (x, y, name) = (x(place), HEIGHT - lower + 16.0, escaped(&self.name(place)));
            writeln!(f, r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{name}</text>"#)?;
        }
        let (middle, foot) = (f64::midpoint(left, WIDTH - right), HEIGHT - 8.0);
        let across = escaped(&self.across);
        writeln!(f, r#"<text x="{middle}" y="{foot}" text-anchor="middle">{across}</text>"#)?;
        for (i, (name, values)) in self.lines.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let points = values.iter().enumerate().filter(|(_, v)| v.is_finite());
            let points: Vec<String> =
                points.map(|(p, v)| format!("{:.1},{:.1}", x(p), y(*v))).collect();
            let points = points.join(" ");
            writeln!(
                f,
                r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#
            )?;
            let (at, end) = (left + i as f64 * 160.0, left + i as f64 * 160.0 + 22.0);
            writeln!(f, r#"<path d="M{at} 38h18" stroke="{colour}" stroke-width="2"/>"#)?;
            let name = escaped(&name.replace('_', " "));
            writeln!(f, r#"<text x="{end}" y="42">{name}</text>"#)?;
        }
        writeln!(f, "</svg>")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_reach_from_the_foot_to_the_top() {
        let plot = Plot {
            title: "a < b".to_owned(),
            across: "n".to_owned(),
            ticks: Ticks::Names(vec!["x".to_owned(), "y".to_owned()]),
            lines: vec![
                ("one".to_owned(), vec![0.0, 8.0]),
                ("two".to_owned(), vec![4.0, f64::NAN]),
            ],
        };
        let svg = plot.to_string();
        assert!(svg.contains("a &lt; b") && svg.trim_end().ends_with("</svg>"));
        let (foot, top) = (HEIGHT - MARGINS[3], MARGINS[2]);
        assert!(svg.contains(&format!("{:.1},{foot:.1} {:.1},{top:.1}", 56.0, 740.0)), "{svg}");
        assert!(
            svg.contains(&format!(r#"points="56.0,{:.1}""#, f64::midpoint(foot, top))),
            "{svg}"
        );
        let none = Plot { lines: Vec::new(), ..plot };
        assert!(!none.to_string().contains("NaN"));
    }
}
