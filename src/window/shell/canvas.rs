//! What egui draws, on a window by OpenGL.

use std::sync::Arc;

use baseview::gl::GlContext;
use baseview::{HandlerError, WindowContext};
use egui::{ClippedPrimitive, TexturesDelta};
use egui_glow::Painter;
use egui_glow::glow::Context;
use thiserror::Error;

/// There is nothing to draw with.
#[derive(Debug, Error)]
pub(super) enum NoCanvas {
    /// The system gave the window no OpenGL.
    #[error("the window has no OpenGL")]
    NoContext,
    /// OpenGL is older than 2.0, or misses what egui needs.
    #[error("OpenGL can't draw the window: {0}")]
    Painter(egui_glow::PainterError),
}

/// A window's pixels. Lives on the window's thread.
pub(super) struct Canvas {
    painter: Painter,
    context: GlContext,
}

impl Canvas {
    /// That of a window.
    ///
    /// # Errors
    /// [`NoCanvas`], and what the system says to making OpenGL current.
    pub(super) fn new(window: &WindowContext) -> Result<Self, HandlerError> {
        let context = window.gl_context().ok_or(NoCanvas::NoContext)?;
        let current = Current::make(&context)?;
        let gl = Arc::new(functions(&context));
        let painter = Painter::new(gl, "", None, true).map_err(NoCanvas::Painter)?;
        drop(current);
        Ok(Self { painter, context })
    }

    /// Pixels of the longest side of a texture.
    pub(super) fn max_texture_side(&self) -> usize {
        self.painter.max_texture_side()
    }

    /// Draws a frame of so many pixels and shows it.
    ///
    /// # Errors
    /// Where the system has taken OpenGL away.
    pub(super) fn draw(
        &mut self,
        pixels: [u32; 2],
        pixels_per_point: f32,
        primitives: &[ClippedPrimitive],
        textures: &mut TexturesDelta,
    ) -> Result<(), HandlerError> {
        let current = Current::make(&self.context)?;
        self.painter.clear(pixels, [0.0, 0.0, 0.0, 1.0]);
        self.painter.paint_and_update_textures(pixels, pixels_per_point, primitives, textures);
        self.context.swap_buffers()?;
        drop(current);
        Ok(())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // Textures and programs can be given back only while OpenGL is this window's. Where it is gone, so are they.
        if let Ok(current) = Current::make(&self.context) {
            self.painter.destroy();
            drop(current);
        }
    }
}

/// OpenGL as long as it is this window's; afterwards it is nobody's on this thread.
struct Current<'a>(&'a GlContext);

impl<'a> Current<'a> {
    #[expect(unsafe_code, reason = "OpenGL has a state in each thread")]
    fn make(context: &'a GlContext) -> Result<Self, baseview::Error> {
        // SAFETY: on the window's thread, where the context was made.
        unsafe { context.make_current()? };
        Ok(Self(context))
    }
}

impl Drop for Current<'_> {
    #[expect(unsafe_code, reason = "OpenGL has a state in each thread")]
    fn drop(&mut self) {
        // SAFETY: as when it was made current. If it fails there is nothing to be done.
        let _ = unsafe { self.0.make_not_current() };
    }
}

#[expect(unsafe_code, reason = "functions are looked up by their names")]
fn functions(context: &GlContext) -> Context {
    // SAFETY: the context is current, and answers with functions of these names.
    unsafe { Context::from_loader_function_cstr(|name| context.get_proc_address(name)) }
}
