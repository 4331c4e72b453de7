//! `sideman-train pages` from outside: rows of made-up pages, pages that are none, what is kept when it is stopped, and
//! the split.
#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail loudly")]

#[path = "pages/drawn.rs"]
mod drawn;
#[path = "pages/printed.rs"]
mod printed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use assert_cmd::Command;
use drawn::{Look, cmyk_jpeg, fill, page, save};
use image::{ExtendedColorType, ImageBuffer, ImageReader, Luma, LumaA};
use printed::{bomb, drawing, photo_bomb, printed};
use sideman::data::pages::ledger::{Ledger, Line};
use sideman::data::pages::slicing::{self, Job, Report};
use sideman::data::pages::{Grey, Rule, deskew, slice};

fn trainer(args: &[&str]) -> (bool, String, String) {
    let output =
        Command::cargo_bin("sideman-train").unwrap().arg("pages").args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn run(
    pages: &Path,
    out: &Path,
    rule: Rule,
    stop: &AtomicBool,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Report {
    let painter = assert_cmd::cargo::cargo_bin!("sideman-train");
    slicing::run(&Job { pages, out, painter, rule, threads: 2, stop, tell }).unwrap()
}

fn sliced(pages: &Path, out: &Path, rule: Rule) -> Report {
    run(pages, out, rule, &AtomicBool::new(false), &|_, _| {})
}

fn lines(out: &Path) -> Vec<Line> {
    let mut lines = Ledger::open(out).unwrap().lines().to_vec();
    lines.sort_by(|a, b| (&a.page, &a.row).cmp(&(&b.page, &b.row)));
    lines
}

/// Every file under a folder by its name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(self::files(&path).into_iter().map(|(n, b)| (format!("{name}/{n}"), b)));
        } else if name != "rows.csv" {
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn systems_are_found_at_any_resolution_and_small_angles() {
    for (space, degrees, staves) in
        [(6.0, 0.0, 2), (9.3, 1.3, 2), (9.3, -2.5, 1), (18.7, 0.4, 2), (9.3, 0.7, 3)]
    {
        let look = Look { space, staves, paper: 235, ..Look::default() };
        let mut page = page(look);
        // A border of the scanner, and the page's number.
        let height = page.height as f32;
        fill(&mut page, (0.0, 0.0), (space * 2.0, height));
        fill(&mut page, (space * 60.0, space * 187.0), (space * 2.0, space * 2.0));
        let page = deskew::turn(&page, -degrees, 235);
        let sliced = slice(page, Rule::Staves).unwrap();
        let found: Vec<usize> = sliced.rows.iter().map(|r| r.staves).collect();
        assert_eq!(found, [staves; 5], "space {space}, {degrees} degrees");
        assert!((sliced.turned - degrees).abs() < 0.1, "{} for {degrees}", sliced.turned);
        for row in &sliced.rows {
            assert!((row.staff / space - 4.0).abs() < 0.1, "{}", row.staff);
            let wide = row.area.width as f32 / space;
            assert!((109.0..116.0).contains(&wide), "{wide} spaces wide");
            let high = row.area.height as f32 / space - (staves - 1) as f32 * 10.0;
            assert!((4.0..16.0).contains(&high), "{high} spaces for its notes");
        }
    }
}

#[test]
fn staves_that_nothing_joins_are_rows_of_their_own() {
    let mut page = page(Look { systems: 4, staves: 1, ..Look::default() });
    // A title, and a stem that reaches from one row to the next.
    fill(&mut page, (500.0, 5.0), (200.0, 20.0));
    fill(&mut page, (700.0, 8.0 * 9.3), (1.0, 60.0 * 9.3));
    let rows = slice(page, Rule::Staves).unwrap().rows;
    assert_eq!(rows.iter().map(|r| r.staves).collect::<Vec<_>>(), [1; 4]);
}

#[test]
fn pages_that_are_none_get_a_line_each_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (pages, out) = (dir.path().join("in"), dir.path().join("out"));
    let at = |name: &str| pages.join("Ann").join(name);
    let good = page(Look::default());
    save(&at("a_good.png"), &good);
    let whole = fs::read(at("a_good.png")).unwrap();
    fs::write(at("truncated.png"), &whole[..whole.len() / 3]).unwrap();
    fs::write(at("text.png"), "no image").unwrap();
    fs::write(at("empty.jpg"), "").unwrap();
    fs::write(at("cmyk.jpg"), cmyk_jpeg()).unwrap();
    let uniform = |name: &str, side: u32, level: u8| {
        let pixels = vec![level; (side * side) as usize];
        image::save_buffer(at(name), &pixels, side, side, ExtendedColorType::L8).unwrap();
    };
    uniform("bomb.png", 10_000, 0);
    uniform("black.png", 900, 0);
    uniform("white.png", 900, 255);
    uniform("pixel.png", 1, 0);
    let deep =
        ImageBuffer::<Luma<u16>, _>::from_fn(good.width as u32, good.height as u32, |x, y| {
            Luma([u16::from(good.line(y as usize)[x as usize]) * 257])
        });
    deep.save(at("deep.png")).unwrap();
    // Black ink on nothing at all, as engravers export it.
    let clear =
        ImageBuffer::<LumaA<u8>, _>::from_fn(good.width as u32, good.height as u32, |x, y| {
            LumaA([0, 255 - good.line(y as usize)[x as usize]])
        });
    clear.save(at("clear.png")).unwrap();
    let photo =
        image::GrayImage::from_raw(good.width as u32, good.height as u32, good.pixels.clone());
    photo.unwrap().save(at("photo.jpg")).unwrap();
    fs::write(at("cut.pdf"), "%PDF").unwrap();
    fs::write(at("packed.pdf"), printed(&[bomb()])).unwrap();
    fs::write(at("photo.pdf"), printed(&[photo_bomb()])).unwrap();
    let (pages, out) = (pages.to_str().unwrap(), out.to_str().unwrap());
    for rule in ["staves", "article"] {
        let out = format!("{out}-{rule}");
        let (ok, stdout, stderr) =
            trainer(&["slice", "--in", pages, "--out", &out, "--rule", rule]);
        assert!(ok, "{stderr}");
        assert!(stdout.starts_with("15 pages (0 done before): "), "{stdout}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let lines = lines(Path::new(&out));
        let verdict = |name: &str| {
            let mut own = lines.iter().filter(|l| l.page == format!("Ann/{name}"));
            let first = own.next().unwrap();
            assert_eq!(own.next(), None, "one line for {name}");
            assert!(
                stderr.contains(&format!("no rows from Ann/{name}: {}", first.verdict)),
                "{stderr}"
            );
            assert!(first.row.is_empty() && !first.verdict.contains('\n'));
            first.verdict.clone()
        };
        assert!(verdict("truncated.png").starts_with("refused: "));
        assert!(verdict("text.png").starts_with("refused: "));
        assert!(verdict("empty.jpg").starts_with("refused: "));
        assert_eq!(verdict("cut.pdf#001"), "refused: no PDF file, or a broken one");
        let most = "refused: drawing it takes too much memory or time";
        assert_eq!(verdict("packed.pdf#001"), most);
        assert!([most, "blank: no ink on the page"].contains(&verdict("photo.pdf#001").as_str()));
        assert_eq!(verdict("bomb.png"), "refused: 10000 x 10000 are 100 megapixels, at most 40");
        assert_eq!(verdict("black.png"), "no paper: most of the page is black");
        assert_eq!(verdict("white.png"), "blank: no ink on the page");
        assert_eq!(verdict("cmyk.jpg"), "blank: no ink on the page");
        assert_eq!(verdict("pixel.png"), "too small: 1 x 1 pixels");
        let rows = |name: &str| {
            lines.iter().filter(|l| l.page == format!("Ann/{name}") && l.verdict == "row").count()
        };
        for page in ["a_good.png", "deep.png", "clear.png", "photo.jpg"] {
            assert_eq!(rows(page), 5, "{rule} {page}");
        }
    }
}

#[test]
fn sheets_of_a_pdf_file_are_pages_and_the_file_is_a_work() {
    let dir = tempfile::tempdir().unwrap();
    let (pages, out) = (dir.path().join("in"), dir.path().join("out"));
    for composer in ["Ann", "Bob"] {
        fs::create_dir_all(pages.join(composer)).unwrap();
        let sheets = [
            drawing(&page(Look { space: 6.0, ..Look::default() })),
            drawing(&page(Look { space: 9.3, staves: 1, ..Look::default() })),
        ];
        fs::write(pages.join(composer).join("Suite.pdf"), printed(&sheets)).unwrap();
    }
    let (pages, out_name) = (pages.to_str().unwrap(), out.to_str().unwrap());
    let (ok, stdout, stderr) = trainer(&["slice", "--in", pages, "--out", out_name]);
    assert!(ok, "{stderr}");
    assert!(stdout.starts_with("4 pages (0 done before): 20 rows"), "{stdout}");
    let lines = lines(&out);
    assert_eq!(lines[0].page, "Ann/Suite.pdf#001");
    assert_eq!(lines[0].row, "Ann/Suite_p001_r01.png");
    assert_eq!(lines.iter().map(|l| l.staves).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));
    let (ok, _, stderr) = trainer(&["split", "--rows", out_name]);
    assert!(ok, "{stderr}");
    let split = fs::read_to_string(out.join("split.csv")).unwrap();
    assert_eq!(split.matches(",Suite,").count(), 20, "{split}");
    let (ok, stdout, _) = trainer(&["slice", "--in", pages, "--out", out_name]);
    assert!(ok && stdout.starts_with("0 pages (4 done before)"), "{stdout}");
}

#[test]
fn what_was_stopped_goes_on_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("in");
    for i in 0..9 {
        let look = Look { systems: 2 + i as usize % 4, seed: i, space: 6.0, ..Look::default() };
        save(&pages.join(format!("Composer {}/op{i}_p1.png", i % 2)), &page(look));
    }
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    assert_eq!(sliced(&pages, &whole, Rule::Staves).pages, 9);
    let stop = AtomicBool::new(false);
    let report = run(&pages, &parts, Rule::Staves, &stop, &|done, _| {
        stop.store(done >= 3, Ordering::Relaxed);
    });
    assert!(report.stopped && (3..9).contains(&report.pages), "{report:?}");
    // And as if the power had gone while a page's lines were written.
    let text = fs::read_to_string(parts.join("rows.csv")).unwrap();
    fs::write(parts.join("rows.csv"), &text[..text.len() - 20]).unwrap();
    let again = sliced(&pages, &parts, Rule::Staves);
    assert_eq!(again.before, report.pages - 1);
    assert_eq!(lines(&parts), lines(&whole));
    assert_eq!(files(&parts), files(&whole));
    assert_eq!(sliced(&pages, &parts, Rule::Staves).pages, 0);
    // A page that has changed is sliced again, and its old rows go.
    save(
        &pages.join("Composer 1/op3_p1.png"),
        &page(Look { systems: 1, space: 6.0, ..Look::default() }),
    );
    assert_eq!(sliced(&pages, &parts, Rule::Staves).pages, 1);
    let own = |l: &&Line| l.page == "Composer 1/op3_p1.png";
    assert_eq!(lines(&parts).iter().filter(own).count(), 1);
    assert_eq!(files(&parts).keys().filter(|f| f.contains("op3_")).count(), 1);
}

