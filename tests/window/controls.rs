//! Every control by its name: what it asks for when it is clicked, dragged, wheeled, turned by keys or typed into.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, OutputCommand, TouchPhase, vec2,
};
use egui_kittest::kittest::{NodeT, Queryable};
use sideman::link::settings::{Mode, Settings};
use sideman::preset::parameter::{PARAMETERS, set_one};
use sideman::window::asked::Asked;
use sideman::window::look::{Ground, Look};
use sideman::window::page::Page;
use sideman::window::scene::TrainingState;
use sideman::window::view::View;

use crate::scenes;
use crate::stage::{self, Window};

/// The tabs, and what stands in them: a setting and its title.
const TABS: [(&str, &[(&str, &str)]); 5] = [
    (
        "Character",
        &[
            ("temperature", "Temperature"),
            ("top-p", "Choose from the likeliest"),
            ("density", "Note density"),
            ("repeat-guard", "Avoid repeats"),
            ("learning", "Learn from me"),
            ("style", "Style of the model: Model's own"),
            ("follow-style", "Follow the style that is heard"),
        ],
    ),
    (
        "Pitch",
        &[
            ("key", "Key: C"),
            ("scale", "Scale: Chromatic"),
            ("follow-key", "Follow the key that is heard"),
            ("chord-lock", "Keep to the chord that is held"),
            ("register-low", "Lowest note"),
            ("register-high", "Highest note"),
            ("voices", "Harmony voices"),
        ],
    ),
    (
        "Time",
        &[
            ("tempo", "Tempo without a host's"),
            ("follow-tempo", "Follow the tempo without a host's"),
            ("grid", "Grid: Free"),
            ("swing", "Swing"),
            ("reaction", "Reaction time"),
            ("phrase-gap", "Phrase ends after"),
            ("trade-bars", "Trade bars"),
            ("machine-first", "Sideman trades first"),
        ],
    ),
    (
        "Dynamics",
        &[
            ("velocity-follow", "Follow my dynamics"),
            ("follow-energy", "Follow my energy"),
            ("humanise", "Humanise"),
            ("note-length", "Note length"),
            ("polyphony", "Notes at once"),
            ("hold", "Hold what sounds"),
        ],
    ),
    (
        "MIDI",
        &[
            ("input-channel", "Listen to channel: All"),
            ("output-channel", "Play on channel"),
            ("thru", "Pass my playing on"),
            ("key-switches", "Low keys choose the mode"),
            ("seed", "Random seed"),
        ],
    ),
];

fn gesture(name: &'static str, value: &str) -> Vec<Asked> {
    vec![Asked::Grab(name), Asked::Set(name, value.to_owned()), Asked::LetGo(name)]
}

/// What a gesture sets in the end.
fn set(asked: &[Asked]) -> Option<(&'static str, &str)> {
    let [Asked::Grab(grabbed), middle @ .., Asked::LetGo(let_go)] = asked else { return None };
    let Some(Asked::Set(name, value)) = middle.last() else { return None };
    (grabbed == name && let_go == name).then_some((*name, value.as_str()))
}

fn idle() -> Window {
    stage::usual(scenes::idle())
}

#[test]
fn what_must_be_in_reach_is_one_click_away() {
    for size in [[1040.0, 680.0], [640.0, 420.0]] {
        for page in [None, Some(Page::Models)] {
            let look = Look { size, ..Look::default() };
            let mut window = stage::open(scenes::idle(), look, page);
            assert_eq!(window.click("Panic"), [Asked::Panic]);
            assert_eq!(window.click("Tap"), [Asked::Tap]);
            assert_eq!(window.click("Freeze"), gesture("freeze", "on"));
            assert_eq!(window.click("Active"), gesture("active", "off"));
        }
    }
}

#[test]
fn modes_are_large_buttons_and_keys() {
    let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
    let names = ["Accompany", "Answer", "Trade", "Harmonise", "Solo"];
    for ((mode, name), key) in Mode::ALL.into_iter().zip(names).zip(keys) {
        let mut window = idle();
        assert_eq!(window.click(name), gesture("mode", mode.name()));
        assert_eq!(window.press(key), gesture("mode", mode.name()));
    }
}

