//! What is asked of a composer network, on pages drawn here: from a page's file to its composer, and what it goes by.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde_json::Value;
use sideman::data::rows::Gallery;
use sideman::train::composer::ComposerConfig;
use sideman::train::composer::run::{ComposerJob, run};
use sideman::train::optimiser::Way;

use super::{check_fails, drawn, sideman_train};

const SIZE: (usize, usize) = (20, 48);

/// A folder with pages, their rows, and a model that was trained on them.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// Ann writes for two staves, Bob for three.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder };
        let mut manifest = String::from("file,composer,work,source\n");
        for (composer, staves) in [("Ann", 2), ("Bob", 3)] {
            fs::create_dir_all(world.path("pages").join(composer)).unwrap();
            for work in 0..5 {
                let look = drawn::Look { space: 6.0, systems: 4, staves, paper: 250, seed: work };
                let file = format!("{composer}/{work}.png");
                drawn::save(&world.path("pages").join(&file), &drawn::page(look));
                let source = ["old", "new"][usize::from(work > 2)];
                writeln!(manifest, "{file},{composer},{composer} {work},{source}").unwrap();
            }
        }
        fs::write(world.path("pages/manifest.csv"), manifest).unwrap();
        world.json(&["pages", "slice", "--in", "pages", "--out", "rows"], false);
        world.json(&["pages", "split", "--rows", "rows", "--share", "dev=0.2,test=0.2"], false);
        world.train();
        world
    }

    fn train(&self) {
        let config = ComposerConfig {
            depth: 18,
            height: SIZE.0,
            width: SIZE.1,
            batch: 4,
            epochs: 12,
            optimiser: Way::Adam,
            learning_rate: 5e-4,
            ..ComposerConfig::default()
        };
        let gallery = Gallery::load(&self.path("rows"), SIZE, 2, &|_, _| {}).unwrap();
        let job = ComposerJob {
            folder: self.path("run"),
            threads: 2,
            resume: false,
            save_every: std::time::Duration::from_secs(3_600),
            keep_all: false,
            sources: Vec::new(),
        };
        run(&config, &gallery, &job, &AtomicBool::new(false), &mut |_| {}).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program among its files; what it prints, as JSON where it is.
    fn json(&self, arguments: &[&str], json: bool) -> Value {
        let output =
            sideman_train().current_dir(self.folder.path()).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        if json { serde_json::from_slice(&output.stdout).unwrap() } else { Value::Null }
    }

    /// It fails with one line that holds `part`.
    fn fails(&self, arguments: &[&str], part: &str) {
        let paths: Vec<String> = arguments
            .iter()
            .map(|a| match a.strip_prefix('@') {
                Some(name) => self.path(name).to_str().unwrap().to_owned(),
                None => (*a).to_owned(),
            })
            .collect();
        check_fails(&paths.iter().map(String::as_str).collect::<Vec<_>>(), part);
    }
}

/// The size of a picture.
fn size(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap()
}

/// One model for everything: it takes most of the time.
#[test]
fn a_model_is_measured_asked_and_looked_into() {
    let world = World::new();
    measured(&world);
    asked(&world);
    explained(&world);
    leaking(&world);
    refused(&world);
}

fn measured(world: &World) {
    let eval = ["composer", "eval", "--model", "run", "--rows", "rows", "--by", "source"];
    let verdicts = world.json(&[&eval[..], &["--out", "pictures", "--json"]].concat(), true);
    assert!(verdicts["accuracy"].as_f64().unwrap() > 0.7, "{verdicts}");
    let rows = |of: &Value| of["rows"].as_u64().unwrap();
    let by = verdicts["by"].as_object().unwrap();
    assert_eq!(by.values().map(rows).sum::<u64>(), rows(&verdicts));
    assert!(by.keys().all(|k| k == "old" || k == "new"), "{verdicts}");
    let svg = |name: &str| fs::read_to_string(world.path("pictures").join(name)).unwrap();
    assert!(svg("confusion.svg").contains(">Bob<"));
    assert!(svg("calibration.svg").contains("calibration error"));
}

