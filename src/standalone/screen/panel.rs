//! The panel of settings and presets: which line is chosen, what is typed, what the keys change.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::link::settings::Settings;
use crate::preset::bank::Bank;
use crate::preset::dial::{self, Dial};
use crate::preset::parameter::{self, Listed};
use crate::standalone::performance::PLAYER;

use super::ui::Asked;

/// Lines that a page turns over.
const PAGE: usize = 8;
/// Steps of an arrow key with shift.
const LEAP: i32 = 10;
/// The most characters that are typed: longer than any value.
const MOST_TYPED: usize = 24;

/// What is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Page {
    Settings,
    Presets,
}

/// The panel.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) page: Page,
    /// The line that is chosen on each page.
    chosen: [usize; 2],
    /// A value under the hand.
    pub(super) typed: Option<String>,
    /// Why the last change was not made.
    pub(super) problem: Option<String>,
    pub(super) bank: Bank,
}

/// What became of a key.
#[derive(Debug)]
pub(super) enum Pressed {
    /// It was for the panel, and asks for this.
    Taken(Option<Asked>),
    /// The panel is to close.
    Closed,
    /// It was not for the panel.
    Left,
}

impl Panel {
    pub(super) const fn new(bank: Bank) -> Self {
        Self { page: Page::Settings, chosen: [0; 2], typed: None, problem: None, bank }
    }

    /// The line that is chosen.
    pub(super) const fn chosen(&self) -> usize {
        self.chosen[self.page as usize]
    }

    /// Takes a key in.
    pub(super) fn press(&mut self, key: KeyEvent, settings: &Settings) -> Pressed {
        let rows = match self.page {
            Page::Settings => parameter::PARAMETERS.len(),
            Page::Presets => self.bank.entries.len(),
        };
        let last = rows.saturating_sub(1);
        let at = self.chosen();
        let to = match key.code {
            KeyCode::Up => Some(at.saturating_sub(1)),
            KeyCode::Down => Some(at + 1),
            KeyCode::PageUp => Some(at.saturating_sub(PAGE)),
            KeyCode::PageDown => Some(at + PAGE),
            KeyCode::Home => Some(0),
            KeyCode::End => Some(last),
            _ => None,
        };
        if let Some(to) = to {
            self.let_go();
            self.chosen[self.page as usize] = to.min(last);
            return Pressed::Taken(None);
        }
        match key.code {
            KeyCode::Tab | KeyCode::BackTab => {
                self.let_go();
                self.page =
                    if self.page == Page::Settings { Page::Presets } else { Page::Settings };
                Pressed::Taken(None)
            }
            KeyCode::Esc if self.typed.is_some() => {
                self.let_go();
                Pressed::Taken(None)
            }
            KeyCode::Esc => Pressed::Closed,
            _ if self.page == Page::Presets => self.preset(key),
            _ => self.setting(key, settings),
        }
    }

    fn let_go(&mut self) {
        (self.typed, self.problem) = (None, None);
    }

    fn preset(&self, key: KeyEvent) -> Pressed {
        match (key.code, self.bank.entries.get(self.chosen())) {
            (KeyCode::Enter, Some(entry)) => {
                Pressed::Taken(Some(Asked::Take(Box::new(entry.preset.clone()))))
            }
            (KeyCode::Enter | KeyCode::Left | KeyCode::Right, _) => Pressed::Taken(None),
            _ => Pressed::Left,
        }
    }

    fn setting(&mut self, key: KeyEvent, settings: &Settings) -> Pressed {
        let Some(listed) = parameter::list(settings).into_iter().nth(self.chosen()) else {
            return Pressed::Left;
        };
        let steps = if key.modifiers.contains(KeyModifiers::SHIFT) { LEAP } else { 1 };
        match (&mut self.typed, key.code) {
            (Some(typed), KeyCode::Enter) => {
                let value = typed.trim().to_owned();
                self.change(settings, &listed, &value)
            }
            (Some(typed), KeyCode::Backspace) => {
                typed.pop();
                Pressed::Taken(None)
            }
            (Some(typed), KeyCode::Char(c)) => {
                if typed.len() < MOST_TYPED && !c.is_control() {
                    typed.push(c);
                }
                Pressed::Taken(None)
            }
            (Some(_), _) => Pressed::Taken(None),
            (None, KeyCode::Enter) => {
                self.typed = Some(listed.value);
                Pressed::Taken(None)
            }
            (None, KeyCode::Char(c)) if c.is_ascii_digit() || matches!(c, '-' | '.') => {
                self.typed = Some(c.to_string());
                Pressed::Taken(None)
            }
            (None, KeyCode::Left) => self.turn(settings, &listed, -steps),
            (None, KeyCode::Right) => self.turn(settings, &listed, steps),
            (None, KeyCode::Backspace | KeyCode::Delete) => {
                let value = listed.default.clone();
                self.change(settings, &listed, &value)
            }
            (None, _) => Pressed::Left,
        }
    }

    fn turn(&mut self, settings: &Settings, listed: &Listed, steps: i32) -> Pressed {
        let value = Dial::of(listed).turned(&listed.value, steps);
        self.change(settings, listed, &value)
    }

    fn change(&mut self, settings: &Settings, listed: &Listed, value: &str) -> Pressed {
        let changed = dial::changed(settings, listed.name, value).map_err(|e| e.to_string());
        let changed = changed.and_then(|changed| {
            let mine = changed.output == PLAYER;
            if mine { Err("channel 1 is yours here: take another".to_owned()) } else { Ok(changed) }
        });
        match changed {
            Ok(changed) => {
                self.let_go();
                Pressed::Taken((changed != *settings).then(|| Asked::Play(Box::new(changed))))
            }
            Err(problem) => {
                self.problem = Some(problem);
                Pressed::Taken(None)
            }
        }
    }
}