#[test]
fn every_setting_can_be_reached_and_turned() {
    let mut reached = vec!["mode", "active", "freeze"];
    let mut window = idle();
    for (tab, settings) in TABS {
        assert_eq!(window.click(tab), [], "a tab opens and asks for nothing");
        for (name, title) in settings {
            let node = window.harness.get_by_label(title);
            let is_switch = node.accesskit_node().role() == egui::Role::Switch;
            node.focus();
            window.run();
            let mut asked = window.press(if is_switch { Key::Space } else { Key::ArrowUp });
            if asked.is_empty() {
                asked = window.press(Key::ArrowDown);
            }
            let (set_name, value) = set(&asked).unwrap_or_else(|| panic!("{name}: {asked:?}"));
            assert_eq!(set_name, *name);
            set_one(&mut Settings::default(), name, value).unwrap_or_else(|e| panic!("{e}"));
            reached.push(name);
        }
    }
    let all: std::collections::BTreeSet<_> = PARAMETERS.iter().map(|p| p.name).collect();
    assert_eq!(reached.into_iter().collect::<std::collections::BTreeSet<_>>(), all);
}

#[test]
fn a_drag_turns_and_with_shift_it_turns_finely() {
    let coarse = idle().drag("Temperature", 32.0, Modifiers::NONE);
    let (name, value) = set(&coarse).unwrap_or_else(|| panic!("{coarse:?}"));
    assert_eq!(name, "temperature");
    let coarse: f32 = value.parse().unwrap();
    // A fifth of the way from 0.05 to 2.
    assert!((coarse - 1.29).abs() < 0.02, "{coarse}");
    let fine = idle().drag("Temperature", 32.0, Modifiers::SHIFT);
    let fine: f32 = set(&fine).unwrap().1.parse().unwrap();
    assert!((fine - 0.94).abs() < 0.02, "{fine}");
}

#[test]
fn a_double_click_is_the_default() {
    let mut moment = scenes::idle();
    moment.settings.temperature = 1.7;
    let mut window = stage::usual(moment);
    window.harness.get_by_label("Temperature").click();
    window.harness.get_by_label("Temperature").click();
    window.run();
    assert_eq!(window.asked(), gesture("temperature", "0.9"));
    assert_eq!(window.press(Key::Backspace), gesture("temperature", "0.9"));
}

#[test]
fn values_are_typed_by_click_or_enter() {
    let mut window = idle();
    assert_eq!(window.click("Choose from the likeliest: 95 %"), []);
    window.send([Event::Text("40".to_owned())]);
    assert_eq!(window.press(Key::Enter), gesture("top-p", "0.4"));
    window.harness.get_by_label("Temperature").focus();
    window.run();
    assert_eq!(window.press(Key::Enter), []);
    window.send([Event::Text("1.25".to_owned())]);
    assert_eq!(window.press(Key::Enter), gesture("temperature", "1.25"));
}

#[test]
fn what_no_setting_takes_is_refused_with_the_reason() {
    let mut window = idle();
    window.click("Temperature: 0.90");
    window.send([Event::Text("9".to_owned())]);
    assert_eq!(window.press(Key::Enter), []);
    window.harness.get_by_label_contains("It takes 0.05 to 2.00");
    window.press(Key::Escape);
    assert!(window.harness.query_by_label_contains("It takes 0.05 to 2.00").is_none());
    assert!(window.harness.query_by_label("Value of Temperature").is_none());
}

#[test]
fn letters_in_a_field_are_no_shortcuts() {
    let mut window = stage::open(scenes::idle(), Look::default(), Some(Page::Presets));
    window.click("Search presets");
    assert_eq!(window.press(Key::P), []);
    assert_eq!(window.press(Key::Num3), []);
    window.press(Key::Escape);
    window.harness.get_by_label("Search presets");
    assert_eq!(window.press(Key::P), [Asked::Panic]);
    window.press(Key::Escape);
    assert!(window.harness.query_by_label("Search presets").is_none());
}

#[test]
fn a_wheel_turns_what_it_is_over() {
    let mut window = idle();
    let at = window.place("Note density");
    let wheel = Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, 2.0),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    };
    let asked = window.send([Event::PointerMoved(at), wheel]);
    assert_eq!(asked, gesture("density", "0.1"));
}

#[test]
fn switches_and_lists_are_clicked() {
    let mut window = idle();
    assert_eq!(window.click("Follow the style that is heard"), gesture("follow-style", "on"));
    window.click("Style of the model: Model's own");
    assert_eq!(window.click("Jazz"), gesture("style", "2"));
    window.click("Pitch");
    window.click("Scale: Chromatic");
    assert_eq!(window.click("Dorian"), gesture("scale", "dorian"));
    window.click("Character");
    assert_eq!(window.click("Forget"), [Asked::Forget]);
}

