//! The evaluation that walks where players walk, on tiny songs whose people's figures are known.

use serde_json::Value;

use crate::{check_fails, program, sideman_train, songs};

/// How many situations a piece in 4/4 has.
const SITUATIONS: usize = 37;

fn near(value: &Value, want: f64) -> bool {
    value.as_f64().is_some_and(|got| (got - want).abs() < 1e-6)
}

#[test]
fn the_new_sections_walk_and_people_are_measured_right() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 3);
    let (data, out) = (data.to_str().unwrap(), folder.path().join("run"));
    let (model, plots) = (out.join("last"), out.join("plots"));
    let (out, model) = (out.to_str().unwrap(), model.to_str().unwrap());
    let tiny =
        ["--hidden", "16", "--embedding", "16", "--steps", "3", "--batch", "2", "--window", "16"];
    let (code, text) = program(&[&["lstm", "--data", data, "--out", out][..], &tiny].concat());
    assert_eq!(code, 0, "{text}");
    let eval = ["eval", "--model", model, "--data", data, "--only"];
    check_fails(&[&eval[..], &["situations", "--set", "temper=1"]].concat(), "temper");

    let output = sideman_train()
        .args(eval)
        .args(["situations,harmony,files", "--json", "--all", "--pieces", "2", "--bars", "8"])
        .args(["--set", "temperature=1.5", "--plots", plots.to_str().unwrap()])
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["idealised"].is_null() && json["nats_per_note"].is_null());

    assert_eq!(json["played"].as_array().unwrap().len(), 2);
    let situations = &json["situations"];
    assert_eq!(situations["settings"][0], "temperature=1.5");
    let rows = situations["rows"].as_array().unwrap();
    assert_eq!((rows.len(), situations["pieces"].as_u64()), (SITUATIONS, Some(2)));
    assert_eq!(rows[0]["situation"], "plain");
    assert!(near(&rows[0]["ratio_to_plain"], 1.0) && rows[0]["nearly_silent"] == 0, "{rows:?}");
    for row in rows {
        assert_eq!(row["pieces"], 2, "{row}");
        assert!((0.0..=1.0).contains(&row["empty_bars"].as_f64().unwrap()), "{row}");
        assert!(row["entry_bars"].as_f64().unwrap() >= 0.0, "{row}");
    }

    // Each melody note is a tone of the broken triad under it, which changes with each of eight bars.
    let people = &json["harmony"]["people"];
    assert!(near(&people["note_in_chord"], 1.0), "{people}");
    assert!(
        near(&people["silent_frames"], 0.0) && near(&people["classes_per_beat"], 3.0),
        "{people}"
    );
    assert!(near(&people["triad_changes_per_bar"], 7.0 / (129.0 / 16.0)), "{people}");
    assert!(near(&people["variety"], 0.0) && near(&people["synchronisation"], 0.0), "{people}");
    assert!(people["note_in_annotated"].is_null(), "no chord is named");
    assert!(json["harmony"]["ngram"].is_null(), "nothing was trained on");
    assert!(json["harmony"]["another_song"]["note_in_chord"].as_f64().unwrap() < 1.0);
    let by_beat = &json["harmony"]["by_beat"];
    assert_eq!(by_beat["people, cold"].as_array().unwrap().len(), 32);
    assert!(near(&by_beat["people, cold"][31], 1.0));
    assert!(by_beat["model, primed"][0].is_null(), "eight beats are in the ear");

    // Three notes a beat from the first bar on.
    let people = &json["files"]["people"];
    assert!(near(&people["notes_per_beat"], 3.0) && near(&people["empty_bars"], 0.0), "{people}");
    assert!(near(&people["shared_rhythm"], 1.0) && near(&people["entry_bar"], 0.0), "{people}");
    assert!(json["files"]["model"]["notes_per_beat"].as_f64().unwrap() >= 0.0);
    for plot in ["situations", "situations_empty", "note_in_chord"] {
        let picture = std::fs::read_to_string(plots.join(format!("{plot}.svg"))).unwrap();
        assert!(picture.starts_with("<svg") && !picture.contains("NaN"), "{plot}");
    }
}