fn asked(world: &World) {
    for (page, composer, rows) in [("Ann/0.png", "Ann", 4), ("Bob/0.png", "Bob", 4)] {
        let page = format!("pages/{page}");
        let predict = ["composer", "predict", "--model", "run", &page, "--out", "named.png"];
        let named = world.json(&[&predict[..], &["--json"]].concat(), true);
        assert_eq!(named["composer"], composer, "{named}");
        let found = named["rows"].as_array().unwrap();
        assert_eq!(found.len(), rows, "{named}");
        for row in found.iter().chain([&named]) {
            let shares = row["probabilities"].as_array().unwrap();
            let sum: f64 = shares.iter().map(|p| p.as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{row}");
        }
        // The page as it is, and beside it what is said of its rows.
        let (wide, high) = size(&world.path("named.png"));
        let (width, height) = size(&world.path(&page));
        assert!(wide > width && high > height);
    }
    rows_are_judged_as_in_training(world);
}

/// A row of a page gets the same probabilities as the row's picture that `pages slice` wrote.
fn rows_are_judged_as_in_training(world: &World) {
    use sideman::model::image::checkpoint::ImageCheckpoint;
    use sideman::train::composer::verdicts::log_softmax;
    let gallery = Gallery::load(&world.path("rows"), SIZE, 2, &|_, _| {}).unwrap();
    let model = ImageCheckpoint::load(&world.path("run/best")).unwrap();
    let named =
        world.json(&["composer", "predict", "--model", "run", "pages/Bob/3.png", "--json"], true);
    let mut seen = 0;
    for rows in &gallery.sides {
        let judged = sideman::train::composer::run::judge(&model.net, rows, SIZE, 7, 1).unwrap();
        for (name, logits) in rows.names.iter().zip(judged.chunks(2)) {
            let Some(nth) = name.strip_prefix("Bob/3_r") else { continue };
            let nth: usize = nth.trim_end_matches(".png").parse().unwrap();
            let p = named["rows"][nth - 1]["probabilities"][1].as_f64().unwrap();
            assert!((log_softmax(logits)[1].exp() - p).abs() < 1e-5, "{name}: {p}");
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

fn refused(world: &World) {
    let white = image::GrayImage::from_pixel(300, 300, image::Luma([255]));
    white.save(world.path("white.png")).unwrap();
    fs::write(world.path("none.png"), b"no picture").unwrap();
    let predict = ["composer", "predict", "--model", "@run"];
    let with = |rest: &[&'static str], part: &str| {
        world.fails(&[&predict[..], rest].concat(), part);
    };
    with(&["@white.png"], "no ink on the page");
    with(&["@none.png"], "none.png");
    with(&["@nowhere.png"], "nowhere.png");
    with(&["@pages/Ann/0.png", "--out", "@no/folder/here.png"], "here.png");
    let manifest = fs::read_to_string(world.path("run/best/model.json")).unwrap();
    fs::create_dir(world.path("other")).unwrap();
    let other = manifest.replace("\"composer\"", "\"duet\"");
    fs::write(world.path("other/model.json"), other).unwrap();
    fs::copy(world.path("run/best/weights.safetensors"), world.path("other/weights.safetensors"))
        .unwrap();
    let wrong = ["composer", "predict", "@pages/Ann/0.png", "--model", "@other"];
    world.fails(&wrong, "'duet'");
    let eval = ["composer", "eval", "--model", "@run", "--rows", "@rows", "--by", "mood"];
    world.fails(&eval, "no column 'mood'");
}

fn explained(world: &World) {
    let row = ["--row", "Bob/3_r02.png"];
    let explain = ["composer", "explain", "--model", "run", "--rows", "rows", "--out", "explained"];
    let row = [&row[..], &["--steps", "8"]].concat();
    world.json(&[&explain[..], &row].concat(), false);
    let file = |name: &str| world.path("explained").join(name);
    assert_eq!(size(&file("row.png")).0, 1_400);
    assert_eq!(size(&file("cam-true.png")), size(&file("row.png")));
    let cam = image::open(file("cam-true.png")).unwrap().into_rgb8();
    assert!(cam.pixels().any(|p| p.0[0].abs_diff(p.0[2]) > 60), "no heat on the row");
    let mut pictures = 2;
    for place in ["stem", "stage1", "stage2", "stage3", "stage4"] {
        for what in ["filters", "activations"] {
            let grid = image::open(file(&format!("{what}-{place}.png"))).unwrap().into_luma8();
            let (least, most) =
                grid.pixels().fold((255, 0), |(low, high), p| (p.0[0].min(low), p.0[0].max(high)));
            assert!(most - least > 100, "{what} of {place}: {least} to {most}");
            pictures += 1;
        }
    }
    let page = fs::read_to_string(file("index.html")).unwrap();
    let held = page.matches("src=\"data:image/png;base64,iVBORw0KGgo").count();
    assert!(held == pictures || held == pictures + 1, "{held} of {pictures}");
    assert!(page.contains("Bob/3_r02.png") && page.ends_with("</html>\n"));
}

fn leaking(world: &World) {
    let leaks = ["composer", "leaks", "--model", "run", "--rows", "rows"];
    let left = world.json(&[&leaks[..], &["--out", "leaks", "--json"]].concat(), true);
    let masks = left["masks"].as_array().unwrap();
    let of = |mask: &str| masks.iter().find(|m| m["mask"] == mask).unwrap();
    // Who always names one of two with as many rows has half of them right.
    assert_eq!(left["chance"]["rows"], 0.5, "{left}");
    let eval = ["composer", "eval", "--model", "run", "--rows", "rows", "--json"];
    let whole = world.json(&eval, true);
    for figure in ["rows", "works", "accuracy", "nats"] {
        assert_eq!(of("untouched")[figure], whole[figure], "{figure}");
    }
    assert_eq!(of("untouched")["same"], 1.0);
    let changed = masks.iter().filter(|m| m["nats"] != whole["nats"]).count();
    assert_eq!(changed, masks.len() - 1, "every other mask changes what is seen");
    assert!(masks.iter().all(|m| m["unmasked"] == 0), "{left}");
    let svg = fs::read_to_string(world.path("leaks/leaks.svg")).unwrap();
    assert!(svg.contains("only staff lines") && svg.contains("50.0 %"));
    assert!(size(&world.path("leaks/contact-sheet.png")).0 > 1_900);
}