#[test]
fn what_is_too_high_is_for_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let (pages, out) = (dir.path().join("in"), dir.path().join("out"));
    let mut tall = page(Look::default());
    // A stroke joins two rows.
    fill(&mut tall, (600.0, 150.0), (3.0, 300.0));
    save(&pages.join("Ann/p1.png"), &tall);
    let report = sliced(&pages, &out, Rule::Article);
    assert_eq!((report.rows, report.too_high), (4, 1), "{:?}", lines(&out));
    let rows = lines(&out);
    let high = rows.iter().find(|l| l.verdict == "too high").unwrap();
    assert_eq!(high.row, "Errors/Ann/p1_r01.png");
    let overlay = ImageReader::open(out.join("Errors/Ann/p1_cuts.png"))
        .unwrap()
        .decode()
        .unwrap()
        .into_rgb8();
    assert_eq!((overlay.width() as usize, overlay.height() as usize), (tall.width, tall.height));
    let blue =
        overlay.enumerate_rows().filter(|(_, row)| row.clone().any(|(.., p)| p.0 == [0, 60, 255]));
    let blue: Vec<u32> = blue.map(|(y, _)| y).collect();
    assert_eq!(blue.len(), 3, "one cut, three pixels thick");
    let between = 206..370;
    assert!(blue.iter().all(|y| between.contains(y)), "{blue:?}");
    let row = ImageReader::open(out.join("Ann/p1_r02.png")).unwrap().decode().unwrap().into_luma8();
    assert_eq!(row.width(), 2_000);
    assert!(
        row.enumerate_pixels()
            .filter(|(x, ..)| *x as usize >= tall.width)
            .all(|(.., p)| p.0 == [255])
    );
    let staves = dir.path().join("staves");
    assert_eq!(
        sliced(&pages, &staves, Rule::Staves).too_high,
        0,
        "the other rule cuts around the stroke"
    );
}

