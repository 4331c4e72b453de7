//! The recipes `jazz` and `rock` from outside: from files to a model, and from the model to music.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assert_cmd::Command;
use sideman::data::midi_file::MidiFile;
use sideman::model::names::checkpoint::NamesCheckpoint;
use sideman::train::names::{
    NamesData, NamesEvent, NamesJob, NamesOutcome, NamesTrainConfig, Recipe, run,
};

use crate::{check_fails, program, songs};

/// What a run leaves behind, but for the log's speeds.
fn results(folder: &Path) -> Vec<Vec<u8>> {
    let names = ["best/weights.safetensors", "best/model.json", "best/seeds.json"];
    let names = names.into_iter().chain(["last/weights.safetensors", "last/model.json"]);
    let names = names.chain(["resume.safetensors", "config.json", "corpus.json", "loss.svg"]);
    let mut results: Vec<_> = names.map(|name| fs::read(folder.join(name)).unwrap()).collect();
    let log = fs::read_to_string(folder.join("log.csv")).unwrap();
    let without_speed: String =
        log.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    results.push(without_speed.into_bytes());
    results
}

/// The losses in a run's log.
fn losses(folder: &Path) -> Vec<f64> {
    let log = fs::read_to_string(folder.join("log.csv")).unwrap();
    log.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect()
}

fn tiny(epochs: u64) -> NamesTrainConfig {
    NamesTrainConfig {
        window: 12,
        hidden: 24,
        dense: 10,
        dropout: 0.2,
        batch: 40,
        epochs,
        learning_rate: 0.01,
        decay: 0.001,
        valid_share: 0.3,
        dedupe: true,
        ..NamesTrainConfig::published(Recipe::Jazz)
    }
}

fn train(
    config: &NamesTrainConfig,
    data: &Path,
    folder: &Path,
    threads: usize,
    resume: bool,
) -> NamesOutcome {
    run_until(config, data, folder, threads, resume, |_| false)
}

fn run_until(
    config: &NamesTrainConfig,
    data: &Path,
    folder: &Path,
    threads: usize,
    resume: bool,
    ends: impl Fn(&NamesEvent) -> bool,
) -> NamesOutcome {
    let save_every = Duration::from_secs(3_600);
    let job = NamesJob { folder: folder.to_path_buf(), threads, resume, save_every };
    let data = NamesData::load(data, config, &[]).unwrap();
    let stop = AtomicBool::new(false);
    run(config, &data, &job, &stop, &mut |event| {
        if ends(&event) {
            stop.store(true, Ordering::Relaxed);
        }
    })
    .unwrap()
}

#[test]
fn a_run_learns_and_comes_out_alike_with_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 4);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let config = tiny(12);
    let outcome = train(&config, &data, &one, 1, false);
    train(&config, &data, &two, 3, false);
    assert_eq!(results(&one), results(&two));
    assert_eq!(losses(&one).len(), 12);
    assert!(fs::read_to_string(one.join("accuracy.svg")).unwrap().contains("held out"));
    let model = NamesCheckpoint::load(&one.join("best")).unwrap();
    assert!((model.manifest.metrics["loss"] - outcome.best.unwrap()).abs() < 1e-9);
    assert!(model.manifest.metrics.contains_key("valid_accuracy"));
}

/// Scalar inputs are slow to learn from: the loss stays near that of the frequencies, and then falls.
#[test]
fn a_song_is_learnt_by_heart() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 1);
    let config = NamesTrainConfig {
        hidden: 32,
        dense: 0,
        dropout: 0.0,
        batch: 16,
        learning_rate: 0.005,
        decay: 0.0,
        clip: Some(1.0),
        valid_share: 0.0,
        dedupe: false,
        ..tiny(200)
    };
    let outcome = train(&config, &data, &folder.path().join("run"), 2, false);
    let losses = losses(&folder.path().join("run"));
    assert!(outcome.best.unwrap() < 0.4 * losses[0], "{losses:?}");
}

