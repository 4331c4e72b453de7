//! What a window's hands do, as egui takes it: pointer, wheel, keys, text, and files that are held over it and dropped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baseview::{DropData, Event, MouseButton, MouseEvent, ScrollDelta, WindowEvent};
use egui::{HoveredFile, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, ViewportId};
use keyboard_types::{Key, KeyState, KeyboardEvent};

/// Gathers what is done between two frames.
pub(super) struct Input {
    raw: RawInput,
    /// Where the pointer was seen last, and whether it is in the window still.
    pointer: Pos2,
    is_in: bool,
    modifiers: Modifiers,
    pixels_per_point: f32,
}

/// What the frame is that the input is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// Width and height.
    pub(super) pixels: [u32; 2],
    /// Pixels in a point of the system, without the zoom.
    pub(super) scale: f32,
    pub(super) zoom: f32,
    /// Since the window was opened.
    pub(super) seconds: f64,
}

impl Input {
    /// Of a window whose textures can have sides of so many pixels.
    pub(super) fn new(max_texture_side: usize) -> Self {
        let raw = RawInput { max_texture_side: Some(max_texture_side), ..RawInput::default() };
        Self {
            raw,
            pointer: Pos2::ZERO,
            is_in: false,
            modifiers: Modifiers::NONE,
            pixels_per_point: 1.0,
        }
    }

    /// What was done since the last time, for a frame.
    pub(super) fn take(&mut self, stage: Stage) -> RawInput {
        self.pixels_per_point = stage.scale * stage.zoom;
        let size = stage.pixels.map(|side| side as f32 / self.pixels_per_point);
        let rect = egui::Rect::from_min_size(Pos2::ZERO, size.into());
        self.raw.screen_rect = Some(rect);
        self.raw.time = Some(stage.seconds);
        let viewport = self.raw.viewports.entry(ViewportId::ROOT).or_default();
        viewport.native_pixels_per_point = Some(stage.scale);
        viewport.inner_rect = Some(rect);
        self.raw.take()
    }

    /// Something was done. Gives whether it was to [`paste`](Self::paste).
    pub(super) fn take_in(&mut self, event: Event) -> bool {
        match event {
            Event::Mouse(event) => self.mouse(event),
            Event::Keyboard(event) => return self.key(&event),
            Event::Window(WindowEvent::Focused) => self.focus(true),
            Event::Window(WindowEvent::Unfocused) => self.focus(false),
            _ => {}
        }
        false
    }

    /// What was copied, if anything, is to be written.
    pub(super) fn paste(&mut self, text: Option<String>) {
        self.raw.events.extend(text.map(egui::Event::Paste));
    }

    fn mouse(&mut self, event: MouseEvent) {
        match event {
            MouseEvent::CursorMoved { position, modifiers } => {
                self.hold(modifiers);
                self.move_to(position.x, position.y);
            }
            MouseEvent::ButtonPressed { button, modifiers } => {
                self.hold(modifiers);
                self.button(button, true);
            }
            MouseEvent::ButtonReleased { button, modifiers } => {
                self.hold(modifiers);
                self.button(button, false);
            }
            MouseEvent::WheelScrolled { delta, modifiers } => {
                self.hold(modifiers);
                let (unit, delta) = match delta {
                    ScrollDelta::Lines { x, y } => (MouseWheelUnit::Line, egui::vec2(x, y)),
                    ScrollDelta::Pixels { x, y } => (MouseWheelUnit::Point, egui::vec2(x, y)),
                };
                self.raw.events.push(egui::Event::MouseWheel {
                    unit,
                    delta,
                    modifiers: self.modifiers,
                    phase: egui::TouchPhase::Move,
                    source: egui::MouseWheelSource::Unknown,
                });
            }
            MouseEvent::CursorLeft => self.leave(),
            MouseEvent::DragEntered { position, data, .. }
            | MouseEvent::DragMoved { position, data, .. } => {
                self.move_to(position.x, position.y);
                let held = |path| HoveredFile { path: Some(path), ..HoveredFile::default() };
                self.raw.hovered_files = paths(data).into_iter().map(held).collect();
            }
            MouseEvent::DragLeft => {
                self.raw.hovered_files.clear();
                self.leave();
            }
            MouseEvent::DragDropped { position, data, .. } => {
                self.move_to(position.x, position.y);
                self.raw.hovered_files.clear();
                let files = paths(data).into_iter().map(|path| Arc::new(Dropped(path)) as _);
                self.raw.dropped_files.extend(files);
            }
            _ => {}
        }
    }