#[test]
fn rows_are_split_by_works_and_copies_across_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (pages, out) = (dir.path().join("in"), dir.path().join("out"));
    let look = |seed| Look { seed, space: 6.0, systems: 3, ..Look::default() };
    for (composer, first) in [("Ann", 100), ("Ben", 200)] {
        for work in 0..10 {
            for sheet in 0..2 {
                // The last work is the first in disguise.
                let seed = first + work % 9 * 2 + sheet;
                let name = format!("{composer}/op{work}_p{sheet}.png");
                save(&pages.join(name), &page(look(seed)));
            }
        }
    }
    sliced(&pages, &out, Rule::Staves);
    let rows = out.to_str().unwrap();
    let mut told = false;
    for seed in ["1", "2", "3", "4", "5", "6"] {
        let (ok, stdout, stderr) =
            trainer(&["split", "--rows", rows, "--share", "dev=0.2,test=0.2", "--seed", seed]);
        assert!(ok, "{stderr}");
        let mut sides: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        for record in csv::Reader::from_path(out.join("split.csv")).unwrap().records() {
            let record = record.unwrap();
            let (composer, work, side, near) = (&record[2], &record[3], &record[4], &record[5]);
            sides
                .entry((composer.to_owned(), work.to_owned()))
                .or_default()
                .insert(side.to_owned());
            *rows.entry(format!("{composer} {side}")).or_default() += 1;
            let twins = [format!("{composer}/op0_"), format!("{composer}/op9_")];
            let own = twins.iter().any(|t| record[0].starts_with(t));
            assert!(
                near.is_empty() || own && twins.iter().any(|t| near.starts_with(t)),
                "{record:?}"
            );
            told |= !near.is_empty();
        }
        assert_eq!(sides.len(), 20);
        assert!(sides.values().all(|s| s.len() == 1), "{sides:?}");
        for side in ["Ann dev", "Ann test", "Ben dev", "Ben test"] {
            assert_eq!(rows[side], 12, "{side} of 60");
        }
        assert!(stdout.contains("12 of 2 works") && stdout.contains("36 of 6 works"), "{stdout}");
        let near = fs::read_to_string(out.join("split.csv"))
            .unwrap()
            .lines()
            .filter(|l| !l.ends_with(",near") && !l.ends_with(','))
            .count();
        assert_eq!(stdout.contains("\n0 near copies"), near == 0, "{stdout}");
    }
    assert!(told, "the twins are parted by one of six seeds");
}