#[test]
fn a_run_that_was_stopped_goes_on_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 4);
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let config = tiny(4);
    train(&config, &data, &whole, 2, false);
    let in_epoch =
        |event: &NamesEvent| matches!(event, NamesEvent::Step { epoch: 1, step_of_epoch: 2, .. });
    let outcome = run_until(&config, &data, &broken, 2, false, in_epoch);
    assert_eq!((outcome.epochs, outcome.stopped), (1, true));
    let log = fs::read_to_string(broken.join("log.csv")).unwrap();
    fs::write(broken.join("log.csv"), log + "2,of an epoch that was lost,,,,,\n").unwrap();
    // Stopped again, now between two epochs.
    let after_epoch = |event: &NamesEvent| matches!(event, NamesEvent::Epoch { .. });
    let outcome = run_until(&config, &data, &broken, 1, true, after_epoch);
    assert_eq!((outcome.epochs, outcome.stopped), (2, true));
    let outcome = train(&config, &data, &broken, 3, true);
    assert_eq!((outcome.epochs, outcome.stopped), (4, false));
    assert_eq!(results(&whole), results(&broken));
}

#[test]
fn a_run_that_gets_no_better_ends() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 3);
    let config =
        NamesTrainConfig { patience: Some(2), dropout: 0.0, learning_rate: 1e-12, ..tiny(50) };
    let outcome = train(&config, &data, &folder.path().join("run"), 1, false);
    assert!(outcome.out_of_patience && outcome.epochs < 10, "{outcome:?}");
}

/// What a verb writes to stdout.
fn said(arguments: &[&str]) -> String {
    let output = super::sideman_train().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const SMALL: [&str; 8] = ["--window", "12", "--hidden", "16", "--batch", "32", "--epochs", "2"];

#[test]
fn a_loss_that_runs_away_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 2);
    let (data, out) = (data.to_str().unwrap(), folder.path().join("run"));
    let out = out.to_str().unwrap();
    let run = ["lstm", "--recipe", "jazz", "--data", data, "--out", out, "--dense", "8"];
    check_fails(
        &[&run[..], &SMALL, &["--lr", "1e30"]].concat(),
        "epoch 1, step 1: the loss is not a number",
    );
}

#[cfg(feature = "standalone")]
#[test]
fn a_model_composes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = songs::write(&folder.path().join("data"), 3);
    let (data, out) = (data.to_str().unwrap(), path("run"));
    let run = ["lstm", "--recipe", "jazz", "--data", data, "--out", &out];
    let (code, text) = program(&[&run[..], &SMALL].concat());
    assert_eq!(code, 0, "{text}");

    let compose = |file: &str, rest: &[&str]| {
        let (file, png) = (path(file), path("roll.png"));
        let first = ["generate", "--model", &out, "--out", &file, "--png", &png, "--notes", "30"];
        said(&[&first[..], rest].concat());
        assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
        fs::read(&file).unwrap()
    };
    let published = compose("a.mid", &[]);
    assert_eq!(published, compose("b.mid", &["--argmax"]));
    let lots = compose("c.mid", &["--temperature", "1.5", "--top-p", "0.95"]);
    assert_eq!(lots, compose("d.mid", &["--temperature", "1.5", "--top-p", "0.95", "--seed", "1"]));
    assert_ne!(lots, compose("e.mid", &["--temperature", "1.5", "--seed", "2"]));
    let onsets = |bytes: &[u8]| {
        let file = MidiFile::parse(bytes).unwrap();
        let mut onsets: Vec<u64> =
            file.tracks.iter().flat_map(|t| &t.notes).map(|n| n.onset).collect();
        onsets.sort_unstable();
        onsets.dedup();
        (file.ticks_per_quarter, onsets)
    };
    let (quarter, found) = onsets(&lots);
    let half_beats = (0..30).map(|i| i * u64::from(quarter) / 2);
    assert_eq!(found, half_beats.collect::<Vec<_>>());
    assert_eq!(onsets(&compose("f.mid", &["--with-seed"])).1.len(), 42);

    let generate = |rest: &[&str], part: &str| {
        let first = ["generate", "--model", &out, "--out", &path("x.mid")];
        check_fails(&[&first[..], rest].concat(), part);
    };
    generate(&["--notes", "0"], "--notes is 0");
    generate(&["--temperature", "0"], "--temperature is 0");
    generate(&["--step", "NaN"], "--step is NaN");
    assert_eq!(program(&["generate", "--argmax", "--temperature", "1"]).0, 2);
    let song = path("data/0.mid");
    check_fails(&["generate", "--model", data, "--out", &song], "model.json");
    check_fails(
        &["eval", "--model", &format!("{out}/best"), "--data", data],
        "this is a jazz model",
    );
    let play = ["play", &song, "--out", &path("duet.mid"), "--model", &format!("{out}/best")];
    let output = Command::cargo_bin("sideman").unwrap().args(play).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let last = text.lines().last().unwrap();
    assert!(!output.status.success(), "{text}");
    assert!(last.contains("a jazz model, made for `sideman-train generate`"), "{text}");
}

