//! Screens as text, what the keys ask for, and sizes that no terminal should have.

use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

mod keys;

use super::ui::Overlay;
use super::*;
use crate::link::settings::Mode;
use crate::music::key::Key;
use crate::music::pitch::PitchClass;
use crate::music::scale::Scale;
use crate::music::time::{Meter, Tempo};
use crate::preset::bank::Bank;
use crate::standalone::Part;
use crate::standalone::action::Action;
use crate::standalone::roll::RollNote;

fn note(part: Part, start_beats: f64, len_beats: f64, key: u8, planned: bool) -> RollNote {
    RollNote { part, start_beats, len_beats, key, velocity: 90, planned }
}

fn phrase() -> Vec<RollNote> {
    vec![
        note(Part::Player, 2.0, 1.0, 62, false),
        note(Part::Player, 3.01, 1.0, 62, false),
        note(Part::Player, 3.98, 0.5, 64, false),
        note(Part::Machine, 4.0, 1.0, 60, false),
        note(Part::Machine, 6.75, 0.5, 60, true),
    ]
}

fn scene<'a>(notes: &'a [RollNote], settings: &'a Settings) -> Scene<'a> {
    Scene {
        notes,
        now_beats: 6.4,
        running: true,
        tempo: Tempo::new(96.0),
        tempo_from: TempoFrom::Followed,
        meter: Meter::default(),
        clicks: false,
        settings,
        key: Some(Key { tonic: PitchClass::new(9), scale: Scale::Minor }),
        style: "jazz",
        model: "duet",
        device: "cpu",
        played: 7,
        late: 0,
        reaction: Some([Duration::from_micros(812), Duration::from_micros(13_400)]),
        peaks: Some([0.5, 0.1]),
        notice: "",
        actions: &Action::ALL,
    }
}

