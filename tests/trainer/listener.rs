//! The listener recipe on made-up songs: two styles told apart, a stopped run that goes on alike, and its measures.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sideman::data::corpus::Corpus;
use sideman::infer::listener::Listener;
use sideman::train::composer::ComposerConfig;
use sideman::train::composer::run::{ComposerEvent, ComposerJob, ComposerOutcome, run_on};
use sideman::train::listener::{ListenerConfig, Playing, Style};

use super::{check_fails, program, sideman_train, songs};

fn config() -> ListenerConfig {
    let config = ListenerConfig::default();
    ListenerConfig {
        net: ComposerConfig { channels: 3, batch: 16, epochs: 8, ..config.net },
        images: 96,
        // What is under the melody is alike in both.
        roles: "accompany=1".parse().unwrap(),
        styles: ["slow", "fast"].map(ToOwned::to_owned).into(),
        ..config
    }
}

/// Songs in quarters and songs in sixteenths.
fn write(folder: &Path) -> [PathBuf; 2] {
    [("slow", 1), ("fast", 4)].map(|(name, notes)| songs::write_in(&folder.join(name), 8, notes))
}

fn train(
    folders: &[PathBuf; 2],
    out: &Path,
    threads: usize,
    resume: bool,
    stop_at: Option<(u64, u64)>,
) -> ComposerOutcome {
    let config = config();
    let style = |(name, folder): (&String, &PathBuf)| {
        let pieces = Corpus::load(folder).unwrap().pieces;
        Style::new(name.clone(), pieces, config.valid_share, config.net.seed).unwrap()
    };
    let styles: Vec<Style> = config.styles.iter().zip(folders).map(style).collect();
    let playing = Playing::new(&config, &styles).unwrap();
    let stop = AtomicBool::new(false);
    let (folder, save_every) = (out.to_path_buf(), Duration::from_secs(3_600));
    let job =
        ComposerJob { folder, threads, resume, save_every, keep_all: false, sources: Vec::new() };
    run_on(&config.net, &playing, &config, &job, &stop, &mut |event| {
        if let ComposerEvent::Step { epoch, step_of_epoch, .. } = event
            && Some((epoch, step_of_epoch)) == stop_at
        {
            stop.store(true, Ordering::Relaxed);
        }
    })
    .unwrap()
}

#[test]
fn two_styles_are_told_apart_and_a_stopped_run_goes_on_alike() {
    let folder = tempfile::tempdir().unwrap();
    let folders = write(folder.path());
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let outcome = train(&folders, &whole, 1, false, None);
    assert!(outcome.best.unwrap() > 0.9, "{outcome:?}");
    let outcome = train(&folders, &broken, 2, false, Some((1, 2)));
    assert_eq!((outcome.epochs, outcome.stopped), (1, true));
    train(&folders, &broken, 2, true, None);
    for name in ["best/weights.safetensors", "best/model.json", "last/weights.safetensors"] {
        let read = |run: &Path| fs::read(run.join(name)).unwrap();
        assert!(read(&whole) == read(&broken), "{name}");
    }
    let listener = Listener::load(&whole.join("best")).unwrap();
    assert_eq!(listener.styles(), ["slow", "fast"]);
    assert!(fs::read_to_string(whole.join("accuracy.svg")).unwrap().contains("images named"));

    // Measured by bars heard, on pieces that were not learnt from.
    let path = |p: &Path| p.to_str().unwrap().to_owned();
    let (model, plot) = (path(&whole), folder.path().join("bars.svg"));
    let [slow, fast] = [("slow", &folders[0]), ("fast", &folders[1])]
        .map(|(name, folder)| format!("{name}={}", path(folder)));
    let eval = ["listener", "eval", "--model", &model, "--style", &fast, "--style", &slow];
    let output =
        sideman_train().args(eval).args(["--json", "--plot", &path(&plot)]).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = found["by_bars"].as_array().unwrap();
    let bars: Vec<_> = rows.iter().map(|r| r["bars"].as_u64().unwrap()).collect();
    assert_eq!(bars, [1, 2, 4, 8, 16, 32]);
    assert!(rows[3]["accuracy"].as_f64().unwrap() > 0.9, "{found}");
    assert!(fs::read_to_string(plot).unwrap().contains("logistic regression"));
    check_fails(&["listener", "eval", "--model", &model, "--style", &fast], "'slow' is missing");
}

#[test]
fn the_command_line_trains_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folders = write(folder.path());
    let path = |p: &Path| p.to_str().unwrap().to_owned();
    let [slow, fast] = [("slow", &folders[0]), ("fast", &folders[1])]
        .map(|(name, folder)| format!("{name}={}", path(folder)));
    let out = path(&folder.path().join("run"));
    let train = ["listener", "train", "--out", &out, "--style", &slow];
    check_fails(&train, "two styles or more");
    check_fails(&[&train[..], &["--style", &path(&folders[1])]].concat(), "write NAME=DIR");
    check_fails(&[&train[..], &["--style", &fast, "--resume"]].concat(), "no run to resume");
    let tiny = ["--channels", "1", "--images", "8", "--batch", "8", "--threads", "1", "--epochs"];
    let both = [&train[..], &["--style", &fast]].concat();
    let (code, text) = program(&[&both[..], &tiny, &["1"]].concat());
    assert_eq!(code, 0, "{text}");
    check_fails(&both, "holds a run already");
    let (code, text) = program(&[&both[..], &["--resume", "--epochs", "2"]].concat());
    assert_eq!(code, 0, "{text}");
    check_fails(&[&train[..], &["--resume"]].concat(), "was started with --style slow, fast");
    let wrong = ["composer", "eval", "--rows", &path(&folders[0]), "--model", &out];
    check_fails(&wrong, "a model for 'listener', not for 'composer'");
}
