//! The trainer from outside: tiny runs that learn, come out alike, and go on as if never stopped; and what
//! its command line says to wrong input.
#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail loudly")]

#[path = "trainer/composer.rs"]
mod composer;
#[path = "trainer/composer_faces.rs"]
mod composer_faces;
#[path = "trainer/corpus.rs"]
mod corpus;
#[expect(dead_code, reason = "shared with the tests of pages, which use all of it")]
#[path = "pages/drawn.rs"]
mod drawn;
#[path = "trainer/harmonist.rs"]
mod harmonist;
#[path = "trainer/listener.rs"]
mod listener;
#[path = "trainer/recipes.rs"]
mod recipes;
#[path = "trainer/sets.rs"]
mod sets;
#[path = "trainer/songs.rs"]
mod songs;
#[path = "trainer/walk.rs"]
mod walk;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use assert_cmd::Command;
use sideman::data::corpus::Corpus;
use sideman::data::shelf;
use sideman::data::split::Split;
use sideman::model::inputs::Inputs;
use sideman::model::{Checkpoint, LstmConfig};
use sideman::train::run::{Event, Job, Outcome, run};
use sideman::train::{Material, TrainConfig, metric, ngram};

/// A net and a run small enough for a test.
fn config(steps: u64) -> TrainConfig {
    TrainConfig {
        model: LstmConfig {
            embedding: 32,
            hidden: 48,
            dropout: 0.1,
            features: Inputs { asked: true, styles: 0 }.count(),
            ..LstmConfig::default()
        },
        steps,
        batch: 20,
        window: 32,
        learning_rate: 1e-2,
        warm_up: 5,
        valid_every: 20,
        ..TrainConfig::default()
    }
}

fn split(folder: &Path) -> Split {
    Split::new(Corpus::load(folder).unwrap().pieces, 0.3, 1).unwrap()
}

fn job(folder: &Path, threads: usize, resume: bool) -> Job {
    let save_every = Duration::from_secs(3_600);
    let folder = folder.to_path_buf();
    Job { folder, threads, resume, save_every, sources: Vec::new(), start: None, usual: Vec::new() }
}

fn train(config: &TrainConfig, data: &Path, job: &Job) -> Outcome {
    run(config, vec![Material::alone(split(data))], job, &AtomicBool::new(false), &mut |_| {})
        .unwrap()
}

/// What a run leaves behind, but for the log's speeds.
fn results(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["best/weights.safetensors", "best/model.json", "last/weights.safetensors"];
    let names = names.into_iter().chain(["last/model.json", "resume.safetensors"]);
    names.map(|name| (name.to_owned(), fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn a_tiny_run_learns_and_comes_out_alike_with_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    // A lone song is both trained on and held out.
    let data = songs::write(&folder.path().join("data"), 1);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let config = TrainConfig { valid_every: 100, ..config(400) };
    let outcome = train(&config, &data, &job(&one, 1, false));
    train(&config, &data, &job(&two, 2, false));
    assert_eq!(results(&one), results(&two));

    let split = split(&data);
    let held_out = metric::readings(&shelf::take(&split.valid).unwrap());
    let single =
        &ngram::compare(&metric::readings(&shelf::take(&split.train).unwrap()), &held_out, 1, 2)[0];
    let single = single.metrics(&held_out).nats_per_note;
    let best = outcome.best.unwrap();
    assert!(best < 0.5 * single, "{best} {single}");
    let log = fs::read_to_string(one.join("log.csv")).unwrap();
    assert_eq!(log.lines().count(), 1 + 4, "{log}");
    let picture = fs::read_to_string(one.join("loss.svg")).unwrap();
    assert!(picture.contains("training") && picture.contains("held out"));
    let model = Checkpoint::load(&one.join("best")).unwrap();
    assert!((model.manifest.metrics["nats_per_note"] - best).abs() < 1e-9);
}

#[test]
fn a_run_that_was_stopped_goes_on_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 4);
    let config = TrainConfig { valid_every: 7, ..config(30) };
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    train(&config, &data, &job(&whole, 2, false));
    let stop = AtomicBool::new(false);
    let sets = vec![Material::alone(split(&data))];
    let outcome = run(&config, sets, &job(&broken, 2, false), &stop, &mut |event| {
        if matches!(event, Event::Step { step: 13, .. }) {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    })
    .unwrap();
    assert_eq!((outcome.step, outcome.stopped), (13, true));
    let log = fs::read_to_string(broken.join("log.csv")).unwrap();
    fs::write(broken.join("log.csv"), log + "14,of a step that was lost\n").unwrap();
    let outcome = train(&config, &data, &job(&broken, 1, true));
    assert_eq!((outcome.step, outcome.stopped), (30, false));
    let log = fs::read_to_string(broken.join("log.csv")).unwrap();
    let steps: Vec<&str> = log.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    assert_eq!(steps, ["7", "14", "21", "28", "30"]);
    assert_eq!(results(&whole), results(&broken));
}

/// The program, which keeps what it read where no user looks.
fn sideman_train() -> Command {
    let mut command = Command::cargo_bin("sideman-train").unwrap();
    command.env("SIDEMAN_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/corpora"));
    command
}

