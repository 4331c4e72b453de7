//! Learnt controls: which pedal, wheel, knob or pad of the player's does what.

use std::fmt;
use std::str::FromStr;

use crate::link::settings::Settings;
use crate::music::event::{Channel, Midi};
use crate::preset::controller::{step, turn};
use crate::preset::parameter::{PARAMETERS, Parameter};
use crate::standalone::action::Action;
use crate::standalone::sieve::{Gestures, Kind};
use crate::standalone::stage::{Desk, Wish};

/// While it is held the machine is silent and listens.
const TAKE_OVER: &str = "take-over";
/// From here on a controller is down.
const DOWN: u8 = 64;

/// A control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Control {
    kind: Kind,
    number: u8,
    channel: Option<Channel>,
}

/// What a control does.
#[derive(Clone, Copy)]
pub enum Target {
    /// What a gesture asks for.
    Do(Action),
    /// A setting.
    Set(&'static Parameter),
    /// The machine is silent while it is held.
    TakeOver,
}

/// A learnt control, written `cc64=take-over`, `key36=mode` or `cc1@2=temperature` (on channel 2 only).
#[derive(Clone, Copy)]
pub struct Learnt {
    /// What is moved.
    pub control: Control,
    /// What it does.
    pub target: Target,
    /// Whether it was down when it last moved.
    down: bool,
}

/// Controls and what they do.
pub struct Controls {
    gestures: Gestures,
    learnt: Vec<Learnt>,
    wanted: bool,
}

/// Why a control can't be learnt.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LearnError {
    /// Not of the form.
    #[error("'{0}' is not of the form cc64=take-over, key36=mode or cc1@2=temperature")]
    Form(String),
    /// There is nothing of this name.
    #[error("'{0}' can't be learnt: take a setting of `sideman params`, or {names}", names = Target::names())]
    Unknown(String),
    /// A key has no steps.
    #[error("'{0}' takes numbers: a key can't set it, a controller can")]
    Number(&'static str),
}

/// What came of a gesture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Came {
    /// Something that the desk's owner is to do.
    Do(Action),
    /// The control that was wanted.
    Control(Control),
}

impl Controls {
    /// These controls; only these channels are music, all where none is named.
    pub fn new(gestures: Gestures, learnt: Vec<Learnt>, channels: &[Channel]) -> Self {
        gestures.listen_to(channels);
        let mut controls = Self { gestures, learnt: Vec::new(), wanted: false };
        for one in learnt {
            controls.learn(one);
        }
        controls
    }

    /// Learns one; what its control did before is forgotten.
    pub fn learn(&mut self, one: Learnt) {
        let Control { kind, number, channel } = one.control;
        self.gestures.learn(kind, number, channel);
        // One for all channels takes the place of those for a single one, or they would be found first.
        self.learnt.retain(|held| {
            let other = held.control;
            (other.kind, other.number) != (kind, number)
                || channel.is_some() && other.channel != channel
        });
        self.learnt.push(one);
    }

    /// Asks for the next control that is moved, or no longer.
    pub fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.gestures.want(wanted);
    }

    /// Does what controls ask for; gives what is not the stage's to do.
    pub fn follow(&mut self, desk: &mut Desk) -> Vec<Came> {
        let mut came = Vec::new();
        while let Some(midi) = self.gestures.next_gesture() {
            let Some((control, value)) = moved(midi) else { continue };
            if std::mem::take(&mut self.wanted) {
                // One that was learnt before has not taken the wish along.
                self.gestures.want(false);
                came.push(Came::Control(Control { channel: None, ..control }));
                continue;
            }
            let on = control.channel;
            let is = |held: &&mut Learnt| {
                let Control { kind, number, channel } = held.control;
                (kind, number) == (control.kind, control.number)
                    && (channel.is_none() || channel == on)
            };
            if let Some(one) = self.learnt.iter_mut().find(is) {
                came.extend(one.follow(value, desk).map(Came::Do));
            }
        }
        came
    }
}

impl Learnt {
    /// A control for an action.
    pub const fn new(control: Control, action: Action) -> Self {
        Self { control, target: Target::Do(action), down: false }
    }

