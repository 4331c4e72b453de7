//! Every state is drawn, at every size, on both grounds. `SIDEMAN_SHOTS=DIR` keeps the pictures.

use std::path::PathBuf;

use egui::{Event, HoveredFile, Key, Rect, Shape};
use egui_kittest::kittest::Queryable;
use sideman::link::settings::Mode;
use sideman::window::look::{Ground, Look};
use sideman::window::page::Page;
use sideman::window::scene::TrainingState;

use crate::raster;
use crate::scenes::{self, Moment};
use crate::stage::{self, Window};

/// A state, with its name.
fn states() -> Vec<(&'static str, Moment, Option<Page>)> {
    let playing = scenes::playing;
    let mut captured = playing(Mode::Accompany);
    captured.captured = Some(PathBuf::from("/home/ada/Music/Sideman/sideman-3.mid"));
    "8 bars were kept as sideman-3.mid.".clone_into(&mut captured.notice);
    let mut switched = playing(Mode::Trade);
    switched.settings.key_switches = true;
    let failed = TrainingState::Failed("No piece has two parts: 62 files were read.".to_owned());
    vec![
        ("idle", scenes::idle(), None),
        ("accompany", playing(Mode::Accompany), None),
        ("answer", playing(Mode::Answer), None),
        ("trade", switched, None),
        ("harmonise", playing(Mode::Harmonise), None),
        ("solo", playing(Mode::Solo), None),
        ("models", playing(Mode::Accompany), Some(Page::Models)),
        ("presets", playing(Mode::Accompany), Some(Page::Presets)),
        ("training-offered", scenes::training(TrainingState::Offered), Some(Page::Models)),
        ("training-running", scenes::training(TrainingState::Running), Some(Page::Models)),
        ("training-done", scenes::training(TrainingState::Done), Some(Page::Models)),
        ("training-failed", scenes::training(failed), Some(Page::Models)),
        ("captured", captured, Some(Page::Capture)),
        ("health", playing(Mode::Accompany), Some(Page::Health)),
        ("trouble", scenes::trouble(), Some(Page::Health)),
        ("look", playing(Mode::Accompany), Some(Page::Look)),
    ]
}

/// Keeps a picture where the environment says so.
fn keep(window: &mut Window, name: &str) {
    if let Some(folder) = std::env::var_os("SIDEMAN_SHOTS") {
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder).unwrap();
        window.picture().save(folder.join(format!("{name}.png"))).unwrap();
    }
}

/// Every text that is drawn, with its place and that to which it is clipped.
fn texts(window: &Window) -> Vec<(String, Rect, Rect)> {
    fn walk(shape: &Shape, clip: Rect, texts: &mut Vec<(String, Rect, Rect)>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| walk(shape, clip, texts)),
            Shape::Text(text) => {
                let place = text.galley.rect.translate(text.pos.to_vec2());
                texts.push((text.galley.text().to_owned(), place, clip));
            }
            _ => {}
        }
    }
    let mut texts = Vec::new();
    for shape in &window.harness.output().shapes {
        walk(&shape.shape, shape.clip_rect, &mut texts);
    }
    texts
}

#[test]
fn every_state_is_drawn_at_the_usual_size_with_no_text_cut_off() {
    for (name, moment, page) in states() {
        let mut window = stage::open(moment, Look::default(), page);
        window.harness.check_accessibility();
        for (text, place, clip) in texts(&window) {
            let seen = place.intersect(clip);
            // What is scrolled away is cut off above and below.
            let is_whole = seen.width() >= place.width() - 1.0 || !seen.is_positive();
            assert!(is_whole, "{name}: '{text}' at {place} is cut to {clip}");
            let size = window.harness.ctx.content_rect();
            assert!(
                size.expand(1.0).contains_rect(seen) || !seen.is_positive(),
                "{name}: '{text}'"
            );
        }
        keep(&mut window, name);
    }
}

#[test]
fn every_state_is_drawn_at_every_size_and_on_both_grounds() {
    let looks = [
        ("small", [640.0, 420.0], 1.0, Ground::Dark),
        ("small-light", [640.0, 420.0], 1.0, Ground::Light),
        ("light", [1040.0, 680.0], 1.0, Ground::Light),
        ("least", [1040.0, 680.0], 0.75, Ground::Dark),
        ("huge", [640.0, 420.0], 3.0, Ground::Light),
        ("wide", [1920.0, 1080.0], 1.0, Ground::Dark),
        ("tiny", [200.0, 120.0], 1.0, Ground::Dark),
    ];
    for (kind, size, zoom, ground) in looks {
        for (name, moment, page) in states() {
            let mut window = stage::open(moment, Look { size, zoom, ground }, page);
            assert!((window.harness.output().pixels_per_point - zoom).abs() < 1e-6);
            assert_eq!(window.harness.ctx.content_rect().size(), egui::Vec2::from(size));
            if matches!(name, "accompany" | "health" | "training-running" | "idle") {
                keep(&mut window, &format!("{name}-{kind}"));
            }
        }
    }
}