/// A screen of this size.
fn paint(scene: &Scene<'_>, size: (u16, u16), look: Look, ui: &mut Ui) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            ui.see(scene, area, look, Duration::from_secs(1));
            picture::draw(frame.buffer_mut(), area, scene, look, ui);
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

/// Its lines without the blanks at their ends.
fn lines_of(buffer: &Buffer) -> Vec<String> {
    let line = |y| {
        let cells = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..buffer.area.height).map(line).collect()
}

fn press(ui: &mut Ui, code: KeyCode, settings: &Settings) -> Option<Asked> {
    ui.press(KeyEvent::from(code), settings)
}

/// A screen with its panel open, and only the presets that come with Sideman.
fn with_panel() -> Ui {
    let overlay = Some(Overlay::Panel(panel::Panel::new(Bank::factory())));
    let mut ui = Ui::default();
    ui.overlay = overlay;
    ui
}

#[test]
fn a_screen_without_colour() {
    let (notes, settings) = (phrase(), Settings::default());
    let buffer = paint(&scene(&notes, &settings), (64, 12), Look::Plain, &mut Ui::default());
    let expected = [
        " SIDEMAN   accompany  answer  trade  harmonise  solo",
        "   2.3 ··●·   96 bpm followed   key A minor heard          ● on",
        "                         1               2        ▼      3",
        "   ▒▒│   │               │               │        ┃      │",
        "     │   │               │               │        ┃      │",
        "     │   │               │               ◆━       ┃      │",
        "   ▒▒│   │               │               │        ┃      │",
        "     │   │               │       ◆━━━◆━━━│        ┃      │",
        "   ▒▒│   │               │               │        ┃      │",
        "C4   │   │               │               ○───     ┃ ◦·   │",
        "     │   │               │               │        ┃      │",
        " p panic  Tab settings  m mode  space on/off    ? help  q quit",
    ];
    assert_eq!(lines_of(&buffer), expected);
    assert!(buffer[(12, 0)].modifier.contains(Modifier::REVERSED), "the mode is lit");
}

#[test]
fn a_narrow_screen_says_what_matters() {
    let notes = phrase();
    let settings = Settings { mode: Mode::Solo, active: false, ..Settings::default() };
    let scene = Scene { late: 3, ..scene(&notes, &settings) };
    let lines = lines_of(&paint(&scene, (40, 12), Look::Dark, &mut Ui::default()));
    assert_eq!(lines[0], "accompany answer trade harmonise solo");
    assert_eq!(lines[1], "   2.3 ··●·   96 bpm followed     ○ off");
    assert_eq!(lines[2], "       1               2        ▼      3");
    assert_eq!(lines[8], "C4 ▀▀▀                 ▀▀▀▀     │ ▀▀");
    assert_eq!(lines[11], " p panic  Tab settings  ? help  q quit");
    let tiny = lines_of(&paint(&scene, (20, 4), Look::Dark, &mut Ui::default()));
    assert_eq!(tiny[0], "solo          ○ off");
}

#[test]
fn a_wide_screen_has_levels_and_latency() {
    let (notes, settings) = (phrase(), Settings { freeze: true, ..Settings::default() });
    let scene = Scene { late: 2, clicks: true, ..scene(&notes, &settings) };
    let buffer = paint(&scene, (110, 16), Look::Dark, &mut Ui::default());
    let lines = lines_of(&buffer);
    let above = [
        " SIDEMAN   accompany  answer  trade  harmonise  solo                                     freeze   click  ● on",
        "   2.3 ··●·   96 bpm followed   key A minor heard   style jazz   duet on cpu",
    ];
    let below = [
        " ■ you   ■ sideman 7   late 2   reaction 0.81 ms, p99 13   level ▀▀▀▀▀▀▀▀▀▀▀▀",
        " p panic  Tab settings  m mode  space on/off  t tap  f freeze  k click  i count-in  s sound   ? help  q quit",
    ];
    assert_eq!(lines[..2], above);
    assert_eq!(lines[14..], below);
    let palette = palette::Palette::of(Look::Dark);
    let (on, off) = (palette.machine.fg, Some(palette.roll.past.bar[0]));
    let meter: Vec<_> = (0..110).filter(|x| buffer[(*x, 14)].symbol() == "▀").collect();
    let lit = |side: fn(&ratatui::buffer::Cell) -> Color| {
        meter.iter().filter(|x| Some(side(&buffer[(**x, 14)])) == on).count()
    };
    assert_eq!(meter.len(), 12);
    assert_eq!((lit(|c| c.fg), lit(|c| c.bg)), (11, 7), "-6 dB left and -20 dB right of 48 dB");
    assert_eq!(Some(buffer[(*meter.last().unwrap(), 14)].fg), off);
}

#[test]
fn parts_strokes_loudness_and_plans_have_their_own_colours() {
    let settings = Settings::default();
    let mut notes = phrase();
    notes[0].velocity = 30;
    for look in [Look::Dark, Look::Light] {
        let buffer = paint(&scene(&notes, &settings), (60, 20), look, &mut Ui::default());
        let colours = palette::Palette::of(look).roll;
        let ground = |c: &Color| {
            [colours.past, colours.future]
                .iter()
                .any(|g| [g.plain, g.beat, g.bar].concat().contains(c))
        };
        // The row of D4, found by the first note's stroke.
        let stroke = colours.note(Part::Player, false, true, 30);
        let find = |colour| {
            let cells = (3..18).flat_map(|y| (6..60).map(move |x| (x, y)));
            cells
                .filter(|at| [buffer[*at].fg, buffer[*at].bg].contains(&colour))
                .collect::<Vec<_>>()
        };
        assert_eq!(find(stroke).len(), 3, "three notes of the player");
        assert_eq!(find(colours.note(Part::Player, false, false, 30)).len(), 3, "a soft one");
        assert_eq!(find(colours.note(Part::Player, false, false, 90)).len(), 4, "two louder");
        assert_eq!(find(colours.note(Part::Machine, false, true, 90)).len(), 1);
        assert_eq!(find(colours.note(Part::Machine, false, false, 90)).len(), 3);
        let planned = find(colours.note(Part::Machine, true, true, 90));
        assert_eq!(planned.len(), 2);
        let now = (6..60).find(|x| buffer[(*x, 2)].symbol() == "▼").unwrap();
        assert!(planned.iter().all(|at| at.0 > now), "plans lie behind now");
        let all = [Part::Player, Part::Machine].into_iter().flat_map(|part| {
            [(false, false), (false, true), (true, false)]
                .map(|(planned, stroke)| colours.note(part, planned, stroke, 90))
        });
        let all: std::collections::HashSet<_> = all.collect();
        assert_eq!(all.len(), 6, "none is taken for another");
        assert!(!all.iter().any(ground));
    }
}

#[test]
fn what_sounds_is_lit_on_the_keyboard() {
    let (settings, mut notes) = (Settings::default(), phrase());
    notes.push(note(Part::Player, 6.0, 0.4, 66, false));
    let scene = scene(&notes, &settings);
    let lit = |scene: &Scene<'_>| {
        let buffer = paint(scene, (60, 20), Look::Dark, &mut Ui::default());
        let colours = palette::Palette::of(Look::Dark).roll;
        let colour = colours.note(Part::Player, false, false, 90);
        let cells = (3..18).flat_map(|y| (3..6).map(move |x| (x, y)));
        cells.filter(|at| [buffer[*at].fg, buffer[*at].bg].contains(&colour)).count()
    };
    assert_eq!(lit(&scene), 2, "a black key is short");
    assert_eq!(lit(&Scene { running: false, ..scene }), 0);
    assert_eq!(lit(&Scene { now_beats: 8.0, ..scene }), 0);
}

