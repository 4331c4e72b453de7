//! The piano roll in a terminal: scrolling while people play, or one line a bar where there is no terminal.

mod bar_line;
mod frame;

use std::io::{self, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::{cursor, queue, terminal};

use crate::music::time::{Meter, TICKS_PER_BEAT, Tempo};
use crate::standalone::roll::RollNote;

pub use bar_line::bar_line;
pub use frame::{Frame, frame};

/// All that a screen shows at one moment.
#[derive(Clone, Copy, Debug)]
pub struct RollState<'a> {
    /// What was played and what is planned, in any order. Notes out of sight cost little.
    pub notes: &'a [RollNote],
    /// Where the music is, in quarter notes; 0 is the line before bar 1.
    pub now_beats: f64,
    /// How fast it goes.
    pub tempo: Tempo,
    /// Where the bar lines are.
    pub meter: Meter,
    /// The playing mode, for the status line.
    pub mode: &'a str,
    /// The model's name, for the status line.
    pub model: &'a str,
    /// Notes that the machine has played.
    pub played: u64,
    /// Machine notes that came too late to be played in time.
    pub late: u64,
    /// The last line: what the keys do. Empty for none.
    pub hint: &'a str,
}

/// How a screen draws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// A full screen in colour, two pitches a line.
    Colour,
    /// A full screen without colour, one pitch a line.
    Plain,
    /// No screen: a line of text for every bar, without escape codes.
    Lines,
}

/// Shows states on a terminal or as lines. Any thread but the audio thread.
///
/// A full screen is the terminal's alternate one, with the keys read one by one; dropping it puts the
/// terminal back as it was.
pub struct Screen<W: Write> {
    out: W,
    look: Look,
    /// What each line of the terminal shows, so that only what changed is sent.
    shown: Vec<String>,
    /// Columns and rows of the terminal at the last painting.
    size: (u16, u16),
    painted: Option<Instant>,
    /// The next bar to print as a line, counted from 0.
    next_bar: i64,
}

/// Time between two paintings: 25 a second.
const FRAME: Duration = Duration::from_millis(40);
/// A jump over more bars than this is a seek; what lies between is not printed.
const SEEK_BARS: i64 = 8;

impl Look {
    /// What suits the standard output: lines where it is no terminal, no colour where `NO_COLOR` is set.
    pub fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self::choose(io::stdout().is_terminal() && !dumb, set("NO_COLOR"))
    }

    /// The look for a terminal or none, with or without a wish for no colour.
    pub const fn choose(terminal: bool, no_colour: bool) -> Self {
        match (terminal, no_colour) {
            (false, _) => Self::Lines,
            (true, true) => Self::Plain,
            (true, false) => Self::Colour,
        }
    }
}

impl Screen<Stdout> {
    /// A screen on the standard output, in the look that suits it.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn stdout() -> io::Result<Self> {
        Self::open(io::stdout(), Look::of_stdout())
    }
}

impl<W: Write> Screen<W> {
    /// Takes over the terminal, unless the look is lines.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn open(out: W, look: Look) -> io::Result<Self> {
        let shown = Vec::new();
        let mut screen = Self { out, look, shown, size: (0, 0), painted: None, next_bar: 0 };
        if look != Look::Lines {
            queue!(screen.out, terminal::EnterAlternateScreen, cursor::Hide)?;
            screen.out.flush()?;
            // Without a keyboard there are no keys to read one by one, and the picture is no worse.
            let _ = terminal::enable_raw_mode();
        }
        Ok(screen)
    }

    /// Shows a state. Call it as often as you like: a full screen is painted 25 times a second at most, and
    /// a line is printed when its bar is over.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn paint(&mut self, state: &RollState<'_>) -> io::Result<()> {
        match self.look {
            Look::Lines => self.print_bars(state),
            _ if self.painted.is_some_and(|at| at.elapsed() < FRAME) => Ok(()),
            _ => {
                self.painted = Some(Instant::now());
                let size = terminal::size().unwrap_or((80, 24));
                self.paint_at(state, size)
            }
        }
    }

    /// The key that was pressed since the last call, if any; Ctrl-C and Escape are `q`. Lines have no keys.
    pub fn key(&mut self) -> Option<char> {
        if self.look == Look::Lines {
            return None;
        }
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(Event::Key(key)) = event::read() else { continue };
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                _ if key.kind == KeyEventKind::Release => {}
                KeyCode::Esc => return Some('q'),
                KeyCode::Char('c') if control => return Some('q'),
                KeyCode::Char(c) if !control => return Some(c),
                _ => {}
            }
        }
        None
    }

    /// Ends the show: the terminal comes back, or the bar that is under way is printed if anything
    /// was played in it.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn close(mut self, state: &RollState<'_>) -> io::Result<()> {
        if self.look == Look::Lines {
            self.print_bars(state)?;
            if bar_line::has_notes(state, self.next_bar) {
                writeln!(self.out, "{}", bar_line(state, self.next_bar))?;
            }
            self.out.flush()?;
        }
        Ok(())
    }

    /// Sends the lines that differ from what the terminal shows.
    fn paint_at(&mut self, state: &RollState<'_>, size: (u16, u16)) -> io::Result<()> {
        let frame = frame(state, size.0, size.1, self.look);
        queue!(self.out, terminal::BeginSynchronizedUpdate)?;
        if self.size != size {
            self.size = size;
            self.shown.clear();
            queue!(self.out, terminal::Clear(terminal::ClearType::All))?;
        }
        self.shown.resize(frame.rows(), String::new());
        for (row, shown) in self.shown.iter_mut().enumerate() {
            let line = frame.line(row, self.look == Look::Colour);
            if *shown != line {
                queue!(self.out, cursor::MoveTo(0, row as u16))?;
                self.out.write_all(line.as_bytes())?;
                *shown = line;
            }
        }
        queue!(self.out, terminal::EndSynchronizedUpdate)?;
        self.out.flush()
    }

    /// Prints the bars that ended since the last call.
    fn print_bars(&mut self, state: &RollState<'_>) -> io::Result<()> {
        let now = state.bar();
        if now < self.next_bar - 1 || now > self.next_bar + SEEK_BARS {
            self.next_bar = now;
        }
        while self.next_bar < now {
            writeln!(self.out, "{}", bar_line(state, self.next_bar))?;
            self.out.flush()?;
            self.next_bar += 1;
        }
        Ok(())
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        if self.look != Look::Lines {
            // Nothing is left to be done about a terminal that refuses.
            let _ = terminal::disable_raw_mode();
            let _ = queue!(self.out, cursor::Show, terminal::LeaveAlternateScreen);
            let _ = self.out.flush();
        }
    }
}

impl RollState<'_> {
    /// Quarter notes in a bar.
    fn bar_beats(&self) -> f64 {
        self.meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64
    }

    /// The bar that is under way, counted from 0.
    fn bar(&self) -> i64 {
        (self.now_beats / self.bar_beats()).floor() as i64
    }
}

#[cfg(test)]
mod tests;
