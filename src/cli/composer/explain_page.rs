//! The page that holds the pictures of `composer explain`: one file, with the pictures in it.

use std::fmt::Write;
use std::io;

use image::RgbImage;

use super::looks::png;
use crate::model::image::checkpoint::ImageManifest;

/// A picture and what it is.
pub(super) struct Figure {
    /// Its file's name.
    pub(super) file: String,
    /// A line.
    pub(super) heading: String,
    /// A sentence or two.
    pub(super) words: String,
    pub(super) picture: RgbImage,
}

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #20242c; --faint: #6b7280; --ground: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --faint: #9aa1ad; --ground: #14161b; } }
body { margin: 0 auto; padding: 3rem 1.5rem 6rem; max-width: 1400px; color: var(--ink); background: var(--ground);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 3rem 0 .3rem; }
p { margin: 0 0 .9rem; max-width: 65rem; color: var(--faint); }
img { display: block; max-width: 100%; height: auto; border-radius: 6px; }
";

/// The page.
pub(super) fn html(manifest: &ImageManifest, row: &str, figures: &[Figure]) -> io::Result<String> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>What a network sees in a row</title>\n<style>\n{STYLE}</style>\n\
         <h1>What a network sees in a row</h1>\n\
         <p>ResNet-{} after {} epochs, which tells {} apart. The row: {}.</p>\n",
        manifest.config.depth,
        manifest.epochs,
        escaped(&manifest.classes.join(", ")),
        escaped(row)
    );
    for figure in figures {
        let (heading, words) = (escaped(&figure.heading), escaped(&figure.words));
        let _ = writeln!(
            page,
            "<h2>{heading}</h2>\n<p>{words}</p>\n\
             <img alt=\"{heading}\" src=\"data:image/png;base64,{}\">",
            base64(&png(&figure.picture)?)
        );
    }
    Ok(page + "</html>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Bytes as text (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_as_the_standard_has_it() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
        assert_eq!(escaped("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
    }
}