/// A track's name, its program, and chords that last an eighth each.
type BandTrack<'a> = (&'a str, Option<u8>, &'a [&'a [u8]]);

fn band(tracks: &[BandTrack<'_>]) -> Vec<u8> {
    let mut file = [b"MThd".as_slice(), &[0, 0, 0, 6, 0, 1, 0, tracks.len() as u8, 0, 96]].concat();
    for (channel, (name, program, chords)) in tracks.iter().enumerate() {
        let channel = channel as u8;
        let mut body = vec![0, 0xff, 3, name.len() as u8];
        body.extend(name.bytes());
        if let Some(program) = program {
            body.extend([0, 0xc0 | channel, *program]);
        }
        for chord in *chords {
            for key in *chord {
                body.extend([0, 0x90 | channel, *key, 90]);
            }
            for (i, key) in chord.iter().enumerate() {
                body.extend(songs::delta(if i == 0 { 48 } else { 0 }));
                body.extend([0x80 | channel, *key, 0]);
            }
        }
        body.extend([0, 0xff, 0x2f, 0]);
        file.extend([b"MTrk".as_slice(), &(body.len() as u32).to_be_bytes(), &body].concat());
    }
    file
}

/// A row of power chords, another for every seed.
fn riff(seed: usize) -> Vec<Vec<u8>> {
    let roots = [40, 43, 45, 46, 48, 50, 52, 55];
    let mut state = 12_345 + 977 * seed as u32;
    let mut root = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        roots[(state >> 24) as usize % roots.len()]
    };
    let roots: Vec<u8> = (0..96).map(|_| root()).collect();
    roots.into_iter().map(|root| vec![root, root + 7]).collect()
}

fn write_bands(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for seed in 0..4_usize {
        let chords = riff(seed);
        let chords: Vec<&[u8]> = chords.iter().map(Vec::as_slice).collect();
        let bass: Vec<Vec<u8>> = riff(seed).iter().map(|c| vec![c[0] - 12]).collect();
        let bass: Vec<&[u8]> = bass.iter().map(Vec::as_slice).collect();
        // Every second song says no program.
        let said = seed.is_multiple_of(2);
        let song =
            band(&[("Dist Gtr", said.then_some(30), &chords), ("Bass", said.then_some(33), &bass)]);
        fs::write(folder.join(format!("{seed}.mid")), song).unwrap();
    }
    // The first once more, with another ending.
    let mut chords = riff(0);
    chords.truncate(90);
    let chords: Vec<&[u8]> = chords.iter().map(Vec::as_slice).collect();
    fs::write(folder.join("copy.mid"), band(&[("Guitar", Some(29), &chords)])).unwrap();
}

