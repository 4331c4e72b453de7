//! The view in a harness: clicked by name, drawn without a GPU.

use std::fmt::Write;

use egui::{Event, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use image::RgbaImage;
use sideman::window::asked::Asked;
use sideman::window::look::Look;
use sideman::window::page::Page;
use sideman::window::view::View;

use crate::raster::{self, Textures};
use crate::scenes::Moment;

/// What the harness runs.
pub(crate) struct Playing {
    pub(crate) view: View,
    pub(crate) moment: Moment,
    pub(crate) asked: Vec<Asked>,
}

/// A window that is shown.
pub(crate) struct Window {
    pub(crate) harness: Harness<'static, Playing>,
    textures: Textures,
}

/// Opens a window of so many points (at zoom 1) at a moment.
pub(crate) fn open(moment: Moment, look: Look, page: Option<Page>) -> Window {
    let mut view = View::new(look);
    if let Some(page) = page {
        view.open_page(page);
    }
    resume(Playing { view, moment, asked: Vec::new() })
}

/// Opens a window for a view that may have been shown before.
pub(crate) fn resume(playing: Playing) -> Window {
    let size = playing.view.look().size;
    let textures = Textures::default();
    let harness = Harness::builder()
        .with_size(size)
        .with_step_dt(1.0 / 30.0)
        .with_max_steps(8)
        .renderer(textures.clone())
        .with_context_setup(View::prepare)
        .build_ui_state(
            |ui, playing: &mut Playing| {
                let asked = playing.view.ui(ui, &playing.moment.scene());
                playing.asked.extend(asked);
            },
            playing,
        );
    let mut window = Window { harness, textures };
    // A window grows when it is zoomed.
    window.harness.set_size(size.into());
    window.run();
    window.asked();
    window
}

/// Opens a window of the usual size.
pub(crate) fn usual(moment: Moment) -> Window {
    open(moment, Look::default(), None)
}

impl Window {
    /// Runs some frames: while music runs, one always follows another.
    pub(crate) fn run(&mut self) {
        self.harness.run_steps(6);
    }

    /// The middle of what has this name.
    pub(crate) fn place(&self, name: &str) -> Pos2 {
        self.harness.get_by_label(name).rect().center()
    }

    /// Sends something that happens, and gives what is asked for.
    pub(crate) fn send(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Asked> {
        events.into_iter().for_each(|event| self.harness.event(event));
        self.run();
        self.asked()
    }

    /// Drags what has this name to the right.
    pub(crate) fn drag(&mut self, name: &str, points: f32, modifiers: Modifiers) -> Vec<Asked> {
        let from = self.place(name);
        let button = |pos, pressed| {
            let button = PointerButton::Primary;
            Event::PointerButton { pos, button, pressed, modifiers }
        };
        let to = |share: f32| Event::PointerMoved(from + vec2(points * share, 0.0));
        self.send([
            Event::ModifiersChanged(modifiers),
            to(0.0),
            button(from, true),
            to(0.5),
            to(1.0),
            button(from + vec2(points, 0.0), false),
            Event::ModifiersChanged(Modifiers::NONE),
        ])
    }

    /// What was asked for since this was asked last; sizes that are kept left out.
    pub(crate) fn asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.harness.state_mut().asked)
    }

    /// Clicks what has this name, and gives what is asked for.
    pub(crate) fn click(&mut self, name: &str) -> Vec<Asked> {
        self.harness.get_by_label(name).click();
        self.run();
        self.asked()
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: egui::Key) -> Vec<Asked> {
        self.harness.key_press(key);
        self.run();
        self.asked()
    }

    /// What is seen.
    pub(crate) fn picture(&mut self) -> RgbaImage {
        let output = self.harness.output();
        let primitives =
            self.harness.ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
        let size = self.harness.ctx.content_rect().size() * output.pixels_per_point;
        let size = [size.x.round() as u32, size.y.round() as u32];
        raster::draw(&self.textures, &primitives, output.pixels_per_point, size)
    }
}

/// Names of all that is there, in order, with what they are.
pub(crate) fn tree(window: &Window) -> String {
    let mut lines = String::new();
    for node in window.harness.root().children_recursive() {
        let node = node.accesskit_node();
        if let Some(label) = node.label().or_else(|| node.value()) {
            let _ = writeln!(lines, "{:?}: {label}", node.role());
        }
    }
    lines
}
