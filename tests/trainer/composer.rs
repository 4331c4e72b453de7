//! The composer recipe on pictures made here: two hands that write differently, told apart, resumed, and measured.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use image::{GrayImage, Luma};
use sideman::data::rows::Gallery;
use sideman::model::image::checkpoint::ImageCheckpoint;
use sideman::train::composer::ComposerConfig;
use sideman::train::composer::run::{ComposerEvent, ComposerJob, ComposerOutcome, run};
use sideman::train::optimiser::Way;

use super::{check_fails, program};

const SIZE: (usize, usize) = (16, 48);

/// Rows of two composers: Ann's notes hang high, Bob's low. Every fourth work is held out.
fn write(folder: &Path) -> PathBuf {
    let mut split = String::from("row,page,composer,work,split,near\n");
    for (composer, top) in [("Ann", 10), ("Bob", 60)] {
        fs::create_dir_all(folder.join(composer)).unwrap();
        for n in 0..16_u32 {
            let mut picture = GrayImage::from_pixel(400, 100, Luma([250]));
            for line in 0..5 {
                (0..400).for_each(|x| picture.put_pixel(x, 40 + line * 5, Luma([20])));
            }
            for note in 0..9 {
                let (x, y) = (20 + note * 40 + n * 7 % 13, top + (note * 5 + n * 3) % 17);
                (0..12)
                    .for_each(|d| (0..9).for_each(|e| picture.put_pixel(x + d, y + e, Luma([10]))));
            }
            let row = format!("{composer}/{n:02}.png");
            picture.save(folder.join(&row)).unwrap();
            let work = n / 2;
            let side = ["train", "train", "dev", "test"][work as usize % 4];
            writeln!(split, "{row},p,{composer},{composer}{work},{side},").unwrap();
        }
    }
    fs::write(folder.join("split.csv"), split).unwrap();
    folder.to_path_buf()
}

fn config() -> ComposerConfig {
    ComposerConfig {
        depth: 18,
        height: SIZE.0,
        width: SIZE.1,
        batch: 4,
        epochs: 10,
        optimiser: Way::Adam,
        learning_rate: 3e-4,
        augment: true,
        ..ComposerConfig::default()
    }
}

fn job(folder: PathBuf, threads: usize, resume: bool) -> ComposerJob {
    let save_every = Duration::from_secs(3_600);
    ComposerJob { folder, threads, resume, save_every, keep_all: false, sources: Vec::new() }
}

fn train(rows: &Path, job: &ComposerJob, stop_at: Option<(u64, u64)>) -> ComposerOutcome {
    let gallery = Gallery::load(rows, SIZE, 2, &|_, _| {}).unwrap();
    let stop = AtomicBool::new(false);
    run(&config(), &gallery, job, &stop, &mut |event| {
        if let ComposerEvent::Step { epoch, step_of_epoch, .. } = event
            && Some((epoch, step_of_epoch)) == stop_at
        {
            stop.store(true, Ordering::Relaxed);
        }
    })
    .unwrap()
}

#[test]
fn two_hands_are_told_apart_and_a_stopped_run_goes_on_alike() {
    let folder = tempfile::tempdir().unwrap();
    let rows = write(&folder.path().join("rows"));
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let outcome = train(&rows, &job(whole.clone(), 1, false), None);
    assert_eq!((outcome.epochs, outcome.stopped), (10, false));
    assert!(outcome.best.unwrap() > 0.8, "{outcome:?}");
    let outcome = train(&rows, &job(broken.clone(), 2, false), Some((2, 3)));
    assert_eq!((outcome.epochs, outcome.stopped), (2, true));
    train(&rows, &job(broken.clone(), 2, true), None);
    for name in ["best/weights.safetensors", "best/model.json", "last/weights.safetensors"] {
        let read = |run: &Path| fs::read(run.join(name)).unwrap();
        assert!(read(&whole) == read(&broken), "{name}");
    }
    let model = ImageCheckpoint::load(&whole.join("best")).unwrap();
    assert_eq!(model.manifest.classes, ["Ann", "Bob"]);
    assert!(fs::read_to_string(whole.join("accuracy.svg")).unwrap().contains("training"));

    let path = |p: &Path| p.to_str().unwrap().to_owned();
    let eval = ["composer", "eval", "--model", &path(&whole), "--rows", &path(&rows)];
    let output = super::sideman_train().args(eval).arg("--json").output().unwrap();
    let verdicts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((verdicts["rows"].as_u64(), verdicts["works"].as_u64()), (Some(8), Some(4)));
    assert!(verdicts["accuracy"].as_f64().unwrap() > 0.7, "{verdicts}");
}

#[test]
fn wrong_rows_are_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let rows = write(&folder.path().join("rows"));
    let (rows_path, out) = (rows.to_str().unwrap(), folder.path().join("out"));
    let train = ["composer", "train", "--depth", "18", "--out", out.to_str().unwrap(), "--rows"];
    let with = |rest: &[&'static str], part: &str| {
        check_fails(&[&train[..], &[rows_path], rest].concat(), part);
    };
    with(&["--batch", "0"], "--batch is 0");
    with(&["--resume"], "no run to resume");
    check_fails(&[&train[..], &["/nowhere"]].concat(), "pages split");
    fs::write(rows.join("Ann/01.png"), b"no picture").unwrap();
    with(&[], "Ann/01.png");
    let (code, help) = program(&["composer", "train", "--help"]);
    assert_eq!((code, help.as_str()), (0, ""));
}
