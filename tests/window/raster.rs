//! Pictures of what egui tessellates, without a GPU: triangles with a texture, clipped, blended as egui's own painters for OpenGL do
//! (premultiplied alpha, in gamma space).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use egui::epaint::{ClippedPrimitive, Mesh, Primitive, Vertex};
use egui::{Color32, ColorImage, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use image::{Rgba, RgbaImage};

/// The textures that egui has sent, shared with the harness that hands them over.
#[derive(Clone, Default)]
pub(crate) struct Textures(Arc<Mutex<HashMap<TextureId, ColorImage>>>);

impl TestRenderer for Textures {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        let mut textures = self.0.lock().unwrap();
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let egui::ImageData::Color(image) = &change.image;
                match change.pos {
                    None => {
                        textures.insert(id, image.as_ref().clone());
                    }
                    Some([left, top]) => {
                        let texture =
                            textures.get_mut(&id).expect("a texture of which a part changes");
                        for row in 0..image.size[1] {
                            let from = row * image.size[0];
                            let to = (top + row) * texture.size[0] + left;
                            texture.pixels[to..to + image.size[0]]
                                .copy_from_slice(&image.pixels[from..from + image.size[0]]);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            textures.remove(&id);
        }
    }
}

/// Draws what was tessellated on black.
pub(crate) fn draw(
    textures: &Textures,
    primitives: &[ClippedPrimitive],
    pixels_per_point: f32,
    [width, height]: [u32; 2],
) -> RgbaImage {
    let mut image = RgbaImage::from_pixel(width, height, Rgba([0, 0, 0, 255]));
    let textures = textures.0.lock().unwrap();
    for ClippedPrimitive { clip_rect, primitive } in primitives {
        let Primitive::Mesh(mesh) = primitive else { continue };
        let texture = &textures[&mesh.texture_id];
        let clip = *clip_rect * pixels_per_point;
        let clip = [
            clip.min.x.round().max(0.0),
            clip.min.y.round().max(0.0),
            clip.max.x.round().min(width as f32),
            clip.max.y.round().min(height as f32),
        ];
        for corners in mesh.triangles() {
            triangle(&mut image, mesh, corners, texture, pixels_per_point, clip);
        }
    }
    image
}

fn triangle(
    image: &mut RgbaImage,
    mesh: &Mesh,
    corners: [u32; 3],
    texture: &ColorImage,
    scale: f32,
    clip: [f32; 4],
) {
    let mut corners = corners.map(|corner| mesh.vertices[corner as usize]);
    for corner in &mut corners {
        corner.pos = (corner.pos.to_vec2() * scale).to_pos2();
    }
    let twice = edge(&corners[0], &corners[1], corners[2].pos.x, corners[2].pos.y);
    if twice.abs() < 1e-9 {
        return;
    }
    if twice < 0.0 {
        corners.swap(1, 2);
    }
    let twice = twice.abs();
    let xs = corners.map(|corner| corner.pos.x);
    let ys = corners.map(|corner| corner.pos.y);
    let least = |all: [f32; 3]| all.into_iter().fold(f32::MAX, f32::min);
    let most = |all: [f32; 3]| all.into_iter().fold(f32::MIN, f32::max);
    let (left, right) = (least(xs).floor().max(clip[0]), most(xs).ceil().min(clip[2]));
    let (top, bottom) = (least(ys).floor().max(clip[1]), most(ys).ceil().min(clip[3]));
    let [a, b, c] = &corners;
    for y in top as u32..bottom.max(top) as u32 {
        for x in left as u32..right.max(left) as u32 {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let weights = [edge(b, c, px, py), edge(c, a, px, py), edge(a, b, px, py)];
            // A pixel on an edge between two triangles belongs to one of them.
            let is_in = |weight: f32, from: &Vertex, to: &Vertex| {
                weight > 0.0 || (weight == 0.0 && is_top_or_left(from, to))
            };
            if !(is_in(weights[0], b, c) && is_in(weights[1], c, a) && is_in(weights[2], a, b)) {
                continue;
            }
            let weights = weights.map(|weight| weight / twice);
            let mix = |value: fn(&Vertex) -> f32| {
                corners.iter().zip(weights).map(|(corner, weight)| value(corner) * weight).sum()
            };
            let texel = sample(texture, mix(|v| v.uv.x), mix(|v| v.uv.y));
            let ink = [
                mix(|v| f32::from(v.color.r())),
                mix(|v| f32::from(v.color.g())),
                mix(|v| f32::from(v.color.b())),
                mix(|v| f32::from(v.color.a())),
            ];
            blend(image.get_pixel_mut(x, y), texel, ink);
        }
    }
}

/// Twice the area of the triangle between an edge and a point; positive where it turns clockwise on the screen.
fn edge(from: &Vertex, to: &Vertex, x: f32, y: f32) -> f32 {
    (to.pos.x - from.pos.x) * (y - from.pos.y) - (to.pos.y - from.pos.y) * (x - from.pos.x)
}

fn is_top_or_left(from: &Vertex, to: &Vertex) -> bool {
    let (dx, dy) = (to.pos.x - from.pos.x, to.pos.y - from.pos.y);
    dy < 0.0 || (dy == 0.0 && dx > 0.0)
}

/// The texture between its four nearest texels.
fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let at = |x: f32, y: f32| {
        let x = (x.max(0.0) as usize).min(width - 1);
        let y = (y.max(0.0) as usize).min(height - 1);
        texture.pixels[y * width + x].to_array().map(f32::from)
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, below) = (x - left, y - top);
    let mix = |a: [f32; 4], b: [f32; 4], share: f32| {
        std::array::from_fn::<_, 4, _>(|i| a[i] + (b[i] - a[i]) * share)
    };
    let upper = mix(at(left, top), at(left + 1.0, top), right);
    let lower = mix(at(left, top + 1.0), at(left + 1.0, top + 1.0), right);
    mix(upper, lower, below)
}

/// What lies on top, whose colour is multiplied by its alpha already.
fn blend(pixel: &mut Rgba<u8>, texel: [f32; 4], ink: [f32; 4]) {
    let top: [f32; 4] = std::array::from_fn(|i| texel[i] * ink[i] / 255.0);
    for i in 0..3 {
        let below = f32::from(pixel.0[i]) * (1.0 - top[3] / 255.0);
        pixel.0[i] = (top[i] + below).round().clamp(0.0, 255.0) as u8;
    }
}

/// Mean colours of a picture's fields, of 0 to 15 each: what is where, whatever a glyph does.
pub(crate) fn thumbnail(image: &RgbaImage, [columns, rows]: [u32; 2]) -> Vec<Vec<u8>> {
    let (width, height) = image.dimensions();
    let field = |column: u32, row: u32| {
        let (left, right) = (column * width / columns, (column + 1) * width / columns);
        let (top, bottom) = (row * height / rows, (row + 1) * height / rows);
        let mut sum = 0.0;
        for y in top..bottom {
            for x in left..right {
                let Rgba([r, g, b, _]) = *image.get_pixel(x, y);
                sum += 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
            }
        }
        let mean = sum / f64::from((right - left) * (bottom - top));
        (mean / 255.0 * 99.0).round() as u8
    };
    (0..rows).map(|row| (0..columns).map(|column| field(column, row)).collect()).collect()
}

#[test]
fn a_triangle_covers_what_it_should_and_blends() {
    let textures = Textures::default();
    let white = ColorImage::filled([1, 1], Color32::WHITE);
    textures.0.lock().unwrap().insert(TextureId::default(), white);
    let clip_rect = egui::Rect::from_min_size(egui::pos2(0.0, 0.0), egui::vec2(8.0, 8.0));
    let rect = |x: f32, y: f32, w: f32, h: f32, colour| {
        let mut mesh = Mesh::default();
        let place = egui::Rect::from_min_size(egui::pos2(x, y), egui::vec2(w, h));
        mesh.add_colored_rect(place, colour);
        ClippedPrimitive { clip_rect, primitive: Primitive::Mesh(mesh) }
    };
    let half = Color32::from_rgba_unmultiplied(255, 0, 0, 128);
    let shapes = [rect(0.0, 0.0, 4.0, 16.0, Color32::WHITE), rect(2.0, 0.0, 4.0, 4.0, half)];
    let image = draw(&textures, &shapes, 1.0, [10, 10]);
    let at = |x, y| image.get_pixel(x, y).0;
    assert_eq!(at(0, 0), [255, 255, 255, 255]);
    assert_eq!(at(0, 7), [255, 255, 255, 255]);
    assert_eq!(at(0, 8), [0, 0, 0, 255], "clipped");
    // Both triangles of a rectangle share an edge: no pixel there is blended twice.
    for (x, y) in [(2, 0), (3, 1), (2, 3)] {
        assert_eq!(at(x, y), [255, 127, 127, 255], "{x} {y}");
    }
    assert_eq!(at(5, 0), [128, 0, 0, 255]);
    assert_eq!(at(6, 0), [0, 0, 0, 255]);
}
