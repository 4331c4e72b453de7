//! What a network makes of rows, as pictures: who is taken for whom, how sure it is, and what is left behind a mask.

use std::fmt::Write;

use super::leaks::{Chance, Leak};
use super::verdicts::{BINS, Verdicts};
use crate::train::chart::{line, text};

/// A cell of the matrix.
const CELL: f64 = 68.0;
/// Blue and vermilion of Okabe and Ito.
const BLUE: (f64, f64, f64) = (0.0, 114.0, 178.0);
const VERMILION: &str = "#d55e00";
const FAINT: &str = "#888888";

/// The confusion matrix: a line for each true composer, shaded by the share of his rows.
pub fn confusion(verdicts: &Verdicts, composers: &[String]) -> String {
    let n = composers.len() as f64;
    let longest = composers.iter().map(|c| c.chars().count()).max().unwrap_or(0).min(24) as f64;
    let (left, top) = (40.0 + 7.5 * longest, 84.0);
    let (width, height) = (left + n * CELL + 90.0, top + n * CELL + 34.0);
    let mut out = open(width, height);
    let accuracy = 100.0 * verdicts.accuracy;
    let title =
        format!("Who is taken for whom: {accuracy:.1} % of {} rows are right", verdicts.rows);
    text(&mut out, width / 2.0, 24.0, "middle", &title);
    let _ = writeln!(out, "<g fill=\"{FAINT}\">");
    text(&mut out, left + n * CELL / 2.0, 48.0, "middle", "given to");
    text(&mut out, left + n * CELL + 78.0, top - 10.0, "end", "found");
    out += "</g>\n";
    for (i, name) in composers.iter().enumerate() {
        text(&mut out, left + (i as f64 + 0.5) * CELL, top - 10.0, "middle", &short(name, 9));
    }
    for (down, (name, counts)) in composers.iter().zip(&verdicts.confusion).enumerate() {
        let y = top + down as f64 * CELL;
        let all: usize = counts.iter().sum();
        text(&mut out, left - 10.0, y + CELL / 2.0 + 4.0, "end", &short(name, 24));
        for (across, count) in counts.iter().enumerate() {
            let share = *count as f64 / all.max(1) as f64;
            let x = left + across as f64 * CELL;
            let edge = if down == across { "#222222" } else { "#ffffff" };
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" stroke=\"{edge}\"/>",
                x + 1.0,
                y + 1.0,
                CELL - 2.0,
                CELL - 2.0,
                blue(share)
            );
            let colour = if share > 0.5 { "#ffffff" } else { "#222222" };
            let faint = if *count == 0 { FAINT } else { colour };
            let _ = writeln!(out, "<g fill=\"{faint}\">");
            text(&mut out, x + CELL / 2.0, y + CELL / 2.0 + 4.0, "middle", &count.to_string());
            out += "</g>\n";
        }
        let found = 100.0 * counts.get(down).map_or(0.0, |c| *c as f64) / all.max(1) as f64;
        let x = left + n * CELL + 78.0;
        text(&mut out, x, y + CELL / 2.0 + 4.0, "end", &format!("{found:.0} %"));
    }
    let _ = writeln!(out, "<g fill=\"{FAINT}\">");
    let below = "rows by their true composer (down); darker: a larger share of his rows";
    text(&mut out, width / 2.0, height - 12.0, "middle", below);
    out + "</g>\n</svg>\n"
}

/// The reliability diagram: how often it was right against how sure it was, with the rows of each tenth below.
pub fn calibration(verdicts: &Verdicts) -> String {
    let (left, top, side) = (64.0, 44.0, 320.0);
    let (strip, width, height) = (60.0, 420.0, 500.0);
    let at = |x: f64| left + x * side;
    let up = |y: f64| top + (1.0 - y) * side;
    let mut out = open(width, height);
    let title = format!(
        "How sure it was, and how often right (calibration error {:.3})",
        verdicts.calibration_error
    );
    text(&mut out, width / 2.0, 24.0, "middle", &title);
    for tick in (0..=5).map(|i| f64::from(i) / 5.0) {
        line(&mut out, &[(at(0.0), up(tick)), (at(1.0), up(tick))], "#e4e4e4", "", 1.0);
        let percent = format!("{:.0} %", 100.0 * tick);
        text(&mut out, left - 8.0, up(tick) + 4.0, "end", &percent);
        text(&mut out, at(tick), height - 30.0, "middle", &percent);
    }
    let most = verdicts.calibration.iter().map(|b| b.0).max().unwrap_or(0).max(1) as f64;
    let foot = height - 50.0;
    let bin = side / BINS as f64;
    let bar = |out: &mut String, x: f64, y: f64, height: f64, fill: &str| {
        let (x, width) = (x + 2.0, bin - 4.0);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        );
    };
    for (nth, (rows, sure, right)) in verdicts.calibration.iter().enumerate() {
        let x = left + nth as f64 * bin;
        let tall = strip * *rows as f64 / most;
        bar(&mut out, x, foot - tall, tall, "#b8b8b8");
        if *rows > 0 {
            bar(&mut out, x, up(*right), right * side, &blue(0.75));
            let (x, y) = (at(*sure), up(*right));
            line(&mut out, &[(x, up(*sure)), (x, y)], VERMILION, "", 2.0);
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{VERMILION}\"/>"
            );
        }
    }
    line(&mut out, &[(at(0.0), up(0.0)), (at(1.0), up(1.0))], "#222222", "5 4", 1.0);
    let _ = writeln!(out, "<g fill=\"{FAINT}\">");
    text(&mut out, left + 8.0, top + 16.0, "start", "share right");
    text(&mut out, left - 8.0, foot - 24.0, "end", "rows");
    text(&mut out, left + side / 2.0, height - 10.0, "middle", "probability of the likeliest");
    out + "</g>\n</svg>\n"
}