    /// Gives whether it was to paste.
    fn key(&mut self, event: &KeyboardEvent) -> bool {
        self.hold(event.modifiers);
        let pressed = event.state == KeyState::Down;
        let modifiers = self.modifiers;
        let physical_key = egui::Key::from_name(&event.code.to_string());
        let key = key(&event.key).or(physical_key);
        if let Some(key) = key {
            let repeat = event.repeat;
            let event = egui::Event::Key { key, physical_key, pressed, repeat, modifiers };
            self.raw.events.push(event);
        }
        match (key, &event.key) {
            _ if !pressed => {}
            (Some(egui::Key::X), _) if modifiers.command => self.raw.events.push(egui::Event::Cut),
            (Some(egui::Key::C), _) if modifiers.command => self.raw.events.push(egui::Event::Copy),
            (Some(egui::Key::V), _) if modifiers.command => return true,
            (_, Key::Character(text)) if !modifiers.command && !modifiers.ctrl => {
                let text: String = text.chars().filter(|c| !c.is_control()).collect();
                if !text.is_empty() {
                    self.raw.events.push(egui::Event::Text(text));
                }
            }
            _ => {}
        }
        false
    }

    fn focus(&mut self, focused: bool) {
        self.raw.focused = focused;
        self.raw.viewports.entry(ViewportId::ROOT).or_default().focused = Some(focused);
        self.raw.events.push(egui::Event::WindowFocused(focused));
    }

    fn button(&mut self, button: MouseButton, pressed: bool) {
        let button = match button {
            MouseButton::Left => PointerButton::Primary,
            MouseButton::Right => PointerButton::Secondary,
            MouseButton::Middle => PointerButton::Middle,
            _ => return,
        };
        // What was pressed here is let go of here, wherever the pointer is by then.
        if pressed && !self.is_in {
            return;
        }
        let (pos, modifiers) = (self.pointer, self.modifiers);
        self.raw.events.push(egui::Event::PointerButton { pos, button, pressed, modifiers });
    }

    fn leave(&mut self) {
        self.is_in = false;
        self.raw.events.push(egui::Event::PointerGone);
    }

    fn move_to(&mut self, x: f64, y: f64) {
        let pos = Pos2::new(x as f32, y as f32) / self.pixels_per_point;
        (self.pointer, self.is_in) = (pos, true);
        self.raw.events.push(egui::Event::PointerMoved(pos));
    }

    fn hold(&mut self, modifiers: keyboard_types::Modifiers) {
        let is_mac = cfg!(target_os = "macos");
        let now = Modifiers {
            alt: modifiers.alt(),
            ctrl: modifiers.ctrl(),
            shift: modifiers.shift(),
            mac_cmd: is_mac && modifiers.meta(),
            command: if is_mac { modifiers.meta() } else { modifiers.ctrl() },
        };
        if std::mem::replace(&mut self.modifiers, now) != now {
            self.raw.events.push(egui::Event::ModifiersChanged(now));
        }
    }
}

/// The key of a name that both sides know it by.
fn key(key: &Key) -> Option<egui::Key> {
    match key {
        Key::Character(text) => egui::Key::from_name(text),
        Key::Named(named) => egui::Key::from_name(&named.to_string()),
    }
}

fn paths(data: DropData) -> Vec<PathBuf> {
    match data {
        DropData::Files(paths) => paths,
        _ => Vec::new(),
    }
}

