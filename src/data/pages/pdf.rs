//! Sheets of PDF files as grey pages. Each is drawn by a process of its own, [`paint`](super::paint), so that no file
//! takes the others down with it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::data::pages::Grey;
use crate::data::pages::gate::Gate;
use crate::data::pages::open::{BESIDE, MOST_PIXELS};

/// The words behind which the program that holds [`paint`](super::paint) takes a file, and a sheet or none.
pub const WORDS: [&str; 2] = ["pages", "paint"];
/// What every reason of [`paint`](super::paint) begins with.
const REFUSED: &str = "refused: ";
/// Sheets of a file, at most: a complete edition has some thousand.
const MOST_SHEETS: usize = 10_000;
/// Characters of an answer's first lines, at most.
const LONGEST_HEAD: u64 = 64;

/// How many sheets a file has. `painter` is the program to ask: `sideman-train`.
///
/// # Errors
/// In one line why it can't be read.
pub fn sheets(painter: &Path, path: &Path) -> Result<usize, String> {
    let answer = ask(painter, path, None, &mut |out| {
        let mut text = String::new();
        out.take(LONGEST_HEAD).read_to_string(&mut text).map(|_| text)
    })?;
    let sheets = answer.trim().parse().map_err(|_| "refused: the painter counted nothing")?;
    if sheets > MOST_SHEETS {
        return Err(format!("refused: {sheets} sheets, at most {MOST_SHEETS}"));
    }
    Ok(sheets)
}

/// Does something with a sheet, counted from 1, while its memory is held.
///
/// # Errors
/// In one line why it can't be read, or what `work` says.
pub fn with_sheet<T>(
    painter: &Path,
    path: &Path,
    sheet: usize,
    gate: &Gate,
    work: impl FnOnce(Grey) -> Result<T, String>,
) -> Result<T, String> {
    // Its size is not known before it is drawn, and the painter needs memory of its own: one at a time.
    let alone = gate.enter(u64::MAX);
    let page = ask(painter, path, Some(sheet), &mut |out| read_pgm(out))?;
    drop(alone);
    let _held = gate.enter(page.pixels.len() as u64 * BESIDE);
    work(page)
}

/// Runs the painter and reads its answer.
fn ask<T>(
    painter: &Path,
    path: &Path,
    sheet: Option<usize>,
    read: &mut dyn FnMut(&mut dyn BufRead) -> std::io::Result<T>,
) -> Result<T, String> {
    let failed = |e: &dyn std::fmt::Display| format!("refused: {}: {e}", painter.display());
    let mut command = Command::new(painter);
    command.args(WORDS).arg(path).args(sheet.map(|n| n.to_string()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        // Ctrl-C is for us: a sheet that is being drawn is finished.
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|e| failed(&e))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("refused: the painter can't be heard".to_owned());
    };
    // What it complains of is a line or two, which the pipe holds until the picture is read.
    let answer = read(&mut BufReader::new(stdout));
    let mut complaint = String::new();
    let _ = stderr.take(4_096).read_to_string(&mut complaint);
    let status = child.wait().map_err(|e| failed(&e))?;
    match (status.code(), answer) {
        (Some(0), answer) => answer.map_err(|e| failed(&e)),
        (Some(1), _) => {
            let line = complaint.lines().next().unwrap_or_default();
            let reason = line.find(REFUSED).map_or(line, |at| &line[at..]);
            Err(reason.to_owned())
        }
        (Some(101), _) => Err("refused: the painter gave up".to_owned()),
        _ => Err("refused: drawing it takes too much memory or time".to_owned()),
    }
}

/// Reads a grey picture in Netpbm's binary form, as [`paint`](super::paint) writes it.
fn read_pgm(out: &mut dyn BufRead) -> std::io::Result<Grey> {
    let mut head = String::new();
    for _ in 0..3 {
        out.take(LONGEST_HEAD).read_line(&mut head)?;
    }
    let numbers: Vec<usize> = head.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let wrong = || std::io::Error::other("this is no picture");
    let &[width, height, 255] = numbers.as_slice() else { return Err(wrong()) };
    let count = width.checked_mul(height).filter(|n| *n as u64 <= MOST_PIXELS).ok_or_else(wrong)?;
    let mut pixels = vec![0; count];
    out.read_exact(&mut pixels)?;
    Ok(Grey { width, height, pixels })
}
