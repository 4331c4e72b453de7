//! What the keys do, and what the screen remembers from one moment to the next.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;

use crate::link::settings::Settings;
use crate::preset::bank::Bank;
use crate::preset::file::Preset;
use crate::standalone::action::Action;

use super::Look;
use super::camera::Camera;
use super::panel::{Panel, Pressed};
use super::picture::Parts;
use super::roll::Sight;
use super::scene::Scene;
use super::status::decibels;

/// How long a notice is shown.
const NOTICE: Duration = Duration::from_secs(6);
/// How fast a level falls, in decibels a second.
const FALL: f32 = 24.0;

/// What a key asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// The end.
    Quit,
    /// One gesture's wish.
    Do(Action),
    /// Other settings.
    Play(Box<Settings>),
    /// A preset.
    Take(Box<Preset>),
    /// A control of the player's is to be learnt, or not after all.
    Learn,
}

/// What lies over or beside the roll.
#[derive(Debug)]
pub(super) enum Overlay {
    Panel(Panel),
    Help,
}

/// What the screen remembers.
#[derive(Debug, Default)]
pub(super) struct Ui {
    pub(super) overlay: Option<Overlay>,
    pub(super) camera: Camera,
    at: Duration,
    levels: Option<[f32; 2]>,
    notice: String,
    notice_until: Duration,
}

impl Ui {
    /// Takes a scene in. `at` is the time since the screen was opened.
    pub(super) fn see(&mut self, scene: &Scene<'_>, area: Rect, look: Look, at: Duration) {
        let fall = FALL * at.saturating_sub(self.at).as_secs_f32();
        self.at = at;
        self.levels = scene.peaks.map(|peaks| {
            let before = self.levels.unwrap_or([f32::NEG_INFINITY; 2]);
            [0, 1].map(|side| decibels(peaks[side]).max(before[side] - fall))
        });
        if self.notice != scene.notice {
            scene.notice.clone_into(&mut self.notice);
            self.notice_until = at + NOTICE;
        }
        let sight = Sight::of(scene, Parts::of(area, self.overlay.as_ref()).roll, look);
        let (from, to) = sight.beats();
        self.camera.follow(scene.notes, from, to, sight.keys);
    }

    /// Takes a key in.
    pub(super) fn press(&mut self, key: KeyEvent, settings: &Settings) -> Option<Asked> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            // Whatever is typed: these two are always there.
            return match key.code {
                KeyCode::Char('c') => Some(Asked::Quit),
                KeyCode::Char('p') => Some(Asked::Do(Action::Panic)),
                _ => None,
            };
        }
        if let Some(Overlay::Panel(panel)) = &mut self.overlay {
            match panel.press(key, settings) {
                Pressed::Taken(asked) => return asked,
                Pressed::Closed => {
                    self.overlay = None;
                    return None;
                }
                Pressed::Left => {}
            }
        }
        let helps = matches!(self.overlay, Some(Overlay::Help));
        match key.code {
            KeyCode::Char('?') => self.overlay = (!helps).then_some(Overlay::Help),
            KeyCode::Esc | KeyCode::Enter if helps => self.overlay = None,
            KeyCode::Tab => {
                self.overlay = Some(Overlay::Panel(Panel::new(Bank::open())));
            }
            KeyCode::Char('q') => return Some(Asked::Quit),
            KeyCode::Char('l') => return Some(Asked::Learn),
            KeyCode::Char(c) => return Action::of_key(c).map(Asked::Do),
            _ => {}
        }
        None
    }

    /// What happened of late.
    pub(super) fn notice(&self) -> Option<&str> {
        (self.at < self.notice_until && !self.notice.is_empty()).then_some(&self.notice)
    }

    /// Decibels of both sides, which rise at once and fall slowly.
    pub(super) const fn levels(&self) -> Option<[f32; 2]> {
        self.levels
    }
}
