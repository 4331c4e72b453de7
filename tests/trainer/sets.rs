//! Several sets in one run: styles, weights, chorales; and models that are trained on.

use std::fs;
use std::path::Path;

use sideman::infer::net::playable;
use sideman::model::Checkpoint;
use sideman::model::inputs::Inputs;
use sideman::train::run::read_config;

use crate::{check_fails, program, songs};

const TINY: [&str; 12] = [
    "--hidden",
    "16",
    "--embedding",
    "16",
    "--steps",
    "3",
    "--batch",
    "2",
    "--window",
    "16",
    "--threads",
    "1",
];

/// Chorales in JSON: `count` pieces of four voices over 32 sixteenths.
fn chorales(path: &Path, count: i64) {
    let step = |piece: i64, t: i64| [72 + t / 4 * 2 % 7 + piece, 67, 64 - t / 8, 48 + t / 4 % 5];
    let piece = |p| (0..32).map(|t| step(p, t)).collect::<Vec<_>>();
    let json = serde_json::json!({
        "train": (0..count).map(piece).collect::<Vec<_>>(),
        "valid": [],
        "test": [[[60, 55, 52, 48]]],
    });
    fs::write(path, json.to_string()).unwrap();
}

fn run(arguments: &[&str]) {
    let (code, text) = program(arguments);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn sets_become_styles_and_a_model_is_trained_on_with_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    songs::write(Path::new(&path("pop")), 3);
    fs::create_dir(path("bach")).unwrap();
    chorales(&folder.path().join("bach").join("chorales.json"), 3);
    let (pop, bach, out) = (path("pop"), format!("old={}", path("bach")), path("run"));
    let first = ["lstm", "--data", &pop, "--data", &bach, "--out", &out];
    let rest =
        ["--weight", "old=1", "--weight", "pop=3", "--valid-every", "2", "--roles", "lead=1"];
    run(&[&first[..], &rest, &TINY, &["--card-source", "Songs;CC0"]].concat());
    let config = read_config(Path::new(&out)).unwrap();
    assert_eq!((config.styles, config.roles.lead), (vec!["pop".to_owned(), "old".to_owned()], 1));
    assert_eq!(config.sets.iter().map(|s| s.weight).collect::<Vec<_>>(), [Some(3.0), Some(1.0)]);
    let base = Checkpoint::load(&folder.path().join("run/best")).unwrap();
    assert_eq!(base.manifest.styles, ["pop", "old"]);
    let inputs = Inputs { asked: true, styles: 2 };
    assert_eq!(Inputs::of(base.parameters.config().features), inputs);
    assert_eq!(base.manifest.usual.len(), 3, "of no style and of each");
    let metrics = &base.manifest.metrics;
    let mean = 0.75 * metrics["nats_per_note_pop"] + 0.25 * metrics["nats_per_note_old"];
    assert!((metrics["nats_per_note"] - mean).abs() < 1e-6, "each set counts by its share");
    playable(&base).unwrap();
    let log = fs::read_to_string(path("run/log.csv")).unwrap();
    assert!(log.lines().next().unwrap().ends_with("_pop,valid_nats_per_note_old"), "{log}");

    // Going on needs the same sets.
    let other = ["lstm", "--data", &pop, "--data", &pop, "--out", &out, "--resume"];
    check_fails(&other, "two sets are named 'pop'");
    check_fails(&["lstm", "--data", &pop, "--out", &out, "--resume"], "was started with another");
    run(&[&first[..], &["--resume", "--steps", "4"]].concat());
    let last = Checkpoint::load(&folder.path().join("run/last")).unwrap();
    assert_eq!(last.manifest.corpus.sources[0].name, "Songs", "the card is kept");

    // Trained on with music of one's own, the model keeps its styles and gets another.
    let (model, mine) = (path("run/last"), path("mine"));
    let base = last;
    songs::write(Path::new(&path("blues")), 4);
    let blues = path("blues");
    let from = ["lstm", "--from", &model, "--data", &blues, "--out", &mine];
    check_fails(&[&from[..], &["--hidden", "32"]].concat(), "--from: the model has 2 layers of 16");
    let steps = ["--steps", "2", "--batch", "2", "--window", "16", "--warm-up", "0"];
    run(&[&from[..], &steps].concat());
    let tuned = Checkpoint::load(&folder.path().join("mine/last")).unwrap();
    assert_eq!(tuned.manifest.styles, ["pop", "old", "blues"]);
    assert_eq!(tuned.manifest.from, Some(base.hash()));
    assert_eq!(
        tuned.manifest.corpus.sources[0].name, "Songs",
        "what it learnt from before is told"
    );
    let config = read_config(Path::new(&mine)).unwrap();
    assert!((config.learning_rate - 5e-4).abs() < 1e-12);
    // Two small steps away from what it was.
    let began = base.parameters.with_inputs(Inputs { asked: true, styles: 3 }).unwrap();
    let moved = began.values().iter().zip(tuned.parameters.values()).map(|(a, b)| (a - b).abs());
    let most = moved.fold(0.0, f32::max);
    assert!(most > 0.0 && most < 2.1 * 5e-4, "{most}");
}

#[test]
fn wrong_sets_are_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    songs::write(Path::new(&path("pop")), 2);
    fs::create_dir(path("bach")).unwrap();
    fs::write(path("bach/a.json"), r#"{"train": [[[1, 2, 3]]]}"#).unwrap();
    let (pop, bach, out) = (path("pop"), path("bach"), path("run"));
    let first = ["lstm", "--data", &pop, "--out", &out];
    check_fails(&["lstm", "--data", &bach, "--out", &out], "a.json: no chorales of four voices");
    check_fails(&[&first[..], &["--weight", "rock=1"]].concat(), "the sets of --data are pop");
    check_fails(&[&first[..], &["--weight", "pop=0"]].concat(), "--weight pop is 0, allowed are");
    check_fails(&[&first[..], &["--weight", "pop=NaN"]].concat(), "--weight pop is NaN");
    check_fails(&[&first[..], &["--from", &bach]].concat(), "--from: ");
    let (code, text) = program(&[&first[..], &["--roles", "lead"]].concat());
    assert!(code == 2 && text.contains("accompany=50,lead=10"), "{text}");
}
