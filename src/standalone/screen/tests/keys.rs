//! What the keys ask for, in the panel and outside it, and that whatever they do can be drawn.

use proptest::prelude::*;
use ratatui::crossterm::event::KeyModifiers;

use super::*;

/// Goes to a setting's line.
fn go_to(ui: &mut Ui, name: &str, settings: &Settings) {
    press(ui, KeyCode::Home, settings);
    let place = crate::preset::parameter::PARAMETERS.iter().position(|p| p.name == name).unwrap();
    (0..place).for_each(|_| assert_eq!(press(ui, KeyCode::Down, settings), None));
}

#[test]
fn one_key_asks_for_one_thing() {
    let (settings, mut ui) = (Settings::default(), Ui::default());
    for action in Action::ALL {
        let asked = press(&mut ui, KeyCode::Char(action.key()), &settings);
        assert_eq!(asked, Some(Asked::Do(action)), "the screen's own keys hide none");
    }
    assert_eq!(press(&mut ui, KeyCode::Char('q'), &settings), Some(Asked::Quit));
    assert_eq!(press(&mut ui, KeyCode::Char('x'), &settings), None);
    assert_eq!(press(&mut ui, KeyCode::Esc, &settings), None);
    let released =
        KeyEvent { kind: event::KeyEventKind::Release, ..KeyEvent::from(KeyCode::Char('q')) };
    assert_eq!(ui.press(released, &settings), None);
}

#[test]
fn panic_and_the_end_are_always_in_reach() {
    let settings = Settings::default();
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    let mut typing = with_panel();
    press(&mut typing, KeyCode::Enter, &settings);
    let mut helping = Ui::default();
    press(&mut helping, KeyCode::Char('?'), &settings);
    for mut ui in [Ui::default(), with_panel(), typing, helping] {
        assert_eq!(ui.press(control('c'), &settings), Some(Asked::Quit));
        assert_eq!(ui.press(control('p'), &settings), Some(Asked::Do(Action::Panic)));
    }
    let mut ui = with_panel();
    assert_eq!(press(&mut ui, KeyCode::Char('p'), &settings), Some(Asked::Do(Action::Panic)));
    assert_eq!(press(&mut ui, KeyCode::Char('q'), &settings), Some(Asked::Quit));
}

/// The settings that a key asks for, where it asks for some.
fn played(asked: Option<Asked>) -> Option<Settings> {
    match asked {
        Some(Asked::Play(settings)) => Some(*settings),
        _ => None,
    }
}

#[test]
fn arrows_turn_a_setting_and_backspace_puts_it_back() {
    let (mut ui, settings) = (with_panel(), Settings::default());
    go_to(&mut ui, "temperature", &settings);
    let up = played(press(&mut ui, KeyCode::Right, &settings)).unwrap();
    assert_eq!(up, Settings { temperature: 0.95, ..settings });
    let leap = ui.press(KeyEvent::new(KeyCode::Left, KeyModifiers::SHIFT), &up);
    let down = played(leap).unwrap();
    assert_eq!(down, Settings { temperature: 0.45, ..settings });
    assert_eq!(played(press(&mut ui, KeyCode::Backspace, &down)), Some(settings));
    assert_eq!(played(press(&mut ui, KeyCode::Delete, &settings)), None, "it is that already");
    go_to(&mut ui, "active", &settings);
    let off = played(press(&mut ui, KeyCode::Right, &settings)).unwrap();
    assert!(!off.active);
}

#[test]
fn a_value_can_be_typed_and_a_wrong_one_is_explained() {
    let (mut ui, settings) = (with_panel(), Settings::default());
    go_to(&mut ui, "tempo", &settings);
    for c in "93.5".chars() {
        assert_eq!(press(&mut ui, KeyCode::Char(c), &settings), None);
    }
    let typed = played(press(&mut ui, KeyCode::Enter, &settings)).unwrap();
    assert_eq!(typed, Settings { tempo: Tempo::new(93.5), ..settings });
    let text = |ui: &mut Ui| {
        lines_of(&paint(&scene(&[], &settings), (100, 30), Look::Dark, ui)).join("\n")
    };
    go_to(&mut ui, "scale", &settings);
    press(&mut ui, KeyCode::Enter, &settings);
    (0..9).for_each(|_| _ = press(&mut ui, KeyCode::Backspace, &settings));
    for c in "happy".chars() {
        press(&mut ui, KeyCode::Char(c), &settings);
    }
    assert_eq!(press(&mut ui, KeyCode::Enter, &settings), None);
    assert!(text(&mut ui).contains("scale can't be 'happy'"), "{}", text(&mut ui));
    assert_eq!(press(&mut ui, KeyCode::Esc, &settings), None);
    assert!(!text(&mut ui).contains("happy"));
    assert!(text(&mut ui).contains("presets"), "the panel is still open");
    press(&mut ui, KeyCode::Esc, &settings);
    assert!(ui.overlay.is_none());
}