/// What is left behind each mask: bars for the share of rows, dots for the share of works, and what is right by chance.
pub fn leaks(leaks: &[Leak], chance: Chance) -> String {
    let (left, right, top, step) = (190.0, 640.0, 58.0, 26.0);
    let foot = top + leaks.len() as f64 * step;
    let mut out = open(720.0, foot + 66.0);
    let at = |share: f64| left + share * (right - left);
    text(&mut out, 360.0, 24.0, "middle", "What is named right when something is hidden");
    for tick in (0..=5).map(|i| f64::from(i) / 5.0) {
        line(&mut out, &[(at(tick), top - 6.0), (at(tick), foot)], "#e4e4e4", "", 1.0);
        text(&mut out, at(tick), foot + 18.0, "middle", &format!("{:.0} %", 100.0 * tick));
    }
    for (nth, leak) in leaks.iter().enumerate() {
        let y = top + nth as f64 * step;
        text(&mut out, left - 10.0, y + 14.0, "end", leak.name);
        let share = leak.verdicts.accuracy;
        let fill = if nth == 0 { blue(1.0) } else { blue(0.6) };
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>",
            y + 3.0,
            at(share) - left,
            step - 10.0
        );
        let _ = writeln!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"white\" stroke=\"#222222\" stroke-width=\"1.5\"/>",
            at(leak.verdicts.accuracy_by_work),
            y + 11.0
        );
        text(&mut out, 710.0, y + 14.0, "end", &format!("{:.1} %", 100.0 * share));
    }
    let x = at(chance.rows);
    line(&mut out, &[(x, top - 6.0), (x, foot)], VERMILION, "5 4", 1.5);
    let _ = writeln!(out, "<g fill=\"{VERMILION}\">");
    let always = format!("always the most frequent: {:.1} %", 100.0 * chance.rows);
    text(&mut out, x, top - 14.0, "middle", &always);
    let _ = writeln!(out, "</g>\n<g fill=\"{FAINT}\">");
    let below =
        "bars: share of rows; circles: share of works; the model never learnt from such rows";
    text(&mut out, 360.0, foot + 48.0, "middle", below);
    out + "</g>\n</svg>\n"
}

fn open(width: f64, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"white\"/>\n"
    )
}

/// From white (0) to blue (1).
fn blue(share: f64) -> String {
    let mix = |to: f64| (255.0 + (to - 255.0) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(BLUE.0), mix(BLUE.1), mix(BLUE.2))
}

/// A name of at most so many letters.
fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let mut cut: String = name.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::pages::masks::Mask;

    #[test]
    fn every_count_is_in_its_cell_and_every_bar_as_high_as_it_was_right() {
        // Two rows of Ann, one of them given to Bob for sure; one of Bob, right.
        let logits = [1.0, 0.0, 0.0, 9.0, 0.0, 9.0];
        let verdicts = Verdicts::of(&logits, &[0, 0, 1], &[0, 0, 1], 2);
        let names = ["Ann".to_owned(), "B<b".to_owned()];
        let matrix = confusion(&verdicts, &names);
        assert!(matrix.contains(">B&lt;b<") && matrix.contains("66.7 % of 3 rows"), "{matrix}");
        let cells = |share: f64| {
            matrix.matches(&format!("height=\"66.0\" fill=\"{}\"", blue(share))).count()
        };
        assert_eq!([cells(0.5), cells(1.0), cells(0.0)], [2, 1, 1], "{matrix}");
        let diagram = calibration(&verdicts);
        // The last tenth: two rows, half of them right.
        assert!(diagram.contains("y=\"204.0\" width=\"28.0\" height=\"160.0\""), "{diagram}");
        assert_eq!(diagram.matches("<circle").count(), 2);
        let leak = Leak {
            mask: Mask::NoLines,
            name: "no staff lines",
            verdicts: verdicts.clone(),
            same: 1.0,
            unmasked: 0,
        };
        let bars = leaks(&[leak], Chance { even: 0.5, rows: 0.4, works: 0.5 });
        // Two thirds of the rows, all works but one of two.
        assert!(bars.contains("x=\"190.0\" y=\"61.0\" width=\"300.0\""), "{bars}");
        assert!(
            bars.contains("66.7 %") && bars.contains("points=\"370.0,52.0 370.0,84.0\""),
            "{bars}"
        );
        let none = Verdicts::of(&[], &[], &[], 2);
        for picture in [confusion(&none, &names), calibration(&none)] {
            assert!(!picture.contains("NaN") && picture.ends_with("</svg>\n"), "{picture}");
        }
    }
}
