//! `sideman.toml` from outside: what it holds counts, what is typed wins, and what is kept reads back.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::path::Path;

use assert_cmd::Command;

/// What `sideman` says, with its file in this folder.
fn says(dir: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sideman"));
    command.current_dir(dir).env("SIDEMAN_CONFIG", dir.join("home")).env("NO_COLOR", "1");
    command.env("SIDEMAN_STATE", dir.join("state"));
    let output = command.args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

const BRIEF: [&str; 4] = ["--headless", "--silent", "--seconds", "0.1"];

fn brief<'a>(more: &[&'a str]) -> Vec<&'a str> {
    BRIEF.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn what_is_typed_wins_over_the_file_and_no_file_may_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let file = |text: &str| std::fs::write(dir.join("home"), text).unwrap();
    file("mode = \"dance\"\n");
    let (done, text) = says(dir, &brief(&[]));
    assert!(!done && text.contains("dance"), "{text}");
    assert!(says(dir, &brief(&["--mode", "answer"])).0);
    assert!(says(dir, &brief(&["--no-config"])).0);
    assert!(says(dir, &["presets"]).0, "a verb has nothing to do with it");
    file("[set]\ntemperature = 9\n");
    let (done, text) = says(dir, &brief(&[]));
    assert!(!done && text.contains("temperature can't be '9'"), "{text}");
    file("tempreature = 0.5\n");
    let (done, text) = says(dir, &brief(&[]));
    assert!(!done && text.contains("'tempreature' is no option of `sideman`"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    // What can't stand beside what is typed gives way.
    file("jack = true\n");
    assert!(says(dir, &brief(&[])).0, "--silent was typed");
    let (done, text) = says(dir, &["--config", "missing.toml"]);
    assert!(!done && text.contains("missing.toml"), "{text}");
}

#[test]
fn what_is_kept_reads_back_and_what_is_printed_is_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (done, text) = says(dir, &["config"]);
    assert!(done && text.contains("not there yet"), "{text}");
    let table: toml::Table = toml::from_str(&text).unwrap();
    assert!(table.values().all(toml::Value::is_table), "headings only: {table}");
    let typed =
        ["--save-config", "--mode", "trade", "--set", "trade-bars=2", "--capture-bars", "8"];
    let (done, text) = says(dir, &brief(&typed));
    assert!(done && text.contains("Kept in"), "{text}");
    let (done, text) = says(dir, &brief(&["--save-config", "--set", "temperature=0.7"]));
    assert!(done, "{text}");
    let kept = std::fs::read_to_string(dir.join("home")).unwrap();
    let table: toml::Table = toml::from_str(&kept).unwrap();
    assert_eq!(table["mode"].as_str(), Some("trade"));
    assert_eq!(table["capture-bars"].as_integer(), Some(8));
    assert_eq!(table["silent"].as_bool(), Some(true));
    assert!(!table.contains_key("seconds"), "that was for once");
    let set = table["set"].as_table().unwrap();
    assert_eq!(
        (set["trade-bars"].as_integer(), set["temperature"].as_float()),
        (Some(2), Some(0.7))
    );
    let (done, printed) = says(dir, &["config"]);
    assert!(done);
    assert_eq!(toml::from_str::<toml::Table>(&printed).unwrap(), table);
}
