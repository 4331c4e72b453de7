//! What is amiss, in words, and what to do about it.

use std::time::Duration;

use crate::link::settings::Mode;
use crate::window::scene::Scene;

/// After so long without a note something may be wrong with the routing.
const DEAF: Duration = Duration::from_secs(10);

/// One thing that is amiss, or that one may wonder about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hint {
    /// What is so.
    pub(super) what: String,
    /// What to do.
    pub(super) remedy: String,
    /// Whether something does not work; else it was asked for, and may have been forgotten.
    pub(super) is_trouble: bool,
    /// Whether a picture of the routing helps.
    pub(super) is_routing: bool,
}

fn hint(what: impl Into<String>, remedy: impl Into<String>, is_trouble: bool) -> Hint {
    Hint { what: what.into(), remedy: remedy.into(), is_trouble, is_routing: false }
}

/// All that is amiss, the worst first. `watched` is how long the window has been open.
pub(super) fn hints(scene: &Scene<'_>, watched: Duration) -> Vec<Hint> {
    let (settings, health) = (scene.settings, &scene.health);
    let mut hints = Vec::new();
    if let Some(problem) = scene.model_problem {
        hints.push(hint(
            format!("The model does not play: {problem}"),
            "The one before plays on. Choose another in Models.",
            true,
        ));
    }
    if !health.active {
        let remedy = if is_program(scene) {
            "Choose a sound card or JACK, and start again."
        } else {
            "Switch the plugin on, and see that the host's audio engine runs."
        };
        hints.push(hint("The engine does not run.", remedy, true));
    } else if let Some(deaf) = deaf(scene, watched) {
        hints.push(deaf);
    }
    if let Some(problem) = health.device_problem {
        let remedy = format!("It plays on the {} instead.", device(health.device));
        hints.push(hint(format!("The device was changed: {problem}"), remedy, true));
    }
    if health.late > 0 {
        hints.push(hint(
            format!("{} came too late.", count(health.late, "note or plan", "notes or plans")),
            "Raise Reaction time, or take a larger buffer in the host.",
            true,
        ));
    }
    if health.refused > 0 {
        hints.push(hint(
            format!("The host refused {}.", count(health.refused, "event", "events")),
            "Lower Note density, or take a larger buffer in the host.",
            true,
        ));
    }
    let all_barred = |choice: &crate::link::forecast::Choice| {
        choice.barred.iter().all(|barred| !barred.is_free())
    };
    if scene.choice.is_some_and(all_barred) {
        hints.push(hint(
            "Every key is barred.",
            "Widen the register, or choose another scale; Keep to the chord that is held may leave nothing over.",
            true,
        ));
    }
    if !settings.active {
        hints.push(hint(
            "Sideman is switched off.",
            "It listens; switch Active on to hear it.",
            false,
        ));
    }
    if settings.freeze {
        hints.push(hint("Freeze is on.", "The last two bars are repeated until it is off.", false));
    }
    if settings.hold {
        hints.push(hint("Hold is on.", "Nothing new begins until it is off (Dynamics).", false));
    }
    if settings.mode == Mode::Trade && !scene.host_leads {
        hints.push(hint(
            "Trade counts its own bars.",
            "Start the host's transport to trade on its bar lines.",
            false,
        ));
    }
    hints
}

/// Nothing was ever heard though the engine runs: the commonest trouble of all.
fn deaf(scene: &Scene<'_>, watched: Duration) -> Option<Hint> {
    (scene.health.heard == 0 && watched >= DEAF).then(|| Hint {
        what: "No notes are arriving.".to_owned(),
        remedy: match scene.host.name {
            _ if is_program(scene) => "Plug in a MIDI keyboard, and play.".to_owned(),
            "" => "Route your MIDI to Sideman.".to_owned(),
            name => format!("Route your MIDI to Sideman. See how in {name}."),
        },
        is_trouble: true,
        is_routing: true,
    })
}

/// Whether the window is that of the program `sideman`, and not of a plugin in a host without a name.
pub(super) fn is_program(scene: &Scene<'_>) -> bool {
    scene.host.name.is_empty() && !scene.host.automates
}

/// Where the model runs, as people write it.
pub(super) fn device(name: &str) -> String {
    if name.is_empty() { "CPU".to_owned() } else { name.to_uppercase() }
}

fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::forecast::{Barred, Choice, KEYS};
    use crate::link::settings::Settings;
    use crate::music::pitch::Pitch;
    use crate::music::time::{Tempo, Tick};
    use crate::window::scene::{Health, Host};

    fn scene(settings: &Settings) -> Scene<'_> {
        Scene {
            notes: &[],
            chords: &[],
            now_beats: 0.0,
            running: true,
            host_leads: true,
            tempo: Tempo::default(),
            bar_line_beats: 0.0,
            bar_beats: 4.0,
            settings,
            key: None,
            choice: None,
            models: &[],
            model: None,
            model_problem: None,
            presets: &[],
            preset: None,
            health: Health { active: true, heard: 1, ..Health::default() },
            training: None,
            captured: None,
            notice: "",
            host: Host { name: "REAPER", drags_out: false, automates: true },
        }
    }

    fn check(scene: &Scene<'_>, whats: &[&str]) {
        let found = hints(scene, DEAF);
        let found: Vec<_> = found.iter().map(|hint| hint.what.as_str()).collect();
        assert_eq!(found, whats);
    }

    #[test]
    fn nothing_is_said_while_all_is_well() {
        check(&scene(&Settings::default()), &[]);
    }

    #[test]
    fn silence_leads_to_the_routing_of_the_host_at_hand() {
        let settings = Settings::default();
        let mut scene = scene(&settings);
        scene.health.heard = 0;
        assert_eq!(hints(&scene, DEAF.checked_sub(Duration::from_secs(1)).unwrap()), []);
        let found = hints(&scene, DEAF);
        assert!(found[0].is_routing && found[0].remedy.contains("REAPER"), "{found:?}");
        scene.health.active = false;
        check(&scene, &["The engine does not run."]);
    }

    #[test]
    fn what_is_late_or_refused_is_counted() {
        let settings = Settings::default();
        let mut scene = scene(&settings);
        (scene.health.late, scene.health.refused) = (1, 3);
        check(&scene, &["1 note or plan came too late.", "The host refused 3 events."]);
    }

    #[test]
    fn what_holds_the_machine_up_is_named() {
        let mut settings =
            Settings { active: false, freeze: true, hold: true, ..Settings::default() };
        check(&scene(&settings), &["Sideman is switched off.", "Freeze is on.", "Hold is on."]);
        settings = Settings { mode: Mode::Trade, ..Settings::default() };
        check(&scene(&settings), &[]);
        let mut alone = scene(&settings);
        alone.host_leads = false;
        check(&alone, &["Trade counts its own bars."]);
    }

    #[test]
    fn problems_come_first() {
        let settings = Settings { freeze: true, ..Settings::default() };
        let none = Choice {
            onset: Tick(0),
            chosen: Pitch::new(60),
            logits: [0.0; KEYS],
            barred: [Barred::SCALE; KEYS],
        };
        let mut scene = scene(&settings);
        scene.choice = Some(&none);
        scene.model_problem = Some("no weights");
        scene.health.device_problem = Some("the GPU is gone");
        let whats = [
            "The model does not play: no weights",
            "The device was changed: the GPU is gone",
            "Every key is barred.",
            "Freeze is on.",
        ];
        check(&scene, &whats);
    }
}