#[test]
fn the_players_channel_and_a_crossed_register_are_refused() {
    let (mut ui, settings) = (with_panel(), Settings::default());
    for (name, value, why) in [
        ("output-channel", "1", "channel 1 is yours"),
        ("register-high", "A0", "register-low is above"),
    ] {
        go_to(&mut ui, name, &settings);
        press(&mut ui, KeyCode::Enter, &settings);
        (0..9).for_each(|_| _ = press(&mut ui, KeyCode::Backspace, &settings));
        value.chars().for_each(|c| _ = press(&mut ui, KeyCode::Char(c), &settings));
        assert_eq!(press(&mut ui, KeyCode::Enter, &settings), None);
        let lines = lines_of(&paint(&scene(&[], &settings), (100, 30), Look::Dark, &mut ui));
        assert!(lines.iter().any(|l| l.contains(why)), "{lines:#?}");
    }
}

#[test]
fn a_preset_is_taken_and_channels_stay() {
    let output = crate::music::event::Channel::new(9);
    let settings = Settings { output, tempo: Tempo::new(71.0), ..Settings::default() };
    let mut ui = with_panel();
    press(&mut ui, KeyCode::Tab, &settings);
    press(&mut ui, KeyCode::Down, &settings);
    let Some(Asked::Take(preset)) = press(&mut ui, KeyCode::Enter, &settings) else {
        panic!("no preset")
    };
    assert_eq!(preset.name, Bank::factory().entries[1].preset.name);
    let over = preset.over(&settings);
    assert_eq!(
        (over.output, over.tempo, over.thru),
        (settings.output, settings.tempo, settings.thru)
    );
    assert_eq!(over.polyphony, preset.settings.polyphony);
    let lines = lines_of(&paint(&scene(&[], &over), (100, 30), Look::Dark, &mut ui));
    let marked = lines.iter().find(|l| l.contains('▸')).unwrap();
    assert!(marked.contains(&format!("● {}", preset.name)), "it plays: {marked}");
}

#[test]
fn every_line_of_the_panel_can_be_seen() {
    let settings = Settings::default();
    for size in [(120, 30), (60, 16), (40, 12)] {
        let mut ui = with_panel();
        for parameter in crate::preset::parameter::PARAMETERS {
            let lines = lines_of(&paint(&scene(&[], &settings), size, Look::Dark, &mut ui));
            let chosen = lines.iter().find(|l| l.contains('▸'));
            assert!(
                chosen.is_some_and(|l| l.contains(parameter.name)),
                "{} {size:?} {lines:#?}",
                parameter.name
            );
            press(&mut ui, KeyCode::Down, &settings);
        }
    }
}

#[test]
fn help_names_every_key() {
    let settings = Settings::default();
    let mut ui = Ui::default();
    press(&mut ui, KeyCode::Char('?'), &settings);
    let text = lines_of(&paint(&scene(&[], &settings), (80, 30), Look::Dark, &mut ui)).join("\n");
    for action in Action::ALL {
        assert!(text.contains(action.about()), "{text}");
    }
    assert!(text.contains("settings and presets"));
    press(&mut ui, KeyCode::Esc, &settings);
    assert!(ui.overlay.is_none());
}

fn any_key() -> impl Strategy<Value = KeyCode> {
    prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        "[ -~]".prop_map(|s| KeyCode::Char(s.chars().next().unwrap_or(' '))),
        proptest::sample::select(vec![
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageDown,
            KeyCode::End,
            KeyCode::Tab,
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Backspace,
            KeyCode::Delete,
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_pressed_and_played_can_be_drawn(
        keys in proptest::collection::vec(any_key(), 0..24),
        notes in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<u8>(), any::<bool>()), 0..20),
        (now_beats, width, height) in (any::<f64>(), 0_u16..160, 0_u16..60),
        (numerator, denominator) in (any::<u8>(), any::<u8>()),
        (words, peak) in ("\\PC{0,30}", any::<f32>()),
    ) {
        let notes: Vec<_> = notes
            .into_iter()
            .map(|(start, len, key, planned)| note(Part::Machine, start, len, key, planned))
            .collect();
        let mut settings = Settings::default();
        let mut ui = with_panel();
        for key in keys {
            // The user's own presets are not looked for.
            if ui.overlay.is_none() {
                ui = with_panel();
            }
            if let Some(asked) = played(press(&mut ui, key, &settings)) {
                prop_assert_eq!(asked, asked.sane(), "nothing unplayable is asked for");
                settings = asked;
            }
            let scene = Scene {
                now_beats,
                meter: Meter { numerator, denominator },
                notice: &words,
                model: &words,
                style: &words,
                peaks: Some([peak; 2]),
                ..scene(&notes, &settings)
            };
            paint(&scene, (width, height), Look::Dark, &mut ui);
        }
    }
}