#[test]
fn a_manifest_names_the_works_and_wrong_input_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (pages, out) = (dir.path().join("in"), dir.path().join("out"));
    let mut manifest = "file,work\n".to_owned();
    for i in 0..6 {
        save(
            &pages.join(format!("Ann/sheet{i}.png")),
            &page(Look { space: 6.0, seed: i, ..Look::default() }),
        );
        writeln!(manifest, "Ann/sheet{i}.png,op{}", i / 2).unwrap();
    }
    fs::write(pages.join("manifest.csv"), manifest).unwrap();
    sliced(&pages, &out, Rule::Staves);
    let rows = out.to_str().unwrap();
    let (ok, stdout, stderr) = trainer(&["split", "--rows", rows]);
    assert!(ok && stdout.contains("10 of 1 works"), "{stdout}{stderr}");
    let fails = |args: &[&str], why: &str| {
        let (ok, _, stderr) = trainer(args);
        assert!(!ok && stderr.contains(why), "{args:?}: {stderr}");
    };
    fails(&["split", "--rows", rows, "--work-from", "prefix before first _"], "tells no work");
    fails(&["split", "--rows", rows, "--work-from", "by ear"], "prefix before first X");
    fails(&["split", "--rows", rows, "--share", "dev=0.7,test=0.7"], "nothing is left");
    fails(&["split", "--rows", dir.path().to_str().unwrap()], "no rows");
    fails(&["slice", "--in", dir.path().join("none").to_str().unwrap(), "--out", rows], "none");
    fails(&["slice", "--in", pages.to_str().unwrap()], "--out");
    fs::create_dir(dir.path().join("bare")).unwrap();
    fails(&["slice", "--in", dir.path().join("bare").to_str().unwrap(), "--out", rows], "no pages");
}

#[test]
fn rows_are_compared_with_counts() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("in");
    save(&pages.join("Ann/p1.png"), &page(Look::default()));
    save(&pages.join("Ann/p2.png"), &Grey::new(500, 500, 255));
    let counted = dir.path().join("counted.csv");
    fs::write(&counted, "page,systems\nAnn/p1.png,4\nAnn/p2.png,2\n").unwrap();
    let (ok, stdout, stderr) =
        trainer(&["slice", "--in", pages.to_str().unwrap(), "--count", counted.to_str().unwrap()]);
    assert!(ok, "{stderr}");
    let words: Vec<Vec<&str>> = stdout.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(words[1], ["staves", "2", "6", "5", "0.800", "0.667", "0"], "{stdout}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is written");
}