#[test]
fn before_the_first_note_it_says_what_to_do() {
    let settings = Settings::default();
    let scene = Scene { running: false, now_beats: 0.0, ..scene(&[], &settings) };
    let text = |scene: &Scene<'_>| {
        lines_of(&paint(scene, (60, 12), Look::Dark, &mut Ui::default())).join("\n")
    };
    assert!(text(&scene).contains("Play: Sideman listens."));
    assert!(text(&Scene { model: "", ..scene }).contains("Loading the model"));
}

#[test]
fn a_notice_is_shown_for_a_while() {
    let settings = Settings::default();
    let scene = Scene { notice: "hears Nord", ..scene(&[], &settings) };
    let mut ui = Ui::default();
    let area = Rect::new(0, 0, 80, 24);
    ui.see(&scene, area, Look::Dark, Duration::from_secs(3));
    assert_eq!(ui.notice(), Some("hears Nord"));
    assert!(lines_of(&paint(&scene, (80, 24), Look::Dark, &mut ui))[23].starts_with(" hears Nord"));
    ui.see(&scene, area, Look::Dark, Duration::from_secs(8));
    assert_eq!(ui.notice(), Some("hears Nord"));
    ui.see(&scene, area, Look::Dark, Duration::from_secs(9));
    assert_eq!(ui.notice(), None);
}

#[test]
fn levels_rise_at_once_and_fall_slowly() {
    let (settings, area) = (Settings::default(), Rect::new(0, 0, 80, 24));
    let scene = scene(&[], &settings);
    let mut ui = Ui::default();
    let mut see = |peak: f32, millis| {
        let peaks = Some([peak, 0.0]);
        ui.see(&Scene { peaks, ..scene }, area, Look::Dark, Duration::from_millis(millis));
        ui.levels().unwrap().map(|level| level.round() as i32)
    };
    assert_eq!(see(1.0, 0), [0, -48]);
    assert_eq!(see(0.0, 500), [-12, -48]);
    assert_eq!(see(0.5, 501), [-6, -48]);
    assert_eq!(see(0.0, 9_000), [-48, -48]);
}

