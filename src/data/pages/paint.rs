//! Draws a sheet of a PDF file, in a process that may take only so much memory and time: what is in such a file can't be
//! bounded from outside, since its pictures and its drawing are packed.

use std::io::Write;
use std::path::Path;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings, render};

use crate::data::pages::open::{MOST_BYTES, MOST_PIXELS, luma};

/// Pixels of an inch of paper, where that makes no more than a page may have.
const PIXELS_PER_INCH: f32 = 300.0;
/// A PDF's unit of length.
const POINTS_PER_INCH: f32 = 72.0;
/// What the process may take of the memory: a page and its scan at 600 dpi, in colours, some times over.
#[cfg(unix)]
const MOST_MEMORY: u64 = 2_000_000_000;
/// Seconds of computing; an engraved page takes a tenth of one.
#[cfg(unix)]
const MOST_SECONDS: u64 = 60;

/// Takes the limits on; they hold to the end of the process, which dies beyond them. Linux holds to both, macOS to the
/// time, and Windows knows neither.
///
/// # Errors
/// Where the system refuses.
pub fn limit_this_process() -> Result<(), String> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        for (resource, most) in [(Resource::As, MOST_MEMORY), (Resource::Cpu, MOST_SECONDS)] {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            // macOS knows the first by name only.
            if let Err(e) = setrlimit(resource, limit)
                && cfg!(target_os = "linux")
            {
                return Err(format!("refused: no limits for the painter: {e}"));
            }
        }
    }
    Ok(())
}

/// Writes a sheet, counted from 1, as a grey picture in Netpbm's binary form; or how many sheets there are.
/// Text in fonts that the file doesn't hold is left out.
///
/// # Errors
/// In one line why it can't be read.
pub fn paint(path: &Path, sheet: Option<usize>, out: &mut dyn Write) -> Result<(), String> {
    let refused = |e: &dyn std::fmt::Display| format!("refused: {e}").replace(['\n', '\r'], " ");
    let length = std::fs::metadata(path).map_err(|e| refused(&e))?.len();
    if length > MOST_BYTES {
        let (length, most) = (length / 1_000_000, MOST_BYTES / 1_000_000);
        return Err(format!("refused: {length} MB, at most {most}"));
    }
    let pdf = Pdf::new(std::fs::read(path).map_err(|e| refused(&e))?).map_err(|e| match e {
        LoadPdfError::Decryption(_) => "refused: locked with a password".to_owned(),
        LoadPdfError::Invalid => "refused: no PDF file, or a broken one".to_owned(),
    })?;
    let pages = pdf.pages();
    let Some(sheet) = sheet else {
        return writeln!(out, "{}", pages.len()).map_err(|e| refused(&e));
    };
    let page = sheet.checked_sub(1).and_then(|n| pages.get(n));
    let page = page.ok_or_else(|| format!("refused: it has {} sheets", pages.len()))?;
    let (width, height) = page.render_dimensions();
    let scale =
        (MOST_PIXELS as f32 / (width * height)).sqrt().min(PIXELS_PER_INCH / POINTS_PER_INCH);
    let longest = width.max(height) * scale;
    if !(longest >= 1.0 && longest < f32::from(u16::MAX)) {
        return Err(format!("refused: a sheet of {width} x {height} points"));
    }
    let settings =
        RenderSettings { x_scale: scale, y_scale: scale, bg_color: WHITE, ..Default::default() };
    let picture = render(page, &RenderCache::new(), &InterpreterSettings::default(), &settings);
    let grey: Vec<u8> =
        picture.data_as_u8_slice().chunks_exact(4).map(|p| luma(p[0], p[1], p[2])).collect();
    write!(out, "P5\n{} {}\n255\n", picture.width(), picture.height())
        .and_then(|()| out.write_all(&grey))
        .and_then(|()| out.flush())
        .map_err(|e| refused(&e))
}