#[test]
fn guitars_are_found_and_copies_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_bands(&data);
    let (data, out) = (data.to_str().unwrap(), folder.path().join("run"));
    let run = ["lstm", "--recipe", "rock", "--data", data, "--out", out.to_str().unwrap()];
    let (code, text) = program(&[&run[..], &SMALL, &["--unique-factor", "3"]].concat());
    assert_eq!(code, 0, "{text}");
    let report = fs::read(out.join("corpus.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["parts"], 5, "{report}");
    let guessed: Vec<&str> =
        report["guessed"].as_array().unwrap().iter().map(|g| g["part"].as_str().unwrap()).collect();
    assert_eq!(guessed, ["1: Dist Gtr", "3: Dist Gtr"]);
    assert_eq!(report["near_duplicates"], serde_json::json!([["0: Dist Gtr", "copy: Guitar"]]));
    let model = NamesCheckpoint::load(&out.join("best")).unwrap();
    assert!(model.manifest.vocabulary.names.contains(&"E2 B2".to_owned()));

    let only_said = folder.path().join("said");
    let run = ["lstm", "--recipe", "rock", "--data", data, "--out", only_said.to_str().unwrap()];
    let rest = ["--unique-factor", "3", "--min-confidence", "1", "--dedupe"];
    let (code, text) = program(&[&run[..], &SMALL, &rest].concat());
    assert_eq!(code, 0, "{text}");
    let report = fs::read(only_said.join("corpus.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["parts"], 3);
    let (windows, weight) = (&report["train_windows"], &report["train_weight"]);
    assert!(weight.as_f64().unwrap() < 0.8 * windows.as_f64().unwrap(), "{report}");

    let json: serde_json::Value =
        serde_json::from_str(&said(&["guitars", "--data", data, "--fit", "--json"])).unwrap();
    assert_eq!(json["at"].as_array().unwrap().len(), 5, "{json}");
    check_fails(&[&run[..], &["--unique-factor", "99"]].concat(), "holds a run already");
    let run = ["lstm", "--recipe", "rock", "--data", data, "--out", "unused"];
    check_fails(&run, "hold no window of 100 names");
}

#[test]
fn a_sweep_and_its_trials_are_the_same_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = songs::write(&folder.path().join("data"), 2);
    let (data, swept, tried) = (data.to_str().unwrap(), path("swept"), path("tried"));
    let line = |out: &str, rest: &[&str]| -> Vec<String> {
        let first = ["lstm", "--recipe", "rock", "--data", data, "--out", out, "--parts", "all"];
        let rates = ["--unique-factor", "2", "--lrs", "0.01,0.001"];
        [&first[..], &SMALL, &rates, rest].concat().into_iter().map(ToOwned::to_owned).collect()
    };
    let run = |words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (code, text) = program(&words);
        assert_eq!(code, 0, "{text}");
    };
    run(&line(&swept, &["--sweep"]));
    run(&line(&tried, &["--trial", "2/2"]));
    let (swept, tried) = (folder.path().join("swept"), folder.path().join("tried"));
    assert_eq!(results(&swept.join("lr-0.001")), results(&tried.join("lr-0.001")));
    assert!(!tried.join("lr-0.01").exists());
    let picture = fs::read_to_string(swept.join("compare.svg")).unwrap();
    assert!(picture.contains("lr-0.01<") && picture.contains("lr-0.001<"), "{picture}");
    let before = results(&swept.join("lr-0.01"));
    run(&line(&path("swept"), &["--sweep", "--resume"]));
    assert_eq!(results(&swept.join("lr-0.01")), before);
    let out = path("two.svg");
    let runs = ["lr-0.01", "lr-0.001"].map(|n| swept.join(n).to_str().unwrap().to_owned());
    said(&["compare", &runs[0], &runs[1], "--out", &out]);
    assert_eq!(fs::read_to_string(&out).unwrap(), picture);

    let fails = |rest: &[&str], part: &str| {
        let words = line(&path("other"), rest);
        check_fails(&words.iter().map(String::as_str).collect::<Vec<_>>(), part);
    };
    fails(&["--trial", "3/2"], "--trial 3/2");
    fails(&["--trial", "1/3"], "the sweep has 2 learning rates");
    fails(&["--trial", "1/2", "--sweep"], "leave one of them out");
    fails(&["--sweep", "--lr", "0.1"], "a sweep takes --lrs");
    check_fails(&["compare", data, "--out", &out], "log.csv");
}

#[test]
fn options_come_from_a_file_and_what_is_typed_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = songs::write(&folder.path().join("data"), 2);
    let (data, out, file) = (data.to_str().unwrap(), path("run"), path("a.toml"));
    let options = "recipe = \"jazz\"\nwindow = 12\nhidden = 8\nepochs = 9\nparts = \"first\"\nvalid_share = 0.5\n";
    fs::write(&file, options).unwrap();
    let run = ["lstm", "--config", &file, "--data", data, "--out", &out];
    let (code, text) = program(&[&run[..], &["--epochs", "1"]].concat());
    assert_eq!(code, 0, "{text}");
    let config = fs::read(folder.path().join("run").join("config.json")).unwrap();
    let config: NamesTrainConfig = serde_json::from_slice(&config).unwrap();
    assert_eq!((config.window, config.hidden, config.epochs), (12, 8, 1));
    assert_eq!((config.parts.as_str(), config.batch), ("first", 32));
    check_fails(&run, "holds a run already");
    check_fails(&[&run[..], &["--resume", "--hidden", "9"]].concat(), "with other settings");
    let (code, text) = program(&[&run[..], &["--resume", "--epochs", "2"]].concat());
    assert_eq!(code, 0, "{text}");
    assert_eq!(losses(&folder.path().join("run")).len(), 2);

    fs::write(&file, "epoch = 3\n").unwrap();
    check_fails(&run, "'epoch' is no option of `sideman-train lstm`");
    check_fails(&["lstm", "--config", &path("none.toml"), "--data", data], "none.toml");
    let jazz = ["lstm", "--recipe", "jazz", "--data", data, "--out", &path("x")];
    check_fails(&[&jazz[..], &["--steps", "5"]].concat(), "--steps is for the duet recipe");
    check_fails(&[&jazz[..], &["--watch", "valid"]].concat(), "add --valid-share");
    let duet = ["lstm", "--data", data, "--out", &path("x"), "--hop", "5"];
    check_fails(&duet, "--hop is for the recipes jazz and rock");
}