/// Runs the program and gives its exit code and what it wrote to stderr.
fn program(arguments: &[&str]) -> (i32, String) {
    let output = sideman_train().args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The program fails with one line that holds `part`.
fn check_fails(arguments: &[&str], part: &str) {
    let (code, text) = program(arguments);
    assert_eq!(code, 1, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("sideman-train: ") && last.contains(part), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn wrong_input_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = songs::write(&folder.path().join("data"), 3);
    let data = data.to_str().unwrap();
    fs::create_dir(path("empty")).unwrap();
    fs::create_dir(path("broken")).unwrap();
    fs::write(folder.path().join("broken").join("a.mid"), b"MThd\0\0\0\x06").unwrap();
    let out = path("out");
    let lstm = |data: &str, rest: &[&'static str], part: &str| {
        let first = ["lstm", "--data", data, "--out", &out];
        check_fails(&[&first, rest].concat(), part);
    };
    lstm(&path("missing"), &[], "No such file");
    lstm(&path("empty"), &[], "no usable .mid file");
    lstm(&path("broken"), &[], "a.mid: midi: the file is cut off");
    lstm(data, &["--resume"], "no run to resume here");
    lstm(data, &["--hidden", "100000"], "hidden is 100000, allowed are 1 to 4096");
    lstm(data, &["--steps", "0"], "--steps is 0, allowed are 1 to");
    lstm(data, &["--lr", "NaN"], "--lr is NaN");
    lstm(data, &["--recipe", "polka"], "--recipe is 'polka'");
    lstm(data, &["--card-source", "nameless"], "write 'NAME;LICENCE'");
    fs::write(path("file"), b"in the way").unwrap();
    check_fails(&["lstm", "--data", data, "--out", &path("file")], "file");
    check_fails(&["eval", "--data", data, "--model", &path("missing")], "model.json");
    let music = ["eval", "--data", data, "--model", "presets/duet", "--only", "music", "--set"];
    check_fails(&[&music[..], &["temper=1"]].concat(), "temper");
    check_fails(&[&music[..], &["output-channel=1"]].concat(), "channel 1 is the player's");
    check_fails(&["bench", "--job", "lstm", "--python", &path("missing")], "--python");
    check_fails(&["bench", "--job", "lstm", "--python", "true"], "must be able to `import torch`");
    assert_eq!(program(&["lstm"]).0, 2);
    assert_eq!(program(&["dance"]).0, 2);
    assert_eq!(program(&["--help"]).0, 0);
}

#[test]
fn the_benchmark_of_the_step_speaks_json() {
    let args = ["bench", "--job", "step", "--rounds", "1", "--json"];
    let output = sideman_train().args(args).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for shape in ["S", "M", "L"] {
        for engine in ["packed_f32_us", "packed_f16_us", "candle_us"] {
            assert!(json["step"][shape][engine].as_f64().unwrap() > 0.0, "{json}");
        }
        assert_eq!(json["step"][shape]["allocations"], 0, "{json}");
        // The count counts.
        assert!(json["step"][shape]["candle_allocations"].as_u64().unwrap() > 100, "{json}");
    }
}

#[test]
fn chorales_are_measured_and_a_wrong_file_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let piece = "[[60, 64, 67], [59, 62, 67], [60, 64, 72], []]";
    let parts = ["train", "valid", "test"].map(|p| format!(r#""{p}": [{piece}, {piece}]"#));
    fs::write(path("songs.json"), format!("{{{}}}", parts.join(", "))).unwrap();
    fs::write(path("list.json"), "[1, 2]").unwrap();
    check_fails(&["jsb", "--data", &path("missing.json")], "No such file");
    check_fails(&["jsb", "--data", &path("list.json")], "expected {\"train\"");
    check_fails(&["jsb", "--data", &path("songs.json"), "--epochs", "0"], "--epochs is 0");
    check_fails(&["jsb", "--data", &path("songs.json"), "--hidden", "9999"], "hidden is 9999");
    let tiny = ["--epochs", "3", "--hidden", "8", "--embedding", "8", "--samples", "5", "--json"];
    let output = sideman_train()
        .args([&["jsb", "--data", &path("songs.json")][..], &tiny].concat())
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["test"]["frames"].as_u64(), json["rounds"].as_u64()), (Some(8), Some(3)));
    assert!(json["test"]["keys"].as_f64().unwrap() > 0.0 && json["valid"]["keys"].is_null());
}

#[test]
fn a_model_is_trained_measured_and_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 3);
    let (data, out) = (data.to_str().unwrap(), folder.path().join("run"));
    let out = out.to_str().unwrap();
    let lstm = ["lstm", "--data", data, "--out", out];
    let tiny =
        ["--hidden", "16", "--embedding", "16", "--steps", "3", "--batch", "2", "--window", "16"];
    let card = ["--card-source", "Made up;CC0"];
    let (code, text) = program(&[&lstm[..], &tiny, &card].concat());
    assert_eq!(code, 0, "{text}");
    check_fails(&lstm, "holds a run already");
    check_fails(&[&lstm[..], &["--resume", "--batch", "3"]].concat(), "was started with another");
    let (code, text) = program(&[&lstm[..], &["--resume", "--steps", "5"], &card].concat());
    assert_eq!(code, 0, "{text}");

    let (model, plots) = (format!("{out}/last"), format!("{out}/plots"));
    let output = sideman_train()
        .args(["eval", "--model", &model, "--data", data, "--bars", "8", "--json"])
        .args(["--plots", &plots])
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["nats_per_note"].as_f64().unwrap() > json["nats_per_token"].as_f64().unwrap());
    assert_eq!(json["by_attribute"].as_object().unwrap().len(), 6);
    let orders = json["ngram_nats_per_note"].as_object().unwrap();
    assert_eq!(orders.keys().collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
    for who in ["people", "model", "ngram", "another_song"] {
        assert!(json["idealised"][who]["notes_per_beat"].as_f64().unwrap() >= 0.0, "{json}");
    }
    assert!(json["copying"]["another_song"]["longest_run"].as_u64().unwrap() > 16);
    assert!(json["by_minute"][0]["notes"].as_u64().unwrap() > 0 && json["memory"].is_null());
    let picture = fs::read_to_string(format!("{plots}/onset_in_bar.svg")).unwrap();
    assert!(picture.starts_with("<svg"), "{picture}");
    assert!(json["idealised"]["people"]["distance_duration"].as_f64().unwrap().abs() < 1e-9);
    let checkpoint = Checkpoint::load(Path::new(&model)).unwrap();
    assert_eq!(checkpoint.manifest.steps, 5);
    assert_eq!(checkpoint.manifest.corpus.sources[0].licence, "CC0");
}