#[test]
fn the_look_follows_the_terminal_and_the_wish() {
    for (terminal, no_colour, ground, look) in [
        (false, false, None, Look::Lines),
        (false, true, Some("0;15"), Look::Lines),
        (true, true, None, Look::Plain),
        (true, false, None, Look::Dark),
        (true, false, Some("15;0"), Look::Dark),
        (true, false, Some("0;default;15"), Look::Light),
        (true, false, Some("0;7"), Look::Light),
        (true, false, Some("15;8"), Look::Dark),
        (true, false, Some("odd"), Look::Dark),
    ] {
        assert_eq!(Look::choose(terminal, no_colour, ground), look, "{ground:?}");
    }
}

/// What a screen of lines prints for these moments.
fn printed(notes: &[RollNote], moments: &[f64]) -> Vec<String> {
    let (mut out, settings) = (Vec::new(), Settings::default());
    let mut lines = BarLines::new(&mut out);
    for now in moments {
        lines.paint(&Scene { now_beats: *now, ..scene(notes, &settings) }).unwrap();
    }
    let now_beats = moments.last().copied().unwrap();
    lines.close(&Scene { now_beats, ..scene(notes, &settings) }).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn without_a_terminal_every_bar_is_a_line() {
    let mut notes = phrase();
    notes.push(note(Part::Machine, 5.0, 1.0, 57, false));
    notes.push(note(Part::Machine, 5.0, 1.0, 60, false));
    let expected = [
        "bar   1 | player D4 D4                            | sideman -",
        "bar   2 | player E4                               | sideman C4 A3+C4",
    ];
    assert_eq!(printed(&notes, &[0.0, 1.0, 3.9, 4.0, 4.1, 7.0]), expected);
    assert_eq!(printed(&notes, &[8.0]), expected);
}

#[test]
fn after_a_jump_the_lines_go_on_from_there() {
    let bars = |moments: &[f64]| -> Vec<String> {
        printed(&[], moments).iter().map(|line| line[4..7].trim().to_owned()).collect()
    };
    assert_eq!(bars(&[0.0, 400.0, 408.5]), ["101", "102"]);
    assert_eq!(bars(&[0.0, 12.0, 4.0, 8.0]), ["1", "2", "3", "2"]);
}

#[test]
fn a_full_bar_is_cut_short() {
    let notes: Vec<_> =
        (0..16).map(|i| note(Part::Machine, f64::from(i) / 4.0, 0.2, 60, false)).collect();
    let settings = Settings::default();
    let line = bar_lines::bar_line(&Scene { late: 2, ..scene(&notes, &settings) }, 0);
    assert!(
        line.ends_with("| sideman C4 C4 C4 C4 C4 C4 C4 C4 C4 C4 C4 C4 and 4 more | late 2"),
        "{line}"
    );
}

#[test]
fn sizes_that_no_terminal_should_have_can_be_drawn() {
    let mut notes = phrase();
    notes.push(note(Part::Player, f64::NAN, f64::INFINITY, 255, false));
    notes.push(note(Part::Machine, -1e300, 1e308, 0, true));
    notes.push(note(Part::Machine, 1e300, -1.0, 127, false));
    let settings = Settings::default();
    for size in [(0, 0), (1, 1), (0, 9), (9, 0), (5, 3), (11, 2), (80, 1), (500, 200), (40, 300)] {
        for look in [Look::Dark, Look::Light, Look::Plain] {
            for now_beats in [0.0, -3.0, 1e15, f64::NAN, f64::INFINITY] {
                let mut ui = with_panel();
                for _ in 0..3 {
                    paint(&Scene { now_beats, ..scene(&notes, &settings) }, size, look, &mut ui);
                    press(&mut ui, KeyCode::Char('?'), &settings);
                }
            }
        }
    }
}