#[test]
fn a_shared_model_begins_with_music_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = songs::write(&folder.path().join("data"), 3);
    let data = data.to_str().unwrap();
    let run = path("run");
    let train = ["lstm", "--recipe", "jazz", "--data", data, "--out", &run, "--epochs", "1"];
    let small = ["--window", "8", "--hidden", "8"];
    let code = |arguments: &[&str]| {
        let output = super::sideman_train().args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(code(&[&train[..], &small].concat()).0, 0);
    let shared = path("shared");
    let share = ["share", "--model", &run, "--out", &shared];
    assert_eq!(code(&share).0, 0);
    assert_eq!(code(&share).0, 1, "nothing is overwritten");
    let file = |folder: &str, name: &str| fs::read(Path::new(folder).join(name)).unwrap();
    let best = format!("{run}/best");
    for name in ["model.json", "weights.safetensors"] {
        assert_eq!(file(&best, name), file(&shared, name));
    }
    let seeds = |folder: &str| -> Vec<Vec<u16>> {
        serde_json::from_slice(&file(folder, "seeds.json")).unwrap()
    };
    let corpus = seeds(&best);
    assert!(seeds(&shared).iter().all(|s| s.len() == 8 && !corpus.contains(s)));
    let out = path("piece.mid");
    let generate = ["generate", "--model", &shared, "--notes", "60", "--temperature", "1"];
    let (ended, said) = code(&[&generate[..], &["--out", &out, "--against", data]].concat());
    assert_eq!(ended, 0);
    assert!(said.contains("longest run shared with 3 parts"), "{said}");
}
