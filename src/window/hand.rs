//! The hand on the settings: what dragging, turning, typing and switching ask for, each as a gesture that a host can record.

use crate::link::settings::Settings;
use crate::preset::dial::{self, Dial};
use crate::preset::parameter::{Listed, ParameterError};
use crate::window::asked::Asked;
use crate::window::setting;

/// Points of a drag from one end of a dial to the other.
const WAY: f64 = 160.0;
/// How much finer a drag with shift is.
const FINE: f64 = 0.1;

/// What the hand does.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Hand {
    held: Option<Held>,
    /// A value that is being typed.
    pub(super) typed: Option<Typed>,
    /// What a wheel turned that was no whole step.
    wheel: f32,
}

/// A dial that is being dragged.
#[derive(Clone, PartialEq, Debug)]
struct Held {
    name: &'static str,
    share: f64,
    sent: String,
}

/// A value that is being typed.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Typed {
    /// The setting.
    pub(super) name: &'static str,
    /// What stands there by now.
    pub(super) text: String,
    /// Whether it was begun just now: all is to be selected.
    pub(super) is_new: bool,
    /// Why the setting does not take it.
    pub(super) problem: Option<String>,
}

impl Hand {
    /// The value of a setting, as far as the hand knows: while it is dragged it need not have come back yet.
    pub(super) fn value<'a>(&'a self, listed: &'a Listed) -> &'a str {
        self.held
            .as_ref()
            .filter(|held| held.name == listed.name)
            .map_or(&listed.value, |h| &h.sent)
    }

    /// A dial is taken hold of.
    pub(super) fn grab(&mut self, listed: &Listed, asked: &mut Vec<Asked>) {
        self.let_go(asked);
        let share = place(&Dial::of(listed), &listed.value);
        self.held = Some(Held { name: listed.name, share, sent: listed.value.clone() });
        asked.push(Asked::Grab(listed.name));
    }

    /// The dial that is held is dragged by so many points.
    pub(super) fn drag(
        &mut self,
        listed: &Listed,
        points: f32,
        fine: bool,
        settings: &Settings,
        asked: &mut Vec<Asked>,
    ) {
        let Some(held) = self.held.as_mut().filter(|held| held.name == listed.name) else { return };
        let factor = if fine { FINE } else { 1.0 };
        held.share = (held.share + f64::from(points) / WAY * factor).clamp(0.0, 1.0);
        let value = at(&Dial::of(listed), held.share, listed, fine);
        if value != held.sent && dial::changed(settings, listed.name, &value).is_ok() {
            held.sent.clone_from(&value);
            asked.push(Asked::Set(listed.name, value));
        }
    }

    /// What is held is let go of.
    pub(super) fn let_go(&mut self, asked: &mut Vec<Asked>) {
        if let Some(held) = self.held.take() {
            asked.push(Asked::LetGo(held.name));
        }
    }

    /// A value is begun to be typed.
    pub(super) fn begin_typing(&mut self, listed: &Listed, text: String) {
        self.typed = Some(Typed { name: listed.name, text, is_new: true, problem: None });
    }

    /// What was typed is to count. What the setting does not take stays, with the reason.
    pub(super) fn end_typing(
        &mut self,
        listed: &Listed,
        settings: &Settings,
        asked: &mut Vec<Asked>,
    ) {
        let Some(typed) = &mut self.typed else { return };
        let value = setting::meant(listed, &typed.text);
        match dial::changed(settings, listed.name, &value) {
            Ok(_) => {
                self.typed = None;
                put(listed.name, value, asked);
            }
            Err(problem) => typed.problem = Some(refusal(listed, &problem)),
        }
    }

    /// Whole steps of what a wheel turned, in lines of text.
    pub(super) fn wheel(&mut self, lines: f32) -> i32 {
        self.wheel += lines;
        let steps = self.wheel.trunc();
        self.wheel -= steps;
        steps as i32
    }
}

/// Why a setting does not take a value, in the units that it is shown in.
fn refusal(listed: &Listed, problem: &ParameterError) -> String {
    let shown = |value: f64| setting::shown(listed, &hundredths(value), &[]);
    match (problem, Dial::of(listed)) {
        (ParameterError::Crossed, _) => "The lowest note would lie above the highest.".to_owned(),
        (_, Dial::Number { low, high, .. }) => {
            format!("It takes {} to {}.", shown(low), shown(high))
        }
        (_, Dial::Words { .. }) => format!("It takes {}.", listed.range.replace("..", " to ")),
    }
}

/// One click that changes a setting: taken hold of, set and let go of.
pub(super) fn put(name: &'static str, value: String, asked: &mut Vec<Asked>) {
    asked.extend([Asked::Grab(name), Asked::Set(name, value), Asked::LetGo(name)]);
}

/// A setting is turned by some steps.
pub(super) fn turn(
    listed: &Listed,
    steps: i32,
    fine: bool,
    settings: &Settings,
    asked: &mut Vec<Asked>,
) {
    let dial = Dial::of(listed);
    let value = match (&dial, listed.value.parse::<f64>()) {
        (Dial::Number { low, high, step }, Ok(value)) if fine && *step < 1.0 => {
            hundredths((value + f64::from(steps) * 0.01).clamp(*low, *high))
        }
        _ => dial.turned(&listed.value, steps),
    };
    if value != listed.value && dial::changed(settings, listed.name, &value).is_ok() {
        put(listed.name, value, asked);
    }
}

