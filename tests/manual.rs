//! Completions and pages for man: every command of both programs is in them.
#![cfg(all(feature = "standalone", feature = "train"))]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use assert_cmd::Command;

fn said(program: &str, args: &[&str]) -> String {
    let mut command = Command::cargo_bin(program).unwrap();
    let done = command.args(args).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

#[test]
fn shells_complete_commands_and_options() {
    for (program, words) in
        [("sideman", ["jam", "--sideman-sound"]), ("sideman-train", ["listener", "--recipe"])]
    {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = said(program, &["completions", shell]);
            for word in words {
                // Fish names long options without their dashes.
                assert!(script.contains(word.trim_start_matches('-')), "{shell}: no {word}");
            }
        }
    }
}

#[test]
fn every_command_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    for (program, commands) in [
        ("sideman", &["play", "jam", "sounds", "man"][..]),
        ("sideman-train", &["lstm", "listener-train", "composer-predict"]),
    ] {
        assert!(said(program, &["man"]).starts_with(".ie"), "{program} has no page of its own");
        let out = dir.path().join("man1");
        said(program, &["man", "--out", out.to_str().unwrap()]);
        for command in commands {
            let page = out.join(format!("{program}-{command}.1"));
            let text = std::fs::read_to_string(&page).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{}", page.display());
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let out = file.path().join("man1");
    let mut command = Command::cargo_bin("sideman").unwrap();
    let failed = command.arg("man").arg("--out").arg(&out).assert().failure();
    let said = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(said.contains("man1") && said.lines().count() == 1, "{said}");
}
