//! One window as the system runs it: asked for frames, told what is done in it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use baseview::dpi::LogicalSize;
use baseview::{
    DropEffect, Event, EventStatus, HandlerError, MouseCursor, MouseEvent, WindowContext,
    WindowHandler, WindowSize,
};
use egui::{CursorIcon, FullOutput, OutputCommand, ViewportCommand, ViewportId};

use super::Face;
use super::canvas::Canvas;
use super::clipboard::Clipboard;
use super::input::{Input, Stage};

/// A window. Lives on the window's thread; the system may call it while it is in a call already.
pub(super) struct Pane<F> {
    window: WindowContext,
    ctx: egui::Context,
    drawing: RefCell<Drawing<F>>,
    input: RefCell<Input>,
    clipboard: RefCell<Clipboard>,
    cursor: Cell<MouseCursor>,
    /// A size that the face is yet to be told.
    resized: Cell<Option<WindowSize>>,
    opened: Instant,
    /// Whoever opened it drops it.
    closes: Arc<AtomicBool>,
}

/// What a frame needs; taken while one is drawn.
struct Drawing<F> {
    face: F,
    canvas: Canvas,
}

impl<F: Face> Pane<F> {
    /// Of a window that was just made.
    ///
    /// # Errors
    /// Where it has no OpenGL to draw with.
    pub(super) fn new(
        window: WindowContext,
        zoom: f32,
        closes: Arc<AtomicBool>,
        mut face: F,
    ) -> Result<Self, HandlerError> {
        let canvas = Canvas::new(&window)?;
        let ctx = egui::Context::default();
        // Set as a wish it would count only after the first frame, and make the window larger once more.
        ctx.options_mut(|options| options.zoom_factor = zoom);
        let waker = window.waker();
        ctx.set_request_repaint_callback(move |wish| waker.request_redraw_after(wish.delay));
        face.begin(&ctx);
        let input = Input::new(canvas.max_texture_side());
        Ok(Self {
            resized: Cell::new(Some(window.size())),
            window,
            ctx,
            drawing: RefCell::new(Drawing { face, canvas }),
            input: RefCell::new(input),
            clipboard: RefCell::default(),
            cursor: Cell::default(),
            opened: Instant::now(),
            closes,
        })
    }

    /// Does what a frame asked the system for.
    fn carry_out(&self, output: FullOutput) -> Result<(), HandlerError> {
        let viewport = output.viewport_output.get(&ViewportId::ROOT);
        let commands = viewport.map(|viewport| viewport.commands.as_slice()).unwrap_or_default();
        if commands.contains(&ViewportCommand::Close) {
            self.window.request_close();
        }
        for command in output.platform_output.commands {
            if let OutputCommand::CopyText(text) = command
                && let Ok(mut clipboard) = self.clipboard.try_borrow_mut()
            {
                clipboard.copy(text);
            }
        }
        let cursor = cursor(output.platform_output.cursor_icon);
        if self.cursor.replace(cursor) != cursor {
            self.window.set_mouse_cursor(cursor)?;
        }
        Ok(())
    }
}

impl<F: Face> WindowHandler for Pane<F> {
    fn poll(&self) {
        if self.closes.load(Ordering::Acquire) {
            self.window.request_close();
        }
    }

    fn draw(&self) -> Result<(), HandlerError> {
        let Ok(mut drawing) = self.drawing.try_borrow_mut() else {
            // Inside a frame, when the host was told something and asked for a frame in turn.
            self.window.request_redraw();
            return Ok(());
        };
        let Drawing { face, canvas } = &mut *drawing;
        if let Some(size) = self.resized.take() {
            face.resized(size);
        }
        let size = self.window.size();
        let pixels = [size.physical.width, size.physical.height];
        if pixels.contains(&0) {
            return Ok(());
        }
        let zoom = self.ctx.zoom_factor();
        let seconds = self.opened.elapsed().as_secs_f64();
        let scale = size.scale_factor as f32;
        let raw = self.input.borrow_mut().take(Stage { pixels, scale, zoom, seconds });
        let mut output = self.ctx.run_ui(raw, |ui| face.ui(ui));
        let shapes = std::mem::take(&mut output.shapes);
        let primitives = self.ctx.tessellate(shapes, output.pixels_per_point);
        canvas.draw(pixels, output.pixels_per_point, &primitives, &mut output.textures_delta)?;
        drop(drawing);
        self.carry_out(output)?;
        let turned = f64::from(self.ctx.zoom_factor() / zoom);
        if (turned - 1.0).abs() > 1e-4 {
            // All is to be seen as before, larger; where the host refuses, less of it is.
            let LogicalSize { width, height } = size.logical;
            let _ = self.window.resize(LogicalSize::new(width * turned, height * turned));
        }
        Ok(())
    }

    fn resized(&self, size: WindowSize) -> Result<(), HandlerError> {
        self.resized.set(Some(size));
        self.window.request_redraw();
        Ok(())
    }

    fn on_event(&self, event: Event) -> EventStatus {
        if matches!(event, Event::Mouse(MouseEvent::ButtonPressed { .. }))
            && !self.window.has_focus()
        {
            // A window in a host's gets no keys by itself; where the host refuses, it is led by the pointer alone.
            let _ = self.window.focus();
        }
        let status = match &event {
            Event::Mouse(
                MouseEvent::DragEntered { .. }
                | MouseEvent::DragMoved { .. }
                | MouseEvent::DragDropped { .. },
            ) => EventStatus::AcceptDrop(DropEffect::Copy),
            // Keys that nothing is typed with are the host's, too, where the system heeds that: its transport, its piano on the keys.
            Event::Keyboard(_) if !self.ctx.egui_wants_keyboard_input() => EventStatus::Ignored,
            _ => EventStatus::Captured,
        };
        if self.input.borrow_mut().take_in(event) {
            // Some systems tell of other things while they are asked for what was copied.
            let text = self.clipboard.try_borrow_mut().ok().and_then(|mut c| c.text());
            self.input.borrow_mut().paste(text);
        }
        self.window.request_redraw();
        status
    }
}

fn cursor(icon: CursorIcon) -> MouseCursor {
    match icon {
        CursorIcon::None => MouseCursor::Hidden,
        CursorIcon::PointingHand | CursorIcon::Grab => MouseCursor::Hand,
        CursorIcon::Grabbing => MouseCursor::HandGrabbing,
        CursorIcon::Text => MouseCursor::Text,
        CursorIcon::Copy => MouseCursor::Copy,
        CursorIcon::NoDrop | CursorIcon::NotAllowed => MouseCursor::NotAllowed,
        CursorIcon::ResizeHorizontal | CursorIcon::ResizeColumn => MouseCursor::EwResize,
        CursorIcon::ResizeVertical | CursorIcon::ResizeRow => MouseCursor::NsResize,
        _ => MouseCursor::Default,
    }
}
