//! The cost of a step against the size of the model, as a picture: how far it is from the memory's own speed.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use sideman::train::chart::{line, text};

use crate::bandwidth::Memory;
use crate::engine::{Engine, Kind, features, quantile, shape};

/// Steps and readings take turns, so many times so many, of which the first three do not count.
const TURNS: usize = 12;
const STEPS: usize = 20;
const UNCOUNTED: usize = 3;

/// The share of the times that is faster than what is drawn: few of them, since others use the machine too.
const SHARE: f64 = 0.1;

const WIDTHS: [usize; 5] = [64, 128, 256, 512, 1_024];
const VOCABULARIES: [usize; 6] = [100, 250, 500, 1_000, 2_000, 4_000];

/// A line of a chart: a name, how it is drawn, and (x, microseconds) points.
struct Series {
    name: String,
    colour: &'static str,
    dashes: &'static str,
    points: Vec<(f64, f64)>,
}

struct Chart {
    title: &'static str,
    x_title: &'static str,
    ticks: Vec<usize>,
    series: Vec<Series>,
}

const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// Measures and draws.
pub(crate) fn write(file: &Path) {
    let widths = Chart {
        title: "1,000 tokens",
        x_title: "units a layer",
        ticks: WIDTHS.to_vec(),
        series: (1..=3)
            .flat_map(|layers| {
                let name =
                    if layers == 1 { "1 layer".to_owned() } else { format!("{layers} layers") };
                lines(&name, COLOURS[layers - 1], &WIDTHS, |width| (layers, width, 1_000))
            })
            .collect(),
    };
    let vocabularies = Chart {
        title: "2 layers",
        x_title: "tokens in the alphabet",
        ticks: VOCABULARIES.to_vec(),
        series: [128, 256, 512]
            .into_iter()
            .zip(COLOURS)
            .flat_map(|(width, colour)| {
                lines(&format!("2x{width}"), colour, &VOCABULARIES, |tokens| (2, width, tokens))
            })
            .collect(),
    };
    fs::write(file, svg(&[widths, vocabularies])).unwrap();
}

/// The step in both precisions, and the time in which one thread reads that many bytes, along `xs`.
fn lines(
    name: &str,
    colour: &'static str,
    xs: &[usize],
    shape_at: impl Fn(usize) -> (usize, usize, usize),
) -> [Series; 4] {
    let mut series = [("f32", ""), ("f32 read", "2 3"), ("f16", "8 4"), ("f16 read", "1 6")].map(
        |(kind, dashes)| Series {
            name: format!("{name}, {kind}"),
            colour,
            dashes,
            points: Vec::new(),
        },
    );
    for x in xs {
        let (layers, width, tokens) = shape_at(*x);
        let config = shape(layers, width, tokens);
        let active = features(&config).iter().filter(|x| **x != 0.0).count();
        // Token and place are folded into tables, of which a step reads two lines of the gates.
        let gates = 4 * width.next_multiple_of(16);
        let weights = gates * (active + width + (layers - 1) * 2 * width)
            + tokens.next_multiple_of(64) * width;
        let exact = gates * (layers + 2) + tokens;
        for (n, (kind, size)) in
            [(Kind::PackedF32, 4), (Kind::PackedF16, 2)].into_iter().enumerate()
        {
            let mut engine = Engine::new(kind, &config);
            let bytes = weights * size + exact * 4;
            let memory = Memory::new(bytes);
            let (mut steps, mut reads) = (Vec::new(), Vec::new());
            for _ in 0..TURNS {
                steps.extend((0..STEPS).map(|_| engine.timed()).skip(UNCOUNTED));
                reads.extend((0..STEPS).map(|_| memory.read()).skip(UNCOUNTED));
            }
            let (time, floor) = (quantile(&steps, SHARE), quantile(&reads, SHARE));
            println!(
                "{layers}x{width}, {tokens} tokens, {}: {time:.1} us; {bytes} bytes, read in {floor:.1} us",
                kind.name()
            );
            series[2 * n].points.push((*x as f64, time));
            series[2 * n + 1].points.push((*x as f64, floor));
        }
    }
    series
}

/// Both charts side by side, both axes logarithmic.
fn svg(charts: &[Chart]) -> String {
    const SIDE: f64 = 620.0;
    /// Right of each chart stand the names of its lines.
    const NAMES: f64 = 165.0;
    const HEIGHT: f64 = 420.0;
    let mut out = String::new();
    let wide = SIDE * charts.len() as f64;
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{wide}\" height=\"{HEIGHT}\" fill=\"white\"/>"
    );
    let all = || charts.iter().flat_map(|c| &c.series).flat_map(|s| &s.points).map(|p| p.1);
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    for (n, chart) in charts.iter().enumerate() {
        let (left, right) = (SIDE * n as f64 + 60.0, SIDE * (n + 1) as f64 - NAMES);
        let (top, bottom) = (40.0, HEIGHT - 50.0);
        let ends = (chart.ticks[0] as f64, chart.ticks[chart.ticks.len() - 1] as f64);
        let x_at = |x: f64| left + (x / ends.0).ln() / (ends.1 / ends.0).ln() * (right - left);
        let y_at = |y: f64| bottom - (y.log10() - low) / (high - low) * (bottom - top);
        text(
            &mut out,
            f64::midpoint(left, right),
            22.0,
            "middle",
            &format!("Microseconds a step: {}", chart.title),
        );
        text(&mut out, f64::midpoint(left, right), HEIGHT - 12.0, "middle", chart.x_title);
        for tick in &chart.ticks {
            text(&mut out, x_at(*tick as f64), bottom + 16.0, "middle", &tick.to_string());
        }
        let decades: Vec<f64> = (low as i32..=high as i32).map(|d| 10_f64.powi(d)).collect();
        for y in &decades {
            text(&mut out, left - 6.0, y_at(*y) + 4.0, "end", &y.to_string());
        }
        for (row, series) in chart.series.iter().enumerate() {
            let y = top + 14.0 + 15.0 * row as f64;
            text(&mut out, right + 44.0, y + 4.0, "start", &series.name);
            line(
                &mut out,
                &[(right + 8.0, y), (right + 38.0, y)],
                series.colour,
                series.dashes,
                2.0,
            );
        }
        for y in &decades {
            line(&mut out, &[(left, y_at(*y)), (right, y_at(*y))], "#cccccc", "", 1.0);
        }
        for tick in &chart.ticks {
            let x = x_at(*tick as f64);
            line(&mut out, &[(x, top), (x, bottom)], "#eeeeee", "", 1.0);
        }
        for series in &chart.series {
            let points: Vec<_> = series.points.iter().map(|(x, y)| (x_at(*x), y_at(*y))).collect();
            line(&mut out, &points, series.colour, series.dashes, 2.0);
        }
    }
    out + "</svg>\n"
}
