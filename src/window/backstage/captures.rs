//! Captures: the machine's last bars as a MIDI file, to be dragged or found.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use directories::UserDirs;

use super::follower::Follower;
use crate::data::midi_out::{OutNote, OutTrack, Take, TempoEvent};
use crate::music::note::Voice;

/// Names another folder for captures.
const FOLDER_VARIABLE: &str = "SIDEMAN_CAPTURES";

/// MIDI ticks in a quarter note of the file.
const PPQ: u16 = 480;

/// Names that are tried before a folder counts as full.
const MOST_FILES: u32 = 100_000;

/// Writes the machine's last bars, all for 0, and says where; or why not.
pub(super) fn save(follower: &Follower, bars: u32) -> Result<PathBuf, String> {
    let take = last_bars(follower, bars).ok_or("the machine has played nothing to capture")?;
    let folder = folder().ok_or(format!(
        "this system names no folder for documents: name one in {FOLDER_VARIABLE}"
    ))?;
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    let names = (1..MOST_FILES).map(|n| folder.join(format!("Sideman {n:03}.mid")));
    let path = names.into_iter().find(|path| !path.exists()).ok_or("the folder is full")?;
    take.save(&path).map_err(|error| error.to_string())?;
    // As other programs name it when it is dragged there and back; Windows' own way of that is not for people.
    let whole = if cfg!(windows) { None } else { path.canonicalize().ok() };
    Ok(whole.unwrap_or(path))
}

/// The machine's notes from the bar line so many bars back on; the bar that is under way counts as one.
fn last_bars(follower: &Follower, bars: u32) -> Option<Take> {
    let (now, bar, line) = (follower.beats(), follower.bar_beats(), follower.bar_line_beats());
    let machine = || follower.played().iter().filter(|n| n.voice == Voice::Machine);
    let bar_of = |beats: f64| line + ((beats - line) / bar).floor() * bar;
    let from = match bars {
        0 => bar_of(machine().map(|n| n.start_beats).reduce(f64::min)?),
        bars => bar_of(now) - bar * f64::from(bars - 1),
    };
    let tick = |beats: f64| (beats * f64::from(PPQ)).round().clamp(0.0, 2e9) as u32;
    let notes: Vec<OutNote> = machine()
        .filter(|n| n.start_beats >= from - 1e-6)
        .map(|n| OutNote {
            tick: tick(n.start_beats - from),
            duration: tick(n.end_beats(now) - n.start_beats).max(1),
            key: n.key.min(127),
            velocity: n.velocity.clamp(1, 127),
            channel: 0,
        })
        .collect();
    let tempo = follower.last()?.tempo;
    (!notes.is_empty()).then(|| Take {
        ticks_per_quarter: PPQ,
        tempos: vec![TempoEvent {
            tick: 0,
            micros_per_quarter: (tempo.seconds_per_beat() * 1e6) as u32,
        }],
        machine: OutTrack { notes, ..OutTrack::default() },
        ..Take::default()
    })
}

fn folder() -> Option<PathBuf> {
    match std::env::var_os(FOLDER_VARIABLE) {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => {
            let user = UserDirs::new()?;
            Some(user.document_dir().unwrap_or_else(|| user.home_dir()).join("Sideman"))
        }
    }
}

/// Shows a file in the system's own file browser.
pub(super) fn reveal(path: &Path) -> io::Result<()> {
    let mut browser = if cfg!(target_os = "macos") {
        let mut open = Command::new("open");
        open.arg("-R").arg(path);
        open
    } else if cfg!(target_os = "windows") {
        let mut explorer = Command::new("explorer");
        explorer.arg(format!("/select,{}", path.display()));
        explorer
    } else {
        let mut open = Command::new("xdg-open");
        open.arg(path.parent().unwrap_or(path));
        open
    };
    let silent = browser.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = silent.spawn()?;
    // Someone must take note of its end; nobody waits for that.
    let waits = std::thread::Builder::new().name("sideman-reveal".to_owned());
    waits.spawn(move || child.wait()).map(drop)
}