    /// The control has moved; gives what is not the stage's to do.
    fn follow(&mut self, value: u8, desk: &mut Desk) -> Option<Action> {
        let down = value >= DOWN || self.is_key() && value > 0;
        let was_down = std::mem::replace(&mut self.down, down);
        let pressed = self.down && !was_down;
        let settings = *desk.settings();
        match self.target {
            Target::Do(action) => return (pressed && !action.ask(desk)).then_some(action),
            Target::TakeOver if self.down != was_down => {
                desk.ask(Wish::Play(Settings { active: !self.down, ..settings }));
            }
            Target::TakeOver => {}
            Target::Set(parameter) => {
                let mut turned = settings;
                if !self.is_key() {
                    turn(&mut turned, parameter, value);
                } else if pressed {
                    step(&mut turned, parameter);
                }
                if turned != settings {
                    desk.ask(Wish::Play(turned));
                }
            }
        }
        None
    }

    fn is_key(&self) -> bool {
        self.control.kind == Kind::Key
    }
}

/// The control of a message, on its channel, and how far it is down.
fn moved(midi: Midi) -> Option<(Control, u8)> {
    let (kind, number, value) = match midi {
        Midi::Control { controller, value, .. } => (Kind::Controller, controller, value),
        Midi::NoteOn { key, velocity, .. } => (Kind::Key, key, velocity),
        Midi::NoteOff { key, .. } => (Kind::Key, key, 0),
        _ => return None,
    };
    Some((Control { kind, number, channel: Some(midi.channel()) }, value))
}

impl Target {
    /// What is no setting.
    fn names() -> String {
        let actions = Action::ALL.into_iter().map(action_name);
        actions.chain([TAKE_OVER.to_owned()]).collect::<Vec<_>>().join(", ")
    }
}

/// An action as it is typed. `mode` and `freeze` are settings too, and mean these: a key steps on through them.
fn action_name(action: Action) -> String {
    action.name().replace(['/', ' '], "-")
}

impl FromStr for Learnt {
    type Err = LearnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || LearnError::Form(text.to_owned());
        let (control, name) = text.split_once('=').ok_or_else(form)?;
        let control: Control = control.trim().parse().map_err(|()| form())?;
        let name = name.trim();
        let setting = || PARAMETERS.iter().find(|p| p.name == name).map(Target::Set);
        let action = || Action::ALL.into_iter().find(|a| action_name(*a) == name).map(Target::Do);
        let take_over = (name == TAKE_OVER).then_some(Target::TakeOver);
        let target = take_over
            .or_else(setting)
            .or_else(action)
            .ok_or_else(|| LearnError::Unknown(name.to_owned()))?;
        if let (Target::Set(parameter), Kind::Key) = (target, control.kind)
            && !step(&mut Settings::default(), parameter)
        {
            return Err(LearnError::Number(parameter.name));
        }
        Ok(Self { control, target, down: false })
    }
}

impl FromStr for Control {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (control, channel) = match text.split_once('@') {
            Some((control, channel)) => {
                let channel: u8 = channel.parse().ok().filter(|n| (1..=16).contains(n)).ok_or(())?;
                (control, Some(Channel::new(channel - 1)))
            }
            None => (text, None),
        };
        let kinds = [("cc", Kind::Controller, 120), ("key", Kind::Key, 128)];
        let read = |(prefix, kind, most): (&str, Kind, u8)| {
            let number = control.strip_prefix(prefix)?.parse().ok().filter(|n| *n < most)?;
            Some(Self { kind, number, channel })
        };
        kinds.into_iter().find_map(read).ok_or(())
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Controller => "cc",
            Kind::Key => "key",
        };
        write!(f, "{kind}{}", self.number)?;
        self.channel.map_or(Ok(()), |channel| write!(f, "@{}", channel.index() + 1))
    }
}

impl fmt::Display for Learnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target {
            Target::Do(action) => action_name(action),
            Target::Set(parameter) => parameter.name.to_owned(),
            Target::TakeOver => TAKE_OVER.to_owned(),
        };
        write!(f, "{}={target}", self.control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_read_back_and_mistakes_are_told() {
        for text in ["cc64=take-over", "key36=mode", "cc1@2=temperature", "cc80=capture-all"] {
            assert_eq!(text.parse::<Learnt>().map(|l| l.to_string()), Ok(text.to_owned()));
        }
        for (wrong, hint) in [
            ("cc64", "of the form"),
            ("cc128=mode", "of the form"),
            ("cc1@17=mode", "of the form"),
            ("key=mode", "of the form"),
            ("cc1=volume", "capture, capture-all, take-over"),
            ("key36=temperature", "takes numbers"),
        ] {
            let error = wrong.parse::<Learnt>().map(|l| l.to_string()).unwrap_err().to_string();
            assert!(error.contains(hint) && error.lines().count() == 1, "{wrong}: {error}");
        }
    }
}
