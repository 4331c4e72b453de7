//! The floors of `src/`: who may name whom. A module names only modules that its line allows.

use crate::source::Source;
use crate::violation::Violation;

/// A top module, its floor, and the modules that it may name.
struct Module {
    name: &'static str,
    floor: u8,
    allowed: &'static [&'static str],
}

const fn module(name: &'static str, floor: u8, allowed: &'static [&'static str]) -> Module {
    Module { name, floor, allowed }
}

/// The faces' floor, the highest: only here are hosts, terminals and audio devices known.
const FACES: u8 = 5;

/// The whole house, from the ground up.
const HOUSE: [Module; 13] = [
    module("music", 0, &[]),
    module("model", 1, &["music"]),
    module("link", 2, &["music"]),
    module("live", 3, &["link", "music"]),
    module("infer", 3, &["link", "model", "music"]),
    module("data", 3, &["music", "model"]),
    module("preset", 4, &["live", "infer", "link", "music"]),
    module("train", 4, &["data", "model", "music"]),
    module("window", FACES, &["preset", "infer", "data", "link", "model", "music"]),
    module("plugin", FACES, &["window", "preset", "live", "infer", "link", "model", "music"]),
    module(
        "standalone",
        FACES,
        &["window", "preset", "live", "infer", "data", "link", "model", "music"],
    ),
    module(
        "cli",
        FACES,
        &[
            "music",
            "model",
            "link",
            "live",
            "infer",
            "data",
            "preset",
            "train",
            "window",
            "standalone",
        ],
    ),
    module("bin", FACES, &["cli", "standalone"]),
];

/// Crates that only the faces know: plugin framework, terminal, audio and MIDI devices.
const FACE_CRATES: [&str; 15] = [
    "arboard",
    "baseview",
    "clap",
    "cpal",
    "crossterm",
    "ctrlc",
    "egui",
    "egui_glow",
    "indicatif",
    "keyboard_types",
    "midir",
    "nice_plug",
    "nice_plug_core",
    "ratatui",
    "x11rb",
];

/// What the audio thread's half must not even name, and what to do instead.
const NOT_IN_LIVE: [(&str, &str); 4] = [
    ("Mutex", "speak to the other half by its ring"),
    ("RwLock", "speak to the other half by its ring"),
    ("Instant", "take the time as an argument: it is the host's"),
    ("SystemTime", "take the time as an argument: it is the host's"),
];

/// Holds the edges between the modules in `src/`.
pub(crate) fn check_edges(source: &Source) -> Vec<Violation> {
    let file_module = source.module();
    let Some(own) = file_module.first() else {
        return Vec::new();
    };
    let Some(module) = HOUSE.iter().find(|module| module.name == own) else {
        let message = format!("`{own}` is on no floor: give it one in tests/tidy/floors.rs");
        return vec![Violation::new(&source.path, 1, message)];
    };
    let mut violations = Vec::new();
    for (line, named) in named_modules(source) {
        let message = if named == *own || module.allowed.contains(&named.as_str()) {
            continue;
        } else if named == "*" {
            "imports all of the crate root: name the modules".to_owned()
        } else if HOUSE.iter().any(|module| module.name == named) {
            let allowed = module.allowed.join(", ");
            format!(
                "`{own}` must not name `{named}` (only: {allowed}): \
                 move the code to a floor that sees both, or pass the value in"
            )
        } else {
            format!("`{named}` is no module of the house: the crate root holds only modules")
        };
        violations.push(Violation::new(&source.path, line, message));
    }
    violations
}

/// Holds that only the faces name hosts, terminals and devices.
pub(crate) fn check_face_crates(source: &Source) -> Vec<Violation> {
    let file_module = source.module();
    let floor =
        HOUSE.iter().find(|module| file_module.first().is_some_and(|own| own == module.name));
    if floor.is_none_or(|module| module.floor >= FACES) {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let starts_path = source.word(index.checked_sub(1)) != "::"
            && (source.word(Some(index + 1)) == "::" || source.word(index.checked_sub(1)) == "use");
        if starts_path && FACE_CRATES.contains(&token.text.as_str()) {
            let message =
                format!("`{}` belongs to the faces: pass in what is needed of it", token.text);
            violations.push(Violation::new(&source.path, token.line, message));
        }
    }
    violations
}

/// Holds that `live` names no lock, no clock, no tensors and no worker, however it came by them.
pub(crate) fn check_live(source: &Source) -> Vec<Violation> {
    if source.module().first().is_none_or(|own| own != "live") {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let in_path =
            source.word(index.checked_sub(1)) == "::" || source.word(Some(index + 1)) == "::";
        let advice = match token.text.as_str() {
            "model" | "infer" if in_path => Some("speak to the other half by `link`"),
            name => {
                NOT_IN_LIVE.iter().find(|(banned, _)| *banned == name).map(|(_, advice)| *advice)
            }
        };
        if let Some(advice) = advice {
            let message = format!("`live` must not name `{}`: {advice}", token.text);
            violations.push(Violation::new(&source.path, token.line, message));
        }
    }
    violations
}

/// The top modules that a file names by `crate::`, `sideman::` or `super::`, in a `use` or inline.
fn named_modules(source: &Source) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        // A word after `name::` continues a path; one after a bare `::` or `self::` starts ours.
        let before = index.checked_sub(2).map_or("", |index| source.word(Some(index)));
        let continues = source.word(index.checked_sub(1)) == "::"
            && before != "self"
            && before.starts_with(|char: char| char.is_alphabetic() || char == '_');
        if continues || source.word(Some(index + 1)) != "::" {
            continue;
        }
        // In a binary `crate` is the binary itself.
        let is_bin = token.module.first().is_some_and(|module| module == "bin");
        match token.text.as_str() {
            "crate" if !is_bin => resolve(source, index + 2, &[], &mut named),
            "sideman" => resolve(source, index + 2, &[], &mut named),
            "super" => resolve(source, index, &token.module, &mut named),
            _ => {}
        }
    }
    named
}

