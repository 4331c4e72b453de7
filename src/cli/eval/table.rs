//! Tables for people to read.

use std::fmt;

/// A title, names of columns, and rows with a name each.
pub(super) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(super) fn new(title: String, columns: impl IntoIterator<Item = String>) -> Self {
        Self { title, columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, name: String, cells: impl IntoIterator<Item = String>) {
        self.rows.push((name, cells.into_iter().collect()));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars = |text: &str| text.chars().count();
        let names = self.rows.iter().map(|r| chars(&r.0)).max().unwrap_or(0);
        let width = |i: usize, column: &str| {
            let cells = self.rows.iter().filter_map(|r| r.1.get(i));
            cells.map(|c| chars(c)).chain([chars(column)]).max().unwrap_or(0)
        };
        let widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(i, column)| width(i, column)).collect();
        writeln!(f, "{}", self.title)?;
        let mut line = |name: &str, cells: &[String]| {
            write!(f, "{name:>names$}")?;
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)
        };
        line("", &self.columns)?;
        self.rows.iter().try_for_each(|(name, cells)| line(name, cells))
    }
}

/// A number with three digits that count.
pub(super) fn number(x: f64) -> String {
    let whole = x.abs().max(1.0).log10() as usize;
    format!("{x:.*}", 3_usize.saturating_sub(whole))
}

/// A number that may not be there.
pub(super) fn maybe(x: Option<f64>) -> String {
    x.map_or_else(|| "-".to_owned(), number)
}

/// A share of 0 to 1.
pub(super) fn percent(x: f64) -> String {
    format!("{:.1} %", 100.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_names() {
        let mut table = Table::new("Title".to_owned(), ["a".to_owned(), "long".to_owned()]);
        table.row("one".to_owned(), [number(1.0), maybe(None)]);
        table.row("three".to_owned(), [number(123.456), percent(0.5)]);
        let want = "Title\n           a    long\n  one  1.000       -\nthree  123.5  50.0 %\n";
        assert_eq!(table.to_string(), want);
    }
}
