//! `sideman recover`: MIDI from the logs of sessions that were cut off.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::preset::folder;
use crate::standalone::Part;
use crate::standalone::session::take_name;
use crate::standalone::session_log::{self, Left, Recovered, is_running};

/// What a recovered file is called, before its number.
const NAME: &str = "recovered";
/// An empty log that is younger may be that of a session which begins.
const YOUNG: Duration = Duration::from_secs(10);

/// The arguments of `sideman recover`.
#[derive(Args, Debug)]
pub(crate) struct RecoverArgs {
    /// The log; default: every one that was left behind
    file: Option<PathBuf>,
    /// Only list what was left behind
    #[arg(long, conflicts_with_all = ["file", "out"])]
    list: bool,
    /// Where both parts go, as a MIDI file; default: the first free of recovered-1.mid, recovered-2.mid, ...
    #[arg(long, short, value_name = "OUT.mid")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &RecoverArgs) -> anyhow::Result<()> {
    if let Some(file) = &args.file {
        ensure!(!is_running(file), "{}: its session still runs", file.display());
        let found = session_log::recover(file)?;
        ensure!(notes(&found) > 0, "{}: no notes were played", file.display());
        return keep(file, &found, args.out.as_deref());
    }
    let left = all_left();
    if args.list {
        list(&left);
        return Ok(());
    }
    ensure!(
        args.out.is_none() || left.len() < 2,
        "--out takes one session, and there are {}: name its log; `sideman recover --list` lists them",
        left.len()
    );
    let mut kept = 0;
    for Left { path, written } in &left {
        match session_log::recover(path) {
            Ok(found) if notes(&found) > 0 => {
                keep(path, &found, args.out.as_deref())?;
                kept += 1;
            }
            Err(error @ session_log::RecoverError::Io { .. }) => eprintln!("sideman: {error}"),
            // Nothing was played, or the crash came before the first record.
            _ if age(*written) > YOUNG => {
                let _ = std::fs::remove_file(path);
            }
            _ => {}
        }
    }
    if kept == 0 {
        println!("Every session was kept: there is nothing to recover.");
    }
    Ok(())
}

/// A line on what there is to recover.
pub(crate) fn left_behind() -> Option<String> {
    let left = all_left();
    let newest = left.first()?;
    let when = ago(age(newest.written));
    Some(match left.len() {
        1 => format!("A session was cut off {when}: `sideman recover` makes MIDI of it."),
        n => format!(
            "{n} sessions were cut off, the last {when}: `sideman recover` makes MIDI of them."
        ),
    })
}

fn all_left() -> Vec<Left> {
    folder::sessions().map(|folder| session_log::left_behind(&folder)).unwrap_or_default()
}

fn list(left: &[Left]) {
    if left.is_empty() {
        println!("Every session was kept: there is nothing to recover.");
    }
    for Left { path, written } in left {
        let told = match session_log::recover(path) {
            Ok(found) => format!("{} notes, {:.0} bars", notes(&found), bars(&found)),
            Err(_) => "nothing".to_owned(),
        };
        println!("{}    {told}, {}", path.display(), ago(age(*written)));
    }
}

/// Writes what was found, and removes a log of our own folder.
fn keep(log: &Path, found: &Recovered, out: Option<&Path>) -> anyhow::Result<()> {
    let take = found.session.take(found.session.whole(), found.header.meter, found.header.machine);
    let path = match out {
        Some(out) => out.to_owned(),
        None => take_name(Path::new("."), NAME).context("this folder can't be written to")?,
    };
    if let Err(error) = take.save(&path) {
        if out.is_none() {
            // The name that was taken for it.
            let _ = std::fs::remove_file(&path);
        }
        bail!(error);
    }
    let ours = folder::sessions().and_then(|folder| folder.canonicalize().ok());
    let lies = log.canonicalize().ok().and_then(|log| Some(log.parent()?.to_owned()));
    if ours.is_some() && ours == lies {
        std::fs::remove_file(log).with_context(|| log.display().to_string())?;
    }
    let session = &found.session;
    println!(
        "{}: {} notes of yours, {} of Sideman, {:.0} bars",
        path.display(),
        session.count(Part::Player),
        session.count(Part::Machine),
        bars(found),
    );
    if found.lost > 0 {
        println!("The last {} bytes were torn and are lost.", found.lost);
    }
    Ok(())
}

fn notes(found: &Recovered) -> usize {
    found.session.count(Part::Player) + found.session.count(Part::Machine)
}

fn bars(found: &Recovered) -> f64 {
    let bar = found.session.bar(found.session.whole().to);
    (found.session.whole().to / (bar.to - bar.from)).ceil()
}

fn age(written: SystemTime) -> Duration {
    SystemTime::now().duration_since(written).unwrap_or_default()
}

/// How long ago, in words.
fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => "a moment ago".to_owned(),
        1 => "a minute ago".to_owned(),
        2..120 => format!("{minutes} minutes ago"),
        120..2_880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}