#[test]
fn what_hovers_over_the_window_is_told_what_a_drop_will_do() {
    let mut window = stage::usual(scenes::playing(Mode::Accompany));
    let file =
        HoveredFile { path: Some(PathBuf::from("/home/ada/waltzes")), ..HoveredFile::default() };
    window.harness.input_mut().hovered_files.push(file);
    window.run();
    let texts = texts(&window);
    for wanted in ["Drop waltzes", "A folder of MIDI files is offered for training."] {
        assert!(texts.iter().any(|(text, ..)| text == wanted), "{wanted}");
    }
    keep(&mut window, "hover-drop");
}

/// The states that are kept as text: what is there by name, and what is light and dark where.
const KEPT: [&str; 5] = ["idle", "accompany", "presets", "training-running", "trouble"];
/// Fields of a picture.
const FIELDS: [u32; 2] = [52, 34];

/// Holds that something is as it was kept. `UPDATE=1` keeps it anew.
fn check(file: &str, now: &str, is_like: impl Fn(&str, &str) -> bool) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/window").join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        is_like(&kept, now),
        "{file} is another: look at it (SIDEMAN_SHOTS=DIR keeps pictures), and if it is meant so keep it with UPDATE=1\n{now}"
    );
}

#[test]
fn views_are_as_they_were_kept() {
    for (name, moment, page) in states() {
        if !KEPT.contains(&name) {
            continue;
        }
        let mut window = stage::open(moment, Look::default(), page);
        window.harness.run_steps(60);
        check(&format!("{name}.names.txt"), &stage::tree(&window), |kept, now| kept == now);
        let picture = raster::thumbnail(&window.picture(), FIELDS);
        let rows = picture.iter().map(|row| {
            let fields: Vec<_> = row.iter().map(|field| format!("{field:02}")).collect();
            fields.join(" ") + "\n"
        });
        check(&format!("{name}.light.txt"), &rows.collect::<String>(), is_like);
    }
}

/// Whether two pictures differ by no more than a letter that moved: a field of a hundred shades here and there by a little.
fn is_like(kept: &str, now: &str) -> bool {
    let fields = |text: &str| {
        text.split_whitespace().map(|field| field.parse::<i32>().unwrap()).collect::<Vec<_>>()
    };
    let (kept, now) = (fields(kept), fields(now));
    let differences = || kept.iter().zip(&now).map(|(kept, now)| (kept - now).abs());
    kept.len() == now.len()
        && differences().all(|difference| difference <= 8)
        && differences().filter(|difference| *difference > 2).count() <= kept.len() / 100
}

#[test]
fn a_picture_that_is_another_is_told() {
    let kept = "50 ".repeat(200);
    assert!(is_like(&kept, &kept));
    assert!(is_like(&kept, &("57 51 ".to_owned() + &"50 ".repeat(198))), "a letter moved");
    assert!(!is_like(&kept, &("60 ".to_owned() + &"50 ".repeat(199))), "a mark is missing");
    assert!(!is_like(&kept, &"53 ".repeat(200)), "another ground");
    assert!(!is_like(&kept, ""));
}

/// Whether a text is drawn.
fn reads(window: &Window, wanted: &str) -> bool {
    texts(window).iter().any(|(text, place, clip)| text.contains(wanted) && place.intersects(*clip))
}

#[test]
fn what_the_hand_does_is_seen() {
    let mut moment = scenes::playing(Mode::Accompany);
    moment.settings.density = -0.4;
    let mut window = stage::usual(moment.clone());
    for (tab, title) in [
        ("Pitch", "Keep to the chord that is held"),
        ("Time", "Phrase ends after"),
        ("Dynamics", "Follow my dynamics"),
        ("MIDI", "Low keys choose the mode"),
    ] {
        window.click(tab);
        assert!(reads(&window, title), "{tab}");
        keep(&mut window, &format!("tab-{}", tab.to_lowercase()));
    }
    window.click("Pitch");
    window.click("Scale: Chromatic");
    assert!(reads(&window, "Harmonic minor"));
    keep(&mut window, "list");
    window.press(Key::Escape);
    window.click("Character");
    window.click("Temperature: 0.90");
    window.send([Event::Text("9".to_owned())]);
    window.press(Key::Enter);
    assert!(reads(&window, "It takes 0.05 to 2.00"));
    keep(&mut window, "refused");
    window.press(Key::Escape);
    window.harness.get_by_label("Note density").focus();
    let at = window.place("Note density");
    window.send([Event::PointerMoved(at)]);
    window.harness.run_steps(30);
    assert!(reads(&window, "Fewer or more notes than the model would play."));
    keep(&mut window, "tooltip");
    let why = window.harness.get_by_label_contains("Next: E3").rect();
    let mut window = stage::usual(moment);
    window.send([Event::PointerMoved(why.center_bottom() - egui::vec2(9.0, 12.0))]);
    window.harness.run_steps(30);
    assert!(reads(&window, "%") && reads(&window, "E4: "), "a key is told under the pointer");
    keep(&mut window, "key");
}
