//! Which rows are trained on and which are held out: whole works of each composer, never a page or a row alone.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::str::FromStr;

use crate::data::pages::ledger::Line;
use crate::data::pages::slicing::SHEET_MARK;
use crate::data::split::place;

/// Works that a composer has at least if some are held out on every side.
const LEAST_WORKS: usize = 3;

/// On which side a row is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// Learnt from.
    Train,
    /// Held out to choose by.
    Dev,
    /// Held out to the end.
    Test,
}

impl Side {
    /// All, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Train, Self::Dev, Self::Test];

    /// As it stands in `split.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// How much of each composer's rows is held out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shares {
    /// To choose by.
    pub dev: f64,
    /// To the end.
    pub test: f64,
}

impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = Self { dev: 0.0, test: 0.0 };
        for part in text.split(',') {
            let wrong = || format!("'{part}': write dev=SHARE,test=SHARE with shares from 0 to 1");
            let (side, share) = part.split_once('=').ok_or_else(wrong)?;
            let share: f64 = share.trim().parse().map_err(|_| wrong())?;
            if !(0.0..=1.0).contains(&share) {
                return Err(wrong());
            }
            match side.trim() {
                "dev" => shares.dev = share,
                "test" => shares.test = share,
                _ => return Err(wrong()),
            }
        }
        if shares.dev + shares.test >= 1.0 {
            return Err("nothing is left to train on".to_owned());
        }
        Ok(shares)
    }
}

/// How a page's name tells its work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkFrom {
    /// By what stands in it before the first occurrence of this.
    BeforeFirst(String),
    /// Before the last.
    BeforeLast(String),
    /// By the folder that the page lies in, below the composer's.
    Folder,
}

impl FromStr for WorkFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let after =
            |start: &str| text.strip_prefix(start).filter(|s| !s.is_empty()).map(ToOwned::to_owned);
        if text == "folder" {
            return Ok(Self::Folder);
        }
        let first = after("prefix before first ").map(Self::BeforeFirst);
        first.or_else(|| after("prefix before last ").map(Self::BeforeLast)).ok_or_else(|| {
            "write 'prefix before first X', 'prefix before last X', with any text for X, or 'folder'".to_owned()
        })
    }
}

impl WorkFrom {
    /// The work of a page, seen from the folder of pages. A PDF file whose name tells none is a work.
    ///
    /// # Errors
    /// In one line when the name tells none.
    pub fn work(&self, page: &str) -> Result<String, String> {
        let (file, sheet) = file_and_sheet(page);
        let parts: Vec<&str> = file.split('/').collect();
        let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
        let before = match self {
            Self::BeforeFirst(x) => name.split_once(x.as_str()).map(|(work, _)| work.to_owned()),
            Self::BeforeLast(x) => name.rsplit_once(x.as_str()).map(|(work, _)| work.to_owned()),
            Self::Folder => (parts.len() > 2).then(|| parts[1..parts.len() - 1].join("/")),
        };
        let before = before.or_else(|| sheet.map(|_| name.into_owned()));
        before.filter(|work| !work.is_empty()).ok_or_else(|| {
            format!("{page}: the name tells no work; choose another --work-from, or list it in manifest.csv")
        })
    }
}

/// A page's file, and which of its sheets it is, where it has several.
pub fn file_and_sheet(page: &str) -> (&str, Option<usize>) {
    let cut = page.rsplit_once(SHEET_MARK).and_then(|(file, n)| Some((file, n.parse().ok()?)));
    let cut = cut.filter(|(file, _)| file.to_ascii_lowercase().ends_with(".pdf"));
    cut.map_or((page, None), |(file, sheet)| (file, Some(sheet)))
}

/// The work of each page in a table with the columns `work`, and `file` or `page`.
///
/// # Errors
/// In one line why it is none.
pub fn manifest(path: &Path) -> Result<HashMap<String, String>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(|e| wrong(&e))?;
    let head = reader.headers().map_err(|e| wrong(&e))?.clone();
    let column = |names: &[&str]| head.iter().position(|h| names.contains(&h));
    let (Some(page), Some(work)) = (column(&["file", "page"]), column(&["work"])) else {
        return Err(wrong(&"needs the columns 'file' and 'work'"));
    };
    let mut works = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(&e))?;
        let (page, work) =
            (record.get(page).unwrap_or_default(), record.get(work).unwrap_or_default());
        works.insert(page.to_owned(), work.to_owned());
    }
    Ok(works)
}

/// The side of each row. `works` names the work of each row; those of two composers are never the same.
pub fn sides(rows: &[&Line], works: &[String], shares: Shares, seed: u64) -> Vec<Side> {
    let mut composers: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (row, work) in rows.iter().zip(works) {
        *composers.entry(&row.composer).or_default().entry(work).or_default() += 1;
    }
    let mut chosen: HashMap<(&str, &str), Side> = HashMap::new();
    for (composer, works) in composers {
        let all: usize = works.values().sum();
        let few = works.len() < LEAST_WORKS;
        let mut left: Vec<(&str, usize)> = works.into_iter().collect();
        left.sort_by(|a, b| {
            let at = |work: &str| {
                place(blake3::hash(format!("{composer}/{work}").as_bytes()).as_bytes(), seed)
            };
            at(a.0).total_cmp(&at(b.0))
        });
        for (side, share) in [(Side::Test, shares.test), (Side::Dev, shares.dev)] {
            if few || share <= 0.0 {
                continue;
            }
            for work in take(&mut left, all as f64 * share) {
                chosen.insert((composer, work), side);
            }
        }
    }
    let side = |(row, work): (&&Line, &String)| {
        chosen.get(&(row.composer.as_str(), work.as_str())).copied().unwrap_or(Side::Train)
    };
    rows.iter().zip(works).map(side).collect()
}

