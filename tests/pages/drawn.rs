//! Pages of made-up music, drawn here: systems of staves with a line at the left, bar lines, notes with stems and beams.

use std::fs;
use std::path::Path;

use sideman::data::pages::Grey;

/// What a page looks like.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// From staff line to staff line, in pixels.
    pub(crate) space: f32,
    /// Systems on the page.
    pub(crate) systems: usize,
    /// Staves of a system.
    pub(crate) staves: usize,
    /// The level of the paper.
    pub(crate) paper: u8,
    /// What notes there are.
    pub(crate) seed: u64,
}

impl Default for Look {
    fn default() -> Self {
        Self { space: 9.3, systems: 5, staves: 2, paper: 255, seed: 1 }
    }
}

/// A sheet, 130 x 190 spaces.
pub(crate) fn page(look: Look) -> Grey {
    let s = look.space;
    let mut page = Grey::new((130.0 * s) as usize, (190.0 * s) as usize, look.paper);
    let mut seed = look.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 20) % n
    };
    let thin = (s / 8.0).max(1.0);
    let apart = 10.0;
    let system = 185.0 / look.systems as f32;
    for i in 0..look.systems {
        let top = 8.0 + i as f32 * system;
        let bottom = top + (look.staves - 1) as f32 * apart + 4.0;
        for staff in 0..look.staves {
            let top = top + staff as f32 * apart;
            for line in 0..5 {
                fill(&mut page, (10.0 * s, (top + line as f32) * s), (110.0 * s, thin));
            }
            for note in 0..24 {
                let (x, y) =
                    ((18.0 + note as f32 * 4.2) * s, (top - 1.5 + next(14) as f32 * 0.5) * s);
                fill(&mut page, (x, y - s / 2.0), (1.2 * s, s * 0.9));
                fill(&mut page, (x + 1.1 * s, y - 3.0 * s), (thin, 3.0 * s));
                if next(3) == 0 {
                    fill(&mut page, (x + 1.1 * s, y - 3.0 * s), (4.2 * s, s * 0.5));
                }
            }
        }
        // Lines through all staves: at the left, and each bar's.
        for x in [10.0, 45.0, 83.0, 120.0] {
            fill(&mut page, (x * s, top * s), (thin, (bottom - top) * s + thin));
        }
    }
    page
}

/// Blackens a rectangle.
pub(crate) fn fill(page: &mut Grey, at: (f32, f32), size: (f32, f32)) {
    let (x, y) = (at.0.round().max(0.0) as usize, at.1.round().max(0.0) as usize);
    let (width, height) = (size.0.round().max(1.0) as usize, size.1.round().max(1.0) as usize);
    for y in y..(y + height).min(page.height) {
        let end = (x + width).min(page.width);
        page.pixels[y * page.width + x..y * page.width + end].fill(0);
    }
}

/// Writes a page and the folder that it lies in.
pub(crate) fn save(path: &Path, page: &Grey) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (width, height) = (page.width as u32, page.height as u32);
    image::GrayImage::from_raw(width, height, page.pixels.clone()).unwrap().save(path).unwrap();
}

/// A JPEG of 64 x 64 with four colours (cyan, magenta, yellow, black), all of one level.
pub(crate) fn cmyk_jpeg() -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        jpeg.extend([0xff, marker, 0, body.len() as u8 + 2]);
        jpeg.extend(body);
    };
    segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let component = |id: u8| [id, 0x11, 0];
    let components: Vec<u8> = (1..=4).flat_map(component).collect();
    segment(0xc0, &[&[8, 0, 64, 0, 64, 4][..], &components].concat());
    // One code each: no difference to the block before, and nothing else in the block.
    for table in [0x00, 0x10] {
        segment(0xc4, &[&[table, 1][..], &[0; 15], &[0]].concat());
    }
    let scan: Vec<u8> = (1..=4).flat_map(|id| [id, 0]).collect();
    segment(0xda, &[&[4][..], &scan, &[0, 63, 0]].concat());
    // Eight bits for each of 64 places: two for each colour.
    jpeg.extend([0; 64]);
    jpeg.extend([0xff, 0xd9]);
    jpeg
}
