//! PDF files of A4 sheets, and what is hidden in bad ones.

use std::fmt::Write;

use image::{ExtendedColorType, ImageEncoder};
use sideman::data::pages::Grey;

/// A sheet: what is drawn on it, with the filters that unpack it, and a picture named /Im.
#[derive(Default)]
pub(crate) struct Sheet {
    filters: &'static str,
    drawing: Vec<u8>,
    picture: Vec<u8>,
}

/// A page as black boxes on white.
pub(crate) fn drawing(page: &Grey) -> Sheet {
    let scale = 595.0 / page.width as f64;
    let mut text = format!("{scale} 0 0 -{scale} 0 842 cm\n");
    for y in 0..page.height {
        let dark = |p: &u8| *p < 128;
        let line = page.line(y);
        let mut x = 0;
        while x < line.len() {
            let long = line[x..].iter().take_while(|p| dark(p)).count();
            if long > 0 {
                writeln!(text, "{x} {y} {long} 1 re f").unwrap();
            }
            x += long.max(1);
        }
    }
    Sheet { drawing: text.into_bytes(), ..Sheet::default() }
}

/// A kilobyte that unpacks to 17 gigabytes: each pair says 128 times 129, at each of four steps, and behind the last
/// stands the mark of the end, packed as often as it is unpacked.
pub(crate) fn bomb() -> Sheet {
    let filters = "/RunLengthDecode /RunLengthDecode /RunLengthDecode /RunLengthDecode";
    let mut end = vec![128];
    for _ in 1..4 {
        end = [&[end.len() as u8 - 1][..], &end, &[128]].concat();
    }
    Sheet { filters, drawing: [vec![129; 1 << 10], end].concat(), ..Sheet::default() }
}

/// A photo that says it is 65,000 pixels wide and high.
pub(crate) fn photo_bomb() -> Sheet {
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    encoder.write_image(&[0; 64 * 3], 8, 8, ExtendedColorType::Rgb8).unwrap();
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    for side in [frame + 5, frame + 7] {
        jpeg[side..side + 2].copy_from_slice(&65_000_u16.to_be_bytes());
    }
    let drawing = b"595 0 0 842 0 0 cm /Im Do".to_vec();
    Sheet { drawing, picture: jpeg, ..Sheet::default() }
}

/// The file.
pub(crate) fn printed(sheets: &[Sheet]) -> Vec<u8> {
    let mut objects = Vec::new();
    let mut kids = String::new();
    for (i, sheet) in sheets.iter().enumerate() {
        let first = 3 + 3 * i;
        write!(kids, "{first} 0 R ").unwrap();
        let (drawing, picture) = (first + 1, first + 2);
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/Contents {drawing} 0 R/Resources<</XObject<</Im {picture} 0 R>>>>>>"
            )
            .into_bytes(),
        );
        let stream = |head: String, data: &[u8]| {
            let head = format!("<</Length {}{head}>>stream\n", data.len());
            [head.as_bytes(), data, b"\nendstream"].concat()
        };
        objects.push(stream(format!("/Filter[{}]", sheet.filters), &sheet.drawing));
        let head = "/Type/XObject/Subtype/Image/Width 65000/Height 65000/BitsPerComponent 8\
                    /ColorSpace/DeviceRGB/Filter/DCTDecode";
        objects.push(stream(head.to_owned(), &sheet.picture));
    }
    let pages =
        format!("<</Type/Pages/MediaBox[0 0 595 842]/Count {}/Kids[{kids}]>>", sheets.len());
    objects.splice(0..0, [b"<</Type/Catalog/Pages 2 0 R>>".to_vec(), pages.into_bytes()]);
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (i, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", file.len()).unwrap();
        file.extend(format!("{} 0 obj\n", i + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let (start, size) = (file.len(), objects.len() + 1);
    let end = format!(
        "xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    );
    file.extend(end.into_bytes());
    file
}
