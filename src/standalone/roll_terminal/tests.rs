//! Frames as text, and what the screen sends.

use crate::standalone::Part;

use super::*;

fn note(part: Part, start_beats: f64, len_beats: f64, key: u8, planned: bool) -> RollNote {
    RollNote { part, start_beats, len_beats, key, velocity: 90, planned }
}

fn phrase() -> Vec<RollNote> {
    vec![
        note(Part::Player, 2.0, 1.0, 62, false),
        note(Part::Player, 3.01, 1.0, 62, false),
        note(Part::Player, 3.98, 0.5, 64, false),
        note(Part::Machine, 4.0, 1.0, 60, false),
        note(Part::Machine, 6.5, 0.5, 60, true),
    ]
}

fn state(notes: &[RollNote], now_beats: f64) -> RollState<'_> {
    RollState {
        notes,
        now_beats,
        tempo: Tempo::new(100.0),
        meter: Meter::default(),
        mode: "Accompany",
        model: "duet",
        played: 7,
        late: 0,
        hint: "q quit",
    }
}

/// The lines of a frame without the blanks at their ends.
fn draw(state: &RollState<'_>, columns: u16, rows: u16, look: Look) -> Vec<String> {
    let frame = frame(state, columns, rows, look);
    (0..frame.rows()).map(|row| frame.line(row, false).trim_end().to_owned()).collect()
}

#[test]
fn a_screen_without_colour() {
    let notes = phrase();
    let expected = [
        "   2.3   100 bpm   Accompany   duet   █ you",
        "            1               2        ▼      3",
        "            │               │        │      │",
        "            │               ◆━       │      │",
        "            │               │        │      │",
        "            │       ◆━━━◆━━━│        │      │",
        "            │               │        │      │",
        "  C4        │               ○───     │◦·    │",
        " q quit",
    ];
    assert_eq!(draw(&state(&notes, 6.4), 46, 9, Look::Plain), expected);
}

#[test]
fn a_screen_in_colour_has_two_pitches_a_line() {
    let notes = phrase();
    let expected = [
        "   2.3   100 bpm   Accompany   duet   █ you",
        "            1               2        ▼      3",
        "            │               │        │      │",
        "            │               │        │      │",
        "            │               ▀▀       │      │",
        "            │       ▀▀▀▀▀▀▀▀│        │      │",
        "  C4        │               ▀▀▀▀     │▀▀    │",
        "            │               │        │      │",
        " q quit",
    ];
    assert_eq!(draw(&state(&notes, 6.4), 46, 9, Look::Colour), expected);
}

#[test]
fn parts_strokes_and_plans_have_their_own_colours() {
    let notes = phrase();
    let frame = frame(&state(&notes, 6.4), 46, 9, Look::Colour);
    let inks = |row: usize| {
        let line = frame.line(row, true);
        let spans = line.split("\x1b[38;5;").filter(|span| span.contains('▀'));
        spans.map(|span| span.split(';').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(inks(5), ["222", "214", "222", "214"], "two strokes of the player");
    assert_eq!(inks(6), ["153", "75", "24"], "a stroke of the machine, then a plan");
}

#[test]
fn any_size_and_any_note_can_be_drawn() {
    let mut notes = phrase();
    notes.push(note(Part::Player, f64::NAN, f64::INFINITY, 255, false));
    notes.push(note(Part::Machine, -1e300, 1e308, 0, true));
    notes.push(note(Part::Machine, 1e300, -1.0, 127, false));
    for look in [Look::Colour, Look::Plain] {
        for (columns, rows) in [(0, 0), (1, 1), (5, 3), (6, 4), (80, 2), (300, 200)] {
            for now in [0.0, -3.0, 1e15, f64::NAN] {
                let lines = draw(&state(&notes, now), columns, rows, look);
                assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)));
            }
        }
    }
}

#[test]
fn the_look_follows_the_terminal_and_the_wish() {
    assert_eq!(Look::choose(false, false), Look::Lines);
    assert_eq!(Look::choose(false, true), Look::Lines);
    assert_eq!(Look::choose(true, true), Look::Plain);
    assert_eq!(Look::choose(true, false), Look::Colour);
}

/// What a screen of lines prints for these moments.
fn lines(notes: &[RollNote], moments: &[f64]) -> Vec<String> {
    let mut out = Vec::new();
    let mut screen = Screen::open(&mut out, Look::Lines).unwrap();
    for now in moments {
        screen.paint(&state(notes, *now)).unwrap();
    }
    screen.close(&state(notes, moments.last().copied().unwrap())).unwrap();
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
    assert_eq!(lines(&notes, &[0.0, 1.0, 3.9, 4.0, 4.1, 7.0]), expected);
    assert_eq!(lines(&notes, &[8.0]), expected);
}

#[test]
fn after_a_jump_the_lines_go_on_from_there() {
    let bars = |moments: &[f64]| -> Vec<String> {
        lines(&[], moments).iter().map(|line| line[4..7].trim().to_owned()).collect()
    };
    assert_eq!(bars(&[0.0, 400.0, 408.5]), ["101", "102"]);
    assert_eq!(bars(&[0.0, 12.0, 4.0, 8.0]), ["1", "2", "3", "2"]);
}

#[test]
fn a_full_bar_is_cut_short() {
    let notes: Vec<_> =
        (0..16).map(|i| note(Part::Machine, f64::from(i) / 4.0, 0.2, 60, false)).collect();
    let line = bar_line(&RollState { late: 2, ..state(&notes, 4.0) }, 0);
    assert!(
        line.ends_with("| sideman C4 C4 C4 C4 C4 C4 C4 C4 C4 C4 C4 C4 and 4 more | late 2"),
        "{line}"
    );
}

#[test]
fn only_what_changed_is_sent() {
    let notes = phrase();
    let mut screen = Screen {
        out: Vec::new(),
        look: Look::Colour,
        shown: Vec::new(),
        size: (0, 0),
        painted: None,
        next_bar: 0,
    };
    let mut sent = |now, size| {
        screen.out.clear();
        screen.paint_at(&state(&notes, now), size).unwrap();
        screen.out.len()
    };
    let first = sent(6.4, (80, 24));
    let still = sent(6.45, (80, 24));
    let scrolled = sent(6.5, (80, 24));
    let resized = sent(6.5, (79, 24));
    assert!(still < 40 && scrolled > 1_000 && first > 2_000 && resized > 2_000);
}
