//! The picture holds what it was given, at its place, whatever it was given.

use super::*;

fn note(part: Part, start_beats: f64, len_beats: f64, key: u8) -> RollNote {
    RollNote { part, start_beats, len_beats, key, velocity: 100, planned: false }
}

/// The middle of the place where a beat of a key is drawn.
fn pixel(spec: &RollSpec<'_>, beats: f64, key: u8) -> Colour {
    let layout = Layout::of(spec);
    let row = Row::of(spec, &layout, 0);
    let (x, y) = (row.beat_x(&layout, beats), row.key_y(&layout, key) + layout.key_px / 2.0);
    draw_roll(spec).get_pixel(x as u32, y as u32).0
}

#[test]
fn notes_lie_where_they_sound_in_the_colour_of_their_part() {
    let notes = [note(Part::Player, 1.0, 1.0, 72), note(Part::Machine, 4.0, 0.5, 60)];
    let spec = RollSpec::new("Two notes", &notes);
    let near = |pixel: Colour, colour: Colour| {
        pixel.iter().zip(colour).all(|(a, b)| (i32::from(*a) - i32::from(b)).abs() < 60)
    };
    assert!(near(pixel(&spec, 1.6, 72), PLAYER));
    assert!(near(pixel(&spec, 4.3, 60), MACHINE));
    assert_eq!(pixel(&spec, 2.2, 72), WHITE_ROW);
    assert_eq!(pixel(&spec, 1.6, 73), BLACK_ROW);
}

#[test]
fn a_soft_note_is_darker() {
    let loud = [note(Part::Player, 0.0, 2.0, 60)];
    let soft = [RollNote { velocity: 20, ..loud[0] }];
    let brightness = |notes: &[RollNote]| {
        pixel(&RollSpec::new("", notes), 1.0, 60).iter().map(|c| u32::from(*c)).sum::<u32>()
    };
    assert!(brightness(&loud) > brightness(&soft) + 100);
}

#[test]
fn the_size_follows_bars_and_range() {
    let size = |bars: Range<u32>, keys: [u8; 2]| {
        let notes = keys.map(|key| note(Part::Machine, 0.0, 1.0, key));
        let layout = Layout::of(&RollSpec { bars, ..RollSpec::new("", &notes) });
        (layout.width, layout.height)
    };
    assert!(size(1..17, [60, 72]).0 > size(1..3, [60, 72]).0);
    assert!(size(1..33, [60, 72]).1 > size(1..17, [60, 72]).1);
    assert_eq!(size(1..1, [60, 72]), size(1..2, [60, 72]));
    assert!(size(1..100_000, [0, 127]).1 < 60_000);
}

#[test]
fn nothing_that_comes_breaks_it() {
    let notes = [
        note(Part::Player, -5.0, 2.0, 60),
        note(Part::Player, 1e12, 2.0, 255),
        note(Part::Machine, 2.0, -3.0, 0),
        note(Part::Machine, f64::NAN, f64::INFINITY, 10),
    ];
    let meter = Meter { numerator: 7, denominator: 8 };
    let spec = RollSpec { bars: 1..9, meter, ..RollSpec::new("\u{1f3b9} <&>", &notes) };
    assert!(draw_roll(&spec).width() > 100);
    assert!(draw_roll(&RollSpec::new("", &[])).width() > 100);
}

#[test]
fn a_saved_picture_opens_and_a_bad_path_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roll.png");
    let notes = [note(Part::Player, 0.0, 1.0, 60)];
    let spec = RollSpec::new("Saved", &notes);
    save(&spec, &path).unwrap();
    assert_eq!(image::open(&path).unwrap().into_rgb8(), draw_roll(&spec));
    let error = save(&spec, Path::new("/no/such/folder/a.png")).unwrap_err().to_string();
    assert!(error.starts_with("cannot write the picture /no/such/folder/a.png: "), "{error}");
}