/// How far a value is from the first to the last, round dials too.
pub(super) fn place(dial: &Dial, value: &str) -> f64 {
    match dial {
        Dial::Words { words, .. } => {
            let at = words.iter().position(|word| word == value).unwrap_or(0);
            at as f64 / (words.len().max(2) - 1) as f64
        }
        Dial::Number { .. } => dial.share(value).unwrap_or(0.0),
    }
}

/// The value at a share of the way.
fn at(dial: &Dial, share: f64, listed: &Listed, fine: bool) -> String {
    match dial {
        Dial::Words { words, .. } => {
            let last = words.len().saturating_sub(1);
            words.get((share * last as f64).round() as usize).cloned().unwrap_or_default()
        }
        Dial::Number { low, high, step } => {
            let value = low + share * (high - low);
            match () {
                () if *step < 1.0 => hundredths(value),
                () if fine && listed.name == "tempo" => hundredths((value * 10.0).round() / 10.0),
                () => hundredths(value.round()),
            }
        }
    }
}

fn hundredths(value: f64) -> String {
    // Plus nothing: no -0.
    ((value * 100.0).round() / 100.0 + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::parameter::{PARAMETERS, list, set_one};

    fn listed(name: &str, settings: &Settings) -> Listed {
        list(settings).into_iter().find(|l| l.name == name).unwrap()
    }

    #[test]
    fn a_drag_is_one_gesture() {
        let (settings, mut hand, mut asked) = (Settings::default(), Hand::default(), Vec::new());
        let dial = listed("swing", &settings);
        hand.grab(&dial, &mut asked);
        hand.drag(&dial, 16.0, false, &settings, &mut asked);
        assert_eq!(hand.value(&dial), "0.1");
        hand.drag(&dial, 16.0, true, &settings, &mut asked);
        hand.drag(&dial, 0.0, false, &settings, &mut asked);
        hand.drag(&dial, 1000.0, false, &settings, &mut asked);
        hand.let_go(&mut asked);
        let set = |value: &str| Asked::Set("swing", value.to_owned());
        let whole =
            [Asked::Grab("swing"), set("0.1"), set("0.11"), set("1"), Asked::LetGo("swing")];
        assert_eq!(asked, whole);
        assert_eq!(hand.value(&dial), "0");
    }

    #[test]
    fn every_dial_can_be_dragged_from_end_to_end() {
        let mut settings = Settings::default();
        set_one(&mut settings, "register-low", "A0").unwrap();
        set_one(&mut settings, "register-high", "C8").unwrap();
        for parameter in PARAMETERS {
            let listed = listed(parameter.name, &settings);
            let dial = Dial::of(&listed);
            for share in [0.0, 0.3, 1.0] {
                for fine in [false, true] {
                    let value = at(&dial, share, &listed, fine);
                    let now = dial::changed(&settings, listed.name, &value);
                    // The ends of the register cross at the ends of their dials.
                    if !listed.name.starts_with("register") {
                        assert_eq!(parameter.value(&now.unwrap()), value, "{}", listed.name);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_typed_counts_or_says_why_not() {
        let (settings, mut hand, mut asked) = (Settings::default(), Hand::default(), Vec::new());
        let dial = listed("top-p", &settings);
        hand.begin_typing(&dial, "300 %".to_owned());
        hand.end_typing(&dial, &settings, &mut asked);
        let problem = hand.typed.as_ref().and_then(|typed| typed.problem.clone()).unwrap();
        assert_eq!(problem, "It takes 5 % to 100 %.");
        assert!(asked.is_empty());
        for (name, typed, wanted) in [
            ("register-low", "H9", "It takes A0 to C8."),
            ("register-low", "C8", "The lowest note would lie above the highest."),
            ("tempo", "soon", "It takes 20.0 BPM to 400.0 BPM."),
        ] {
            let dial = listed(name, &settings);
            hand.begin_typing(&dial, typed.to_owned());
            hand.end_typing(&dial, &settings, &mut asked);
            assert_eq!(hand.typed.as_ref().and_then(|t| t.problem.as_deref()), Some(wanted));
        }
        hand.begin_typing(&dial, "40 %".to_owned());
        hand.end_typing(&dial, &settings, &mut asked);
        assert_eq!(asked[1], Asked::Set("top-p", "0.4".to_owned()));
        assert!(hand.typed.is_none());
    }

    #[test]
    fn ends_of_the_register_push_against_each_other() {
        let (settings, mut asked) = (Settings::default(), Vec::new());
        turn(&listed("register-low", &settings), 500, false, &settings, &mut asked);
        assert!(asked.is_empty(), "{asked:?}");
        turn(&listed("register-low", &settings), 1, false, &settings, &mut asked);
        assert_eq!(asked[1], Asked::Set("register-low", "F1".to_owned()));
    }

    #[test]
    fn wheels_turn_by_whole_steps() {
        let mut hand = Hand::default();
        assert_eq!([0.4, 0.4, 0.4, -2.0].map(|lines| hand.wheel(lines)), [0, 0, 1, -1]);
    }
}
