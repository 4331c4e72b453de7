//! The terminal: a scrolling piano roll with all settings at hand, or one line a bar where there is no terminal.

mod bar_lines;
mod camera;
mod help;
mod palette;
mod panel;
mod panel_view;
mod pen;
mod picture;
mod roll;
mod scene;
mod status;
mod taken;
mod ui;

use std::io::{self, IsTerminal as _, Stdout};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};

use crate::link::settings::Settings;

use bar_lines::BarLines;
pub use scene::{Scene, TempoFrom};
use taken::Taken;
pub use ui::Asked;
use ui::Ui;

/// Time between two paintings: 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// How a screen draws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// A full screen in colour on a dark ground, two keys a line.
    Dark,
    /// The same on a light ground.
    Light,
    /// A full screen without colour, one key a line.
    Plain,
    /// No screen: a line of text for every bar, without escape codes.
    Lines,
}

impl Look {
    /// What suits the standard output: lines where it is no terminal, no colour where `NO_COLOR` is set, and a light
    /// ground where the terminal says in `COLORFGBG` that it has one.
    pub fn of_stdout() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let terminal = io::stdout().is_terminal() && !dumb;
        Self::choose(terminal, set("NO_COLOR").is_some(), set("COLORFGBG").as_deref())
    }

    /// The look for a terminal or none, with or without a wish for no colour, on a ground of the terminal's 16 colours.
    fn choose(terminal: bool, no_colour: bool, ground: Option<&str>) -> Self {
        let ground = ground.and_then(|colours| colours.rsplit(';').next()?.parse().ok());
        match (terminal, no_colour, ground) {
            (false, ..) => Self::Lines,
            (true, true, _) => Self::Plain,
            (true, false, Some(7 | 9..=15)) => Self::Light,
            (true, false, _) => Self::Dark,
        }
    }
}

/// Shows scenes and hears keys. Any thread but the audio thread.
///
/// A full screen is the terminal's alternate one, with the keys read one by one; dropping it puts the
/// terminal back as it was, and so does a panic, before it is told.
pub struct Screen(Kind);

enum Kind {
    Lines(BarLines<Stdout>),
    Full(Box<Full>),
}

struct Full {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    _taken: Taken,
    look: Look,
    ui: Ui,
    opened: Instant,
    painted: Option<Instant>,
}

impl Screen {
    /// Takes over the terminal, unless the look is lines.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn open(look: Look) -> io::Result<Self> {
        if look == Look::Lines {
            return Ok(Self(Kind::Lines(BarLines::new(io::stdout()))));
        }
        let taken = Taken::take()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let (ui, opened, painted) = (Ui::default(), Instant::now(), None);
        Ok(Self(Kind::Full(Box::new(Full { terminal, _taken: taken, look, ui, opened, painted }))))
    }

    /// Whether it is time for another scene: always for lines, 30 times a second for a full screen.
    pub fn is_due(&self) -> bool {
        match &self.0 {
            Kind::Lines(_) => true,
            Kind::Full(full) => full.painted.is_none_or(|at| at.elapsed() >= FRAME),
        }
    }

    /// Shows a scene. Lines are printed when their bar is over.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn paint(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        match &mut self.0 {
            Kind::Lines(lines) => lines.paint(scene),
            Kind::Full(full) => full.paint(scene),
        }
    }

    /// What the next key that was pressed asks for; none where no key waits. Lines have no keys.
    pub fn listen(&mut self, settings: &Settings) -> Option<Asked> {
        let Kind::Full(full) = &mut self.0 else { return None };
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(event) = event::read() else { return None };
            // What a key changes is seen at once.
            full.painted = None;
            let Event::Key(key) = event else { continue };
            if let Some(asked) = full.ui.press(key, settings) {
                return Some(asked);
            }
        }
        None
    }

    /// Ends the show: the terminal comes back, or the bar that is under way is printed if anything
    /// was played in it.
    ///
    /// # Errors
    /// When the standard output cannot be written to.
    pub fn close(self, scene: &Scene<'_>) -> io::Result<()> {
        match self.0 {
            Kind::Lines(lines) => lines.close(scene),
            Kind::Full(_) => Ok(()),
        }
    }
}

impl Full {
    fn paint(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        self.painted = Some(Instant::now());
        if Taken::again()? {
            self.terminal.clear()?;
        }
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let (ui, look, at) = (&mut self.ui, self.look, self.opened.elapsed());
        self.terminal.draw(|frame| {
            let area = frame.area();
            ui.see(scene, area, look, at);
            picture::draw(frame.buffer_mut(), area, scene, look, ui);
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }
}

#[cfg(test)]
mod tests;
