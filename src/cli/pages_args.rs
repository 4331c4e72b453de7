//! What can be typed after `sideman-train pages`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::data::pages::Rule;
use crate::data::pages::split::{Shares, WorkFrom};

/// What `pages` does.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PagesArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: PagesVerb,
}

/// The jobs with pages.
#[derive(Subcommand, Debug)]
pub enum PagesVerb {
    /// Cut pages into rows of music, one picture a row.
    Slice(SliceArgs),
    /// Share the rows out to train, dev and test by whole works.
    Split(SplitArgs),
    /// Draw a sheet of a PDF file; `pages slice` has each drawn by a process of its own.
    #[command(hide = true)]
    Paint(PaintArgs),
}

/// What `pages paint` is told.
#[derive(Args, Debug)]
pub struct PaintArgs {
    /// A PDF file.
    pub file: PathBuf,
    /// The sheet, from 1; without it the sheets are counted.
    pub sheet: Option<usize>,
}

/// What `pages slice` can be told.
#[derive(Args, Debug)]
#[command(after_help = SLICE_EXAMPLES)]
pub struct SliceArgs {
    /// Folder with a folder of pages for each composer: .png, .jpg, .pdf, searched in depth. A manifest.csv in it is
    /// taken along for `pages split`.
    #[arg(long = "in", value_name = "DIR")]
    pub pages: PathBuf,
    /// Folder for the rows: `COMPOSER/PAGE_rNN.png`, 2000 wide and padded with the page's paper; rows.csv with each row and
    /// each page without one; Errors/ with what is too high, and a picture of where it might be cut. Pages that are in
    /// rows.csv and have not changed are not sliced again.
    #[arg(long, value_name = "DIR", required_unless_present = "count")]
    pub out: Option<PathBuf>,
    /// By what rows are found.
    #[arg(long, value_enum, default_value_t = RuleName::Staves)]
    pub rule: RuleName,
    /// Write nothing, but compare how many rows are found with those that somebody counted: a CSV file with the columns
    /// `page` (seen from --in) and `systems`. Both rules are measured.
    #[arg(long, value_name = "FIXTURE.csv", conflicts_with = "out")]
    pub count: Option<PathBuf>,
    /// Threads [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

/// The rules to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RuleName {
    /// By staves, at any resolution and small angles: a system of joined staves is a row, borders and page numbers are
    /// none. Where rows reach past each other the cut goes between their notes.
    Staves,
    /// As published: pixel lines of contrast above 50; 150 to 350 of them, with a tolerance of 1.25, are a row.
    Article,
}

impl From<RuleName> for Rule {
    fn from(name: RuleName) -> Self {
        match name {
            RuleName::Staves => Self::Staves,
            RuleName::Article => Self::Article,
        }
    }
}

/// What `pages split` can be told.
#[derive(Args, Debug)]
#[command(after_help = SPLIT_EXAMPLES)]
pub struct SplitArgs {
    /// Folder that `pages slice` wrote; split.csv is put there.
    #[arg(long, value_name = "DIR")]
    pub rows: PathBuf,
    /// Shares of each composer's rows that are held out.
    #[arg(long, value_name = "dev=SHARE,test=SHARE", default_value = "dev=0.1,test=0.1")]
    pub share: Shares,
    /// CSV file with the columns `file` (the page) and `work` [default: manifest.csv in --rows, if there is one].
    #[arg(long, value_name = "FILE", conflicts_with = "work_from")]
    pub manifest: Option<PathBuf>,
    /// How a page's name tells its work: 'prefix before first X' or 'prefix before last X' with any text for X, or
    /// 'folder', the one below the composer's; the default is the manifest, or else 'prefix before first _'. A PDF file
    /// whose name tells none is a work of its own.
    #[arg(long, value_name = "RULE")]
    pub work_from: Option<WorkFrom>,
    /// Decides which works are held out.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: all].
    #[arg(long)]
    pub threads: Option<usize>,
}

const EXAMPLES: &str = "Examples:
  sideman-train pages slice --in pages/ --out rows/
  sideman-train pages split --rows rows/ --share dev=0.1,test=0.1";

const SLICE_EXAMPLES: &str = "Examples:
  sideman-train pages slice --in pages/ --out rows/
  sideman-train pages slice --in pages/ --out rows-article/ --rule article
  sideman-train pages slice --in pages/ --count counted.csv";

const SPLIT_EXAMPLES: &str = "Examples:
  sideman-train pages split --rows rows/
  sideman-train pages split --rows rows/ --share dev=0.15,test=0.15 --work-from 'prefix before first _'
  sideman-train pages split --rows rows/ --manifest works.csv --seed 7";
