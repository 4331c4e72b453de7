//! Reads an image file as a grey page, with limits that hold before it is decoded.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::data::pages::Grey;
use crate::data::pages::gate::Gate;

/// Pixels of a page, at most: A4 at 600 dpi has 35 million.
pub(super) const MOST_PIXELS: u64 = 40_000_000;
/// Bytes of a file, at most: a JPEG is read as a whole.
pub(super) const MOST_BYTES: u64 = 200_000_000;
/// Bytes that a decoder may take for itself.
const MOST_DECODED: u64 = 1_000_000_000;
/// Bytes for each pixel that are needed beside the decoded image: page, ink, and what is drawn of them.
pub(super) const BESIDE: u64 = 10;

/// What the pages in work may take of the memory together.
pub const MEMORY: u64 = 800_000_000;

/// Does something with a page while its memory is held.
///
/// # Errors
/// In one line why it can't be read, or what `work` says.
pub fn with_page<T>(
    path: &Path,
    gate: &Gate,
    work: impl FnOnce(Grey) -> Result<T, String>,
) -> Result<T, String> {
    // A decoder is others' code on bytes that nobody has seen: should it panic, the other pages go on.
    let done = catch_unwind(AssertUnwindSafe(|| read(path, gate, work)));
    done.unwrap_or_else(|_| Err("refused: the decoder gave up".to_owned()))
}

fn read<T>(
    path: &Path,
    gate: &Gate,
    work: impl FnOnce(Grey) -> Result<T, String>,
) -> Result<T, String> {
    let refused = |e: &dyn std::fmt::Display| format!("refused: {e}").replace(['\n', '\r'], " ");
    let file = File::open(path).map_err(|e| refused(&e))?;
    let bytes = file.metadata().map_err(|e| refused(&e))?.len();
    if bytes > MOST_BYTES {
        return Err(format!(
            "refused: {} MB, at most {}",
            bytes / 1_000_000,
            MOST_BYTES / 1_000_000
        ));
    }
    let mut reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|e| refused(&e))?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| refused(&e))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS {
        return Err(format!(
            "refused: {width} x {height} are {} megapixels, at most {}",
            pixels / 1_000_000,
            MOST_PIXELS / 1_000_000
        ));
    }
    let _held = gate.enter(decoder.total_bytes() + pixels * BESIDE);
    let orientation = decoder.orientation().map_err(|e| refused(&e))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|e| refused(&e))?;
    image.apply_orientation(orientation);
    work(grey(image))
}

/// What an image looks like on white paper, without its colours.
fn grey(image: DynamicImage) -> Grey {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = match image {
        DynamicImage::ImageLuma8(image) => image.into_raw(),
        DynamicImage::ImageRgb8(image) => {
            image.as_raw().chunks_exact(3).map(|p| luma(p[0], p[1], p[2])).collect()
        }
        other => {
            let on_white = |p: &[u8]| {
                let alpha = u32::from(p[3]);
                ((u32::from(luma(p[0], p[1], p[2])) * alpha + 255 * (255 - alpha)) / 255) as u8
            };
            other.into_rgba8().as_raw().chunks_exact(4).map(on_white).collect()
        }
    };
    Grey { width, height, pixels }
}

/// How bright a colour is (ITU-R BT.601).
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1_000) as u8
}
