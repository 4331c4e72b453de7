//! The harmonist recipe on made-up songs: it learns their chords, on any number of threads alike, and is measured.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sideman::data::corpus::Corpus;
use sideman::model::harmonist::HarmonistConfig;
use sideman::model::harmonist::checkpoint::HarmonistCheckpoint;
use sideman::train::config::SetConfig;
use sideman::train::harmonist::{HarmonistEvent, HarmonistJob, HarmonistTrainConfig, Line, run};
use sideman::train::listener::Style;

use super::{check_fails, program, sideman_train, songs};

fn train(songs: &Path, out: &Path, threads: usize) -> Vec<Line> {
    let config = HarmonistTrainConfig {
        net: HarmonistConfig { hidden: 10, second: 8, ..HarmonistConfig::default() },
        batch: 64,
        epochs: 6,
        learning_rate: 1e-2,
        sets: vec![SetConfig { name: "songs".to_owned(), weight: None }],
        ..HarmonistTrainConfig::default()
    };
    let pieces = Corpus::load(songs).unwrap().pieces;
    let sets = [Style::new("songs".to_owned(), pieces, 0.2, 1).unwrap()];
    let job = HarmonistJob { folder: out.to_path_buf(), threads, sources: Vec::new() };
    let mut lines = Vec::new();
    let outcome = run(&config, &sets, &job, &AtomicBool::new(false), &mut |event| {
        if let HarmonistEvent::Epoch { line, .. } = event {
            lines.push(line);
        }
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.epochs, outcome.stopped), (6, false));
    let best = lines.iter().map(Line::note_in_chord).fold(0.0, f64::max);
    assert!((outcome.best.unwrap() - best).abs() < 1e-12);
    lines
}

#[test]
fn chords_are_learnt_and_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let songs = songs::write(&folder.path().join("songs"), 40);
    let (one, three) = (folder.path().join("one"), folder.path().join("three"));
    let lines = train(&songs, &one, 1);
    let nats = |line: &Line| line.score.means().0;
    assert!(nats(&lines[5]) < 0.6 * nats(&lines[0]), "{lines:?}");
    train(&songs, &three, 3);
    for name in
        ["best/weights.safetensors", "best/model.json", "last/weights.safetensors", "log.csv"]
    {
        let read = |run: &Path| fs::read(run.join(name)).unwrap();
        assert!(read(&one) == read(&three), "{name}");
    }
    let best = HarmonistCheckpoint::load(&one.join("best")).unwrap();
    assert!(best.manifest.metrics["note_in_chord_songs"] > 0.6, "{:?}", best.manifest.metrics);
    assert!(fs::read_to_string(one.join("note-in-chord.svg")).unwrap().contains("songs"));

    let path = |p: &Path| p.to_str().unwrap().to_owned();
    let (model, data) = (path(&one), format!("songs={}", path(&songs)));
    let eval = ["harmonist", "eval", "--model", &model, "--data", &data, "--valid-share", "0.2"];
    let output = sideman_train().args(eval).args(["--side", "all", "--json"]).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let set = &found["sets"][0];
    let of = |who: &str, what: &str| set[who][what].as_f64().unwrap();
    assert!((of("people", "agreement") - 1.0).abs() < 1e-9, "{found}");
    assert!(of("harmonist", "note_in_chord") > of("another", "note_in_chord") + 0.1, "{found}");
    assert!(of("harmonist", "agreement") > of("tonic", "agreement"), "{found}");
    let (code, text) = program(&[&eval[..], &["--part", "both", "--side", "all"]].concat());
    assert!(code == 0, "{text}");
}

#[test]
fn the_command_line_trains_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let songs = songs::write(&folder.path().join("songs"), 6);
    let path = |p: &Path| p.to_str().unwrap().to_owned();
    let (out, songs) = (path(&folder.path().join("run")), path(&songs));
    let train = ["harmonist", "train", "--data", &songs, "--out", &out];
    check_fails(&[&train[..], &["--epochs", "0"]].concat(), "--epochs is 0");
    check_fails(&[&train[..], &["--weight", "folk=1"]].concat(), "the sets of --data are songs");
    check_fails(&[&train[..], &["--hidden", "100000"]].concat(), "hidden is 100000");
    let tiny = ["--hidden", "2", "--epochs", "1", "--threads", "1"];
    let (code, text) = program(&[&train[..], &tiny].concat());
    assert_eq!(code, 0, "{text}");
    check_fails(&train, "holds a run already");
    check_fails(&["harmonist", "eval", "--model", &songs, "--data", &songs], "--model");
}