#[test]
fn tab_goes_from_control_to_control_and_space_presses() {
    let mut window = idle();
    let mut names = Vec::new();
    while names.len() < 32 {
        window.press(Key::Tab);
        let focused =
            window.harness.root().children_recursive().find(egui_kittest::Node::is_focused);
        let name = focused.and_then(|node| node.accesskit_node().label()).unwrap();
        if names.contains(&name) {
            break;
        }
        names.push(name.clone());
        if name == "Trade" {
            assert_eq!(window.press(Key::Space), gesture("mode", "trade"));
        }
    }
    let place = |name: &str| names.iter().position(|found| found == name);
    let order =
        ["Panic", "Active", "Models", "Accompany", "Solo", "Character", "Temperature", "Forget"];
    let places: Vec<_> = order.iter().map(|name| place(name)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{names:?}");
}

#[test]
fn models_are_chosen_and_folders_opened() {
    let mut window = stage::open(scenes::idle(), Look::default(), Some(Page::Models));
    assert_eq!(window.click("Play model my-etudes"), [Asked::ChooseModel(1)]);
    assert!(window.harness.query_by_label("Play model old").is_none(), "it can't be used");
    assert_eq!(window.click("Look again"), [Asked::Refresh]);
    window.harness.get_by_label("Path of a folder").focus();
    window.send([Event::Text(" /home/ada/waltzes ".to_owned())]);
    let opened = window.press(Key::Enter);
    assert_eq!(opened, [Asked::Open(PathBuf::from("/home/ada/waltzes"))]);
}

#[test]
fn presets_are_found_taken_and_kept() {
    let mut window = stage::open(scenes::idle(), Look::default(), Some(Page::Presets));
    assert_eq!(window.click("Preset Pads"), [Asked::TakePreset(3)]);
    assert_eq!(window.click("Keep settings as preset"), [Asked::SavePreset]);
    window.click("Search presets");
    window.send([Event::Text("blues".to_owned())]);
    assert!(window.harness.query_by_label("Preset Pads").is_none());
    assert_eq!(window.click("Preset Blues answers"), [Asked::TakePreset(2)]);
}

#[test]
fn a_training_is_offered_watched_and_ended() {
    let mut window = stage::usual(scenes::training(TrainingState::Offered));
    assert_eq!(window.press(Key::Enter), [Asked::Train(30)]);
    window.click("2 hours");
    assert_eq!(window.click("Train"), [Asked::Train(120)]);
    assert_eq!(window.click("Not now"), [Asked::EndTraining]);
    for (state, button) in [
        (TrainingState::Running, "Stop"),
        (TrainingState::Done, "Close the training"),
        (TrainingState::Stopped, "Close the training"),
        (TrainingState::Failed("no pieces".to_owned()), "Close the training"),
    ] {
        let moment = scenes::training(state);
        let mut window = stage::open(moment, Look::default(), Some(Page::Models));
        assert_eq!(window.click(button), [Asked::EndTraining]);
    }
}

#[test]
fn captures_are_made_and_taken_away() {
    let mut moment = scenes::playing(Mode::Solo);
    moment.captured = Some(PathBuf::from("/tmp/sideman-1.mid"));
    let mut window = stage::open(moment.clone(), Look::default(), Some(Page::Capture));
    window.click("16 bars");
    let capture = window.harness.get_all_by_label("Capture").last().unwrap();
    capture.click();
    window.run();
    assert_eq!(window.asked(), [Asked::Capture(16)]);
    assert_eq!(window.drag("Drag to a track", 60.0, Modifiers::NONE), [Asked::DragOut(16)]);
    assert_eq!(window.click("Drag to a track"), [], "it was not dragged");
    assert_eq!(window.click("Reveal"), [Asked::Reveal]);
    window.harness.get_by_label("Copy path").click();
    let mut copied = None;
    for _ in 0..6 {
        window.harness.run_steps(1);
        let commands = &window.harness.output().platform_output.commands;
        copied = copied.or_else(|| {
            commands.iter().find_map(|command| match command {
                OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
        });
        if copied.is_some() {
            break;
        }
    }
    assert_eq!(copied.as_deref(), Some("/tmp/sideman-1.mid"));
    moment.host.drags_out = false;
    let window = stage::open(moment, Look::default(), Some(Page::Capture));
    assert!(window.harness.query_by_label("Drag to a track").is_none());
}

#[test]
fn a_window_that_is_zoomed_and_cannot_grow_stays_in_reach() {
    let look = Look { size: [640.0, 420.0], zoom: 2.0, ..Look::default() };
    let mut window = stage::open(scenes::idle(), look, Some(Page::Look));
    window.harness.set_size(vec2(320.0, 210.0));
    window.run();
    window.harness.get_by_label("100 %").scroll_to_me();
    window.run();
    window.asked();
    let asked = window.click("100 %");
    assert!(
        matches!(asked[..], [Asked::Keep(Look { zoom, .. }), ..] if (zoom - 1.0).abs() < 1e-6),
        "{asked:?}"
    );
}

#[test]
fn looks_are_chosen_and_kept() {
    let mut window = stage::open(scenes::idle(), Look::default(), Some(Page::Look));
    let light = Look { ground: Ground::Light, ..Look::default() };
    assert_eq!(window.click("Light"), [Asked::Keep(light)]);
    let zoomed = Look { zoom: 1.25, ..light };
    assert_eq!(window.click("125 %"), [Asked::Keep(zoomed)]);
    assert!((window.harness.ctx.zoom_factor() - 1.25).abs() < 1e-6);
    let plus = Event::Key {
        key: Key::Plus,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND,
    };
    assert_eq!(window.send([plus]), [Asked::Keep(Look { zoom: 1.5, ..light })]);
}

#[test]
fn a_size_is_kept_when_it_has_settled() {
    let mut window = idle();
    window.harness.set_size(vec2(900.0, 600.0));
    window.harness.run_steps(60);
    let kept = Look { size: [900.0, 600.0], ..Look::default() };
    assert_eq!(window.asked(), [Asked::Keep(kept)]);
    assert_eq!(window.harness.state().view.look(), kept);
}

#[test]
fn health_opens_by_key_rail_and_foot_and_shows_every_host() {
    let mut window = idle();
    window.press(Key::H);
    window.click("Logic");
    window.harness.get_by_label_contains("loads only Audio Units, and Sideman is");
    for host in ["Ableton Live", "REAPER", "Cubase", "FL Studio", "Ardour", "Without a DAW"] {
        window.click(host);
        window.harness.get_by_label_contains("The way of the notes: Your keys");
    }
    window.press(Key::Escape);
    assert!(window.harness.query_by_label("Logic").is_none());
    window.harness.get_by_label_contains("Status:").click();
    window.run();
    window.harness.get_by_label("Logic");
}

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

#[test]
fn a_dropped_folder_is_opened() {
    let mut window = idle();
    let file = Dropped(PathBuf::from("/home/ada/waltzes"));
    window.harness.input_mut().dropped_files.push(Arc::new(file));
    window.run();
    assert_eq!(window.asked(), [Asked::Open(PathBuf::from("/home/ada/waltzes"))]);
}

#[test]
fn only_what_moves_is_drawn_at_every_frame() {
    let delay = |window: &Window| {
        window.harness.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap()
    };
    let mut window = stage::usual(scenes::playing(Mode::Accompany));
    window.harness.run_steps(60);
    assert_eq!(delay(&window), Duration::ZERO);
    let mut window = idle();
    window.harness.run_steps(60);
    assert_eq!(delay(&window), Duration::from_millis(100));
}

#[test]
fn the_bars_follow_the_temperature() {
    let mut cold = scenes::playing(Mode::Accompany);
    cold.settings.temperature = 0.1;
    let mut hot = cold.clone();
    hot.settings.temperature = 2.0;
    let [cold, hot] = [cold, hot].map(|moment| {
        let mut window = stage::usual(moment);
        window.harness.run_steps(20);
        let node = window.harness.get_by_label_contains("Next: E3");
        let words = node.accesskit_node().label().unwrap();
        words.split(", ").nth(1).unwrap().trim_end_matches(" %").parse::<f32>().unwrap()
    });
    assert!(cold > 90.0 && hot < 40.0, "{cold} % against {hot} %");
}

#[test]
fn no_view_panics_on_what_no_music_can_be() {
    let mut moment = scenes::playing(Mode::Accompany);
    moment.now_beats = f64::NAN;
    moment.notes[0].start_beats = f64::INFINITY;
    moment.notes[1].len_beats = f64::NAN;
    moment.notes[2].key = 255;
    moment.model = Some(99);
    moment.preset = Some(99);
    let mut window = stage::usual(moment);
    window.run();
    let mut view = View::new(Look { zoom: f32::NAN, ..Look::default() });
    view.open_page(Page::Look);
    assert!((view.look().zoom - 1.0).abs() < 1e-6);
}

#[test]
fn a_window_that_is_opened_again_begins_anew() {
    let mut moment = scenes::idle();
    moment.health.heard = 0;
    let mut window = stage::usual(moment.clone());
    assert!(window.harness.query_by_label_contains("No notes are arriving").is_none());
    window.harness.run_steps(11 * 30);
    window.harness.get_by_label_contains("No notes are arriving");
    window.click("Temperature: 0.90");
    window.harness.get_by_label("Value of Temperature");
    let playing = window.harness.into_state();
    let window = stage::resume(playing);
    assert!(window.harness.query_by_label("Value of Temperature").is_none());
    assert!(window.harness.query_by_label_contains("No notes are arriving").is_none());
}