/// A file that was dropped.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baseview::dpi::PhysicalPosition;
    use keyboard_types::{Code, Location, NamedKey};

    fn input() -> Input {
        let mut input = Input::new(2048);
        input.take(Stage { pixels: [800, 600], scale: 2.0, zoom: 1.0, seconds: 0.0 });
        input
    }

    fn events(input: &mut Input) -> Vec<egui::Event> {
        input.take(Stage { pixels: [800, 600], scale: 2.0, zoom: 1.0, seconds: 0.1 }).events
    }

    fn mouse(input: &mut Input, event: MouseEvent) {
        input.take_in(Event::Mouse(event));
    }

    fn strike(
        input: &mut Input,
        key: Key,
        code: Code,
        modifiers: keyboard_types::Modifiers,
    ) -> bool {
        let event = KeyboardEvent {
            state: KeyState::Down,
            key,
            code,
            location: Location::Standard,
            modifiers,
            repeat: false,
            is_composing: false,
        };
        input.take_in(Event::Keyboard(event))
    }

    fn pressed(events: &[egui::Event]) -> Vec<egui::Key> {
        let key = |event: &egui::Event| match event {
            egui::Event::Key { key, pressed: true, .. } => Some(*key),
            _ => None,
        };
        events.iter().filter_map(key).collect()
    }

    fn text(events: &[egui::Event]) -> String {
        let text = |event: &egui::Event| match event {
            egui::Event::Text(text) => Some(text.clone()),
            _ => None,
        };
        events.iter().filter_map(text).collect()
    }

    #[test]
    fn a_screen_of_twice_the_pixels_has_the_same_points() {
        let mut input = input();
        let raw = input.take(Stage { pixels: [800, 600], scale: 2.0, zoom: 0.5, seconds: 1.0 });
        assert_eq!(raw.screen_rect.unwrap().size(), egui::vec2(800.0, 600.0));
        let position = PhysicalPosition::new(40.0, 60.0);
        let modifiers = keyboard_types::Modifiers::empty();
        mouse(&mut input, MouseEvent::CursorMoved { position, modifiers });
        assert_eq!(events(&mut input), [egui::Event::PointerMoved(Pos2::new(40.0, 60.0))]);
    }

    #[test]
    fn a_button_counts_only_where_the_pointer_is() {
        let mut input = input();
        let modifiers = keyboard_types::Modifiers::empty();
        let press = MouseEvent::ButtonPressed { button: MouseButton::Left, modifiers };
        mouse(&mut input, press.clone());
        assert_eq!(events(&mut input), []);
        let position = PhysicalPosition::new(40.0, 60.0);
        mouse(&mut input, MouseEvent::CursorMoved { position, modifiers });
        mouse(&mut input, press);
        let expected = egui::Event::PointerButton {
            pos: Pos2::new(20.0, 30.0),
            button: PointerButton::Primary,
            pressed: true,
            modifiers: Modifiers::NONE,
        };
        assert_eq!(events(&mut input)[1], expected);
        mouse(&mut input, MouseEvent::CursorLeft);
        mouse(&mut input, MouseEvent::ButtonReleased { button: MouseButton::Left, modifiers });
        let released =
            |e: &egui::Event| matches!(e, egui::Event::PointerButton { pressed: false, .. });
        assert!(events(&mut input).iter().any(released), "it is let go of outside");
    }

    #[test]
    fn keys_are_told_by_what_is_written_on_them_and_write_it() {
        let mut input = input();
        let none = keyboard_types::Modifiers::empty();
        let shift = keyboard_types::Modifiers::SHIFT;
        strike(&mut input, Key::Character("a".into()), Code::KeyQ, none);
        strike(&mut input, Key::Character("T".into()), Code::KeyT, shift);
        strike(&mut input, Key::Character(" ".into()), Code::Space, none);
        strike(&mut input, Key::Character("é".into()), Code::Digit2, none);
        for named in [NamedKey::ArrowLeft, NamedKey::Escape, NamedKey::Tab, NamedKey::F1] {
            strike(&mut input, Key::Named(named), Code::Unidentified, none);
        }
        let events = events(&mut input);
        let letters = [egui::Key::A, egui::Key::T, egui::Key::Space, egui::Key::Num2];
        let named = [egui::Key::ArrowLeft, egui::Key::Escape, egui::Key::Tab, egui::Key::F1];
        assert_eq!(pressed(&events), [letters, named].concat());
        assert_eq!(text(&events), "aT é");
    }

    #[test]
    fn a_shortcut_writes_nothing() {
        let mut input = input();
        let command = if cfg!(target_os = "macos") {
            keyboard_types::Modifiers::META
        } else {
            keyboard_types::Modifiers::CONTROL
        };
        // Told by what is written on the key, as on a Dvorak keyboard.
        strike(&mut input, Key::Character("c".into()), Code::KeyI, command);
        assert!(strike(&mut input, Key::Character("v".into()), Code::Period, command), "to paste");
        strike(&mut input, Key::Character("x".into()), Code::KeyX, command);
        strike(&mut input, Key::Character("=".into()), Code::Equal, command);
        let events = events(&mut input);
        assert!(events.contains(&egui::Event::Copy) && events.contains(&egui::Event::Cut));
        let keys = [egui::Key::C, egui::Key::V, egui::Key::X, egui::Key::Equals];
        assert_eq!(pressed(&events), keys);
        assert_eq!(text(&events), "");
    }

    #[test]
    fn files_hover_until_they_leave_or_are_dropped() {
        let mut input = input();
        let stage = Stage { pixels: [800, 600], scale: 2.0, zoom: 1.0, seconds: 0.1 };
        let position = PhysicalPosition::new(40.0, 60.0);
        let modifiers = keyboard_types::Modifiers::empty();
        let data = DropData::Files(vec![PathBuf::from("/music/waltzes")]);
        let enter = MouseEvent::DragEntered { position, modifiers, data: data.clone() };
        mouse(&mut input, enter.clone());
        for _ in 0..2 {
            let held = input.take(stage).hovered_files;
            assert_eq!(held[0].path.as_deref(), Some(Path::new("/music/waltzes")));
        }
        mouse(&mut input, MouseEvent::DragLeft);
        assert_eq!(input.take(stage).hovered_files, []);
        mouse(&mut input, enter);
        mouse(&mut input, MouseEvent::DragDropped { position, modifiers, data });
        let raw = input.take(stage);
        assert_eq!(raw.hovered_files, []);
        assert_eq!(raw.dropped_files[0].path(), Path::new("/music/waltzes"));
        assert!(input.take(stage).dropped_files.is_empty(), "once");
    }
}
