//! Smooth shapes on a picture: rectangles, rounded rectangles and pen strokes.

use image::RgbImage;

/// Red, green and blue.
pub(crate) type Colour = [u8; 3];

/// A picture to draw on. Places are in pixels from the top left; what lies outside is cut.
pub(crate) struct Canvas {
    image: RgbImage,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rect {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Canvas {
    #[cfg(any(feature = "standalone", test))]
    pub(crate) fn new(width: u32, height: u32, colour: Colour) -> Self {
        Self::over(RgbImage::from_pixel(width, height, colour.into()))
    }

    /// On what is there already.
    pub(crate) fn over(image: RgbImage) -> Self {
        Self { image }
    }

    pub(crate) fn into_image(self) -> RgbImage {
        self.image
    }

    /// A rectangle with soft edges where they fall between pixels.
    #[cfg(any(feature = "standalone", test))]
    pub(crate) fn fill(&mut self, rect: Rect, colour: Colour) {
        self.rounded(rect, 0.0, colour, 1.0);
    }

    /// A rectangle with round corners, `opacity` from 0 to 1.
    pub(crate) fn rounded(&mut self, rect: Rect, radius: f32, colour: Colour, opacity: f32) {
        let radius = radius.min(rect.width / 2.0).min(rect.height / 2.0);
        self.shade(rect, colour, opacity, |x, y| rect.coverage(x, y, radius));
    }

    /// The outline of a rounded rectangle, `pen` pixels thick, inside its edge.
    pub(crate) fn outline(
        &mut self,
        rect: Rect,
        radius: f32,
        pen: f32,
        colour: Colour,
        opacity: f32,
    ) {
        let radius = radius.min(rect.width / 2.0).min(rect.height / 2.0);
        let inner = Rect {
            x: rect.x + pen,
            y: rect.y + pen,
            width: (rect.width - 2.0 * pen).max(0.0),
            height: (rect.height - 2.0 * pen).max(0.0),
        };
        self.shade(rect, colour, opacity, |x, y| {
            rect.coverage(x, y, radius) - inner.coverage(x, y, (radius - pen).max(0.0))
        });
    }

    /// Lines through points with round ends and joints, `pen` pixels thick, inked once however they cross.
    pub(crate) fn strokes(&mut self, lines: &[Vec<[f32; 2]>], pen: f32, colour: Colour) {
        let points = || lines.iter().flatten();
        let least = |axis: usize| points().map(|p| p[axis]).fold(f32::MAX, f32::min) - pen;
        let most = |axis: usize| points().map(|p| p[axis]).fold(f32::MIN, f32::max) + pen;
        if points().next().is_none() {
            return;
        }
        let (x, y) = (least(0), least(1));
        let area = Rect { x, y, width: most(0) - x, height: most(1) - y };
        self.shade(area, colour, 1.0, |x, y| {
            let segments = lines.iter().flat_map(|line| line.windows(2));
            let nearest = segments.map(|s| distance([x, y], s[0], s[1])).fold(f32::MAX, f32::min);
            (pen / 2.0 + 0.5 - nearest).clamp(0.0, 1.0)
        });
    }

    /// Inks every pixel that touches `area` as far as `coverage` of the pixel's middle says.
    fn shade(
        &mut self,
        area: Rect,
        colour: Colour,
        opacity: f32,
        coverage: impl Fn(f32, f32) -> f32,
    ) {
        let (width, height) = self.image.dimensions();
        let span = |from: f32, len: f32, limit: u32| {
            (from.floor().max(0.0) as u32)..((from + len).ceil().clamp(0.0, limit as f32) as u32)
        };
        for y in span(area.y, area.height, height) {
            for x in span(area.x, area.width, width) {
                let ink = coverage(x as f32 + 0.5, y as f32 + 0.5).clamp(0.0, 1.0) * opacity;
                if ink > 0.0 {
                    let pixel = self.image.get_pixel_mut(x, y);
                    pixel.0 = mix(pixel.0, colour, ink);
                }
            }
        }
    }
}

impl Rect {
    /// How much of the pixel around a point lies inside, 0 to 1.
    fn coverage(self, x: f32, y: f32, radius: f32) -> f32 {
        let along = |p: f32, from: f32, len: f32| {
            ((p + 0.5).min(from + len) - (p - 0.5).max(from)).clamp(0.0, 1.0)
        };
        let straight = along(x, self.x, self.width) * along(y, self.y, self.height);
        // Only the corners are round: there the distance to the corner's middle decides.
        let past = |p: f32, from: f32, len: f32| {
            (from + radius - p).max(p - (from + len - radius)).max(0.0)
        };
        let (dx, dy) = (past(x, self.x, self.width), past(y, self.y, self.height));
        if radius > 0.0 && dx > 0.0 && dy > 0.0 {
            return (radius + 0.5 - dx.hypot(dy)).clamp(0.0, 1.0).min(straight);
        }
        straight
    }
}

/// From one colour (0) to another (1).
pub(crate) fn mix(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|i| {
        (f32::from(from[i]) + (f32::from(to[i]) - f32::from(from[i])) * share).round() as u8
    })
}

/// From a point to a line between two others.
fn distance(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (ab, ap) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length = ab[0] * ab[0] + ab[1] * ab[1];
    let along = if length > 0.0 { (ap[0] * ab[0] + ap[1] * ab[1]) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (ap[0] - along * ab[0]).hypot(ap[1] - along * ab[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_between_pixels_are_soft_and_outside_is_untouched() {
        let mut canvas = Canvas::new(4, 1, [0; 3]);
        canvas.fill(Rect { x: 1.5, y: -9.0, width: 1.5, height: 20.0 }, [200; 3]);
        let image = canvas.into_image();
        let row: Vec<u8> = (0..4).map(|x| image.get_pixel(x, 0).0[0]).collect();
        assert_eq!(row, [0, 100, 200, 0]);
    }

    #[test]
    fn round_corners_leave_the_corner_pixel() {
        let mut canvas = Canvas::new(8, 8, [0; 3]);
        canvas.rounded(Rect { x: 0.0, y: 0.0, width: 8.0, height: 8.0 }, 4.0, [255; 3], 1.0);
        let image = canvas.into_image();
        assert_eq!(image.get_pixel(0, 0).0, [0; 3]);
        assert_eq!(image.get_pixel(4, 4).0, [255; 3]);
    }
}