/// Follows the path or import tree at `index` that starts in the module `base`.
fn resolve(source: &Source, index: usize, base: &[String], named: &mut Vec<(usize, String)>) {
    let Some(token) = source.tokens.get(index) else {
        return;
    };
    let goes_on = source.word(Some(index + 1)) == "::";
    match token.text.as_str() {
        "{" => group_items(source, index).for_each(|item| resolve(source, item, base, named)),
        "super" if goes_on => {
            let parent = base.split_last().map_or(base, |(_, parent)| parent);
            resolve(source, index + 2, parent, named);
        }
        "self" if goes_on => resolve(source, index + 2, base, named),
        "self" | "super" => {}
        name if base.is_empty() => named.push((token.line, name.to_owned())),
        _ => {}
    }
}

/// Where the items of the import group at `open` start.
fn group_items(source: &Source, open: usize) -> impl Iterator<Item = usize> {
    let mut items = Vec::new();
    let mut depth = 0;
    for index in open..source.tokens.len() {
        let word = source.word(Some(index));
        let previous = source.word(index.checked_sub(1));
        if depth == 1 && word != "}" && (index == open + 1 || previous == ",") {
            items.push(index);
        }
        match word {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    items.into_iter()
}

mod tests {
    use super::*;
    use crate::violation::assert_are;

    /// The modules that `text`, at `path`, names.
    #[track_caller]
    fn check_named(path: &str, text: &str, expected: &[&str]) {
        let named = named_modules(&Source::new(path, text));
        let named: Vec<_> = named.into_iter().map(|(_, name)| name).collect();
        assert_eq!(named, expected, "{text}");
    }

    #[test]
    fn the_house_has_no_circles_and_stands_on_its_ground() {
        let floor = |name: &str| HOUSE.iter().position(|module| module.name == name).expect(name);
        for (position, module) in HOUSE.iter().enumerate() {
            for allowed in module.allowed {
                assert!(floor(allowed) < position, "{} -> {allowed}", module.name);
                let is_lower = HOUSE[floor(allowed)].floor < module.floor;
                assert!(is_lower || module.floor == FACES, "{} -> {allowed}", module.name);
            }
        }
    }

    #[test]
    fn every_form_of_path_is_seen() {
        let live = "src/live/held.rs";
        check_named(live, "use crate::model::Lstm;", &["model"]);
        check_named(
            live,
            "use crate::{model::Lstm, music::{self, Note}, link};",
            &["model", "music", "link"],
        );
        check_named(live, "fn f() { crate::infer::run() }", &["infer"]);
        check_named(live, "pub(in crate::live) fn f() {}", &["live"]);
        check_named(live, "use super::clock::Clock;", &[]);
        check_named(live, "use super::super::model::Lstm;", &["model"]);
        check_named(live, "use super::{clock, super::{infer, link::Pair}};", &["infer", "link"]);
        check_named(live, "use self::super::super::model;", &["model"]);
        check_named(live, "mod tests { use super::super::clock; }", &[]);
        check_named(live, "mod tests { use super::super::super::model; }", &["model"]);
        check_named("src/live.rs", "use super::model;", &["model"]);
        check_named(live, "use crate::*;", &["*"]);
        check_named(live, "macro_rules! m { () => { $crate::infer::run() } }", &["infer"]);
        check_named(live, "// crate::model\nlet _ = \"crate::model\";", &[]);
        check_named(live, "use other::super_thing::model; pub(crate) fn f() {}", &[]);
        check_named(
            "src/bin/sideman.rs",
            "use sideman::cli; crate::f(); ::sideman::live::f();",
            &["cli", "live"],
        );
    }

    #[test]
    fn a_forbidden_edge_is_found() {
        let source =
            Source::new("src/live/held.rs", "//! x\nuse crate::link;\nuse crate::model::Lstm;");
        assert_are(
            &check_edges(&source),
            &["src/live/held.rs:3: `live` must not name `model` (only: link, music): \
             move the code to a floor that sees both, or pass the value in"],
        );
        for (path, text) in [
            ("src/music.rs", "use crate::link;"),
            ("src/link/pair.rs", "fn f(a: super::super::live::Window) {}"),
            ("src/infer.rs", "use crate::live::Window;"),
            ("src/train/run.rs", "use crate::infer::Worker;"),
            ("src/preset.rs", "use crate::model::Lstm;"),
            ("src/standalone/app.rs", "use crate::train::run;"),
            ("src/window/roll.rs", "use crate::standalone::App;"),
            ("src/plugin.rs", "use crate::standalone::App;"),
            ("src/cli.rs", "use crate::plugin::Plugin;"),
            ("src/bin/sideman.rs", "use sideman::live::Window;"),
            ("src/live.rs", "use crate::*;"),
            ("src/live.rs", "use crate::helper;"),
            ("src/utils.rs", ""),
        ] {
            assert_eq!(check_edges(&Source::new(path, text)).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn an_allowed_edge_is_left_alone() {
        for (path, text) in [
            ("src/lib.rs", "pub mod music; use crate::music::Note;"),
            ("src/live.rs", "use crate::{live::held::Held, link::Pair, music};"),
            ("src/cli/args.rs", "use crate::{standalone::App, train::run};"),
            ("src/bin/sideman-train.rs", "use sideman::cli;"),
        ] {
            assert_are(&check_edges(&Source::new(path, text)), &[]);
        }
    }

    #[test]
    fn a_face_crate_below_the_faces_is_found() {
        let text = "//! x\nuse cpal::Stream;\nfn f(a: &clap::Args, clap: u8) {}";
        assert_are(
            &check_face_crates(&Source::new("src/preset.rs", text)),
            &[
                "src/preset.rs:2: `cpal` belongs to the faces: pass in what is needed of it",
                "src/preset.rs:3: `clap` belongs to the faces: pass in what is needed of it",
            ],
        );
        assert_are(&check_face_crates(&Source::new("src/cli/args.rs", text)), &[]);
    }

    #[test]
    fn a_lock_or_a_clock_in_live_is_found() {
        let text = "//! No Mutex.\nuse parking_lot::Mutex;\nlet now = Instant::now();\nmodel::f();\nlet model = 1;";
        assert_are(
            &check_live(&Source::new("src/live/held.rs", text)),
            &[
                "src/live/held.rs:2: `live` must not name `Mutex`: speak to the other half by its ring",
                "src/live/held.rs:3: `live` must not name `Instant`: take the time as an argument: it is the host's",
                "src/live/held.rs:4: `live` must not name `model`: speak to the other half by `link`",
            ],
        );
        assert_are(&check_live(&Source::new("src/infer.rs", text)), &[]);
    }
}