/// Takes works in their order while that brings their rows nearer to what is wanted; at least the smallest, and never
/// so many that none is left to take for another side and to train on.
fn take<'a>(left: &mut Vec<(&'a str, usize)>, wanted: f64) -> Vec<&'a str> {
    let (mut taken, mut sum) = (Vec::new(), 0.0);
    let mut i = 0;
    while i < left.len() && left.len() > 2 {
        let more = sum + left[i].1 as f64;
        if (more - wanted).abs() < (sum - wanted).abs() {
            sum = more;
            taken.push(left.remove(i).0);
        } else {
            i += 1;
        }
    }
    if taken.is_empty()
        && let Some(smallest) = (0..left.len()).min_by_key(|i| left[*i].1)
    {
        taken.push(left.remove(smallest).0);
    }
    taken
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn rows(works: &[(&str, &str, usize)]) -> (Vec<Line>, Vec<String>) {
        let mut rows = Vec::new();
        let mut names = Vec::new();
        for (composer, work, count) in works {
            for i in 0..*count {
                names.push((*work).to_owned());
                rows.push(Line {
                    row: format!("{work}-{i}"),
                    page: String::new(),
                    composer: (*composer).to_owned(),
                    x: 0,
                    y: 0,
                    width: 1,
                    height: 1,
                    staves: 2,
                    turned: 0.0,
                    verdict: "row".to_owned(),
                    rule: "staves".to_owned(),
                    of: 1,
                    bytes: 0,
                    modified: String::new(),
                });
            }
        }
        (rows, names)
    }

    fn split(works: &[(&str, &str, usize)], seed: u64) -> Vec<(String, String, Side)> {
        let (rows, names) = rows(works);
        let rows: Vec<&Line> = rows.iter().collect();
        let sides = sides(&rows, &names, Shares { dev: 0.1, test: 0.1 }, seed);
        rows.iter().zip(names).zip(sides).map(|((r, w), s)| (r.composer.clone(), w, s)).collect()
    }

    #[test]
    fn works_stay_whole_at_about_the_share() {
        let names: Vec<String> = (0..40).map(|i| format!("op{i}")).collect();
        let works: Vec<(&str, &str, usize)> = names
            .iter()
            .enumerate()
            .map(|(i, n)| (if i % 2 == 0 { "A" } else { "B" }, n.as_str(), 5 + i % 7))
            .collect();
        for seed in 0..20 {
            let split = split(&works, seed);
            let side_of: HashSet<(String, String, Side)> = split.iter().cloned().collect();
            assert_eq!(side_of.len(), 40, "a work is on one side");
            for composer in ["A", "B"] {
                let own: Vec<_> = split.iter().filter(|(c, ..)| c == composer).collect();
                for side in [Side::Dev, Side::Test] {
                    let share =
                        own.iter().filter(|(.., s)| *s == side).count() as f64 / own.len() as f64;
                    assert!((0.05..0.15).contains(&share), "{composer} {side:?} {share}");
                }
            }
        }
    }

    #[test]
    fn a_composer_of_few_works_is_trained_on_first() {
        let sides = |works: &[(&str, &str, usize)]| -> HashSet<Side> {
            split(works, 1).into_iter().map(|(.., s)| s).collect()
        };
        assert_eq!(sides(&[("A", "x", 9), ("A", "y", 9)]), HashSet::from([Side::Train]));
        let three = sides(&[("A", "x", 90), ("A", "y", 90), ("A", "z", 90)]);
        assert_eq!(three, HashSet::from(Side::ALL));
    }

    #[test]
    fn a_name_tells_its_work_by_the_rule() {
        let work = |rule: &str, page: &str| WorkFrom::from_str(rule).unwrap().work(page);
        assert_eq!(work("prefix before first _", "A/op10_x_p01.png").unwrap(), "op10");
        assert_eq!(work("prefix before last _p", "A/op10_x_p01.png").unwrap(), "op10_x");
        assert_eq!(work("folder", "A/op10/p01.png").unwrap(), "op10");
        assert!(work("folder", "A/p01.png").is_err());
        assert!(work("prefix before first _", "A/p01.png").is_err());
        assert!(WorkFrom::from_str("by ear").is_err());
    }

    #[test]
    fn shares_are_checked() {
        assert_eq!("dev=0.1,test=0.2".parse(), Ok(Shares { dev: 0.1, test: 0.2 }));
        for wrong in ["", "dev", "dev=x", "dev=2", "valid=0.1", "dev=0.5,test=0.5", "dev=NaN"] {
            assert!(wrong.parse::<Shares>().is_err(), "{wrong}");
        }
    }
}
