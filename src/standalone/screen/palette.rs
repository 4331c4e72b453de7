//! The colours of a screen. Amber is the player and blue the machine, which all kinds of eyes tell apart; nothing is told by
//! colour alone.

use ratatui::style::{Color, Modifier, Style};

use super::Look;
use super::roll::Grid;
use crate::standalone::Part;

/// The colours. All of the terminal's 256, since every terminal has them, and each with its ground, since nobody knows
/// the terminal's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    /// Plain writing.
    pub(super) text: Style,
    /// What matters most.
    pub(super) strong: Style,
    /// What explains.
    pub(super) faint: Style,
    /// What is chosen.
    pub(super) lit: Style,
    /// What must not be missed.
    pub(super) alarm: Style,
    /// The ground of all, and the one of panels and of the lines above and below.
    pub(super) ground: Style,
    pub(super) panel: Style,
    /// The parts' names.
    pub(super) player: Style,
    pub(super) machine: Style,
    pub(super) roll: RollColours,
}

/// The colours of the piano roll.
#[derive(Clone, Copy, Debug)]
pub(super) struct RollColours {
    /// What is past, and what is to come.
    pub(super) past: Ground,
    pub(super) future: Ground,
    pub(super) now_line: Color,
    /// The piano's own keys.
    pub(super) keys: [Color; 2],
    player: Shades,
    machine: Shades,
}

/// The ground of rows of white and of black keys: anywhere, where a beat begins, where a bar begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    pub(super) plain: [Color; 2],
    pub(super) beat: [Color; 2],
    pub(super) bar: [Color; 2],
}

/// A part's notes: by loudness, where they begin, and while they are only planned.
#[derive(Clone, Copy, Debug)]
struct Shades {
    soft: Color,
    medium: Color,
    loud: Color,
    stroke: Color,
    planned: Color,
}

const fn ink(colour: u8) -> Color {
    Color::Indexed(colour)
}

const fn ground([plain, beat, bar]: [[u8; 2]; 3]) -> Ground {
    const fn pair([white, black]: [u8; 2]) -> [Color; 2] {
        [ink(white), ink(black)]
    }
    Ground { plain: pair(plain), beat: pair(beat), bar: pair(bar) }
}

const fn shades([soft, medium, loud, stroke, planned]: [u8; 5]) -> Shades {
    let (soft, medium, loud) = (ink(soft), ink(medium), ink(loud));
    Shades { soft, medium, loud, stroke: ink(stroke), planned: ink(planned) }
}

const fn front(colour: u8) -> Style {
    Style::new().fg(ink(colour))
}

const fn on(front: u8, back: u8) -> Style {
    Style::new().fg(ink(front)).bg(ink(back))
}

impl Palette {
    /// The palette of a look.
    pub(super) const fn of(look: Look) -> Self {
        match look {
            Look::Dark => Self::dark(),
            Look::Light => Self::light(),
            Look::Plain | Look::Lines => Self::plain(),
        }
    }

    const fn dark() -> Self {
        Self {
            text: front(252),
            strong: front(231).add_modifier(Modifier::BOLD),
            faint: front(245),
            lit: on(233, 75).add_modifier(Modifier::BOLD),
            alarm: front(210).add_modifier(Modifier::BOLD),
            ground: on(252, 233),
            panel: on(252, 236),
            player: front(215),
            machine: front(75),
            roll: RollColours {
                past: ground([[235, 234], [236, 235], [238, 237]]),
                future: ground([[234, 233], [235, 234], [236, 236]]),
                now_line: ink(252),
                keys: [ink(250), ink(237)],
                player: shades([172, 214, 220, 223, 94]),
                machine: shades([68, 75, 81, 153, 24]),
            },
        }
    }

    const fn light() -> Self {
        Self {
            text: front(236),
            strong: front(232).add_modifier(Modifier::BOLD),
            faint: front(242),
            lit: on(231, 25).add_modifier(Modifier::BOLD),
            alarm: front(124).add_modifier(Modifier::BOLD),
            ground: on(236, 255),
            panel: on(236, 253),
            player: front(130),
            machine: front(25),
            roll: RollColours {
                past: ground([[231, 255], [255, 254], [251, 250]]),
                future: ground([[255, 254], [254, 253], [251, 250]]),
                now_line: ink(238),
                keys: [ink(252), ink(240)],
                player: shades([215, 208, 166, 130, 223]),
                machine: shades([74, 32, 25, 18, 153]),
            },
        }
    }

    /// Whatever the terminal has; what matters is bold, what explains is dim, what is chosen is turned round.
    const fn plain() -> Self {
        let text = Style::new();
        let strong = text.add_modifier(Modifier::BOLD);
        let lit = strong.add_modifier(Modifier::REVERSED);
        let bare = Color::Reset;
        let none = [bare; 2];
        let ground = Ground { plain: none, beat: none, bar: none };
        let shades = Shades { soft: bare, medium: bare, loud: bare, stroke: bare, planned: bare };
        Self {
            text,
            strong,
            faint: text.add_modifier(Modifier::DIM),
            lit,
            alarm: lit,
            ground: text,
            panel: text,
            player: strong,
            machine: text,
            roll: RollColours {
                past: ground,
                future: ground,
                now_line: bare,
                keys: none,
                player: shades,
                machine: shades,
            },
        }
    }
}

impl Ground {
    /// The grounds where such a line of the grid is.
    pub(super) const fn at(&self, grid: Option<Grid>) -> [Color; 2] {
        match grid {
            None => self.plain,
            Some(Grid::Beat) => self.beat,
            Some(Grid::Bar(_)) => self.bar,
        }
    }
}

impl RollColours {
    /// The colour of a note.
    pub(super) const fn note(
        &self,
        part: Part,
        planned: bool,
        stroke: bool,
        velocity: u8,
    ) -> Color {
        let shades = match part {
            Part::Player => &self.player,
            Part::Machine => &self.machine,
        };
        match (planned, stroke, velocity) {
            (true, ..) => shades.planned,
            (_, true, _) => shades.stroke,
            (_, _, 0..=55) => shades.soft,
            (_, _, 56..=95) => shades.medium,
            _ => shades.loud,
        }
    }
}
