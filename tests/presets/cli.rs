//! Presets as they are typed: `--preset`, `--save-preset`, `sideman presets` and `sideman models`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use sideman::data::midi_out::{OutNote, OutTrack, Take, TempoEvent};
use sideman::preset::bank::FACTORY;

/// A folder with a melody in it, and an empty one for presets and for models.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let notes = (0..32).map(|i| OutNote {
            tick: i * 240,
            duration: 200,
            key: 60 + [0, 4, 7, 5][i as usize % 4],
            velocity: 80,
            channel: 0,
        });
        let empty = OutTrack { program: 0, channel: 1, notes: Vec::new() };
        let take = Take {
            ticks_per_quarter: 480,
            tempos: vec![TempoEvent { tick: 0, micros_per_quarter: 500_000 }],
            meters: Vec::new(),
            markers: Vec::new(),
            player: OutTrack { program: 0, channel: 0, notes: notes.collect() },
            machine: empty,
        };
        take.save(&desk.path("melody.mid")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Runs `sideman`; gives its exit code, stdout and stderr.
    fn sideman(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::cargo_bin("sideman")
            .unwrap()
            .args(arguments)
            .current_dir(self.0.path())
            .env("SIDEMAN_PRESETS", self.path("presets"))
            .env("SIDEMAN_MODELS", self.path("models"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn play(&self, out: &str, arguments: &[&str]) -> Vec<u8> {
        let first = ["play", "melody.mid", "--out", out];
        let (code, _, problem) = self.sideman(&[&first, arguments].concat());
        assert_eq!((code, problem.as_str()), (0, ""), "{arguments:?}");
        fs::read(self.path(out)).unwrap()
    }
}

#[test]
fn all_presets_are_listed() {
    let desk = Desk::new();
    let (code, table, _) = desk.sideman(&["presets"]);
    assert_eq!(code, 0);
    assert!(table.contains("Wild card") && table.contains("harmonise"), "{table}");
    let (code, json, _) = desk.sideman(&["presets", "--json"]);
    assert_eq!(code, 0);
    let listed: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(listed.len(), FACTORY.len());
    assert_eq!(listed[0]["id"], FACTORY[0].0);
    assert_eq!(listed[0]["settings"]["follow-key"], "on");
}

#[test]
fn a_preset_is_played_changed_kept_and_played_again() {
    let desk = Desk::new();
    let by_id = desk.play("a.mid", &["--preset", "walking-low-register"]);
    let by_name = desk.play("b.mid", &["--preset", "Walking low register"]);
    assert_eq!(by_id, by_name);
    assert_ne!(by_id, desk.play("c.mid", &[]));
    let changes = ["--preset", "wild-card", "--set", "register-low=C4", "--seed", "9"];
    let changed = desk.play("d.mid", &[&changes[..], &["--save-preset", "My Card"]].concat());
    assert_ne!(changed, desk.play("e.mid", &["--preset", "wild-card"]), "--set comes after");
    assert_eq!(changed, desk.play("f.mid", &["--preset", "my card"]));
    let file = fs::read_to_string(desk.path("presets/my-card.toml")).unwrap();
    assert!(file.contains("Wild card, with register-low C4, seed 9."), "{file}");
    fs::copy(desk.path("presets/my-card.toml"), desk.path("elsewhere.toml")).unwrap();
    assert_eq!(changed, desk.play("g.mid", &["--preset", "elsewhere.toml"]));
    let (_, table, _) = desk.sideman(&["presets"]);
    assert!(table.contains("My Card"));
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let desk = Desk::new();
    fs::create_dir(desk.path("presets")).unwrap();
    for (name, text) in [
        ("unknown.toml", "format = 1\nname = 'A'\n[settings]\nvolume = 3\n"),
        ("value.toml", "format = 1\nname = 'A'\n[settings]\nscale = 'happy'\n"),
        ("future.toml", "format = 9\nname = 'A'\n"),
        ("model.toml", "format = 1\nname = 'A'\nmodel = 'nobody'\n"),
        ("presets/broken.toml", "format = 1\nname = \n"),
    ] {
        fs::write(desk.path(name), text).unwrap();
    }
    fs::write(desk.path("large.toml"), vec![b'\n'; 70_000]).unwrap();
    fs::write(desk.path("latin.toml"), b"format = 1\nname = 'caf\xe9'\n").unwrap();
    fs::create_dir(desk.path("folder.toml")).unwrap();
    for (preset, hint) in [
        ("unknown.toml", "sideman params"),
        ("value.toml", "dorian"),
        ("future.toml", "update Sideman"),
        ("model.toml", "sideman models"),
        ("large.toml", "64 KiB"),
        ("latin.toml", "UTF-8"),
        ("folder.toml", "not a file"),
        ("missing.toml", "missing.toml"),
        ("broken", "line 2"),
        ("nobody knows it", "sideman presets"),
    ] {
        let first = ["play", "melody.mid", "--out", "never.mid", "--preset", preset];
        let (code, _, problem) = desk.sideman(&first);
        assert_eq!(code, 1, "{preset}: {problem}");
        assert!(problem.starts_with("sideman: ") && problem.contains(hint), "{preset}: {problem}");
        assert_eq!(problem.trim_end().lines().count(), 1, "{preset}: {problem}");
        assert!(!desk.path("never.mid").exists());
    }
    let keep = ["play", "melody.mid", "--out", "never.mid", "--save-preset", "Wild card"];
    let (code, _, problem) = desk.sideman(&keep);
    assert!(code == 1 && problem.contains("taken"), "{problem}");
    let (code, _, problem) =
        desk.sideman(&["play", "melody.mid", "--out", "never.mid", "--preset"]);
    assert!(code == 2 && problem.contains("--preset"), "{problem}");
    let (code, table, problem) = desk.sideman(&["presets"]);
    assert!(
        code == 0 && table.contains("Wild card") && problem.contains("broken.toml"),
        "{problem}"
    );
}

#[test]
fn models_are_listed_and_found_by_name() {
    let desk = Desk::new();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("presets/duet");
    let mine = desk.path("models/mine");
    fs::create_dir_all(&mine).unwrap();
    fs::create_dir_all(desk.path("models/empty")).unwrap();
    for file in ["model.json", "weights.safetensors"] {
        fs::copy(ours.join(file), mine.join(file)).unwrap();
    }
    let (code, json, problem) = desk.sideman(&["models", "--json"]);
    assert!(
        code == 0 && problem.contains("empty") && problem.trim_end().lines().count() == 1,
        "{problem}"
    );
    let listed: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(listed.iter().map(|m| &m["name"]).collect::<Vec<_>>(), ["duet", "mine"]);
    assert_eq!(listed[0]["hash"], listed[1]["hash"]);
    let kept = desk.play("a.mid", &["--model", "mine", "--save-preset", "With mine"]);
    assert_eq!(kept, desk.play("b.mid", &["--preset", "with-mine"]));
    let file = fs::read_to_string(desk.path("presets/with-mine.toml")).unwrap();
    assert!(file.contains("model = \"mine\""), "{file}");
    fs::remove_dir_all(mine).unwrap();
    let first = ["play", "melody.mid", "--out", "c.mid", "--preset", "with-mine"];
    let (code, _, problem) = desk.sideman(&first);
    assert!(code == 1 && problem.contains("mine"), "{problem}");
}

#[test]
fn a_style_is_asked_for_by_name() {
    let desk = Desk::new();
    let own = desk.play("a.mid", &[]);
    assert!(own == desk.play("b.mid", &["--set", "style=own"]));
    let jazz = desk.play("c.mid", &["--set", "style=JAZZ"]);
    assert!(jazz == desk.play("d.mid", &["--set", "style=2"]) && jazz != own);
    let polka = ["play", "melody.mid", "--out", "e.mid", "--set", "style=polka"];
    let (code, _, problem) = desk.sideman(&polka);
    assert!(code == 1 && problem.contains("the model knows pop, jazz"), "{problem}");
}

#[test]
fn every_parameter_says_what_it_is() {
    let desk = Desk::new();
    let (code, json, _) = desk.sideman(&["params", "--json"]);
    let listed: Vec<BTreeMap<String, String>> = serde_json::from_str(&json).unwrap();
    assert_eq!(code, 0);
    let (_, text, _) = desk.sideman(&["params"]);
    for parameter in &listed {
        let field = |name: &str| parameter[name].as_str();
        for name in ["name", "about", "unit", "range", "default", "place"] {
            assert!(!field(name).trim().is_empty(), "{parameter:?}: no {name}");
        }
        let sentence = field("about");
        assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{sentence}");
        assert_eq!(field("value"), field("default"));
        let line = format!("{} = {}    {}", field("name"), field("default"), field("range"));
        assert!(text.contains(&line) && text.contains(sentence), "{line}");
    }
    let find = |name: &str| listed.iter().find(|p| p["name"] == name).unwrap();
    assert_eq!(find("temperature")["default"], "0.9");
    assert_eq!(find("device")["place"], "plugin");
    assert_eq!(find("reaction-p99")["unit"], "ms");
    assert_eq!(find("reaction-p99")["place"], "reading");
}
